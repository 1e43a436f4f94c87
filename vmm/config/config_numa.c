// SPDX-License-Identifier: Apache-2.0
/* --numa. Start reading at config_add_numa; QEMU's spelling of a node works too. */
#include "vmm/config/config_numa.h"

#include "vmm/base/keyval.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

struct node {
	bool numbered;
	unsigned number;
	struct boot_node node;
};

/* "3" or "0-3". */
static int read_range(const struct keyval *given, uint64_t *ret_first, uint64_t *ret_last)
{
	const char *text = given->value, *dash = strchr(text, '-');
	char first[24];

	if (!dash) {
		int ret = keyval_read_number(given, ret_first);

		*ret_last = *ret_first;
		return ret;
	}
	if ((size_t)(dash - text) >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	if (keyval_number(first, ret_first) < 0 || keyval_number(dash + 1, ret_last) < 0 ||
	    *ret_last < *ret_first)
		return -EINVAL;
	return 0;
}

static int add_cpus(void *object, const struct keyval *given, struct error *why)
{
	struct node *node = object;
	uint64_t first = 0, last = 0;

	if (read_range(given, &first, &last) < 0)
		return -EINVAL;
	if (last >= BOOT_MAX_CPUS)
		return error_set(why, EINVAL,
				 "there is no vCPU %" PRIu64 "; the highest number is %u", last,
				 BOOT_MAX_CPUS - 1);
	for (uint64_t cpu = first; cpu <= last; cpu++)
		node->node.cpus |= 1u << cpu;
	return 0;
}

static int set_number(void *object, const struct keyval *given, struct error *why)
{
	struct node *node = object;
	uint64_t number;

	if (keyval_read_number(given, &number) < 0 || number >= BOOT_MAX_NODES)
		return error_set(why, EINVAL, "must be a number from 0 to %u", BOOT_MAX_NODES - 1);
	node->numbered = true;
	node->number = (unsigned)number;
	return 0;
}

/* In QEMU's "node,nodeid=0" the first word says that this is a node. */
static int set_node(void *object, const struct keyval *given, struct error *why)
{
	return strcmp(given->value, "on") == 0 ? 0 : set_number(object, given, why);
}

#define MEMORY                                                                                     \
	PROPERTY_SIZE, offsetof(struct node, node.memory),                                         \
		"must be a size such as 4G (a plain number is in MiB)", .unit = 1 << 20,           \
									.multiple_of = LAYOUT_PAGE

const struct property config_numa_properties[] = {
	{ "node", PROPERTY_TEXT, .check = set_node, .required = true },
	{ "nodeid", PROPERTY_TEXT, .check = set_number, .alias = true },
	{ "cpus", PROPERTY_TEXT,
	  .wants = "must be a vCPU's number or a range such as 0-3; give cpus= again for more",
	  .check = add_cpus, .repeatable = true },
	{ "memory", MEMORY },
	{ "mem", MEMORY, .alias = true },
	PROPERTY_END("are node, cpus (any number of times), memory"),
};

static int add_node(struct config *c, const struct node *node, const char *value, struct error *err)
{
	if (!node->numbered)
		return error_set(err, EINVAL,
				 "--numa %s: node= is missing; give node=0, for example", value);
	if (c->numa_seen & 1u << node->number)
		return error_set(err, EINVAL, "--numa %s: Duplicate NUMA nodeid: %u", value,
				 node->number);
	for (unsigned i = 0; i < BOOT_MAX_NODES; i++) {
		uint32_t both = c->nodes[i].cpus & node->node.cpus;

		if (both)
			return error_set(err, EINVAL,
					 "--numa %s: CPU %d is already assigned to node-id: %u",
					 value, __builtin_ctz(both), i);
	}
	c->nodes[node->number] = node->node;
	c->numa_seen |= 1u << node->number;
	return 0;
}

int config_add_numa(struct config *config, const struct config_keys *keys, struct error *err)
{
	struct node node = { 0 };
	int ret = property_fill(config_numa_properties, &node, keys->list, keys->n, keys->option,
				err);

	return ret < 0 ? ret : add_node(config, &node, keys->given, err);
}

/* Checks that each vCPU is in a node, and that no node has a vCPU that does not exist. */
static int check_cpus(const struct config *c, uint32_t in_nodes, struct error *err)
{
	uint32_t all = c->cpus == 32 ? UINT32_MAX : (1u << c->cpus) - 1;

	if (in_nodes & ~all)
		return error_set(err, EINVAL,
				 "--numa cpus=: CPU index (%d) should be smaller than maxcpus "
				 "(%u), the number given as --cpus",
				 __builtin_ctz(in_nodes & ~all), c->cpus);
	if (all & ~in_nodes)
		return error_set(err, EINVAL,
				 "--numa cpus=: vCPU %d is in no node; name each of the %u in one "
				 "node's cpus=",
				 __builtin_ctz(all & ~in_nodes), c->cpus);
	return 0;
}

static int check_devices(const struct config *c, unsigned nodes, struct error *err)
{
	for (unsigned i = 0; i < c->n_pmem; i++) {
		const struct config_pmem *pmem = &c->pmem[i];

		if (pmem->node >= (nodes ? nodes : 1))
			return error_set(err, EINVAL,
					 "%s %s: 'node' property has value '%u', which exceeds the "
					 "number of numa nodes: %u",
					 pmem->device ? "--device" : "--pmem",
					 pmem->device ? pmem->given : pmem->file, pmem->node,
					 nodes ? nodes : 1);
	}
	return 0;
}

int config_check_numa(const struct config *config, struct error *err)
{
	unsigned nodes = (unsigned)__builtin_popcount(config->numa_seen);
	uint64_t memory = 0;
	uint32_t cpus = 0;
	int ret;

	if (!nodes)
		return check_devices(config, 0, err);
	for (unsigned i = 0; i < nodes; i++) {
		if (!(config->numa_seen & 1u << i))
			return error_set(err, EINVAL,
					 "--numa: Node ID missing: %u; nodes are numbered from 0 "
					 "on, without gaps",
					 i);
		if (__builtin_add_overflow(memory, config->nodes[i].memory, &memory))
			memory = UINT64_MAX;
		cpus |= config->nodes[i].cpus;
	}
	if (memory != config->memory)
		return error_set(err, EINVAL,
				 "--numa memory=: total memory for NUMA nodes (0x%" PRIx64
				 ") should equal RAM size (0x%" PRIx64 "), given as --memory",
				 memory, config->memory);
	ret = check_cpus(config, cpus, err);
	return ret < 0 ? ret : check_devices(config, nodes, err);
}
