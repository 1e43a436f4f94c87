// SPDX-License-Identifier: Apache-2.0
/* bzImage headers, sound and hostile. */
#include "boot/bzimage_x86.h"
#include "boot/kernel_file.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>

static struct error err;

static int load(const void *data, size_t len, uint64_t ram, struct kernel_image *ret)
{
	struct fixture_file f = fixture_file(data, len);
	struct guest_memory mem = fixture_ram(ram);
	struct input_file file;
	int r;

	err.text[0] = '\0';
	cr_assert_eq(input_file_open(&file, "--kernel", f.path, &err), 0);
	r = kernel_file_load(&file, &mem, ram, ret, &err);
	input_file_close(&file);
	close(f.fd);
	if (r == 0) {
		uint8_t body[FIXTURE_BODY_BYTES];

		cr_assert_eq(guest_memory_read(&mem, gpa(ret->start), body, sizeof(body)), 0);
		cr_assert_eq(
			memcmp(body, (const uint8_t *)data + FIXTURE_SETUP_BYTES, sizeof(body)), 0);
	} else {
		cr_assert(err.text[0], "an error without a text");
	}
	munmap(mem.regions[0].host, ram);
	return r;
}

static void assert_loads(struct fixture_bzimage *k, uint64_t start)
{
	struct kernel_image image;
	int r = load(k, sizeof(*k), 64 * MIB, &image);

	cr_assert_eq(r, 0, "%s", err.text);
	cr_assert_eq(image.format, KERNEL_BZIMAGE);
	cr_assert_eq(image.start, start);
	cr_assert_eq(image.entry, start + 0x200);
	cr_assert_eq(image.size, fixture_header(k)->init_size);
}

static void assert_refused(struct fixture_bzimage *k, int code, const char *word)
{
	struct kernel_image image = { .start = 42 };

	cr_assert_eq(load(k, sizeof(*k), 64 * MIB, &image), code, "%s", err.text);
	cr_assert_not_null(strstr(err.text, word), "%s", err.text);
	cr_assert_eq(image.start, 42, "touched on failure");
}

Test(bzimage_x86, goes_where_it_would_run)
{
	struct fixture_bzimage k = fixture_bzimage();
	struct setup_header *h = fixture_header(&k);

	assert_loads(&k, 0x1000000);
	h->pref_address = 0x1100000;
	assert_loads(&k, 0x1200000);
	h->pref_address = 0;
	assert_loads(&k, 0x200000);
	h->relocatable_kernel = 0;
	h->kernel_alignment = 0;
	h->pref_address = 0x1100000;
	assert_loads(&k, 0x1100000);
}

/*
 * bad input: Images: a kernel whose init_size is one byte larger than RAM -> refused; the error
 * names the --memory that it needs
 */
Test(bzimage_x86, uses_all_of_ram)
{
	struct fixture_bzimage k = fixture_bzimage();

	fixture_header(&k)->init_size = 48 * MIB;
	assert_loads(&k, 0x1000000);
	fixture_header(&k)->init_size++;
	assert_refused(&k, -E2BIG, "--memory 65M");
}

/*
 * bad input: Images: a kernel that would be loaded below 1 MiB, above 3 GiB, or across the top of
 * the address space -> refused
 */
Test(bzimage_x86, refuses_places_outside_low_ram)
{
	struct fixture_bzimage k = fixture_bzimage();
	struct setup_header *h = fixture_header(&k);

	h->init_size = 0xffffffff;
	assert_refused(&k, -EINVAL, "3 GiB");
	h->init_size = 0x100000;
	h->pref_address = UINT64_MAX - 0x1000;
	assert_refused(&k, -EINVAL, "");
	h->pref_address = UINT64_MAX - 0x1fffff;
	assert_refused(&k, -EINVAL, "3 GiB");
	h->init_size = 0x300000; /* which wraps around to the first MiB */
	assert_refused(&k, -EINVAL, "3 GiB");
	h->relocatable_kernel = 0;
	h->pref_address = 0x8000;
	assert_refused(&k, -EINVAL, "below 1 MiB");
}

/*
 * bad input: Images: a bzImage that has a boot protocol before 2.12, is for 32 bits, or has too
 * short a setup header -> refused
 */
Test(bzimage_x86, refuses_old_and_32_bit_kernels)
{
	struct fixture_bzimage k = fixture_bzimage();

	fixture_header(&k)->version = 0x020b;
	assert_refused(&k, -EINVAL, "0x20b");
	fixture_header(&k)->version = 0x020c;
	assert_loads(&k, 0x1000000);
	fixture_header(&k)->xloadflags = (uint16_t)~XLF_KERNEL_64;
	assert_refused(&k, -EINVAL, "xloadflags");
	k = fixture_bzimage();
	fixture_header(&k)->loadflags = 0;
	assert_refused(&k, -EINVAL, "loadflags");
	k = fixture_bzimage();
	fixture_header(&k)->jump = 0x61eb; /* ends in the middle of init_size */
	assert_refused(&k, -EINVAL, "setup header");
	fixture_header(&k)->jump = 0x62eb;
	assert_loads(&k, 0x1000000);
}

/* The header of the first @body bytes behind the setup code is accepted, or refused by @want. */
static void assert_loads_bytes(const struct fixture_bzimage *k, size_t body, int want)
{
	struct fixture_file f = fixture_file(k, sizeof(*k) - FIXTURE_BODY_BYTES + body);
	struct setup_header header;
	struct input_file file;
	uint64_t setup_size;

	cr_assert_eq(input_file_open(&file, "--kernel", f.path, &err), 0);
	cr_assert_eq(bzimage_x86_read_header(&file, &header, &setup_size, &err), want, "%zu: %s",
		     body, err.text);
	input_file_close(&file);
	close(f.fd);
}

/*
 * bad input: Images: a bzImage whose header is wrong about alignment, init_size, syssize,
 * setup_sects or the payload -> refused
 */
Test(bzimage_x86, refuses_lies_about_sizes)
{
	struct fixture_bzimage k = fixture_bzimage();
	struct setup_header *h = fixture_header(&k);

	h->kernel_alignment = 0x300000;
	assert_refused(&k, -EINVAL, "kernel_alignment");
	h->kernel_alignment = 0;
	assert_refused(&k, -EINVAL, "kernel_alignment");
	k = fixture_bzimage();
	h->init_size = FIXTURE_BODY_BYTES - 1;
	assert_refused(&k, -EINVAL, "init_size");
	h->init_size = FIXTURE_BODY_BYTES;
	assert_loads(&k, 0x1000000);
	h->init_size = 0;
	assert_refused(&k, -EINVAL, "init_size");
	k = fixture_bzimage();
	h->syssize++;
	assert_refused(&k, -EINVAL, "header says");
	h->syssize--; /* ends within the last paragraph, or before it */
	assert_loads_bytes(&k, FIXTURE_BODY_BYTES - 15, 0);
	assert_loads_bytes(&k, FIXTURE_BODY_BYTES - 16, -EINVAL);
	h->syssize = 0x10000000; /* times 16 is 2^32 */
	assert_refused(&k, -EINVAL, "header says");
	k = fixture_bzimage();
	h->setup_sects = 255;
	assert_refused(&k, -EINVAL, "setup code");
	h->setup_sects = 9; /* the file ends with the setup code */
	assert_refused(&k, -EINVAL, "setup code");
	h->setup_sects = 8; /* a body of 512 bytes has no byte at the entry point */
	h->syssize = 0;
	assert_refused(&k, -EINVAL, "header says");
	k = fixture_bzimage();
	h->payload_offset = FIXTURE_BODY_BYTES - 16;
	h->payload_length = 17;
	assert_refused(&k, -EINVAL, "payload");
	h->payload_length = 16;
	assert_loads(&k, 0x1000000);
	h->payload_offset = 0xffffffff;
	assert_refused(&k, -EINVAL, "payload");
}

Test(bzimage_x86, setup_sects_0_means_4)
{
	static uint8_t bytes[5 * 512 + FIXTURE_BODY_BYTES];
	struct fixture_bzimage k = fixture_bzimage();
	struct setup_header header;
	struct input_file file;
	struct fixture_file f;
	uint64_t setup_size;

	fixture_header(&k)->setup_sects = 0;
	memcpy(bytes, k.bytes, FIXTURE_SETUP_BYTES);
	f = fixture_file(bytes, sizeof(bytes));
	cr_assert_eq(input_file_open(&file, "--kernel", f.path, &err), 0);
	cr_assert_eq(bzimage_x86_read_header(&file, &header, &setup_size, &err), 0, "%s", err.text);
	cr_assert_eq(setup_size, 5 * 512);
	input_file_close(&file);
}

Test(bzimage_x86, hands_on_no_bytes_behind_the_header)
{
	struct fixture_bzimage k = fixture_bzimage();
	struct kernel_image image;

	fixture_header(&k)->jump = 0x62eb;
	fixture_header(&k)->handover_offset = 0x12345678;
	fixture_header(&k)->kernel_info_offset = 0x12345678;
	cr_assert_eq(load(&k, sizeof(k), 64 * MIB, &image), 0, "%s", err.text);
	cr_assert_eq(image.header.init_size, 0x100000);
	cr_assert_eq(image.header.handover_offset, 0);
	cr_assert_eq(image.header.kernel_info_offset, 0);
}

/* bad input: Images: a bzImage from whose end 16 bytes or more are missing -> refused */
Test(bzimage_x86, refuses_every_truncation)
{
	struct fixture_bzimage k = fixture_bzimage();
	struct kernel_image image;

	/* Of less than a paragraph nothing can be said: syssize counts those, rounded up. */
	for (size_t len = 1; len <= sizeof(k) - 16; len++)
		cr_assert_eq(load(&k, len, 32 * MIB, &image), -EINVAL, "%zu bytes", len);
}

/* Whatever the header says, a load succeeds within RAM or fails with a text. */
/*
 * bad input: Images: a bzImage with random bytes in its header -> it is loaded within RAM, or
 * refused
 */
Test(bzimage_x86, survives_random_headers)
{
	struct fixture_bzimage k = fixture_bzimage();
	struct kernel_image image;
	unsigned seed = 1, loaded = 0;

	for (unsigned i = 0; i < 3000; i++) {
		k = fixture_bzimage();
		for (unsigned n = 0; n < 1 + i % 4; n++)
			k.bytes[0x1f1 + (unsigned)rand_r(&seed) % 0x7b] = (uint8_t)rand_r(&seed);
		/* The magic and the body's place stay, or nothing behind them is reached. */
		fixture_header(&k)->boot_flag = 0xaa55;
		fixture_header(&k)->header = 0x53726448;
		fixture_header(&k)->setup_sects = 1;
		if (load(&k, sizeof(k), 20 * MIB, &image) == 0) {
			cr_assert(image.start >= LAYOUT_HIGH_RAM);
			cr_assert(image.start + image.size <= 20 * MIB);
			loaded++;
		}
	}
	cr_assert(loaded > 100 && loaded < 2900, "%u are sound by chance", loaded);
}
