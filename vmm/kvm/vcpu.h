/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU: a thread around KVM_RUN. It does nothing but run the guest and bring its register
 * accesses to the buses. What differs by architecture, the state that it starts in, is in
 * vcpu_x86.h.
 */
#ifndef MVMM_VMM_VCPU_H
#define MVMM_VMM_VCPU_H

#include "vmm/base/error.h"
#include "vmm/base/outcome.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/kvm.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Exits counted by KVM's own reason numbers; those beyond share the last place. */
#define VCPU_EXIT_REASONS 64

struct vcpu;

struct vcpu_ops {
	/* The first that the thread does; -errno ends the guest. NULL: nothing. */
	int (*begins)(struct vcpu *vcpu);
	/* The guest ended, or cannot go on: @detail says why. On the vCPU's thread, at most once.
	 */
	void (*ended)(struct vcpu *vcpu, enum outcome outcome, const char *detail);
	/*
	 * The host cannot supply the memory that the guest touched: at guest-physical *@gpa, or
	 * NULL where KVM does not tell. The vCPU has paused; vcpu_resume has it try again. On the
	 * vCPU's thread.
	 */
	void (*fault)(struct vcpu *vcpu, const uint64_t *gpa);
	/* vcpu->parked became true, after vcpu_pause or for good. On the vCPU's thread. */
	void (*parked)(struct vcpu *vcpu);
};

struct vcpu {
	unsigned id;
	int fd;		     /* owned */
	struct kvm_run *run; /* owned mapping */
	int run_size;
	const struct vcpu_ops *ops;
	const struct bus *ports; /* borrowed */
	const struct bus *mmio;	 /* borrowed */
	pthread_t thread;
	int thread_id; /* atomic; 0 before the thread runs */
	bool started;
	bool stop; /* atomic */
	pthread_mutex_t lock;
	pthread_cond_t resumed;
	bool pause;	      /* atomic to read, written under lock */
	bool parked;	      /* the same: it is out of the guest */
	bool unfinished;      /* the exit's access has not been made yet; of the thread */
	struct kvm_regs seen; /* by vcpu_x86_stands_still */
	uint64_t exits[VCPU_EXIT_REASONS];
};

/* Makes vCPU @id of @kvm. The buses stay the caller's. -errno with @err set. */
int vcpu_init(struct vcpu *vcpu, unsigned id, const struct kvm *kvm, const struct bus *ports,
	      const struct bus *mmio, const struct vcpu_ops *ops, struct error *err);

/* Takes a zeroed or half-built one; its thread must have been stopped. */
void vcpu_fini(struct vcpu *vcpu);

/* Starts the thread. -errno. */
int vcpu_start(struct vcpu *vcpu);

/*
 * Has the vCPU leave the guest and wait; @ops->parked tells when it does. It may still need the
 * event loop to serve the register access that it is in the middle of.
 */
void vcpu_pause(struct vcpu *vcpu);

/* Lets a paused vCPU go on. */
void vcpu_resume(struct vcpu *vcpu);

/* Whether it is out of the guest and waits, or has ended, or was never started. */
bool vcpu_is_parked(const struct vcpu *vcpu);

/* Makes the thread leave the guest for good and waits for it; does nothing if it never started. */
void vcpu_stop(struct vcpu *vcpu);

#endif
