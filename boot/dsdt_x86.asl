/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of the machine for ACPI, all that can be there: _STA looks into the page that acpi.c
 * fills at LAYOUT_ACPI_STATE. Compiled at build time, after the C preprocessor, into dsdt.inc.
 */
#include "vmm/base/layout.h"

/* Edge-triggered, so that a pulse from an irqfd is all it takes. */
#define GSI(number) Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { number }

/*
 * Addresses and interrupts are spelt out: iasl 20200925 writes wrong lengths where it has to fold
 * constants in a resource template. The check below and a test compare them with layout.h.
 */
#define VIRTIO_SLOT(name, n, address, gsi) \
	Device (name) \
	{ \
		Name (_HID, "LNRO0005") \
		Name (_UID, n) \
		Name (_CCA, One) \
		Method (_STA) { Return (STAT (SLOT >> n)) } \
		Method (_PXM) { Return (ND##n) } \
		Name (_CRS, ResourceTemplate () { \
			Memory32Fixed (ReadWrite, address, LAYOUT_VIRTIO_SIZE) \
			GSI (gsi) \
		}) \
	}

#if LAYOUT_VIRTIO_SLOTS != 19 || LAYOUT_VIRTIO_SIZE != 0x1000 || \
	LAYOUT_VIRTIO_BASE != 0xd0000000 || LAYOUT_VIRTIO_GSI != 5 || \
	LAYOUT_ACPI_STATE + LAYOUT_ACPI_STATE_NODES != 0xff008
#error "make the virtio slots of dsdt.asl those of layout.h"
#endif
#if LAYOUT_POWER_BASE + LAYOUT_POWER_EVENTS != 0xd0100010 || LAYOUT_POWER_GSI != 1
#error "make the event register of dsdt.asl that of layout.h"
#endif
#if LAYOUT_VMGENID_BASE != 0xd0013000 || LAYOUT_VMGENID_GSI != 3
#error "make the generation id of dsdt.asl that of layout.h"
#endif
#if LAYOUT_ACPI_FIXED_UART != 1 || LAYOUT_ACPI_FIXED_PANIC != 2 || LAYOUT_ACPI_FIXED_EXIT != 4
#error "make the shifts of FIXD in dsdt.asl those of layout.h"
#endif

DefinitionBlock ("", "DSDT", 2, "MVMM  ", "MVMM    ", 1)
{
	OperationRegion (MACH, SystemMemory, LAYOUT_ACPI_STATE, 8)
	Field (MACH, DWordAcc, NoLock, Preserve)
	{
		SLOT, 32,
		FIXD, 32
	}

	/* The NUMA node of each slot. */
	OperationRegion (NODS, SystemMemory, 0xff008, LAYOUT_VIRTIO_SLOTS)
	Field (NODS, ByteAcc, NoLock, Preserve)
	{
		ND0, 8, ND1, 8, ND2, 8, ND3, 8, ND4, 8, ND5, 8, ND6, 8,
		ND7, 8, ND8, 8, ND9, 8, ND10, 8, ND11, 8, ND12, 8,
		ND13, 8, ND14, 8, ND15, 8, ND16, 8, ND17, 8, ND18, 8
	}

	/* Reading it takes the pending events. */
	OperationRegion (EVNT, SystemMemory, 0xd0100010, 4)
	Field (EVNT, DWordAcc, NoLock, Preserve)
	{
		EVTS, 32
	}

	/* Sleep type 5, as in LAYOUT_POWER_OFF_VALUE. */
	Name (_S5, Package () { 5, 0, 0, 0 })

	Scope (_SB)
	{
		/* Present, enabled, shown and working if bit 0 is set; not there at all otherwise. */
		Method (STAT, 1)
		{
			If (Arg0 & 1) { Return (0x0F) }
			Return (Zero)
		}

		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, One)
			Method (_STA) { Return (STAT (FIXD)) }
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, LAYOUT_SERIAL_PORT, LAYOUT_SERIAL_PORT, 1, LAYOUT_SERIAL_PORTS)
				GSI (LAYOUT_SERIAL_GSI)
			})
		}

		/* pvpanic, by the name that QEMU gave it. */
		Device (PNIC)
		{
			Name (_HID, "QEMU0001")
			Method (_STA) { Return (STAT (FIXD >> 1)) }
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, LAYOUT_PANIC_PORT, LAYOUT_PANIC_PORT, 1, 1)
			})
		}

		/* A byte written here is the exit status; for programs, Linux has no driver. */
		Device (EXIT)
		{
			Name (_HID, "MVMM0001")
			Method (_STA) { Return (STAT (FIXD >> 2)) }
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, LAYOUT_EXIT_BASE, LAYOUT_EXIT_SIZE)
				IO (Decode16, LAYOUT_EXIT_PORT, LAYOUT_EXIT_PORT, 1, 1)
			})
		}

		/*
		 * A container, because that is what Linux looks through again when it is told of a change
		 * (a bus check, 0); it does not for the slots themselves or for _SB.
		 */
		Device (SLTS)
		{
			Name (_HID, "ACPI0004")
			Name (_UID, Zero)

			VIRTIO_SLOT (VR00, 0, 0xd0000000, 5)
			VIRTIO_SLOT (VR01, 1, 0xd0001000, 6)
			VIRTIO_SLOT (VR02, 2, 0xd0002000, 7)
			VIRTIO_SLOT (VR03, 3, 0xd0003000, 8)
			VIRTIO_SLOT (VR04, 4, 0xd0004000, 9)
			VIRTIO_SLOT (VR05, 5, 0xd0005000, 10)
			VIRTIO_SLOT (VR06, 6, 0xd0006000, 11)
			VIRTIO_SLOT (VR07, 7, 0xd0007000, 12)
			VIRTIO_SLOT (VR08, 8, 0xd0008000, 13)
			VIRTIO_SLOT (VR09, 9, 0xd0009000, 14)
			VIRTIO_SLOT (VR10, 10, 0xd000a000, 15)
			VIRTIO_SLOT (VR11, 11, 0xd000b000, 16)
			VIRTIO_SLOT (VR12, 12, 0xd000c000, 17)
			VIRTIO_SLOT (VR13, 13, 0xd000d000, 18)
			VIRTIO_SLOT (VR14, 14, 0xd000e000, 19)
			VIRTIO_SLOT (VR15, 15, 0xd000f000, 20)
			VIRTIO_SLOT (VR16, 16, 0xd0010000, 21)
			VIRTIO_SLOT (VR17, 17, 0xd0011000, 22)
			VIRTIO_SLOT (VR18, 18, 0xd0012000, 23)
		}

		Device (PWRB)
		{
			Name (_HID, EisaId ("PNP0C0C"))
			Name (_UID, Zero)
		}

		/* Microsoft's "Virtual Machine Generation ID": ADDR is where it is, low half and high half. */
		Device (VGEN)
		{
			Name (_HID, "MVMM0002")
			Name (_CID, "VM_Gen_Counter")
			Name (_DDN, "VM_Gen_Counter")
			Name (ADDR, Package () { 0xd0013000, Zero })
		}

		/* Generic Event Device (ACPI 6.5 section 5.6.9). */
		Device (EVDV)
		{
			Name (_HID, "ACPI0013")
			Name (_UID, Zero)
			Name (_CRS, ResourceTemplate () {
				GSI (1)
				GSI (3)
			})
			Method (_EVT, 1, Serialized)
			{
				If (Arg0 == LAYOUT_VMGENID_GSI) { Notify (VGEN, 0x80) }
				Else
				{
					Local0 = EVTS
					If (Local0 & LAYOUT_EVENT_POWER_BUTTON) { Notify (PWRB, 0x80) }
					If (Local0 & LAYOUT_EVENT_SLOTS) { Notify (SLTS, Zero) }
				}
			}
		}
	}
}
