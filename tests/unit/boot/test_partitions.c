// SPDX-License-Identifier: Apache-2.0
/* Partition tables made by sfdisk, and damaged ones. */
#include "boot/partitions.h"
#include "tests/support/disk_fixture.h"

#include <errno.h>

#define SIZE (16 * MIB)
#define ROOT_GUID "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"

static struct partition_table read_table(const struct fixture_file *f)
{
	struct partition_table table;

	cr_assert_eq(partitions_read(f->fd, SIZE, &table), 0);
	for (unsigned i = 0; i < table.count; i++) {
		const struct partition *p = &table.partition[i];

		cr_assert(p->size && p->start < SIZE && p->size <= SIZE - p->start);
	}
	return table;
}

static struct fixture_file gpt_disk(void)
{
	struct fixture_file f = disk_new(SIZE);

	disk_partition(&f, "label: gpt\\n1: start=2048 size=2048 type=U\\n"
			   "3: start=4096 size=2048 type=L\\n"
			   "4: start=6144 size=4096 type=" ROOT_GUID "\\n"
			   "7: start=10240 size=2048 type=S\\n");
	return f;
}

Test(partitions, gpt)
{
	struct fixture_file f = gpt_disk();
	struct partition_table t = read_table(&f);

	cr_assert_eq(t.count, 4);
	cr_assert_eq(t.partition[0].number, 1);
	cr_assert_eq(t.partition[0].use, PARTITION_NOT_ROOT);
	cr_assert_eq(t.partition[1].number, 3);
	cr_assert_eq(t.partition[1].start, 2 * MIB);
	cr_assert_eq(t.partition[1].size, MIB);
	cr_assert_eq(t.partition[1].use, PARTITION_LINUX);
	cr_assert_eq(t.partition[2].use, PARTITION_ROOT);
	cr_assert_eq(t.partition[2].size, 2 * MIB);
	cr_assert_eq(t.partition[3].number, 7);
	cr_assert_eq(t.partition[3].use, PARTITION_NOT_ROOT);
}

/* Every byte of the header and of the first entries is covered by one of the checksums. */
/*
 * bad input: Images: a GUID partition table in which any one bit is wrong -> the disk counts as one
 * without partitions
 */
Test(partitions, gpt_with_one_wrong_bit_is_none)
{
	struct fixture_file f = gpt_disk();
	uint8_t byte, wrong;

	for (off_t at = 512; at < 512 + 92; at++) {
		cr_assert_eq(pread(f.fd, &byte, 1, at), 1);
		wrong = byte ^ 1;
		cr_assert_eq(pwrite(f.fd, &wrong, 1, at), 1);
		cr_assert_eq(read_table(&f).count, 0, "byte %ld", (long)at);
		cr_assert_eq(pwrite(f.fd, &byte, 1, at), 1);
	}
	for (off_t at = 1024; at < 1024 + 16384; at += 37) {
		cr_assert_eq(pread(f.fd, &byte, 1, at), 1);
		wrong = byte ^ 0x80;
		cr_assert_eq(pwrite(f.fd, &wrong, 1, at), 1);
		cr_assert_eq(read_table(&f).count, 0, "byte %ld", (long)at);
		cr_assert_eq(pwrite(f.fd, &byte, 1, at), 1);
	}
	cr_assert_eq(read_table(&f).count, 4);
}

static uint32_t crc32(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* Changes 8 bytes of the header or of the first entry and makes the checksums right again. */
static void forge(const struct fixture_file *f, size_t at, uint64_t value, size_t bytes)
{
	static uint8_t head[1024 + 2048 * 128];
	uint32_t entries, crc;

	cr_assert_eq(pread(f->fd, head, sizeof(head), 0), (ssize_t)sizeof(head));
	memcpy(head + at, &value, bytes);
	memcpy(&entries, head + 512 + 80, 4);
	crc = crc32(head + 1024, entries < 2048 ? entries * 128 : 0);
	memcpy(head + 512 + 88, &crc, 4);
	memset(head + 512 + 16, 0, 4);
	crc = crc32(head + 512, 92);
	memcpy(head + 512 + 16, &crc, 4);
	cr_assert_eq(pwrite(f->fd, head, sizeof(head), 0), (ssize_t)sizeof(head));
}

static void assert_forged(size_t at, uint64_t value, size_t bytes, unsigned count)
{
	struct fixture_file f = gpt_disk();

	cr_assert_eq(read_table(&f).count, 4);
	forge(&f, at, value, bytes);
	cr_assert_eq(read_table(&f).count, count, "%zu = 0x%lx", at, value);
	close(f.fd);
}

/*
 * bad input: Images: a GUID partition table with wrong places and sizes, and right checksums -> no
 * partition outside of the disk is used
 */
Test(partitions, gpt_that_lies_with_right_checksums)
{
	const size_t my_lba = 512 + 24, entries_lba = 512 + 72, entries = 512 + 80;
	const size_t entry_size = 512 + 84, first = 1024 + 32, last = 1024 + 40;

	const size_t first_usable = 512 + 40, last_usable = 512 + 48;

	assert_forged(my_lba, 1, 8, 4);
	/* Linux looks at these two; the disk ends at a multiple of 2 MiB, as it does for a guest.
	 */
	assert_forged(last_usable, SIZE / 512 - 1, 8, 4);
	assert_forged(last_usable, SIZE / 512, 8, 0);
	assert_forged(last_usable, UINT64_MAX, 8, 0);
	assert_forged(first_usable, SIZE / 512, 8, 0);
	assert_forged(first_usable, UINT64_MAX, 8, 0);
	assert_forged(last_usable, 0, 8, 0);
	assert_forged(my_lba, 2, 8, 0);
	assert_forged(entries_lba, SIZE / 512, 8, 0);
	assert_forged(entries_lba, UINT64_MAX, 8, 0);
	assert_forged(entries_lba, UINT64_MAX / 512, 8, 0);
	assert_forged(entries_lba, 2 + (1ull << 55), 8, 0); /* wraps to the right place */
	assert_forged(entries, 0, 4, 0);
	assert_forged(entries, 4, 4, 3);
	assert_forged(entries, 1024, 4, 4);
	assert_forged(entries, 1025, 4, 0);
	assert_forged(entries, UINT32_MAX, 4, 0);
	assert_forged(entry_size, 0, 4, 0);
	assert_forged(entry_size, 4096, 4, 0);
	/* One bad partition does not spoil the others. */
	assert_forged(first, SIZE / 512, 8, 3);
	assert_forged(first, UINT64_MAX, 8, 3);
	assert_forged(last, SIZE / 512 - 1, 8, 4);
	assert_forged(last, SIZE / 512, 8, 3);
	assert_forged(last, UINT64_MAX, 8, 3);
	assert_forged(last, 2047, 8, 3);
	assert_forged(first, 0, 8, 4);
}

/*
 * bad input: Images: a GUID partition table on a disk that was cut off behind its first partition
 * -> the disk counts as one without partitions, as in Linux
 */
Test(partitions, gpt_of_a_disk_that_was_cut_off)
{
	struct fixture_file f = gpt_disk();
	struct partition_table table;

	cr_assert_eq(partitions_read(f.fd, SIZE - 2 * MIB + 1, &table), 0);
	cr_assert_eq(table.count, 4, "the guest sees whole pieces of 2 MiB");
	cr_assert_eq(partitions_read(f.fd, SIZE - 2 * MIB, &table), 0);
	cr_assert_eq(table.count, 0);
}

Test(partitions, gpt_counts_only_behind_a_protective_mbr)
{
	struct fixture_file f = gpt_disk();

	cr_assert_eq(pwrite(f.fd, "\0", 1, 446 + 4), 1);
	cr_assert_eq(read_table(&f).count, 0);
}

Test(partitions, mbr)
{
	struct fixture_file f = disk_new(SIZE);
	struct partition_table t;

	disk_partition(&f, "label: dos\\n1: start=2048 size=2048 type=ef\\n"
			   "2: start=4096 size=2048 type=82\\n4: start=8192 size=4096 type=83\\n");
	t = read_table(&f);
	cr_assert_eq(t.count, 3);
	cr_assert_eq(t.partition[0].use, PARTITION_NOT_ROOT);
	cr_assert_eq(t.partition[1].use, PARTITION_NOT_ROOT);
	cr_assert_eq(t.partition[2].number, 4);
	cr_assert_eq(t.partition[2].start, 4 * MIB);
	cr_assert_eq(t.partition[2].size, 2 * MIB);
	cr_assert_eq(t.partition[2].use, PARTITION_LINUX);
	/* Longer than the disk. */
	cr_assert_eq(pwrite(f.fd, "\xff\xff\xff\xff", 4, 446 + 3 * 16 + 12), 4);
	cr_assert_eq(read_table(&f).count, 2);
	/* Beyond its end. */
	cr_assert_eq(pwrite(f.fd, "\xff\xff\xff\xff\x01\0\0\0", 8, 446 + 3 * 16 + 8), 8);
	cr_assert_eq(read_table(&f).count, 2);
	/* A boot indicator that is none: code, not a table. */
	cr_assert_eq(pwrite(f.fd, "\x01", 1, 446 + 16), 1);
	cr_assert_eq(read_table(&f).count, 0);
	cr_assert_eq(pwrite(f.fd, "\x80", 1, 446 + 16), 1);
	cr_assert_eq(read_table(&f).count, 2);
	cr_assert_eq(pwrite(f.fd, "\0", 1, 510), 1);
	cr_assert_eq(read_table(&f).count, 0);
}

Test(partitions, none_on_short_or_unreadable_disks)
{
	struct fixture_file f = gpt_disk();
	struct partition_table t;

	for (uint64_t size = 0; size <= 1024 + 16384; size += 511) {
		struct fixture_file cut = disk_new(0);

		if (size && size <= 16384)
			disk_copy(&cut, 0, &f, size);
		cr_assert_eq(partitions_read(cut.fd, size, &t), 0);
		cr_assert_eq(t.count, 0);
		close(cut.fd);
	}
	cr_assert_eq(partitions_read(-1, SIZE, &t), -EBADF);
}
