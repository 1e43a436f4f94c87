// SPDX-License-Identifier: Apache-2.0
/* Tells bzImage from ELF and hands the file to the one that loads it. */
#include "boot/kernel_file.h"

#include "boot/bzimage_x86.h"
#include "boot/elf.h"
#include "vmm/base/layout.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Reaches over the boot flag and "HdrS", the bzImage's two magic numbers. */
#define MAGIC_BYTES 0x206

int kernel_file_identify(const struct input_file *file, enum kernel_format *ret_format,
			 struct error *err)
{
	uint8_t head[MAGIC_BYTES] = { 0 };
	size_t len = file->size < sizeof(head) ? (size_t)file->size : sizeof(head);
	int r;

	r = input_file_read(file, 0, head, len, err);
	if (r < 0)
		return r;
	if (memcmp(head, ELFMAG, SELFMAG) == 0) {
		*ret_format = KERNEL_ELF;
		return 0;
	}
	if (head[0x1fe] == 0x55 && head[0x1ff] == 0xaa && memcmp(head + 0x202, "HdrS", 4) == 0) {
		*ret_format = KERNEL_BZIMAGE;
		return 0;
	}
	return error_set(err, EINVAL,
			 "%s '%s': neither a bzImage nor an ELF vmlinux (%" PRIu64
			 " bytes, starting %02x %02x %02x %02x); %s",
			 file->what, file->path, file->size, head[0], head[1], head[2], head[3],
			 head[0] == 0x1f && head[1] == 0x8b ? "gunzip it first"
							    : "give an x86-64 Linux kernel");
}

int kernel_file_load(const struct input_file *file, const struct guest_memory *mem,
		     uint64_t low_ram, struct kernel_image *ret_image, struct error *err)
{
	enum kernel_format format;
	int r;

	r = kernel_file_identify(file, &format, err);
	if (r < 0)
		return r;
	return format == KERNEL_ELF ? elf_load(file, mem, low_ram, ret_image, err)
				    : bzimage_load(file, mem, low_ram, ret_image, err);
}

int kernel_file_check_place(const struct input_file *file, uint64_t start, uint64_t size,
			    uint64_t low_ram, struct error *err)
{
	uint64_t end;

	if (start < LAYOUT_HIGH_RAM)
		return error_set(err, EINVAL,
				 "%s '%s': wants to lie at 0x%" PRIx64
				 ", below the first MiB's end;"
				 " that is not a kernel for this machine",
				 file->what, file->path, start);
	if (__builtin_add_overflow(start, size, &end) || end > LAYOUT_LOW_RAM_MAX)
		return error_set(err, EINVAL,
				 "%s '%s': wants 0x%" PRIx64 " bytes at 0x%" PRIx64
				 ", but a kernel must lie below 3 GiB",
				 file->what, file->path, size, start);
	if (end > low_ram)
		return error_set(err, E2BIG,
				 "%s '%s': needs memory up to 0x%" PRIx64
				 " to start, more than there is; give --memory %" PRIu64
				 "M or more",
				 file->what, file->path, end, (end + 0xfffff) >> 20);
	return 0;
}
