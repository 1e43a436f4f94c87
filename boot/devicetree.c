// SPDX-License-Identifier: Apache-2.0
/*
 * The machine as a device tree. Start reading at devicetree_build; the bindings are those of the
 * kernel's Documentation/devicetree/bindings.
 */
#include "boot/devicetree.h"

#include "boot/devicetree_x86.h"
#include "boot/numa.h"
#include "boot/topology_x86.h"
#include "boot/tree.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <linux/input-event-codes.h>

enum { PHANDLE_POWER = DEVICETREE_X86_PHANDLES };

/* Linux on x86 does not read nodes from a tree (drivers/of/of_numa.c is not built for it). */
static void numa_node(struct tree *t, const struct boot_machine *machine, unsigned node)
{
	if (machine->n_nodes)
		tree_cell(t, "numa-node-id", node);
}

static void add_cpus(struct tree *t, const struct boot_machine *machine)
{
	tree_begin(t, "cpus");
	tree_cell(t, "#address-cells", 1);
	tree_cell(t, "#size-cells", 0);
	for (unsigned cpu = 0; cpu < machine->cpus; cpu++) {
		unsigned id = topology_x86_apic_id(&machine->topology, cpu);

		tree_begin(t, "cpu@%x", id);
		tree_text(t, "device_type", "cpu");
		tree_cell(t, "reg", id);
		numa_node(t, machine, numa_node_of_cpu(machine, cpu));
		tree_end(t);
	}
	tree_end(t);
}

/* Says which NUMA node has which RAM. Linux on x86 learns of the RAM itself from the e820 map. */
static void add_memory(struct tree *t, const struct boot_machine *machine)
{
	struct numa_range ranges[NUMA_MAX_RANGES];
	unsigned n = numa_ranges(machine, ranges);

	for (unsigned i = 0; i < n; i++) {
		if (ranges[i].pmem)
			continue;
		tree_begin(t, "memory@%" PRIx64, ranges[i].start);
		tree_text(t, "device_type", "memory");
		tree_reg(t, ranges[i].start, ranges[i].size);
		numa_node(t, machine, ranges[i].node);
		tree_end(t);
	}
}

static void add_virtio_mmio(struct tree *t, const struct boot_machine *machine,
			    const struct boot_device *dev)
{
	uint64_t slot = (dev->addr - LAYOUT_VIRTIO_BASE) / LAYOUT_VIRTIO_SIZE;

	tree_begin(t, "virtio_mmio@%" PRIx64, dev->addr);
	tree_text(t, "compatible", "virtio,mmio");
	tree_reg(t, dev->addr, dev->size);
	devicetree_x86_interrupt(t, dev->gsi);
	tree_flag(t, "dma-coherent");
	if (slot < LAYOUT_VIRTIO_SLOTS && machine->pmem[slot].size)
		numa_node(t, machine, machine->pmem[slot].node);
	tree_end(t);
}

/* gpio-keys accepts a key that has only an interrupt. Each edge is a press and a release. */
static void add_power_button(struct tree *t, uint32_t gsi)
{
	tree_begin(t, "gpio-keys");
	tree_text(t, "compatible", "gpio-keys");
	tree_begin(t, "power");
	tree_text(t, "label", "power");
	tree_cell(t, "linux,code", KEY_POWER);
	devicetree_x86_interrupt(t, gsi);
	tree_end(t);
	tree_end(t);
}

static void add_power_action(struct tree *t, const char *name, uint32_t offset, uint32_t value)
{
	tree_begin(t, "%s", name);
	tree_text(t, "compatible", name);
	tree_cell(t, "regmap", PHANDLE_POWER);
	tree_cell(t, "offset", offset);
	tree_cell(t, "value", value);
	tree_end(t);
}

/* The registers are accessed as bytes, as by ACPI. */
static void add_power(struct tree *t, const struct boot_device *dev)
{
	tree_begin(t, "power@%" PRIx64, dev->addr);
	tree_text(t, "compatible", "syscon");
	tree_reg(t, dev->addr, dev->size);
	tree_cell(t, "reg-io-width", 1);
	tree_cell(t, "phandle", PHANDLE_POWER);
	tree_end(t);
	add_power_action(t, "syscon-poweroff", LAYOUT_POWER_SLEEP_CONTROL, LAYOUT_POWER_OFF_VALUE);
	add_power_action(t, "syscon-reboot", LAYOUT_POWER_RESET, LAYOUT_POWER_RESET_VALUE);
	add_power_button(t, dev->gsi);
}

/* Linux has no driver for mvmm's registers; programs write the exit status to one of them. */
static void add_register(struct tree *t, const char *name, const char *compatible,
			 const struct boot_device *dev)
{
	tree_begin(t, "%s@%" PRIx64, name, dev->addr);
	tree_text(t, "compatible", compatible);
	tree_reg(t, dev->addr, dev->size);
	tree_end(t);
}

/* Every machine has it, so it is in no list of devices. Linux has a driver from 6.10 on. */
static void add_vmgenid(struct tree *t)
{
	tree_begin(t, "rng@%x", LAYOUT_VMGENID_BASE);
	tree_text(t, "compatible", "microsoft,vmgenid");
	tree_reg(t, LAYOUT_VMGENID_BASE, LAYOUT_VMGENID_SIZE);
	devicetree_x86_interrupt(t, LAYOUT_VMGENID_GSI);
	tree_end(t);
}

static void add_device(struct tree *t, const struct boot_machine *machine,
		       const struct boot_device *dev)
{
	switch (dev->kind) {
	case BOOT_DEVICE_VIRTIO_MMIO:
		add_virtio_mmio(t, machine, dev);
		break;
	case BOOT_DEVICE_SERIAL:
		devicetree_x86_add_serial(t, dev);
		break;
	case BOOT_DEVICE_POWER:
		add_power(t, dev);
		break;
	case BOOT_DEVICE_EXIT:
		add_register(t, "exit", "mvmm,exit", dev);
		break;
	case BOOT_DEVICE_PANIC:
		add_register(t, "pvpanic-mmio", "qemu,pvpanic-mmio", dev);
		break;
	case BOOT_DEVICE_WATCHDOG:
		add_register(t, "watchdog", "mvmm,watchdog", dev);
		break;
	}
}

int devicetree_build(const struct boot_machine *machine, void *buf, size_t cap, uint32_t *ret_size,
		     struct error *err)
{
	struct tree t;

	tree_init(&t, buf, cap);
	tree_begin(&t, "%s", "");
	tree_text(&t, "compatible", "mvmm");
	tree_text(&t, "model", "mvmm");
	tree_cell(&t, "#address-cells", 2);
	tree_cell(&t, "#size-cells", 2);
	tree_cell(&t, "interrupt-parent", DEVICETREE_X86_INTERRUPTS);
	add_cpus(&t, machine);
	add_memory(&t, machine);
	devicetree_x86_add_controllers(&t);
	add_vmgenid(&t);
	for (unsigned i = 0; i < machine->n_devices; i++)
		add_device(&t, machine, &machine->devices[i]);
	tree_end(&t);
	tree_finish(&t);
	if (t.error)
		return error_set(err, E2BIG, "the device tree does not fit in %zu bytes: %s", cap,
				 fdt_strerror(t.error));
	*ret_size = fdt_totalsize(buf);
	return 0;
}
