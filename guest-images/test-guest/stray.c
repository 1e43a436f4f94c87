// SPDX-License-Identifier: Apache-2.0
/* The test "stray": addresses and ports without a device. */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "pmem.h"

#include <stddef.h>

static const char *stray(void)
{
	uint64_t high = 0x100000000;
	uint64_t addrs[3] = { args_number("address", 0xe0000000), 0xcffff000 };

	for (unsigned i = 0; i < pmem_count; i++)
		if (pmems[i].start + pmems[i].size > high)
			high = pmems[i].start + pmems[i].size;
	addrs[2] = high + 0x40000000;
	for (unsigned i = 0; i < 3; i++) {
		write32(addrs[i], 0);
		write8(addrs[i] + 1, 0);
		if (read64(addrs[i]) != ~0UL || read32(addrs[i]) != ~0U ||
		    read16(addrs[i]) != 0xffff || read8(addrs[i] + 3) != 0xff)
			return fail("address 0x%lx does not read as all ones", addrs[i]);
	}
	out8(0x2e9, 0);
	if (in8(0x2e9) != 0xff || in16(0x2ea) != 0xffff || in32(0x2f8) != ~0U)
		return "a port without a device does not read as all ones";
	return NULL;
}

const struct check stray_checks[] = {
	{ "stray", .once = stray },
	{ 0 },
};
