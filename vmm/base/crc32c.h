/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli; RFC 3720, B.4): finds bytes that changed by accident. It stops no attacker.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of @len more bytes, behind bytes whose checksum is @crc. Begin with 0, the checksum
 * of nothing. Uses the processor's instruction where there is one.
 */
uint32_t crc32c_add(uint32_t crc, const void *data, size_t len);

/* The same in plain C, for processors without the instruction, and for the test of both. */
uint32_t crc32c_add_plainly(uint32_t crc, const void *data, size_t len);
