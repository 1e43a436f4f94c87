// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/snapshots.
/* The event loop's part of a save. Start reading at vm_save_begin. */
#include "vmm/vm/vm_save.h"

#include "vmm/base/file_lock.h"
#include "vmm/base/state_format.h"
#include "vmm/snapshot/private_pages.h"
#include "vmm/snapshot/snapshot_path.h"
#include "vmm/vm/vm_parts.h"
#include "vmm/vm/vm_save_files.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int vm_save_parts(struct vm *vm, struct error *err)
{
	state_writer_init(&vm->save.writer, STATE_MAX_SIZE);
	vm_parts_save(vm, &vm->save.writer);
	return 0;
}

static int save_files(struct vm *vm, struct error *err)
{
	return vm_save_files(vm, &vm->save.bytes, err);
}

static void close_descriptors(struct vm_save *save)
{
	if (save->state_to_fd)
		file_lock_close(save->state_to_fd);
	if (save->memory_to_fd)
		file_lock_close(save->memory_to_fd);
	save->state_to_fd = save->memory_to_fd = 0;
}

static void report(struct vm *vm, const char *error, uint64_t pause_us)
{
	const struct monitor_job job = {
		.error = error,
		.path = vm->save.state_to_fd ? NULL : vm->save.path,
		.bytes = vm->save.bytes,
		.pause_us = pause_us,
	};

	state_writer_fini(&vm->save.writer);
	close_descriptors(&vm->save);
	monitor_job_ended(&vm->monitor, MONITOR_EVENT_SAVED, &job);
}

static const struct vm_freeze_job save_job = {
	.command = "vm-save",
	.sync = true,
	.prepare = vm_save_parts,
	.work = save_files,
	.ended = report,
};

int vm_save_init(struct vm *vm, const char *where, struct error *err)
{
	struct vm_save *save = &vm->save;

	if (where || vm->config->fork || vm_can_reset(vm))
		save->pagemap_fd = private_pages_open();
	if (save->pagemap_fd < 0) {
		int ret = save->pagemap_fd;

		save->pagemap_fd = 0;
		/* vm-reset is only slower without it. */
		if (!where && !vm->config->fork)
			return 0;
		return error_system(err, -ret,
				    "--snapshots, or --memory fork=on: /proc/self/pagemap");
	}
	if (!where)
		return 0;
	save->dir_fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (save->dir_fd < 0) {
		save->dir_fd = 0;
		err->usage = true;
		return error_set(err, errno, "--snapshots %s: cannot open: %s; name a directory",
				 where, strerror(errno));
	}
	save->where = where;
	return 0;
}

static int begin_save(struct vm *vm, const struct monitor_save *to, struct error *err)
{
	struct vm_save *save = &vm->save;

	if (!save->where)
		return error_set(
			err, ENOTSUP,
			"vm-save%s%s: this VM cannot be saved; start mvmm with --snapshots "
			"DIR",
			to->path ? " " : "", to->path ? to->path : "");
	if (to->path && snapshot_path_check(to->path, "vm-save", err) < 0)
		return -EINVAL;
	strcpy(save->path, to->path ? to->path : "");
	save->bytes = 0;
	return vm_freeze_begin(vm, &save_job, err);
}

int vm_save_begin(struct vm *vm, const struct monitor_save *to, struct error *err)
{
	int ret;

	/* First, because the save may be over when it has begun. */
	if (!to->path) {
		vm->save.state_to_fd = to->state_fd;
		vm->save.memory_to_fd = to->memory_fd;
	}
	ret = begin_save(vm, to, err);
	if (ret < 0)
		close_descriptors(&vm->save);
	return ret;
}

void vm_save_fini(struct vm_save *save)
{
	close_descriptors(save);
	if (save->dir_fd)
		close(save->dir_fd);
	if (save->pagemap_fd)
		close(save->pagemap_fd);
	*save = (struct vm_save){ 0 };
}
