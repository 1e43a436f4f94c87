// SPDX-License-Identifier: Apache-2.0
/* Tells bzImage from ELF and hands the file to the one that loads it. */
#include "boot/kernel_file.h"

#include "boot/bzimage_x86.h"
#include "boot/elf.h"
#include "boot/file_magic.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Reaches over the boot flag and "HdrS", the bzImage's two magic numbers. */
#define MAGIC_BYTES 0x206

int kernel_file_identify(const struct input_file *file, enum kernel_format *ret_format,
			 struct error *err)
{
	static const char efi[] =
		"an EFI application, which needs firmware; give a Linux kernel, which "
		"a unified kernel image has in its section .linux";
	uint8_t head[MAGIC_BYTES] = { 0 };
	size_t len = file->size < sizeof(head) ? (size_t)file->size : sizeof(head);
	const char *known;
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
	known = file_magic_name(head, len);
	if (!known && head[0] == 'M' && head[1] == 'Z')
		known = efi;
	return error_set(err, EINVAL,
			 "%s '%s': neither a bzImage nor an ELF vmlinux (%" PRIu64
			 " bytes, starting %02x %02x %02x %02x); %s%s",
			 file->what, file->path, file->size, head[0], head[1], head[2], head[3],
			 known ? "it is " : "", known ? known : "give an x86-64 Linux kernel");
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
				    : bzimage_x86_load(file, mem, low_ram, ret_image, err);
}
