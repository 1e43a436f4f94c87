/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What boot/ is asked for and what it answers. It turns a kernel file and a plain list of devices
 * into bytes in guest memory and the state in which the first vCPU enters them; it knows neither
 * KVM nor the devices themselves. Start reading at boot_load, in boot.c.
 */
#pragma once

#include "boot/input_file.h"
#include "vmm/base/error.h"
#include "vmm/base/guest_memory.h"
#include "vmm/base/layout.h"

#include <stddef.h>
#include <stdint.h>

#define BOOT_MAX_CPUS 32
#define BOOT_MAX_DEVICES 32
#define BOOT_MAX_NODES 16

/* How the machine is described to the kernel; never both ways at once. */
enum boot_platform { BOOT_PLATFORM_AUTO, BOOT_PLATFORM_DT, BOOT_PLATFORM_ACPI };

enum boot_device_kind {
	BOOT_DEVICE_VIRTIO_MMIO, /* in a slot of layout.h */
	BOOT_DEVICE_SERIAL,	 /* 16550 at LAYOUT_SERIAL_PORT; addr and size are ports */
	BOOT_DEVICE_POWER,	 /* registers of devices/platform/power.h */
	BOOT_DEVICE_EXIT,	 /* the exit status at LAYOUT_EXIT_BASE and LAYOUT_EXIT_PORT */
	BOOT_DEVICE_PANIC,	 /* pvpanic at LAYOUT_PANIC_BASE and LAYOUT_PANIC_PORT */
	BOOT_DEVICE_WATCHDOG,	 /* registers of devices/platform/watchdog.h */
};

struct boot_device {
	enum boot_device_kind kind;
	uint64_t addr;
	uint64_t size;
	uint32_t gsi;	  /* IOAPIC pin: edge-triggered, active high; 0 where there is none */
	const char *what; /* the virtio device in the slot, for messages: static */
};

/* The virtio device @what in slot @slot. */
static inline struct boot_device boot_virtio_device(unsigned slot, const char *what)
{
	return (struct boot_device){
		.kind = BOOT_DEVICE_VIRTIO_MMIO,
		.addr = LAYOUT_VIRTIO_BASE + slot * LAYOUT_VIRTIO_SIZE,
		.size = LAYOUT_VIRTIO_SIZE,
		.gsi = LAYOUT_VIRTIO_GSI + slot,
		.what = what,
	};
}

/* How vCPUs are divided: there are sockets * cores * threads of them. No number is 0. */
struct boot_topology {
	unsigned sockets;
	unsigned cores;	  /* of a socket */
	unsigned threads; /* of a core */
};

/* A NUMA node. Nodes have the machine's RAM one after the other, from address 0 on. */
struct boot_node {
	uint64_t memory; /* bytes of RAM, may be 0 */
	uint32_t cpus;	 /* bit mask of vCPUs */
};

/* The memory of the pmem device in a virtio slot. */
struct boot_pmem {
	uint64_t start;
	uint64_t size; /* bytes; 0: there is none in this slot */
	unsigned node; /* if there are nodes */
};

/* The machine as a guest will see it. */
struct boot_machine {
	uint64_t
		ram_size; /* bytes: up to LAYOUT_LOW_RAM_MAX below, the rest from LAYOUT_ABOVE_4G */
	unsigned cpus;
	struct boot_topology topology; /* of the cpus */
	struct boot_device devices[BOOT_MAX_DEVICES];
	unsigned n_devices;
	struct boot_pmem pmem[LAYOUT_VIRTIO_SLOTS];
	struct boot_node nodes[BOOT_MAX_NODES];
	unsigned n_nodes;	     /* 0: nothing is said about nodes */
	enum boot_platform platform; /* DT or ACPI by the time of boot_load */
};

/* Files and text to start from; all stays the caller's. */
struct boot_source {
	struct input_file kernel; /* a bzImage or ELF vmlinux */
	struct input_file initrd; /* zeroed: there is none */
	const char *cmdline;	  /* the whole command line */
};

/*
 * The first vCPU's state on entry, in 64-bit mode with flat segments and interrupts off
 * (boot protocol, "64-bit boot protocol").
 */
struct boot_entry {
	uint64_t rip;
	uint64_t rsi; /* guest-physical address of struct boot_params */
	uint64_t rsp;
	uint64_t cr3;
	uint64_t gdt_base;
	uint16_t gdt_limit;
	uint16_t code_selector; /* 0x10 */
	uint16_t data_selector; /* 0x18 */
};

/* A loaded kernel's place, for messages and --dry-run. */
struct boot_report {
	const char *format; /* "bzImage" or "ELF", static */
	uint64_t kernel_start, kernel_size;
	uint64_t initrd_start, initrd_size; /* 0 and 0 without one */
};

/*
 * Loads kernel, initrd, command line, e820 table, page tables and the machine's description into
 * @mem, which must already hold the RAM, all of it zero. Every file is only read. Returns 0, or
 * -errno with @err set: that of reading a file, -EINVAL for a file that is not what it should be,
 * -E2BIG for what does not fit.
 */
int boot_load(const struct boot_machine *machine, const struct boot_source *source,
	      const struct guest_memory *mem, struct boot_entry *ret_entry,
	      struct boot_report *ret_report, struct error *err);
