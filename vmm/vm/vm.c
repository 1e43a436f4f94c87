// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/guests.
/* Builds a VM from its parts, and frees it. Start reading at build. */
#include "vmm/vm/vm.h"

#include "boot/topology_x86.h"
#include "vmm/base/log.h"
#include "vmm/config/config_console.h"
#include "vmm/kvm/kvm_x86.h"
#include "vmm/kvm/vcpu_x86.h"
#include "vmm/vm/vm_end.h"
#include "vmm/vm/vm_restore.h"
#include "vmm/vm/vm_run.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
		return error_set(
			err, ENOMEM,
			"cannot set up io_uring: %s; it needs some KiB of locked memory, so raise "
			"the limit (ulimit -l) to 64 or more",
			strerror(ENOMEM));
	if (ret < 0)
		return error_system(err, -ret, "cannot set up io_uring");
	return 0;
}

static int create_memory(struct vm *vm, const struct config *config, struct error *err)
{
	/* The RAM of a restored VM is private memory over the snapshot's. */
	bool memfd = config->fork && !config->restore.where;
	int ret = ram_init(&vm->ram, vm->machine->boot.ram_size, memfd, &vm->memory, err);

	for (unsigned i = 0; i < vm->machine->n_pmem && ret == 0; i++) {
		const struct machine_pmem *pmem = &vm->machine->pmem[i];

		ret = pmem_slot_add_memory(&pmem->backing, pmem->start, &vm->memory, err);
	}
	if (ret == 0 && config->restore.where)
		ret = vm_restore_memory(vm, &config->restore, err);
	return ret;
}

static int create_vmgenid(struct vm *vm, struct error *err)
{
	int ret;

	kvm_line_init(&vm->vmgenid_interrupt, &vm->kvm, LAYOUT_VMGENID_GSI);
	ret = vmgenid_init(&vm->vmgenid, register_pages_vmgenid(&vm->registers),
			   &vm->vmgenid_interrupt.line);
	return ret < 0 ? error_system(err, -ret, "cannot make a generation id: getrandom") : 0;
}

static int create_devices(struct vm *vm, const struct config *config, struct error *err)
{
	int ret;

	vm->mmio.loop = &vm->loop;
	ret = power_bus_init(&vm->power, &vm_power_ops, &vm->kvm, &vm->mmio, &vm->ports,
			     config->debug_exit, err);
	if (ret == 0)
		ret = create_vmgenid(vm, err);
	if (ret < 0)
		return ret;
	if (config->watchdog)
		ret = vm_watchdog_init(vm, err);
	if (ret == 0)
		ret = error_blame_option(err, vm_consoles_init(vm, config, err));
	if (ret < 0)
		return ret;
	vm_ready_init(vm);
	/* They cannot fail: layout.h keeps their places apart. */
	bus_add(&vm->ports, &vm->serial.ports);
	bus_add(&vm->ports, &vm->timer->port);
	bus_add(&vm->mmio, &vm->timer->byte);
	for (unsigned i = 0; i < vm->machine->n_pmem && ret == 0; i++) {
		struct machine_pmem *plan = &vm->machine->pmem[i];

		ret = pmem_slot_init(&vm->pmem[i], i, plan->id, &plan->backing, plan->start,
				     &vm->loop, &vm->memory, &vm->registers, err);
		vm_memory_adopt(vm, i); /* also a half-built one, for vm_free */
	}
	vm->n_cold_pmem = vm->n_pmem;
	return ret < 0 ? ret : vm_devices_init(vm, config, err);
}

static int create_vcpus(struct vm *vm, const struct config *config, struct error *err)
{
	const struct boot_machine *machine = &vm->machine->boot;
	const struct cpuid_x86 cpuid = {
		.topology = machine->topology,
		.all_features = config->cpu_features == CONFIG_CPU_FEATURES_HOST,
	};
	int ret = cpuid.all_features ? 0 : kvm_x86_remove_counters(&vm->kvm, err);

	for (unsigned i = 0; i < machine->cpus && ret == 0; i++) {
		unsigned apic_id = topology_x86_apic_id(&machine->topology, i);

		ret = vcpu_init(&vm->vcpus[i], i, apic_id, &vm->kvm, &vm->ports, &vm->mmio,
				&vm_vcpu_ops, err);
		vm->n_vcpus = i + 1;
	}
	return ret < 0 ? ret : vcpu_x86_setup(vm->vcpus, vm->n_vcpus, &cpuid, &vm->kvm, err);
}

static int connect_devices(struct vm *vm, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < vm->n_pmem && ret == 0; i++)
		ret = virtio_slot_connect(&vm->pmem[i].slot, &vm->kvm, err);
	for (unsigned i = 0; i < vm->n_devices && ret == 0; i++)
		ret = virtio_slot_connect(&vm->devices[i].slot, &vm->kvm, err);
	for (unsigned i = 0; i < vm->n_pmem && ret == 0; i++)
		ret = pmem_slot_start(&vm->pmem[i], &vm->mmio, err);
	for (unsigned i = 0; i < vm->n_devices && ret == 0; i++)
		ret = virtio_slot_start(&vm->devices[i].slot, &vm->mmio, NULL, err);
	return ret;
}

/* A monitor and a console on standard input share it; Ctrl-A C switches. */
static int open_control(struct vm *vm, const struct config_control *c, bool stdio_is_console,
			struct error *err)
{
	enum control_protocol protocol = c->hmp ? CONTROL_HMP : CONTROL_QMP;
	int ret;

	if (strcmp(c->where, "stdio") != 0 || !stdio_is_console)
		return control_open(&vm->control, protocol, c->where, err);
	ret = control_open_console(&vm->control, isatty(STDIN_FILENO));
	if (ret < 0)
		return error_system(err, -ret, "--monitor stdio");
	return 0;
}

static int create_control(struct vm *vm, const struct config *config, struct error *err)
{
	bool stdio_is_console = config_has_stdio_console(config);
	int ret = 0;

	monitor_init(&vm->monitor, &vm_monitor_ops);
	control_init(&vm->control, &vm->monitor, &vm->loop);
	vm_freeze_init(vm);
	vm->controlled = config->n_controls > 0;
	for (unsigned i = 0; i < config->n_controls && ret == 0; i++)
		ret = open_control(vm, &config->controls[i], stdio_is_console, err);
	return error_blame_option(err, ret);
}

static int build(struct vm *vm, const struct config *config, struct error *err)
{
	int ret;

	ret = create_event_loop(vm, err);
	if (ret == 0)
		ret = signals_init(&vm->signals, &vm_signals_ops, &vm->loop, err);
	if (ret == 0)
		ret = launcher_init(&vm->launcher, &vm_launcher_ops, &vm->loop, config->life_fd,
				    err);
	if (ret == 0)
		ret = create_memory(vm, config, err);
	if (ret == 0)
		ret = kvm_open(&vm->kvm, config->kvm, err);
	if (ret == 0)
		ret = vm_memory_add_slots(vm, gpa(0), UINT64_MAX, err);
	if (ret == 0)
		ret = register_pages_init(&vm->registers, &vm->kvm, err);
	if (ret == 0)
		ret = kvm_add_irqchips(&vm->kvm, err);
	if (ret == 0)
		ret = create_devices(vm, config, err);
	if (ret == 0)
		ret = create_vcpus(vm, config, err);
	if (ret == 0)
		ret = connect_devices(vm, err);
	if (ret == 0)
		ret = create_control(vm, config, err);
	if (ret == 0)
		ret = vm_save_init(vm, config->snapshots, err);
	if (ret == 0 && (config->snapshots || config->restore.where || config->fork))
		ret = vcpu_state_x86_probe(&vm->kvm, &vm->state_host, err);
	return ret;
}

int vm_create(const struct config *config, struct machine *machine, struct boot_timer *timer,
	      struct vm **ret_vm, struct error *err)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int ret;

	if (!vm)
		return error_set(err, ENOMEM, "out of memory");
	vm->config = config;
	vm->machine = machine;
	vm->timer = timer;
	vm->sandbox = &config->sandbox;
	vm->name = config->name;
	vm->uuid = config->uuid;
	vm->prelaunch = config->paused;
	vm->timeout.seconds = config->timeout;
	vm->die_with_parent = config->die_with_parent;
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
	int ret = error_blame_option(err, boot_load(&vm->machine->boot, &vm->machine->source,
						    &vm->memory, &entry, &report, err));

	if (ret < 0)
		return ret;
	input_file_close(&vm->machine->source.initrd);
	/* Only vm_hang needs them, to name the functions that vCPUs are in. */
	if (!vm->timeout.seconds && !vm->watchdog.watchdog.ops)
		input_file_close(&vm->machine->source.kernel);
	log_info("%s of %" PRIu64 " KiB at 0x%" PRIx64, report.format, report.kernel_size >> 10,
		 report.kernel_start);
	boot_timer_mark(vm->timer, BOOT_MARK_LOADED);
	return vcpu_x86_enter(&vm->vcpus[0], &entry, err);
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		vcpu_fini(&vm->vcpus[i]);
	event_loop_fini(&vm->loop);
	control_fini(&vm->control);
	vm_save_fini(&vm->save);
	vm_reset_fini(&vm->reset);
	vm_fork_fini(&vm->fork);
	vm_ram_fini(&vm->restored_ram);
	vm_disks_fini(&vm->restored_disks);
	for (unsigned i = 0; i < vm->n_pmem; i++)
		pmem_slot_fini(&vm->pmem[i]);
	vm_devices_fini(vm);
	vm_consoles_fini(vm);
	kvm_close(&vm->kvm);
	register_pages_fini(&vm->registers);
	ram_fini(&vm->ram);
	launcher_fini(&vm->launcher);
	signals_fini(&vm->signals);
	free(vm);
}
