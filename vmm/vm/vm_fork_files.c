// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/fork.
/* Shares a VM with its children. Start reading at vm_fork_files. */
#include "vmm/vm/vm_fork_files.h"

#include "vmm/base/file_write.h"
#include "vmm/base/sealed_memfd.h"
#include "vmm/snapshot/memory_file.h"
#include "vmm/snapshot/own_pages.h"
#include "vmm/snapshot/snapshot_socket.h"
#include "vmm/vm/vm_ram.h"
#include "vmm/vm/vm_save_files.h"
#include "vmm/vm/vm_state.h"

#include <string.h>
#include <unistd.h>

/* What the children get. Descriptors are owned; -1: none. */
struct shared {
	struct vm_disks disks;
	struct vm_ram ram;
	struct memory_table table;
	struct memory_source sources[GUEST_MEMORY_MAX_REGIONS];
	int state_fd, own_fd;
};

/* A child, taken over or not, cannot change what the others see. */
static int seal(int fd, struct error *err)
{
	int ret = sealed_memfd_seal(fd);

	return ret < 0 ? error_system(err, -ret, "vm-fork: cannot seal a memfd") : 0;
}

static int make_memfd(const char *name, struct error *err)
{
	int fd = sealed_memfd_make(name);

	return fd < 0 ? error_system(err, -fd, "vm-fork: cannot make a memfd") : fd;
}

static int freeze(struct vm *vm, struct error *err)
{
	int ret;

	vm->freeze.broken = true;
	ret = ram_freeze(&vm->ram, err);
	if (ret == 0)
		vm->freeze.broken = false;
	return ret;
}

/* The pages of RAM and of disks that are not those of the files below them. */
static int write_own_pages(struct vm *vm, struct shared *shared, struct error *err)
{
	uint64_t written;
	int ret;

	if (!vm_ram_has_own_pages(&shared->ram) && !vm_disks_have_own_pages(&shared->disks))
		return 0;
	ret = shared->own_fd = make_memfd("mvmm-own-pages", err);
	if (ret >= 0)
		ret = memory_file_write(shared->own_fd, &shared->table, shared->sources,
					vm->save.pagemap_fd, "vm-fork: memory", &written, err);
	return ret < 0 ? ret : seal(shared->own_fd, err);
}

static int write_state(struct vm *vm, struct shared *shared, struct error *err)
{
	struct state_writer *writer = &vm->save.writer;
	int ret;

	memory_table_save(&shared->table, writer);
	ret = state_writer_finish(writer, err);
	if (ret == 0)
		ret = shared->state_fd = make_memfd("mvmm-state", err);
	if (ret >= 0)
		ret = file_write_at(shared->state_fd, 0, writer->file.data, writer->file.len,
				    "vm-fork: state", err);
	return ret < 0 ? ret : seal(shared->state_fd, err);
}

static int send_all(struct vm *vm, const struct shared *shared, struct error *err)
{
	struct vm_fork *fork = &vm->fork;
	int ret = 0;

	for (unsigned i = 0; i < fork->n; i++) {
		int sent = snapshot_socket_send(fork->sockets[i], shared->state_fd, vm->ram.base_fd,
						shared->own_fd);

		if (sent == 0)
			fork->children++;
		else if (ret == 0)
			ret = error_set(err, -sent,
					"vm-fork: socket %u of %u: %s; %u of the others may have "
					"got the VM",
					i + 1, fork->n, strerror(-sent), fork->n - 1);
	}
	return ret;
}

static int share(struct vm *vm, struct shared *shared, struct error *err)
{
	int ret = vm_save_kvm(vm, err);

	if (ret == 0)
		ret = vm_disks_save(vm, &shared->disks, err);
	if (ret == 0)
		ret = freeze(vm, err);
	if (ret == 0)
		ret = vm_ram_save(vm, &shared->ram, err);
	if (ret == 0)
		ret = vm_save_list_memory(vm, &shared->disks, &shared->ram, &shared->table,
					  shared->sources, err);
	if (ret == 0)
		ret = write_own_pages(vm, shared, err);
	if (ret == 0)
		ret = write_state(vm, shared, err);
	return ret < 0 ? ret : send_all(vm, shared, err);
}

int vm_fork_files(struct vm *vm, struct error *err)
{
	struct shared shared = { .state_fd = -1, .own_fd = -1 };
	int ret = share(vm, &shared, err);

	vm_disks_fini(&shared.disks);
	vm_ram_fini(&shared.ram);
	if (shared.state_fd >= 0)
		close(shared.state_fd);
	if (shared.own_fd >= 0)
		close(shared.own_fd);
	return ret;
}
