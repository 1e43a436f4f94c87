// SPDX-License-Identifier: Apache-2.0
/* Shows the VM's parts to the control plane, and acts for it; all on the event loop's thread. */
#include "vmm/vm/vm_state.h"

#include "vmm/base/container_of.h"
#include "vmm/base/file_argument.h"
#include "vmm/base/layout.h"
#include "vmm/base/log.h"
#include "vmm/base/parent_directory.h"
#include "vmm/host/ready.h"
#include "vmm/kvm/kvm_x86.h"
#include "vmm/kvm/vcpu_x86.h"
#include "vmm/machine/machine_pmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct vm *vm_of(struct monitor *monitor)
{
	return container_of(monitor, struct vm, monitor);
}

static enum monitor_state state(struct monitor *monitor)
{
	const struct vm *vm = vm_of(monitor);

	if (__atomic_load_n(&vm->ended, __ATOMIC_ACQUIRE))
		return MONITOR_SHUTDOWN;
	/* A save and the like stop the VM for a moment only. */
	if (!vm->paused || vm_is_stopping(vm) ||
	    (vm_freeze_is_under_way(&vm->freeze) && vm->freeze.resume))
		return MONITOR_RUNNING;
	if (vm->prelaunch)
		return MONITOR_PRELAUNCH;
	return vm->io_error ? MONITOR_IO_ERROR : MONITOR_PAUSED;
}

static void identity(struct monitor *monitor, struct monitor_identity *ret)
{
	const struct vm *vm = vm_of(monitor);

	*ret = (struct monitor_identity){ vm->name, vm->uuid, VCPU_X86_TARGET };
}

static uint64_t base_memory(struct monitor *monitor)
{
	return vm_of(monitor)->machine->boot.ram_size;
}

static int memory_device(struct monitor *monitor, unsigned i, struct monitor_memory_device *ret)
{
	struct vm *vm = vm_of(monitor);
	const struct machine_pmem *pmem;

	if (i >= vm->n_pmem)
		return -ENOENT;
	pmem = &vm->machine->pmem[i];
	snprintf(vm->memdev_path, sizeof(vm->memdev_path), "/objects/%s", pmem->memdev);
	*ret = (struct monitor_memory_device){
		.type = "virtio-pmem",
		.id = pmem->named ? pmem->id : "",
		.memaddr = pmem->start.value,
		.size = pmem->backing.size,
		.memdev = vm->memdev_path,
		.node = pmem->node,
		.hotplugged = i >= vm->n_cold_pmem,
	};
	return 0;
}

/* Without --numa the machine is one node. */
static int node(struct monitor *monitor, unsigned i, uint64_t *ret_ram_size)
{
	const struct boot_machine *boot = &vm_of(monitor)->machine->boot;

	if (i >= (boot->n_nodes ? boot->n_nodes : 1))
		return -ENOENT;
	*ret_ram_size = boot->n_nodes ? boot->nodes[i].memory : boot->ram_size;
	return 0;
}

static int cpu(struct monitor *monitor, unsigned i, struct monitor_cpu *ret)
{
	const struct vm *vm = vm_of(monitor);
	const struct boot_machine *boot = &vm->machine->boot;

	if (i >= vm->n_vcpus)
		return -ENOENT;
	*ret = (struct monitor_cpu){
		.thread_id = __atomic_load_n(&vm->vcpus[i].thread_id, __ATOMIC_RELAXED),
	};
	for (unsigned n = 0; n < boot->n_nodes; n++)
		if (boot->nodes[n].cpus & 1u << i)
			ret->node = n;
	return 0;
}

static int pmem_stats(struct monitor *monitor, unsigned i, struct monitor_pmem_stats *ret)
{
	const struct vm *vm = vm_of(monitor);
	const struct pmem *pmem;

	if (i >= vm->n_pmem)
		return -ENOENT;
	pmem = &vm->pmem[i].pmem;
	pmem_count(pmem, &ret->counters);
	memcpy(ret->latency, pmem->counters.latency, sizeof(ret->latency));
	return 0;
}

static int counters(struct monitor *monitor, unsigned i, struct device_counters *ret)
{
	return vm_devices_count(vm_of(monitor), i, ret);
}

static int device(struct monitor *monitor, unsigned i, struct monitor_device *ret)
{
	static const char *const drivers[] = {
		[BOOT_DEVICE_VIRTIO_MMIO] = "virtio-mmio",
		[BOOT_DEVICE_SERIAL] = "serial",
		[BOOT_DEVICE_POWER] = "power",
		[BOOT_DEVICE_EXIT] = "exit",
		[BOOT_DEVICE_PANIC] = "pvpanic",
		[BOOT_DEVICE_WATCHDOG] = "watchdog",
	};
	const struct boot_machine *boot = &vm_of(monitor)->machine->boot;
	const struct boot_device *d;
	unsigned slot;

	if (i >= boot->n_devices)
		return -ENOENT;
	d = &boot->devices[i];
	*ret = (struct monitor_device){
		.driver = drivers[d->kind],
		.id = "",
		.ports = d->kind == BOOT_DEVICE_SERIAL,
		.base = d->addr,
		.size = d->size,
		.interrupt = d->gsi ? (int)d->gsi : -1,
		.memory_device = -1,
	};
	if (d->kind != BOOT_DEVICE_VIRTIO_MMIO)
		return 0;
	slot = (unsigned)((d->addr - LAYOUT_VIRTIO_BASE) / LAYOUT_VIRTIO_SIZE);
	if (slot < vm_of(monitor)->n_pmem)
		ret->memory_device = (int)slot;
	else
		ret->what = d->what;
	return 0;
}

static int pause_vm(struct monitor *monitor, struct error *err)
{
	vm_pause(vm_of(monitor));
	return 0;
}

static int resume_vm(struct monitor *monitor, struct error *err)
{
	struct vm *vm = vm_of(monitor);

	if (vm->prelaunch && vm->ready)
		ready_notify_status(vm->ready, "The guest runs");
	if (vm_resume(vm))
		monitor_resumed(monitor);
	return 0;
}

/*
 * The guest's driver for the button, of either description, unmasks the interrupt. A press that
 * nobody can notice must not stay pending: the guest would shut down at the next event, whenever
 * that comes.
 */
static int powerdown(struct monitor *monitor, struct error *err)
{
	struct vm *vm = vm_of(monitor);
	int ret;

	if (!kvm_x86_is_unmasked(&vm->kvm, LAYOUT_POWER_GSI)) {
		log_guest(&vm->control.clients.limit,
			  "system_powerdown: the guest has not enabled the power button yet, so "
			  "this press is lost; say it again when the guest is up, or quit");
		return 0;
	}
	ret = platform_events_raise(&vm->power.events, LAYOUT_EVENT_POWER_BUTTON);
	return ret < 0 ? error_system(err, -ret, "cannot press the power button") : 0;
}

/* As with QEMU's -no-reboot: the program that started mvmm decides whether to start it again. */
static int reset(struct monitor *monitor, struct error *err)
{
	monitor_was_reset(monitor, MONITOR_HOST_RESET);
	monitor_shutdown(monitor, MONITOR_HOST_RESET);
	vm_finish(vm_of(monitor), OUTCOME_RESET, 0, "reset by system_reset");
	return 0;
}

static void quit(struct monitor *monitor)
{
	monitor_shutdown(monitor, MONITOR_HOST_QUIT);
	vm_finish(vm_of(monitor), OUTCOME_QUIT, 0, "ended by quit");
}

/* Landlock refuses files outside the allowed directories with EACCES, as permissions do. */
static int refuse_file(const char *path, int code, struct error *err)
{
	return error_set(err, code, "can't open backing store %s for guest RAM: %s%s", path,
			 strerror(code),
			 code == EACCES ? "; it must be in a directory that --sandbox on,allow=DIR "
					  "names, and mvmm may use it"
					: "");
}

/* Whether device_add could make a file at @path: opens its directory. 0 or -errno. */
static int check_directory(const char *path)
{
	int fd = parent_directory_open(path, O_RDONLY);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* device_add makes a missing file; a file that cannot be read is refused now. */
static int check_file(const struct vm *vm, const char *path, struct error *err)
{
	const struct sandbox_options *sandbox = vm->sandbox;
	int fd;

	if (file_argument_is_fd(path))
		return error_set(
			err, EINVAL,
			"can't open backing store %s for guest RAM: a descriptor can be used at "
			"the start only; give a path",
			path);
	if (!sandbox_can_open(sandbox))
		return refuse_file(path, EACCES, err);
	/* Closing it could end a lock (file_lock_take_passed). device_add checks whether another
	 * disk can use it. */
	if (machine_uses_file(vm->machine, path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno != ENOENT)
		return refuse_file(path, errno, err);
	if (fd >= 0)
		close(fd);
	else if (sandbox->mode == SANDBOX_ON && check_directory(path) < 0)
		return refuse_file(path, EACCES, err);
	return 0;
}

static int object_add(struct monitor *monitor, const struct memory_backend *backend,
		      struct error *err)
{
	int ret = check_file(vm_of(monitor), backend->path, err);

	if (ret < 0)
		return ret;
	return memory_backends_add(&vm_of(monitor)->machine->backends, backend, err);
}

static int device_add(struct monitor *monitor, const struct memory_device *device,
		      struct error *err)
{
	/* The thread goes through the disks. */
	if (vm_freeze_is_under_way(&vm_of(monitor)->freeze))
		return error_set(err, EBUSY,
				 "device_add: %s is under way; try again when it has been answered",
				 vm_of(monitor)->freeze.job->command);
	return vm_hotplug_pmem(vm_of(monitor), device, err);
}

static int save(struct monitor *monitor, const struct monitor_save *to, struct error *err)
{
	return vm_save_begin(vm_of(monitor), to, err);
}

static int reset_in_place(struct monitor *monitor, struct error *err)
{
	return vm_reset_begin(vm_of(monitor), err);
}

static int fork_vm(struct monitor *monitor, const int *sockets, unsigned n, struct error *err)
{
	return vm_fork_begin(vm_of(monitor), sockets, n, err);
}

const struct monitor_ops vm_monitor_ops = {
	.state = state,
	.identity = identity,
	.base_memory = base_memory,
	.memory_device = memory_device,
	.node = node,
	.cpu = cpu,
	.pmem_stats = pmem_stats,
	.counters = counters,
	.device = device,
	.pause = pause_vm,
	.resume = resume_vm,
	.powerdown = powerdown,
	.save = save,
	.reset_in_place = reset_in_place,
	.fork = fork_vm,
	.reset = reset,
	.quit = quit,
	.object_add = object_add,
	.device_add = device_add,
};
