// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/boot/test_kernel_file.c.
/* The first bytes of compressed files and of images that are not raw. */
#include "boot/file_magic.h"

#include "vmm/base/array.h"

#include <string.h>

static const struct {
	const char *magic;
	size_t len;
	const char *name;
} magics[] = {
	{ "\x1f\x8b", 2, "compressed by gzip; gunzip it first" },
	{ "\xfd"
	  "7zXZ",
	  5, "compressed by xz; unpack it with unxz first" },
	{ "\x28\xb5\x2f\xfd", 4, "compressed by zstd; unpack it with unzstd first" },
	{ "\x04\x22\x4d\x18", 4, "compressed by lz4; unpack it with unlz4 first" },
	{ "\x02\x21\x4c\x18", 4, "compressed by lz4; unpack it with unlz4 first" },
	{ "BZh", 3, "compressed by bzip2; unpack it with bunzip2 first" },
	{ "\x5d\x00\x00", 3, "compressed by lzma; unpack it with unlzma first" },
	{ "QFI\xfb", 4, "a qcow2 image; make a raw one of it with qemu-img convert -O raw" },
	{ "KDMV", 4, "a VMDK image; make a raw one of it with qemu-img convert -O raw" },
	{ "vhdxfile", 8, "a VHDX image; make a raw one of it with qemu-img convert -O raw" },
	{ "conectix", 8, "a VHD image; make a raw one of it with qemu-img convert -O raw" },
};

const char *file_magic_name(const void *head, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (len >= magics[i].len && memcmp(head, magics[i].magic, magics[i].len) == 0)
			return magics[i].name;
	return NULL;
}
