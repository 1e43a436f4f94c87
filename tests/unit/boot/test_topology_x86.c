// SPDX-License-Identifier: Apache-2.0
/* Local APIC ids: as QEMU numbers them, and the same in each description of the machine. */
#include "boot/topology_x86.h"

#include "boot/acpi_x86.h"
#include "boot/devicetree.h"
#include "boot/srat_x86.h"
#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"

#include <libfdt.h>

TestSuite(topology_x86, .timeout = 15);

static const struct {
	struct boot_topology topology;
	unsigned core_shift, socket_shift;
	unsigned ids[6]; /* of the first vCPUs */
} cases[] = {
	{ { 1, 1, 1 }, 0, 0, { 0 } },
	{ { 1, 6, 1 }, 0, 3, { 0, 1, 2, 3, 4, 5 } },
	{ { 2, 3, 1 }, 0, 2, { 0, 1, 2, 4, 5, 6 } },
	{ { 3, 1, 2 }, 1, 1, { 0, 1, 2, 3, 4, 5 } },
	{ { 1, 2, 3 }, 2, 3, { 0, 1, 2, 4, 5, 6 } },
	{ { 2, 1, 3 }, 2, 2, { 0, 1, 2, 4, 5, 6 } },
	{ { 6, 1, 1 }, 0, 0, { 0, 1, 2, 3, 4, 5 } },
	{ { 2, 5, 3 }, 2, 5, { 0, 1, 2, 4, 5, 6 } },
	{ { 1, 1, 32 }, 5, 5, { 0, 1, 2, 3, 4, 5 } },
};

static unsigned count(const struct boot_topology *t)
{
	return t->sockets * t->cores * t->threads;
}

Test(topology_x86, ids_are_those_of_qemu)
{
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		const struct boot_topology *t = &cases[c].topology;

		check_eq(topology_x86_core_shift(t), cases[c].core_shift);
		check_eq(topology_x86_socket_shift(t), cases[c].socket_shift);
		for (unsigned i = 0; i < 6 && i < count(t); i++)
			check_eq(topology_x86_apic_id(t, i), cases[c].ids[i], "case %zu, vCPU %u",
				 c, i);
	}
}

/* The tables have a byte for it, of which 255 means all. */
Test(topology_x86, ids_are_small_and_ascending)
{
	for (unsigned sockets = 1; sockets <= BOOT_MAX_CPUS; sockets++)
		for (unsigned cores = 1; cores <= BOOT_MAX_CPUS / sockets; cores++) {
			struct boot_topology t = { sockets, cores,
						   BOOT_MAX_CPUS / sockets / cores };
			unsigned last = 0;

			for (unsigned i = 1; i < count(&t); i++) {
				unsigned id = topology_x86_apic_id(&t, i);

				cr_assert(id > last && id < 128, "%u * %u * %u: %u", sockets, cores,
					  t.threads, id);
				last = id;
			}
		}
}

static struct boot_machine machine(enum boot_platform platform, const struct boot_topology *t)
{
	struct boot_machine m = fixture_machine(platform, count(t), 0);

	m.topology = *t;
	m.n_nodes = 1;
	m.nodes[0] = (struct boot_node){ m.ram_size, UINT32_MAX };
	return m;
}

/* The ids in MADT and SRAT stand in one place of their entries, 3 bytes behind its begin. */
static void check_entries(const uint8_t *at, unsigned size, const struct boot_topology *t)
{
	for (unsigned i = 0; i < count(t); i++, at += size) {
		check_eq(at[0], 0, "a local APIC");
		check_eq(at[1], size);
		check_eq(at[3], topology_x86_apic_id(t, i));
	}
}

Test(topology_x86, acpi_has_them)
{
	static uint8_t area[LAYOUT_ACPI_MAX] __attribute__((aligned(16)));

	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct boot_machine m = machine(BOOT_PLATFORM_ACPI, &cases[c].topology);
		struct acpi_x86_tables tables;
		struct error err;
		const uint8_t *madt, *srat;

		check_eq(acpi_x86_build(&m, area, sizeof(area), &tables, &err), 0, "%s", err.text);
		madt = area + tables.table[3].offset;
		check_eq(memcmp(madt, "APIC", 4), 0);
		check_entries(madt + 56, 8, &m.topology);
		srat = area + tables.table[5].offset;
		check_eq(memcmp(srat, "SRAT", 4), 0);
		check_entries(srat + 48, 16, &m.topology);
	}
}

Test(topology_x86, the_device_tree_has_them)
{
	static uint8_t tree[0x10000] __attribute__((aligned(8)));

	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct boot_machine m = machine(BOOT_PLATFORM_DT, &cases[c].topology);
		struct error err;
		unsigned i = 0;
		uint32_t size;
		int node;

		check_eq(devicetree_build(&m, tree, sizeof(tree), &size, &err), 0, "%s", err.text);
		fdt_for_each_subnode(node, tree, fdt_path_offset(tree, "/cpus"))
		{
			const fdt32_t *reg = fdt_getprop(tree, node, "reg", NULL);

			check_eq(fdt32_to_cpu(*reg), topology_x86_apic_id(&m.topology, i++));
		}
		check_eq(i, m.cpus);
	}
}
