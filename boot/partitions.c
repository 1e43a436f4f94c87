// SPDX-License-Identifier: Apache-2.0
/*
 * GPT (UEFI 2.10 section 5.3) and the classic MBR (section 5.2.1), read as far and judged as
 * strictly as Linux does it. Only the primary GPT is looked at: a disk whose primary is damaged
 * needs a person.
 */
#include "boot/partitions.h"

#include "vmm/base/array.h"
#include "vmm/base/endian.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512ull
/* A table may have more entries than 128, all of which count for its checksum. */
#define GPT_ENTRIES_MAX 1024

struct mbr_entry {
	__u8 boot_indicator;
	__u8 start_chs[3];
	__u8 type;
	__u8 end_chs[3];
	__le32 start;
	__le32 sectors;
} __attribute__((packed));

struct mbr {
	__u8 code[446];
	struct mbr_entry entry[4];
	__le16 signature;
} __attribute__((packed));

#define MBR_SIGNATURE 0xaa55
#define MBR_TYPE_LINUX 0x83
#define MBR_TYPE_SWAP 0x82
#define MBR_TYPE_EFI 0xef
#define MBR_TYPE_GPT 0xee

struct gpt_header {
	char signature[8];
	__le32 revision;
	__le32 header_size;
	__le32 header_crc;
	__le32 reserved;
	__le64 my_lba;
	__le64 alternate_lba;
	__le64 first_usable_lba;
	__le64 last_usable_lba;
	__u8 disk_guid[16];
	__le64 entries_lba;
	__le32 entries;
	__le32 entry_size;
	__le32 entries_crc;
} __attribute__((packed));

struct gpt_entry {
	__u8 type[16];
	__u8 guid[16];
	__le64 first_lba;
	__le64 last_lba; /* included */
	__le64 attributes;
	__le16 name[36];
} __attribute__((packed));

_Static_assert(sizeof(struct mbr) == SECTOR, "MBR");
_Static_assert(sizeof(struct gpt_header) == 92, "GPT header");
_Static_assert(sizeof(struct gpt_entry) == 128, "GPT entry");

/* Type GUIDs as they lie on the disk: the first three groups are little-endian. */
static const struct {
	__u8 guid[16];
	enum partition_use use;
} gpt_types[] = {
	/* 4f68bce3-e8cd-4db1-96e7-fbcaf984b709, root for x86-64 */
	{ { 0xe3, 0xbc, 0x68, 0x4f, 0xcd, 0xe8, 0xb1, 0x4d, 0x96, 0xe7, 0xfb, 0xca, 0xf9, 0x84,
	    0xb7, 0x09 },
	  PARTITION_ROOT },
	/* 0fc63daf-8483-4772-8e79-3d69d8477de4, Linux file system */
	{ { 0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47,
	    0x7d, 0xe4 },
	  PARTITION_LINUX },
	/* c12a7328-f81f-11d2-ba4b-00a0c93ec93b, EFI system */
	{ { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e,
	    0xc9, 0x3b },
	  PARTITION_NOT_ROOT },
	/* bc13c2ff-59e6-4262-a352-b275fd6f7172, extended boot loader: /boot, often ext4 */
	{ { 0xff, 0xc2, 0x13, 0xbc, 0xe6, 0x59, 0x62, 0x42, 0xa3, 0x52, 0xb2, 0x75, 0xfd, 0x6f,
	    0x71, 0x72 },
	  PARTITION_NOT_ROOT },
	/* 0657fd6d-a4ab-43c4-84e5-0933c84b4f4f, swap */
	{ { 0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43, 0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b,
	    0x4f, 0x4f },
	  PARTITION_NOT_ROOT },
};

static bool read_all(int fd, uint64_t off, void *buf, size_t len)
{
	ssize_t n = pread(fd, buf, len, (off_t)off);

	return n >= 0 && (size_t)n == len;
}

/* CRC-32 of UEFI, IEEE 802.3's, by nibbles: the table is small and so is the input. */
static uint32_t crc32_update(uint32_t crc, const void *data, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *p = data;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		crc = (crc >> 4) ^ table[crc & 15];
		crc = (crc >> 4) ^ table[crc & 15];
	}
	return ~crc;
}

/* Leaves out what is empty or lies outside the disk. */
static void add_partition(struct partition_table *table, unsigned number, uint64_t first_sector,
			  uint64_t sectors, uint64_t disk_size, enum partition_use use)
{
	uint64_t disk_sectors = disk_size / SECTOR;

	if (!sectors || first_sector >= disk_sectors || sectors > disk_sectors - first_sector ||
	    table->count == PARTITIONS_MAX)
		return;
	table->partition[table->count++] =
		(struct partition){ number, first_sector * SECTOR, sectors * SECTOR, use };
}

static bool gpt_header_valid(const struct gpt_header *h, const uint8_t sector[SECTOR])
{
	struct gpt_header zeroed = *h;
	uint32_t size = le32_to_host(h->header_size);
	uint32_t crc;

	if (memcmp(h->signature, "EFI PART", 8) != 0 || size < sizeof(*h) || size > SECTOR)
		return false;
	zeroed.header_crc = 0;
	crc = crc32_update(0, &zeroed, sizeof(zeroed));
	crc = crc32_update(crc, sector + sizeof(*h), size - sizeof(*h));
	return crc == le32_to_host(h->header_crc) && le64_to_host(h->my_lba) == 1 &&
	       le32_to_host(h->entry_size) == sizeof(struct gpt_entry) && h->entries &&
	       le32_to_host(h->entries) <= GPT_ENTRIES_MAX;
}

/* As is_gpt_valid of Linux has it: the usable sectors end on the disk. */
static bool gpt_fits(const struct gpt_header *h, uint64_t size)
{
	uint64_t first = le64_to_host(h->first_usable_lba);
	uint64_t last = le64_to_host(h->last_usable_lba);
	/* As large as the guest sees the disk. */
	uint64_t rounded = (size + LAYOUT_PMEM_ALIGN - 1) & ~(LAYOUT_PMEM_ALIGN - 1ull);

	return first <= last && last < rounded / SECTOR;
}

static enum partition_use gpt_use(const struct gpt_entry *entry)
{
	for (size_t i = 0; i < ARRAY_SIZE(gpt_types); i++)
		if (memcmp(entry->type, gpt_types[i].guid, sizeof(entry->type)) == 0)
			return gpt_types[i].use;
	return PARTITION_OTHER;
}

static void add_gpt_entry(struct partition_table *table, unsigned number,
			  const struct gpt_entry *entry, uint64_t disk_size)
{
	static const __u8 unused[16];
	uint64_t first = le64_to_host(entry->first_lba);

	/* A last one before the first makes a size of 0, or one that no disk has. */
	if (memcmp(entry->type, unused, sizeof(unused)) != 0)
		add_partition(table, number, first, le64_to_host(entry->last_lba) - first + 1,
			      disk_size, gpt_use(entry));
}

/* True if there is a valid GPT, even one without partitions. */
static bool read_gpt(int fd, uint64_t size, struct partition_table *table)
{
	struct gpt_entry entry[32];
	uint8_t sector[SECTOR];
	struct gpt_header h;
	uint32_t crc = 0;
	uint64_t at;

	if (!read_all(fd, SECTOR, sector, sizeof(sector)))
		return false;
	memcpy(&h, sector, sizeof(h));
	at = le64_to_host(h.entries_lba);
	if (!gpt_header_valid(&h, sector) || !gpt_fits(&h, size) || at >= size / SECTOR)
		return false;
	at *= SECTOR;
	for (uint32_t done = 0, total = le32_to_host(h.entries); done < total;) {
		uint32_t n = total - done < 32 ? total - done : 32;

		if (!read_all(fd, at, entry, n * sizeof(entry[0])))
			return false;
		crc = crc32_update(crc, entry, n * sizeof(entry[0]));
		for (uint32_t i = 0; i < n; i++)
			add_gpt_entry(table, done + i + 1, &entry[i], size);
		done += n;
		at += n * sizeof(entry[0]);
	}
	return crc == le32_to_host(h.entries_crc);
}

static enum partition_use mbr_use(uint8_t type)
{
	switch (type) {
	case MBR_TYPE_LINUX:
		return PARTITION_LINUX;
	case MBR_TYPE_SWAP:
	case MBR_TYPE_EFI:
		return PARTITION_NOT_ROOT;
	default:
		return PARTITION_OTHER;
	}
}

/* A file system's boot sector has the signature too, but not four sound entries. */
static bool mbr_valid(const struct mbr *mbr)
{
	if (le16_to_host(mbr->signature) != MBR_SIGNATURE)
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (mbr->entry[i].boot_indicator & 0x7f)
			return false;
	return true;
}

int partitions_read(int fd, uint64_t size, struct partition_table *ret_table)
{
	struct mbr mbr;
	ssize_t n;

	ret_table->count = 0;
	n = pread(fd, &mbr, sizeof(mbr), 0);
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(mbr) || !mbr_valid(&mbr))
		return 0;
	for (unsigned i = 0; i < 4; i++) {
		/* A GPT counts only behind a protective or hybrid MBR. */
		if (mbr.entry[i].type == MBR_TYPE_GPT) {
			if (!read_gpt(fd, size, ret_table))
				ret_table->count = 0;
			return 0;
		}
	}
	for (unsigned i = 0; i < 4; i++)
		if (mbr.entry[i].type)
			add_partition(ret_table, i + 1, le32_to_host(mbr.entry[i].start),
				      le32_to_host(mbr.entry[i].sectors), size,
				      mbr_use(mbr.entry[i].type));
	return 0;
}
