// SPDX-License-Identifier: Apache-2.0
/* Waits on the event loop until the time is over. */
#include "vmm/vm/vm_timeout.h"

#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"
#include "vmm/vm/vm_hang.h"
#include "vmm/vm/vm_state.h"

#include <stdio.h>

static void due(struct event_op *op, int result)
{
	struct vm *vm = container_of(op, struct vm, timeout.op);
	char detail[80];

	(void)result;
	snprintf(detail, sizeof(detail), "timeout: the guest did not end within %u s",
		 vm->timeout.seconds);
	vm_hang_end(vm, OUTCOME_TIMEOUT, detail);
}

void vm_timeout_start(struct vm *vm)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);
	uint64_t at = vm->timer->ns[BOOT_MARK_EXEC] + vm->timeout.seconds * 1000000000ULL;
	uint64_t left = at > now ? at - now : 0;

	if (!vm->timeout.seconds)
		return;
	vm->timeout.op.done = due;
	vm->timeout.delay = (struct __kernel_timespec){ .tv_sec = (int64_t)(left / 1000000000),
							.tv_nsec = (int64_t)(left % 1000000000) };
	event_loop_delay(&vm->loop, &vm->timeout.op, &vm->timeout.delay);
}
