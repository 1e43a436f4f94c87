// SPDX-License-Identifier: Apache-2.0
/* NUMA nodes as ranges, in the SRAT and in the device tree. */
#include "boot/numa.h"

#include "boot/acpi_x86.h"
#include "boot/devicetree.h"
#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"

#include <libfdt.h>

#define GIB (1024 * MIB)

static struct error err;

/* 8 GiB in two nodes with two vCPUs each, and a third node for the second of two pmem devices. */
static struct boot_machine machine(enum boot_platform platform)
{
	struct boot_machine m = fixture_machine(platform, 4, 2);

	m.ram_size = 8 * GIB;
	m.n_nodes = 3;
	m.nodes[0] = (struct boot_node){ 4 * GIB, 0x5 };
	m.nodes[1] = (struct boot_node){ 4 * GIB, 0xa };
	m.pmem[0] = (struct boot_pmem){ 9 * GIB, 4 * GIB, 1 };
	m.pmem[1] = (struct boot_pmem){ 13 * GIB, 64 * MIB, 2 };
	return m;
}

static void check_range(const struct numa_range *r, uint64_t start, uint64_t size, unsigned node,
			bool pmem)
{
	check_eq(r->start, start);
	check_eq(r->size, size);
	check_eq(r->node, node);
	check_eq(r->pmem, pmem);
}

Test(numa, ranges_go_around_the_hole)
{
	struct boot_machine m = machine(BOOT_PLATFORM_ACPI);
	struct numa_range r[NUMA_MAX_RANGES];

	check_eq(numa_ranges(&m, r), 5);
	check_range(&r[0], 0, 3 * GIB, 0, false);
	check_range(&r[1], 4 * GIB, 1 * GIB, 0, false);
	check_range(&r[2], 5 * GIB, 4 * GIB, 1, false);
	check_range(&r[3], 9 * GIB, 4 * GIB, 1, true);
	check_range(&r[4], 13 * GIB, 64 * MIB, 2, true);
	/* A border at the hole itself, and nodes without RAM. */
	m.nodes[0].memory = 0;
	m.nodes[1].memory = 3 * GIB;
	m.nodes[2].memory = 5 * GIB;
	m.pmem[0].size = m.pmem[1].size = 0;
	check_eq(numa_ranges(&m, r), 2);
	check_range(&r[0], 0, 3 * GIB, 1, false);
	check_range(&r[1], 4 * GIB, 5 * GIB, 2, false);
	m.n_nodes = 0;
	check_eq(numa_ranges(&m, r), 0);
}

Test(numa, most_ranges_fit)
{
	struct boot_machine m = { .n_nodes = BOOT_MAX_NODES };
	struct numa_range r[NUMA_MAX_RANGES];

	for (unsigned i = 0; i < BOOT_MAX_NODES; i++)
		m.nodes[i].memory = 2 * GIB;
	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++)
		m.pmem[i] = (struct boot_pmem){ 64 * GIB + i * GIB, GIB, i % BOOT_MAX_NODES };
	check_eq(numa_ranges(&m, r), NUMA_MAX_RANGES);
}

Test(numa, nodes_of_processors)
{
	struct boot_machine m = machine(BOOT_PLATFORM_ACPI);

	check_eq(numa_node_of_cpu(&m, 0), 0);
	check_eq(numa_node_of_cpu(&m, 1), 1);
	check_eq(numa_node_of_cpu(&m, 2), 0);
	check_eq(numa_node_of_cpu(&m, 3), 1);
	m.n_nodes = 0;
	check_eq(numa_node_of_cpu(&m, 1), 0);
}

static uint8_t area[LAYOUT_ACPI_MAX] __attribute__((aligned(16)));

static struct acpi_x86_tables build(const struct boot_machine *m)
{
	struct acpi_x86_tables tables;

	memset(area, 0, sizeof(area));
	check_eq(acpi_x86_build(m, area, sizeof(area), &tables, &err), 0, "%s", err.text);
	return tables;
}

static uint64_t read_le(const uint8_t *at, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, at, bytes);
	return v;
}

static uint8_t sum(const uint8_t *at, size_t len)
{
	uint8_t total = 0;

	while (len-- > 0)
		total = (uint8_t)(total + at[len]);
	return total;
}

Test(srat_x86, only_with_nodes)
{
	struct boot_machine m = machine(BOOT_PLATFORM_ACPI);
	struct acpi_x86_tables tables = build(&m);
	const uint8_t *xsdt = area + tables.table[1].offset;

	check_eq(tables.count, ACPI_TABLES + 1);
	check_str(tables.table[5].name, "srat");
	check_eq(read_le(xsdt + 4, 4), 36 + 3 * 8);
	check_eq(sum(xsdt, read_le(xsdt + 4, 4)), 0);
	check_eq(read_le(xsdt + 52, 8), LAYOUT_ACPI + tables.table[5].offset);
	m.n_nodes = 0;
	tables = build(&m);
	xsdt = area + tables.table[1].offset;
	check_eq(tables.count, ACPI_TABLES);
	check_eq(read_le(xsdt + 4, 4), 36 + 2 * 8);
	check_eq(sum(xsdt, read_le(xsdt + 4, 4)), 0);
}

static void check_memory(const uint8_t *at, uint64_t start, uint64_t size, unsigned node,
			 unsigned flags)
{
	check_eq(read_le(at, 2), 0x2801);
	check_eq(read_le(at + 2, 4), node);
	check_eq(read_le(at + 8, 8), start);
	check_eq(read_le(at + 16, 8), size);
	check_eq(read_le(at + 28, 4), flags);
}

Test(srat_x86, places_processors_ram_and_pmem)
{
	struct boot_machine m = machine(BOOT_PLATFORM_ACPI);
	struct acpi_x86_tables tables = build(&m);
	const uint8_t *srat = area + tables.table[5].offset;
	const uint8_t *at = srat + 48;

	check_eq(memcmp(srat, "SRAT", 4), 0);
	check_eq(read_le(srat + 4, 4), 48 + 4 * 16 + 5 * 40);
	check_eq(tables.table[5].size, read_le(srat + 4, 4));
	check_eq(sum(srat, tables.table[5].size), 0);
	for (unsigned i = 0; i < 4; i++, at += 16) {
		check_eq(read_le(at, 2), 0x1000);
		check_eq(at[2], i % 2, "domain of CPU %u", i);
		check_eq(at[3], i, "APIC id");
		check_eq(read_le(at + 4, 4), 1, "enabled");
	}
	check_memory(at, 0, 3 * GIB, 0, 1);
	check_memory(at + 40, 4 * GIB, 1 * GIB, 0, 1);
	check_memory(at + 80, 5 * GIB, 4 * GIB, 1, 1);
	check_memory(at + 120, 9 * GIB, 4 * GIB, 1, 5);
	check_memory(at + 160, 13 * GIB, 64 * MIB, 2, 5);
	/* What _PXM of the slots reads. */
	check_eq(area[LAYOUT_ACPI_STATE - LAYOUT_ACPI + LAYOUT_ACPI_STATE_NODES], 1);
	check_eq(area[LAYOUT_ACPI_STATE - LAYOUT_ACPI + LAYOUT_ACPI_STATE_NODES + 1], 2);
}

/* Takes table @i apart and puts it together with iasl; leaves the source in @dsl. */
static void round_trip(const struct acpi_x86_tables *tables, unsigned i, char *dsl, size_t cap)
{
	char dir[32], dat[64], source[64], output[FIXTURE_OUTPUT];
	FILE *f;
	size_t n;

	fixture_directory(dir);
	snprintf(dat, sizeof(dat), "%s/t.dat", dir);
	snprintf(source, sizeof(source), "%s/t.dsl", dir);
	f = fopen(dat, "w");
	cr_assert(f);
	check_eq(fwrite(area + tables->table[i].offset, 1, tables->table[i].size, f),
		 tables->table[i].size);
	fclose(f);
	FIXTURE_RUN(output, "iasl", "-d", dat);
	cr_assert(!strstr(output, "Warning") && !strstr(output, "rror"), "%s", output);
	f = fopen(source, "r");
	cr_assert(f);
	n = fread(dsl, 1, cap - 1, f);
	dsl[n] = '\0';
	fclose(f);
	FIXTURE_RUN(output, "iasl", source);
	check_contains(output, "0 Errors, 0 Warnings");
	fixture_remove(dir);
}

Test(srat_x86, iasl_takes_it_apart_and_puts_it_together)
{
	struct boot_machine m = machine(BOOT_PLATFORM_ACPI);
	static char dsl[0x20000];
	struct acpi_x86_tables tables;

	m.cpus = m.topology.cores = BOOT_MAX_CPUS;
	tables = build(&m);
	round_trip(&tables, 5, dsl, sizeof(dsl));
	check_contains(dsl, "Base Address : 0000000240000000");
	check_contains(dsl, "Non-Volatile : 1");
	round_trip(&tables, 4, dsl, sizeof(dsl));
	check_contains(dsl, "OperationRegion (NODS, SystemMemory, 0x000FF008, 0x13)");
}

/* Each slot's _PXM reads the byte of this slot. */
Test(srat_x86, slots_have_their_own_node)
{
	struct boot_machine m = machine(BOOT_PLATFORM_ACPI);
	struct acpi_x86_tables tables = build(&m);
	static char dsl[0x20000];
	const char *p = dsl;
	char want[16];

	round_trip(&tables, 4, dsl, sizeof(dsl));
	p = strstr(p, "Field (NODS, ByteAcc, NoLock, Preserve)");
	cr_assert(p);
	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++) {
		snprintf(want, sizeof(want), "ND%u,", i);
		p = strstr(p, want);
		cr_assert(p, "field %s", want);
		p += strlen(want);
		cr_assert_eq(strtoul(p, NULL, 10), 8, "bits of slot %u", i);
	}
	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++) {
		p = strstr(p, "Method (_PXM");
		cr_assert(p, "slot %u", i);
		p = strstr(p, "Return (");
		snprintf(want, sizeof(want), "Return (ND%u)", i);
		check_eq(strncmp(p, want, strlen(want)), 0, "slot %u: %.16s", i, p);
	}
}

static uint64_t tree[DEVICETREE_MAX / 8];

static void build_tree(const struct boot_machine *m)
{
	uint32_t size;

	check_eq(devicetree_build(m, tree, sizeof(tree), &size, &err), 0, "%s", err.text);
}

/* -1 where the node has none. */
static int node_of(const char *path)
{
	int node = fdt_path_offset(tree, path), len;
	const fdt32_t *p;

	cr_assert(node >= 0, "%s is not there", path);
	p = fdt_getprop(tree, node, "numa-node-id", &len);
	return p ? (int)fdt32_to_cpu(*p) : -1;
}

Test(numa, device_tree_names_nodes)
{
	struct boot_machine m = machine(BOOT_PLATFORM_DT);
	const fdt32_t *reg;
	int len;

	build_tree(&m);
	check_eq(node_of("/cpus/cpu@0"), 0);
	check_eq(node_of("/cpus/cpu@3"), 1);
	check_eq(node_of("/memory@0"), 0);
	check_eq(node_of("/memory@100000000"), 0);
	check_eq(node_of("/memory@140000000"), 1);
	check_eq(node_of("/virtio_mmio@d0000000"), 1);
	check_eq(node_of("/virtio_mmio@d0001000"), 2);
	cr_assert(fdt_path_offset(tree, "/memory@240000000") < 0, "pmem is no RAM");
	reg = fdt_getprop(tree, fdt_path_offset(tree, "/memory@140000000"), "reg", &len);
	check_eq(len, 16);
	check_eq(fdt32_to_cpu(reg[0]), 1);
	check_eq(fdt32_to_cpu(reg[1]), 0x40000000);
	check_eq(fdt32_to_cpu(reg[2]), 1);
	check_eq(fdt32_to_cpu(reg[3]), 0);
}

Test(numa, device_tree_without_nodes_has_no_memory)
{
	struct boot_machine m = machine(BOOT_PLATFORM_DT);

	m.n_nodes = 0;
	build_tree(&m);
	check_eq(node_of("/cpus/cpu@3"), -1);
	check_eq(node_of("/virtio_mmio@d0000000"), -1);
	cr_assert(fdt_path_offset(tree, "/memory@0") < 0);
}

/* RAM and the ports of the ISA bus both begin at 0, each in a space of its own. */
Test(numa, dtc_has_nothing_to_say)
{
	struct boot_machine m = machine(BOOT_PLATFORM_DT);
	char output[FIXTURE_OUTPUT];
	struct fixture_file f;

	build_tree(&m);
	f = fixture_file(tree, fdt_totalsize(tree));
	FIXTURE_RUN(output, "dtc", "-I", "dtb", "-O", "dts", "-o", "/dev/null", "-W",
		    "no-unique_unit_address", f.path);
	check_str(output, "");
}
