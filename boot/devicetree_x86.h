/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of a device tree that only x86 has. */
#pragma once

#include "boot/boot.h"
#include "boot/tree.h"

/* The phandle of the interrupt controller that devices use, and the first that is free. */
enum { DEVICETREE_X86_INTERRUPTS = 1, DEVICETREE_X86_PHANDLES };

/* Local APIC and IOAPIC, under the root. */
void devicetree_x86_add_controllers(struct tree *t);

/* "interrupts" of a device at @pin of the IOAPIC: a rising edge. */
void devicetree_x86_interrupt(struct tree *t, uint32_t pin);

/*
 * A UART in I/O space needs an ISA bus. Its name is the ISA binding's and not ns16550a: on x86 the
 * 8250 driver finds the PC's ports by itself, long before it looks into the tree, and a second
 * driver would only complain, because without PCI it cannot translate port addresses.
 */
void devicetree_x86_add_serial(struct tree *t, const struct boot_device *dev);
