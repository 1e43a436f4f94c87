// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the flattened device tree that came with the boot parameters, in one pass (Devicetree
 * Specification 0.4, chapter 5). Start reading at devicetree_read.
 */
#include "machine.h"

#include "text.h"

#include <stddef.h>

#define MAGIC 0xd00dfeed
#define BEGIN_NODE 1
#define END_NODE 2
#define PROP 3
#define NOP 4
#define END 9
#define MAX_DEPTH 8
#define EDGE_RISING 3 /* second interrupt cell of intel,ce4100-ioapic */
#define ISA_PORT 1    /* first address cell on an ISA bus: a port, not memory */

struct header {
	uint32_t magic, totalsize, off_dt_struct, off_dt_strings, off_mem_rsvmap;
	uint32_t version, last_comp_version, boot_cpuid_phys, size_dt_strings, size_dt_struct;
};

/* The properties of interest of one node; cells are big-endian in the tree. */
struct node {
	uint32_t address_cells, size_cells; /* for its children */
	const char *compatible, *device_type;
	size_t compatible_len;
	const uint32_t *reg, *interrupts;
	uint32_t phandle, regmap, offset, value, io_width;
	bool seen; /* its properties are complete and were used */
};

#define MAX_SYSCONS 8
struct reader {
	struct machine *machine;
	const char *error;
	struct node stack[MAX_DEPTH];
	unsigned depth;
	struct {
		uint32_t phandle, io_width;
		uint64_t addr;
	} syscons[MAX_SYSCONS];
	unsigned n_syscons;
	uint32_t poweroff_regmap, reset_regmap;
};

static uint32_t cell(const uint32_t *at)
{
	return __builtin_bswap32(*at);
}

static bool compatible(const struct node *node, const char *name)
{
	for (size_t at = 0; at < node->compatible_len; at += strlen(node->compatible + at) + 1)
		if (text_equal(node->compatible + at, name))
			return true;
	return false;
}

/* The first address of reg; buses in between are taken to have empty ranges. */
static uint64_t address(const struct node *node, const struct node *parent)
{
	uint64_t addr = 0;

	for (uint32_t i = 0; node->reg && i < parent->address_cells; i++)
		addr = addr << 32 | cell(node->reg + i);
	return addr;
}

static void take_slot(struct reader *reader, const struct node *node, uint64_t addr)
{
	struct machine *found = reader->machine;
	struct machine_slot *slot = &found->slots[found->n_slots];

	if (!node->reg || !node->interrupts)
		reader->error = "a virtio,mmio node lacks reg or interrupts";
	else if (cell(node->interrupts + 1) != EDGE_RISING)
		reader->error = "a virtio,mmio interrupt is not edge-rising";
	else if (found->n_slots == MACHINE_MAX_SLOTS)
		reader->error = "too many virtio,mmio nodes";
	if (reader->error)
		return;
	slot->base = addr;
	slot->pin = cell(node->interrupts);
	found->n_slots++;
}

static void take_exit(struct machine_exit *way, const struct node *node)
{
	way->addr = node->offset;
	way->value = node->value;
}

/* Called once for each node, when its properties are known and its children still to come. */
static void take_node(struct reader *reader)
{
	struct node *node = &reader->stack[reader->depth];
	const struct node *parent = node - 1;
	struct machine *found = reader->machine;
	uint64_t addr = address(node, parent);

	if (node->device_type && text_equal(node->device_type, "cpu")) {
		if (found->n_cpus < MACHINE_MAX_CPUS)
			found->apic_ids[found->n_cpus++] = (uint32_t)addr;
	} else if (compatible(node, "virtio,mmio")) {
		take_slot(reader, node, addr);
	} else if (compatible(node, "intel,ce4100-ioapic")) {
		found->ioapic = addr;
	} else if (compatible(node, "intel,ce4100-lapic")) {
		found->lapic = addr;
	} else if (compatible(node, "pnpPNP,501")) {
		if (node->reg && parent->address_cells == 2 && cell(node->reg) == ISA_PORT)
			found->serial_port = (uint16_t)addr;
		if (node->interrupts)
			found->serial_pin = cell(node->interrupts);
	} else if (compatible(node, "syscon-poweroff")) {
		take_exit(&found->poweroff, node);
		reader->poweroff_regmap = node->regmap;
	} else if (compatible(node, "syscon-reboot")) {
		take_exit(&found->reset, node);
		reader->reset_regmap = node->regmap;
	} else if (compatible(node, "mvmm,exit")) {
		found->status = (struct machine_exit){ .addr = addr, .width = 1 };
	} else if (compatible(node, "qemu,pvpanic-mmio")) {
		found->panic = (struct machine_exit){ .addr = addr, .width = 1 };
	} else if (compatible(node, "microsoft,vmgenid")) {
		found->generation.addr = addr;
		if (node->interrupts && cell(node->interrupts + 1) == EDGE_RISING)
			found->generation.pin = cell(node->interrupts);
	} else if (compatible(node, "mvmm,watchdog")) {
		found->watchdog = (struct machine_watchdog){ addr, addr + 4, addr + 8 };
	}
	if (compatible(node, "syscon") && reader->n_syscons < MAX_SYSCONS) {
		reader->syscons[reader->n_syscons].phandle = node->phandle;
		reader->syscons[reader->n_syscons].io_width = node->io_width;
		reader->syscons[reader->n_syscons++].addr = addr;
	}
}

static void node_complete(struct reader *reader)
{
	struct node *node = &reader->stack[reader->depth];

	if (reader->depth > 0 && !node->seen)
		take_node(reader);
	node->seen = true;
}

static void take_property(struct node *node, const char *name, const void *data, uint32_t len)
{
	if (text_equal(name, "compatible")) {
		node->compatible = data;
		node->compatible_len = len;
	} else if (text_equal(name, "device_type")) {
		node->device_type = data;
	} else if (text_equal(name, "reg")) {
		node->reg = data;
	} else if (text_equal(name, "interrupts") && len >= 8) {
		node->interrupts = data;
	} else if (len == 4) {
		static const struct {
			const char *name;
			size_t offset;
		} words[] = {
			{ "#address-cells", offsetof(struct node, address_cells) },
			{ "#size-cells", offsetof(struct node, size_cells) },
			{ "phandle", offsetof(struct node, phandle) },
			{ "regmap", offsetof(struct node, regmap) },
			{ "offset", offsetof(struct node, offset) },
			{ "value", offsetof(struct node, value) },
			{ "reg-io-width", offsetof(struct node, io_width) },
		};

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (text_equal(name, words[i].name))
				*(uint32_t *)((char *)node + words[i].offset) = cell(data);
	}
}

static void begin_node(struct reader *reader)
{
	static const struct node empty = { .address_cells = 2, .size_cells = 1, .io_width = 4 };

	node_complete(reader);
	if (++reader->depth == MAX_DEPTH)
		reader->error = "the device tree is too deep";
	else
		reader->stack[reader->depth] = empty;
}

/* A syscon-poweroff's register is at an offset into the node that regmap points to. */
static void resolve(struct reader *reader, uint32_t regmap, struct machine_exit *way)
{
	for (unsigned i = 0; regmap && i < reader->n_syscons; i++) {
		if (reader->syscons[i].phandle == regmap) {
			way->addr += reader->syscons[i].addr;
			way->width = (uint8_t)reader->syscons[i].io_width;
			return;
		}
	}
	if (regmap)
		reader->error = "a regmap points to no syscon";
}

const char *devicetree_read(const void *tree, struct machine *ret_machine)
{
	static struct reader reader;
	const struct header *header = tree;
	const char *strings = (const char *)tree + cell(&header->off_dt_strings);
	const uint32_t *at = (const uint32_t *)((const char *)tree + cell(&header->off_dt_struct));
	uint32_t token = NOP;

	reader.machine = ret_machine;
	if (cell(&header->magic) != MAGIC)
		return "the device tree lacks its magic number";
	while (!reader.error && token != END) {
		token = cell(at++);
		if (token == BEGIN_NODE) {
			at += strlen((const char *)at) / 4 + 1;
			begin_node(&reader);
		} else if (token == END_NODE) {
			node_complete(&reader);
			reader.depth--;
		} else if (token == PROP) {
			take_property(&reader.stack[reader.depth], strings + cell(at + 1), at + 2,
				      cell(at));
			at += 2 + (cell(at) + 3) / 4;
		} else if (token != NOP && token != END) {
			return "the device tree holds an unknown token";
		}
	}
	resolve(&reader, reader.poweroff_regmap, &ret_machine->poweroff);
	resolve(&reader, reader.reset_regmap, &ret_machine->reset);
	return reader.error;
}
