// SPDX-License-Identifier: Apache-2.0
/* Splits memory by node. */
#include "boot/numa.h"

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

unsigned numa_ranges(const struct boot_machine *machine,
		     struct numa_range ret_ranges[NUMA_MAX_RANGES])
{
	uint64_t next = 0; /* as if RAM had no hole */
	unsigned count = 0;

	for (unsigned node = 0; node < machine->n_nodes; node++) {
		uint64_t end = next + machine->nodes[node].memory;
		uint64_t low_end = min(end, LAYOUT_LOW_RAM_MAX);

		if (next < low_end) {
			ret_ranges[count++] =
				(struct numa_range){ next, low_end - next, node, false };
			next = low_end;
		}
		if (next < end)
			ret_ranges[count++] =
				(struct numa_range){ LAYOUT_ABOVE_4G + (next - LAYOUT_LOW_RAM_MAX),
						     end - next, node, false };
		next = end;
	}
	for (unsigned slot = 0; machine->n_nodes && slot < LAYOUT_VIRTIO_SLOTS; slot++) {
		const struct boot_pmem *pmem = &machine->pmem[slot];

		if (pmem->size)
			ret_ranges[count++] =
				(struct numa_range){ pmem->start, pmem->size, pmem->node, true };
	}
	return count;
}

unsigned numa_node_of_cpu(const struct boot_machine *machine, unsigned cpu)
{
	for (unsigned node = 0; node < machine->n_nodes; node++)
		if (machine->nodes[node].cpus & 1u << cpu)
			return node;
	return 0;
}
