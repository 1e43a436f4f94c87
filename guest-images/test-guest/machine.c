// SPDX-License-Identifier: Apache-2.0
/* Finds the machine's description and leaves the machine. Start reading at machine_find. */
#include "machine.h"

#include "cpu.h"
#include "pvh.h"
#include "serial.h"
#include "text.h"

struct machine machine;

static const void *find_tree(const struct boot_params *params)
{
	for (uint64_t at = params->hdr.setup_data; at;) {
		const struct setup_data *node = (const struct setup_data *)at;

		if (node->type == SETUP_DTB)
			return node->data;
		at = node->next;
	}
	return NULL;
}

static const char *check(void)
{
	if (!machine.lapic || !machine.ioapic)
		return "no local APIC or no IOAPIC is described";
	if (machine.n_cpus == 0)
		return "no CPU is described";
	for (unsigned i = 0; i < machine.n_slots; i++)
		if (machine.slots[i].pin >= 24)
			return "a device's interrupt is not a pin of the IOAPIC";
	return NULL;
}

const char *machine_find(const struct boot_params *params)
{
	const void *tree;
	uint64_t rsdp = params->acpi_rsdp_addr;
	const char *error;

	if (pvh_entered()) {
		pvh_machine(&machine);
		serial_use(machine.serial_port);
		return NULL;
	}
	tree = find_tree(params);
	if (tree && rsdp)
		return "the machine is described twice, by a device tree and by ACPI";
	if (!tree && !rsdp)
		rsdp = acpi_find();
	if (!tree && !rsdp)
		return "the machine is not described: no device tree, no RSDP";
	machine.platform = tree ? "dt" : "acpi";
	error = tree ? devicetree_read(tree, &machine) : acpi_read(rsdp, &machine);
	if (machine.serial_port)
		serial_use(machine.serial_port);
	return error ? error : check();
}

void machine_leave(const struct machine_exit *way)
{
	if (way->is_port)
		out8((uint16_t)way->addr, (uint8_t)way->value);
	else if (way->width == 1)
		write8(way->addr, (uint8_t)way->value);
	else if (way->addr)
		write32(way->addr, way->value);
}
