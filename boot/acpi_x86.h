/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine as ACPI tables, for kernels without CONFIG_OF: hardware-reduced ACPI 6.5 with RSDP,
 * XSDT, FADT, MADT, a DSDT that is compiled from dsdt.asl, an SRAT if there are NUMA nodes, and a
 * WDAT if there is a watchdog.
 */
#pragma once

#include "boot/boot.h"

#define ACPI_TABLES 5 /* that every machine has */
#define ACPI_MAX_TABLES (ACPI_TABLES + 2)

struct acpi_x86_tables {
	struct {
		const char *name; /* as acpidump names it: "rsdp", "xsdt", "facp"; static */
		uint32_t offset;  /* into the buffer */
		uint32_t size;
	} table[ACPI_MAX_TABLES]; /* the RSDP is the first, at offset 0 */
	unsigned count;
};

/*
 * Writes the tables for @machine, and the state that the DSDT reads, into @buf. @buf is what will
 * be guest memory from LAYOUT_ACPI on; it must be zeroed, aligned to 8, and @cap, its size, be
 * LAYOUT_ACPI_MAX, or -E2BIG is returned with @err set. -EINVAL for a virtio device that is in no
 * slot of layout.h, and for other devices that the DSDT does not know.
 */
int acpi_x86_build(const struct boot_machine *machine, void *buf, size_t cap,
		   struct acpi_x86_tables *ret_tables, struct error *err);
