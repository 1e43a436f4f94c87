// SPDX-License-Identifier: Apache-2.0
/* What a guest on the real /dev/kvm reads from the pages, and where its stores go. */
#include "vmm/kvm/register_pages.h"

#include "tests/support/small_guest.h"
#include "vmm/base/layout.h"

#include <sys/resource.h>

TestSuite(register_pages, .timeout = 15);

static struct small_guest guest;
static struct register_pages pages;

Test(register_pages, guest_loads_without_an_exit)
{
	static const uint8_t code[] = {
		0xa1, 0x04, 0x20, 0x01, 0xd0,		  /* mov eax, [0xd0012004]: slot 18 */
		0x03, 0x05, 0x08, 0x00, 0x00, 0xd0,	  /* add eax, [0xd0000008]: slot 0 */
		0x02, 0x05, 0xff, 0x0f, 0x00, 0xd0,	  /* add al, [0xd0000fff]: its end */
		0x02, 0x05, 0x00, 0x50, 0x00, 0xd0,	  /* add al, [0xd0005000]: unused */
		0x02, 0x05, 0x00, 0x30, 0x01, 0xd0,	  /* add al, [0xd0013000]: the id */
		0xc6, 0x05, 0x00, 0x00, 0x00, 0xd0, 0x63, /* mov byte [0xd0000000], 99 */
		0xe6, 0x10,				  /* out 0x10, al */
		0xf4,					  /* hlt */
	};
	struct error err = { 0 };
	uint32_t *first, *last;

	small_guest_init(&guest, code, sizeof(code));
	check_eq(register_pages_init(&pages, &guest.kvm, &err), 0, "%s", err.text);
	first = register_pages_get(&pages, 0);
	last = register_pages_get(&pages, LAYOUT_VIRTIO_SLOTS - 1);
	last[1] = 3;
	first[2] = 4;
	*(uint8_t *)register_pages_vmgenid(&pages) = 6;
	((uint8_t *)first)[LAYOUT_VIRTIO_SIZE - 1] = 5;
	small_guest_run(&guest);
	check_eq(guest.ended_with, 18, "%s", guest.detail);
	check_eq(guest.vcpu.exits[KVM_EXIT_MMIO], 1, "the store");
	check_eq(first[0], 0, "which changes nothing");
	small_guest_fini(&guest);
	register_pages_fini(&pages);
	cr_assert(!pages.host);
}

Test(register_pages, no_descriptors_left)
{
	struct rlimit limit, tight;
	struct error err = { 0 };
	struct kvm kvm = { 0 };
	int lowest = dup(0);

	close(lowest);
	getrlimit(RLIMIT_NOFILE, &limit);
	tight = (struct rlimit){ (rlim_t)lowest, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &tight);
	check_eq(register_pages_init(&pages, &kvm, &err), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	check_contains(err.text, "eventfd");
	register_pages_fini(&pages);
	register_pages_fini(&pages);
}

Test(register_pages, slots_used_up)
{
	struct error err = { 0 };
	struct kvm kvm = { .n_slots = 2, .max_slots = 2 };

	check_eq(register_pages_init(&pages, &kvm, &err), -ENOSPC);
	check_contains(err.text, "no free memory slots");
	register_pages_fini(&pages);
}
