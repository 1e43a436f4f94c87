// SPDX-License-Identifier: Apache-2.0
/* Guest RAM below and above the hole for devices. */
#include "vmm/kvm/ram.h"

#include "tests/support/check.h"
#include "tests/support/core_dump.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(ram, .timeout = 10);

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

Test(ram, sizes)
{
	static const struct {
		uint64_t size, low, high;
	} cases[] = {
		{ 2 * MIB, 2 * MIB, 0 },       { 256 * MIB, 256 * MIB, 0 },
		{ 3 * GIB, 3 * GIB, 0 },       { 3 * GIB + 4096, 3 * GIB, 4096 },
		{ 5 * GIB, 3 * GIB, 2 * GIB }, { 1024 * GIB, 3 * GIB, 1021 * GIB },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guest_memory mem = { 0 };
		struct ram ram = { 0 };
		struct error err = { 0 };
		uint8_t *first, *last;

		check_eq(ram_init(&ram, cases[i].size, false, &mem, &err), 0, "%s", err.text);
		check_eq(mem.count, cases[i].high ? 2 : 1);
		first = guest_memory_ram(&mem, gpa(0), cases[i].low);
		cr_assert(first);
		check_eq((uintptr_t)first % 0x200000, 0);
		check_eq(is_dumped(first), false);
		cr_assert(!guest_memory_ram(&mem, gpa(cases[i].low), 1));
		last = guest_memory_ram(&mem, gpa(cases[i].low - 1), 1);
		*last = 1;
		if (cases[i].high) {
			cr_assert(!guest_memory_ram(&mem, gpa(LAYOUT_ABOVE_4G - 1), 1));
			/* Its own memory, not the low part's. */
			cr_assert(guest_memory_ram(&mem, gpa(LAYOUT_ABOVE_4G), cases[i].high) ==
				  last + 1);
			last = guest_memory_ram(&mem, gpa(LAYOUT_ABOVE_4G + cases[i].high - 1), 1);
			*last = 1;
		}
		cr_assert(!guest_memory_ram(&mem, gpa(LAYOUT_ABOVE_4G + cases[i].high), 1));
		ram_fini(&ram);
		cr_assert(!ram.host);
		ram_fini(&ram);
	}
}

/*
 * bad input: Host resources: no memory for the guest's RAM (ENOMEM) -> refused; the error names
 * --memory and the size
 */
Test(ram, host_has_no_room)
{
	struct rlimit limit = { 1 * GIB, 1 * GIB };
	struct guest_memory mem = { 0 };
	struct ram ram = { 0 };
	struct error err = { 0 };

	setrlimit(RLIMIT_AS, &limit);
	check_eq(ram_init(&ram, 2 * GIB, false, &mem, &err), -ENOMEM);
	check_contains(err.text, "--memory");
	check_contains(err.text, "2048 MiB");
	ram_fini(&ram);
}

Test(ram, guest_has_no_room)
{
	struct guest_memory mem = { 0 };
	struct ram ram = { 0 };
	struct error err = { 0 };
	uint8_t byte;

	guest_memory_add(&mem, gpa(MIB), 1, &byte, GUEST_PMEM);
	check_eq(ram_init(&ram, 2 * MIB, false, &mem, &err), -EEXIST);
	ram_fini(&ram);
}

/* What was stored before the freeze is below; what is stored after it is nobody else's. */
Test(ram, freeze)
{
	struct guest_memory mem = { 0 };
	struct ram ram = { 0 };
	struct error err = { 0 };
	uint8_t *host, byte;
	int fd;

	check_eq(ram_init(&ram, 4 * GIB, true, &mem, &err), 0, "%s", err.text);
	host = ram.host;
	fd = ram.memfd;
	check_eq(ram.base_fd, fd);
	check_eq(ram.base_offsets[1], 3 * GIB);
	check_eq(is_dumped(host), false);
	host[5] = 1;
	host[4 * GIB - 1] = 2;
	check_eq(pread(fd, &byte, 1, 5), 1);
	check_eq(byte, 1);
	check_eq(ram_freeze(&ram, &err), 0, "%s", err.text);
	check_eq(ram_freeze(&ram, &err), 0, "%s", err.text);
	check_eq(host[5], 1);
	check_eq(host[4 * GIB - 1], 2);
	check_eq(is_dumped(host), false);
	host[5] = 3;
	check_eq(pread(fd, &byte, 1, 5), 1);
	check_eq(byte, 1);
	/* Also for a child that was taken over. */
	check_eq(pwrite(fd, &byte, 1, 5), -1);
	check_eq(ftruncate(fd, 0), -1);
	check_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	ram_fini(&ram);
	check_eq(fcntl(fd, F_GETFD), -1);
}

Test(ram, freeze_without_a_memfd)
{
	struct guest_memory mem = { 0 };
	struct ram ram = { 0 };
	struct error err = { 0 };

	check_eq(ram_init(&ram, 2 * MIB, false, &mem, &err), 0, "%s", err.text);
	check_eq(ram_freeze(&ram, &err), 0);
	check_eq(ram.base_fd, -1);
	ram_fini(&ram);
}
