// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/snapshots.
/* Restores a VM. Start reading at vm_restore. */
#include "vmm/vm/vm_restore.h"

#include "vmm/base/guarded_copy.h"
#include "vmm/base/log.h"
#include "vmm/base/outcome.h"
#include "vmm/host/terminal.h"
#include "vmm/kvm/kvm_state_x86.h"
#include "vmm/kvm/vcpu_state_x86.h"
#include "vmm/snapshot/memory_file.h"
#include "vmm/snapshot/memory_id.h"
#include "vmm/vm/vm_parts.h"
#include "vmm/vm/vm_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Maps the part of the memory file at @start over @host. */
static int map_part(const struct config_restore *restore, const struct memory_table *table,
		    gpa_t start, uint64_t size, void *host, uint64_t *ret_offset, struct error *err)
{
	const struct memory_part *part = memory_table_find(table, start, size);
	void *mapped;
	int ret;

	if (!part)
		return error_set(err, EINVAL,
				 "--restore %s: memory: lacks the 0x%" PRIx64
				 " bytes of guest memory at 0x%" PRIx64
				 "; the files state and memory are of different snapshots",
				 restore->where, size, start.value);
	ret = memory_file_map(restore->files.memory_fd, part, host, "--restore: memory", &mapped,
			      err);
	if (ret < 0)
		return ret;
	madvise(host, size, MADV_DONTDUMP); /* as for RAM */
	*ret_offset = part->offset;
	return 0;
}

static int map_ram(struct vm *vm, const struct config_restore *restore,
		   const struct memory_table *table, struct error *err)
{
	unsigned n = 0;
	int ret = 0;

	for (unsigned i = 0; i < vm->memory.count && ret == 0; i++) {
		const struct guest_region *region = &vm->memory.regions[i];

		if (region->kind != GUEST_RAM)
			continue;
		ret = map_part(restore, table, region->start, region->size, region->host,
			       &vm->ram.base_offsets[n], err);
		vm->ram.base_size = vm->ram.base_offsets[n++] + region->size;
	}
	vm->ram.base_fd = restore->files.memory_fd;
	return ret;
}

/* The base of a fork's RAM is the file that its parent's RAM is mapped from. */
static int check_base(const struct vm *vm, int fd, const struct memory_table *table,
		      const char *what, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_system(err, errno, "%s", what);
	for (unsigned i = 0; i < vm->memory.count; i++) {
		const struct guest_region *region = &vm->memory.regions[i];
		const struct memory_part *part =
			memory_table_find(table, region->start, region->size);

		if (region->kind == GUEST_RAM && part &&
		    part->offset + part->size > (uint64_t)st.st_size)
			return error_set(err, EINVAL,
					 "%s: has %" PRIu64 " bytes, and RAM ends at 0x%" PRIx64,
					 what, (uint64_t)st.st_size, part->offset + part->size);
	}
	return 0;
}

static int map_fork(struct vm *vm, const struct config_restore *restore,
		    const struct memory_table *table, const char *what, struct error *err)
{
	int own_fd = restore->files.own_fd;
	int ret = vm_ram_load(vm, restore->state, err);

	if (ret == 0)
		ret = check_base(vm, restore->files.memory_fd, table, what, err);
	if (ret == 0 && own_fd)
		ret = memory_file_check(own_fd, table, what, err);
	if (ret == 0 && !own_fd &&
	    (vm_ram_has_own_pages(&vm->restored_ram) ||
	     vm_disks_have_own_pages(&vm->restored_disks)))
		ret = error_set(err, EINVAL, "%s: the third descriptor of the fork is missing",
				what);
	if (ret == 0)
		ret = map_ram(vm, restore, table, err);
	if (ret == 0 && own_fd)
		ret = vm_ram_map(vm, own_fd, table, err);
	return ret < 0 || !own_fd ? ret : vm_disks_map(vm, own_fd, table, err);
}

static int map_snapshot(struct vm *vm, const struct config_restore *restore,
			const struct memory_table *table, const char *what, struct error *err)
{
	int memory_fd = restore->files.memory_fd;
	int ret = memory_file_check(memory_fd, table, what, err);

	if (ret == 0)
		ret = memory_id_check(memory_fd, table, restore->state, what, err);
	if (ret == 0)
		ret = map_ram(vm, restore, table, err);
	return ret < 0 ? ret : vm_disks_map(vm, memory_fd, table, err);
}

/* The handler of SIGBUS calls it for a page with a device's ring. */
static void lacks_memory(void)
{
	terminal_restore();
	log_error_in_signal(VM_LACKS_MEMORY);
	_exit(OUTCOME_STORAGE_FAULT);
}

int vm_restore_memory(struct vm *vm, const struct config_restore *restore, struct error *err)
{
	struct memory_table table;
	char what[300];
	int ret;

	snprintf(what, sizeof(what), "--restore %s: memory", restore->where);
	memory_table_load(&table, restore->state);
	ret = state_reader_result(restore->state, err);
	if (ret == 0)
		ret = vm_disks_load(vm, restore->state, err);
	if (ret == 0)
		ret = restore->files.forked ? map_fork(vm, restore, &table, what, err)
					    : map_snapshot(vm, restore, &table, what, err);
	guarded_copy_watch(vm->ram.host, vm->ram.size, lacks_memory);
	return error_blame_option(err, ret);
}

static void read_vcpus(unsigned n, struct state_reader *reader, struct vcpu_state *ret_states)
{
	for (unsigned i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), VM_SECTION_VCPU, i);
		state_reader_begin(reader, name, 1);
		state_reader_bytes(reader, &ret_states[i], sizeof(ret_states[i]));
		state_reader_end(reader);
	}
}

int vm_restore_read(const struct vm *vm, struct state_reader *reader, struct vcpu_state *ret_states,
		    struct kvm_state *ret_kvm, struct error *err)
{
	read_vcpus(vm->n_vcpus, reader, ret_states);
	state_reader_begin(reader, VM_SECTION_KVM, 1);
	state_reader_bytes(reader, ret_kvm, sizeof(*ret_kvm));
	state_reader_end(reader);
	return state_reader_result(reader, err);
}

static int restore_kvm(struct vm *vm, const struct config_restore *restore, struct error *err)
{
	struct vcpu_state *states = calloc(vm->n_vcpus, sizeof(*states));
	struct kvm_state state;
	int ret;

	if (!states)
		return error_set(err, ENOMEM, "out of memory");
	ret = vm_restore_read(vm, restore->state, states, &state, err);
	if (ret == 0)
		ret = vcpu_state_x86_restore(vm->vcpus, vm->n_vcpus, &vm->kvm, &vm->state_host,
					     states, err);
	free(states);
	return ret < 0 ? ret
		       : kvm_state_x86_restore(&vm->kvm, &state,
					       restore->clock == CONFIG_CLOCK_REALTIME, err);
}

int vm_restore(struct vm *vm, const struct config_restore *restore, struct error *err)
{
	struct state_reader *reader = restore->state;
	int ret = restore_kvm(vm, restore, err);

	if (ret == 0) {
		vm_parts_load(vm, reader);
		ret = state_reader_finish(reader, err);
	}
	if (ret < 0)
		return error_blame_option(err, ret);
	vm_parts_restored(vm);
	boot_timer_mark(vm->timer, BOOT_MARK_LOADED);
	return 0;
}
