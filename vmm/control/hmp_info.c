// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/control/test_hmp.c.
/* The info commands, in QEMU's formats. The table is at the end. */
#include "vmm/control/hmp_info.h"

#include "vmm/base/array.h"

#include <inttypes.h>

static void print_cpus(struct monitor *monitor, struct buffer *out)
{
	struct monitor_cpu cpu;

	for (unsigned i = 0; monitor->ops->cpu(monitor, i, &cpu) == 0; i++)
		buffer_printf(out, "%c CPU #%u: thread_id=%d\n", i ? ' ' : '*', i, cpu.thread_id);
}

static void print_kvm(struct monitor *monitor, struct buffer *out)
{
	buffer_printf(out, "kvm support: enabled\n");
}

static void print_memory_devices(struct monitor *monitor, struct buffer *out)
{
	struct monitor_memory_device d;

	for (unsigned i = 0; monitor->ops->memory_device(monitor, i, &d) == 0; i++) {
		buffer_printf(out, "Memory device [%s]: \"%s\"\n", d.type, d.id);
		buffer_printf(out, "  memaddr: 0x%" PRIx64 "\n", d.memaddr);
		buffer_printf(out, "  size: %" PRIu64 "\n", d.size);
		buffer_printf(out, "  memdev: %s\n", d.memdev);
	}
}

static void print_memory_size_summary(struct monitor *monitor, struct buffer *out)
{
	buffer_printf(out, "base memory: %" PRIu64 "\n", monitor->ops->base_memory(monitor));
	buffer_printf(out, "plugged memory: %" PRIu64 "\n", monitor_plugged_memory(monitor));
}

static void print_name(struct monitor *monitor, struct buffer *out)
{
	struct monitor_identity identity = { 0 };

	monitor->ops->identity(monitor, &identity);
	if (identity.name)
		buffer_printf(out, "%s\n", identity.name);
}

static uint64_t plugged_in(struct monitor *monitor, unsigned node)
{
	struct monitor_memory_device d;
	uint64_t plugged = 0;

	for (unsigned i = 0; monitor->ops->memory_device(monitor, i, &d) == 0; i++)
		plugged += d.node == node ? d.size : 0;
	return plugged;
}

static void print_node(struct monitor *monitor, unsigned node, uint64_t ram_size,
		       struct buffer *out)
{
	uint64_t plugged = plugged_in(monitor, node);
	struct monitor_cpu cpu;

	buffer_printf(out, "node %u cpus:", node);
	for (unsigned i = 0; monitor->ops->cpu(monitor, i, &cpu) == 0; i++)
		if (cpu.node == node)
			buffer_printf(out, " %u", i);
	buffer_printf(out, "\nnode %u size: %" PRIu64 " MB\n", node, (ram_size + plugged) >> 20);
	buffer_printf(out, "node %u plugged: %" PRIu64 " MB\n", node, plugged >> 20);
}

static void print_numa(struct monitor *monitor, struct buffer *out)
{
	unsigned count = 0;
	uint64_t ram_size;

	while (monitor->ops->node(monitor, count, &ram_size) == 0)
		count++;
	buffer_printf(out, "%u nodes\n", count);
	for (unsigned i = 0; monitor->ops->node(monitor, i, &ram_size) == 0; i++)
		print_node(monitor, i, ram_size, out);
}

static void print_bucket(const uint64_t *latency, unsigned bucket, struct buffer *out)
{
	uint64_t from = pmem_bucket_from_ns(bucket) / 1000;

	if (!latency[bucket])
		return;
	if (bucket + 1 == PMEM_LATENCY_BUCKETS)
		buffer_printf(out, "    from %" PRIu64 " us: ", from);
	else
		buffer_printf(out, "    %" PRIu64 " to %" PRIu64 " us: ", from,
			      pmem_bucket_from_ns(bucket + 1) / 1000);
	buffer_printf(out, "%" PRIu64 "\n", latency[bucket]);
}

/* QEMU does not have this one. */
static void print_pmem(struct monitor *monitor, struct buffer *out)
{
	struct monitor_pmem_stats s;

	for (unsigned i = 0; monitor->ops->pmem_stats(monitor, i, &s) == 0; i++) {
		const struct device_counters *c = &s.counters;

		buffer_printf(out, "%s:\n", c->id);
		buffer_printf(out, "  flushes: %" PRIu64 " done, %" PRIu64 " failed\n",
			      device_counters_get(c, "flushes"),
			      device_counters_get(c, "flush-errors"));
		buffer_printf(out, "  fdatasyncs: %" PRIu64 ", shared by %" PRIu64 " flushes\n",
			      device_counters_get(c, "fdatasyncs"),
			      device_counters_get(c, "coalesced"));
		buffer_printf(out, "  stores dropped: %" PRIu64 "\n",
			      device_counters_get(c, "stores-dropped"));
		buffer_printf(out, "  fdatasyncs by duration:\n");
		for (unsigned bucket = 0; bucket < PMEM_LATENCY_BUCKETS; bucket++)
			print_bucket(s.latency, bucket, out);
	}
}

/* Nor this one. */
static void print_counters(struct monitor *monitor, struct buffer *out)
{
	struct device_counters c;

	for (unsigned i = 0; monitor->ops->counters(monitor, i, &c) == 0; i++) {
		buffer_printf(out, "%s:\n", c.id);
		for (unsigned k = 0; k < c.n; k++)
			buffer_printf(out, "  %s: %" PRIu64 "\n", c.list[k].name, c.list[k].value);
	}
}

static void print_virtio_bus(unsigned number, struct buffer *out)
{
	buffer_printf(out, "    bus: virtio-mmio-bus.%u\n", number);
	buffer_printf(out, "      type virtio-mmio-bus\n");
}

static void print_memory_device(struct monitor *monitor, unsigned index, unsigned bus,
				struct buffer *out)
{
	struct monitor_memory_device d;

	if (monitor->ops->memory_device(monitor, index, &d) < 0)
		return;
	print_virtio_bus(bus, out);
	buffer_printf(out, "      dev: %s, id \"%s\"\n", d.type, d.id);
	buffer_printf(out, "        memaddr = %" PRIu64 " (0x%" PRIx64 ")\n", d.memaddr, d.memaddr);
	buffer_printf(out, "        size = %" PRIu64 " (0x%" PRIx64 ")\n", d.size, d.size);
	buffer_printf(out, "        memdev = \"%s\"\n", d.memdev);
	buffer_printf(out, "        node = %u (0x%x)\n", d.node, d.node);
	buffer_printf(out, "        hotplugged = %s\n", d.hotplugged ? "true" : "false");
}

static void print_qtree(struct monitor *monitor, struct buffer *out)
{
	struct monitor_device d;
	unsigned buses = 0;

	buffer_printf(out, "bus: main-system-bus\n  type System\n");
	for (unsigned i = 0; monitor->ops->device(monitor, i, &d) == 0; i++) {
		buffer_printf(out, "  dev: %s, id \"%s\"\n", d.driver, d.id);
		if (d.interrupt >= 0)
			buffer_printf(out, "    irq %d\n", d.interrupt);
		if (d.size)
			buffer_printf(out, "    %s %016" PRIx64 "/%016" PRIx64 "\n",
				      d.ports ? "ports" : "mmio", d.base, d.size);
		if (d.memory_device >= 0) {
			print_memory_device(monitor, (unsigned)d.memory_device, buses++, out);
		} else if (d.what) {
			print_virtio_bus(buses++, out);
			buffer_printf(out, "      dev: %s, id \"\"\n", d.what);
		}
	}
}

static void print_status(struct monitor *monitor, struct buffer *out)
{
	enum monitor_state state = monitor->ops->state(monitor);

	buffer_printf(out, "VM status: %s", state == MONITOR_RUNNING ? "running" : "paused");
	if (state != MONITOR_RUNNING && state != MONITOR_PAUSED)
		buffer_printf(out, " (%s)", monitor_state_names[state]);
	buffer_printf(out, "\n");
}

static void print_uuid(struct monitor *monitor, struct buffer *out)
{
	struct monitor_identity identity = { 0 };

	monitor->ops->identity(monitor, &identity);
	buffer_printf(out, "%s\n", identity.uuid ? identity.uuid : MONITOR_NO_UUID);
}

static void print_version(struct monitor *monitor, struct buffer *out)
{
	buffer_printf(out, "%d.%d.%d (%s)\n", MONITOR_QEMU_MAJOR, MONITOR_QEMU_MINOR,
		      MONITOR_QEMU_MICRO, MONITOR_PACKAGE);
}

static const struct hmp_info infos[] = {
	{ "counters", "show what devices other than disks have done", print_counters },
	{ "cpus", "show infos for each CPU", print_cpus },
	{ "kvm", "show KVM information", print_kvm },
	{ "memory-devices", "show memory devices", print_memory_devices },
	{ "memory_size_summary",
	  "show the amount of initially allocated and present hotpluggable (if enabled) memory in "
	  "bytes.",
	  print_memory_size_summary },
	{ "name", "show the current VM name", print_name },
	{ "numa", "show NUMA information", print_numa },
	{ "pmem", "show what became of flushes", print_pmem },
	{ "qtree", "show device tree", print_qtree },
	{ "status", "show the current VM status (running|paused)", print_status },
	{ "uuid", "show the current VM UUID", print_uuid },
	{ "version", "show the version of QEMU", print_version },
};

const struct hmp_info *hmp_info_get(unsigned i)
{
	return i < ARRAY_SIZE(infos) ? &infos[i] : NULL;
}
