/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's physical memory and port map, in one table. Plain constants, because the ACPI source
 * (dsdt.asl) includes this file too.
 *
 *   0x00000000  real-mode area, unused
 *   0x00007000  zero page (struct boot_params)
 *   0x00008000  GDT
 *   0x00009000  page tables, 6 pages: identity map of the first 4 GiB
 *   0x0000f000  setup_data node: the seed for the kernel's random numbers
 *   0x00020000  kernel command line, up to 64 KiB
 *   0x00040000  setup_data nodes: the device tree
 *   0x00080000  free low memory up to LAYOUT_LOW_RAM_END, for the kernel's trampolines
 *   0x000a0000  (VGA hole, plain reserved memory here)
 *   0x000e0000  ACPI tables
 *   0x000ff000  what the ACPI source (dsdt.asl) reads: which devices are there
 *   0x00100000  kernel, initrd, the rest of RAM up to 3 GiB
 *   0xc0000000  hole for devices
 *   0xd0000000    virtio-mmio slots, 4 KiB each, read-only memory to the guest
 *   0xd0013000    the generation id, likewise
 *   0xd0100000    power-off, reset and platform event registers
 *   0xd0101000    pvpanic
 *   0xd0102000    exit status, marks of the start
 *   0xd0103000    watchdog, if asked for
 *   0xfec00000    IOAPIC
 *   0xfee00000    local APIC
 *   0xfffbc000    KVM's identity map page and TSS (Intel hosts)
 *   0x100000000 RAM above 3 GiB, then pmem, from the next multiple of 1 GiB
 */
#pragma once

/* A page, of guest and host. */
#define LAYOUT_PAGE 4096

#define LAYOUT_ZERO_PAGE 0x7000
#define LAYOUT_GDT 0x8000
#define LAYOUT_PAGE_TABLES 0x9000
#define LAYOUT_RNG_SEED 0xf000
#define LAYOUT_CMDLINE 0x20000
#define LAYOUT_CMDLINE_MAX 0x10000
#define LAYOUT_SETUP_DATA 0x40000
#define LAYOUT_SETUP_DATA_MAX 0x40000
#define LAYOUT_LOW_RAM_END 0x9fc00
#define LAYOUT_ACPI 0xe0000
#define LAYOUT_ACPI_MAX 0x20000
/* The last page of that: bit masks of the virtio slots in use and of other devices. */
#define LAYOUT_ACPI_STATE 0xff000
#define LAYOUT_ACPI_STATE_SIZE 0x1000
#define LAYOUT_ACPI_STATE_SLOTS 0x0
#define LAYOUT_ACPI_STATE_FIXED 0x4 /* a bit mask of the entries below */
#define LAYOUT_ACPI_FIXED_UART 0x1
#define LAYOUT_ACPI_FIXED_PANIC 0x2
#define LAYOUT_ACPI_FIXED_EXIT 0x4
#define LAYOUT_ACPI_STATE_NODES 0x8 /* a byte for each virtio slot: its NUMA node */
#define LAYOUT_HIGH_RAM 0x100000

/* RAM below the hole ends here at most; the rest of it is at LAYOUT_ABOVE_4G. */
#define LAYOUT_LOW_RAM_MAX 0xc0000000
#define LAYOUT_ABOVE_4G 0x100000000
/* The pmem region starts at a multiple of the first above RAM, each device at one of the second. */
#define LAYOUT_PMEM_BASE_ALIGN 0x40000000
#define LAYOUT_PMEM_ALIGN 0x200000

/* Slot n: LAYOUT_VIRTIO_BASE + n * LAYOUT_VIRTIO_SIZE, interrupt LAYOUT_VIRTIO_GSI + n. */
#define LAYOUT_VIRTIO_BASE 0xd0000000
#define LAYOUT_VIRTIO_SIZE 0x1000
#define LAYOUT_VIRTIO_GSI 5
#define LAYOUT_VIRTIO_SLOTS 19

/*
 * The 16 bytes of the generation id, in a page behind those of the slots, for which KVM needs no
 * further memory slot. Linux maps that page, so no entry of the e820 map may have it.
 */
#define LAYOUT_VMGENID_BASE (LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_SLOTS * LAYOUT_VIRTIO_SIZE)
#define LAYOUT_VMGENID_SIZE LAYOUT_PAGE
#define LAYOUT_VMGENID_GSI 3

#define LAYOUT_POWER_BASE 0xd0100000
#define LAYOUT_POWER_SIZE 0x1000
/* Offsets and values. Sleep registers: ACPI 6.5 section 4.8.3.7 (8 bits used). */
#define LAYOUT_POWER_SLEEP_CONTROL 0x0
#define LAYOUT_POWER_SLEEP_STATUS 0x4
#define LAYOUT_POWER_RESET 0x8
#define LAYOUT_POWER_EVENTS 0x10    /* 32 bits: pending events; reading clears them */
#define LAYOUT_POWER_OFF_VALUE 0x34 /* SLP_EN, SLP_TYP 5 */
#define LAYOUT_POWER_RESET_VALUE 0x1
#define LAYOUT_POWER_GSI 1
#define LAYOUT_EVENT_POWER_BUTTON 0x1
#define LAYOUT_EVENT_SLOTS 0x2 /* a virtio slot was filled */
#define LAYOUT_EVENTS (LAYOUT_EVENT_POWER_BUTTON | LAYOUT_EVENT_SLOTS)

/* pvpanic's event register, also at LAYOUT_PANIC_PORT; its bits are in <misc/pvpanic.h>. */
#define LAYOUT_PANIC_BASE 0xd0101000
#define LAYOUT_PANIC_SIZE 2

/*
 * A byte written to LAYOUT_EXIT_BASE or LAYOUT_EXIT_PORT is the exit status. A byte written to
 * LAYOUT_BOOT_TIMER_BASE or LAYOUT_BOOT_TIMER_PORT is a mark of boot_timer.h. They have a page of
 * their own, because Linux on x86 maps a page in one way only, and maps that of the ACPI registers
 * cached. There are registers as well as ports, because kernels without /dev/port give programs
 * only registers.
 */
#define LAYOUT_EXIT_BASE 0xd0102000
#define LAYOUT_EXIT_SIZE 2
#define LAYOUT_BOOT_TIMER_BASE 0xd0102001

/* 32-bit registers, also in a page of their own. */
#define LAYOUT_WATCHDOG_BASE 0xd0103000
#define LAYOUT_WATCHDOG_SIZE 0xc
#define LAYOUT_WATCHDOG_RUN 0x0	    /* bit 0: whether it runs */
#define LAYOUT_WATCHDOG_SECONDS 0x4 /* the time until it expires, after each write to the next */
#define LAYOUT_WATCHDOG_LEFT 0x8    /* the time that is left; a write restarts it */
#define LAYOUT_WATCHDOG_MAX_SECONDS 0xffff

#define LAYOUT_IOAPIC 0xfec00000
#define LAYOUT_IOAPIC_PINS 24
#define LAYOUT_LAPIC 0xfee00000
#define LAYOUT_KVM_IDENTITY_MAP 0xfffbc000
#define LAYOUT_KVM_TSS 0xfffbd000

#define LAYOUT_SERIAL_PORT 0x3f8
#define LAYOUT_SERIAL_PORTS 8
#define LAYOUT_SERIAL_GSI 4
#define LAYOUT_I8042_PORT 0x64
#define LAYOUT_BOOT_TIMER_PORT 0xe0
#define LAYOUT_EXIT_PORT 0xe4
#define LAYOUT_DEBUG_EXIT_PORT 0xf4 /* QEMU's isa-debug-exit, only with --debug-exit */
#define LAYOUT_DEBUG_EXIT_PORTS 4
#define LAYOUT_PANIC_PORT 0x505 /* as QEMU has it */
