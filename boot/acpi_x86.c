// SPDX-License-Identifier: Apache-2.0
/*
 * Writes the ACPI tables. Section and table numbers are those of ACPI 6.5. Start reading at
 * acpi_x86_build.
 */
#include "boot/acpi_x86.h"

#include "boot/srat_x86.h"
#include "boot/topology_x86.h"
#include "boot/wdat_x86.h"
#include "vmm/base/endian.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/types.h>
#include <string.h>

/* dsdt_aml_code, which iasl made from dsdt.asl. */
#include "boot/dsdt_x86.inc"

#define OEM_ID "MVMM  "
#define OEM_TABLE_ID "MVMM    "

/* Section 5.2.6. */
struct table_header {
	char signature[4];
	__le32 length;
	__u8 revision;
	__u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	__le32 oem_revision;
	char creator_id[4];
	__le32 creator_revision;
} __attribute__((packed));

/* Section 5.2.5.3. */
struct rsdp {
	char signature[8];
	__u8 checksum; /* of the first 20 bytes */
	char oem_id[6];
	__u8 revision;
	__le32 rsdt;
	__le32 length;
	__le64 xsdt;
	__u8 extended_checksum; /* of everything */
	__u8 reserved[3];
} __attribute__((packed));

struct xsdt {
	struct table_header header;
	__le64 tables[2 + ACPI_MAX_TABLES -
		      ACPI_TABLES]; /* the FADT, the MADT, and the optional ones */
} __attribute__((packed));

/* Generic Address Structure, section 5.2.3.2. */
struct gas {
	__u8 space;
	__u8 bit_width;
	__u8 bit_offset;
	__u8 access_size;
	__le64 address;
} __attribute__((packed));

#define GAS_SYSTEM_MEMORY 0
#define GAS_BYTE_ACCESS 1

/* Section 5.2.9. A hardware-reduced platform leaves the unnamed fields 0. */
struct fadt {
	struct table_header header;
	__u8 unused1[73];
	__le16 iapc_boot_arch;
	__u8 unused2;
	__le32 flags;
	struct gas reset_reg;
	__u8 reset_value;
	__le16 arm_boot_arch;
	__u8 minor_revision;
	__le64 x_firmware_ctrl;
	__le64 x_dsdt;
	struct gas unused3[8];
	struct gas sleep_control_reg;
	struct gas sleep_status_reg;
	__le64 hypervisor_vendor;
} __attribute__((packed));

_Static_assert(sizeof(struct fadt) == 276, "FADT of ACPI 6.5");

/* Table 5.10. There is no 8042 (its bit is clear), no VGA and no CMOS clock to probe. */
#define FADT_BOOT_NO_VGA (1u << 2)
#define FADT_BOOT_NO_CMOS_RTC (1u << 5)
/* Table 5.9, "Flags". */
#define FADT_WBINVD (1u << 0)
#define FADT_RESET_REG_SUP (1u << 10)
#define FADT_HW_REDUCED_ACPI (1u << 20)

/* Section 5.2.12. */
struct madt_lapic {
	__u8 type; /* 0 */
	__u8 length;
	__u8 processor_uid;
	__u8 apic_id;
	__le32 flags; /* bit 0: enabled */
} __attribute__((packed));

struct madt_ioapic {
	__u8 type; /* 1 */
	__u8 length;
	__u8 id;
	__u8 reserved;
	__le32 address;
	__le32 gsi_base;
} __attribute__((packed));

struct madt {
	struct table_header header;
	__le32 lapic_address;
	__le32 flags; /* bit 0, PCAT_COMPAT, clear: no 8259s to mask */
	struct madt_ioapic ioapic;
	struct madt_lapic lapic[BOOT_MAX_CPUS];
} __attribute__((packed));

struct srat {
	struct table_header header;
	__u8 body[SRAT_MAX];
};

struct wdat {
	struct table_header header;
	__u8 body[WDAT_SIZE];
};

/* The tables of every machine. Optional tables get the next indices. */
enum table_index { RSDP, XSDT, FACP, APIC, DSDT };

struct writer {
	uint8_t *buf;
	uint32_t used;
	struct acpi_x86_tables tables;
};

static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += bytes[i];
	return (uint8_t)-sum;
}

static struct table_header header(const char *signature, uint8_t revision, size_t length)
{
	struct table_header h = {
		.length = host_to_le32((uint32_t)length),
		.revision = revision,
		.oem_revision = host_to_le32(1),
		.creator_revision = host_to_le32(1),
	};

	memcpy(h.signature, signature, sizeof(h.signature));
	memcpy(h.oem_id, OEM_ID, sizeof(h.oem_id));
	memcpy(h.oem_table_id, OEM_TABLE_ID, sizeof(h.oem_table_id));
	memcpy(h.creator_id, OEM_ID, sizeof(h.creator_id));
	return h;
}

static uint64_t address(const struct writer *w, unsigned index)
{
	return LAYOUT_ACPI + w->tables.table[index].offset;
}

/* Reserves the place of a table. A table's place must be known before another table names it. */
static void reserve_table(struct writer *w, unsigned index, const char *name, size_t size)
{
	w->tables.table[index].name = name;
	w->tables.table[index].offset = w->used;
	w->tables.table[index].size = (uint32_t)size;
	w->tables.count++;
	w->used += (uint32_t)((size + 15) & ~15ull);
}

static void put_table(struct writer *w, unsigned index, const void *table)
{
	uint8_t *to = w->buf + w->tables.table[index].offset;

	memcpy(to, table, w->tables.table[index].size);
	/* The RSDP has checksums of its own; the DSDT comes with one. */
	if (index != RSDP && index != DSDT)
		to[offsetof(struct table_header, checksum)] =
			checksum(to, w->tables.table[index].size);
}

static void put_rsdp(struct writer *w)
{
	struct rsdp rsdp = {
		.revision = 2,
		.length = host_to_le32(sizeof(rsdp)),
		.xsdt = host_to_le64(address(w, XSDT)),
	};

	memcpy(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature));
	memcpy(rsdp.oem_id, OEM_ID, sizeof(rsdp.oem_id));
	rsdp.checksum = checksum(&rsdp, offsetof(struct rsdp, length));
	rsdp.extended_checksum = checksum(&rsdp, sizeof(rsdp));
	put_table(w, RSDP, &rsdp);
}

static bool has_watchdog(const struct boot_machine *machine)
{
	for (unsigned i = 0; i < machine->n_devices; i++)
		if (machine->devices[i].kind == BOOT_DEVICE_WATCHDOG)
			return true;
	return false;
}

static size_t xsdt_size(const struct boot_machine *machine)
{
	unsigned n = 2 + (machine->n_nodes > 0) + has_watchdog(machine);

	return offsetof(struct xsdt, tables) + n * sizeof(__le64);
}

static void put_xsdt(struct writer *w)
{
	struct xsdt xsdt = {
		.header = header("XSDT", 1, w->tables.table[XSDT].size),
		.tables = { host_to_le64(address(w, FACP)), host_to_le64(address(w, APIC)) },
	};

	for (unsigned i = ACPI_TABLES; i < w->tables.count; i++)
		xsdt.tables[2 + i - ACPI_TABLES] = host_to_le64(address(w, i));
	put_table(w, XSDT, &xsdt);
}

static struct gas power_register(uint64_t offset)
{
	return (struct gas){
		.space = GAS_SYSTEM_MEMORY,
		.bit_width = 8,
		.access_size = GAS_BYTE_ACCESS,
		.address = host_to_le64(LAYOUT_POWER_BASE + offset),
	};
}

static void put_fadt(struct writer *w)
{
	struct fadt fadt = {
		.header = header("FACP", 6, sizeof(fadt)),
		.iapc_boot_arch = host_to_le16(FADT_BOOT_NO_VGA | FADT_BOOT_NO_CMOS_RTC),
		.flags = host_to_le32(FADT_WBINVD | FADT_RESET_REG_SUP | FADT_HW_REDUCED_ACPI),
		.reset_reg = power_register(LAYOUT_POWER_RESET),
		.reset_value = LAYOUT_POWER_RESET_VALUE,
		.minor_revision = 5,
		.x_dsdt = host_to_le64(address(w, DSDT)),
		.sleep_control_reg = power_register(LAYOUT_POWER_SLEEP_CONTROL),
		.sleep_status_reg = power_register(LAYOUT_POWER_SLEEP_STATUS),
	};

	put_table(w, FACP, &fadt);
}

static size_t madt_size(unsigned cpus)
{
	return offsetof(struct madt, lapic) + cpus * sizeof(struct madt_lapic);
}

static void put_madt(struct writer *w, const struct boot_machine *machine)
{
	struct madt madt = {
		.header = header("APIC", 6, madt_size(machine->cpus)),
		.lapic_address = host_to_le32(LAYOUT_LAPIC),
		.ioapic = { .type = 1,
			    .length = sizeof(madt.ioapic),
			    .address = host_to_le32(LAYOUT_IOAPIC) },
	};

	for (unsigned i = 0; i < machine->cpus; i++)
		madt.lapic[i] = (struct madt_lapic){
			.length = sizeof(madt.lapic[i]),
			.processor_uid = (__u8)i,
			.apic_id = (__u8)topology_x86_apic_id(&machine->topology, i),
			.flags = host_to_le32(1),
		};
	put_table(w, APIC, &madt);
}

/* Adds an optional table behind all tables that have a place. */
static void put_other(struct writer *w, const char *name, const void *table, size_t size)
{
	unsigned index = w->tables.count;

	reserve_table(w, index, name, size);
	put_table(w, index, table);
}

static void put_srat(struct writer *w, const struct boot_machine *machine)
{
	struct srat srat;
	size_t size = sizeof(srat.header) + srat_x86_write(machine, srat.body);

	srat.header = header("SRAT", 3, size);
	put_other(w, "srat", &srat, size);
}

static void put_wdat(struct writer *w)
{
	struct wdat wdat = { .header = header("WDAT", 1, sizeof(wdat)) };

	wdat_x86_write(wdat.body);
	put_other(w, "wdat", &wdat, sizeof(wdat));
}

static int check_serial(const struct boot_device *dev, struct error *err)
{
	if (dev->addr == LAYOUT_SERIAL_PORT && dev->size == LAYOUT_SERIAL_PORTS &&
	    dev->gsi == LAYOUT_SERIAL_GSI)
		return 0;
	return error_set(err, EINVAL, "dsdt.asl has no serial port at 0x%" PRIx64, dev->addr);
}

/* Returns the slot, or -EINVAL. */
static int slot_of(const struct boot_device *dev, struct error *err)
{
	uint64_t slot = (dev->addr - LAYOUT_VIRTIO_BASE) / LAYOUT_VIRTIO_SIZE;

	if (slot < LAYOUT_VIRTIO_SLOTS && dev->size == LAYOUT_VIRTIO_SIZE &&
	    dev->addr == LAYOUT_VIRTIO_BASE + slot * LAYOUT_VIRTIO_SIZE &&
	    dev->gsi == LAYOUT_VIRTIO_GSI + slot)
		return (int)slot;
	return error_set(err, EINVAL,
			 "layout.h has no virtio slot at 0x%" PRIx64 " with interrupt %u",
			 dev->addr, dev->gsi);
}

static void put_le32(uint8_t *to, uint32_t value)
{
	__le32 wire = host_to_le32(value);

	memcpy(to, &wire, sizeof(wire));
}

/* Fills the state page, which dsdt.asl calls "MACH" and reads. */
static int put_state(struct writer *w, const struct boot_machine *machine, struct error *err)
{
	uint8_t *state = w->buf + (LAYOUT_ACPI_STATE - LAYOUT_ACPI);
	uint32_t slots = 0;
	uint32_t fixed = 0;
	int r;

	for (unsigned i = 0; i < machine->n_devices; i++) {
		const struct boot_device *dev = &machine->devices[i];

		switch (dev->kind) {
		case BOOT_DEVICE_VIRTIO_MMIO:
			r = slot_of(dev, err);
			if (r < 0)
				return r;
			slots |= 1u << r;
			break;
		case BOOT_DEVICE_SERIAL:
			r = check_serial(dev, err);
			if (r < 0)
				return r;
			fixed |= LAYOUT_ACPI_FIXED_UART;
			break;
		case BOOT_DEVICE_POWER:
			break; /* in the FADT */
		case BOOT_DEVICE_EXIT:
			fixed |= LAYOUT_ACPI_FIXED_EXIT;
			break;
		case BOOT_DEVICE_PANIC:
			fixed |= LAYOUT_ACPI_FIXED_PANIC;
			break;
		case BOOT_DEVICE_WATCHDOG:
			break; /* in the WDAT */
		}
	}
	put_le32(state + LAYOUT_ACPI_STATE_SLOTS, slots);
	put_le32(state + LAYOUT_ACPI_STATE_FIXED, fixed);
	for (unsigned slot = 0; slot < LAYOUT_VIRTIO_SLOTS; slot++)
		state[LAYOUT_ACPI_STATE_NODES + slot] = (uint8_t)machine->pmem[slot].node;
	return 0;
}

int acpi_x86_build(const struct boot_machine *machine, void *buf, size_t cap,
		   struct acpi_x86_tables *ret_tables, struct error *err)
{
	struct writer w = { .buf = buf };
	int r;

	_Static_assert(sizeof(struct xsdt) + sizeof(struct fadt) + sizeof(struct madt) +
				       sizeof(struct srat) + sizeof(struct wdat) +
				       sizeof(dsdt_aml_code) + 0x100 <
			       LAYOUT_ACPI_STATE - LAYOUT_ACPI,
		       "the tables end before the state page");
	if (cap < LAYOUT_ACPI_MAX || machine->cpus > BOOT_MAX_CPUS)
		return error_set(err, E2BIG, "the ACPI tables for %u CPUs do not fit in %zu bytes",
				 machine->cpus, cap);
	reserve_table(&w, RSDP, "rsdp", sizeof(struct rsdp));
	reserve_table(&w, XSDT, "xsdt", xsdt_size(machine));
	reserve_table(&w, FACP, "facp", sizeof(struct fadt));
	reserve_table(&w, APIC, "apic", madt_size(machine->cpus));
	reserve_table(&w, DSDT, "dsdt", sizeof(dsdt_aml_code));
	r = put_state(&w, machine, err);
	if (r < 0)
		return r;
	put_rsdp(&w);
	if (machine->n_nodes)
		put_srat(&w, machine);
	if (has_watchdog(machine))
		put_wdat(&w);
	put_xsdt(&w);
	put_fadt(&w);
	put_madt(&w, machine);
	put_table(&w, DSDT, dsdt_aml_code);
	*ret_tables = w.tables;
	return 0;
}
