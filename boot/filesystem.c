// SPDX-License-Identifier: Apache-2.0
/*
 * Superblocks, as far as they say what the file system is and whether DAX can be had. The offsets
 * are those of the kernel's on-disk formats; the conditions are those that fs/ext4/super.c,
 * fs/xfs/xfs_super.c and fs/erofs/super.c of Linux 6.1 test at mount time.
 */
#include "boot/filesystem.h"

#include "boot/file_magic.h"
#include "vmm/base/array.h"
#include "vmm/base/endian.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* All superblocks lie within the first of these. */
#define HEAD_BYTES 4096

#define BLOCKS "its blocks are not of 4 KiB"

struct head {
	uint8_t bytes[HEAD_BYTES];
};

static uint16_t get_le16(const struct head *h, size_t off)
{
	__le16 v;

	memcpy(&v, h->bytes + off, sizeof(v));
	return le16_to_host(v);
}

static uint32_t get_le32(const struct head *h, size_t off)
{
	__le32 v;

	memcpy(&v, h->bytes + off, sizeof(v));
	return le32_to_host(v);
}

static uint32_t get_be32(const struct head *h, size_t off)
{
	uint32_t v;

	memcpy(&v, h->bytes + off, sizeof(v));
	return be32toh(v);
}

/* ext2, ext3 and ext4: fs/ext4/ext4.h, struct ext4_super_block. */
#define EXT_SUPER 1024
#define EXT_LOG_BLOCK_SIZE (EXT_SUPER + 0x18)
#define EXT_MAGIC (EXT_SUPER + 0x38)
#define EXT_COMPAT (EXT_SUPER + 0x5c)
#define EXT_INCOMPAT (EXT_SUPER + 0x60)
#define EXT_RO_COMPAT (EXT_SUPER + 0x64)
#define EXT_LAST_MOUNTED (EXT_SUPER + 0x88) /* 64 bytes */
#define EXT_DEFAULT_MOUNT (EXT_SUPER + 0x100)
#define EXT_COMPAT_HAS_JOURNAL 0x4
/* What ext3 knows: filetype, recover, journal_dev, meta_bg; sparse_super, large_file, btree_dir. */
#define EXT3_INCOMPAT 0x1e
#define EXT3_RO_COMPAT 0x7
#define EXT_INCOMPAT_INLINE_DATA 0x8000
#define EXT_DEFAULT_JOURNAL_MODE 0x60
#define EXT_DEFAULT_JOURNAL_DATA 0x20

/* Directories that are file systems of their own; an initramfs mounts a root where it likes. */
static bool mounted_elsewhere(const struct head *h)
{
	static const char *const places[] = { "/boot", "/home", "/var", "/usr",
					      "/srv",  "/opt",	"/tmp" };
	const char *mounted = (const char *)h->bytes + EXT_LAST_MOUNTED;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t len = strlen(places[i]);

		if (strncmp(mounted, places[i], len) == 0 && (!mounted[len] || mounted[len] == '/'))
			return true;
	}
	return false;
}

static bool probe_ext(const struct head *h, struct filesystem *fs)
{
	uint32_t incompat = get_le32(h, EXT_INCOMPAT);
	uint32_t journal_mode = get_le32(h, EXT_DEFAULT_MOUNT) & EXT_DEFAULT_JOURNAL_MODE;

	if (get_le16(h, EXT_MAGIC) != 0xef53)
		return false;
	if ((incompat & ~EXT3_INCOMPAT) || (get_le32(h, EXT_RO_COMPAT) & ~EXT3_RO_COMPAT))
		fs->name = "ext4";
	else
		fs->name = get_le32(h, EXT_COMPAT) & EXT_COMPAT_HAS_JOURNAL ? "ext3" : "ext2";
	/* 1024 << 2; with inline data or data journalling dax=always fails the mount. */
	if (get_le32(h, EXT_LOG_BLOCK_SIZE) != 2)
		fs->no_dax = BLOCKS;
	else if (incompat & EXT_INCOMPAT_INLINE_DATA)
		fs->no_dax = "it has the feature inline_data";
	else if (journal_mode == EXT_DEFAULT_JOURNAL_DATA)
		fs->no_dax = "its journal is to have the data too (tune2fs -o journal_data)";
	fs->elsewhere = mounted_elsewhere(h);
	return true;
}

/* XFS: fs/xfs/libxfs/xfs_format.h, struct xfs_dsb, big-endian. */
#define XFS_BLOCK_SIZE 0x4
#define XFS_VERSION 0x64 /* 16 bits, the low four of them the version */
#define XFS_RO_COMPAT 0xd4
#define XFS_RO_COMPAT_REFLINK 0x4

static bool probe_xfs(const struct head *h, struct filesystem *fs)
{
	bool v5 = (h->bytes[XFS_VERSION + 1] & 0xf) == 5;

	if (memcmp(h->bytes, "XFSB", 4) != 0)
		return false;
	fs->name = "xfs";
	if (get_be32(h, XFS_BLOCK_SIZE) != 4096)
		fs->no_dax = BLOCKS;
	fs->dax_whole_disk_only = v5 && (get_be32(h, XFS_RO_COMPAT) & XFS_RO_COMPAT_REFLINK);
	return true;
}

/* EROFS: fs/erofs/erofs_fs.h, struct erofs_super_block. */
#define EROFS_SUPER 1024
#define EROFS_BLOCK_BITS (EROFS_SUPER + 0xc)

static bool probe_erofs(const struct head *h, struct filesystem *fs)
{
	if (get_le32(h, EROFS_SUPER) != 0xe0f5e1e2)
		return false;
	fs->name = "erofs";
	if (h->bytes[EROFS_BLOCK_BITS] != 12)
		fs->no_dax = BLOCKS;
	return true;
}

static bool probe_squashfs(const struct head *h, struct filesystem *fs)
{
	if (memcmp(h->bytes, "hsqs", 4) != 0)
		return false;
	fs->name = "squashfs";
	fs->no_dax = "squashfs has none";
	return true;
}

void filesystem_probe(int fd, uint64_t start, uint64_t size, struct filesystem *ret_fs)
{
	struct head h = { { 0 } };
	size_t len = size < sizeof(h) ? (size_t)size : sizeof(h);

	*ret_fs = (struct filesystem){ 0 };
	if (pread(fd, &h, len, (off_t)start) != (ssize_t)len)
		return;
	if (!probe_ext(&h, ret_fs) && !probe_xfs(&h, ret_fs) && !probe_erofs(&h, ret_fs))
		probe_squashfs(&h, ret_fs);
	ret_fs->dax = ret_fs->name && !ret_fs->no_dax;
	if (!ret_fs->name)
		ret_fs->is = file_magic_name(&h, len);
}
