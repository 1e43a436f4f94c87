// SPDX-License-Identifier: Apache-2.0
/*
 * Writes the device tree front to back with libfdt. Start reading at devicetree_build; the bindings
 * are those of the kernel's Documentation/devicetree/bindings.
 */
#include "boot/devicetree.h"

#include "boot/numa.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <limits.h>
#include <linux/input-event-codes.h>
#include <stdarg.h>
#include <stdio.h>

enum { PHANDLE_IOAPIC = 1, PHANDLE_POWER = 2 };

/*
 * The second interrupt cell of intel,ce4100-ioapic is its own: 0 falling edge, 1 high level, 2 low
 * level, 3 rising edge (of_ioapic_type in arch/x86/kernel/devicetree.c).
 */
#define IOAPIC_EDGE_RISING 3
/* intel,ce4100-ioapic and -lapic have no defined size; a page is what the hardware decodes. */
#define APIC_SIZE 0x1000
/* 115200 baud times 16, the PC's. */
#define UART_CLOCK 1843200
/* First cell of an ISA address that is a port (IEEE 1275 ISA binding). */
#define ISA_IO 1
#define ISA_PORTS 0x10000

struct tree {
	void *fdt;
	int error; /* the first of libfdt's; everything after it is a no-op */
};

static void keep(struct tree *t, int r)
{
	if (!t->error)
		t->error = r;
}

static void begin(struct tree *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void begin(struct tree *t, const char *fmt, ...)
{
	char name[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	keep(t, t->error ? 0 : fdt_begin_node(t->fdt, name));
}

static void end(struct tree *t)
{
	keep(t, t->error ? 0 : fdt_end_node(t->fdt));
}

static void text(struct tree *t, const char *name, const char *value)
{
	keep(t, t->error ? 0 : fdt_property_string(t->fdt, name, value));
}

static void flag(struct tree *t, const char *name)
{
	keep(t, t->error ? 0 : fdt_property(t->fdt, name, NULL, 0));
}

static void cell(struct tree *t, const char *name, uint32_t value)
{
	keep(t, t->error ? 0 : fdt_property_u32(t->fdt, name, value));
}

static void cells(struct tree *t, const char *name, const uint32_t *values, size_t count)
{
	fdt32_t be[8];

	for (size_t i = 0; i < count; i++)
		be[i] = cpu_to_fdt32(values[i]);
	keep(t, t->error ? 0 : fdt_property(t->fdt, name, be, (int)(count * sizeof(be[0]))));
}

/* For nodes under the root, which has two cells each for address and size. */
static void reg(struct tree *t, uint64_t addr, uint64_t size)
{
	uint32_t v[] = { (uint32_t)(addr >> 32), (uint32_t)addr, (uint32_t)(size >> 32),
			 (uint32_t)size };

	cells(t, "reg", v, 4);
}

static void interrupt(struct tree *t, uint32_t pin)
{
	uint32_t v[] = { pin, IOAPIC_EDGE_RISING };

	cells(t, "interrupts", v, 2);
}

/* Linux on x86 does not read nodes from a tree (drivers/of/of_numa.c is not built for it). */
static void numa_node(struct tree *t, const struct boot_machine *machine, unsigned node)
{
	if (machine->n_nodes)
		cell(t, "numa-node-id", node);
}

static void add_cpus(struct tree *t, const struct boot_machine *machine)
{
	begin(t, "cpus");
	cell(t, "#address-cells", 1);
	cell(t, "#size-cells", 0);
	for (unsigned id = 0; id < machine->cpus; id++) {
		begin(t, "cpu@%x", id);
		text(t, "device_type", "cpu");
		cell(t, "reg", id);
		numa_node(t, machine, numa_node_of_cpu(machine, id));
		end(t);
	}
	end(t);
}

/* Only to say which node has which RAM: Linux on x86 takes memory itself from the e820 map. */
static void add_memory(struct tree *t, const struct boot_machine *machine)
{
	struct numa_range ranges[NUMA_MAX_RANGES];
	unsigned n = numa_ranges(machine, ranges);

	for (unsigned i = 0; i < n; i++) {
		if (ranges[i].pmem)
			continue;
		begin(t, "memory@%" PRIx64, ranges[i].start);
		text(t, "device_type", "memory");
		reg(t, ranges[i].start, ranges[i].size);
		numa_node(t, machine, ranges[i].node);
		end(t);
	}
}

static void begin_apic(struct tree *t, uint32_t addr, const char *compatible)
{
	begin(t, "interrupt-controller@%x", addr);
	text(t, "compatible", compatible);
	reg(t, addr, APIC_SIZE);
	flag(t, "interrupt-controller");
	cell(t, "#address-cells", 0);
	cell(t, "#interrupt-cells", 2);
}

static void add_interrupt_controllers(struct tree *t)
{
	begin_apic(t, LAYOUT_LAPIC, "intel,ce4100-lapic");
	flag(t, "intel,virtual-wire-mode");
	end(t);
	begin_apic(t, LAYOUT_IOAPIC, "intel,ce4100-ioapic");
	cell(t, "phandle", PHANDLE_IOAPIC);
	end(t);
}

static void add_virtio_mmio(struct tree *t, const struct boot_machine *machine,
			    const struct boot_device *dev)
{
	uint64_t slot = (dev->addr - LAYOUT_VIRTIO_BASE) / LAYOUT_VIRTIO_SIZE;

	begin(t, "virtio_mmio@%" PRIx64, dev->addr);
	text(t, "compatible", "virtio,mmio");
	reg(t, dev->addr, dev->size);
	interrupt(t, dev->gsi);
	flag(t, "dma-coherent");
	if (slot < LAYOUT_VIRTIO_SLOTS && machine->pmem[slot].size)
		numa_node(t, machine, machine->pmem[slot].node);
	end(t);
}

/*
 * A UART in I/O space needs an ISA bus. Its name is the ISA binding's and not ns16550a: on x86 the
 * 8250 driver finds the PC's ports by itself, long before it looks into the tree, and a second
 * driver would only complain, because without PCI it cannot translate port addresses.
 */
static void add_serial(struct tree *t, const struct boot_device *dev)
{
	uint32_t ranges[] = { ISA_IO, 0, 0, 0, ISA_PORTS };
	uint32_t ports[] = { ISA_IO, (uint32_t)dev->addr, (uint32_t)dev->size };

	begin(t, "isa@0");
	text(t, "compatible", "isa");
	cell(t, "#address-cells", 2);
	cell(t, "#size-cells", 1);
	cells(t, "ranges", ranges, 5);
	begin(t, "serial@i%" PRIx64, dev->addr);
	text(t, "compatible", "pnpPNP,501");
	cells(t, "reg", ports, 3);
	cell(t, "clock-frequency", UART_CLOCK);
	interrupt(t, dev->gsi);
	end(t);
	end(t);
}

/* gpio-keys takes a key that is an interrupt alone, pressed and released by each edge. */
static void add_power_button(struct tree *t, uint32_t gsi)
{
	begin(t, "gpio-keys");
	text(t, "compatible", "gpio-keys");
	begin(t, "power");
	text(t, "label", "power");
	cell(t, "linux,code", KEY_POWER);
	interrupt(t, gsi);
	end(t);
	end(t);
}

static void add_power_action(struct tree *t, const char *name, uint32_t offset, uint32_t value)
{
	begin(t, "%s", name);
	text(t, "compatible", name);
	cell(t, "regmap", PHANDLE_POWER);
	cell(t, "offset", offset);
	cell(t, "value", value);
	end(t);
}

/* Bytes, as ACPI accesses the same registers. */
static void add_power(struct tree *t, const struct boot_device *dev)
{
	begin(t, "power@%" PRIx64, dev->addr);
	text(t, "compatible", "syscon");
	reg(t, dev->addr, dev->size);
	cell(t, "reg-io-width", 1);
	cell(t, "phandle", PHANDLE_POWER);
	end(t);
	add_power_action(t, "syscon-poweroff", LAYOUT_POWER_SLEEP_CONTROL, LAYOUT_POWER_OFF_VALUE);
	add_power_action(t, "syscon-reboot", LAYOUT_POWER_RESET, LAYOUT_POWER_RESET_VALUE);
	add_power_button(t, dev->gsi);
}

/* A register, and no more. Linux has no driver for those of mvmm; programs write the exit status.
 */
static void add_register(struct tree *t, const char *name, const char *compatible,
			 const struct boot_device *dev)
{
	begin(t, "%s@%" PRIx64, name, dev->addr);
	text(t, "compatible", compatible);
	reg(t, dev->addr, dev->size);
	end(t);
}

static void add_device(struct tree *t, const struct boot_machine *machine,
		       const struct boot_device *dev)
{
	switch (dev->kind) {
	case BOOT_DEVICE_VIRTIO_MMIO:
		add_virtio_mmio(t, machine, dev);
		break;
	case BOOT_DEVICE_SERIAL:
		add_serial(t, dev);
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
	struct tree t = { .fdt = buf };

	keep(&t, fdt_create(buf, cap < INT_MAX ? (int)cap : INT_MAX));
	keep(&t, t.error ? 0 : fdt_finish_reservemap(buf));
	begin(&t, "%s", "");
	text(&t, "compatible", "mvmm");
	text(&t, "model", "mvmm");
	cell(&t, "#address-cells", 2);
	cell(&t, "#size-cells", 2);
	cell(&t, "interrupt-parent", PHANDLE_IOAPIC);
	add_cpus(&t, machine);
	add_memory(&t, machine);
	add_interrupt_controllers(&t);
	for (unsigned i = 0; i < machine->n_devices; i++)
		add_device(&t, machine, &machine->devices[i]);
	end(&t);
	keep(&t, t.error ? 0 : fdt_finish(buf));
	if (t.error)
		return error_set(err, E2BIG, "the device tree does not fit in %zu bytes: %s", cap,
				 fdt_strerror(t.error));
	*ret_size = fdt_totalsize(buf);
	return 0;
}
