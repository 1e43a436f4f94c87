// SPDX-License-Identifier: Apache-2.0
/* --numa. Start reading at config_add_numa; QEMU's spelling of a node works too. */
#include "vmm/config/config_numa.h"

#include "vmm/base/keyval.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 40
#define PAGE 4096

struct node {
	bool numbered;
	unsigned number;
	struct boot_node node;
};

/* "3" or "0-3". */
static int parse_range(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
	const char *dash = strchr(text, '-');
	char first[24];

	if (!dash) {
		int ret = keyval_number(text, ret_first);

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

static int add_cpus(struct node *node, const char *value, struct error *err)
{
	uint64_t first = 0, last = 0;

	if (parse_range(value, &first, &last) < 0)
		return error_set(err, EINVAL,
				 "--numa cpus=%s: must be a vCPU's number or a range such as 0-3; "
				 "give cpus= again for more",
				 value);
	if (last >= BOOT_MAX_CPUS)
		return error_set(err, EINVAL,
				 "--numa cpus=%s: vCPU %" PRIu64 " cannot be; %u is "
				 "the last that can",
				 value, last, BOOT_MAX_CPUS - 1);
	for (uint64_t cpu = first; cpu <= last; cpu++)
		node->node.cpus |= 1u << cpu;
	return 0;
}

static int set_number(struct node *node, const struct keyval *kv, struct error *err)
{
	uint64_t number;

	/* QEMU's "node,nodeid=0": what comes is a node. */
	if (strcmp(kv->key, "node") == 0 && strcmp(kv->value, "on") == 0)
		return 0;
	if (keyval_number(kv->value, &number) < 0 || number >= BOOT_MAX_NODES)
		return error_set(err, EINVAL, "--numa %s=%s: must be a number from 0 to %u",
				 kv->key, kv->value, BOOT_MAX_NODES - 1);
	node->numbered = true;
	node->number = (unsigned)number;
	return 0;
}

static int set_key(struct node *node, const struct keyval *kv, struct error *err)
{
	if (strcmp(kv->key, "node") == 0 || strcmp(kv->key, "nodeid") == 0)
		return set_number(node, kv, err);
	if (strcmp(kv->key, "cpus") == 0)
		return add_cpus(node, kv->value, err);
	if (strcmp(kv->key, "memory") == 0 || strcmp(kv->key, "mem") == 0) {
		/* A plain number is in MiB, as for --memory. */
		if (keyval_size(kv->value, 1 << 20, &node->node.memory) == 0 &&
		    node->node.memory % PAGE == 0)
			return 0;
		return error_set(err, EINVAL,
				 "--numa %s=%s: must be a size such as 4G (a plain number is in "
				 "MiB)",
				 kv->key, kv->value);
	}
	return error_set(err, EINVAL,
			 "--numa %s=%s: unknown key; there are node, cpus (any number of times), "
			 "memory",
			 kv->key, kv->value);
}

static int add(struct config *c, const struct node *node, const char *value, struct error *err)
{
	if (!node->numbered)
		return error_set(err, EINVAL, "--numa %s: has no number; say node=0", value);
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

int config_add_numa(struct config *config, const char *value, struct error *err)
{
	char *text = strdup(value);
	struct keyval list[MAX_KEYS];
	struct node node = { 0 };
	int n, ret = 0;

	if (!text)
		return error_set(err, ENOMEM, "--numa %s: out of memory", value);
	n = keyval_parse_qemu(text, "--numa", NULL, list, MAX_KEYS, err);
	if (n < 0)
		ret = n;
	for (int i = 0; i < n && ret == 0; i++)
		ret = set_key(&node, &list[i], err);
	if (ret == 0)
		ret = add(config, &node, value, err);
	free(text);
	return ret;
}

/* Each vCPU is in a node, and no node has one that there is not. */
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
					 pmem->device ? pmem->text : pmem->file, pmem->node,
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
