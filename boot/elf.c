// SPDX-License-Identifier: Apache-2.0
/*
 * Loads an ELF kernel. All program headers are checked before the first byte is loaded. Start
 * reading at elf_load.
 */
#include "boot/elf.h"

#include "vmm/base/layout.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Linux has five; more than this is not a kernel. */
#define MAX_HEADERS 64
#define MAX_SEGMENTS 16

struct segments {
	Elf64_Phdr load[MAX_SEGMENTS]; /* the PT_LOAD ones that take up memory, by file order */
	unsigned count;
};

static int check_file_header(const struct input_file *file, const Elf64_Ehdr *eh, struct error *err)
{
	if (eh->e_ident[EI_CLASS] == ELFCLASS32)
		return error_set(err, EINVAL,
				 "%s '%s': a 32-bit ELF file, as those for multiboot are (Xen, "
				 "memtest, ...); give an x86-64 Linux kernel",
				 file->what, file->path);
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    eh->e_machine != EM_X86_64)
		return error_set(err, EINVAL,
				 "%s '%s': ELF file of class %u, byte order %u, machine %u;"
				 " only 64-bit little-endian x86-64 (machine 62) can start here",
				 file->what, file->path, eh->e_ident[EI_CLASS],
				 eh->e_ident[EI_DATA], eh->e_machine);
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return error_set(err, EINVAL,
				 "%s '%s': ELF file of type %u; give a linked kernel (type 2 or 3)",
				 file->what, file->path, eh->e_type);
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum || eh->e_phnum > MAX_HEADERS)
		return error_set(err, EINVAL,
				 "%s '%s': has %u program headers of %u bytes each;"
				 " mvmm accepts 1 to %u headers of %zu bytes",
				 file->what, file->path, eh->e_phnum, eh->e_phentsize, MAX_HEADERS,
				 sizeof(Elf64_Phdr));
	if (eh->e_phoff > file->size || eh->e_phnum * sizeof(Elf64_Phdr) > file->size - eh->e_phoff)
		return error_set(err, EINVAL,
				 "%s '%s': program headers at 0x%" PRIx64
				 " lie beyond the file's end; is the file complete?",
				 file->what, file->path, eh->e_phoff);
	return 0;
}

static int check_segment(const struct input_file *file, const Elf64_Phdr *ph,
			 const struct segments *others, uint64_t low_ram, struct error *err)
{
	int r;

	if (ph->p_filesz > ph->p_memsz || ph->p_offset > file->size ||
	    ph->p_filesz > file->size - ph->p_offset)
		return error_set(err, EINVAL,
				 "%s '%s': the segment for address 0x%" PRIx64 " has 0x%" PRIx64
				 " bytes at offset 0x%" PRIx64 " of the file; that is more than"
				 " its size in memory, or beyond the file's end;"
				 " is the file complete?",
				 file->what, file->path, ph->p_paddr, ph->p_filesz, ph->p_offset);
	r = kernel_image_check_place(file, ph->p_paddr, ph->p_memsz, low_ram, err);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < others->count; i++) {
		const Elf64_Phdr *o = &others->load[i];

		if (ph->p_paddr < o->p_paddr + o->p_memsz && o->p_paddr < ph->p_paddr + ph->p_memsz)
			return error_set(err, EINVAL,
					 "%s '%s': the segments for 0x%" PRIx64 " and 0x%" PRIx64
					 " overlap; the file is damaged",
					 file->what, file->path, o->p_paddr, ph->p_paddr);
	}
	return 0;
}

static int read_segments(const struct input_file *file, const Elf64_Ehdr *eh, uint64_t low_ram,
			 struct segments *ret_segments, struct error *err)
{
	Elf64_Phdr headers[MAX_HEADERS];
	int r;

	r = input_file_read(file, eh->e_phoff, headers, eh->e_phnum * sizeof(headers[0]), err);
	if (r < 0)
		return r;
	ret_segments->count = 0;
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		const Elf64_Phdr *ph = &headers[i];

		if (ph->p_type != PT_LOAD || !ph->p_memsz)
			continue;
		if (ret_segments->count == MAX_SEGMENTS)
			return error_set(err, EINVAL, "%s '%s': more than %u segments to load",
					 file->what, file->path, MAX_SEGMENTS);
		r = check_segment(file, ph, ret_segments, low_ram, err);
		if (r < 0)
			return r;
		ret_segments->load[ret_segments->count++] = *ph;
	}
	if (!ret_segments->count)
		return error_set(err, EINVAL, "%s '%s': no segment to load; give a linked kernel",
				 file->what, file->path);
	return 0;
}

/* In Linux e_entry is a physical address. If no segment has it, it may be a virtual address. */
static int find_entry(const struct input_file *file, uint64_t e_entry, const struct segments *s,
		      uint64_t *ret_entry, struct error *err)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (e_entry - s->load[i].p_paddr < s->load[i].p_filesz) {
			*ret_entry = e_entry;
			return 0;
		}
	}
	for (unsigned i = 0; i < s->count; i++) {
		uint64_t off = e_entry - s->load[i].p_vaddr;

		if (off < s->load[i].p_filesz) {
			*ret_entry = s->load[i].p_paddr + off;
			return 0;
		}
	}
	return error_set(err, EINVAL, "%s '%s': the entry point 0x%" PRIx64 " is in no segment",
			 file->what, file->path, e_entry);
}

static int load_segment(const struct input_file *file, const Elf64_Phdr *ph,
			const struct guest_memory *mem, struct error *err)
{
	uint64_t bss = ph->p_memsz - ph->p_filesz;
	void *to;
	int r;

	r = input_file_load(file, ph->p_offset, ph->p_filesz, mem, gpa(ph->p_paddr), err);
	if (r < 0)
		return r;
	/*
	 * RAM starts as zeroes, so the bss is not written, which would allocate it on the host.
	 * Only make sure that it is RAM at all.
	 */
	to = guest_memory_ram(mem, gpa(ph->p_paddr + ph->p_filesz), bss);
	if (bss && !to)
		return error_set(err, E2BIG, "%s '%s': its bss at 0x%" PRIx64 " is outside RAM",
				 file->what, file->path, ph->p_paddr + ph->p_filesz);
	return 0;
}

/* The fields of a bzImage's header that boot_params needs. */
static struct setup_header made_up_header(void)
{
	return (struct setup_header){
		.boot_flag = 0xaa55,
		.header = 0x53726448, /* "HdrS" */
		.version = 0x020c,
		.loadflags = LOADED_HIGH,
		.vid_mode = 0xffff,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 2047, /* x86's COMMAND_LINE_SIZE, with its NUL */
	};
}

int elf_load(const struct input_file *file, const struct guest_memory *mem, uint64_t low_ram,
	     struct kernel_image *ret_image, struct error *err)
{
	struct kernel_image image = { .format = KERNEL_ELF, .header = made_up_header() };
	uint64_t end = 0;
	struct segments segments;
	Elf64_Ehdr eh;
	int r;

	r = input_file_read(file, 0, &eh, sizeof(eh), err);
	if (r < 0)
		return r;
	r = check_file_header(file, &eh, err);
	if (r < 0)
		return r;
	r = read_segments(file, &eh, low_ram, &segments, err);
	if (r < 0)
		return r;
	r = find_entry(file, eh.e_entry, &segments, &image.entry, err);
	if (r < 0)
		return r;
	image.start = UINT64_MAX;
	for (unsigned i = 0; i < segments.count; i++) {
		const Elf64_Phdr *ph = &segments.load[i];

		r = load_segment(file, ph, mem, err);
		if (r < 0)
			return r;
		if (ph->p_paddr < image.start)
			image.start = ph->p_paddr;
		if (ph->p_paddr + ph->p_memsz > end)
			end = ph->p_paddr + ph->p_memsz;
	}
	image.size = end - image.start;
	*ret_image = image;
	return 0;
}
