// SPDX-License-Identifier: Apache-2.0
/* Kernels with and without device tree support, packed in every way. */
#include "boot/kernel_probe.h"
#include "tests/support/boot_fixture.h"

#include <elf.h>
#include <errno.h>

#define LAPIC "intel,ce4100-lapic"
#define TREE "OF: fdt: Machine model: "
#define POWEROFF "syscon-poweroff"
#define ACPI "ACPI BIOS Error"
/* More than one read, so that strings lie across the border. */
#define PLAIN_BYTES (3 * MIB)

static struct error err;
static char dir[32];
static uint8_t plain[PLAIN_BYTES];

static void setup(void)
{
	fixture_directory(dir);
	setenv("XDG_CACHE_HOME", dir, 1);
}

static void teardown(void)
{
	fixture_remove(dir);
}

/* A file in the directory: answers about one without a name are not kept. */
static struct fixture_file named_file(const void *data, size_t len)
{
	static unsigned n;
	struct fixture_file f;

	cr_assert_lt(snprintf(f.path, sizeof(f.path), "%s/%u", dir, n++), (int)sizeof(f.path));
	f.fd = open(f.path, O_RDWR | O_CREAT | O_EXCL, 0600);
	cr_assert(f.fd >= 0);
	cr_assert_eq(pwrite(f.fd, data, len, 0), (ssize_t)len);
	return f;
}

/* The uncompressed kernel, with these strings in it, each at a multiple of 256 KiB minus 5. */
static void fill_plain(const char *const strings[])
{
	memset(plain, 0, sizeof(plain));
	memcpy(plain, ELFMAG, SELFMAG);
	for (unsigned i = 0; strings[i]; i++)
		memcpy(plain + (i + 1) * 0x40000 - 5, strings[i], strlen(strings[i]));
}

static struct fixture_file bzimage(const char *pack, const char *const strings[])
{
	struct fixture_bzimage k = fixture_bzimage();
	struct setup_header *h = fixture_header(&k);
	static uint8_t bytes[PLAIN_BYTES];
	struct fixture_file in, out = fixture_file("", 0);
	char output[FIXTURE_OUTPUT];
	char line[160];
	ssize_t len;

	fill_plain(strings);
	in = fixture_file(plain, sizeof(plain));
	snprintf(line, sizeof(line), "%s <%s >%s", pack, in.path, out.path);
	FIXTURE_RUN(output, "sh", "-c", line);
	len = pread(out.fd, bytes + FIXTURE_BZIMAGE_BYTES, sizeof(bytes) - FIXTURE_BZIMAGE_BYTES,
		    0);
	cr_assert(len > 0);
	/* The length that the kernel's build appends, except to gzip. */
	if (strncmp(pack, "gzip", 4) != 0) {
		uint32_t size = PLAIN_BYTES;

		memcpy(bytes + FIXTURE_BZIMAGE_BYTES + len, &size, 4);
		len += 4;
	}
	h->payload_offset = FIXTURE_BODY_BYTES;
	h->payload_length = (uint32_t)len;
	h->init_size = 16 * MIB;
	memcpy(bytes, k.bytes, sizeof(k.bytes));
	return named_file(bytes, FIXTURE_BZIMAGE_BYTES + (size_t)len);
}

static struct kernel_probe probe(const struct fixture_file *f)
{
	struct input_file file = fixture_open("--kernel", f->path);
	struct kernel_probe p;

	cr_assert_eq(kernel_probe(&file, NULL, &p, &err), 0, "%s", err.text);
	input_file_close(&file);
	return p;
}

static void assert_answer(const char *pack, enum boot_platform want, const char *reason,
			  const char *const strings[])
{
	struct fixture_file f = bzimage(pack, strings);
	struct kernel_probe p = probe(&f);

	cr_assert_eq(p.platform, want, "%s: %s", pack, p.reason);
	cr_assert_not_null(strstr(p.reason, reason), "%s", p.reason);
	cr_assert_not(p.cached);
	p = probe(&f);
	cr_assert(p.cached, "not kept");
	cr_assert_eq(p.platform, want);
}

Test(kernel_probe, needs_all_of_the_device_tree_code, .init = setup, .fini = teardown)
{
	const char *gzip = "gzip -n";

	assert_answer(gzip, BOOT_PLATFORM_DT, "has device tree",
		      (const char *const[]){ LAPIC, TREE, POWEROFF, ACPI, NULL });
	assert_answer(gzip, BOOT_PLATFORM_DT, "has device tree",
		      (const char *const[]){ TREE, LAPIC, NULL });
	assert_answer(gzip, BOOT_PLATFORM_ACPI, "CONFIG_OF)",
		      (const char *const[]){ TREE, POWEROFF, ACPI, NULL });
	assert_answer(gzip, BOOT_PLATFORM_ACPI, "CONFIG_OF_EARLY_FLATTREE",
		      (const char *const[]){ LAPIC, POWEROFF, ACPI, NULL });
	assert_answer(gzip, BOOT_PLATFORM_ACPI, "CONFIG_POWER_RESET_SYSCON_POWEROFF",
		      (const char *const[]){ LAPIC, TREE, ACPI, NULL });
	assert_answer(gzip, BOOT_PLATFORM_ACPI, "CONFIG_OF)", (const char *const[]){ NULL });
}

Test(kernel_probe, unpacks_every_format, .init = setup, .fini = teardown)
{
	static const char *const pack[] = { "gzip -n",		"bzip2",    "lzma",
					    "xz --check=crc32", "lz4 -l -", "zstd -q -" };

	for (unsigned i = 0; i < 6; i++) {
		assert_answer(pack[i], BOOT_PLATFORM_DT, "has",
			      (const char *const[]){ LAPIC, TREE, POWEROFF, NULL });
		assert_answer(pack[i], BOOT_PLATFORM_ACPI, "has no",
			      (const char *const[]){ ACPI, NULL });
	}
}

Test(kernel_probe, searches_elf_as_it_is, .init = setup, .fini = teardown)
{
	struct fixture_file f;

	fill_plain((const char *const[]){ LAPIC, TREE, POWEROFF, NULL });
	f = named_file(plain, sizeof(plain));
	cr_assert_eq(probe(&f).platform, BOOT_PLATFORM_DT);
	fill_plain((const char *const[]){ ACPI, NULL });
	f = named_file(plain, sizeof(plain));
	cr_assert_eq(probe(&f).platform, BOOT_PLATFORM_ACPI);
}

/*
 * bad input: Images: a kernel with a damaged payload, so that mvmm cannot see whether it needs ACPI
 * -> it is started with ACPI, and this is not remembered
 */
Test(kernel_probe, unreadable_payloads_get_acpi_and_are_not_kept, .init = setup, .fini = teardown)
{
	struct fixture_bzimage k = fixture_bzimage();
	struct fixture_file f = named_file(&k, sizeof(k));

	for (unsigned i = 0; i < 2; i++) {
		struct kernel_probe p = probe(&f);

		cr_assert_eq(p.platform, BOOT_PLATFORM_ACPI);
		cr_assert_not_null(strstr(p.reason, "payload"), "%s", p.reason);
		cr_assert_not(p.cached);
	}
	/* Packed by something unknown, such as lzo. */
	fixture_header(&k)->payload_length = 1000;
	f = named_file(&k, sizeof(k));
	cr_assert_eq(probe(&f).platform, BOOT_PLATFORM_ACPI);
	cr_assert_not_null(strstr(probe(&f).reason, "cannot look inside"), "%s", probe(&f).reason);
	/* Damaged in the middle. */
	f = bzimage("xz --check=crc32", (const char *const[]){ ACPI, NULL });
	cr_assert_eq(pwrite(f.fd, "\xff\xff\xff\xff", 4, FIXTURE_BZIMAGE_BYTES + 200), 4);
	cr_assert_eq(probe(&f).platform, BOOT_PLATFORM_ACPI);
	cr_assert_not(probe(&f).cached);
}

Test(kernel_probe, refuses_what_is_no_kernel, .init = setup, .fini = teardown)
{
	struct fixture_file f = fixture_file("hello", 5);
	struct input_file file = fixture_open("--kernel", f.path);
	struct kernel_probe p;

	cr_assert_eq(kernel_probe(&file, NULL, &p, &err), -EINVAL);
	cr_assert_not_null(strstr(err.text, f.path), "%s", err.text);
}

/* Zeroes pack so well that a small file could keep a careless reader busy for hours. */
/*
 * bad input: Images: a kernel whose payload decompresses without end -> mvmm reads it up to a limit
 * only
 */
Test(kernel_probe, stops_at_a_bound, .init = setup, .fini = teardown)
{
	struct fixture_bzimage k = fixture_bzimage();
	struct fixture_file f, out = fixture_file("", 0);
	static uint8_t packed[MIB];
	char output[FIXTURE_OUTPUT];
	char line[256];
	ssize_t len;

	snprintf(line, sizeof(line),
		 "{ head -c 520M /dev/zero; echo '%s %s %s'; } | zstd -q -1 >%s", LAPIC, TREE,
		 POWEROFF, out.path);
	FIXTURE_RUN(output, "sh", "-c", line);
	len = pread(out.fd, packed, sizeof(packed), 0);
	cr_assert(len > 0 && len < (ssize_t)sizeof(packed));
	fixture_header(&k)->payload_offset = FIXTURE_BODY_BYTES;
	fixture_header(&k)->payload_length = (uint32_t)len + 4;
	f = named_file(&k, sizeof(k));
	cr_assert_eq(pwrite(f.fd, packed, (size_t)len + 4, FIXTURE_BZIMAGE_BYTES), len + 4);
	cr_assert_eq(probe(&f).platform, BOOT_PLATFORM_ACPI);
	cr_assert_not_null(strstr(probe(&f).reason, "earlier"), "%s", probe(&f).reason);
}
