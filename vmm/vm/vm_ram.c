// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/fork.
/* Saves and restores the pages of a fork's RAM. */
#include "vmm/vm/vm_ram.h"

#include "vmm/snapshot/own_pages.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECTION "ram"
#define VERSION 1

/* The @n-th region of RAM, or NULL. */
static const struct guest_region *ram_region(const struct vm *vm, unsigned n)
{
	for (unsigned i = 0; i < vm->memory.count; i++)
		if (vm->memory.regions[i].kind == GUEST_RAM && n-- == 0)
			return &vm->memory.regions[i];
	return NULL;
}

bool vm_ram_has_own_pages(const struct vm_ram *ram)
{
	for (unsigned i = 0; i < RAM_REGIONS; i++)
		if (ram->own[i] && ram->own[i]->count)
			return true;
	return false;
}

int vm_ram_save(struct vm *vm, struct vm_ram *ram, struct error *err)
{
	const struct guest_region *region;
	int ret = 0;

	state_writer_begin(&vm->save.writer, SECTION, VERSION);
	for (unsigned i = 0; (region = ram_region(vm, i)) && ret == 0; i++) {
		ret = own_pages_make(vm->save.pagemap_fd, region->host, region->size,
				     vm->restored_ram.own[i], vm->freeze.job->command, "RAM",
				     &ram->own[i], err);
		if (ret == 0)
			own_pages_save(ram->own[i], &vm->save.writer);
	}
	state_writer_end(&vm->save.writer);
	return ret;
}

int vm_ram_load(struct vm *vm, struct state_reader *reader, struct error *err)
{
	const struct guest_region *region;

	state_reader_begin(reader, SECTION, VERSION);
	for (unsigned i = 0; (region = ram_region(vm, i)); i++)
		vm->restored_ram.own[i] = own_pages_load_new("RAM", region->size, reader);
	state_reader_end(reader);
	return state_reader_result(reader, err);
}

int vm_ram_map(struct vm *vm, int own_fd, const struct memory_table *table, struct error *err)
{
	const struct guest_region *region;
	int ret = 0;

	for (unsigned i = 0; (region = ram_region(vm, i)) && ret == 0; i++) {
		const struct memory_part *part =
			memory_table_find(table, region->start, region->size);

		if (!part)
			return error_set(err, EINVAL, "--restore: memory: lacks a part of RAM");
		ret = own_pages_map(vm->restored_ram.own[i], own_fd, part, region->host,
				    "--restore: memory", err);
	}
	return ret;
}

void vm_ram_fini(struct vm_ram *ram)
{
	for (unsigned i = 0; i < RAM_REGIONS; i++)
		free(ram->own[i]);
	*ram = (struct vm_ram){ 0 };
}
