// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/boot/test_devicetree.c.
/* APICs, interrupts and the PC's serial port in a device tree. */
#include "boot/devicetree_x86.h"

#include "vmm/base/layout.h"

#include <inttypes.h>

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

void devicetree_x86_interrupt(struct tree *t, uint32_t pin)
{
	uint32_t v[] = { pin, IOAPIC_EDGE_RISING };

	tree_cells(t, "interrupts", v, 2);
}

static void begin_apic(struct tree *t, uint32_t addr, const char *compatible)
{
	tree_begin(t, "interrupt-controller@%x", addr);
	tree_text(t, "compatible", compatible);
	tree_reg(t, addr, APIC_SIZE);
	tree_flag(t, "interrupt-controller");
	tree_cell(t, "#address-cells", 0);
	tree_cell(t, "#interrupt-cells", 2);
}

void devicetree_x86_add_controllers(struct tree *t)
{
	begin_apic(t, LAYOUT_LAPIC, "intel,ce4100-lapic");
	tree_flag(t, "intel,virtual-wire-mode");
	tree_end(t);
	begin_apic(t, LAYOUT_IOAPIC, "intel,ce4100-ioapic");
	tree_cell(t, "phandle", DEVICETREE_X86_INTERRUPTS);
	tree_end(t);
}

void devicetree_x86_add_serial(struct tree *t, const struct boot_device *dev)
{
	uint32_t ranges[] = { ISA_IO, 0, 0, 0, ISA_PORTS };
	uint32_t ports[] = { ISA_IO, (uint32_t)dev->addr, (uint32_t)dev->size };

	tree_begin(t, "isa@0");
	tree_text(t, "compatible", "isa");
	tree_cell(t, "#address-cells", 2);
	tree_cell(t, "#size-cells", 1);
	tree_cells(t, "ranges", ranges, 5);
	tree_begin(t, "serial@i%" PRIx64, dev->addr);
	tree_text(t, "compatible", "pnpPNP,501");
	tree_cells(t, "reg", ports, 3);
	tree_cell(t, "clock-frequency", UART_CLOCK);
	devicetree_x86_interrupt(t, dev->gsi);
	tree_end(t);
	tree_end(t);
}
