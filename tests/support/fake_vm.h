/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM for tests of the control plane: what it says and does is in one structure, without KVM. And
 * clients: one end of a socket each, whose other end the event loop serves. Nothing in here sleeps.
 */
#pragma once

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/container_of.h"
#include "vmm/control/control_connection.h"
#include "vmm/control/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct fake_vm {
	struct monitor monitor;
	enum monitor_state state;
	bool slow_stop; /* pausing takes until fake_vm_stopped */
	struct monitor_identity identity;
	uint64_t base_memory;
	struct monitor_memory_device devices[4];
	unsigned n_devices;
	uint64_t nodes[2]; /* their RAM */
	unsigned n_nodes;
	unsigned cpu_nodes[4];
	unsigned n_cpus;
	struct monitor_pmem_stats stats;
	unsigned failed_forks; /* children that could not be written to */
	unsigned pauses, resumes, powerdowns, resets, quits, saves;
	char save_path[64];
	bool slow_save;		       /* saving takes until fake_vm_saved */
	const char *job_error;	       /* why a job fails at once, or NULL */
	struct memory_backend backend; /* the last one added */
	char backend_id[32], backend_path[64];
	unsigned n_backends;
	struct error refusal; /* if set, actions fail with it */
	int refusal_code;
};

static struct fake_vm *fake_vm_of(struct monitor *monitor)
{
	return container_of(monitor, struct fake_vm, monitor);
}

static enum monitor_state fake_state(struct monitor *monitor)
{
	return fake_vm_of(monitor)->state;
}

static void fake_identity(struct monitor *monitor, struct monitor_identity *ret)
{
	*ret = fake_vm_of(monitor)->identity;
}

static uint64_t fake_base_memory(struct monitor *monitor)
{
	return fake_vm_of(monitor)->base_memory;
}

static int fake_memory_device(struct monitor *monitor, unsigned i,
			      struct monitor_memory_device *ret)
{
	struct fake_vm *vm = fake_vm_of(monitor);

	if (i >= vm->n_devices)
		return -ENOENT;
	*ret = vm->devices[i];
	return 0;
}

static int fake_node(struct monitor *monitor, unsigned i, uint64_t *ret_ram_size)
{
	struct fake_vm *vm = fake_vm_of(monitor);

	if (i >= vm->n_nodes)
		return -ENOENT;
	*ret_ram_size = vm->nodes[i];
	return 0;
}

static int fake_cpu(struct monitor *monitor, unsigned i, struct monitor_cpu *ret)
{
	struct fake_vm *vm = fake_vm_of(monitor);

	if (i >= vm->n_cpus)
		return -ENOENT;
	*ret = (struct monitor_cpu){ .thread_id = 1000 + (int)i, .node = vm->cpu_nodes[i] };
	return 0;
}

static int fake_pmem_stats(struct monitor *monitor, unsigned i, struct monitor_pmem_stats *ret)
{
	struct fake_vm *vm = fake_vm_of(monitor);

	if (i >= vm->n_devices)
		return -ENOENT;
	*ret = vm->stats;
	return 0;
}

static int fake_counters(struct monitor *monitor, unsigned i, struct device_counters *ret)
{
	if (i > 1)
		return -ENOENT;
	*ret = i ? (struct device_counters){ "net0", 2, { { "received", 5 }, { "sent", 6 } } }
		 : (struct device_counters){ "rng", 1, { { "bytes", 1ULL << 40 } } };
	return 0;
}

static int fake_device(struct monitor *monitor, unsigned i, struct monitor_device *ret)
{
	struct fake_vm *vm = fake_vm_of(monitor);

	if (i > vm->n_devices + 1)
		return -ENOENT;
	if (i == vm->n_devices + 1)
		*ret = (struct monitor_device){ .driver = "virtio-mmio",
						.id = "",
						.base = 0xd0012000,
						.size = 0x1000,
						.interrupt = 23,
						.memory_device = -1,
						.what = "virtio-rng" };
	else if (i == 0)
		*ret = (struct monitor_device){ .driver = "serial",
						.id = "",
						.ports = true,
						.base = 0x3f8,
						.size = 8,
						.interrupt = 4,
						.memory_device = -1 };
	else
		*ret = (struct monitor_device){ .driver = "virtio-mmio",
						.id = "",
						.base = 0xd0000000,
						.size = 0x1000,
						.interrupt = 5,
						.memory_device = (int)i - 1 };
	return 0;
}

static int fake_refusal(struct fake_vm *vm, struct error *err)
{
	if (!vm->refusal_code)
		return 0;
	return error_set(err, vm->refusal_code, "%s", vm->refusal.text);
}

static inline void fake_vm_stopped(struct fake_vm *vm)
{
	vm->state = MONITOR_PAUSED;
	monitor_stopped(&vm->monitor);
}

static int fake_pause(struct monitor *monitor, struct error *err)
{
	struct fake_vm *vm = fake_vm_of(monitor);
	int ret = fake_refusal(vm, err);

	vm->pauses++;
	if (ret == 0 && !vm->slow_stop)
		fake_vm_stopped(vm);
	return ret;
}

/* With why it failed, or NULL. */
static inline void fake_vm_saved(struct fake_vm *vm, const char *error)
{
	monitor_job_ended(
		&vm->monitor, MONITOR_EVENT_SAVED,
		&(struct monitor_job){
			.path = vm->save_path, .error = error, .bytes = 123456, .pause_us = 789 });
}

static inline void fake_vm_was_put_back(struct fake_vm *vm, const char *error)
{
	monitor_job_ended(&vm->monitor, MONITOR_EVENT_RESET_IN_PLACE,
			  &(struct monitor_job){ .error = error, .pause_us = 45 });
}

static int fake_reset_in_place(struct monitor *monitor, struct error *err)
{
	struct fake_vm *vm = fake_vm_of(monitor);
	int ret = fake_refusal(vm, err);

	if (ret == 0 && !vm->slow_save)
		fake_vm_was_put_back(vm, vm->job_error);
	return ret;
}

static inline void fake_vm_forked(struct fake_vm *vm, unsigned children, const char *error)
{
	monitor_job_ended(
		&vm->monitor, MONITOR_EVENT_FORKED,
		&(struct monitor_job){ .error = error, .children = children, .pause_us = 12 });
}

/* Writes a byte to each child. */
static int fake_fork(struct monitor *monitor, const int *sockets, unsigned n, struct error *err)
{
	struct fake_vm *vm = fake_vm_of(monitor);
	int ret = fake_refusal(vm, err);

	for (unsigned i = 0; i < n; i++) {
		/* Without Criterion, which the fuzz targets do not have. */
		if (ret == 0 && write(sockets[i], "x", 1) != 1)
			vm->failed_forks++;
		close(sockets[i]);
	}
	if (ret == 0)
		fake_vm_forked(vm, n, NULL);
	return ret;
}

static int fake_save(struct monitor *monitor, const struct monitor_save *to, struct error *err)
{
	struct fake_vm *vm = fake_vm_of(monitor);
	int ret = fake_refusal(vm, err);

	if (ret < 0)
		return ret;
	vm->saves++;
	snprintf(vm->save_path, sizeof(vm->save_path), "%s", to->path);
	if (!vm->slow_save)
		fake_vm_saved(vm, vm->job_error);
	return 0;
}

static int fake_resume(struct monitor *monitor, struct error *err)
{
	struct fake_vm *vm = fake_vm_of(monitor);
	int ret = fake_refusal(vm, err);

	if (vm->state == MONITOR_RUNNING)
		return 0;
	vm->resumes++;
	if (ret == 0) {
		vm->state = MONITOR_RUNNING;
		monitor_resumed(monitor);
	}
	return ret;
}

static int fake_powerdown(struct monitor *monitor, struct error *err)
{
	fake_vm_of(monitor)->powerdowns++;
	return fake_refusal(fake_vm_of(monitor), err);
}

static int fake_reset(struct monitor *monitor, struct error *err)
{
	int ret = fake_refusal(fake_vm_of(monitor), err);

	fake_vm_of(monitor)->resets++;
	if (ret == 0)
		monitor_was_reset(monitor, MONITOR_HOST_RESET);
	return ret;
}

static void fake_quit(struct monitor *monitor)
{
	fake_vm_of(monitor)->quits++;
	monitor_shutdown(monitor, MONITOR_HOST_QUIT);
}

static int fake_object_add(struct monitor *monitor, const struct memory_backend *backend,
			   struct error *err)
{
	struct fake_vm *vm = fake_vm_of(monitor);
	int ret = fake_refusal(vm, err);

	if (ret < 0)
		return ret;
	vm->n_backends++;
	vm->backend = *backend;
	snprintf(vm->backend_id, sizeof(vm->backend_id), "%s", backend->id);
	snprintf(vm->backend_path, sizeof(vm->backend_path), "%s", backend->path);
	return 0;
}

static int fake_device_add(struct monitor *monitor, const struct memory_device *device,
			   struct error *err)
{
	static char ids[4][32], memdevs[4][64];
	struct fake_vm *vm = fake_vm_of(monitor);
	struct monitor_memory_device *d = &vm->devices[vm->n_devices];
	int ret = fake_refusal(vm, err);

	if (ret < 0)
		return ret;
	if (vm->n_devices == ARRAY_SIZE(vm->devices))
		return error_set(err, ENOSPC, "no more devices");
	if (strcmp(device->memdev, vm->backend_id) != 0)
		return error_set(err, ENODEV, "Device '%s' not found", device->memdev);
	snprintf(ids[vm->n_devices], sizeof(ids[0]), "%s", device->id);
	snprintf(memdevs[vm->n_devices], sizeof(memdevs[0]), "/objects/%s", device->memdev);
	*d = (struct monitor_memory_device){ .type = "virtio-pmem",
					     .id = ids[vm->n_devices],
					     .memaddr = device->addr,
					     .size = vm->backend.size,
					     .memdev = memdevs[vm->n_devices],
					     .node = device->node,
					     .hotplugged = true };
	vm->n_devices++;
	return 0;
}

static const struct monitor_ops fake_ops = {
	.state = fake_state,
	.identity = fake_identity,
	.base_memory = fake_base_memory,
	.memory_device = fake_memory_device,
	.node = fake_node,
	.cpu = fake_cpu,
	.pmem_stats = fake_pmem_stats,
	.counters = fake_counters,
	.device = fake_device,
	.pause = fake_pause,
	.resume = fake_resume,
	.powerdown = fake_powerdown,
	.save = fake_save,
	.reset_in_place = fake_reset_in_place,
	.fork = fake_fork,
	.reset = fake_reset,
	.quit = fake_quit,
	.object_add = fake_object_add,
	.device_add = fake_device_add,
};

/* A guest of 8 GiB with 2 vCPUs on a node, and a pmem of 64 MiB: the reference's examples. */
static inline void fake_vm_init(struct fake_vm *vm)
{
	*vm = (struct fake_vm){
		.state = MONITOR_RUNNING,
		.identity = { .target = "x86_64" },
		.base_memory = 8ULL << 30,
		.devices = { { .type = "virtio-pmem",
			       .id = "nv1",
			       .memaddr = 0x240000000,
			       .size = 64 << 20,
			       .memdev = "/objects/mem1" } },
		.n_devices = 1,
		.nodes = { 8ULL << 30 },
		.n_nodes = 1,
		.n_cpus = 2,
		.stats = { { "nv1",
			     5,
			     { { "flushes", 7 },
			       { "flush-errors", 1 },
			       { "coalesced", 2 },
			       { "fdatasyncs", 6 },
			       { "stores-dropped", 3 } } },
			   { 1, 0, 4, [PMEM_LATENCY_BUCKETS - 1] = 1 } },
	};
	monitor_init(&vm->monitor, &fake_ops);
	signal(SIGPIPE, SIG_IGN);
}

static inline void fake_vm_refuse(struct fake_vm *vm, int code, const char *text)
{
	vm->refusal_code = code;
	snprintf(vm->refusal.text, sizeof(vm->refusal.text), "%s", text);
}

/* Two ends of a connection: ret_ends[0] is the test's, and does not block. */
static inline void fake_vm_sockets(int *ret_ends)
{
	check_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ret_ends), 0);
	check_eq(fcntl(ret_ends[0], F_SETFL, O_NONBLOCK), 0);
}

static inline void fake_vm_say(int fd, const char *text)
{
	check_eq(write(fd, text, strlen(text)), strlen(text));
}

/* Everything that has come, with "<end>" behind it if the other side is gone. */
static inline const char *fake_vm_hear(struct driver_host *host, int fd)
{
	static char text[1 << 18];
	size_t len = 0;
	ssize_t n;

	for (unsigned quiet = 0; quiet < 3; quiet++) {
		driver_settle(host);
		while ((n = read(fd, text + len, sizeof(text) - len - 8)) > 0) {
			len += (size_t)n;
			quiet = 0;
		}
		if (n == 0 || errno != EAGAIN) {
			memcpy(text + len, "<end>", 5);
			len += 5;
			break;
		}
	}
	text[len] = '\0';
	return text;
}

static inline const char *fake_vm_ask(struct driver_host *host, int fd, const char *text)
{
	fake_vm_say(fd, text);
	return fake_vm_hear(host, fd);
}
