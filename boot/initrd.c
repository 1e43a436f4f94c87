// SPDX-License-Identifier: Apache-2.0
/* Places and loads the initial RAM disk. */
#include "boot/initrd.h"

#include <errno.h>
#include <inttypes.h>

#define PAGE_MASK 0xfffull

static int choose_place(const struct input_file *file, const struct kernel_image *kernel,
			uint64_t low_ram, uint64_t *ret_start, struct error *err)
{
	uint64_t floor = (kernel->start + kernel->size + PAGE_MASK) & ~PAGE_MASK;
	/* initrd_addr_max is the last byte that may be used. */
	uint64_t reach = kernel->header.initrd_addr_max + 1ull;
	uint64_t ceiling = (low_ram < reach ? low_ram : reach) & ~PAGE_MASK;
	uint64_t need = (file->size + PAGE_MASK) & ~PAGE_MASK;

	if (need < file->size || need > reach || floor > reach - need)
		return error_set(err, E2BIG,
				 "%s '%s': %" PRIu64 " bytes do not fit between the kernel's end"
				 " (0x%" PRIx64 ") and 0x%" PRIx64
				 ", the highest address that this kernel accepts for an initrd;"
				 " use a smaller initrd",
				 file->what, file->path, file->size, floor, reach);
	if (floor > ceiling || need > ceiling - floor)
		return error_set(
			err, E2BIG,
			"%s '%s': %" PRIu64 " bytes do not fit in memory above the kernel's"
			" end (0x%" PRIx64 "); give --memory %" PRIu64 "M or more",
			file->what, file->path, file->size, floor, (floor + need + 0xfffff) >> 20);
	*ret_start = ceiling - need;
	return 0;
}

int initrd_load(const struct input_file *file, const struct guest_memory *mem,
		const struct kernel_image *kernel, uint64_t low_ram, uint64_t *ret_start,
		uint64_t *ret_size, struct error *err)
{
	uint64_t start = 0;
	int r;

	r = choose_place(file, kernel, low_ram, &start, err);
	if (r == 0)
		r = input_file_load(file, 0, file->size, mem, gpa(start), err);
	if (r == 0) {
		*ret_start = start;
		*ret_size = file->size;
	}
	return r;
}
