// SPDX-License-Identifier: Apache-2.0
/* Loads a bzImage where its own decompressor would put it. Start reading at bzimage_x86_load. */
#include "boot/bzimage_x86.h"

#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define HEADER_OFFSET 0x1f1
/* The header ends at 0x202 plus the byte at 0x201, the operand of a short jump over it. */
#define JUMP_TARGET_BASE 0x202
/* 2.12 is the first with xloadflags, which says whether there is a 64-bit entry point. */
#define PROTOCOL_MIN 0x020c
#define ENTRY_64 0x200

static int refuse(const struct input_file *file, struct error *err, const char *field,
		  uint64_t value, const char *why)
{
	return error_set(err, EINVAL, "%s '%s': %s is 0x%" PRIx64 ", %s", file->what, file->path,
			 field, value, why);
}

static int read_header(const struct input_file *file, struct setup_header *header,
		       struct error *err)
{
	size_t end;
	int r;

	memset(header, 0, sizeof(*header));
	if (file->size < HEADER_OFFSET + sizeof(*header))
		return refuse(file, err, "its size", file->size,
			      "too short for the header of a bzImage; is the file complete?");
	r = input_file_read(file, HEADER_OFFSET, header, sizeof(*header), err);
	if (r < 0)
		return r;
	/* boot_params may contain only those bytes that the kernel declares as its header. */
	end = JUMP_TARGET_BASE + (header->jump >> 8);
	if (end < HEADER_OFFSET + offsetof(struct setup_header, handover_offset))
		return refuse(file, err, "the setup header's end", end,
			      "before the fields of boot protocol 2.12; use a kernel from 3.8 on");
	if (end < HEADER_OFFSET + sizeof(*header))
		memset((uint8_t *)header + (end - HEADER_OFFSET), 0,
		       HEADER_OFFSET + sizeof(*header) - end);
	return 0;
}

static int check_protocol(const struct input_file *file, const struct setup_header *h,
			  struct error *err)
{
	if (h->version < PROTOCOL_MIN)
		return refuse(file, err, "its boot protocol version", h->version,
			      "older than 0x20c; use a kernel from 3.8 on");
	if (!(h->xloadflags & XLF_KERNEL_64))
		return refuse(file, err, "xloadflags", h->xloadflags,
			      "without bit 0: it has no 64-bit entry point; use an x86-64 kernel");
	if (!(h->loadflags & LOADED_HIGH))
		return refuse(file, err, "loadflags", h->loadflags,
			      "without bit 0: this is a zImage; use a bzImage");
	if (h->relocatable_kernel &&
	    (!h->kernel_alignment || (h->kernel_alignment & (h->kernel_alignment - 1))))
		return refuse(file, err, "kernel_alignment", h->kernel_alignment,
			      "not a power of two; the header is damaged");
	return 0;
}

static int check_sizes(const struct input_file *file, const struct setup_header *h,
		       uint64_t setup_size, struct error *err)
{
	uint64_t body;

	if (file->size <= setup_size)
		return refuse(file, err, "its size", file->size,
			      "no more than the setup code; is the file complete?");
	body = file->size - setup_size;
	/* syssize is in paragraphs, rounded up: not each tool that makes kernels fills the last
	 * one.
	 */
	if (body <= ENTRY_64 || h->syssize * 16ull > body + 15)
		return refuse(file, err, "its size", file->size,
			      "less than its header says; is the file complete?");
	if (h->init_size < body)
		return refuse(file, err, "init_size", h->init_size,
			      "smaller than the kernel itself; the header is damaged");
	if (h->payload_offset > body || h->payload_length > body - h->payload_offset)
		return refuse(file, err, "payload_offset", h->payload_offset,
			      "and the payload ends beyond the file's end; is the file complete?");
	return 0;
}

int bzimage_x86_read_header(const struct input_file *file, struct setup_header *ret_header,
			    uint64_t *ret_setup_size, struct error *err)
{
	struct setup_header header;
	uint64_t setup_size;
	int r;

	r = read_header(file, &header, err);
	if (r < 0)
		return r;
	r = check_protocol(file, &header, err);
	if (r < 0)
		return r;
	/* 0 means 4, for the sake of very old kernels. */
	setup_size = ((header.setup_sects ? header.setup_sects : 4) + 1) * 512ull;
	r = check_sizes(file, &header, setup_size, err);
	if (r < 0)
		return r;
	*ret_header = header;
	*ret_setup_size = setup_size;
	return 0;
}

/*
 * Where the kernel will run. A relocatable kernel that is loaded below pref_address moves itself
 * up to it, and to its alignment. Loading it there at once needs the least memory.
 */
static uint64_t load_address(const struct setup_header *h)
{
	uint64_t addr = h->pref_address;
	uint64_t align = h->kernel_alignment;

	if (!h->relocatable_kernel)
		return addr;
	if (addr < LAYOUT_HIGH_RAM)
		addr = LAYOUT_HIGH_RAM;
	/* If the sum wraps, kernel_image_check_place refuses it. */
	return (addr + align - 1) & ~(align - 1);
}

int bzimage_x86_load(const struct input_file *file, const struct guest_memory *mem,
		     uint64_t low_ram, struct kernel_image *ret_image, struct error *err)
{
	struct kernel_image image = { .format = KERNEL_BZIMAGE };
	uint64_t setup_size;
	int r;

	r = bzimage_x86_read_header(file, &image.header, &setup_size, err);
	if (r < 0)
		return r;
	image.start = load_address(&image.header);
	image.size = image.header.init_size;
	r = kernel_image_check_place(file, image.start, image.size, low_ram, err);
	if (r < 0)
		return r;
	r = input_file_load(file, setup_size, file->size - setup_size, mem, gpa(image.start), err);
	if (r < 0)
		return r;
	image.entry = image.start + ENTRY_64;
	image.header.code32_start = (uint32_t)image.start;
	*ret_image = image;
	return 0;
}
