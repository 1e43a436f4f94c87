/* SPDX-License-Identifier: Apache-2.0 */
/* Which function of an ELF kernel an address belongs to, by its symbol table. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ELF_SYMBOLS_NAME 64

/*
 * Finds the symbol that begins at or closest below @addr in the file @fd. -ENOENT: it is no ELF
 * file, has no symbol table, or none of its symbols is near. Needs no memory, and trusts nothing
 * that it reads.
 */
int elf_symbols_find(int fd, uint64_t addr, char ret_name[static ELF_SYMBOLS_NAME],
		     uint64_t *ret_offset);
