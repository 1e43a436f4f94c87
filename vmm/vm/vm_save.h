/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving a VM, which vm_freeze.h holds still: the event loop puts the devices' state into a state
 * file, and the thread adds the rest, writes both files and syncs them.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/state_writer.h"
#include "vmm/control/monitor.h"

#include <limits.h>
#include <stdint.h>

struct vm;

struct vm_save {
	const char *where;	       /* --snapshots, borrowed; NULL: nothing can be saved */
	int dir_fd;		       /* owned: that directory */
	int pagemap_fd;		       /* owned; also for a fork and a reset; 0: none */
	char path[PATH_MAX];	       /* "": to descriptors */
	int state_to_fd, memory_to_fd; /* owned: these, during a save; or 0 */
	struct state_writer writer;
	uint64_t bytes;
};

/* Opens what a save needs, while mvmm may open files. -errno with @err set. */
int vm_save_init(struct vm *vm, const char *where, struct error *err);

/* monitor_ops.save. On the event loop's thread. */
int vm_save_begin(struct vm *vm, const struct monitor_save *to, struct error *err);

/*
 * Begins vm->save.writer: the machine, and the state of all that the event loop's thread owns. Of a
 * VM that is held still, on that thread. Returns 0, as vm_freeze_job.prepare.
 */
int vm_save_parts(struct vm *vm, struct error *err);

/* Takes a zeroed one. */
void vm_save_fini(struct vm_save *save);
