// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/snapshots.
/* Saves and restores disks. save_disk has its load_disk right behind it. */
#include "vmm/vm/vm_disks.h"

#include "vmm/base/log.h"
#include "vmm/snapshot/file_identity.h"
#include "vmm/snapshot/own_pages.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SECTION "disks"
#define VERSION 2

static bool has_own_pages(const struct pmem_backing *backing)
{
	return !backing->share && !backing->readonly;
}

static int save_disk(struct vm *vm, unsigned slot, struct vm_disks *disks, struct error *err)
{
	const struct pmem_backing *b = vm->pmem[slot].pmem.backing;
	const char *command = vm->freeze.job->command;
	struct file_identity identity;
	int ret = file_identity_get(b->fd, &identity);

	if (ret < 0)
		return error_system(err, -ret, "%s: fstat of %s", command, b->path);
	state_writer_u64(&vm->save.writer, b->file_size);
	file_identity_save(&identity, &vm->save.writer);
	if (!has_own_pages(b))
		return 0;
	ret = own_pages_make(vm->save.pagemap_fd, b->host, b->size, vm->restored_disks.own[slot],
			     command, b->path, &disks->own[slot], err);
	if (ret == 0)
		own_pages_save(disks->own[slot], &vm->save.writer);
	return ret;
}

static void check_identity(const struct machine_pmem *pmem, const struct config_pmem *config,
			   const struct file_identity *saved, struct state_reader *reader)
{
	struct file_identity now;
	int ret = file_identity_get(pmem->backing.fd, &now);
	const char *differs = ret < 0 ? strerror(-ret) : file_identity_differs(saved, &now);

	if (differs && !config->named_anew)
		state_reader_fail(reader, EINVAL,
				  "%s %s after the VM was saved; name a copy from that moment by "
				  "--pmem id=%s,file=COPY, or this file, to take it as it is",
				  pmem->backing.path, differs, pmem->id);
	else if (differs)
		log_info("--pmem id=%s: %s is taken as it is, and not compared with the file that "
			 "was saved",
			 pmem->id, pmem->backing.path);
}

static void load_disk(struct vm *vm, unsigned slot, struct state_reader *reader)
{
	const struct machine_pmem *pmem = &vm->machine->pmem[slot];
	const struct pmem_backing *b = &pmem->backing;
	uint64_t size = state_reader_u64(reader);
	struct file_identity saved;
	char of[sizeof(pmem->id) + sizeof("disk ")];

	file_identity_load(&saved, reader);
	if (b->file_size != size)
		state_reader_fail(reader, EINVAL,
				  "disk %s had %" PRIu64 " bytes, and %s has %" PRIu64
				  "; name a file of that size by --pmem id=%s,file=FILE",
				  pmem->id, size, b->path, b->file_size, pmem->id);
	check_identity(pmem, &vm->config->pmem[slot], &saved, reader);
	if (!has_own_pages(b))
		return;
	snprintf(of, sizeof(of), "disk %s", pmem->id);
	vm->restored_disks.own[slot] = own_pages_load_new(of, b->size, reader);
}

int vm_disks_save(struct vm *vm, struct vm_disks *disks, struct error *err)
{
	int ret = 0;

	state_writer_begin(&vm->save.writer, SECTION, VERSION);
	for (unsigned i = 0; i < vm->n_pmem && ret == 0; i++)
		ret = save_disk(vm, i, disks, err);
	state_writer_end(&vm->save.writer);
	return ret;
}

int vm_disks_load(struct vm *vm, struct state_reader *reader, struct error *err)
{
	/* Version 1 had whole disks. */
	if (state_reader_begin(reader, SECTION, VERSION) < VERSION)
		state_reader_fail(reader, ENOTSUP,
				  "has version 1, and this mvmm knows version %d; restore it with "
				  "the mvmm that saved it, or save the VM again",
				  VERSION);
	for (unsigned i = 0; i < vm->machine->n_pmem; i++)
		load_disk(vm, i, reader);
	state_reader_end(reader);
	return state_reader_result(reader, err);
}

int vm_disks_map(struct vm *vm, int fd, const struct memory_table *table, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < vm->machine->n_pmem && ret == 0; i++) {
		const struct machine_pmem *pmem = &vm->machine->pmem[i];
		const struct pmem_backing *b = &pmem->backing;
		const struct memory_part *part = memory_table_find(table, pmem->start, b->size);

		if (!vm->restored_disks.own[i])
			continue;
		if (!part)
			return error_set(err, EINVAL,
					 "--restore %s: memory: lacks the pages of disk %s; the "
					 "files state and memory are of different snapshots",
					 vm->config->restore.where, pmem->id);
		ret = own_pages_map(vm->restored_disks.own[i], fd, part, b->host,
				    "--restore: memory", err);
		madvise(b->host, b->size, MADV_DONTDUMP); /* as for RAM */
	}
	return ret;
}

bool vm_disks_have_own_pages(const struct vm_disks *disks)
{
	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++)
		if (disks->own[i] && disks->own[i]->count)
			return true;
	return false;
}

void vm_disks_fini(struct vm_disks *disks)
{
	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++)
		free(disks->own[i]);
	*disks = (struct vm_disks){ 0 };
}
