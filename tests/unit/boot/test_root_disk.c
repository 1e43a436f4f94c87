// SPDX-License-Identifier: Apache-2.0
/* Which part of a disk becomes root, and how it is mounted. */
#include "boot/root_disk.h"
#include "tests/support/disk_fixture.h"

#include <errno.h>

#define SIZE (24 * MIB)
#define HEAD 8192

static struct root_disk probe(const struct fixture_file *f)
{
	struct root_disk disk;

	cr_assert_eq(root_disk_probe(f->fd, SIZE, &disk), 0);
	return disk;
}

/* The start of a file system; nothing else of it is ever looked at. */
static struct fixture_file ext4(void)
{
	struct fixture_file f = disk_new(4 * MIB);
	char output[FIXTURE_OUTPUT];

	FIXTURE_RUN(output, "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", f.path);
	return f;
}

static struct fixture_file xfs(void)
{
	struct fixture_file f = disk_new(320 * MIB);
	char output[FIXTURE_OUTPUT];

	FIXTURE_RUN(output, "mkfs.xfs", "-q", "-K", "-m", "reflink=1", f.path);
	return f;
}

Test(root_disk, whole_disk)
{
	struct fixture_file f = disk_new(SIZE), fs = ext4();
	struct root_disk disk;

	disk_copy(&f, 0, &fs, HEAD);
	disk = probe(&f);
	cr_assert_eq(disk.partition, 0);
	cr_assert_str_eq(disk.fs, "ext4");
	cr_assert(disk.dax);
	fs = xfs();
	f = disk_new(SIZE);
	disk_copy(&f, 0, &fs, HEAD);
	disk = probe(&f);
	cr_assert_str_eq(disk.fs, "xfs");
	cr_assert(disk.dax, "with reflink, but the whole disk");
}

Test(root_disk, prefers_the_root_type_then_linux_then_any)
{
	struct fixture_file f = disk_new(SIZE), fs = ext4();

	disk_partition(&f, "label: gpt\\n1: start=2048 size=2048 type=U\\n"
			   "2: start=4096 size=2048 type=bc13c2ff-59e6-4262-a352-b275fd6f7172\\n"
			   "3: start=6144 size=2048 type=H\\n4: start=8192 size=2048 type=L\\n"
			   "5: start=10240 size=2048 type=L\\n"
			   "6: start=12288 size=2048 type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709\\n");
	cr_assert_eq(probe(&f).partition, 4, "no file system at all: the first of a Linux type");
	cr_assert_null(probe(&f).fs);
	disk_copy(&f, 1 * MIB, &fs, HEAD);
	disk_copy(&f, 2 * MIB, &fs, HEAD);
	cr_assert_null(probe(&f).fs, "neither the EFI nor the boot partition");
	disk_copy(&f, 3 * MIB, &fs, HEAD);
	cr_assert_eq(probe(&f).partition, 3);
	cr_assert_str_eq(probe(&f).fs, "ext4");
	disk_copy(&f, 5 * MIB, &fs, HEAD);
	cr_assert_eq(probe(&f).partition, 5);
	disk_copy(&f, 4 * MIB, &fs, HEAD);
	cr_assert_eq(probe(&f).partition, 4, "the first of equals");
	disk_copy(&f, 6 * MIB, &fs, HEAD);
	cr_assert_eq(probe(&f).partition, 6);
	cr_assert(probe(&f).dax);
}

Test(root_disk, mbr_partition)
{
	struct fixture_file f = disk_new(SIZE), fs = ext4();

	disk_partition(&f, "label: dos\\n1: start=2048 size=2048 type=83\\n"
			   "2: start=4096 size=2048 type=83\\n");
	disk_copy(&f, 2 * MIB, &fs, HEAD);
	cr_assert_eq(probe(&f).partition, 2);
	cr_assert(probe(&f).dax);
}

Test(root_disk, dax_needs_aligned_partitions)
{
	struct fixture_file fs = ext4(), f = disk_new(SIZE);

	disk_partition(&f, "label: dos\\n1: start=63 size=2048 type=83\\n");
	disk_copy(&f, 63 * 512, &fs, HEAD);
	cr_assert_str_eq(probe(&f).fs, "ext4");
	cr_assert_not(probe(&f).dax);
	f = disk_new(SIZE);
	disk_partition(&f, "label: dos\\n1: start=64 size=2047 type=83\\n");
	disk_copy(&f, 64 * 512, &fs, HEAD);
	cr_assert_not(probe(&f).dax);
	f = disk_new(SIZE);
	disk_partition(&f, "label: dos\\n1: start=64 size=2048 type=83\\n");
	disk_copy(&f, 64 * 512, &fs, HEAD);
	cr_assert(probe(&f).dax);
}

Test(root_disk, xfs_with_reflink_in_a_partition_has_no_dax)
{
	struct fixture_file fs = xfs(), f = disk_new(SIZE);

	disk_partition(&f, "label: gpt\\n1: start=2048 size=2048 type=L\\n");
	disk_copy(&f, MIB, &fs, HEAD);
	cr_assert_str_eq(probe(&f).fs, "xfs");
	cr_assert_not(probe(&f).dax);
}

Test(root_disk, falls_back_to_the_whole_disk)
{
	struct fixture_file f = disk_new(SIZE), fs = ext4();
	struct root_disk disk = probe(&f);

	cr_assert_eq(disk.partition, 0);
	cr_assert_null(disk.fs);
	cr_assert_not(disk.dax);
	/* A table from before the file system was made. */
	disk_partition(&f, "label: dos\\n1: start=2048 size=2048 type=83\\n");
	cr_assert_eq(probe(&f).partition, 1);
	disk_copy(&fs, 0, &f, 512);
	disk_copy(&f, 0, &fs, HEAD);
	cr_assert_eq(probe(&f).partition, 0);
	cr_assert_str_eq(probe(&f).fs, "ext4");
}

/* bad input: Images: disk of random bytes behind a partition table -> the whole disk is the root */
Test(root_disk, survives_noise)
{
	struct fixture_file f = disk_new(SIZE);
	struct root_disk disk;
	uint8_t noise[65536];
	unsigned seed = 1;

	for (unsigned i = 0; i < 200; i++) {
		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (uint8_t)rand_r(&seed);
		noise[510] = 0x55;
		noise[511] = 0xaa;
		for (unsigned k = 0; k < 4; k++)
			noise[446 + 16 * k] = 0x80;
		if (i & 1)
			noise[446 + 4] = 0xee;
		cr_assert_eq(pwrite(f.fd, noise, sizeof(noise), 0), (ssize_t)sizeof(noise));
		cr_assert_eq(root_disk_probe(f.fd, SIZE, &disk), 0);
		cr_assert(disk.partition <= 4);
	}
	cr_assert_eq(root_disk_probe(f.fd, 0, &disk), 0);
	cr_assert_eq(root_disk_probe(-1, SIZE, &disk), -EBADF);
}

static void assert_args(struct root_disk disk, unsigned index, bool readonly, const char *want)
{
	char args[ROOT_DISK_ARGS_MAX];

	root_disk_args(&disk, index, readonly, args);
	cr_assert_str_eq(args, want);
}

Test(root_disk, kernel_arguments)
{
	assert_args((struct root_disk){ 0, "ext4", true }, 0, false,
		    "root=/dev/pmem0 rw rootfstype=ext4 rootflags=dax=always");
	assert_args((struct root_disk){ 1, "ext4", true }, 2, false,
		    "root=/dev/pmem2p1 rw rootfstype=ext4 rootflags=dax=always");
	assert_args((struct root_disk){ 0, "ext2", false }, 0, false,
		    "root=/dev/pmem0 rw rootfstype=ext4");
	assert_args((struct root_disk){ 0, "ext4", true }, 0, true,
		    "root=/dev/pmem0 ro rootfstype=ext4 rootflags=dax=always,noload");
	assert_args((struct root_disk){ 0, "ext2", true }, 0, true,
		    "root=/dev/pmem0 ro rootfstype=ext4 rootflags=dax=always");
	assert_args((struct root_disk){ 0, "xfs", false }, 0, true,
		    "root=/dev/pmem0 ro rootfstype=xfs rootflags=norecovery");
	assert_args((struct root_disk){ 0, "erofs", true }, 0, false,
		    "root=/dev/pmem0 ro rootfstype=erofs rootflags=dax=always");
	assert_args((struct root_disk){ 0, "squashfs", false }, 0, false,
		    "root=/dev/pmem0 ro rootfstype=squashfs");
	assert_args((struct root_disk){ 3, NULL, false }, 1, false, "root=/dev/pmem1p3 rw");
	/* The longest that there can be. */
	assert_args((struct root_disk){ 4294967295, "squashfs", true }, 4294967295, true,
		    "root=/dev/pmem4294967295p4294967295 ro rootfstype=squashfs"
		    " rootflags=dax=always");
}
