// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/snapshots.
/* The event loop's part of a save. Start reading at vm_save_begin. */
#include "vmm/vm/vm_save.h"

#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"
#include "vmm/base/state_format.h"
#include "vmm/config/config_state.h"
#include "vmm/snapshot/private_pages.h"
#include "vmm/snapshot/snapshot_path.h"
#include "vmm/vm/vm_parts.h"
#include "vmm/vm/vm_save_files.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The VM runs again, and whoever asked for the save is told. */
static void end(struct vm *vm)
{
	struct vm_save *save = &vm->save;
	const struct monitor_saved saved = {
		.path = save->path,
		.error = save->result < 0 ? save->error.text : NULL,
		.bytes = save->bytes,
		.pause_us = (clock_now_ns(CLOCK_MONOTONIC) - save->stopped_ns) / 1000,
	};

	state_writer_fini(&save->writer);
	save->phase = VM_SAVE_NONE;
	vm->memory.frozen = false;
	vm_parts_kick(vm);
	if (save->resume && vm_resume(vm))
		monitor_resumed(&vm->monitor);
	monitor_saved(&vm->monitor, &saved);
}

/* The machine, and the state of all that the event loop's thread owns. */
static void gather(struct vm *vm)
{
	struct vm_save *save = &vm->save;

	state_writer_init(&save->writer, STATE_MAX_SIZE);
	vm_parts_save(vm, &save->writer);
	save->phase = VM_SAVE_WRITING;
	/* Until the thread says how it went. */
	save->result =
		error_set(&save->error, ECANCELED, "vm-save %s: was not finished", save->path);
	worker_run(&save->worker);
}

/* What the guest has stored so far is to be what a restore finds. */
static void sync_disks(struct vm *vm)
{
	vm->save.phase = VM_SAVE_SYNCING;
	vm_parts_sync(vm);
	vm_save_disk_idle(vm);
}

static void finish_sync(struct vm *vm)
{
	vm->save.result = vm_parts_sync_result(vm, &vm->save.error);
	if (vm->save.result < 0)
		end(vm);
	else
		gather(vm);
}

void vm_save_disk_idle(struct vm *vm)
{
	if (!vm_parts_are_idle(vm))
		return;
	if (vm->save.phase == VM_SAVE_DRAINING)
		sync_disks(vm);
	else if (vm->save.phase == VM_SAVE_SYNCING)
		finish_sync(vm);
}

/* The vCPUs have stopped: devices begin nothing new. */
static void drain(struct vm *vm)
{
	vm->memory.frozen = true;
	vm->save.phase = VM_SAVE_DRAINING;
	vm_save_disk_idle(vm);
}

static void hear(struct monitor_listener *listener, const struct monitor_event *event)
{
	struct vm *vm = container_of(listener, struct vm, save.listener);

	if (event->type == MONITOR_EVENT_STOP && vm->save.phase == VM_SAVE_STOPPING)
		drain(vm);
}

int vm_save_init(struct vm *vm, const char *where, struct error *err)
{
	struct vm_save *save = &vm->save;

	if (!where)
		return 0;
	save->dir_fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (save->dir_fd < 0) {
		save->dir_fd = 0;
		err->usage = true;
		return error_set(err, errno, "--snapshots %s: cannot open: %s; name a directory",
				 where, strerror(errno));
	}
	save->pagemap_fd = private_pages_open();
	if (save->pagemap_fd < 0) {
		int ret = save->pagemap_fd;

		save->pagemap_fd = 0;
		return error_system(err, -ret, "--snapshots %s: /proc/self/pagemap", where);
	}
	save->where = where;
	save->listener.event = hear;
	monitor_listen(&vm->monitor, &save->listener);
	return 0;
}

static int begins(struct worker *worker)
{
	const struct vm *vm = container_of(worker, struct vm, save.worker);

	return sandbox_confine_thread(vm->sandbox, SANDBOX_SAVE,
				      (struct sandbox_descriptors){ .vm = vm->kvm.vm_fd });
}

static void work(struct worker *worker)
{
	struct vm *vm = container_of(worker, struct vm, save.worker);
	struct vm_save *save = &vm->save;

	save->result = vm_save_files(vm, &save->bytes, &save->error);
	event_loop_post(&vm->loop, &save->done);
}

static const struct worker_ops worker_ops = { begins, work };

static void written(struct event_call *call)
{
	end(container_of(call, struct vm, save.done));
}

int vm_save_start(struct vm *vm)
{
	if (!vm->save.where)
		return 0;
	/* Or the thread would get a heap of its own, by calls that the sandbox does not allow. */
	mallopt(M_ARENA_MAX, 1);
	vm->save.done.run = written;
	return worker_start(&vm->save.worker, &worker_ops);
}

int vm_save_begin(struct vm *vm, const char *path, struct error *err)
{
	struct vm_save *save = &vm->save;

	if (!save->where)
		return error_set(err, ENOTSUP,
				 "vm-save %s: there is no directory for it; start mvmm with "
				 "--snapshots DIR",
				 path);
	if (snapshot_path_check(path, "vm-save", err) < 0)
		return -EINVAL;
	/* With --paused, the vCPUs' threads may not have got there yet. */
	if (vm->paused && !vm_is_stopping(vm) && !vm_is_parked(vm))
		return error_set(err, EAGAIN,
				 "vm-save %s: the VM is still being started; try again", path);
	strcpy(save->path, path);
	save->phase = VM_SAVE_STOPPING;
	save->result = 0;
	save->resume = !vm->paused;
	save->stopped_ns = clock_now_ns(CLOCK_MONOTONIC);
	if (!vm->paused)
		vm_pause(vm);
	else if (!vm_is_stopping(vm))
		drain(vm);
	return 0;
}

void vm_save_finish(struct vm *vm)
{
	struct vm_save *save = &vm->save;
	bool writing = save->phase == VM_SAVE_WRITING;

	worker_stop(&save->worker);
	if (!vm_save_is_under_way(save))
		return;
	if (!writing)
		save->result =
			error_set(&save->error, ECANCELED,
				  "vm-save %s: the VM ended before it was saved", save->path);
	end(vm);
}

void vm_save_fini(struct vm_save *save)
{
	if (save->dir_fd)
		close(save->dir_fd);
	if (save->pagemap_fd)
		close(save->pagemap_fd);
	*save = (struct vm_save){ 0 };
}
