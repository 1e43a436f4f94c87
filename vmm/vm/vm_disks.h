/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disks of a snapshot, in the section "disks" of its state file: what each file was at that
 * moment, and which pages of share=off disks are the VM's own. Those pages are in the memory file.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/layout.h"
#include "vmm/base/state_reader.h"

#include <stdbool.h>

struct own_pages;
struct memory_table;
struct vm;

/* The own pages of each disk, by its slot. */
struct vm_disks {
	struct own_pages *own[LAYOUT_VIRTIO_SLOTS]; /* owned; NULL: all are its file's */
};

/*
 * Puts the section into vm->save.writer, and fills the zeroed @disks. Nothing of the VM runs
 * meanwhile. On any thread. -errno with @err set. vm_disks_fini in either case.
 */
int vm_disks_save(struct vm *vm, struct vm_disks *disks, struct error *err);

/*
 * Reads the section into vm->restored_disks. Refuses files that are not what they were, unless the
 * user has named them, and those of another size. -errno with @err set.
 */
int vm_disks_load(struct vm *vm, struct state_reader *reader, struct error *err);

/* Maps vm->restored_disks from the checked memory file @fd over the disks. -errno with @err set. */
int vm_disks_map(struct vm *vm, int fd, const struct memory_table *table, struct error *err);

bool vm_disks_have_own_pages(const struct vm_disks *disks);

/* Takes a zeroed one. */
void vm_disks_fini(struct vm_disks *disks);
