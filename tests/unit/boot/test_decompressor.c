// SPDX-License-Identifier: Apache-2.0
/* Every format that a Linux kernel can be packed with, by the program that the kernel's build uses.
 */
#include "boot/decompressor.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>

#define PLAIN_BYTES 300000

static struct error err;
static uint8_t plain[PLAIN_BYTES], unpacked[PLAIN_BYTES + 1];

static void fill_plain(void)
{
	unsigned seed = 1;

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(rand_r(&seed) >> 8 & 0x0f);
}

/* Packs the plain bytes by a shell command from its input to its output. */
static struct fixture_file pack(const char *command)
{
	struct fixture_file in, out = fixture_file("", 0);
	char output[FIXTURE_OUTPUT];
	char line[160];

	fill_plain();
	in = fixture_file(plain, sizeof(plain));
	snprintf(line, sizeof(line), "%s <%s >%s", command, in.path, out.path);
	FIXTURE_RUN(output, "sh", "-c", line);
	return out;
}

/* Unpacks @len bytes from @off; returns how many came out, or the error. */
static ssize_t unpack(const struct fixture_file *f, uint64_t off, uint64_t len)
{
	struct decompressor *d = NULL;
	size_t done = 0;
	ssize_t n;
	int r;

	r = decompressor_new(f->fd, off, len, &d, &err);
	if (r < 0)
		return r;
	do {
		n = decompressor_read(d, unpacked + done, sizeof(unpacked) - done, &err);
		if (n > 0)
			done += (size_t)n;
	} while (n > 0 && done < sizeof(unpacked));
	decompressor_free(d);
	return n < 0 ? n : (ssize_t)done;
}

static void assert_unpacks(const char *command)
{
	struct fixture_file f = pack(command);
	uint64_t len = (uint64_t)lseek(f.fd, 0, SEEK_END);
	uint64_t half = len / 2;
	ssize_t n;

	n = unpack(&f, 0, len);
	cr_assert_eq(n, PLAIN_BYTES, "%s: %zd %s", command, n, err.text);
	cr_assert_eq(memcmp(plain, unpacked, sizeof(plain)), 0, "%s", command);
	/* Cut short: never all of it, and never a hang. */
	n = unpack(&f, 0, half);
	cr_assert_lt(n, PLAIN_BYTES, "%s", command);
}

Test(decompressor, all_formats_of_the_kernel)
{
	assert_unpacks("gzip -n -9");
	assert_unpacks("bzip2 -9");
	assert_unpacks("lzma -9");
	assert_unpacks("xz --check=crc32 --x86 --lzma2=dict=1MiB");
	assert_unpacks("lz4 -l -9 -");
	assert_unpacks("zstd -q -19 -");
}

Test(decompressor, starts_at_an_offset)
{
	struct fixture_file f = pack("gzip -n"), g;
	static uint8_t buf[PLAIN_BYTES + 1000];
	ssize_t len = pread(f.fd, buf + 1000, PLAIN_BYTES, 0);

	g = fixture_file(buf, (size_t)len + 1000);
	cr_assert_eq(unpack(&g, 1000, (uint64_t)len), PLAIN_BYTES);
}

/* bad input: Images: a compressed payload that is cut off or damaged -> an error */
Test(decompressor, damaged_data_is_an_error)
{
	struct fixture_file f = pack("xz --check=crc32");
	uint64_t len = (uint64_t)lseek(f.fd, 0, SEEK_END);

	cr_assert_eq(pwrite(f.fd, "\xff\xff\xff\xff", 4, (off_t)len / 2), 4);
	cr_assert_eq(unpack(&f, 0, len), -EINVAL);
	cr_assert_not_null(strstr(err.text, "decompress"), "%s", err.text);
}

Test(decompressor, unreadable_files_give_nothing)
{
	struct fixture_file f = { .fd = -1 };

	cr_assert_leq(unpack(&f, 0, 100), 0);
	decompressor_free(NULL);
}
