// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/outcomes.
/* Ends a VM for the guest and for signals, and reports what the VM did until then. */
#include "vmm/vm/vm_end.h"

#include "vmm/base/container_of.h"
#include "vmm/base/log.h"
#include "vmm/vm/vm_state.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void guest_status(struct vm *vm, uint64_t status)
{
	char detail[160];

	if (outcome_is_guests(status)) {
		snprintf(detail, sizeof(detail), "the guest ended with status %" PRIu64, status);
		vm_finish(vm, OUTCOME_GUEST_STATUS, (int)status, detail);
		return;
	}
	snprintf(detail, sizeof(detail),
		 "the guest chose status %" PRIu64 ", but it can only choose 0 to 31 and 64 to 125",
		 status);
	vm_finish(vm, OUTCOME_BAD_STATUS, status < INT_MAX ? (int)status : INT_MAX, detail);
}

/* Only once, although the guest can do it as often as it likes. */
static void crash_kernel(struct vm *vm)
{
	if (!__atomic_exchange_n(&vm->crash_logged, true, __ATOMIC_RELAXED))
		log_warning("the guest's kernel panicked, and its crash kernel takes over");
}

static void power_request(struct power *power, enum power_request request, uint64_t status)
{
	struct vm *vm = container_of(power, struct vm, power.power);

	switch (request) {
	case POWER_OFF:
		vm_finish(vm, OUTCOME_POWER_OFF, 0, "the guest powered off");
		break;
	case POWER_RESET:
		vm_finish(vm, OUTCOME_RESET, 0, "the guest asked for a reset");
		break;
	case POWER_EXIT:
		guest_status(vm, status);
		break;
	case POWER_PANIC:
		vm_finish(vm, OUTCOME_GUEST_PANIC, 0, "the guest's kernel panicked");
		break;
	case POWER_CRASH:
		crash_kernel(vm);
		break;
	}
}

const struct power_ops vm_power_ops = { .request = power_request };

static void signal_caught(struct signals *signals, int signo)
{
	struct vm *vm = container_of(signals, struct vm, signals);
	char detail[64];

	if (signo == SIGTERM && launcher_parent_has_ended(&vm->launcher))
		snprintf(detail, sizeof(detail), "launcher gone: its process has ended");
	else
		snprintf(detail, sizeof(detail), "ended by signal %d (%s)", signo,
			 strsignal(signo));
	vm_finish(vm, OUTCOME_SIGNAL, signo, detail);
}

static void launcher_gone(struct launcher *launcher)
{
	vm_finish(container_of(launcher, struct vm, launcher), OUTCOME_SIGNAL, SIGTERM,
		  "launcher gone: the descriptor of --life-fd is at its end");
}

const struct launcher_ops vm_launcher_ops = { .gone = launcher_gone };

static void signal_continued(struct signals *signals)
{
	vm_consoles_take_terminal(container_of(signals, struct vm, signals));
}

const struct signals_ops vm_signals_ops = {
	.caught = signal_caught,
	.continued = signal_continued,
};

/* Collects the counts for --result and the log. */
static void count(struct vm *vm)
{
	struct vm_end *end = &vm->end;

	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_count_exits(&vm->vcpus[i], &end->exits);
	for (unsigned i = 0; i < vm->n_pmem; i++)
		pmem_count(&vm->pmem[i].pmem, &end->pmem[i]);
	end->n_pmem = vm->n_pmem;
	while (vm_devices_count(vm, end->n_devices, &end->devices[end->n_devices]) == 0)
		end->n_devices++;
	vm_consoles_report(vm);
}

static void log_device(const struct device_counters *counters)
{
	char text[DEVICE_COUNTERS_MAX * 48] = "";
	size_t used = 0;

	for (unsigned i = 0; i < counters->n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s %" PRIu64,
					 i ? "," : "", counters->list[i].name,
					 counters->list[i].value);
	log_info("%s:%s", counters->id, text);
}

/* For people who want to know where the time was spent. */
static void log_counts(const struct vm *vm)
{
	const struct vm_end *end = &vm->end;

	log_info("exits to user space: %" PRIu64 " mmio, %" PRIu64 " io, %" PRIu64 " in all",
		 end->exits.mmio, end->exits.io, end->exits.total);
	for (unsigned i = 0; i < end->n_pmem; i++) {
		const struct device_counters *c = &end->pmem[i];
		uint64_t dropped = device_counters_get(c, "stores-dropped");

		log_info("%s: %" PRIu64 " flushes succeeded, %" PRIu64 " failed, with %" PRIu64
			 " fdatasyncs; %" PRIu64 " stores were dropped",
			 c->id, device_counters_get(c, "flushes"),
			 device_counters_get(c, "flush-errors"),
			 device_counters_get(c, "fdatasyncs"), dropped);
		if (dropped)
			log_warning("%s: %" PRIu64 " stores to %s were dropped", c->id, dropped,
				    vm->pmem[i].pmem.backing->path);
	}
	for (unsigned i = 0; i < end->n_devices; i++)
		log_device(&end->devices[i]);
	log_report_suppressed();
}

void vm_end_report(struct vm *vm)
{
	count(vm);
	log_counts(vm);
}
