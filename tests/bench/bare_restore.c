// SPDX-License-Identifier: Apache-2.0
/*
 * The least that a program can do to restore a VM with one vCPU from a snapshot: it makes the same
 * VM from the same two files by the same ioctls, and ends at the guest's first access to a port,
 * for which it prints a byte. It trusts the files and has no devices. What mvmm --restore takes
 * beyond this is mvmm's. Read main from the top.
 *
 *     bare-restore SNAPSHOT DISK
 */
#include "vmm/base/layout.h"
#include "vmm/base/state_format.h"
#include "vmm/kvm/kvm_state_x86.h"
#include "vmm/kvm/vcpu_state_x86.h"
#include "vmm/snapshot/memory_table.h"

#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_START 0x100000000 /* where mvmm puts a disk, with RAM of up to 3 GiB */
#define MSR_TSC 0x10
#define MSR_TSC_DEADLINE 0x6e0

static struct vcpu_state vcpu_state;
static struct kvm_state kvm_state;
static unsigned slots;

static int check(int ret, const char *what)
{
	if (ret < 0)
		err(EXIT_FAILURE, "%s", what);
	return ret;
}

#define CALL(fd, request, arg) check(ioctl(fd, request, arg), #request)

static void *map(int fd, size_t size, int flags, uint64_t offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, (off_t)offset);

	if (at == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return at;
}

static int open_in(const char *directory, const char *file)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return check(open(path, O_RDONLY | O_CLOEXEC), path);
}

/* The whole file, in a buffer that stays. */
static const uint8_t *read_state(const char *directory, size_t *ret_size)
{
	int fd = open_in(directory, "state");
	struct stat st;
	uint8_t *bytes;

	check(fstat(fd, &st), "fstat");
	*ret_size = (size_t)st.st_size;
	bytes = malloc(*ret_size);
	if (!bytes || read(fd, bytes, *ret_size) != st.st_size)
		errx(EXIT_FAILURE, "the state cannot be read");
	return bytes;
}

static const uint8_t *section(const uint8_t *file, size_t size, const char *name, size_t least)
{
	struct state_section_head head;

	for (size_t at = sizeof(struct state_header); at + sizeof(head) < size;
	     at += sizeof(head) + le64_to_host(head.size)) {
		memcpy(&head, file + at, sizeof(head));
		if (strcmp(head.name, name) == 0 && le64_to_host(head.size) >= least)
			return file + at + sizeof(head);
	}
	errx(EXIT_FAILURE, "the state has no section %s of at least %zu bytes", name, least);
}

static void add_slot(int vm, uint64_t start, uint64_t size, void *host, uint32_t flags)
{
	struct kvm_userspace_memory_region slot = {
		.slot = slots++,
		.flags = flags,
		.guest_phys_addr = start,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	CALL(vm, KVM_SET_USER_MEMORY_REGION, &slot);
}

/* The parts of RAM, as memory_table.c has saved them. */
static void map_memory(int vm, const char *directory, const uint8_t *table)
{
	int fd = open_in(directory, "memory");
	uint32_t count;

	memcpy(&count, table + sizeof(uint64_t), sizeof(count));
	table += sizeof(uint64_t) + sizeof(count);
	for (uint32_t i = 0; i < count; i++, table += sizeof(struct memory_part)) {
		struct memory_part part;

		memcpy(&part, table, sizeof(part));
		add_slot(vm, part.gpa, part.size,
			 map(fd, part.size, MAP_PRIVATE | MAP_NORESERVE, part.offset), 0);
	}
}

static void map_disk(int vm, const char *path)
{
	int fd = check(open(path, O_RDWR | O_CLOEXEC), path);
	struct stat st;

	check(fstat(fd, &st), "fstat");
	add_slot(vm, DISK_START, (uint64_t)st.st_size, map(fd, (size_t)st.st_size, MAP_SHARED, 0),
		 0);
}

static void make_vm(int vm, const char *directory, const uint8_t *state, size_t size,
		    const char *disk)
{
	uint64_t identity = LAYOUT_KVM_IDENTITY_MAP;
	const size_t registers = LAYOUT_VIRTIO_SLOTS * LAYOUT_VIRTIO_SIZE;

	CALL(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	CALL(vm, KVM_SET_TSS_ADDR, LAYOUT_KVM_TSS);
	map_memory(vm, directory, section(state, size, "memory", 12));
	map_disk(vm, disk);
	add_slot(vm, LAYOUT_VIRTIO_BASE, registers,
		 map(-1, registers, MAP_PRIVATE | MAP_ANONYMOUS, 0), KVM_MEM_READONLY);
	CALL(vm, KVM_CREATE_IRQCHIP, 0);
}

static void set_msr(int vcpu, uint32_t index, uint64_t value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };

	CALL(vcpu, KVM_SET_MSRS, &msrs);
}

/* In the order of vcpu_state_x86.c. */
static void restore_vcpu(int vcpu)
{
	struct vcpu_state *s = &vcpu_state;

	set_msr(vcpu, MSR_TSC, s->tsc.value ^ 1ULL << 62);
	set_msr(vcpu, MSR_TSC, s->tsc.value);
	CALL(vcpu, KVM_SET_CPUID2, &s->cpuid);
	CALL(vcpu, KVM_SET_MP_STATE, &s->mp_state);
	CALL(vcpu, KVM_SET_REGS, &s->regs);
	CALL(vcpu, KVM_SET_SREGS2, &s->sregs);
	CALL(vcpu, KVM_SET_XSAVE, s->xsave);
	if (s->xcrs.nr_xcrs)
		CALL(vcpu, KVM_SET_XCRS, &s->xcrs);
	CALL(vcpu, KVM_SET_DEBUGREGS, &s->debugregs);
	set_msr(vcpu, MSR_TSC_DEADLINE, 0);
	CALL(vcpu, KVM_SET_LAPIC, &s->lapic);
	CALL(vcpu, KVM_SET_MSRS, &s->msrs);
	set_msr(vcpu, MSR_TSC_DEADLINE, s->tsc_deadline);
	CALL(vcpu, KVM_SET_VCPU_EVENTS, &s->events);
}

static void restore_vm(int vm)
{
	struct kvm_clock_data clock = { .clock = kvm_state.clock };

	for (unsigned i = 0; i < KVM_STATE_CHIPS; i++)
		CALL(vm, KVM_SET_IRQCHIP, &kvm_state.chips[i]);
	CALL(vm, KVM_SET_CLOCK, &clock);
}

int main(int argc, char **argv)
{
	const uint8_t *state;
	struct kvm_run *run;
	int kvm, vm, vcpu;
	size_t size;

	if (argc != 3)
		errx(EXIT_FAILURE, "usage: bare-restore SNAPSHOT DISK");
	state = read_state(argv[1], &size);
	memcpy(&vcpu_state, section(state, size, "vcpu0", sizeof(vcpu_state)), sizeof(vcpu_state));
	memcpy(&kvm_state, section(state, size, "kvm", sizeof(kvm_state)), sizeof(kvm_state));
	kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	vm = CALL(kvm, KVM_CREATE_VM, 0);
	make_vm(vm, argv[1], state, size, argv[2]);
	vcpu = CALL(vm, KVM_CREATE_VCPU, 0);
	run = map(vcpu, (size_t)CALL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), MAP_SHARED, 0);
	restore_vcpu(vcpu);
	restore_vm(vm);
	CALL(vcpu, KVM_RUN, 0);
	if (run->exit_reason != KVM_EXIT_IO)
		errx(EXIT_FAILURE, "the guest left by exit %u", run->exit_reason);
	return putchar('1') == EOF;
}
