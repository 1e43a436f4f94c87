// SPDX-License-Identifier: Apache-2.0
/* Where an initrd goes, and where there is no room for one. */
#include "boot/initrd.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>

static struct error err;
static const struct kernel_image kernel = {
	.start = 16 * MIB,
	.size = 16 * MIB,
	.header.initrd_addr_max = 0x7fffffff,
};

static int load_sized(const struct kernel_image *k, uint64_t size, uint64_t ram, uint64_t *start)
{
	struct fixture_file f = fixture_file("begin", 5);
	struct guest_memory mem = fixture_ram(ram);
	struct input_file file;
	uint64_t ret_size = 0;
	char buf[5];
	int r;

	cr_assert_eq(ftruncate(f.fd, (off_t)size), 0);
	file = fixture_open("--initrd", f.path);
	r = initrd_load(&file, &mem, k, ram, start, &ret_size, &err);
	input_file_close(&file);
	if (r == 0) {
		cr_assert_eq(ret_size, size);
		cr_assert_eq(guest_memory_read(&mem, gpa(*start), buf, 5), 0);
		cr_assert_eq(memcmp(buf, "begin", 5), 0);
	}
	munmap(mem.regions[0].host, ram);
	close(f.fd);
	return r;
}

Test(initrd, lies_on_the_highest_page)
{
	uint64_t start;

	cr_assert_eq(load_sized(&kernel, 5, 64 * MIB, &start), 0, "%s", err.text);
	cr_assert_eq(start, 64 * MIB - 0x1000);
	cr_assert_eq(load_sized(&kernel, 0x1001, 64 * MIB + 0x123, &start), 0, "%s", err.text);
	cr_assert_eq(start, 64 * MIB - 0x2000);
}

/* bad input: Images: an initrd that ends one byte above what the kernel can reach -> refused */
Test(initrd, stays_within_the_kernels_reach)
{
	struct kernel_image k = kernel;
	uint64_t start;

	k.header.initrd_addr_max = 48 * MIB - 1;
	cr_assert_eq(load_sized(&k, 0x1000, 64 * MIB, &start), 0, "%s", err.text);
	cr_assert_eq(start, 48 * MIB - 0x1000);
	cr_assert_eq(load_sized(&k, 16 * MIB, 64 * MIB, &start), 0, "%s", err.text);
	cr_assert_eq(start, 32 * MIB);
	cr_assert_eq(load_sized(&k, 16 * MIB + 1, 64 * MIB, &start), -E2BIG);
	cr_assert_not_null(strstr(err.text, "the highest address"), "%s", err.text);
	k.header.initrd_addr_max = 0;
	cr_assert_eq(load_sized(&k, 5, 64 * MIB, &start), -E2BIG);
}

/*
 * bad input: Images: an initrd that is larger than RAM, or one byte too large to fit above the
 * kernel -> refused; the error names the --memory that it needs
 */
Test(initrd, stays_above_the_kernel)
{
	uint64_t start;

	cr_assert_eq(load_sized(&kernel, 32 * MIB, 64 * MIB, &start), 0, "%s", err.text);
	cr_assert_eq(start, 32 * MIB);
	cr_assert_eq(load_sized(&kernel, 32 * MIB + 1, 64 * MIB, &start), -E2BIG);
	cr_assert_not_null(strstr(err.text, "--memory 65M"), "%s", err.text);
	/* More than RAM has at all. */
	cr_assert_eq(load_sized(&kernel, 512 * MIB, 64 * MIB, &start), -E2BIG);
	cr_assert_eq(load_sized(&kernel, 1ull << 40, 64 * MIB, &start), -E2BIG);
}
