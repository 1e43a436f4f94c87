/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RAM of a forked VM, in the section "ram" of its state file: which pages are not those of the
 * file that its memory is mapped from.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/state_reader.h"
#include "vmm/kvm/ram.h"

#include <stdbool.h>

struct own_pages;
struct memory_table;
struct vm;

struct vm_ram {
	struct own_pages *own[RAM_REGIONS]; /* owned; NULL: all are the file's */
};

bool vm_ram_has_own_pages(const struct vm_ram *ram);

/*
 * Puts the section into vm->save.writer, and fills the zeroed @ram, after ram_freeze. Nothing of
 * the VM runs meanwhile. On any thread. -errno with @err set. vm_ram_fini in either case.
 */
int vm_ram_save(struct vm *vm, struct vm_ram *ram, struct error *err);

/* Reads the section of a fork into vm->restored_ram. -errno with @err set. */
int vm_ram_load(struct vm *vm, struct state_reader *reader, struct error *err);

/* Maps vm->restored_ram over RAM, from the file @own_fd, which was checked against @table. -errno
 * with @err set. */
int vm_ram_map(struct vm *vm, int own_fd, const struct memory_table *table, struct error *err);

/* Takes a zeroed one. */
void vm_ram_fini(struct vm_ram *ram);
