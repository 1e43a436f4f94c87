// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the ACPI tables (ACPI Specification 6.5, chapter 5). There is no AML interpreter here: of
 * the DSDT only devices with a literal _HID and a literal _CRS are understood. Start reading at
 * acpi_read.
 */
#include "machine.h"

#include "text.h"

#include <stddef.h>

#define HEADER_SIZE 36
#define RSDP_SIGNATURE 0x2052545020445352 /* "RSD PTR " */
#define BIOS_AREA 0xe0000
#define BIOS_AREA_END 0x100000

/* FADT: table 5.9. */
#define FADT_FLAGS 112
#define FADT_RESET 116
#define FADT_RESET_VALUE 128
#define FADT_X_DSDT 140
#define FADT_SLEEP_CONTROL 244
#define FADT_SIZE 268
#define FADT_RESET_SUPPORTED (1U << 10)
#define FADT_HW_REDUCED (1U << 20)

/* MADT: section 5.2.12. */
#define MADT_LAPIC_ADDRESS 36
#define MADT_ENTRIES 44
#define MADT_LAPIC 0
#define MADT_IOAPIC 1

/* Resource descriptors: section 6.4. */
#define RESOURCE_IRQ 4 /* small item names */
#define RESOURCE_IO 8
#define RESOURCE_END 15
#define RESOURCE_MEMORY32_FIXED 0x86
#define RESOURCE_EXTENDED_INTERRUPT 0x89
#define INTERRUPT_EDGE 0x02
#define INTERRUPT_ACTIVE_LOW 0x04

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

/* Eight bytes at a time, for the sake of a slow KVM: the sums of bytes meet in the top 16 bits. */
static bool sums_to_zero(const uint8_t *at, uint32_t len)
{
	const uint64_t even = 0x00ff00ff00ff00ff, gather = 0x0001000100010001;
	uint64_t sum = 0;

	for (; len >= 8; at += 8, len -= 8)
		sum += ((get64(at) & even) + (get64(at) >> 8 & even)) * gather >> 48;
	while (len--)
		sum += *at++;
	return (uint8_t)sum == 0;
}

/* One string instruction, because a loop over the BIOS area takes 0.1 s on a slow KVM. */
uint64_t acpi_find(void)
{
	uint64_t at = BIOS_AREA, left = (BIOS_AREA_END - BIOS_AREA) / 8;
	bool found = false;

	while (left && !found) {
		__asm__ volatile("repne scasq"
				 : "+D"(at), "+c"(left), "=@ccz"(found)
				 : "a"(RSDP_SIGNATURE)
				 : "memory");
		found = found && (at - 8) % 16 == 0;
	}
	return found ? at - 8 : 0;
}

/* A generic address structure, section 5.2.3.2. */
static void take_exit(const uint8_t *gas, uint32_t value, struct machine_exit *ret_way)
{
	ret_way->is_port = gas[0] == 1;
	ret_way->width = gas[1] / 8;
	ret_way->addr = get64(gas + 4);
	ret_way->value = value;
}

static const char *read_madt(const uint8_t *madt, struct machine *found)
{
	uint32_t len;

	found->lapic = get32(madt + MADT_LAPIC_ADDRESS);
	for (uint32_t at = MADT_ENTRIES; at + 1 < get32(madt + 4); at += len) {
		const uint8_t *entry = madt + at;

		len = entry[1];
		if (len < 2)
			return "the MADT has an entry without a length";
		if (entry[0] == MADT_LAPIC && entry[4] & 1 && found->n_cpus < MACHINE_MAX_CPUS)
			found->apic_ids[found->n_cpus++] = entry[3];
		else if (entry[0] == MADT_IOAPIC)
			found->ioapic = get32(entry + 4);
	}
	return NULL;
}

/* A PkgLength, section 20.2.4: returns the end of the package that it begins. */
static const uint8_t *package_end(const uint8_t *at, const uint8_t **ret_body)
{
	unsigned more = *at >> 6;
	uint32_t len = *at & (more ? 0xf : 0x3f);

	for (unsigned i = 1; i <= more; i++)
		len |= (uint32_t)at[i] << (8 * i - 4);
	*ret_body = at + 1 + more;
	return at + len;
}

/* The object that NameOp gives @name between @at and @end, or NULL. */
static const uint8_t *find_name(const uint8_t *at, const uint8_t *end, const char *name)
{
	for (; at + 6 < end; at++)
		if (at[0] == 0x08 && memcmp(at + 1, name, 4) == 0)
			return at + 5;
	return NULL;
}

struct resources {
	uint64_t memory;
	uint16_t port;
	uint32_t pin;
	bool has_pin, wrong_trigger;
};

static void read_resource(const uint8_t *at, struct resources *ret)
{
	if (*at == RESOURCE_MEMORY32_FIXED) {
		ret->memory = get32(at + 4);
	} else if (*at == RESOURCE_EXTENDED_INTERRUPT) {
		ret->pin = get32(at + 5);
		ret->has_pin = true;
		ret->wrong_trigger = !(at[3] & INTERRUPT_EDGE) || at[3] & INTERRUPT_ACTIVE_LOW;
	} else if (*at >> 3 == RESOURCE_IRQ) {
		ret->pin = (uint32_t)__builtin_ctz(at[1] | at[2] << 8 | 1 << 16);
		ret->has_pin = true;
	} else if (*at >> 3 == RESOURCE_IO) {
		ret->port = (uint16_t)(at[2] | at[3] << 8);
	}
}

/* _CRS as a literal buffer: BufferOp PkgLength BufferSize, then the descriptors. */
static bool read_resources(const uint8_t *crs, struct resources *ret)
{
	static const uint8_t integer_sizes[] = { [0x0a] = 2, [0x0b] = 3, [0x0c] = 5 };
	const uint8_t *at, *end;

	if (!crs || *crs != 0x11)
		return false;
	end = package_end(crs + 1, &at);
	at += *at < sizeof(integer_sizes) && integer_sizes[*at] ? integer_sizes[*at] : 1;
	while (at < end && *at >> 3 != RESOURCE_END) {
		read_resource(at, ret);
		at += *at & 0x80 ? 3 + (at[1] | at[2] << 8) : 1 + (*at & 7);
	}
	return true;
}

/* The id's device has its address as a package of two integers, here a DWord and a Zero. */
static const char *read_generation(const uint8_t *addr, struct machine *found)
{
	const uint8_t *at;

	if (!addr || *addr != 0x12)
		return "the device VM_Gen_Counter has no package ADDR";
	package_end(addr + 1, &at);
	if (at[0] != 2 || at[1] != 0x0c || at[6] != 0)
		return "ADDR of VM_Gen_Counter is not a DWord and a zero";
	found->generation.addr = get32(at + 2);
	return NULL;
}

/* Moves *@at, where the device begins, to its end if the device is one that has no others in it. */
static const char *read_device(const uint8_t *body, const uint8_t *end, struct machine *found,
			       const uint8_t **at)
{
	static const uint8_t virtio[] = "\x0dLNRO0005";		  /* a string */
	static const uint8_t uart[] = { 0x0c, 0x41, 0xd0, 5, 1 }; /* EisaId("PNP0501") */
	static const uint8_t panic[] = "\x0dQEMU0001", status[] = "\x0dMVMM0001";
	static const uint8_t generation[] = "\x0dVM_Gen_Counter", events[] = "\015ACPI0013";
	const uint8_t *hid = find_name(body, end, "_HID"), *cid = find_name(body, end, "_CID");
	struct resources res = { 0 };

	if (!hid)
		return NULL;
	if (memcmp(hid, uart, sizeof(uart)) == 0) {
		if (!read_resources(find_name(body, end, "_CRS"), &res) || !res.port)
			return "the UART's _CRS has no ports";
		*at = end - 1;
		found->serial_port = res.port;
		found->serial_pin = res.pin;
	} else if (memcmp(hid, virtio, sizeof(virtio)) == 0) {
		if (!read_resources(find_name(body, end, "_CRS"), &res) || !res.memory ||
		    !res.has_pin)
			return "the _CRS of an LNRO0005 device lacks memory or an interrupt";
		if (res.wrong_trigger)
			return "the interrupt of an LNRO0005 device is not edge, active high";
		*at = end - 1;
		if (found->n_slots < MACHINE_MAX_SLOTS) {
			found->slots[found->n_slots].base = res.memory;
			found->slots[found->n_slots++].pin = res.pin;
		}
	} else if (memcmp(hid, panic, sizeof(panic)) == 0 ||
		   memcmp(hid, status, sizeof(status)) == 0) {
		if (!read_resources(find_name(body, end, "_CRS"), &res) || !res.port)
			return "the _CRS of pvpanic or of the exit device has no port";
		*at = end - 1;
		*(hid[1] == 'Q' ? &found->panic : &found->status) =
			(struct machine_exit){ .addr = res.port, .is_port = true };
	} else if (cid && memcmp(cid, generation, sizeof(generation)) == 0) {
		return read_generation(find_name(body, end, "ADDR"), found);
	} else if (memcmp(hid, events, sizeof(events)) == 0) {
		/* Its last interrupt is that of the id; that takes a look into the AML to know. */
		if (!read_resources(find_name(body, end, "_CRS"), &res) || !res.has_pin)
			return "the _CRS of the ACPI0013 device has no interrupt";
		found->generation.pin = res.pin;
	}
	return NULL;
}

static const char *read_dsdt(const uint8_t *dsdt, const uint8_t *sleep_control,
			     struct machine *found)
{
	const uint8_t *end = dsdt + get32(dsdt + 4);
	const uint8_t *s5 = find_name(dsdt + HEADER_SIZE, end, "_S5_");
	const char *error = NULL;

	for (const uint8_t *at = dsdt + HEADER_SIZE; !error && at + 3 < end; at++) {
		const uint8_t *body, *body_end;

		if (at[0] != 0x5b || at[1] != 0x82) /* DeviceOp */
			continue;
		body_end = package_end(at + 2, &body);
		if (body_end <= end)
			error = read_device(body, body_end, found, &at);
	}
	/* PackageOp PkgLength NumElements, then the sleep type; section 4.8.3.7 for the register.
	 */
	if (s5 && *s5 == 0x12 && get64(sleep_control + 4)) {
		package_end(s5 + 1, &s5);
		s5++;
		take_exit(sleep_control, (uint32_t)(*s5 == 0x0a ? s5[1] : *s5) << 2 | 1 << 5,
			  &found->poweroff);
	}
	return error;
}

static const char *read_fadt(const uint8_t *fadt, struct machine *found)
{
	const uint8_t *dsdt = (const uint8_t *)get64(fadt + FADT_X_DSDT);
	uint32_t flags = get32(fadt + FADT_FLAGS);

	if (get32(fadt + 4) < FADT_SIZE)
		return "the FADT is too short for a sleep control register";
	if (!(flags & FADT_HW_REDUCED))
		return "the FADT does not say that the hardware is reduced";
	if (flags & FADT_RESET_SUPPORTED)
		take_exit(fadt + FADT_RESET, fadt[FADT_RESET_VALUE], &found->reset);
	if (!dsdt || memcmp(dsdt, "DSDT", 4) != 0)
		return "X_DSDT does not point to a DSDT";
	if (!sums_to_zero(dsdt, get32(dsdt + 4)))
		return "the DSDT's checksum is wrong";
	return read_dsdt(dsdt, fadt + FADT_SLEEP_CONTROL, found);
}

/* A WDAT has 32 bytes behind its header, then 24 for each action: its address is at 8. */
static const char *read_wdat(const uint8_t *wdat, struct machine *found)
{
	const uint8_t *end = wdat + get32(wdat + 4);
	uint64_t *const registers[] = {
		[1] = &found->watchdog.left, /* begin anew */
		[6] = &found->watchdog.seconds,
		[9] = &found->watchdog.run, /* begin to run */
	};

	if (get32(wdat + HEADER_SIZE + 28) * 24 != (uint64_t)(end - wdat) - HEADER_SIZE - 32)
		return "the WDAT is not as long as its actions";
	for (const uint8_t *at = wdat + HEADER_SIZE + 32; at < end; at += 24)
		if (*at < sizeof(registers) / sizeof(registers[0]) && registers[*at])
			*registers[*at] = get64(at + 8);
	return NULL;
}

const char *acpi_read(uint64_t rsdp, struct machine *ret_machine)
{
	const uint8_t *root = (const uint8_t *)rsdp;
	const uint8_t *xsdt = (const uint8_t *)get64(root + 24);
	bool has_fadt = false, has_madt = false;
	const char *error = NULL;

	if (memcmp(root, "RSD PTR ", 8) != 0 || root[15] < 2)
		return "there is no RSDP of revision 2 where it should be";
	if (!sums_to_zero(root, 20) || !sums_to_zero(root, get32(root + 20)))
		return "a checksum of the RSDP is wrong";
	if (memcmp(xsdt, "XSDT", 4) != 0 || !sums_to_zero(xsdt, get32(xsdt + 4)))
		return "the XSDT's signature or checksum is wrong";
	for (uint32_t at = HEADER_SIZE; !error && at < get32(xsdt + 4); at += 8) {
		const uint8_t *table = (const uint8_t *)get64(xsdt + at);

		if (!sums_to_zero(table, get32(table + 4))) {
			error = "the checksum of a table in the XSDT is wrong";
		} else if (memcmp(table, "FACP", 4) == 0) {
			has_fadt = true;
			error = read_fadt(table, ret_machine);
		} else if (memcmp(table, "APIC", 4) == 0) {
			has_madt = true;
			error = read_madt(table, ret_machine);
		} else if (memcmp(table, "WDAT", 4) == 0) {
			error = read_wdat(table, ret_machine);
		}
	}
	if (!error && (!has_fadt || !has_madt))
		error = "the XSDT has no FADT or no MADT";
	return error;
}
