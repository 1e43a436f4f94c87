// SPDX-License-Identifier: Apache-2.0
/* Which files are taken for a kernel. */
#include "boot/kernel_file.h"
#include "tests/support/boot_fixture.h"
#include "vmm/base/array.h"

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
 * bad input: Images: a kernel with unknown first bytes, or of random bytes -> refused; for a
 * compressed one the error names the way out
 */
Test(kernel_file, refuses_what_is_neither)
{
	static const struct {
		const char *head;
		size_t len;
		const char *says;
	} known[] = {
		{ "\xfd"
		  "7zXZ",
		  6, "it is compressed by xz; unpack it with unxz first" },
		{ "\x28\xb5\x2f\xfd", 4, "unzstd" },
		{ "\x04\x22\x4d\x18", 4, "unlz4" },
		{ "\x02\x21\x4c\x18", 4, "unlz4" },
		{ "BZh9", 4, "bunzip2" },
		{ "\x5d\x00\x00\x80", 4, "unlzma" },
		{ "QFI\xfb", 4, "qemu-img convert -O raw" },
		{ "MZ", 2, "it is an EFI application" },
	};
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
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		cr_assert_eq(identify(known[i].head, known[i].len, &format), -EINVAL);
		cr_assert_not_null(strstr(err.text, known[i].says), "%s", err.text);
		if (known[i].len > 2) {
			cr_assert_eq(identify(known[i].head, 2, &format), -EINVAL);
			cr_assert_null(strstr(err.text, known[i].says), "%s", err.text);
		}
	}
	for (unsigned i = 0; i < 200; i++) {
		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (uint8_t)rand_r(&seed);
		cr_assert_eq(identify(noise, 1 + (size_t)rand_r(&seed) % sizeof(noise), &format),
			     -EINVAL);
	}
}
