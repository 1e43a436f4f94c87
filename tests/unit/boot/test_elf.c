// SPDX-License-Identifier: Apache-2.0
/* ELF kernels, sound and hostile. */
#include "boot/elf.h"
#include "tests/support/boot_fixture.h"

#include <elf.h>
#include <errno.h>

#define TEXT_OFFSET 0x1000
#define TEXT_BYTES 0x800
#define SEGMENTS 2

/* A kernel of two segments: text, and data with a bss. */
struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[SEGMENTS];
	uint8_t pad[TEXT_OFFSET - sizeof(Elf64_Ehdr) - SEGMENTS * sizeof(Elf64_Phdr)];
	uint8_t text[TEXT_BYTES];
};

static struct error err;

static struct image sound(void)
{
	static struct image k;

	memset(&k, 0, sizeof(k));
	memset(k.text, 0xc3, sizeof(k.text));
	memcpy(k.eh.e_ident, ELFMAG, SELFMAG);
	k.eh.e_ident[EI_CLASS] = ELFCLASS64;
	k.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	k.eh.e_type = ET_EXEC;
	k.eh.e_machine = EM_X86_64;
	k.eh.e_entry = 0x1000010;
	k.eh.e_phoff = offsetof(struct image, ph);
	k.eh.e_phentsize = sizeof(Elf64_Phdr);
	k.eh.e_phnum = SEGMENTS;
	k.ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				.p_offset = TEXT_OFFSET,
				.p_vaddr = 0xffffffff81000000,
				.p_paddr = 0x1000000,
				.p_filesz = 0x400,
				.p_memsz = 0x400 };
	k.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				.p_offset = TEXT_OFFSET + 0x400,
				.p_vaddr = 0xffffffff81200000,
				.p_paddr = 0x1200000,
				.p_filesz = 0x400,
				.p_memsz = 0x2000 };
	return k;
}

static int load(const void *data, size_t len, struct kernel_image *ret, struct guest_memory *mem)
{
	struct fixture_file f = fixture_file(data, len);
	struct input_file file;
	int r;

	err.text[0] = '\0';
	*mem = fixture_ram(32 * MIB);
	cr_assert_eq(input_file_open(&file, "--kernel", f.path, &err), 0);
	r = elf_load(&file, mem, 32 * MIB, ret, &err);
	input_file_close(&file);
	close(f.fd);
	cr_assert(r == 0 || err.text[0], "an error without a text");
	return r;
}

static struct kernel_image assert_loads(const struct image *k)
{
	struct kernel_image image;
	struct guest_memory mem;
	int r = load(k, sizeof(*k), &image, &mem);

	cr_assert_eq(r, 0, "%s", err.text);
	munmap(mem.regions[0].host, 32 * MIB);
	return image;
}

static void assert_refused(const struct image *k, int code, const char *word)
{
	struct kernel_image image;
	struct guest_memory mem;
	uint8_t byte;

	cr_assert_eq(load(k, sizeof(*k), &image, &mem), code, "%s", err.text);
	cr_assert_not_null(strstr(err.text, word), "%s", err.text);
	/* Refused before the first byte was loaded. */
	cr_assert_eq(guest_memory_read(&mem, gpa(0x1000000), &byte, 1), 0);
	cr_assert_eq(byte, 0);
	munmap(mem.regions[0].host, 32 * MIB);
}

Test(elf, loads_segments_at_their_physical_addresses)
{
	struct image k = sound();
	struct kernel_image image;
	struct guest_memory mem;
	const uint8_t *ram;

	memset(k.text + 0x400, 0xd0, 0x400);
	cr_assert_eq(load(&k, sizeof(k), &image, &mem), 0, "%s", err.text);
	ram = mem.regions[0].host;
	cr_assert_eq(ram[0x1000000], 0xc3);
	cr_assert_eq(ram[0x10003ff], 0xc3);
	cr_assert_eq(ram[0x1000400], 0);
	cr_assert_eq(ram[0x1200000], 0xd0);
	cr_assert_eq(ram[0x12003ff], 0xd0);
	cr_assert_eq(ram[0x1200400], 0);
	cr_assert_eq(image.format, KERNEL_ELF);
	cr_assert_eq(image.start, 0x1000000);
	cr_assert_eq(image.size, 0x202000);
	cr_assert_eq(image.entry, 0x1000010);
	cr_assert_eq(image.header.boot_flag, 0xaa55);
	cr_assert_eq(image.header.header, 0x53726448);
	cr_assert_eq(image.header.initrd_addr_max, 0x7fffffff);
}

Test(elf, takes_any_order_of_segments)
{
	struct image k = sound();
	Elf64_Phdr first = k.ph[0];
	struct kernel_image image;

	k.ph[0] = k.ph[1];
	k.ph[1] = first;
	image = assert_loads(&k);
	cr_assert_eq(image.start, 0x1000000);
	cr_assert_eq(image.size, 0x202000);
}

/* bad input: Images: an ELF kernel whose entry point is outside of its segments -> refused */
Test(elf, entry_may_be_virtual)
{
	struct image k = sound();

	k.eh.e_entry = 0xffffffff81200008;
	cr_assert_eq(assert_loads(&k).entry, 0x1200008);
	k.eh.e_entry = 0x1000400; /* right behind the text */
	assert_refused(&k, -EINVAL, "entry point");
	k.eh.e_entry = 0;
	assert_refused(&k, -EINVAL, "entry point");
}

/*
 * bad input: Images: an ELF file for another machine, word size or byte order, or one that is not
 * an executable -> refused
 */
Test(elf, refuses_other_machines_and_types)
{
	struct image k = sound();

	k.eh.e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused(&k, -EINVAL, "a 32-bit ELF file, as those for multiboot are");
	k = sound();
	k.eh.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_refused(&k, -EINVAL, "little-endian");
	k = sound();
	k.eh.e_machine = EM_AARCH64;
	assert_refused(&k, -EINVAL, "183");
	k = sound();
	k.eh.e_type = ET_REL;
	assert_refused(&k, -EINVAL, "linked");
	k.eh.e_type = ET_DYN;
	assert_loads(&k);
}

/*
 * bad input: Images: an ELF kernel whose program headers are missing, too many, of a wrong size or
 * behind the end of the file -> refused
 */
Test(elf, refuses_bad_program_headers)
{
	struct image k = sound();

	k.eh.e_phnum = 0;
	assert_refused(&k, -EINVAL, "program headers");
	k.eh.e_phnum = 65;
	assert_refused(&k, -EINVAL, "program headers");
	k = sound();
	k.eh.e_phentsize = 55;
	assert_refused(&k, -EINVAL, "program headers");
	k = sound();
	k.eh.e_phoff = sizeof(k) - sizeof(k.ph) + 1;
	assert_refused(&k, -EINVAL, "beyond");
	k.eh.e_phoff = UINT64_MAX - 8;
	assert_refused(&k, -EINVAL, "beyond");
	k = sound();
	k.ph[0].p_type = PT_NOTE;
	k.ph[1].p_memsz = k.ph[1].p_filesz = 0;
	assert_refused(&k, -EINVAL, "no segment to load");
	k = sound();
	k.ph[1].p_memsz = k.ph[1].p_filesz = k.ph[1].p_paddr =
		0; /* empty: its place is no matter */
	cr_assert_eq(assert_loads(&k).size, 0x400);
}

/*
 * bad input: Images: an ELF kernel whose segments overlap, are huge or are outside of the file ->
 * refused before a byte is loaded
 */
Test(elf, refuses_bad_segments)
{
	struct image k = sound();

	k.ph[1].p_paddr = 0x10003ff; /* overlaps the text by a byte */
	assert_refused(&k, -EINVAL, "overlap");
	k.ph[1].p_paddr = 0x1000400;
	assert_loads(&k);
	k.ph[1].p_paddr = 0x1000000 - 0x1fff; /* its bss overlaps the text by a byte */
	assert_refused(&k, -EINVAL, "overlap");
	k = sound();
	k.ph[1].p_memsz = k.ph[1].p_filesz - 1;
	assert_refused(&k, -EINVAL, "beyond");
	k = sound();
	k.ph[1].p_offset = sizeof(k) - 0x3ff;
	assert_refused(&k, -EINVAL, "beyond");
	k.ph[1].p_offset = UINT64_MAX - 0x100;
	assert_refused(&k, -EINVAL, "beyond");
	k = sound();
	k.ph[1].p_memsz = UINT64_MAX;
	assert_refused(&k, -EINVAL, "3 GiB");
	k.ph[1].p_memsz = 0xc0000000;
	assert_refused(&k, -EINVAL, "3 GiB");
	k.ph[1].p_memsz = 14 * MIB;
	assert_loads(&k);
	k.ph[1].p_memsz++;
	assert_refused(&k, -E2BIG, "--memory 33M");
	k = sound();
	k.ph[1].p_paddr = 0x8000;
	assert_refused(&k, -EINVAL, "below 1 MiB");
}

/* bad input: Images: an ELF kernel with more than 16 segments -> refused */
Test(elf, refuses_too_many_segments)
{
	static uint8_t bytes[0x4000];
	struct image k = sound();
	struct kernel_image image;
	struct guest_memory mem;

	k.eh.e_phoff = 0x2000;
	k.eh.e_phnum = 17;
	memcpy(bytes, &k, sizeof(k));
	for (uint64_t i = 0; i < 17; i++) {
		Elf64_Phdr ph = k.ph[0];

		ph.p_paddr += i * 0x1000;
		memcpy(bytes + 0x2000 + i * sizeof(ph), &ph, sizeof(ph));
	}
	cr_assert_eq(load(bytes, sizeof(bytes), &image, &mem), -EINVAL);
	cr_assert_not_null(strstr(err.text, "more than 16"), "%s", err.text);
}

/* bad input: Images: an ELF kernel that is cut off, at each possible length -> refused */
Test(elf, refuses_every_truncation)
{
	struct image k = sound();
	struct kernel_image image;
	struct guest_memory mem;

	for (size_t len = 1; len < sizeof(k); len++) {
		cr_assert_eq(load(&k, len, &image, &mem), -EINVAL, "%zu bytes", len);
		munmap(mem.regions[0].host, 32 * MIB);
	}
}

/*
 * bad input: Images: an ELF kernel with random bytes in its headers -> it is loaded within RAM, or
 * refused
 */
Test(elf, survives_random_headers)
{
	struct kernel_image image;
	struct guest_memory mem;
	unsigned seed = 1, loaded = 0;

	for (unsigned i = 0; i < 3000; i++) {
		struct image k = sound();
		uint8_t *bytes = (uint8_t *)&k;

		for (unsigned n = 0; n < 1 + i % 4; n++)
			bytes[SELFMAG +
			      (unsigned)rand_r(&seed) % (sizeof(k.eh) + sizeof(k.ph) - SELFMAG)] =
				(uint8_t)rand_r(&seed);
		if (load(&k, sizeof(k), &image, &mem) == 0) {
			cr_assert(image.start >= LAYOUT_HIGH_RAM);
			cr_assert(image.start + image.size <= 32 * MIB);
			loaded++;
		}
		munmap(mem.regions[0].host, 32 * MIB);
	}
	cr_assert(loaded > 100 && loaded < 2900, "%u are sound by chance", loaded);
}
