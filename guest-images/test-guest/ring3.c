// SPDX-License-Identifier: Apache-2.0
/*
 * Ring 3. Each CPU that goes there has a GDT of its own, because a task segment serves one CPU.
 * Start reading at ring3_init. Descriptors: Intel SDM volume 3, sections 3.4.5 and 8.2.3.
 */
#include "ring3.h"

#include "cpu.h"
#include "machine.h"
#include "text.h"

#define TASK 0x30
#define STACK_SIZE 4096

struct task {
	uint32_t reserved;
	uint64_t rsp[3], reserved2, ist[7], reserved3;
	uint16_t reserved4, io_map;
} __attribute__((packed));

/* As in gdt.S up to DATA. */
struct segments {
	uint64_t null, code32, code64, data, user_data, user_code64, task[2];
};

extern const uint64_t gdt[];

static struct segments segments[MACHINE_MAX_CPUS] NOINIT;
static struct task tasks[MACHINE_MAX_CPUS];
static uint8_t stacks[MACHINE_MAX_CPUS][STACK_SIZE] __attribute__((aligned(16))) NOINIT;

void ring3_init(unsigned cpu)
{
	uint64_t base = (uint64_t)&tasks[cpu], limit = sizeof(tasks[cpu]) - 1;
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = { sizeof(segments[cpu]) - 1, (uint64_t)&segments[cpu] };

	tasks[cpu].rsp[0] = (uint64_t)stacks[cpu] + STACK_SIZE;
	tasks[cpu].io_map = sizeof(tasks[cpu]);
	segments[cpu] = (struct segments){
		.user_data = 0x00cff3000000ffff,
		.user_code64 = 0x00affb000000ffff,
		/* An available 64-bit task segment; loading it makes it a busy one. */
		.task = { limit | (base & 0xffffff) << 16 | 0x89ULL << 40 |
				  (base >> 24 & 0xff) << 56,
			  base >> 32 },
	};
	memcpy(&segments[cpu], gdt, 4 * sizeof(gdt[0]));
	__asm__ volatile("lgdt %0; ltr %w1" : : "m"(pointer), "r"(TASK) : "memory");
}
