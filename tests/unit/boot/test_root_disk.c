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
	cr_assert_eq(probe(&f).others, 1);
	disk_copy(&f, 6 * MIB, &fs, HEAD);
	cr_assert_eq(probe(&f).partition, 6);
	cr_assert(probe(&f).dax);
}

/* What is behind the /boot may have a file system that is not known here. */
Test(root_disk, boot_beside_an_unknown_file_system)
{
	struct fixture_file f = disk_new(SIZE), fs = ext4();

	disk_partition(&f, "label: dos\\n1: start=2048 size=4096 type=83\\n2: start=8192 size=8192 "
			   "type=83\\n");
	disk_copy(&f, MIB, &fs, HEAD);
	cr_assert_eq(pwrite(f.fd, "/boot", 6, MIB + 1024 + 0x88), 6);
	cr_assert_eq(probe(&f).partition, 2);
	cr_assert_null(probe(&f).fs);
	cr_assert_eq(pwrite(f.fd, "/", 2, MIB + 1024 + 0x88), 2);
	cr_assert_eq(probe(&f).partition, 1);
}

/* A /boot is of the same type as the root, and comes before it. */
Test(root_disk, boot_partition_is_not_the_root)
{
	struct fixture_file f = disk_new(SIZE), fs = ext4();

	disk_partition(&f, "label: gpt\\n1: start=2048 size=2048 type=L\\n"
			   "2: start=4096 size=8192 type=L\\n3: start=16384 size=4096 type=L\\n");
	disk_copy(&f, 1 * MIB, &fs, HEAD);
	cr_assert_eq(probe(&f).partition, 1);
	cr_assert_eq(probe(&f).others, 0);
	disk_copy(&f, 2 * MIB, &fs, HEAD);
	disk_copy(&f, 8 * MIB, &fs, HEAD);
	cr_assert_eq(probe(&f).partition, 2, "the largest");
	cr_assert_eq(probe(&f).others, 2);
	/* Where it was last mounted decides before its size does. */
	cr_assert_eq(pwrite(f.fd, "/home", 6, 2 * MIB + 1024 + 0x88), 6);
	cr_assert_eq(probe(&f).partition, 3);
	cr_assert_eq(pwrite(f.fd, "/boot/efi", 10, 8 * MIB + 1024 + 0x88), 10);
	cr_assert_eq(probe(&f).partition, 1);
	cr_assert_eq(probe(&f).others, 0);
	cr_assert_eq(pwrite(f.fd, "/bootstrap", 11, 8 * MIB + 1024 + 0x88), 11);
	cr_assert_eq(probe(&f).partition, 3);
}

static void assert_is(const void *head, size_t len, const char *want)
{
	struct fixture_file f = disk_new(SIZE);
	const char *is;

	cr_assert_eq(pwrite(f.fd, head, len, 0), (ssize_t)len);
	is = probe(&f).is;
	cr_assert(is && strstr(is, want), "%s", is);
}

/*
 * bad input: Images: a root disk that is a compressed image or a qcow2 image -> a warning that
 * names the kind of image
 */
Test(root_disk, names_what_is_no_disk)
{
	struct fixture_file f = disk_new(SIZE);

	cr_assert_null(probe(&f).is);
	assert_is("QFI\xfb", 4, "qcow2");
	assert_is("\x1f\x8b\x08", 3, "gzip");
	assert_is("\x28\xb5\x2f\xfd", 4, "zstd");
	assert_is("vhdxfile", 8, "VHDX");
	f = ext4();
	cr_assert_null(probe(&f).is);
}

static const char *no_dax(const char *type, const char *block)
{
	struct fixture_file f = disk_new(SIZE);
	char output[FIXTURE_OUTPUT];

	FIXTURE_RUN(output, "mke2fs", "-q", "-F", "-t", type, "-b", block, f.path);
	return probe(&f).no_dax;
}

Test(root_disk, says_why_there_is_no_dax)
{
	struct fixture_file fs = ext4(), f = disk_new(SIZE);

	cr_assert_null(no_dax("ext4", "4096"));
	cr_assert_not_null(strstr(no_dax("ext4", "1024"), "blocks"));
	disk_partition(&f, "label: dos\\n1: start=63 size=2048 type=83\\n");
	disk_copy(&f, 63 * 512, &fs, HEAD);
	cr_assert_not_null(strstr(probe(&f).no_dax, "partition"));
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

/* bad input: Images: random bytes behind a partition table -> the whole disk is the root disk */
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
	assert_args((struct root_disk){ .partition = 0, .fs = "ext4", .dax = true }, 0, false,
		    "root=/dev/pmem0 rw rootfstype=ext4 rootflags=dax=always");
	assert_args((struct root_disk){ .partition = 1, .fs = "ext4", .dax = true }, 2, false,
		    "root=/dev/pmem2p1 rw rootfstype=ext4 rootflags=dax=always");
	assert_args((struct root_disk){ .partition = 0, .fs = "ext2", .dax = false }, 0, false,
		    "root=/dev/pmem0 rw rootfstype=ext4");
	assert_args((struct root_disk){ .partition = 0, .fs = "ext4", .dax = true }, 0, true,
		    "root=/dev/pmem0 ro rootfstype=ext4 rootflags=dax=always,noload");
	assert_args((struct root_disk){ .partition = 0, .fs = "ext2", .dax = true }, 0, true,
		    "root=/dev/pmem0 ro rootfstype=ext4 rootflags=dax=always");
	assert_args((struct root_disk){ .partition = 0, .fs = "xfs", .dax = false }, 0, true,
		    "root=/dev/pmem0 ro rootfstype=xfs rootflags=norecovery");
	assert_args((struct root_disk){ .partition = 0, .fs = "erofs", .dax = true }, 0, false,
		    "root=/dev/pmem0 ro rootfstype=erofs rootflags=dax=always");
	assert_args((struct root_disk){ .partition = 0, .fs = "squashfs", .dax = false }, 0, false,
		    "root=/dev/pmem0 ro rootfstype=squashfs");
	assert_args((struct root_disk){ .partition = 3, .fs = NULL, .dax = false }, 1, false,
		    "root=/dev/pmem1p3 rw");
	/* The longest that there can be. */
	assert_args((struct root_disk){ .partition = 4294967295, .fs = "squashfs", .dax = true },
		    4294967295, true,
		    "root=/dev/pmem4294967295p4294967295 ro rootfstype=squashfs"
		    " rootflags=dax=always");
}
