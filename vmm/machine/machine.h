/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that a configuration asks for, before there is a VM: images and taps are opened,
 * command line and platform are decided. --dry-run and the dumps need only this, and no /dev/kvm.
 */
#pragma once

#include "boot/boot.h"
#include "devices/virtio/pmem_backing.h"
#include "vmm/base/error.h"
#include "vmm/config/config.h"
#include "vmm/config/memory_backend.h"
#include "vmm/machine/placement.h"
#include "vmm/models/device_model.h"

#define MACHINE_CMDLINE_MAX 8192

struct machine_pmem {
	char id[CONFIG_ID_MAX + 1];	/* for messages: made up unless @named */
	bool named;			/* QEMU shows no id for a device without one */
	char memdev[CONFIG_ID_MAX + 1]; /* of its backend, in /objects */
	unsigned node;
	gpa_t start;
	struct pmem_backing backing;
	bool prealloc; /* for machine_allocate */
};

/* A virtio device other than a disk: the @index-th of its model. */
struct machine_device {
	const struct device_model *model;
	unsigned index;
	int fd; /* owned: the descriptor that the model opened; 0: none */
};

struct machine {
	struct boot_machine boot;
	struct boot_source source;
	char cmdline[MACHINE_CMDLINE_MAX];
	struct machine_pmem pmem[LAYOUT_VIRTIO_SLOTS]; /* pmem[n] is in slot n */
	unsigned n_pmem;
	struct machine_device
		devices[LAYOUT_VIRTIO_SLOTS]; /* in the slots from the last one down */
	unsigned n_devices;
	struct placement placement;
	struct memory_backends backends; /* pmem paths point into them or into the configuration */
};

/*
 * Opens the images and taps, inspects the root disk and the kernel, and places everything. @machine
 * is zeroed; @config must outlive it. -errno with @err set; in either case the caller calls
 * machine_fini.
 */
int machine_plan(struct machine *machine, const struct config *config, struct error *err);

/* The guest is about to run: disks that were made for it stay at the end. */
void machine_keep_disks(struct machine *machine);

/* Closes images and taps, and removes disks that no guest has run with; takes a zeroed or
 * half-built one. */
void machine_fini(struct machine *machine);
