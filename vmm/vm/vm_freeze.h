/* SPDX-License-Identifier: Apache-2.0 */
// Tested by tests/e2e/snapshots.
/*
 * Holds the whole VM still while a job reads or changes all of it: the vCPUs are stopped, and guest
 * memory is frozen, so that devices leave it as it is. When the flushes in flight are answered, and
 * the disks are synced if the job wants that, the job prepares on the event loop, works on a thread
 * of its own, because that takes long, and settles on the event loop. Then the VM goes on.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/worker.h"
#include "vmm/control/monitor.h"

#include <stdbool.h>
#include <stdint.h>

struct vm;

/* Each function returns 0, or -errno with @err set; the ones behind it are then skipped. */
struct vm_freeze_job {
	const char *command; /* "vm-save", for messages */
	bool sync;	     /* the disks, before @prepare */
	int (*prepare)(struct vm *vm, struct error *err);
	int (*work)(struct vm *vm, struct error *err);
	int (*settle)(struct vm *vm, struct error *err); /* or NULL */
	/* Tells the monitor. @error is the text, or NULL. The VM runs again, if it ran before and
	 * is not broken. */
	void (*ended)(struct vm *vm, const char *error, uint64_t pause_us);
};

enum vm_freeze_phase {
	VM_FREEZE_NONE,
	VM_FREEZE_STOPPING, /* the vCPUs */
	VM_FREEZE_DRAINING, /* flushes in flight */
	VM_FREEZE_SYNCING,  /* the disks */
	VM_FREEZE_WORKING,  /* on the thread */
};

struct vm_freeze {
	const struct vm_freeze_job *job; /* while there is a phase */
	struct worker worker;
	enum vm_freeze_phase phase;
	bool resume; /* the VM goes on afterwards */
	bool broken; /* set by the job while the VM is half changed: if it fails, the VM ends */
	struct monitor_listener listener; /* for the stop */
	uint64_t stopped_ns;
	/* How the job ended. The thread posts this last. */
	struct event_call done;
	int result; /* 0 or -errno with @error set */
	struct error error;
};

/* Before the event loop runs. */
void vm_freeze_init(struct vm *vm);

/* Starts the thread, if the VM can have jobs. Before the event loop's thread is confined. -errno.
 */
int vm_freeze_start(struct vm *vm);

/*
 * Begins @job, whose function ended is called within this call or later, also if the VM ends
 * meanwhile. On the event loop's thread, as the next. Never called while a job is under way.
 * -EAGAIN with @err set: the VM is still being started.
 */
int vm_freeze_begin(struct vm *vm, const struct vm_freeze_job *job, struct error *err);

/* A disk has no flushes in flight any more. */
void vm_freeze_disk_idle(struct vm *vm);

static inline bool vm_freeze_is_under_way(const struct vm_freeze *freeze)
{
	return freeze->phase != VM_FREEZE_NONE;
}

/* At the VM's end, when the loop is closed and before the vCPUs are stopped: waits for the thread,
 * and tells who waits for the job. */
void vm_freeze_finish(struct vm *vm);
