// SPDX-License-Identifier: Apache-2.0
/*
 * Looks an address up in an ELF file's symbol table (System V ABI, chapter 4). Start reading at
 * elf_symbols_find.
 */
#include "boot/elf_symbols.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* No function is this long: an address farther behind a symbol does not belong to it. */
#define FARTHEST 0x100000
/* vmlinux with everything built in has some 200,000. */
#define MAX_SYMBOLS 4000000

static bool read_at(int fd, uint64_t off, void *to, size_t size)
{
	return off <= INT64_MAX && pread(fd, to, size, (off_t)off) == (ssize_t)size;
}

/* The symbol table and the section with its names. */
static bool find_tables(int fd, Elf64_Shdr *ret_symbols, Elf64_Shdr *ret_names)
{
	Elf64_Ehdr eh;

	if (!read_at(fd, 0, &eh, sizeof(eh)) || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_shentsize != sizeof(Elf64_Shdr))
		return false;
	for (unsigned i = 0; i < eh.e_shnum; i++) {
		if (!read_at(fd, eh.e_shoff + i * sizeof(*ret_symbols), ret_symbols,
			     sizeof(*ret_symbols)))
			return false;
		if (ret_symbols->sh_type == SHT_SYMTAB && ret_symbols->sh_link < eh.e_shnum)
			return read_at(fd, eh.e_shoff + ret_symbols->sh_link * sizeof(*ret_names),
				       ret_names, sizeof(*ret_names));
	}
	return false;
}

static bool is_code(const Elf64_Sym *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_NOTYPE) && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_shndx != SHN_ABS && symbol->st_name;
}

static bool find_closest(int fd, const Elf64_Shdr *table, uint64_t addr, Elf64_Sym *ret_symbol)
{
	Elf64_Sym some[256];
	uint64_t n = table->sh_size / sizeof(some[0]), best = FARTHEST;

	if (n > MAX_SYMBOLS)
		return false;
	for (uint64_t first = 0; first < n; first += 256) {
		uint64_t count = n - first < 256 ? n - first : 256;

		if (!read_at(fd, table->sh_offset + first * sizeof(some[0]), some,
			     count * sizeof(some[0])))
			return false;
		for (uint64_t i = 0; i < count; i++) {
			/* Above @addr the difference wraps, and is larger than any. */
			if (is_code(&some[i]) && addr - some[i].st_value < best) {
				best = addr - some[i].st_value;
				*ret_symbol = some[i];
			}
		}
	}
	return best < FARTHEST;
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return len > 0;
}

int elf_symbols_find(int fd, uint64_t addr, char ret_name[static ELF_SYMBOLS_NAME],
		     uint64_t *ret_offset)
{
	char name[ELF_SYMBOLS_NAME] = "";
	Elf64_Shdr symbols, names;
	Elf64_Sym symbol;
	uint64_t left;

	if (!find_tables(fd, &symbols, &names) || !find_closest(fd, &symbols, addr, &symbol) ||
	    symbol.st_name >= names.sh_size)
		return -ENOENT;
	left = names.sh_size - symbol.st_name;
	if (!read_at(fd, names.sh_offset + symbol.st_name, name,
		     left < sizeof(name) ? left : sizeof(name)))
		return -ENOENT;
	name[sizeof(name) - 1] = '\0';
	if (!is_name(name))
		return -ENOENT;
	memcpy(ret_name, name, sizeof(name));
	*ret_offset = addr - symbol.st_value;
	return 0;
}
