// SPDX-License-Identifier: Apache-2.0
/* Superblocks made by the real mkfs programs, and damaged ones. */
#include "boot/filesystem.h"
#include "tests/support/disk_fixture.h"

#define SIZE (8 * MIB)

static struct filesystem probe(const struct fixture_file *f, uint64_t size)
{
	struct filesystem fs;

	filesystem_probe(f->fd, 0, size, &fs);
	return fs;
}

static void assert_ext(const char *type, const char *block, const char *features, const char *name,
		       bool dax)
{
	struct fixture_file f = disk_new(SIZE);
	char output[FIXTURE_OUTPUT];
	struct filesystem fs;

	FIXTURE_RUN(output, "mke2fs", "-q", "-F", "-t", type, "-b", block, "-O", features, f.path);
	fs = probe(&f, SIZE);
	cr_assert_str_eq(fs.name, name);
	cr_assert_eq(fs.dax, dax, "%s %s %s", type, block, features);
	cr_assert_not(fs.dax_whole_disk_only);
	close(f.fd);
}

Test(filesystem, ext)
{
	assert_ext("ext4", "4096", "none,extent,filetype,has_journal", "ext4", true);
	assert_ext("ext4", "1024", "none,extent,filetype,has_journal", "ext4", false);
	assert_ext("ext4", "4096", "inline_data", "ext4", false);
	assert_ext("ext3", "4096", "^metadata_csum", "ext3", true);
	assert_ext("ext2", "4096", "^metadata_csum", "ext2", true);
}

Test(filesystem, ext4_with_data_journalling_has_no_dax)
{
	struct fixture_file f = disk_new(SIZE);
	char output[FIXTURE_OUTPUT];

	FIXTURE_RUN(output, "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", f.path);
	FIXTURE_RUN(output, "tune2fs", "-o", "journal_data", f.path);
	cr_assert_not(probe(&f, SIZE).dax);
	FIXTURE_RUN(output, "tune2fs", "-o", "journal_data_writeback", f.path);
	cr_assert(probe(&f, SIZE).dax);
}

static struct filesystem make_xfs(const char *block, const char *reflink)
{
	/* mkfs.xfs refuses less than 300 MiB; the file is sparse. */
	struct fixture_file f = disk_new(320 * MIB);
	char output[FIXTURE_OUTPUT];
	struct filesystem fs;

	FIXTURE_RUN(output, "mkfs.xfs", "-q", "-K", "-b", block, "-m", reflink, f.path);
	fs = probe(&f, 320 * MIB);
	close(f.fd);
	cr_assert_str_eq(fs.name, "xfs");
	return fs;
}

Test(filesystem, xfs)
{
	cr_assert(make_xfs("size=4096", "reflink=0").dax);
	cr_assert_not(make_xfs("size=4096", "reflink=0").dax_whole_disk_only);
	cr_assert(make_xfs("size=4096", "reflink=1").dax_whole_disk_only);
	cr_assert_not(make_xfs("size=1024", "reflink=0").dax);
}

Test(filesystem, erofs_and_squashfs)
{
	struct fixture_file f = disk_new(0);
	char output[FIXTURE_OUTPUT];
	char dir[32], image[48];
	struct filesystem fs;
	int fd;

	fixture_directory(dir);
	FIXTURE_RUN(output, "mkfs.erofs", f.path, dir);
	fs = probe(&f, 4096);
	cr_assert_str_eq(fs.name, "erofs");
	cr_assert(fs.dax);
	cr_assert_eq(pwrite(f.fd, "\x09", 1, 1024 + 12), 1); /* blocks of 512 bytes */
	cr_assert_not(probe(&f, 4096).dax);

	snprintf(image, sizeof(image), "%s/squashfs", dir);
	FIXTURE_RUN(output, "mksquashfs", dir, image, "-quiet", "-no-progress");
	fd = open(image, O_RDONLY);
	filesystem_probe(fd, 0, 4096, &fs);
	cr_assert_str_eq(fs.name, "squashfs");
	cr_assert_not(fs.dax);
	fixture_remove(dir);
}

/*
 * bad input: Images: a disk of random bytes, or one shorter than a superblock -> no file system is
 * found on it
 */
Test(filesystem, knows_nothing_about_noise_and_stumps)
{
	struct fixture_file f = disk_new(8192);
	uint8_t noise[8192];
	struct filesystem fs;
	unsigned seed = 1;

	cr_assert_null(probe(&f, 8192).name);
	cr_assert_null(probe(&f, 0).name);
	for (unsigned i = 0; i < 100; i++) {
		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (uint8_t)rand_r(&seed);
		cr_assert_eq(pwrite(f.fd, noise, sizeof(noise), 0), (ssize_t)sizeof(noise));
		cr_assert_null(probe(&f, 8192).name);
	}
	/* A magic number whose place is beyond the end of the partition. */
	memset(noise, 0, sizeof(noise));
	noise[1024 + 0x38] = 0x53;
	noise[1024 + 0x39] = 0xef;
	cr_assert_eq(pwrite(f.fd, noise, sizeof(noise), 0), (ssize_t)sizeof(noise));
	cr_assert_str_eq(probe(&f, 8192).name, "ext2");
	cr_assert_null(probe(&f, 1024 + 0x38).name);
	/* A size that the file does not have. */
	cr_assert_eq(ftruncate(f.fd, 2048), 0);
	cr_assert_null(probe(&f, 4096).name);
	filesystem_probe(f.fd, 8192, 4096, &fs);
	cr_assert_null(fs.name);
	filesystem_probe(-1, 0, 4096, &fs);
	cr_assert_null(fs.name);
}
