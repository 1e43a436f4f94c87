// SPDX-License-Identifier: Apache-2.0
/*
 * Decides what of a disk image is the root file system: the partitions of a GPT, else of an MBR,
 * else the whole disk. Start reading at root_disk_probe. partitions.c reads the tables and
 * filesystem.c the superblocks.
 */
#include "boot/root_disk.h"

#include "boot/filesystem.h"
#include "boot/partitions.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * How good a partition is as root; the best one wins, and of equals the largest, since a /boot is
 * small. A Linux partition with a file system that is not known here, such as btrfs, is better than
 * one that was mounted elsewhere.
 */
enum rank {
	RANK_NONE,
	RANK_ELSEWHERE,
	RANK_LINUX_TYPE,
	RANK_KNOWN_FS,
	RANK_LINUX_FS,
	RANK_ROOT_TYPE
};

static enum rank rank_of(const struct partition *p, const struct filesystem *fs)
{
	if (p->use == PARTITION_NOT_ROOT)
		return RANK_NONE;
	if (!fs->name)
		return p->use == PARTITION_OTHER ? RANK_NONE : RANK_LINUX_TYPE;
	if (p->use == PARTITION_ROOT)
		return RANK_ROOT_TYPE;
	if (fs->elsewhere)
		return RANK_ELSEWHERE;
	return p->use == PARTITION_LINUX ? RANK_LINUX_FS : RANK_KNOWN_FS;
}

/* Why there is no DAX, or NULL where it is possible; @p is NULL for a whole disk. */
static const char *reason_against_dax(const struct filesystem *fs, const struct partition *p)
{
	if (!fs->dax || !p)
		return fs->no_dax;
	/* Both the start and the end of a DAX mapping are whole pages (fs_dax_get_by_bdev). */
	if (p->start % LAYOUT_PAGE || p->size % LAYOUT_PAGE)
		return "its partition does not begin and end at a multiple of 4 KiB";
	/* XFS refuses to mount then: "DAX and reflink cannot work with multi-partitions!" */
	return fs->dax_whole_disk_only ? "XFS with reflink has it only without partitions" : NULL;
}

static struct root_disk describe(const struct filesystem *fs, const struct partition *p)
{
	struct root_disk disk = {
		.partition = p ? p->number : 0,
		.fs = fs->name,
		.no_dax = reason_against_dax(fs, p),
		.is = p ? NULL : fs->is,
	};

	disk.dax = disk.fs && !disk.no_dax;
	return disk;
}

int root_disk_probe(int fd, uint64_t size, struct root_disk *ret_disk)
{
	struct partition_table table;
	struct root_disk best = { 0 };
	enum rank best_rank = RANK_NONE;
	uint64_t size_of_best = 0;
	unsigned others = 0;
	struct filesystem fs;
	int r;

	r = partitions_read(fd, size, &table);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < table.count; i++) {
		const struct partition *p = &table.partition[i];
		enum rank rank;

		filesystem_probe(fd, p->start, p->size, &fs);
		rank = rank_of(p, &fs);
		if (!rank || rank < best_rank)
			continue;
		if (rank > best_rank)
			others = 0;
		else
			others++;
		if (rank > best_rank || p->size > size_of_best) {
			best_rank = rank;
			size_of_best = p->size;
			best = describe(&fs, p);
		}
	}
	best.others = others;
	if (!best.fs) {
		filesystem_probe(fd, 0, size, &fs);
		if (fs.name || !best_rank)
			best = describe(&fs, NULL);
	}
	*ret_disk = best;
	return 0;
}

static bool has_file_system(const struct root_disk *disk, const char *name)
{
	return disk->fs && strcmp(disk->fs, name) == 0;
}

/* The option to mount without a replay of the journal, which would write; "" if there is none. */
static const char *without_replay(const struct root_disk *disk)
{
	if (has_file_system(disk, "ext3") || has_file_system(disk, "ext4"))
		return "noload";
	return has_file_system(disk, "xfs") ? "norecovery" : "";
}

void root_disk_args(const struct root_disk *disk, unsigned index, bool readonly,
		    char buf[ROOT_DISK_ARGS_MAX])
{
	bool ro = readonly || has_file_system(disk, "erofs") || has_file_system(disk, "squashfs");
	const char *replay = readonly ? without_replay(disk) : "";
	const char *fs = disk->fs;
	char partition[16] = "";
	char flags[48] = "";
	char type[32] = "";

	/* The ext4 driver mounts all three, and is the only one of them with dax=always. */
	if (fs && strncmp(fs, "ext", 3) == 0)
		fs = "ext4";
	if (disk->partition)
		snprintf(partition, sizeof(partition), "p%u", disk->partition);
	if (fs)
		snprintf(type, sizeof(type), " rootfstype=%s", fs);
	if (disk->dax || *replay)
		snprintf(flags, sizeof(flags), " rootflags=%s%s%s", disk->dax ? "dax=always" : "",
			 disk->dax && *replay ? "," : "", replay);
	snprintf(buf, ROOT_DISK_ARGS_MAX, "root=/dev/pmem%u%s %s%s%s", index, partition,
		 ro ? "ro" : "rw", type, flags);
}
