// SPDX-License-Identifier: Apache-2.0
/* Wires a VM together. Start reading at vm_create and vm_run. */
#include "vmm/vm.h"

#include "devices/pmem.h"
#include "vmm/bus.h"
#include "vmm/config_console.h"
#include "vmm/container_of.h"
#include "vmm/event_loop.h"
#include "vmm/guarded_copy.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/pmem_slot.h"
#include "vmm/power_bus.h"
#include "vmm/ram.h"
#include "vmm/ready.h"
#include "vmm/signals.h"
#include "vmm/terminal.h"
#include "vmm/time_slice.h"
#include "vmm/vcpu.h"
#include "vmm/vcpu_x86.h"
#include "vmm/vm_consoles.h"
#include "vmm/vm_extras.h"
#include "vmm/vm_fault.h"
#include "vmm/vm_hang.h"
#include "vmm/vm_monitor.h"
#include "vmm/vm_state.h"
#include "vmm/vm_timeout.h"
#include "vmm/vm_watchdog.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

void vm_finish(struct vm *vm, enum outcome outcome, int code, const char *detail)
{
	if (__atomic_exchange_n(&vm->ended, true, __ATOMIC_ACQ_REL))
		return;
	vm->end.outcome = outcome;
	vm->end.code = code;
	strncpy(vm->end.detail, detail, sizeof(vm->end.detail) - 1);
	event_loop_stop(&vm->loop);
}

static struct vm *vm_of_vcpu(struct vcpu *vcpu)
{
	return container_of(vcpu - vcpu->id, struct vm, vcpus[0]);
}

static void vcpu_ended(struct vcpu *vcpu, enum outcome outcome, const char *detail)
{
	vm_finish(vm_of_vcpu(vcpu), outcome, 0, detail);
}

static void vcpu_parked(struct vcpu *vcpu)
{
	event_loop_nudge(&vm_of_vcpu(vcpu)->loop);
}

static void vcpu_fault(struct vcpu *vcpu, const uint64_t *gpa)
{
	vm_fault(vm_of_vcpu(vcpu), vcpu->id, gpa);
}

static int vcpu_begins(struct vcpu *vcpu)
{
	return vm_confine_vcpu(vm_of_vcpu(vcpu));
}

static const struct vcpu_ops vcpu_ops = {
	.begins = vcpu_begins,
	.ended = vcpu_ended,
	.fault = vcpu_fault,
	.parked = vcpu_parked,
};

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

static const struct power_ops power_ops = { .request = power_request };

static void flush_failed(struct pmem *pmem, int error)
{
	struct pmem_slot *slot = container_of(pmem, struct pmem_slot, pmem);
	struct vm *vm = container_of(slot - slot->slot.number, struct vm, pmem[0]);

	monitor_flush_failed(&vm->monitor, pmem->virtio.name, error);
}

static const struct pmem_ops pmem_ops = { .flush_failed = flush_failed };

void vm_adopt_pmem(struct vm *vm, unsigned slot)
{
	vm->pmem[slot].pmem.ops = &pmem_ops;
	__atomic_store_n(&vm->n_pmem, slot + 1, __ATOMIC_RELEASE);
}

static void signal_caught(struct signals *signals, int signo)
{
	char detail[64];

	snprintf(detail, sizeof(detail), "ended by signal %d (%s)", signo, strsignal(signo));
	vm_finish(container_of(signals, struct vm, signals), OUTCOME_SIGNAL, signo, detail);
}

static const struct signals_ops signals_ops = { .caught = signal_caught };

static int create_event_loop(struct vm *vm, struct error *err)
{
	int ret = event_loop_init(&vm->loop);

	if (ret == -EPERM || ret == -ENOSYS)
		return error_set(err, -ret,
				 "io_uring is not available (%s); allow it with "
				 "sysctl kernel.io_uring_disabled=0, or in the container's seccomp "
				 "profile",
				 strerror(-ret));
	if (ret == -ENOMEM)
		return error_set(err, ENOMEM,
				 "cannot set up io_uring: %s; it locks some KiB, which needs a "
				 "limit of locked memory (ulimit -l) of 64 or more",
				 strerror(ENOMEM));
	if (ret < 0)
		return error_set(err, -ret, "cannot set up io_uring: %s", strerror(-ret));
	return 0;
}

static int create_memory(struct vm *vm, struct error *err)
{
	int ret = ram_init(&vm->ram, vm->machine->boot.ram_size, &vm->memory, err);

	for (unsigned i = 0; i < vm->machine->n_pmem && ret == 0; i++) {
		const struct machine_pmem *pmem = &vm->machine->pmem[i];

		ret = pmem_slot_add_memory(&pmem->backing, pmem->start, &vm->memory, err);
	}
	return ret;
}

int vm_add_slots(struct vm *vm, gpa_t start, uint64_t size, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < vm->memory.count && ret == 0; i++) {
		const struct guest_region *r = &vm->memory.regions[i];

		/* Below @start the difference wraps to more than any size. */
		if (r->start.value - start.value < size)
			ret = kvm_add_slot(&vm->kvm, r->start.value, r->size, r->host,
					   r->kind == GUEST_PMEM_READONLY, err);
	}
	return ret;
}

static int create_devices(struct vm *vm, const struct config *config, struct error *err)
{
	int ret;

	vm->mmio.loop = &vm->loop;
	ret = power_bus_init(&vm->power, &power_ops, &vm->kvm, &vm->mmio, &vm->ports,
			     config->debug_exit, err);
	if (ret < 0)
		return ret;
	if (config->watchdog)
		ret = vm_watchdog_init(vm, err);
	if (ret == 0)
		ret = vm_consoles_init(vm, config, err);
	if (ret < 0)
		return ret;
	/* There is room for them: layout.h keeps their places apart. */
	bus_add(&vm->ports, &vm->serial.ports);
	bus_add(&vm->ports, &vm->timer->port);
	bus_add(&vm->mmio, &vm->timer->byte);
	for (unsigned i = 0; i < vm->machine->n_pmem && ret == 0; i++) {
		struct machine_pmem *plan = &vm->machine->pmem[i];

		ret = pmem_slot_init(&vm->pmem[i], i, plan->id, &plan->backing, plan->start,
				     &vm->loop, &vm->memory, &vm->registers, err);
		vm_adopt_pmem(vm, i); /* also a half-built one, for vm_free */
	}
	vm->n_cold_pmem = vm->n_pmem;
	return ret < 0 ? ret : vm_extras_init(vm, config, err);
}

static int create_vcpus(struct vm *vm, struct error *err)
{
	for (unsigned i = 0; i < vm->machine->boot.cpus; i++) {
		int ret = vcpu_init(&vm->vcpus[i], i, &vm->kvm, &vm->ports, &vm->mmio, &vcpu_ops,
				    err);

		vm->n_vcpus = i + 1;
		if (ret < 0)
			return ret;
	}
	return vcpu_x86_setup(vm->vcpus, vm->n_vcpus, &vm->kvm, err);
}

static int connect_devices(struct vm *vm, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < vm->n_pmem && ret == 0; i++)
		ret = virtio_slot_connect(&vm->pmem[i].slot, &vm->kvm, err);
	for (unsigned i = 0; i < vm->n_extras && ret == 0; i++)
		ret = virtio_slot_connect(&vm->extras[i], &vm->kvm, err);
	for (unsigned i = 0; i < vm->n_pmem && ret == 0; i++)
		ret = pmem_slot_start(&vm->pmem[i], &vm->mmio, err);
	for (unsigned i = 0; i < vm->n_extras && ret == 0; i++)
		ret = virtio_slot_start(&vm->extras[i], &vm->mmio, NULL, err);
	return ret;
}

/* A monitor on standard input shares it with the console, if that is there, by Ctrl-A C. */
static int open_control(struct vm *vm, const struct config_control *c, bool stdio_is_console,
			struct error *err)
{
	enum control_protocol protocol = c->hmp ? CONTROL_HMP : CONTROL_QMP;
	int ret;

	if (strcmp(c->where, "stdio") != 0 || !stdio_is_console)
		return control_open(&vm->control, protocol, c->where, err);
	ret = control_open_console(&vm->control, isatty(STDIN_FILENO));
	if (ret < 0)
		return error_set(err, -ret, "--monitor stdio: %s", strerror(-ret));
	return 0;
}

static int create_control(struct vm *vm, const struct config *config, struct error *err)
{
	bool stdio_is_console = config_has_stdio_console(config);
	int ret = 0;

	monitor_init(&vm->monitor, &vm_monitor_ops);
	control_init(&vm->control, &vm->monitor, &vm->loop);
	vm->controlled = config->n_controls > 0;
	for (unsigned i = 0; i < config->n_controls && ret == 0; i++)
		ret = open_control(vm, &config->controls[i], stdio_is_console, err);
	return ret;
}

static int build(struct vm *vm, const struct config *config, struct error *err)
{
	int ret;

	ret = create_event_loop(vm, err);
	if (ret == 0)
		ret = signals_init(&vm->signals, &signals_ops, &vm->loop, err);
	if (ret == 0)
		ret = create_memory(vm, err);
	if (ret == 0)
		ret = kvm_open(&vm->kvm, config->kvm, err);
	if (ret == 0)
		ret = vm_add_slots(vm, gpa(0), UINT64_MAX, err);
	if (ret == 0)
		ret = register_pages_init(&vm->registers, &vm->kvm, err);
	if (ret == 0)
		ret = kvm_add_irqchips(&vm->kvm, err);
	if (ret == 0)
		ret = create_devices(vm, config, err);
	if (ret == 0)
		ret = create_vcpus(vm, err);
	if (ret == 0)
		ret = connect_devices(vm, err);
	if (ret == 0)
		ret = create_control(vm, config, err);
	return ret;
}

int vm_create(const struct config *config, struct machine *machine, struct boot_timer *timer,
	      struct vm **ret_vm, struct error *err)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int ret;

	if (!vm)
		return error_set(err, ENOMEM, "out of memory");
	vm->machine = machine;
	vm->timer = timer;
	vm->sandbox = &config->sandbox;
	vm->timeout.seconds = config->timeout;
	ret = build(vm, config, err);
	if (ret < 0) {
		vm_free(vm);
		return ret;
	}
	boot_timer_mark(timer, BOOT_MARK_CREATED);
	*ret_vm = vm;
	return 0;
}

int vm_load(struct vm *vm, struct error *err)
{
	struct boot_report report;
	struct boot_entry entry;
	int ret = boot_load(&vm->machine->boot, &vm->machine->source, &vm->memory, &entry, &report,
			    err);

	if (ret < 0)
		return ret;
	input_file_close(&vm->machine->source.initrd);
	/* It names the functions that vCPUs are in, for vm_hang. */
	if (!vm->timeout.seconds && !vm->watchdog.watchdog.ops)
		input_file_close(&vm->machine->source.kernel);
	log_info("%s of %" PRIu64 " KiB at 0x%" PRIx64, report.format, report.kernel_size >> 10,
		 report.kernel_start);
	boot_timer_mark(vm->timer, BOOT_MARK_LOADED);
	return vcpu_x86_enter(&vm->vcpus[0], &entry, err);
}

static void enter(struct vm *vm, struct ready *ready)
{
	ready_tell(ready);
	boot_timer_mark(vm->timer, BOOT_MARK_ENTERED);
	vm_resume(vm);
}

static void start(struct vm *vm, struct ready *ready)
{
	int ret = terminal_raw();

	if (ret < 0)
		log_warning("cannot set the terminal's mode: %s", strerror(-ret));
	/* Behind terminal_raw, whose action for SIGBUS stays that of all other accesses. */
	ret = guarded_copy_init();
	if (ret < 0)
		log_warning("cannot handle SIGBUS: %s", strerror(-ret));
	vm_consoles_start(vm);
	/* Until all threads are there and confined, none of them runs the guest. */
	vm->paused = true;
	for (unsigned i = 0; i < vm->n_vcpus; i++) {
		vcpu_pause(&vm->vcpus[i]);
		ret = vcpu_start(&vm->vcpus[i]);
		if (ret < 0) {
			vm_finish(vm, OUTCOME_HOST_ERROR, 0, "cannot start a vCPU's thread");
			return;
		}
	}
	/* After the vCPUs' threads, which would have it too; before io_uring's, which shall. */
	ret = time_slice_shorten();
	if (ret < 0)
		log_info("the event loop keeps its time slice: %s", strerror(-ret));
	if (vm_confine_thread(vm) < 0)
		vm_finish(vm, OUTCOME_HOST_ERROR, 0, "cannot confine the event loop's thread");
	else
		enter(vm, ready);
}

bool vm_is_parked(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		if (!vcpu_is_parked(&vm->vcpus[i]))
			return false;
	return true;
}

static bool are_all_parked(struct event_condition *condition)
{
	return vm_is_parked(container_of(condition, struct vm, all_parked));
}

void vm_pause(struct vm *vm)
{
	if (vm->paused)
		return;
	vm->paused = true;
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_pause(&vm->vcpus[i]);
	vm->all_parked.met = are_all_parked;
	event_loop_serve(&vm->loop, &vm->all_parked);
}

void vm_resume(struct vm *vm)
{
	/* One that hangs stands still until its end. */
	if (!vm->paused || vm->hang.op.done)
		return;
	vm->paused = false;
	vm->io_error = false;
	watchdog_renew(&vm->watchdog.watchdog);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_resume(&vm->vcpus[i]);
}

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

static void report_device(const struct device_counters *counters)
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
static void report(const struct vm *vm)
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
		report_device(&end->devices[i]);
}

void vm_run(struct vm *vm, struct ready *ready, struct vm_end *ret_end)
{
	int ret;

	start(vm, ready);
	vm_timeout_start(vm);
	ret = event_loop_run(&vm->loop);
	if (ret < 0)
		vm_finish(vm, OUTCOME_HOST_ERROR, 0, "io_uring failed");
	boot_timer_mark(vm->timer, BOOT_MARK_END);
	/* First nobody waits for the loop any more, then the vCPUs can be waited for. */
	event_loop_close(&vm->loop);
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_stop(&vm->vcpus[i]);
	vm_extras_finish(vm);
	if (vm->end.outcome == OUTCOME_GUEST_PANIC)
		monitor_guest_panicked(&vm->monitor, "poweroff");
	monitor_shutdown(&vm->monitor, vm_monitor_cause(vm->end.outcome));
	control_drain(&vm->control);
	vm_consoles_drain(vm);
	terminal_restore();
	count(vm);
	report(vm);
	*ret_end = vm->end;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_fini(&vm->vcpus[i]);
	event_loop_fini(&vm->loop);
	control_fini(&vm->control);
	for (unsigned i = 0; i < vm->n_pmem; i++)
		pmem_slot_fini(&vm->pmem[i]);
	vm_extras_fini(vm);
	vm_consoles_fini(vm);
	kvm_close(&vm->kvm);
	register_pages_fini(&vm->registers);
	ram_fini(&vm->ram);
	signals_fini(&vm->signals);
	free(vm);
}
