/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving a running VM: the vCPUs are stopped, and guest memory is frozen, so that devices leave it
 * as it is. When the flushes in flight are answered and the disks are synced, the event loop puts
 * the devices' state into a state file, and a thread of its own adds the rest, writes both files
 * and syncs them, because that takes long. Then the VM goes on.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/state_writer.h"
#include "vmm/base/worker.h"
#include "vmm/control/monitor.h"
#include "vmm/kvm/vcpu_state_x86.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct vm;

enum vm_save_phase {
	VM_SAVE_NONE,
	VM_SAVE_STOPPING, /* the vCPUs */
	VM_SAVE_DRAINING, /* flushes in flight */
	VM_SAVE_SYNCING,  /* the disks */
	VM_SAVE_WRITING,  /* on the thread */
};

struct vm_save {
	const char *where;	     /* --snapshots, borrowed; NULL: nothing can be saved */
	int dir_fd;		     /* owned: that directory */
	int pagemap_fd;		     /* owned */
	struct vcpu_state_host host; /* also for a restore */
	struct worker worker;
	enum vm_save_phase phase;
	bool resume;			  /* the VM goes on afterwards */
	struct monitor_listener listener; /* for the stop */
	char path[PATH_MAX];
	uint64_t stopped_ns;
	struct state_writer writer;
	/* How the thread's job ended. The thread posts this last. */
	struct event_call done;
	int result; /* 0 or -errno with @error set */
	struct error error;
	uint64_t bytes;
};

/* Opens what a save needs, while mvmm may open files. -errno with @err set. */
int vm_save_init(struct vm *vm, const char *where, struct error *err);

/* Starts the thread. Before the event loop's thread is confined. -errno. */
int vm_save_start(struct vm *vm);

/* monitor_ops.save. On the event loop's thread, as the next. */
int vm_save_begin(struct vm *vm, const char *path, struct error *err);

/* A disk has no flushes in flight any more. */
void vm_save_disk_idle(struct vm *vm);

static inline bool vm_save_is_under_way(const struct vm_save *save)
{
	return save->phase != VM_SAVE_NONE;
}

/* At the VM's end, when the loop is closed and before the vCPUs are stopped: waits for the thread,
 * and tells who waits for the save. */
void vm_save_finish(struct vm *vm);

/* Takes a zeroed one. */
void vm_save_fini(struct vm_save *save);
