// SPDX-License-Identifier: Apache-2.0
/*
 * A file system whose one file takes its time to sync and to be read, to see whom that delays: a
 * FUSE mount with a file "slow.img" in memory. Start reading at slow_fsync.
 *
 *     slow_fs SIZE-IN-MIB SYNC-IN-MS READ-IN-MS -f MOUNTPOINT
 */
#define FUSE_USE_VERSION 31
#include <err.h>
#include <errno.h>
#include <fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "/slow.img"

static char *content;
static size_t size;
static unsigned sync_ms, read_ms;

static int slow_fsync(const char *path, int datasync, struct fuse_file_info *file)
{
	usleep(sync_ms * 1000);
	return 0;
}

static int slow_getattr(const char *path, struct stat *st, struct fuse_file_info *file)
{
	*st = (struct stat){ .st_mode = S_IFDIR | 0755, .st_nlink = 2 };
	if (strcmp(path, "/") == 0)
		return 0;
	if (strcmp(path, NAME) != 0)
		return -ENOENT;
	*st = (struct stat){ .st_mode = S_IFREG | 0666, .st_nlink = 1, .st_size = (off_t)size };
	return 0;
}

static int slow_read(const char *path, char *buf, size_t len, off_t offset,
		     struct fuse_file_info *file)
{
	usleep(read_ms * 1000);
	if ((size_t)offset >= size)
		return 0;
	if (len > size - (size_t)offset)
		len = size - (size_t)offset;
	memcpy(buf, content + offset, len);
	return (int)len;
}

static int slow_write(const char *path, const char *buf, size_t len, off_t offset,
		      struct fuse_file_info *file)
{
	if ((size_t)offset > size || len > size - (size_t)offset)
		return -ENOSPC;
	memcpy(content + offset, buf, len);
	return (int)len;
}

static const struct fuse_operations operations = {
	.getattr = slow_getattr,
	.read = slow_read,
	.write = slow_write,
	.fsync = slow_fsync,
};

int main(int argc, char **argv)
{
	if (argc < 5)
		errx(EXIT_FAILURE,
		     "usage: slow_fs SIZE-IN-MIB SYNC-IN-MS READ-IN-MS -f MOUNTPOINT");
	size = strtoul(argv[1], NULL, 10) << 20;
	sync_ms = (unsigned)atoi(argv[2]);
	content = calloc(1, size);
	if (!content)
		errx(EXIT_FAILURE, "no memory for %zu bytes", size);
	read_ms = (unsigned)atoi(argv[3]);
	argv[3] = argv[0];
	return fuse_main(argc - 3, argv + 3, &operations, NULL);
}
