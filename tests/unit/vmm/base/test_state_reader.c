// SPDX-License-Identifier: Apache-2.0
/* State files: sound ones, and each way in which one can be wrong. Start reading at round_trip. */
#include "vmm/base/state_reader.h"

#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"
#include "vmm/base/state_format.h"
#include "vmm/base/state_writer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(state_reader, .timeout = 30);

#define HEADER_BYTES sizeof(struct state_header)
#define HEAD_BYTES sizeof(struct state_section_head)

static struct state_writer w;
static struct state_reader r;
static struct error err;

/* Where things are in the file of write_file. */
#define FIRST HEADER_BYTES
#define FIRST_SIZE 32
#define SECOND (FIRST + HEAD_BYTES + FIRST_SIZE)
#define FILE_SIZE (SECOND + HEAD_BYTES + 1)

static void write_file(void)
{
	state_writer_init(&w, STATE_MAX_SIZE);
	state_writer_begin(&w, "vcpu0", 2);
	state_writer_u8(&w, 0xfe);
	state_writer_u16(&w, 0xfedc);
	state_writer_u32(&w, 0xfedcba98);
	state_writer_u64(&w, 0xfedcba9876543210);
	state_writer_bool(&w, true);
	state_writer_u32(&w, 5);
	state_writer_bytes(&w, "12345", 5);
	state_writer_string(&w, "abc");
	state_writer_end(&w);
	state_writer_begin(&w, "rng:rng0", 1);
	state_writer_u8(&w, 7);
	state_writer_end(&w);
	check_eq(state_writer_finish(&w, &err), 0);
	check_eq(w.file.len, FILE_SIZE);
}

static void teardown(void)
{
	state_reader_fini(&r);
	state_reader_fini(&r);
	state_writer_fini(&w);
}

/* What a change in the file would have as its checksum, were it made on purpose. */
static void fix_checksum(void)
{
	const __le32 sum = host_to_le32(state_checksum(w.file.data, w.file.len));

	memcpy(w.file.data + offsetof(struct state_header, checksum), &sum, sizeof(sum));
}

static int start_reading(void)
{
	state_reader_fini(&r);
	*err.text = '\0';
	return state_reader_init(&r, "--restore x/state", w.file.data, w.file.len, &err);
}

static void read_first(void)
{
	char bytes[5], text[4];

	check_eq(state_reader_begin(&r, "vcpu0", 2), 2);
	check_eq(state_reader_left(&r), FIRST_SIZE);
	check_eq(state_reader_u8(&r), 0xfe);
	check_eq(state_reader_u16(&r), 0xfedc);
	check_eq(state_reader_u32(&r), 0xfedcba98);
	check_eq(state_reader_u64(&r), 0xfedcba9876543210);
	check_eq(state_reader_bool(&r), true);
	check_eq(state_reader_count(&r, "characters", 5), 5);
	state_reader_bytes(&r, bytes, 5);
	check_eq(memcmp(bytes, "12345", 5), 0);
	check_eq(state_reader_left(&r), 7);
	state_reader_string(&r, text, sizeof(text));
	check_str(text, "abc");
	check_eq(state_reader_left(&r), 0);
	state_reader_end(&r);
}

Test(state_reader, round_trip, .init = write_file, .fini = teardown)
{
	check_eq(start_reading(), 0, "%s", err.text);
	/* The copy is the reader's own. */
	memset(w.file.data, 0xff, w.file.len);
	check_str(state_reader_name(&r, 0), "vcpu0");
	check_str(state_reader_name(&r, 1), "rng:rng0");
	cr_assert(!state_reader_name(&r, 2));
	check_eq(state_reader_has(&r, "vcpu0"), true);
	check_eq(state_reader_has(&r, "vcpu"), false);
	check_str(state_reader_unread(&r), "vcpu0");
	read_first();
	check_str(state_reader_unread(&r), "rng:rng0");
	check_eq(state_reader_result(&r, &err), 0);
	check_eq(state_reader_finish(&r, &err), -ENOTSUP);
	check_str(err.text, "--restore x/state: has a section rng:rng0 that this mvmm does not "
			    "know; restore it with the mvmm that saved it, or with a newer one");
	check_eq(state_reader_begin(&r, "rng:rng0", 9), 1);
	check_eq(state_reader_u8(&r), 7);
	state_reader_end(&r);
	cr_assert(!state_reader_unread(&r));
	/* Again, as a reset does. */
	read_first();
	check_eq(state_reader_finish(&r, &err), 0);
}

Test(state_reader, without_sections, .fini = teardown)
{
	state_writer_init(&w, HEADER_BYTES);
	check_eq(state_writer_finish(&w, &err), 0);
	check_eq(start_reading(), 0);
	check_eq(state_reader_finish(&r, &err), 0);
}

/* bad input: Snapshots: a state file that is cut off, at each possible length -> refused */
Test(state_reader, cut_off, .init = write_file, .fini = teardown)
{
	for (w.file.len = 0; w.file.len < FILE_SIZE; w.file.len++)
		check_eq(start_reading(), -EINVAL);
	check_str(err.text, "--restore x/state: has 200 bytes, and 201 were saved: it was "
			    "truncated; take another copy, or save the VM again");
	w.file.len = 39;
	check_eq(start_reading(), -EINVAL);
	check_contains(err.text, "has 39 bytes, fewer than any saved state");
}

/* bad input: Snapshots: a state file with one bit changed, for each of its bits -> refused */
Test(state_reader, flipped_bits, .init = write_file, .fini = teardown)
{
	for (size_t i = 0; i < 8 * FILE_SIZE; i++) {
		w.file.data[i / 8] ^= (char)(1 << i % 8);
		cr_assert(start_reading() < 0 && *err.text, "bit %zu", i);
		w.file.data[i / 8] ^= (char)(1 << i % 8);
	}
	check_eq(start_reading(), 0);
	w.file.data[FILE_SIZE - 1] ^= 1;
	check_eq(start_reading(), -EINVAL);
	check_contains(err.text, " was saved: it is damaged; take another copy");
	check_contains(err.text, "--restore x/state: has checksum ");
}

/* What is behind the checksum: the value of @len bytes at @at is replaced, and the file refused. */
static void check_refused(size_t at, const void *data, size_t len, int code, const char *text)
{
	char before[64];

	memcpy(before, w.file.data + at, len);
	memcpy(w.file.data + at, data, len);
	fix_checksum();
	check_eq(start_reading(), code, "%s", text);
	check_contains(err.text, text);
	check_contains(err.text, "--restore x/state: ");
	memcpy(w.file.data + at, before, len);
	fix_checksum();
	check_eq(start_reading(), 0);
}

/*
 * bad input: Snapshots: a file that is not a state file, has another version of the format, is of
 * another architecture, has bytes behind its end, or has too many sections -> refused
 */
Test(state_reader, header, .init = write_file, .fini = teardown)
{
	check_refused(0, "M", 1, -EINVAL, "does not begin with \"mvmm snapshot\"; name the file");
	check_refused(13, "x", 1, -EINVAL, "does not begin with");
	check_refused(16, "\2", 1, -ENOTSUP, "has format 2, and this mvmm knows 1; restore it");
	check_refused(20, "\xb7", 1, -ENOTSUP, "is of a VM for arm64, and this is x86-64; restore");
	check_refused(20, "\1\1", 2, -ENOTSUP, "is of a VM for ELF machine 257, and this is");
	check_refused(24, "\xc8", 1, -EINVAL, "has 201 bytes, and 200 were saved: it is damaged");
	check_refused(31, "\xff", 1, -EINVAL, "it was truncated");
	check_refused(32, "\1\4", 2, -ENOTSUP,
		      "has 1025 sections, and this mvmm takes at most 1024");
	check_refused(32, "\1", 1, -EINVAL, "has 65 bytes behind its last section");
	check_refused(32, "\0\4", 2, -EINVAL, "has no room for section 3 at byte 201");
}

/*
 * bad input: Snapshots: a section of a state file that has a bad name, comes twice, is longer than
 * the file, or has unknown fields in its header -> refused
 */
Test(state_reader, section_heads, .init = write_file, .fini = teardown)
{
	char name[STATE_NAME_MAX + 1] = "";

	check_refused(SECOND, name, sizeof(name), -EINVAL, "section 2 at byte 136 is no printable");
	check_refused(SECOND, "a\nb", 3, -EINVAL, "is no printable name");
	check_refused(SECOND + STATE_NAME_MAX, "x", 1, -EINVAL, "is no printable name");
	memset(name, 'x', sizeof(name));
	check_refused(SECOND, name, sizeof(name), -EINVAL, "is no printable name");
	check_refused(SECOND, "vcpu0\0\0", 8, -EINVAL, "has two sections vcpu0: it is damaged");
	check_refused(FIRST + 52, "\0\0\0\1", 4, -ENOTSUP, "section vcpu0 uses a field");
	check_refused(SECOND + 56, "\2", 1, -EINVAL,
		      "section rng:rng0 has 2 bytes, and 1 are there");
	check_refused(SECOND + 56, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, -EINVAL,
		      "section rng:rng0 has 18446744073709551615 bytes");
	check_refused(FIRST + 56, "\x62", 1, -EINVAL,
		      "section vcpu0 has 98 bytes, and 97 are there");
	/* It ends where no head fits. */
	check_refused(FIRST + 56, "\x61", 1, -EINVAL, "has no room for section 2 at byte 201");
}

/* After the first failure all values are 0, and its text stays. */
static void check_failed(int code, const char *text)
{
	char out[2] = "x";

	check_eq(state_reader_u64(&r), 0);
	check_eq(state_reader_bool(&r), false);
	check_eq(state_reader_left(&r), 0);
	state_reader_bytes(&r, out, 1);
	check_eq(out[0], 0);
	state_reader_string(&r, out, sizeof(out));
	check_eq(state_reader_count(&r, "things", 5), 0);
	state_reader_fail(&r, EIO, "later");
	state_reader_end(&r);
	check_eq(state_reader_begin(&r, "rng:rng0", 1), 0);
	state_reader_end(&r);
	check_eq(state_reader_result(&r, &err), code);
	check_str(err.text, text);
	*err.text = '\0';
	check_eq(state_reader_finish(&r, &err), code);
	check_str(err.text, text);
	check_eq(start_reading(), 0);
}

#define DAMAGED ": it is damaged; take another copy, or save the VM again"
#define VCPU "--restore x/state: section vcpu0: "

/*
 * bad input: Snapshots: a section of a state file that is too short, too long, missing or too new
 * -> refused
 */
Test(state_reader, sections, .init = write_file, .fini = teardown)
{
	char bytes[40];

	check_eq(start_reading(), 0);
	state_reader_begin(&r, "vcpu0", 2);
	state_reader_u32(&r);
	memset(bytes, 1, sizeof(bytes));
	state_reader_bytes(&r, bytes, 29);
	check_eq(bytes[0] | bytes[28], 0);
	check_eq(bytes[29], 1);
	check_failed(-EINVAL, VCPU "ends at byte 32, and 29 were to follow byte 4" DAMAGED);
	state_reader_begin(&r, "vcpu0", 2);
	state_reader_bytes(&r, bytes, 31);
	check_eq(state_reader_u16(&r), 0);
	check_failed(-EINVAL, VCPU "ends at byte 32, and 2 were to follow byte 31" DAMAGED);
	state_reader_begin(&r, "vcpu0", 2);
	state_reader_bytes(&r, bytes, 31);
	state_reader_end(&r);
	check_eq(state_reader_begin(&r, "rng:rng0", 1), 0);
	check_failed(-EINVAL, VCPU "has 1 bytes behind byte 31 that nobody knows" DAMAGED);
	check_eq(state_reader_begin(&r, "vcpu0", 1), 0);
	check_failed(-ENOTSUP,
		     VCPU "has version 2, and this mvmm knows up to 1; restore it with the mvmm "
			  "that saved it, or with a newer one");
	check_eq(state_reader_begin(&r, "vcpu1", 1), 0);
	check_failed(-ENOENT, "--restore x/state: has no section vcpu1; restore it with the mvmm "
			      "that saved it, or with a newer one");
	memset(w.file.data + FIRST + 48, 0, 4);
	fix_checksum();
	check_eq(start_reading(), 0);
	check_eq(state_reader_begin(&r, "vcpu0", 1), 0);
	check_failed(-ENOTSUP, VCPU "has version 0, and this mvmm knows up to 1; restore it with "
				    "the mvmm that saved it, or with a newer one");
}

static void skip(size_t len)
{
	char bytes[FIRST_SIZE];

	check_eq(state_reader_begin(&r, "vcpu0", 2), 2);
	state_reader_bytes(&r, bytes, len);
}

/*
 * bad input: Snapshots: a state file with a count above its maximum, a text that is too long or has
 * a NUL, or a yes-or-no value that is neither 0 nor 1 -> refused
 */
Test(state_reader, values, .init = write_file, .fini = teardown)
{
	char text[8];

	check_eq(start_reading(), 0);
	skip(16);
	check_eq(state_reader_count(&r, "queues", 4), 0);
	check_failed(-EINVAL, VCPU "has 5 queues, and there can be 4" DAMAGED);
	skip(0);
	check_eq(state_reader_bool(&r), false);
	check_failed(-EINVAL, VCPU "byte 0 is 254, and may be 0 or 1" DAMAGED);
	skip(25);
	strcpy(text, "before");
	state_reader_string(&r, text, 3);
	check_str(text, "");
	check_failed(-EINVAL, VCPU "has 3 characters before byte 29, and there can be 2" DAMAGED);
	skip(25);
	state_reader_fail(&r, EIO, "%d is %s", 5, "odd");
	check_failed(-EIO, VCPU "5 is odd");
	w.file.data[FIRST + HEAD_BYTES + 30] = '\0';
	fix_checksum();
	check_eq(start_reading(), 0);
	skip(25);
	strcpy(text, "before");
	state_reader_string(&r, text, sizeof(text));
	check_str(text, "");
	check_failed(-EINVAL, VCPU "has a NUL in the text before byte 32" DAMAGED);
	w.file.data[FIRST + HEAD_BYTES + 25] = 4;
	fix_checksum();
	check_eq(start_reading(), 0);
	skip(25);
	state_reader_string(&r, text, sizeof(text));
	check_str(text, "");
	check_failed(-EINVAL, VCPU "ends at byte 32, and 4 were to follow byte 29" DAMAGED);
}

Test(state_reader, from_a_file, .init = write_file, .fini = teardown)
{
	unsigned before = open_descriptors();
	int fd = memfd_create("state", 0), ends[2];

	check_eq(write(fd, w.file.data, w.file.len), FILE_SIZE);
	check_eq(state_reader_load(&r, "fd:5", fd, &err), 0, "%s", err.text);
	read_first();
	state_reader_fini(&r);
	check_eq(ftruncate(fd, FILE_SIZE - 1), 0);
	check_eq(state_reader_load(&r, "fd:5", fd, &err), -EINVAL);
	check_contains(err.text, "fd:5: has 200 bytes, and 201 were saved");
	close(fd);
	check_eq(state_reader_load(&r, "fd:5", fd, &err), -EBADF);
	check_eq(pipe(ends), 0);
	check_eq(state_reader_load(&r, "fd:5", ends[0], &err), -EINVAL);
	check_str(err.text, "fd:5: is not a regular file; name the file state of a snapshot");
	close(ends[0]);
	close(ends[1]);
	check_eq(open_descriptors(), before);
}

/*
 * bad input: Snapshots: a state file that is empty, or has a terabyte -> refused without reading it
 */
Test(state_reader, sizes, .fini = teardown)
{
	int fd = memfd_create("state", 0);

	check_eq(state_reader_load(&r, "fd:5", fd, &err), -EINVAL);
	check_contains(err.text, "fd:5: has 0 bytes, fewer than any saved state");
	check_eq(ftruncate(fd, 1LL << 40), 0);
	check_eq(state_reader_load(&r, "fd:5", fd, &err), -ENOTSUP);
	check_str(err.text, "fd:5: has 1099511627776 bytes, more than the 67108864 of any saved "
			    "state; name the file state of a snapshot");
	close(fd);
}
