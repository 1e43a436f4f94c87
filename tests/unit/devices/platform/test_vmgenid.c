// SPDX-License-Identifier: Apache-2.0
/* The generation id: where it is put, that it is new, and its interrupt. */
#include "devices/platform/vmgenid.h"

#include "tests/support/check.h"
#include "tests/support/refuse_call.h"
#include "tests/support/test_line.h"
#include "vmm/base/layout.h"

#include <string.h>
#include <unistd.h>

static uint8_t page[LAYOUT_VMGENID_SIZE] __attribute__((aligned(8)));
static struct test_line line;
static struct vmgenid vmgenid;

static void setup(void)
{
	test_line_init(&line);
	check_eq(vmgenid_init(&vmgenid, page, &line.line), 0);
}

static uint64_t edges(void)
{
	uint64_t count = 0;

	return read(line.fd, &count, sizeof(count)) < 0 ? 0 : count;
}

Test(vmgenid, each_is_new, .init = setup)
{
	static const uint8_t zeros[LAYOUT_VMGENID_SIZE];
	uint8_t first[VMGENID_SIZE];

	memcpy(first, page, sizeof(first));
	for (unsigned half = 0; half < VMGENID_SIZE; half += 8)
		cr_assert(memcmp(page + half, zeros, 8) != 0);
	check_eq(memcmp(page + VMGENID_SIZE, zeros, sizeof(page) - VMGENID_SIZE), 0);
	check_eq(edges(), 0, "the guest looks there when it starts");
	check_eq(vmgenid_init(&vmgenid, page, &line.line), 0);
	for (unsigned half = 0; half < VMGENID_SIZE; half += 8)
		cr_assert(memcmp(page + half, first + half, 8) != 0);
}

Test(vmgenid, restored_guest_is_interrupted, .init = setup)
{
	check_eq(vmgenid_restored(&vmgenid), 0);
	check_eq(edges(), 1);
	close(line.fd);
	check_eq(vmgenid_restored(&vmgenid), -EBADF);
}

/* bad input: Host resources: no random numbers for a generation id -> the start fails */
Test(vmgenid, none_without_random_numbers, .init = setup)
{
	uint8_t before[VMGENID_SIZE];

	memcpy(before, page, sizeof(before));
	refuse_call(SYS_getrandom, ENOSYS);
	check_eq(vmgenid_init(&vmgenid, page, &line.line), -ENOSYS);
	check_eq(memcmp(page, before, sizeof(before)), 0);
}
