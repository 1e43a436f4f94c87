/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that a configuration asks for, before there is a VM: images opened and placed,
 * command line and platform decided. --dry-run and the dumps need no more than this, and no
 * /dev/kvm.
 */
#ifndef MVMM_VMM_MACHINE_H
#define MVMM_VMM_MACHINE_H

#include "boot/boot.h"
#include "devices/pmem_backing.h"
#include "vmm/config.h"
#include "vmm/error.h"

#define MACHINE_CMDLINE_MAX 8192

struct machine_pmem {
	const char *id; /* borrowed from the configuration */
	gpa_t start;
	struct pmem_backing backing;
};

struct machine {
	struct boot_machine boot;
	struct boot_source source;
	char cmdline[MACHINE_CMDLINE_MAX];
	struct machine_pmem pmem[LAYOUT_VIRTIO_SLOTS]; /* pmem[n] is in slot n */
	unsigned n_pmem;
};

/*
 * Opens the images, looks into the root disk and the kernel, and places everything. @machine is
 * zeroed; @config must outlive it. -errno with @err set; either way it is for machine_fini.
 */
int machine_plan(struct machine *machine, const struct config *config, struct error *err);

/* Closes the images; takes a zeroed or half-built one. */
void machine_fini(struct machine *machine);

#endif
