/* SPDX-License-Identifier: Apache-2.0 */
/* Which memory and which processors belong to which NUMA node. */
#pragma once

#include "boot/boot.h"

#include <stdbool.h>

/* Each node's RAM, one of them in two pieces around the device hole, and each slot's pmem. */
#define NUMA_MAX_RANGES (BOOT_MAX_NODES + 1 + LAYOUT_VIRTIO_SLOTS)

struct numa_range {
	uint64_t start;
	uint64_t size;
	unsigned node;
	bool pmem;
};

/* Lists the ranges: RAM in ascending order, then pmem by slot. Returns how many; 0 without nodes.
 */
unsigned numa_ranges(const struct boot_machine *machine,
		     struct numa_range ret_ranges[NUMA_MAX_RANGES]);

/* The node of a processor; 0 without nodes. */
unsigned numa_node_of_cpu(const struct boot_machine *machine, unsigned cpu);
