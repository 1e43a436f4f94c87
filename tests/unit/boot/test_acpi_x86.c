// SPDX-License-Identifier: Apache-2.0
/* The ACPI tables: found as a kernel finds them, and taken apart and put together by iasl. */
#include "boot/acpi_x86.h"
#include "tests/support/boot_fixture.h"
#include "vmm/base/array.h"

#include <errno.h>

static struct error err;
static uint8_t area[LAYOUT_ACPI_MAX] __attribute__((aligned(16)));

static struct acpi_x86_tables build(unsigned cpus, unsigned slots)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_ACPI, cpus, slots);
	struct acpi_x86_tables tables;
	int r = acpi_x86_build(&machine, area, sizeof(area), &tables, &err);

	cr_assert_eq(r, 0, "%s", err.text);
	return tables;
}

static uint64_t read_le(uint64_t addr, unsigned bytes)
{
	uint64_t v = 0;

	cr_assert(addr >= LAYOUT_ACPI && addr + bytes <= LAYOUT_ACPI + LAYOUT_ACPI_MAX);
	memcpy(&v, area + (addr - LAYOUT_ACPI), bytes);
	return v;
}

static void assert_sums_to_zero(uint64_t addr, uint64_t len)
{
	uint8_t sum = 0;

	for (uint64_t i = 0; i < len; i++)
		sum += (uint8_t)read_le(addr + i, 1);
	cr_assert_eq(sum, 0, "checksum of the table at 0x%lx", addr);
}

static void assert_table(uint64_t addr, const char *signature)
{
	cr_assert_eq(memcmp(area + (addr - LAYOUT_ACPI), signature, 4), 0);
	assert_sums_to_zero(addr, read_le(addr + 4, 4));
}

Test(acpi_x86, tables_lead_from_one_to_the_next)
{
	uint64_t xsdt, fadt, madt;

	build(4, 2);
	cr_assert_eq(memcmp(area, "RSD PTR ", 8), 0);
	assert_sums_to_zero(LAYOUT_ACPI, 20);
	assert_sums_to_zero(LAYOUT_ACPI, 36);
	xsdt = read_le(LAYOUT_ACPI + 24, 8);
	assert_table(xsdt, "XSDT");
	cr_assert_eq(read_le(xsdt + 4, 4), 36 + 2 * 8);
	fadt = read_le(xsdt + 36, 8);
	assert_table(fadt, "FACP");
	assert_table(read_le(fadt + 140, 8), "DSDT");
	cr_assert_eq(read_le(fadt + 112, 4), 1u << 20 | 1u << 10 | 1u, "flags");
	cr_assert_eq(read_le(fadt + 116 + 4, 8), LAYOUT_POWER_BASE + LAYOUT_POWER_RESET);
	cr_assert_eq(read_le(fadt + 128, 1), LAYOUT_POWER_RESET_VALUE);
	cr_assert_eq(read_le(fadt + 244 + 4, 8), LAYOUT_POWER_BASE + LAYOUT_POWER_SLEEP_CONTROL);
	cr_assert_eq(read_le(fadt + 256 + 4, 8), LAYOUT_POWER_BASE + LAYOUT_POWER_SLEEP_STATUS);
	madt = read_le(xsdt + 44, 8);
	assert_table(madt, "APIC");
	cr_assert_eq(read_le(madt + 4, 4), 44 + 12 + 4 * 8);
	cr_assert_eq(read_le(madt + 44, 2), 0x0c01, "an IOAPIC of 12 bytes");
	cr_assert_eq(read_le(madt + 48, 4), LAYOUT_IOAPIC);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(read_le(madt + 56 + i * 8, 2), 0x0800, "a local APIC of 8 bytes");
		cr_assert_eq(read_le(madt + 56 + i * 8 + 3, 1), i);
		cr_assert_eq(read_le(madt + 56 + i * 8 + 4, 4), 1);
	}
}

Test(acpi_x86, tables_do_not_overlap)
{
	struct acpi_x86_tables tables = build(BOOT_MAX_CPUS, LAYOUT_VIRTIO_SLOTS);
	uint32_t end = 0;

	for (unsigned i = 0; i < ACPI_TABLES; i++) {
		cr_assert_eq(tables.table[i].offset % 16, 0);
		cr_assert(tables.table[i].offset >= end);
		end = tables.table[i].offset + tables.table[i].size;
	}
	cr_assert(end <= LAYOUT_ACPI_STATE - LAYOUT_ACPI);
}

static int build_one(struct boot_device dev)
{
	struct boot_machine machine = {
		.cpus = 1, .topology = { 1, 1, 1 }, .n_devices = 1, .devices = { dev }
	};
	struct acpi_x86_tables tables;

	return acpi_x86_build(&machine, area, sizeof(area), &tables, &err);
}

Test(acpi_x86, state_says_which_devices_are_there)
{
	struct boot_device dev = boot_virtio_device(18, "virtio-rng");

	build(1, 3);
	cr_assert_eq(read_le(LAYOUT_ACPI_STATE + LAYOUT_ACPI_STATE_SLOTS, 4), 7);
	cr_assert_eq(read_le(LAYOUT_ACPI_STATE + LAYOUT_ACPI_STATE_FIXED, 4),
		     LAYOUT_ACPI_FIXED_UART | LAYOUT_ACPI_FIXED_PANIC | LAYOUT_ACPI_FIXED_EXIT);
	cr_assert_eq(build_one(dev), 0);
	cr_assert_eq(read_le(LAYOUT_ACPI_STATE + LAYOUT_ACPI_STATE_SLOTS, 4), 1u << 18);
	cr_assert_eq(read_le(LAYOUT_ACPI_STATE + LAYOUT_ACPI_STATE_FIXED, 4), 0);
	dev = (struct boot_device){ .kind = BOOT_DEVICE_PANIC };
	cr_assert_eq(build_one(dev), 0);
	cr_assert_eq(read_le(LAYOUT_ACPI_STATE + LAYOUT_ACPI_STATE_FIXED, 4),
		     LAYOUT_ACPI_FIXED_PANIC);
}

Test(acpi_x86, refuses_devices_that_the_dsdt_lacks)
{
	struct boot_device sound = boot_virtio_device(0, "virtio-pmem");
	struct boot_device dev = sound;

	cr_assert_eq(build_one(dev), 0);
	dev.addr += LAYOUT_VIRTIO_SLOTS * LAYOUT_VIRTIO_SIZE;
	dev.gsi += LAYOUT_VIRTIO_SLOTS;
	cr_assert_eq(build_one(dev), -EINVAL);
	dev = sound;
	dev.addr -= LAYOUT_VIRTIO_SIZE;
	cr_assert_eq(build_one(dev), -EINVAL);
	dev = sound;
	dev.addr += 4;
	cr_assert_eq(build_one(dev), -EINVAL);
	dev = sound;
	dev.gsi++;
	cr_assert_eq(build_one(dev), -EINVAL);
	dev = sound;
	dev.size *= 2;
	cr_assert_eq(build_one(dev), -EINVAL);
	dev = (struct boot_device){
		.kind = BOOT_DEVICE_SERIAL, .addr = 0x2f8, .size = 8, .gsi = 3
	};
	cr_assert_eq(build_one(dev), -EINVAL);
	cr_assert_not_null(strstr(err.text, "0x2f8"), "%s", err.text);
}

Test(acpi_x86, refuses_too_small_a_buffer_and_too_many_cpus)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_ACPI, 1, 0);
	struct acpi_x86_tables tables;

	cr_assert_eq(acpi_x86_build(&machine, area, sizeof(area) - 1, &tables, &err), -E2BIG);
	machine.cpus = BOOT_MAX_CPUS + 1;
	cr_assert_eq(acpi_x86_build(&machine, area, sizeof(area), &tables, &err), -E2BIG);
}

static void write_table(const char *path, const struct acpi_x86_tables *tables, unsigned i)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(area + tables->table[i].offset, 1, tables->table[i].size, f),
		     tables->table[i].size);
	cr_assert_eq(fclose(f), 0);
}

static void read_text(const char *path, char *text, size_t cap)
{
	FILE *f = fopen(path, "r");
	size_t n;

	cr_assert_not_null(f, "%s", path);
	n = fread(text, 1, cap - 1, f);
	text[n] = '\0';
	fclose(f);
}

/* The disassembled DSDT has each slot's registers and interrupt as layout.h says. */
static void assert_slots(const char *dsl)
{
	const char *p = dsl;
	char want[64];

	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++) {
		p = strstr(p, "Name (_HID, \"LNRO0005\")");
		cr_assert_not_null(p, "slot %u", i);
		snprintf(want, sizeof(want), "0x%08X,",
			 LAYOUT_VIRTIO_BASE + i * LAYOUT_VIRTIO_SIZE);
		p = strstr(p, "Memory32Fixed (ReadWrite,");
		cr_assert_not_null(p, "slot %u", i);
		p = strstr(p, "0x");
		cr_assert_eq(strncmp(p, want, strlen(want)), 0, "slot %u: %.12s", i, p);
		p = strstr(p, "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, )");
		cr_assert_not_null(p, "slot %u", i);
		snprintf(want, sizeof(want), "0x%08X,", LAYOUT_VIRTIO_GSI + i);
		p = strstr(p, "0x");
		cr_assert_eq(strncmp(p, want, strlen(want)), 0, "slot %u: %.12s", i, p);
	}
	cr_assert_null(strstr(p, "LNRO0005"), "one slot too many");
}

/* The device's one port is that one. */
static void assert_port(const char *dsl, const char *hid, unsigned port)
{
	const char *p = strstr(dsl, hid);
	char want[16];

	cr_assert_not_null(p, "%s", hid);
	p = strstr(p, "IO (Decode16,");
	cr_assert_not_null(p, "%s", hid);
	snprintf(want, sizeof(want), "0x%04X,", port);
	cr_assert_eq(strncmp(strstr(p, "0x"), want, strlen(want)), 0, "%s: %.40s", hid, p);
}

/* Text that follows other text; returns what is behind it. */
static const char *follows(const char *p, const char *text)
{
	const char *found = strstr(p, text);

	cr_assert_not_null(found, "no %s in %.2000s", text, p);
	return found + strlen(text);
}

/* The id's device, and what the event device does for its interrupt. */
static void assert_generation_id(const char *dsl)
{
	static const unsigned interrupts[] = { LAYOUT_POWER_GSI, LAYOUT_VMGENID_GSI };
	const char *p = follows(dsl, "Device (VGEN)");
	char want[32];

	p = follows(p, "Name (_CID, \"VM_Gen_Counter\")");
	p = follows(p, "Name (ADDR, Package (0x02)");
	snprintf(want, sizeof(want), "0x%08X,", LAYOUT_VMGENID_BASE);
	p = follows(p, want);
	cr_assert_eq(strncmp(p + strspn(p, " \n"), "Zero", 4), 0, "%.40s", p);
	p = follows(p, "Name (_HID, \"ACPI0013\"");
	for (unsigned i = 0; i < ARRAY_SIZE(interrupts); i++) {
		p = follows(p, "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, )");
		snprintf(want, sizeof(want), "0x%08X,", interrupts[i]);
		p = follows(p, want);
	}
	p = follows(p, "Method (_EVT, 1, Serialized)");
	snprintf(want, sizeof(want), "If ((Arg0 == 0x%02X))", LAYOUT_VMGENID_GSI);
	p = follows(p, want);
	p = follows(p, "Notify (VGEN, 0x80)");
	follows(p, "Else");
}

/* Not the RSDP: the disassembler of iasl 20200925 takes none, not even one of its own making. */
Test(acpi_x86, iasl_takes_tables_apart_and_puts_them_together)
{
	struct acpi_x86_tables tables = build(BOOT_MAX_CPUS, 2);
	static char dsl[0x20000];
	char output[FIXTURE_OUTPUT];
	char dir[32], dat[64], source[64];

	fixture_directory(dir);
	for (unsigned i = 1; i < ACPI_TABLES; i++) {
		snprintf(dat, sizeof(dat), "%s/%s.dat", dir, tables.table[i].name);
		snprintf(source, sizeof(source), "%s/%s.dsl", dir, tables.table[i].name);
		write_table(dat, &tables, i);
		FIXTURE_RUN(output, "iasl", "-d", dat);
		cr_assert_null(strstr(output, "Warning"), "%s", output);
		cr_assert_null(strstr(output, "rror"), "%s", output);
		FIXTURE_RUN(output, "iasl", source);
		cr_assert_not_null(strstr(output, "0 Errors, 0 Warnings"), "%s", output);
	}
	read_text(source, dsl, sizeof(dsl));
	assert_slots(dsl);
	assert_generation_id(dsl);
	assert_port(dsl, "QEMU0001", LAYOUT_PANIC_PORT);
	assert_port(dsl, "MVMM0001", LAYOUT_EXIT_PORT);
	cr_assert_not_null(strstr(dsl, "OperationRegion (MACH, SystemMemory, 0x000FF000, 0x08)"));
	fixture_remove(dir);
}
