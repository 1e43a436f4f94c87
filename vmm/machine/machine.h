/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that a configuration asks for, before there is a VM: images and taps opened,
 * command line and platform decided. --dry-run and the dumps need no more than this, and no
 * /dev/kvm.
 */
#ifndef MVMM_VMM_MACHINE_H
#define MVMM_VMM_MACHINE_H

#include "boot/boot.h"
#include "devices/virtio/pmem_backing.h"
#include "vmm/base/error.h"
#include "vmm/config/config.h"
#include "vmm/config/memory_backend.h"
#include "vmm/machine/placement.h"

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

struct machine {
	struct boot_machine boot;
	struct boot_source source;
	char cmdline[MACHINE_CMDLINE_MAX];
	struct machine_pmem pmem[LAYOUT_VIRTIO_SLOTS]; /* pmem[n] is in slot n */
	unsigned n_pmem;
	/* Virtio devices that are no disks: they have the slots from the last one down. */
	unsigned n_extras;
	int taps[CONFIG_MAX_NETS]; /* owned; of the network cards, in their order */
	unsigned n_taps;
	struct placement placement;
	struct memory_backends backends; /* pmem paths point into them or into the configuration */
};

/*
 * Opens the images and taps, looks into the root disk and the kernel, and places everything.
 * @machine is zeroed; @config must outlive it. -errno with @err set; either way it is for
 * machine_fini.
 */
int machine_plan(struct machine *machine, const struct config *config, struct error *err);

/* Closes images and taps; takes a zeroed or half-built one. */
void machine_fini(struct machine *machine);

#endif
