// SPDX-License-Identifier: Apache-2.0
/* Why a VM ended, and what it did until then. Start reading at vm_finish. */
#include "vmm/vm/vm_end.h"

#include "vmm/base/container_of.h"
#include "vmm/base/log.h"
#include "vmm/vm/vm_consoles.h"
#include "vmm/vm/vm_extras.h"
#include "vmm/vm/vm_state.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

void vm_finish(struct vm *vm, enum outcome outcome, int code, const char *detail)
{
	if (__atomic_exchange_n(&vm->ended, true, __ATOMIC_ACQ_REL))
		return;
	vm->end.outcome = outcome;
	vm->end.code = code;
	strncpy(vm->end.detail, detail, sizeof(vm->end.detail) - 1);
	event_loop_stop(&vm->loop);
}

static void guest_status(struct vm *vm, uint64_t status)
{
	char detail[160];

	if (outcome_is_guests(status)) {
		snprintf(detail, sizeof(detail), "the guest ended with status %" PRIu64, status);
		vm_finish(vm, OUTCOME_GUEST_STATUS, (int)status, detail);
		return;
	}
	snprintf(detail, sizeof(detail),
		 "the guest chose status %" PRIu64 ", which is not the guest's: it has 0 to 31 and "
		 "64 to 125",
		 status);
	vm_finish(vm, OUTCOME_BAD_STATUS, status < INT_MAX ? (int)status : INT_MAX, detail);
}

/* Once: the guest can do it as often as it likes. */
static void crash_kernel(struct vm *vm)
{
	if (!__atomic_exchange_n(&vm->crash_told, true, __ATOMIC_RELAXED))
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
	char detail[64];

	snprintf(detail, sizeof(detail), "ended by signal %d (%s)", signo, strsignal(signo));
	vm_finish(container_of(signals, struct vm, signals), OUTCOME_SIGNAL, signo, detail);
}

static void signal_continued(struct signals *signals)
{
	vm_consoles_take_terminal(container_of(signals, struct vm, signals));
}

const struct signals_ops vm_signals_ops = {
	.caught = signal_caught,
	.continued = signal_continued,
};

static void count_exits(struct vm_exits *all, const struct vcpu *vcpu)
{
	uint64_t total = 0;

	for (unsigned reason = 0; reason < VCPU_EXIT_REASONS; reason++)
		total += vcpu->exits[reason];
	all->mmio += vcpu->exits[KVM_EXIT_MMIO];
	all->io += vcpu->exits[KVM_EXIT_IO];
	all->interrupted += vcpu->exits[KVM_EXIT_INTR];
	all->shutdown += vcpu->exits[KVM_EXIT_SHUTDOWN];
	all->total += total;
}

/* For --result and the log: what there is to count. */
static void count(struct vm *vm)
{
	struct vm_end *end = &vm->end;

	for (unsigned i = 0; i < vm->n_vcpus; i++)
		count_exits(&end->exits, &vm->vcpus[i]);
	for (unsigned i = 0; i < vm->n_pmem; i++) {
		const struct pmem *pmem = &vm->pmem[i].pmem;

		snprintf(end->pmem[i].id, sizeof(end->pmem[i].id), "%s", pmem->virtio.name);
		end->pmem[i].counters = pmem->counters;
	}
	end->n_pmem = vm->n_pmem;
	while (vm_extras_count(vm, end->n_devices, &end->devices[end->n_devices]) == 0)
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

/* For people who look for where the time went. */
static void log_counts(const struct vm *vm)
{
	const struct vm_end *end = &vm->end;

	log_info("exits to user space: %" PRIu64 " mmio, %" PRIu64 " io, %" PRIu64 " in all",
		 end->exits.mmio, end->exits.io, end->exits.total);
	for (unsigned i = 0; i < end->n_pmem; i++) {
		const struct pmem_counters *n = &end->pmem[i].counters;

		log_info("%s: %" PRIu64 " flushes and %" PRIu64 " failed ones by %" PRIu64
			 " fdatasyncs, %" PRIu64 " stores dropped",
			 end->pmem[i].id, n->flushes, n->flush_errors, n->fdatasyncs,
			 n->stores_dropped);
		if (n->stores_dropped)
			log_warning("%s: %" PRIu64 " stores to %s were dropped", end->pmem[i].id,
				    n->stores_dropped, vm->pmem[i].pmem.backing->path);
	}
	for (unsigned i = 0; i < end->n_devices; i++)
		log_device(&end->devices[i]);
}

void vm_end_report(struct vm *vm)
{
	count(vm);
	log_counts(vm);
}
