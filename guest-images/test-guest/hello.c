// SPDX-License-Identifier: Apache-2.0
/* The test "hello": what the machine is, and that its pieces do not overlap. And "kvm-clock". */
#include "hello.h"

#include "checks.h"
#include "clock.h"
#include "fail.h"
#include "machine.h"
#include "pmem.h"
#include "serial.h"
#include "text.h"

#include <stddef.h>

#define TWO_MIB 0x200000UL

static const struct boot_params *boot_params;

void hello_init(const struct boot_params *params)
{
	boot_params = params;
}

static const char *check_place(const struct pmem *pmem)
{
	if (pmem->start % TWO_MIB || pmem->size % TWO_MIB || !pmem->size)
		return fail("pmem %u is not 2 MiB-aligned", pmem_index(pmem));
	for (unsigned i = 0; i < boot_params->e820_entries; i++) {
		const struct boot_e820_entry *entry = &boot_params->e820_table[i];

		if (pmem->start < entry->addr + entry->size &&
		    entry->addr < pmem->start + pmem->size)
			return fail("pmem %u lies in e820 entry %u", pmem_index(pmem), i);
	}
	for (unsigned i = 0; i < pmem_index(pmem); i++)
		if (pmem->start < pmems[i].start + pmems[i].size &&
		    pmems[i].start < pmem->start + pmem->size)
			return fail("pmem %u and %u overlap", i, pmem_index(pmem));
	return NULL;
}

static const char *hello(void)
{
	const struct setup_header *hdr = &boot_params->hdr;
	const char *error = NULL;

	print("test-guest: platform %s clock %s\n", machine.platform, clock_source());
	for (unsigned i = 0; i < boot_params->e820_entries; i++)
		print("test-guest: e820 0x%lx 0x%lx type %u\n",
		      (uint64_t)boot_params->e820_table[i].addr,
		      (uint64_t)boot_params->e820_table[i].size, boot_params->e820_table[i].type);
	print("test-guest: cpus %u lapic 0x%lx ioapic 0x%lx\n", machine.n_cpus, machine.lapic,
	      machine.ioapic);
	print("test-guest: serial port 0x%x pin %u\n", machine.serial_port, machine.serial_pin);
	print("test-guest: poweroff 0x%lx value 0x%x reset 0x%lx value 0x%x\n",
	      machine.poweroff.addr, machine.poweroff.value, machine.reset.addr,
	      machine.reset.value);
	print("test-guest: initrd 0x%x size %u\n", hdr->ramdisk_image, hdr->ramdisk_size);
	for (unsigned i = 0; i < pmem_count; i++) {
		print("test-guest: pmem %u start 0x%lx size 0x%lx registers 0x%lx pin %u\n", i,
		      pmems[i].start, pmems[i].size, pmems[i].device.base, pmems[i].device.pin);
		if (!error)
			error = check_place(&pmems[i]);
	}
	/* A kernel looks there even if nothing in the zero page tells it to. */
	if (!error && text_equal(machine.platform, "dt") && acpi_find())
		error = "there is an RSDP besides the device tree";
	if (!error && !machine.serial_port)
		error = "no serial port is described";
	if (!error && (!machine.poweroff.addr || !machine.reset.addr))
		error = "no power-off or no reset register is described";
	return error;
}

static const char *kvm_clock(void)
{
	uint64_t now = clock_kvm();

	print("test-guest: kvm-clock %lu\n", now);
	return now ? NULL : "there is no kvm-clock";
}

const struct check hello_checks[] = {
	{ "hello", .once = hello },
	{ "kvm-clock", .once = kvm_clock },
	{ 0 },
};
