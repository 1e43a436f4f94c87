// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/boot/test_numa.c.
/* Writes the SRAT (ACPI 6.5 section 5.2.16). Start reading at srat_x86_write. */
#include "boot/srat_x86.h"

#include "boot/topology_x86.h"
#include "vmm/base/endian.h"

#include <linux/types.h>
#include <string.h>

struct srat_start {
	__le32 one; /* reserved, must be 1 */
	__le64 zero;
} __attribute__((packed));

/* Section 5.2.16.1. */
struct srat_lapic {
	__u8 type; /* 0 */
	__u8 length;
	__u8 domain_low;
	__u8 apic_id;
	__le32 flags; /* bit 0: enabled */
	__u8 sapic_eid;
	__u8 domain_high[3];
	__le32 clock_domain;
} __attribute__((packed));

/* Section 5.2.16.2. */
struct srat_memory {
	__u8 type; /* 1 */
	__u8 length;
	__le32 domain;
	__le16 reserved1;
	__le64 base;
	__le64 size;
	__le32 reserved2;
	__le32 flags;
	__le64 reserved3;
} __attribute__((packed));

_Static_assert(sizeof(struct srat_start) == 12 && sizeof(struct srat_lapic) == 16 &&
		       sizeof(struct srat_memory) == 40,
	       "SRAT_MAX counts with these");

/* Flags there. */
#define MEMORY_ENABLED (1u << 0)
#define MEMORY_NON_VOLATILE (1u << 2)

struct writer {
	uint8_t *to;
	size_t used;
};

static void append(struct writer *w, const void *data, size_t size)
{
	memcpy(w->to + w->used, data, size);
	w->used += size;
}

/*
 * pmem is not in the e820 map, so Linux keeps its range apart from RAM: it only looks up there the
 * node of memory that a driver brings (numa_cleanup_meminfo and phys_to_target_node).
 */
static void put_range(struct writer *w, const struct numa_range *range)
{
	struct srat_memory memory = {
		.type = 1,
		.length = sizeof(memory),
		.domain = host_to_le32(range->node),
		.base = host_to_le64(range->start),
		.size = host_to_le64(range->size),
		.flags = host_to_le32(MEMORY_ENABLED | (range->pmem ? MEMORY_NON_VOLATILE : 0)),
	};

	append(w, &memory, sizeof(memory));
}

size_t srat_x86_write(const struct boot_machine *machine, void *buf)
{
	struct srat_start start = { .one = host_to_le32(1) };
	struct numa_range ranges[NUMA_MAX_RANGES];
	unsigned n = numa_ranges(machine, ranges);
	struct writer w = { .to = buf };

	append(&w, &start, sizeof(start));
	for (unsigned cpu = 0; cpu < machine->cpus; cpu++) {
		struct srat_lapic lapic = {
			.length = sizeof(lapic),
			.domain_low = (__u8)numa_node_of_cpu(machine, cpu),
			.apic_id = (__u8)topology_x86_apic_id(&machine->topology, cpu),
			.flags = host_to_le32(1),
		};

		append(&w, &lapic, sizeof(lapic));
	}
	for (unsigned i = 0; i < n; i++)
		put_range(&w, &ranges[i]);
	return w.used;
}
