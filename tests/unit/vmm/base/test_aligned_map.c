// SPDX-License-Identifier: Apache-2.0
/* Alignment, contents, and that nothing around the mapping is left mapped. */
#include "vmm/base/aligned_map.h"

#include "tests/support/check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

TestSuite(aligned_map, .timeout = 10);

#define MIB (1ULL << 20)

/* Bytes of address space in use. */
static uint64_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	check_eq(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	return pages * 4096ULL;
}

Test(aligned_map, sizes)
{
	static const uint64_t sizes[] = { 4096, MIB, 2 * MIB, 3 * MIB, 64 * MIB, 1ULL << 40 };
	uint64_t before;

	address_space(); /* stdio has its buffer now */
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		/* Aligned whatever is mapped around it. */
		for (unsigned round = 0; round < 4; round++) {
			uint8_t *p;

			before = address_space();
			p = aligned_map(sizes[i], PROT_READ | PROT_WRITE);
			cr_assert(p);
			check_eq((uintptr_t)p % ALIGNED_MAP_ALIGN, 0);
			check_eq(address_space() - before, sizes[i]);
			check_eq(p[0], 0);
			check_eq(p[sizes[i] - 1], 0);
			p[0] = p[sizes[i] - 1] = 1;
			if (sizes[i] < MIB * 100)
				continue; /* stays, so that the next lies elsewhere */
			munmap(p, sizes[i]);
		}
	}
}

Test(aligned_map, protection, .signal = SIGSEGV)
{
	volatile uint8_t *p = aligned_map(4096, PROT_READ);

	check_eq(p[0], 0);
	p[0] = 1;
}

Test(aligned_map, no_address_space)
{
	struct rlimit limit = { 1ULL << 30, 1ULL << 30 };

	setrlimit(RLIMIT_AS, &limit);
	errno = 0;
	cr_assert(!aligned_map(2ULL << 30, PROT_READ));
	check_eq(errno, ENOMEM);
}

Test(aligned_map, impossible_sizes)
{
	static const uint64_t sizes[] = { 1ULL << 48, 1ULL << 62 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		cr_assert(!aligned_map(sizes[i], PROT_READ));
}
