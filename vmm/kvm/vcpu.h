/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU: a thread around KVM_RUN. It only runs the guest and brings its register accesses to the
 * buses. vcpu_x86.h has the parts that depend on the architecture, such as the initial state.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/outcome.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu_retry_x86.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Exits are counted by KVM's reason number; larger numbers share the last place. */
#define VCPU_EXIT_REASONS 64

struct vcpu;

/* The number of exits to user space, by kind and in total. */
struct vcpu_exits {
	uint64_t mmio, io, interrupted, shutdown, total;
};

struct vcpu_ops {
	/* The first thing that the thread does; -errno ends the VM. May be NULL. */
	int (*begins)(struct vcpu *vcpu);
	/* The guest ended or cannot go on; @detail says why. On the vCPU's thread, at most once. */
	void (*ended)(struct vcpu *vcpu, enum outcome outcome, const char *detail);
	/*
	 * The host cannot supply the memory that the guest touched, at guest-physical *@gpa, or
	 * NULL if KVM does not say where. The vCPU has paused; after vcpu_resume it tries again. On
	 * the vCPU's thread.
	 */
	void (*fault)(struct vcpu *vcpu, const uint64_t *gpa);
	/*
	 * Whether a file behind the guest's memory shows why a page is missing, for a vCPU that KVM
	 * seems to retry for ever (vcpu_retry_x86.h). On the vCPU's thread.
	 */
	bool (*lacks_page)(struct vcpu *vcpu);
	/* vcpu->parked became true, by vcpu_pause or at the end. On the vCPU's thread. */
	void (*parked)(struct vcpu *vcpu);
};

struct vcpu {
	unsigned id;	     /* from 0 on, without gaps */
	unsigned apic_id;    /* KVM's id of it */
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
	bool pause;  /* atomic to read, written under lock */
	bool parked; /* likewise: the vCPU is out of the guest */
	/* The last exit's access is still to be made. Written by the thread, read while parked. */
	bool unfinished;
	bool in_instruction; /* KVM_RUN has yet to complete the access's instruction; likewise */
	struct vcpu_retry retry; /* used by the thread only */
	uint64_t exits[VCPU_EXIT_REASONS];
};

/* Makes vCPU @id of @kvm, with this local APIC id. The buses stay the caller's. -errno with @err
 * set. */
int vcpu_init(struct vcpu *vcpu, unsigned id, unsigned apic_id, const struct kvm *kvm,
	      const struct bus *ports, const struct bus *mmio, const struct vcpu_ops *ops,
	      struct error *err);

/* Takes a zeroed or half-built one; its thread must have been stopped. */
void vcpu_fini(struct vcpu *vcpu);

/* Starts the thread. -errno. */
int vcpu_start(struct vcpu *vcpu);

/*
 * Makes the vCPU leave the guest and wait; @ops->parked reports when it does. Until then it may
 * still need the event loop to complete a register access. It waits between two instructions,
 * unless @unfinished.
 */
void vcpu_pause(struct vcpu *vcpu);

/* Makes a paused vCPU go on. */
void vcpu_resume(struct vcpu *vcpu);

/* Whether it is out of the guest: it waits, has ended or was never started. */
bool vcpu_is_parked(const struct vcpu *vcpu);

/*
 * Whether @vcpu, which is parked, is in the middle of an access to memory that the host could not
 * supply, which it tries again when it goes on.
 */
static inline bool vcpu_waits_for_memory(const struct vcpu *vcpu)
{
	return vcpu->unfinished;
}

/* Ends the thread and waits for that. Does nothing if it never started. */
void vcpu_stop(struct vcpu *vcpu);

/* Adds the exits of @vcpu, whose thread has ended or waits, to @all. */
void vcpu_count_exits(const struct vcpu *vcpu, struct vcpu_exits *all);
