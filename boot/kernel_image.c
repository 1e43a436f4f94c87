// SPDX-License-Identifier: Apache-2.0
/* Where in memory a kernel may be loaded. */
#include "boot/kernel_image.h"

#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>

int kernel_image_check_place(const struct input_file *file, uint64_t start, uint64_t size,
			     uint64_t low_ram, struct error *err)
{
	uint64_t end;

	if (start < LAYOUT_HIGH_RAM)
		return error_set(err, EINVAL,
				 "%s '%s': has to be loaded at 0x%" PRIx64
				 ", below 1 MiB; give an x86-64 kernel that is loaded at 1 MiB"
				 " or higher",
				 file->what, file->path, start);
	if (__builtin_add_overflow(start, size, &end) || end > LAYOUT_LOW_RAM_MAX)
		return error_set(err, EINVAL,
				 "%s '%s': needs 0x%" PRIx64 " bytes at 0x%" PRIx64
				 ", but a kernel must be loaded below 3 GiB",
				 file->what, file->path, size, start);
	if (end > low_ram)
		return error_set(err, E2BIG,
				 "%s '%s': needs memory up to 0x%" PRIx64
				 " to start, but the guest has less; give --memory %" PRIu64
				 "M or more",
				 file->what, file->path, end, (end + 0xfffff) >> 20);
	return 0;
}
