// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/snapshots.
/* Writes a snapshot. Start reading at vm_save_files. */
#include "vmm/vm/vm_save_files.h"

#include "vmm/base/file_lock.h"
#include "vmm/base/file_write.h"
#include "vmm/kvm/kvm_state_x86.h"
#include "vmm/kvm/vcpu_state_x86.h"
#include "vmm/snapshot/memory_file.h"
#include "vmm/snapshot/memory_id.h"
#include "vmm/snapshot/snapshot_directory.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int save_rest_of_kvm(struct vm *vm, struct error *err)
{
	struct kvm_state state;
	int ret = kvm_state_x86_save(&vm->kvm, &state, err);

	if (ret < 0)
		return ret;
	state_writer_begin(&vm->save.writer, VM_SECTION_KVM, 1);
	state_writer_bytes(&vm->save.writer, &state, sizeof(state));
	state_writer_end(&vm->save.writer);
	return 0;
}

static int save_vcpus(struct vm *vm, struct error *err)
{
	struct vcpu_state *state = calloc(1, sizeof(*state));
	int ret = 0;

	if (!state)
		return error_set(err, ENOMEM, "out of memory");
	for (unsigned i = 0; i < vm->n_vcpus && ret == 0; i++) {
		char name[16];

		ret = vcpu_state_x86_save(&vm->vcpus[i], &vm->state_host, state, err);
		snprintf(name, sizeof(name), VM_SECTION_VCPU, i);
		state_writer_begin(&vm->save.writer, name, 1);
		state_writer_bytes(&vm->save.writer, state, sizeof(*state));
		state_writer_end(&vm->save.writer);
	}
	free(state);
	return ret;
}

/* Whether @region is of a disk with pages of its own; then *@ret_source says which. */
static bool is_private_disk(const struct vm *vm, const struct vm_disks *disks,
			    const struct guest_region *region, struct memory_source *ret_source)
{
	for (unsigned i = 0; i < vm->n_pmem; i++) {
		const struct pmem_backing *b = vm->pmem[i].pmem.backing;

		if (vm->pmem[i].pmem.start.value != region->start.value || !disks->own[i])
			continue;
		*ret_source = (struct memory_source){ .base_fd = b->fd,
						      .base_size = b->file_size,
						      .only = disks->own[i] };
		return true;
	}
	return false;
}

int vm_save_kvm(struct vm *vm, struct error *err)
{
	int ret = save_vcpus(vm, err);

	return ret < 0 ? ret : save_rest_of_kvm(vm, err);
}

int vm_save_list_memory(const struct vm *vm, const struct vm_disks *disks, const struct vm_ram *own,
			struct memory_table *table, struct memory_source *sources,
			struct error *err)
{
	unsigned n_ram = 0;

	*table = (struct memory_table){ .count = 0 };
	for (unsigned i = 0; i < vm->memory.count; i++) {
		const struct guest_region *region = &vm->memory.regions[i];
		struct memory_source source = { .base_fd = vm->ram.base_fd,
						.base_size = region->size };
		int ret;

		if (region->kind == GUEST_RAM) {
			source.base_offset = vm->ram.base_offsets[n_ram];
			source.mapped = vm->restored_ram.own[n_ram];
			source.only = own ? own->own[n_ram] : NULL;
			n_ram++;
		} else if (!is_private_disk(vm, disks, region, &source)) {
			continue;
		}
		source.host = region->host;
		ret = memory_table_add(table, region->start, region->size);
		if (ret < 0)
			return error_system(err, -ret, "the table of memory");
		sources[table->count - 1] = source;
	}
	return 0;
}

static int write_files(struct vm *vm, const struct vm_disks *disks, int state_fd, int memory_fd,
		       uint64_t *ret_bytes, struct error *err)
{
	struct memory_source sources[GUEST_MEMORY_MAX_REGIONS];
	struct state_writer *writer = &vm->save.writer;
	struct memory_table table;
	uint64_t written = 0;
	int ret = vm_save_list_memory(vm, disks, NULL, &table, sources, err);

	memory_id_reserve(&table);
	if (ret == 0)
		ret = memory_file_write(memory_fd, &table, sources, vm->save.pagemap_fd, "memory",
					&written, err);
	if (ret == 0)
		ret = memory_id_save(memory_fd, &table, writer, "vm-save: memory", err);
	if (ret < 0)
		return ret;
	memory_table_save(&table, writer);
	ret = state_writer_finish(writer, err);
	if (ret == 0)
		ret = file_write_at(state_fd, 0, writer->file.data, writer->file.len, "state", err);
	*ret_bytes = written + writer->file.len;
	return ret;
}

static int save_to_directory(struct vm *vm, const struct vm_disks *disks, uint64_t *ret_bytes,
			     struct error *err)
{
	struct snapshot_directory directory;
	int state_fd, memory_fd;
	int ret = snapshot_directory_begin(&directory, vm->save.dir_fd, vm->save.path, "vm-save",
					   err);

	if (ret < 0)
		return ret;
	ret = state_fd = snapshot_directory_file(&directory, SNAPSHOT_STATE, err);
	if (ret >= 0)
		ret = memory_fd = snapshot_directory_file(&directory, SNAPSHOT_MEMORY, err);
	if (ret >= 0)
		ret = write_files(vm, disks, state_fd, memory_fd, ret_bytes, err);
	if (ret >= 0)
		ret = snapshot_directory_commit(&directory, err);
	snapshot_directory_fini(&directory);
	return ret;
}

/* Whether @fd is the file that @other_fd is. */
static bool is_same_file(int fd, int other_fd)
{
	struct stat a, b;

	return other_fd >= 0 && fstat(fd, &a) == 0 && fstat(other_fd, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* It is about to be emptied, so nobody may have mapped it, this VM least of all. */
static int check_descriptor(const struct vm *vm, int fd, const char *name, struct error *err)
{
	struct stat st;
	bool used = is_same_file(fd, vm->ram.base_fd);
	int ret;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, EINVAL,
				 "vm-save: the descriptor %s is not of a regular file or memfd",
				 name);
	for (unsigned i = 0; i < vm->n_pmem && !used; i++)
		used = is_same_file(fd, vm->pmem[i].pmem.backing->fd);
	if (used)
		return error_set(err, EBUSY,
				 "vm-save: the descriptor %s is of a file that this VM uses; pass "
				 "one of another file",
				 name);
	/* Linux then ignores where something is to be written. */
	if (fcntl(fd, F_GETFL) & O_APPEND)
		return error_set(err, EINVAL,
				 "vm-save: the descriptor %s was opened with O_APPEND; pass one "
				 "without",
				 name);
	/* Who else has it is in files that this thread may not read. */
	ret = file_lock_take_passed(fd, true, NULL);
	if (ret < 0)
		return error_set(
			err, -ret,
			"vm-save: the file of descriptor %s cannot be locked: %s; pass one "
			"that is open for writing, and that nobody else uses",
			name, strerror(-ret));
	return 0;
}

static int sync_file(int fd, const char *name, struct error *err)
{
	if (fsync(fd) < 0)
		return error_system(err, errno,
				    "vm-save: the file of descriptor %s cannot be synced", name);
	return 0;
}

static int save_to_descriptors(struct vm *vm, const struct vm_disks *disks, uint64_t *ret_bytes,
			       struct error *err)
{
	int state_fd = vm->save.state_to_fd, memory_fd = vm->save.memory_to_fd;
	int ret = check_descriptor(vm, state_fd, SNAPSHOT_STATE, err);

	if (ret == 0)
		ret = check_descriptor(vm, memory_fd, SNAPSHOT_MEMORY, err);
	if (ret == 0 && is_same_file(state_fd, memory_fd))
		ret = error_set(err, EINVAL,
				"vm-save: the descriptors state and memory are of the same file");
	if (ret == 0 && ftruncate(state_fd, 0) < 0)
		ret = error_system(err, errno, "vm-save: the file of descriptor %s",
				   SNAPSHOT_STATE);
	if (ret == 0)
		ret = write_files(vm, disks, state_fd, memory_fd, ret_bytes, err);
	if (ret == 0)
		ret = sync_file(memory_fd, SNAPSHOT_MEMORY, err);
	return ret < 0 ? ret : sync_file(state_fd, SNAPSHOT_STATE, err);
}

int vm_save_files(struct vm *vm, uint64_t *ret_bytes, struct error *err)
{
	struct vm_disks disks = { 0 };
	int ret = vm_save_kvm(vm, err);

	if (ret == 0)
		ret = vm_disks_save(vm, &disks, err);
	if (ret == 0)
		ret = vm->save.state_to_fd ? save_to_descriptors(vm, &disks, ret_bytes, err)
					   : save_to_directory(vm, &disks, ret_bytes, err);
	vm_disks_fini(&disks);
	return ret;
}
