/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out that KVM tries for ever to get a page for a vCPU.
 *
 * If a page is not in memory, KVM fetches it asynchronously while the vCPU sleeps. If that fails,
 * KVM lets the vCPU run into the same page again, and reports nothing. But where the guest cannot
 * take an interrupt, KVM fetches the page synchronously, and KVM_RUN fails.
 */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

/* What the last calls have seen. Zeroed: nothing. */
struct vcpu_retry {
	struct kvm_regs regs;
	int stats_fd;	 /* owned; 0: not opened yet, -1: KVM does not count page faults */
	uint64_t offset; /* of the counter in there */
	uint64_t faults;
	unsigned times; /* how often in a row the vCPU stood still and took page faults */
};

/*
 * For a vCPU that has used CPU time since the last call, on its own thread. If all registers are as
 * they were, and the vCPU took page faults meanwhile, this asks KVM to hold back interrupts for one
 * instruction, as STI does: if a page is missing, the next KVM_RUN fails with EFAULT. A guest that
 * spins by itself takes no page faults, and is left alone, as is a vCPU that has halted.
 *
 * True if that has not helped for several calls, so that a page is likely to be missing. (Where KVM
 * does not count page faults it is always false.)
 */
bool vcpu_retry_is_likely(struct vcpu_retry *retry, int vcpu_fd);

/* Takes a zeroed one. */
void vcpu_retry_fini(struct vcpu_retry *retry);
