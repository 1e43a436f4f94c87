/* SPDX-License-Identifier: Apache-2.0 */
/* What was found out about the machine, from its device tree or its ACPI tables. */
#pragma once

#include <asm/bootparam.h>
#include <stdbool.h>
#include <stdint.h>

#define MACHINE_MAX_CPUS 32
#define MACHINE_MAX_SLOTS 32

struct machine_slot {
	uint64_t base;
	uint32_t pin; /* of the IOAPIC */
};

/* A register and what to write to it to leave the machine. */
struct machine_exit {
	uint64_t addr; /* 0: not described */
	uint32_t value;
	uint8_t width; /* bytes */
	bool is_port;
};

/* Its registers; 0: not described. */
struct machine_watchdog {
	uint64_t run, seconds, left;
};

/* The 16 bytes of the generation id, and the interrupt that says that they are others. */
struct machine_generation {
	uint64_t addr; /* 0: not described */
	uint32_t pin;
};

struct machine {
	const char *platform; /* "dt" or "acpi" */
	uint32_t apic_ids[MACHINE_MAX_CPUS];
	unsigned n_cpus;
	struct machine_slot slots[MACHINE_MAX_SLOTS]; /* of virtio-mmio; with ACPI some are empty */
	unsigned n_slots;
	bool pci; /* the devices are on PCI instead */
	uint64_t lapic, ioapic;
	uint16_t serial_port; /* 0: not described */
	uint32_t serial_pin;
	struct machine_exit poweroff, reset;
	struct machine_exit panic;  /* pvpanic's event register, value: what it reports */
	struct machine_exit status; /* value: whichever */
	struct machine_watchdog watchdog;
	struct machine_generation generation;
};

extern struct machine machine;

/*
 * Fills @machine from the boot protocol's zero page. Returns NULL, or what is wrong with what was
 * described. Both descriptions at once is wrong too.
 */
const char *machine_find(const struct boot_params *params);

/* Writes the register. Returns only if that had no effect at once. */
void machine_leave(const struct machine_exit *way);

/* The two readers; both return NULL, or what is wrong. */
const char *devicetree_read(const void *tree, struct machine *ret_machine);
const char *acpi_read(uint64_t rsdp, struct machine *ret_machine);

/* The first RSDP in the BIOS area, or 0. */
uint64_t acpi_find(void);
