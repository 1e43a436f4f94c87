// SPDX-License-Identifier: Apache-2.0
/* Slots, doorbells and interrupts on the real /dev/kvm. The code of the guests is in comments. */
#include "vmm/kvm/kvm.h"

#include "tests/support/small_guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

TestSuite(kvm, .timeout = 15);

#define DOORBELL 0xd0000050ULL

static struct small_guest guest;

struct register_file {
	struct bus_region region;
	uint64_t offset, value;
	unsigned reads, writes, size;
};

static uint64_t file_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	struct register_file *f = container_of(region, struct register_file, region);

	f->reads++;
	f->offset = offset;
	f->size = size;
	return 0x8877665544332211;
}

static void file_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	struct register_file *f = container_of(region, struct register_file, region);

	f->writes++;
	f->offset = offset;
	f->size = size;
	f->value = value;
}

static const struct bus_ops file_ops = { .read = file_read, .write = file_write };

static uint64_t count_of(int fd)
{
	eventfd_t count = 0;

	if (eventfd_read(fd, &count) < 0)
		check_eq(errno, EAGAIN);
	return count;
}

Test(kvm, open_and_close)
{
	struct error err = { 0 };
	struct kvm kvm = { 0 };

	small_guest_need_kvm();
	kvm_close(&kvm);
	check_eq(kvm_open(&kvm, "/dev/kvm", &err), 0, "%s", err.text);
	cr_assert(kvm.run_size >= (int)sizeof(struct kvm_run));
	cr_assert(kvm.max_slots >= 40, "%u slots", kvm.max_slots);
	check_eq(fcntl(kvm.vm_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	kvm_close(&kvm);
	check_eq(kvm.vm_fd, 0);
	kvm_close(&kvm);
}

/* A kernel that never looks at the 8259s must not hear of them. */
Test(kvm, both_8259s_are_masked)
{
	static const uint32_t chips[] = { KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE };
	struct error err = { 0 };
	struct kvm kvm;

	small_guest_need_kvm();
	check_eq(kvm_open(&kvm, "/dev/kvm", &err), 0, "%s", err.text);
	check_eq(kvm_add_irqchips(&kvm, &err), 0, "%s", err.text);
	for (unsigned i = 0; i < 2; i++) {
		struct kvm_irqchip chip = { .chip_id = chips[i] };

		check_eq(ioctl(kvm.vm_fd, KVM_GET_IRQCHIP, &chip), 0);
		check_eq(chip.chip.pic.imr, 0xff);
	}
	kvm_close(&kvm);
}

/* bad input: Host resources: no permission for /dev/kvm -> refused; the error names the group */
Test(kvm, no_permission)
{
	struct error err = { 0 };
	struct kvm kvm;
	char path[] = "/tmp/mvmm-test-XXXXXX", text[160];

	/* Anything that nobody may open, since on some hosts everybody may open /dev/kvm. */
	close(mkstemp(path));
	check_eq(chmod(path, 0), 0);
	if (geteuid() == 0)
		check_eq(seteuid(65534), 0);
	check_eq(kvm_open(&kvm, path, &err), -EACCES);
	if (getuid() == 0)
		check_eq(seteuid(0), 0);
	unlink(path);
	snprintf(text, sizeof(text),
		 "%s: no permission; add the user to its group (usually kvm), or run as root",
		 path);
	check_str(err.text, text);
}

/*
 * bad input: Host resources: no descriptor is left for /dev/kvm or for the VM (EMFILE) -> refused,
 * and everything is closed
 */
Test(kvm, no_descriptors_left)
{
	struct rlimit limit, tight;
	struct error err = { 0 };
	struct kvm kvm;
	int lowest = dup(0);

	small_guest_need_kvm();
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &limit);
	/* For nothing, then for /dev/kvm only. */
	for (int n = 0; n < 2; n++) {
		tight = (struct rlimit){ (rlim_t)(lowest + n), limit.rlim_max };
		setrlimit(RLIMIT_NOFILE, &tight);
		check_eq(kvm_open(&kvm, "/dev/kvm", &err), -EMFILE, "%d", n);
		setrlimit(RLIMIT_NOFILE, &limit);
		check_contains(err.text, n ? "KVM: cannot create a VM" : "/dev/kvm");
		check_eq(dup(0), lowest, "all is closed");
		close(lowest);
	}
}

static const uint8_t trap[] = { 0x0f, 0x0b };

/*
 * bad input: Host resources: a memory slot that KVM refuses -> refused, and the slot is not counted
 */
Test(kvm, bad_slots)
{
	static const struct {
		const char *name;
		uint64_t start, size;
		unsigned host;
	} cases[] = {
		{ "overlaps", 0x1000, 0x1000, 0 },
		{ "start is misaligned", 0x10000001, 0x1000, 0 },
		{ "size is misaligned", 0x10000000, 0x1001, 0 },
		{ "host is misaligned", 0x10000000, 0x1000, 1 },
		{ "wraps", 0xfffffffffffff000, 0x2000, 0 },
	};
	unsigned before;

	small_guest_init(&guest, trap, sizeof(trap));
	before = guest.kvm.n_slots;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };

		cr_assert(kvm_add_slot(&guest.kvm, cases[i].start, cases[i].size,
				       guest.ram + cases[i].host, false, &err) < 0,
			  "%s", cases[i].name);
		check_contains(err.text, "memory slot");
		check_eq(guest.kvm.n_slots, before, "%s", cases[i].name);
	}
	small_guest_fini(&guest);
}

/* bad input: Host resources: all memory slots of KVM are used -> refused with QEMU's text */
Test(kvm, slots_used_up)
{
	struct error err = { 0 };

	small_guest_init(&guest, trap, sizeof(trap));
	guest.kvm.max_slots = 3;
	check_eq(kvm_add_slot(&guest.kvm, 0x10000000, 0x1000, guest.ram, false, &err), 0);
	check_eq(kvm_add_slot(&guest.kvm, 0x20000000, 0x1000, guest.ram, false, &err), 0);
	check_eq(kvm_add_slot(&guest.kvm, 0x30000000, 0x1000, guest.ram, false, &err), -ENOSPC);
	check_contains(err.text, "hypervisor has no free memory slots left");
	small_guest_fini(&guest);
}

Test(kvm, guest_loads_and_stores_in_slots)
{
	static const uint8_t code[] = {
		0xa1, 0x00, 0x00, 0x00, 0x10, /* mov eax, [0x10000000] */
		0x40,			      /* inc eax */
		0xa3, 0x04, 0x00, 0x00, 0x10, /* mov [0x10000004], eax */
		0x0f, 0x0b,		      /* ud2 */
	};
	struct error err = { 0 };
	uint32_t *words = aligned_map(0x1000, PROT_READ | PROT_WRITE);

	small_guest_init(&guest, code, sizeof(code));
	words[0] = 0x1233;
	check_eq(kvm_add_slot(&guest.kvm, 0x10000000, 0x1000, words, false, &err), 0, "%s",
		 err.text);
	small_guest_run(&guest);
	check_eq(guest.outcome, OUTCOME_TRIPLE_FAULT, "%s", guest.detail);
	check_eq(words[1], 0x1234);
	check_eq(guest.vcpu.exits[KVM_EXIT_MMIO], 0);
	small_guest_fini(&guest);
}

Test(kvm, store_to_a_readonly_slot_comes_to_us)
{
	static const uint8_t code[] = {
		0xa1, 0x00, 0x00, 0x00, 0x10, /* mov eax, [0x10000000] */
		0xa3, 0x08, 0x00, 0x00, 0x10, /* mov [0x10000008], eax */
		0x0f, 0x0b,		      /* ud2 */
	};
	struct register_file file = { .region = { 0x10000000, 0x1000, &file_ops } };
	struct error err = { 0 };
	uint32_t *words = aligned_map(0x1000, PROT_READ | PROT_WRITE);

	small_guest_init(&guest, code, sizeof(code));
	words[0] = 0xabcd;
	check_eq(kvm_add_slot(&guest.kvm, 0x10000000, 0x1000, words, true, &err), 0, "%s",
		 err.text);
	check_eq(bus_add(&guest.mmio, &file.region), 0);
	small_guest_run(&guest);
	check_eq(file.reads, 0, "loads need no exit");
	check_eq(file.writes, 1);
	check_eq(file.offset, 8);
	check_eq(file.value, 0xabcd);
	check_eq(words[2], 0);
	small_guest_fini(&guest);
}

/* The right value and width ring the bell without an exit; everything else comes to the bus. */
Test(kvm, doorbell)
{
	static const uint8_t code[] = {
		0xb8, 0x00, 0x00, 0x00, 0x00,	    /* mov eax, 0 */
		0xa3, 0x50, 0x00, 0x00, 0xd0,	    /* mov [0xd0000050], eax */
		0xa3, 0x50, 0x00, 0x00, 0xd0,	    /* again */
		0x40,				    /* inc eax */
		0xa3, 0x50, 0x00, 0x00, 0xd0,	    /* queue 1 */
		0x40,				    /* inc eax */
		0xa3, 0x50, 0x00, 0x00, 0xd0,	    /* no such bell */
		0x31, 0xc0,			    /* xor eax, eax */
		0x66, 0xa3, 0x50, 0x00, 0x00, 0xd0, /* 16 bits */
		0xa3, 0x54, 0x00, 0x00, 0xd0,	    /* the next register */
		0x0f, 0x0b,			    /* ud2 */
	};
	struct register_file file = { .region = { 0xd0000000, 0x1000, &file_ops } };
	int bells[2] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	struct error err = { 0 };

	small_guest_init(&guest, code, sizeof(code));
	check_eq(bus_add(&guest.mmio, &file.region), 0);
	for (uint32_t i = 0; i < 2; i++)
		check_eq(kvm_add_doorbell(&guest.kvm, DOORBELL, i, bells[i], &err), 0, "%s",
			 err.text);
	small_guest_run(&guest);
	check_eq(count_of(bells[0]), 2);
	check_eq(count_of(bells[1]), 1);
	check_eq(file.writes, 3);
	check_eq(file.offset, 0x54);
	check_eq(guest.vcpu.exits[KVM_EXIT_MMIO], 3);
	small_guest_fini(&guest);
}

Test(kvm, doorbell_needs_an_eventfd)
{
	struct error err = { 0 };

	small_guest_init(&guest, trap, sizeof(trap));
	cr_assert(kvm_add_doorbell(&guest.kvm, DOORBELL, 0, STDIN_FILENO, &err) < 0);
	check_contains(err.text, "ioeventfd");
	small_guest_fini(&guest);
}

Test(kvm, line)
{
	static const uint8_t wait[] = {
		0xfb,	    /* sti */
		0xf4,	    /* hlt */
		0xeb, 0xfd, /* jmp to the hlt */
	};
	static const uint8_t handler[] = {
		0xb0, 0x42, /* mov al, 0x42 */
		0xe6, 0x10, /* out 0x10, al */
		0xf4,	    /* hlt */
	};
	struct kvm_line line;

	small_guest_init(&guest, wait, sizeof(wait));
	small_guest_handle_irq(&guest, 7, handler, sizeof(handler));
	kvm_line_init(&line, &guest.kvm, 7);
	small_guest_start(&guest);
	check_eq(interrupt_line_pulse(&line.line), 0);
	small_guest_finish(&guest);
	check_eq(guest.ended_with, 0x42, "%s", guest.detail);
	small_guest_fini(&guest);
}
