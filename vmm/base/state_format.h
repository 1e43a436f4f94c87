/* SPDX-License-Identifier: Apache-2.0 */
// Tested by tests/unit/vmm/base/test_state_reader.c.
/*
 * The file that has the state of a saved VM, but for its memory: a header, then sections, one for
 * each device or part of the machine. All numbers are little-endian. Nothing lies between sections
 * or behind the last one, and unused bytes are zero, so one state has one file. state_writer.h
 * makes it, state_reader.h takes it apart.
 */
#pragma once

#include "vmm/base/crc32c.h"
#include "vmm/base/endian.h"

#include <linux/elf-em.h>
#include <stddef.h>
#include <string.h>

#define STATE_MAGIC "mvmm snapshot" /* NULs behind it fill the header's field */
/* Changes if an older mvmm can no longer find the sections. Each section has a version, too. */
#define STATE_VERSION 1
#define STATE_MAX_SIZE (64u << 20)
#define STATE_MAX_SECTIONS 1024
/* Long enough for a kind, a colon and an id of PROPERTY_ID_MAX characters: "pmem:pmem0". */
#define STATE_NAME_MAX 47

#if defined(__x86_64__)
#define STATE_ARCHITECTURE EM_X86_64
#elif defined(__aarch64__)
#define STATE_ARCHITECTURE EM_AARCH64
#endif

struct state_header {
	char magic[16];
	__le32 version;
	__le32 architecture; /* an ELF machine, EM_* */
	__le64 size;	     /* of the whole file */
	__le32 sections;
	__le32 checksum; /* state_checksum */
};

struct state_section_head {
	char name[STATE_NAME_MAX + 1]; /* printable ASCII without spaces, NULs behind it */
	__le32 version;		       /* from 1 */
	__le32 reserved;	       /* 0 */
	__le64 size;		       /* of the bytes that follow */
};

/* CRC-32C of the @size bytes of a file, at least a header, with 0 in the field of the checksum. */
static inline uint32_t state_checksum(const void *file, size_t size)
{
	struct state_header header;

	memcpy(&header, file, sizeof(header));
	memset(&header.checksum, 0, sizeof(header.checksum));
	return crc32c_add(crc32c_add(0, &header, sizeof(header)),
			  (const uint8_t *)file + sizeof(header), size - sizeof(header));
}

/* Whether @c may be in the name of a section, which messages show. */
static inline int state_name_allows(char c)
{
	return c > ' ' && c <= '~';
}
