// SPDX-License-Identifier: Apache-2.0
/* Which files are taken for a kernel, and where one may lie. */
#include "boot/kernel_file.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>

static struct error err;

static int identify(const void *data, size_t len, enum kernel_format *ret)
{
	struct fixture_file f = fixture_file(data, len);
	struct input_file file;
	int r;

	cr_assert_eq(input_file_open(&file, "--kernel", f.path, &err), 0);
	r = kernel_file_identify(&file, ret, &err);
	input_file_close(&file);
	close(f.fd);
	return r;
}

Test(kernel_file, tells_the_formats_apart)
{
	struct fixture_bzimage k = fixture_bzimage();
	enum kernel_format format;

	cr_assert_eq(identify(&k, sizeof(k), &format), 0);
	cr_assert_eq(format, KERNEL_BZIMAGE);
	cr_assert_eq(identify("\177ELF", 4, &format), 0);
	cr_assert_eq(format, KERNEL_ELF);
}

/*
 * bad input: Images: kernel with a wrong magic, or of random bytes -> refused; a compressed one
 * with the way out
 */
Test(kernel_file, refuses_what_is_neither)
{
	struct fixture_bzimage k = fixture_bzimage();
	enum kernel_format format;
	uint8_t noise[2048];
	unsigned seed = 1;

	k.bytes[0x1fe] = 0;
	cr_assert_eq(identify(&k, sizeof(k), &format), -EINVAL);
	cr_assert_not_null(strstr(err.text, "neither"), "%s", err.text);
	k = fixture_bzimage();
	k.bytes[0x205] = 's';
	cr_assert_eq(identify(&k, sizeof(k), &format), -EINVAL);
	cr_assert_eq(identify("x", 1, &format), -EINVAL);
	cr_assert_eq(identify("\x1f\x8b\x08", 3, &format), -EINVAL);
	cr_assert_not_null(strstr(err.text, "gunzip"), "%s", err.text);
	for (unsigned i = 0; i < 200; i++) {
		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (uint8_t)rand_r(&seed);
		cr_assert_eq(identify(noise, 1 + (size_t)rand_r(&seed) % sizeof(noise), &format),
			     -EINVAL);
	}
}

Test(kernel_file, place_is_between_1_mib_and_the_end_of_low_ram)
{
	struct input_file file = { -1, "--kernel", "k", 1 };
	const uint64_t ram = LAYOUT_LOW_RAM_MAX;

	cr_assert_eq(kernel_file_check_place(&file, MIB, ram - MIB, ram, &err), 0);
	cr_assert_eq(kernel_file_check_place(&file, MIB - 1, 1, ram, &err), -EINVAL);
	cr_assert_eq(kernel_file_check_place(&file, MIB, ram - MIB + 1, ram, &err), -EINVAL);
	cr_assert_eq(kernel_file_check_place(&file, MIB, UINT64_MAX, ram, &err), -EINVAL);
	cr_assert_eq(kernel_file_check_place(&file, MIB, MIB, 2 * MIB, &err), 0);
	cr_assert_eq(kernel_file_check_place(&file, MIB, MIB + 1, 2 * MIB, &err), -E2BIG);
	cr_assert_not_null(strstr(err.text, "--memory 3M"), "%s", err.text);
}
