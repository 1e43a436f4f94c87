// SPDX-License-Identifier: Apache-2.0
/* Numbers of wire formats, against their bytes. */
#include "vmm/base/endian.h"

#include "tests/support/check.h"

static const uint8_t bytes[8] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

Test(endian, lowest_byte_comes_first)
{
	__le16 v16;
	__le32 v32;
	__le64 v64;

	memcpy(&v16, bytes, sizeof(v16));
	memcpy(&v32, bytes, sizeof(v32));
	memcpy(&v64, bytes, sizeof(v64));
	check_eq(le16_to_host(v16), 0x2301);
	check_eq(le32_to_host(v32), 0x67452301);
	check_eq(le64_to_host(v64), 0xefcdab8967452301);
}

Test(endian, goes_back_to_the_same_bytes)
{
	__le16 v16 = host_to_le16(0x2301);
	__le32 v32 = host_to_le32(0x67452301);
	__le64 v64 = host_to_le64(0xefcdab8967452301);

	check_eq(memcmp(&v16, bytes, sizeof(v16)), 0);
	check_eq(memcmp(&v32, bytes, sizeof(v32)), 0);
	check_eq(memcmp(&v64, bytes, sizeof(v64)), 0);
}
