// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/snapshots.
/* Stops the VM for a job. Start reading at vm_freeze_begin. */
#include "vmm/vm/vm_freeze.h"

#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"
#include "vmm/vm/vm_parts.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <malloc.h>

/* Devices do not look at their queues any more, which may be of another moment than they are. */
static void end_broken(struct vm *vm, const char *error)
{
	vm->memory.frozen = true;
	vm_finish(vm, OUTCOME_HOST_ERROR, 0, error);
}

static void go_on(struct vm *vm)
{
	vm->memory.frozen = false;
	vm_parts_kick(vm);
	if (vm->freeze.resume && vm_resume(vm))
		monitor_resumed(&vm->monitor);
}

/* The VM runs again, and whoever asked for the job is told. */
static void end_job(struct vm *vm)
{
	struct vm_freeze *freeze = &vm->freeze;
	const char *error;
	uint64_t pause_us;

	if (freeze->result == 0 && freeze->job->settle)
		freeze->result = freeze->job->settle(vm, &freeze->error);
	error = freeze->result < 0 ? freeze->error.text : NULL;
	pause_us = (clock_now_ns(CLOCK_MONOTONIC) - freeze->stopped_ns) / 1000;
	freeze->phase = VM_FREEZE_NONE;
	if (error && freeze->broken)
		end_broken(vm, error);
	else
		go_on(vm);
	freeze->job->ended(vm, error, pause_us);
}

static void begin_work(struct vm *vm)
{
	struct vm_freeze *freeze = &vm->freeze;

	freeze->result = freeze->job->prepare(vm, &freeze->error);
	if (freeze->result < 0) {
		end_job(vm);
		return;
	}
	freeze->phase = VM_FREEZE_WORKING;
	/* Until the thread says how it went. */
	freeze->result =
		error_set(&freeze->error, ECANCELED, "%s: was not finished", freeze->job->command);
	worker_run(&freeze->worker);
}

/* What the guest has stored so far is to be what a restore finds. */
static void sync_disks(struct vm *vm)
{
	vm->freeze.phase = VM_FREEZE_SYNCING;
	vm_parts_sync(vm);
	vm_freeze_disk_idle(vm);
}

static void finish_sync(struct vm *vm)
{
	vm->freeze.result = vm_parts_sync_result(vm, &vm->freeze.error);
	if (vm->freeze.result < 0)
		end_job(vm);
	else
		begin_work(vm);
}

void vm_freeze_disk_idle(struct vm *vm)
{
	if (!vm_parts_are_idle(vm))
		return;
	if (vm->freeze.phase == VM_FREEZE_DRAINING) {
		if (vm->freeze.job->sync)
			sync_disks(vm);
		else
			begin_work(vm);
	} else if (vm->freeze.phase == VM_FREEZE_SYNCING) {
		finish_sync(vm);
	}
}

/* The vCPUs have stopped: devices begin nothing new. */
static void drain(struct vm *vm)
{
	vm->memory.frozen = true;
	vm->freeze.phase = VM_FREEZE_DRAINING;
	vm_freeze_disk_idle(vm);
}

static void wait_for_stop(struct monitor_listener *listener, const struct monitor_event *event)
{
	struct vm *vm = container_of(listener, struct vm, freeze.listener);

	if (event->type == MONITOR_EVENT_STOP && vm->freeze.phase == VM_FREEZE_STOPPING)
		drain(vm);
}

void vm_freeze_init(struct vm *vm)
{
	vm->freeze.listener.event = wait_for_stop;
	monitor_listen(&vm->monitor, &vm->freeze.listener);
}

static int confine(struct worker *worker)
{
	static const enum sandbox_thread threads[2][2][2] = {
		{ { SANDBOX_JOB, SANDBOX_FORK }, { SANDBOX_RESET, SANDBOX_RESET_FORK } },
		{ { SANDBOX_SAVE, SANDBOX_SAVE_FORK },
		  { SANDBOX_SAVE_RESET, SANDBOX_SAVE_RESET_FORK } },
	};
	const struct vm *vm = container_of(worker, struct vm, freeze.worker);
	bool saves = vm->save.where;

	return sandbox_confine_thread(vm->sandbox,
				      threads[saves][vm_can_reset(vm)][vm_can_fork(vm)],
				      (struct sandbox_descriptors){ .vm = vm->kvm.vm_fd });
}

static void work(struct worker *worker)
{
	struct vm *vm = container_of(worker, struct vm, freeze.worker);
	struct vm_freeze *freeze = &vm->freeze;

	freeze->result = freeze->job->work(vm, &freeze->error);
	event_loop_post(&vm->loop, &freeze->done);
}

static const struct worker_ops worker_ops = { confine, work };

static void work_done(struct event_call *call)
{
	end_job(container_of(call, struct vm, freeze.done));
}

int vm_freeze_start(struct vm *vm)
{
	if (!vm->save.where && !vm_can_reset(vm) && !vm_can_fork(vm))
		return 0;
	/* Or the thread would get a heap of its own, by calls that the sandbox does not allow. */
	mallopt(M_ARENA_MAX, 1);
	vm->freeze.done.run = work_done;
	return worker_start(&vm->freeze.worker, &worker_ops);
}

int vm_freeze_begin(struct vm *vm, const struct vm_freeze_job *job, struct error *err)
{
	struct vm_freeze *freeze = &vm->freeze;

	/* With --paused, the vCPUs' threads may not have got there yet. */
	if (vm->paused && !vm_is_stopping(vm) && !vm_is_parked(vm))
		return error_set(err, EAGAIN, "%s: the VM is still being started; try again",
				 job->command);
	freeze->job = job;
	freeze->phase = VM_FREEZE_STOPPING;
	freeze->result = 0;
	freeze->broken = false;
	freeze->resume = !vm->paused;
	freeze->stopped_ns = clock_now_ns(CLOCK_MONOTONIC);
	if (!vm->paused)
		vm_pause(vm);
	else if (!vm_is_stopping(vm))
		drain(vm);
	return 0;
}

void vm_freeze_finish(struct vm *vm)
{
	struct vm_freeze *freeze = &vm->freeze;
	bool working = freeze->phase == VM_FREEZE_WORKING;

	worker_stop(&freeze->worker);
	if (!vm_freeze_is_under_way(freeze))
		return;
	/* What is to settle needs the event loop. */
	if (!working || freeze->job->settle)
		freeze->result =
			error_set(&freeze->error, ECANCELED, "%s: the VM ended before it was done",
				  freeze->job->command);
	end_job(vm);
}
