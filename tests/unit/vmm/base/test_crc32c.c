// SPDX-License-Identifier: Apache-2.0
/* The published values, by the instruction and in plain C. */
#include "vmm/base/crc32c.h"

#include "tests/support/check.h"

TestSuite(crc32c, .timeout = 10);

static void check_both(const void *data, size_t len, uint32_t expected)
{
	check_eq(crc32c_add(0, data, len), expected);
	check_eq(crc32c_add_plainly(0, data, len), expected);
}

/* The check value of catalogues of CRCs, and the examples of RFC 3720, B.4. */
Test(crc32c, published_values)
{
	uint8_t bytes[32] = { 0 };

	check_both("", 0, 0);
	check_both("123456789", 9, 0xe3069283);
	check_both(bytes, 32, 0x8a9136aa);
	memset(bytes, 0xff, 32);
	check_both(bytes, 32, 0x62a8ab43);
	for (unsigned i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	check_both(bytes, 32, 0x46dd794e);
	for (unsigned i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(31 - i);
	check_both(bytes, 32, 0x113fdb5c);
}

/* Any place and length, in one go or in two. */
Test(crc32c, pieces)
{
	uint8_t bytes[80];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 5);
	for (size_t from = 0; from < 16; from++) {
		for (size_t len = 0; len <= sizeof(bytes) - from; len++) {
			uint32_t whole = crc32c_add_plainly(0, bytes + from, len);
			uint32_t first = crc32c_add(0, bytes + from, len / 3);

			check_eq(crc32c_add(0, bytes + from, len), whole);
			check_eq(crc32c_add(first, bytes + from + len / 3, len - len / 3), whole);
		}
	}
}
