// SPDX-License-Identifier: Apache-2.0
/* Computes CRC-32C, four bits or eight bytes at a time. */
#include "vmm/base/crc32c.h"

#include <string.h>

uint32_t crc32c_add_plainly(uint32_t crc, const void *data, size_t len)
{
	/* What four bits add: the remainder by the polynomial 0x1edc6f41, all bits mirrored. */
	static const uint32_t remainders[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *bytes = data;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		crc = crc >> 4 ^ remainders[crc & 15];
		crc = crc >> 4 ^ remainders[crc & 15];
	}
	return ~crc;
}

/* sparse does not know the instruction. */
#if defined(__x86_64__) && !defined(__CHECKER__)
__attribute__((target("sse4.2"))) static uint32_t add_by_instruction(uint32_t crc, const void *data,
								     size_t len)
{
	const uint8_t *bytes = data;
	uint64_t rest = (uint32_t)~crc, word;

	for (; len >= sizeof(word); len -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		rest = __builtin_ia32_crc32di(rest, word);
	}
	for (; len; len--)
		rest = __builtin_ia32_crc32qi((uint32_t)rest, *bytes++);
	return ~(uint32_t)rest;
}

uint32_t crc32c_add(uint32_t crc, const void *data, size_t len)
{
	return __builtin_cpu_supports("sse4.2") ? add_by_instruction(crc, data, len)
						: crc32c_add_plainly(crc, data, len);
}
#else
uint32_t crc32c_add(uint32_t crc, const void *data, size_t len)
{
	return crc32c_add_plainly(crc, data, len);
}
#endif
