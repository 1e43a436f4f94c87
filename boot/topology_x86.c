// SPDX-License-Identifier: Apache-2.0
/* Counts vCPUs through threads, then cores, then sockets, as QEMU does. */
#include "boot/topology_x86.h"

/* The width of a field for @n values. */
static unsigned width(unsigned n)
{
	return n > 1 ? 32 - (unsigned)__builtin_clz(n - 1) : 0;
}

unsigned topology_x86_core_shift(const struct boot_topology *topology)
{
	return width(topology->threads);
}

unsigned topology_x86_socket_shift(const struct boot_topology *topology)
{
	return width(topology->threads) + width(topology->cores);
}

unsigned topology_x86_apic_id(const struct boot_topology *topology, unsigned cpu)
{
	unsigned thread = cpu % topology->threads;
	unsigned core = cpu / topology->threads % topology->cores;
	unsigned socket = cpu / (topology->threads * topology->cores);

	return socket << topology_x86_socket_shift(topology) |
	       core << topology_x86_core_shift(topology) | thread;
}
