// SPDX-License-Identifier: Apache-2.0
/* virtio over PCI. Start reading at virtio_pci_probe. */
#include "virtio_pci.h"

#include "cpu.h"
#include "interrupts.h"
#include "machine.h"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <stddef.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define VENDOR 0x1af4
#define FIRST_DEVICE 0x1040 /* plus the virtio device id (section 4.1.2) */
#define LAST_DEVICE 0x107f
#define SLOTS 32
#define PIIX_SLOT 1
#define PIIX_PIRQ_ROUTES 0x60 /* a byte for each of four */
#define PIRQ_PIN 10U
#define VIRTIO_BAR 4 /* where QEMU has all the structures, in 16 KiB */
#define BARS 0xe0000000U
#define BAR_STRIDE 0x10000U

static uint32_t config_read(unsigned slot, unsigned offset)
{
	out32(CONFIG_ADDRESS, 0x80000000U | slot << 11 | (offset & 0xfcU));
	return in32(CONFIG_DATA) >> (offset & 3) * 8;
}

static void config_write(unsigned slot, unsigned offset, uint32_t value)
{
	out32(CONFIG_ADDRESS, 0x80000000U | slot << 11 | offset);
	out32(CONFIG_DATA, value);
}

static uint64_t bar(unsigned slot, unsigned n)
{
	unsigned offset = PCI_BASE_ADDRESS_0 + 4 * n;
	uint32_t low = config_read(slot, offset);
	uint64_t high = low & PCI_BASE_ADDRESS_MEM_TYPE_64 ? config_read(slot, offset + 4) : 0;

	return (low & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK) | high << 32;
}

/* Section 4.1.4: where each structure is. */
static void read_virtio_cap(unsigned slot, unsigned cap, struct virtio_mmio *device)
{
	uint64_t at = bar(slot, config_read(slot, cap + VIRTIO_PCI_CAP_BAR) & 0xff) +
		      config_read(slot, cap + VIRTIO_PCI_CAP_OFFSET);

	switch (config_read(slot, cap + VIRTIO_PCI_CAP_CFG_TYPE) & 0xff) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		device->base = at;
		break;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		device->doorbell = at; /* of queue 0, if its queue_notify_off is 0 */
		break;
	case VIRTIO_PCI_CAP_ISR_CFG:
		device->isr = at;
		break;
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		device->config = at;
		break;
	}
}

/* Firmware of the quick kind (qboot) leaves BARs to the kernel. */
static void place_bars(unsigned slot)
{
	unsigned offset = PCI_BASE_ADDRESS_0 + 4 * VIRTIO_BAR;

	if (config_read(slot, offset) & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK)
		return;
	config_write(slot, offset, BARS + slot * BAR_STRIDE);
	config_write(slot, offset + 4, 0);
}

/*
 * The IOAPIC pin of the slot's INTA. QEMU's machine "pc" swizzles it to one of four PIRQs, which
 * the bridge's registers route; they all go to one pin here.
 */
static uint32_t route_inta(void)
{
	config_write(PIIX_SLOT, PIIX_PIRQ_ROUTES, PIRQ_PIN * 0x01010101U);
	return PIRQ_PIN;
}

static void set_up(unsigned slot, struct virtio_mmio *device)
{
	unsigned cap = config_read(slot, PCI_CAPABILITY_LIST) & 0xfc;

	place_bars(slot);
	config_write(slot, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	for (; cap; cap = config_read(slot, cap + PCI_CAP_LIST_NEXT) & 0xfc) {
		if ((config_read(slot, cap) & 0xff) == PCI_CAP_ID_VNDR)
			read_virtio_cap(slot, cap, device);
	}
}

bool virtio_pci_probe(unsigned index, struct virtio_mmio *ret_device)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		uint32_t id = config_read(slot, PCI_VENDOR_ID);
		uint32_t device = id >> 16;

		if ((id & 0xffff) != VENDOR || device < FIRST_DEVICE || device > LAST_DEVICE ||
		    index--)
			continue;
		*ret_device = (struct virtio_mmio){
			.pci = true,
			.id = device - FIRST_DEVICE,
			.pin = route_inta(),
		};
		set_up(slot, ret_device);
		return true;
	}
	return false;
}

static struct virtio_mmio *routed[MACHINE_MAX_SLOTS];
static unsigned n_routed;

/* Devices share pins. Reading the ISR status takes its interrupt back (section 4.1.4.5). */
static void interrupt(void *arg, uint64_t tsc)
{
	for (unsigned i = 0; i < n_routed; i++) {
		uint32_t status = read8(routed[i]->isr);

		if (status)
			virtio_mmio_note_interrupt(routed[i], status, tsc);
	}
}

void virtio_pci_route(struct virtio_mmio *device, uint32_t apic_id)
{
	routed[n_routed++] = device;
	interrupts_route_level(device->pin, apic_id, interrupt, NULL);
}

/* A register of virtio-mmio in the common configuration structure (section 4.1.4.3). */
static const struct {
	uint8_t mmio, offset, size;
} registers[] = {
	{ VIRTIO_MMIO_DEVICE_FEATURES, VIRTIO_PCI_COMMON_DF, 4 },
	{ VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_PCI_COMMON_DFSELECT, 4 },
	{ VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_PCI_COMMON_GF, 4 },
	{ VIRTIO_MMIO_DRIVER_FEATURES_SEL, VIRTIO_PCI_COMMON_GFSELECT, 4 },
	{ VIRTIO_MMIO_STATUS, VIRTIO_PCI_COMMON_STATUS, 1 },
	{ VIRTIO_MMIO_QUEUE_SEL, VIRTIO_PCI_COMMON_Q_SELECT, 2 },
	{ VIRTIO_MMIO_QUEUE_NUM_MAX, VIRTIO_PCI_COMMON_Q_SIZE, 2 },
	{ VIRTIO_MMIO_QUEUE_NUM, VIRTIO_PCI_COMMON_Q_SIZE, 2 },
	{ VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_PCI_COMMON_Q_DESCLO, 4 },
	{ VIRTIO_MMIO_QUEUE_DESC_HIGH, VIRTIO_PCI_COMMON_Q_DESCHI, 4 },
	{ VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_PCI_COMMON_Q_AVAILLO, 4 },
	{ VIRTIO_MMIO_QUEUE_AVAIL_HIGH, VIRTIO_PCI_COMMON_Q_AVAILHI, 4 },
	{ VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_PCI_COMMON_Q_USEDLO, 4 },
	{ VIRTIO_MMIO_QUEUE_USED_HIGH, VIRTIO_PCI_COMMON_Q_USEDHI, 4 },
	{ VIRTIO_MMIO_QUEUE_READY, VIRTIO_PCI_COMMON_Q_ENABLE, 2 },
	{ VIRTIO_MMIO_CONFIG_GENERATION, VIRTIO_PCI_COMMON_CFGGENERATION, 1 },
};

static uint32_t read_sized(uint64_t addr, unsigned size)
{
	return size == 1 ? read8(addr) : size == 2 ? read16(addr) : read32(addr);
}

uint32_t virtio_pci_read(const struct virtio_mmio *device, unsigned offset)
{
	if (offset >= VIRTIO_MMIO_CONFIG)
		return read32(device->config + offset - VIRTIO_MMIO_CONFIG);
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		if (registers[i].mmio == offset)
			return read_sized(device->base + registers[i].offset, registers[i].size);
	return 0; /* InterruptStatus: reading it is left to the handler, because that clears it */
}

static void write_sized(uint64_t addr, unsigned size, uint32_t value)
{
	if (size == 1)
		write8(addr, (uint8_t)value);
	else if (size == 2)
		write16(addr, (uint16_t)value);
	else
		write32(addr, value);
}

void virtio_pci_write(const struct virtio_mmio *device, unsigned offset, uint32_t value)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		if (registers[i].mmio == offset)
			write_sized(device->base + registers[i].offset, registers[i].size, value);
}
