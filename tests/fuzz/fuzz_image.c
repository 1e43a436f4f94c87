// SPDX-License-Identifier: Apache-2.0
// Covers: boot/root_disk.c boot/partitions.c boot/filesystem.c boot/file_magic.c
/*
 * Any bytes as a disk image: partition tables, superblocks, and the kernel arguments made of them.
 * A GPT's checksums are put right first where the input's last byte is even; no mutation would
 * meet them.
 */
#include "boot/partitions.h"
#include "boot/root_disk.h"
#include "tests/fuzz/file.h"
#include "vmm/base/endian.h"

#include <zlib.h>

#define SECTOR 512UL
#define IMAGE_MAX 0x10000

static uint32_t get32(const uint8_t *at)
{
	__le32 v;

	memcpy(&v, at, sizeof(v));
	return le32_to_host(v);
}

static void put_crc(uint8_t *at, const uint8_t *data, size_t len)
{
	__le32 crc = host_to_le32((uint32_t)crc32(0, data, (unsigned)len));

	memcpy(at, &crc, sizeof(crc));
}

/* UEFI 2.10, table 5.5: header size at 12, its checksum at 16; entries at 72, 80, 84 and 88. */
static void mend_checksums(uint8_t *image, size_t size)
{
	uint8_t *header = image + SECTOR;
	uint64_t at, len;

	if (size < 2 * SECTOR || memcmp(header, "EFI PART", 8) != 0 || get32(header + 12) > SECTOR)
		return;
	at = get32(header + 72) * SECTOR;
	len = get32(header + 80) * (uint64_t)get32(header + 84);
	if (at <= size && len <= size - at)
		put_crc(header + 88, image + at, len);
	memset(header + 16, 0, 4);
	put_crc(header + 16, header, get32(header + 12));
}

static void check_partitions(int fd, uint64_t size)
{
	struct partition_table table;

	fuzz_check(partitions_read(fd, size, &table) == 0);
	fuzz_check(table.count <= PARTITIONS_MAX);
	for (unsigned i = 0; i < table.count; i++) {
		const struct partition *p = &table.partition[i];

		fuzz_check(p->number && p->size && p->start < size && p->size <= size - p->start);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t image[IMAGE_MAX];
	char args[ROOT_DISK_ARGS_MAX];
	const struct input_file *file;
	struct root_disk disk;

	if (!size || size > IMAGE_MAX)
		return -1;
	memcpy(image, data, size);
	if (!(image[size - 1] & 1))
		mend_checksums(image, size);
	file = fuzz_file(image, size);
	check_partitions(file->fd, size);
	fuzz_check(root_disk_probe(file->fd, size, &disk) == 0);
	fuzz_check(!disk.dax || disk.fs);
	for (unsigned readonly = 0; readonly < 2; readonly++) {
		root_disk_args(&disk, 0, readonly, args);
		fuzz_check(strlen(args) < sizeof(args) - 1, "%s", args);
		fuzz_check(strncmp(args, "root=/dev/pmem0", 15) == 0, "%s", args);
	}
	return 0;
}
