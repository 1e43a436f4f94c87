// SPDX-License-Identifier: Apache-2.0
/*
 * Identity page tables that grow on page faults, because pmem lies above what the loader mapped
 * and mapping all of it at the start would cost more than most tests. Start reading at
 * paging_fault.
 */
#include "paging.h"

#include "cpu.h"
#include "text.h"

/* Ring 3 may use all of it. */
#define PRESENT_WRITABLE_USER 0x7
#define HUGE 0x80
#define ENTRIES 512
#define POOL 64 /* GiB that can be touched in one run */
#define FAULT_RESERVED 0x8

uint64_t paging_root[ENTRIES] __attribute__((aligned(4096))) NOINIT;
static uint64_t pointers[ENTRIES] __attribute__((aligned(4096))) NOINIT;
static uint64_t directories[POOL][ENTRIES] __attribute__((aligned(4096))) NOINIT;
static unsigned used;
static unsigned lock;

static bool map(uint64_t addr)
{
	uint64_t *pointer = &pointers[addr >> 30 & 511];
	uint64_t *entry;

	if (addr >> 39)
		return false;
	if (!*pointer) {
		if (used == POOL)
			return false;
		memset(directories[used], 0, sizeof(directories[0]));
		*pointer = (uint64_t)directories[used++] | PRESENT_WRITABLE_USER;
	}
	entry = (uint64_t *)(*pointer & ~0xfffUL) + (addr >> 21 & 511);
	*entry = (addr & ~0x1fffffUL) | PRESENT_WRITABLE_USER | HUGE;
	return true;
}

void paging_init(void)
{
	extern char image_start[], image_end[];

	memset(paging_root, 0, sizeof(paging_root));
	memset(pointers, 0, sizeof(pointers));
	paging_root[0] = (uint64_t)pointers | PRESENT_WRITABLE_USER;
	map(0);
	for (uint64_t addr = (uint64_t)image_start; addr < (uint64_t)image_end + 0x200000;
	     addr += 0x200000)
		map(addr);
	__asm__ volatile("mov %0, %%cr3" : : "r"(paging_root) : "memory");
}

bool paging_fault(uint64_t addr, uint64_t error_code)
{
	bool ok;

	if (error_code & FAULT_RESERVED)
		return false;
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	/* Another CPU may have mapped it in the meantime: mapping again changes nothing. */
	ok = map(addr);
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	return ok;
}
