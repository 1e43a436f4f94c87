// SPDX-License-Identifier: Apache-2.0
/* Lists the VM's parts and acts on it, for the control plane; all on the event loop's thread. */
#include "vmm/vm/vm_monitor.h"

#include "vmm/base/container_of.h"
#include "vmm/base/file_argument.h"
#include "vmm/base/layout.h"
#include "vmm/base/parent_directory.h"
#include "vmm/machine/machine_pmem.h"
#include "vmm/vm/vm_end.h"
#include "vmm/vm/vm_extras.h"
#include "vmm/vm/vm_hotplug.h"
#include "vmm/vm/vm_run.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(PMEM_LATENCY_BUCKETS == MONITOR_LATENCY_BUCKETS, "the histograms are one");

static struct vm *vm_of(struct monitor *monitor)
{
	return container_of(monitor, struct vm, monitor);
}

static enum monitor_state state(struct monitor *monitor)
{
	const struct vm *vm = vm_of(monitor);

	if (__atomic_load_n(&vm->ended, __ATOMIC_ACQUIRE))
		return MONITOR_SHUTDOWN;
	if (!vm->paused)
		return MONITOR_RUNNING;
	return vm->io_error ? MONITOR_IO_ERROR : MONITOR_PAUSED;
}

static void identity(struct monitor *monitor, struct monitor_identity *ret)
{
	(void)monitor;
	*ret = (struct monitor_identity){ .target = "x86_64" };
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

/* A machine that nobody divided is one node. */
static int node(struct monitor *monitor, unsigned i, struct monitor_node *ret)
{
	const struct boot_machine *boot = &vm_of(monitor)->machine->boot;

	if (i >= (boot->n_nodes ? boot->n_nodes : 1))
		return -ENOENT;
	*ret = (struct monitor_node){ boot->n_nodes ? boot->nodes[i].memory : boot->ram_size };
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
	const struct pmem_counters *n;

	if (i >= vm->n_pmem)
		return -ENOENT;
	n = &vm->pmem[i].pmem.counters;
	*ret = (struct monitor_pmem_stats){
		.id = vm->machine->pmem[i].id,
		.flushes = n->flushes,
		.flush_errors = n->flush_errors,
		.coalesced = n->coalesced,
		.fdatasyncs = n->fdatasyncs,
		.stores_dropped = n->stores_dropped,
	};
	memcpy(ret->latency, n->latency, sizeof(ret->latency));
	return 0;
}

static int counters(struct monitor *monitor, unsigned i, struct device_counters *ret)
{
	return vm_extras_count(vm_of(monitor), i, ret);
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
	(void)err;
	vm_pause(vm_of(monitor));
	monitor_stopped(monitor);
	return 0;
}

static int resume_vm(struct monitor *monitor, struct error *err)
{
	(void)err;
	vm_resume(vm_of(monitor));
	monitor_resumed(monitor);
	return 0;
}

static int powerdown(struct monitor *monitor, struct error *err)
{
	int ret = platform_events_raise(&vm_of(monitor)->power.events, LAYOUT_EVENT_POWER_BUTTON);

	return ret < 0 ? error_set(err, -ret, "cannot press the power button: %s", strerror(-ret))
		       : 0;
}

/* As with QEMU's -no-reboot: who started us decides whether to start again. */
static int reset(struct monitor *monitor, struct error *err)
{
	(void)err;
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

/* Landlock refuses what is not below an allowed directory with EACCES, as permissions are. */
static int refuse_file(const char *path, int code, struct error *err)
{
	return error_set(err, code, "can't open backing store %s for guest RAM: %s%s", path,
			 strerror(code),
			 code == EACCES ? "; it must be in a directory that --sandbox on,allow=DIR "
					  "names, and mvmm may use it"
					: "");
}

/* Whether device_add could make a file at @path, by opening its directory: 0, or -errno. */
static int check_directory(const char *path)
{
	int fd = parent_directory_open(path, O_RDONLY);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* A missing file is made by device_add; one that cannot be read is told of at once. */
static int check_file(const struct vm *vm, const char *path, struct error *err)
{
	const struct sandbox_options *sandbox = vm->sandbox;
	int fd;

	if (file_argument_is_fd(path))
		return error_set(err, EINVAL,
				 "can't open backing store %s for guest RAM: descriptors are taken "
				 "at the start only; give a path",
				 path);
	if (!sandbox_can_open(sandbox))
		return refuse_file(path, EACCES, err);
	/* Closing it could end a lock (file_lock_take_passed). device_add tells whether it can be
	 * another disk. */
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

static int object_add(struct monitor *monitor, const struct monitor_backend *backend,
		      struct error *err)
{
	struct memory_backends *backends = &vm_of(monitor)->machine->backends;
	char size[24];
	const struct keyval list[] = {
		{ "qom-type", "memory-backend-file" },
		{ "id", backend->id },
		{ "mem-path", backend->mem_path },
		{ "size", size },
		{ "share", backend->share ? "on" : "off" },
		{ "readonly", backend->readonly ? "on" : "off" },
		{ "lock", backend->unlocked ? "off" : "on" },
	};
	int ret = check_file(vm_of(monitor), backend->mem_path, err);

	if (ret < 0)
		return ret;
	snprintf(size, sizeof(size), "%llu", (unsigned long long)backend->size);
	return memory_backends_add(backends, list, sizeof(list) / sizeof(list[0]), err);
}

static int device_add(struct monitor *monitor, const struct monitor_new_device *new,
		      struct error *err)
{
	struct keyval list[5] = {
		{ "driver", "virtio-pmem" },
		{ "memdev", new->memdev },
	};
	char addr[24], node_number[12];
	unsigned n = 2;

	if (new->id[0])
		list[n++] = (struct keyval){ "id", new->id };
	if (new->memaddr) {
		snprintf(addr, sizeof(addr), "%llu", (unsigned long long)new->memaddr);
		list[n++] = (struct keyval){ "memaddr", addr };
	}
	if (new->node) {
		snprintf(node_number, sizeof(node_number), "%u", new->node);
		list[n++] = (struct keyval){ "node", node_number };
	}
	return vm_hotplug_pmem(vm_of(monitor), list, n, err);
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
	.reset = reset,
	.quit = quit,
	.object_add = object_add,
	.device_add = device_add,
};

enum monitor_cause vm_monitor_cause(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_POWER_OFF:
	case OUTCOME_GUEST_STATUS:
	case OUTCOME_BAD_STATUS:
		return MONITOR_GUEST_SHUTDOWN;
	case OUTCOME_RESET:
	case OUTCOME_TRIPLE_FAULT:
	case OUTCOME_WATCHDOG:
		return MONITOR_GUEST_RESET;
	case OUTCOME_GUEST_PANIC:
		return MONITOR_GUEST_PANIC;
	case OUTCOME_QUIT:
		return MONITOR_HOST_UI;
	case OUTCOME_SIGNAL:
		return MONITOR_HOST_SIGNAL;
	default:
		return MONITOR_HOST_ERROR;
	}
}
