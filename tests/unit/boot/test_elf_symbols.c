// SPDX-License-Identifier: Apache-2.0
/* Looks up addresses in this very program, and in files that are damaged in each field. */
#include "boot/elf_symbols.h"
#include "tests/support/check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char name[ELF_SYMBOLS_NAME];
static uint64_t offset;

struct file {
	Elf64_Ehdr header;
	Elf64_Shdr sections[3];
	Elf64_Sym symbols[5];
	char names[64];
};

static struct file sound(void)
{
	struct file f = {
		.header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 },
			    .e_shoff = offsetof(struct file, sections),
			    .e_shentsize = sizeof(Elf64_Shdr),
			    .e_shnum = 3 },
		.sections = { [1] = { .sh_type = SHT_SYMTAB,
				      .sh_link = 2,
				      .sh_offset = offsetof(struct file, symbols),
				      .sh_size = sizeof(f.symbols) },
			      [2] = { .sh_type = SHT_STRTAB,
				      .sh_offset = offsetof(struct file, names),
				      .sh_size = sizeof(f.names) } },
		.symbols = { [1] = { .st_name = 1, .st_shndx = 1, .st_value = 0x1000 },
			     [2] = { .st_name = 7, .st_shndx = 1, .st_value = 0x2000 },
			     [3] = { .st_name = 14, .st_shndx = SHN_ABS, .st_value = 0x2800 },
			     [4] = { .st_name = 14, .st_shndx = 1, .st_value = 0x2800 } },
		.names = "\0first\0second\0data\0",
	};

	f.symbols[2].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
	f.symbols[4].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
	return f;
}

static int find(const struct file *file, size_t size, uint64_t addr)
{
	int fd = memfd_create("kernel", 0), ret;

	check_eq(write(fd, file, size), (ssize_t)size);
	ret = elf_symbols_find(fd, addr, name, &offset);
	close(fd);
	return ret;
}

Test(elf_symbols, the_closest_below)
{
	struct file f = sound();

	check_eq(find(&f, sizeof(f), 0x1000), 0);
	cr_assert_str_eq(name, "first");
	check_eq(offset, 0);
	check_eq(find(&f, sizeof(f), 0x1fff), 0);
	cr_assert_str_eq(name, "first");
	check_eq(offset, 0xfff);
	check_eq(find(&f, sizeof(f), 0x2810), 0);
	cr_assert_str_eq(name, "second", "data is no code, and an absolute symbol no place");
	check_eq(offset, 0x810);
}

Test(elf_symbols, nothing_near)
{
	struct file f = sound();

	check_eq(find(&f, sizeof(f), 0xfff), -ENOENT);
	check_eq(find(&f, sizeof(f), 0x2000 + 0xfffff), 0);
	check_eq(find(&f, sizeof(f), 0x2000 + 0x100000), -ENOENT);
	check_eq(find(&f, sizeof(f), UINT64_MAX), -ENOENT);
}

/*
 * bad input: Images: an ELF kernel whose symbol table is damaged, in each of its fields ->
 * addresses are shown without symbols
 */
Test(elf_symbols, damaged_files)
{
	struct file f;

	for (size_t len = 0; len < offsetof(struct file, names) + 1; len++) {
		f = sound();
		check_eq(find(&f, len, 0x2000), -ENOENT, "cut to %zu bytes", len);
	}
#define DAMAGED(field, value)                                                                      \
	do {                                                                                       \
		f = sound();                                                                       \
		f.field = (value);                                                                 \
		check_eq(find(&f, sizeof(f), 0x2000), -ENOENT, #field);                            \
	} while (0)
	DAMAGED(header.e_ident[0], 0);
	DAMAGED(header.e_ident[EI_CLASS], ELFCLASS32);
	DAMAGED(header.e_shoff, UINT64_MAX - 64);
	DAMAGED(header.e_shoff, 1ULL << 40);
	DAMAGED(header.e_shentsize, 1);
	DAMAGED(header.e_shnum, 1);
	DAMAGED(sections[1].sh_link, 3);
	DAMAGED(sections[1].sh_link, UINT32_MAX);
	DAMAGED(sections[1].sh_offset, UINT64_MAX);
	DAMAGED(sections[1].sh_size, UINT64_MAX);
	DAMAGED(sections[1].sh_size, 0);
	DAMAGED(sections[2].sh_offset, UINT64_MAX);
	DAMAGED(sections[2].sh_size, 3);
	DAMAGED(symbols[2].st_name, 63);
	DAMAGED(symbols[2].st_name, UINT32_MAX);
	DAMAGED(names[8], '\x1b');
}

/* A table of @n symbols, most of which are holes of the file. */
static int find_among(uint64_t n)
{
	struct file f = sound();
	int fd = memfd_create("kernel", 0), ret;

	f.sections[1].sh_size = n * sizeof(Elf64_Sym);
	check_eq(write(fd, &f, sizeof(f)), (ssize_t)sizeof(f));
	check_eq(ftruncate(fd, (off_t)(sizeof(f) + n * sizeof(Elf64_Sym))), 0);
	ret = elf_symbols_find(fd, 0x2000, name, &offset);
	close(fd);
	return ret;
}

/*
 * bad input: Images: an ELF kernel with more than 4,000,000 symbols, which would take long to read
 * -> addresses are shown without symbols
 */
Test(elf_symbols, endless_tables)
{
	check_eq(find_among(4000000), 0);
	cr_assert_str_eq(name, "second");
	check_eq(find_among(4000001), -ENOENT);
	check_eq(find_among(1ULL << 40), -ENOENT);
}

Test(elf_symbols, no_file)
{
	check_eq(elf_symbols_find(-1, 0x1000, name, &offset), -ENOENT);
}
