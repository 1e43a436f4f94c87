// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/fork.
/* The event loop's part of vm-fork. Start reading at vm_fork_begin. */
#include "vmm/vm/vm_fork.h"

#include "vmm/base/file_lock.h"
#include "vmm/vm/vm_fork_files.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void report(struct vm *vm, const char *error, uint64_t pause_us)
{
	const struct monitor_job job = {
		.error = error,
		.children = vm->fork.children,
		.pause_us = pause_us,
	};

	state_writer_fini(&vm->save.writer);
	vm_fork_fini(&vm->fork);
	monitor_job_ended(&vm->monitor, MONITOR_EVENT_FORKED, &job);
}

static const struct vm_freeze_job fork_job = {
	.command = "vm-fork",
	.sync = true,
	.prepare = vm_save_parts,
	.work = vm_fork_files,
	.ended = report,
};

static int begin_fork(struct vm *vm, struct error *err)
{
	if (!vm->config->fork)
		return error_set(err, ENOTSUP,
				 "vm-fork: the VM's memory cannot be shared with children; start "
				 "mvmm with --memory SIZE,fork=on");
	return vm_freeze_begin(vm, &fork_job, err);
}

int vm_fork_begin(struct vm *vm, const int *sockets, unsigned n, struct error *err)
{
	struct vm_fork *fork = &vm->fork;
	int ret;

	fork->sockets = malloc(n * sizeof(*sockets));
	if (!fork->sockets) {
		for (unsigned i = 0; i < n; i++)
			file_lock_close(sockets[i]);
		return error_set(err, ENOMEM, "vm-fork: out of memory");
	}
	memcpy(fork->sockets, sockets, n * sizeof(*sockets));
	fork->n = n;
	ret = begin_fork(vm, err);
	if (ret < 0)
		vm_fork_fini(fork);
	return ret;
}

void vm_fork_fini(struct vm_fork *fork)
{
	for (unsigned i = 0; i < fork->n; i++)
		file_lock_close(fork->sockets[i]);
	free(fork->sockets);
	*fork = (struct vm_fork){ 0 };
}
