// SPDX-License-Identifier: Apache-2.0
/* --numa: nodes, and that they account for everything. */
#include "tests/support/config_fixture.h"

TestSuite(config_numa, .timeout = 10);

Test(config_numa, two_nodes)
{
	struct config c = fixture_config("-m 8G -c 4 --numa node=0,cpus=0-1,memory=4G "
					 "--numa node=1,cpus=2-3,memory=4G -p a,node=1");

	check_eq(c.numa_seen, 3);
	check_eq(c.nodes[0].cpus, 3);
	check_eq(c.nodes[1].cpus, 12);
	check_eq(c.nodes[0].memory, 4ULL << 30);
	check_eq(c.nodes[1].memory, 4ULL << 30);
	check_eq(c.pmem[0].node, 1);
	config_fini(&c);
}

/* Any order, ranges in pieces, nodes for pmem alone. */
Test(config_numa, forms)
{
	struct config c =
		fixture_config("--numa node=2 --numa memory=200,node=1,cpus=0,cpus=3-5 --numa "
			       "node=0,cpus=1-2,cpus=6,memory=56M -c 7 -m 256M -p a,node=2");

	check_eq(c.numa_seen, 7);
	check_eq(c.nodes[0].cpus, 0x46);
	check_eq(c.nodes[1].cpus, 0x39);
	check_eq(c.nodes[1].memory, 200 << 20);
	check_eq(c.nodes[2].cpus, 0);
	check_eq(c.nodes[2].memory, 0);
	config_fini(&c);
	c = fixture_config("-c 32 --numa node=0,cpus=0-31,memory=256M");
	check_eq(c.nodes[0].cpus, UINT32_MAX);
	config_fini(&c);
}

Test(config_numa, qemus_spelling)
{
	struct config c = fixture_config("-m 1G -c 2 --numa node,nodeid=0,cpus=0,mem=512 "
					 "--numa node,nodeid=1,cpus=1,mem=512M");

	check_eq(c.numa_seen, 3);
	check_eq(c.nodes[0].memory, 512 << 20);
	check_eq(c.nodes[1].cpus, 2);
	config_fini(&c);
}

Test(config_numa, refusals)
{
	static const struct fixture_refusal cases[] = {
		{ "--numa cpus=0,memory=256M",
		  "--numa cpus=0,memory=256M: node= is missing; give node=0, for example" },
		{ "--numa node,cpus=0",
		  "--numa node,cpus=0: node= is missing; give node=0, for example" },
		{ "--numa node=16", "--numa node=16: must be a number from 0 to 15" },
		{ "--numa node=x", "--numa node=x: must be a number from 0 to 15" },
		{ "--numa node=0,cpus=x",
		  "--numa cpus=x: must be a vCPU's number or a range such as 0-3; give cpus= "
		  "again for more" },
		{ "--numa node=0,cpus=1-0",
		  "--numa cpus=1-0: must be a vCPU's number or a range such as 0-3; give cpus= "
		  "again for more" },
		{ "--numa node=0,cpus=1-",
		  "--numa cpus=1-: must be a vCPU's number or a range such as 0-3; give cpus= "
		  "again for more" },
		{ "--numa node=0,cpus=000000000000000000000000-1",
		  "--numa cpus=000000000000000000000000-1: must be a vCPU's number or a range "
		  "such as 0-3; give cpus= again for more" },
		{ "--numa node=0,cpus=0-32",
		  "--numa cpus=0-32: there is no vCPU 32; the highest number is 31" },
		{ "--numa node=0,memory=x",
		  "--numa memory=x: must be a size such as 4G (a plain number is in MiB)" },
		{ "--numa node=0,memory=1K",
		  "--numa memory=1K: must be a size such as 4G (a plain number is in MiB)" },
		{ "--numa node=0,foo=1",
		  "--numa foo=1: unknown key; there are node, cpus (any number of times), "
		  "memory" },
		{ "--numa node=0 --numa node=0", "--numa node=0: Duplicate NUMA nodeid: 0" },
		{ "-c 2 --numa node=0,cpus=0-1 --numa node=1,cpus=1",
		  "--numa node=1,cpus=1: CPU 1 is already assigned to node-id: 0" },
		{ "--numa node=0,cpus=0,memory=128M --numa node=2,memory=128M",
		  "--numa: Node ID missing: 1; nodes are numbered from 0 on, without gaps" },
		{ "-m 1G --numa node=0,cpus=0,memory=512M",
		  "--numa memory=: total memory for NUMA nodes (0x20000000) should equal RAM size "
		  "(0x40000000), given as --memory" },
		{ "-m 1G --numa node=0,cpus=0,memory=16777215T --numa node=1,memory=16777215T",
		  "--numa memory=: total memory for NUMA nodes (0xffffffffffffffff) should equal "
		  "RAM size (0x40000000), given as --memory" },
		{ "-c 3 --numa node=0,cpus=0-1,memory=256M",
		  "--numa cpus=: vCPU 2 is in no node; name each of the 3 in one node's cpus=" },
		{ "-c 1 --numa node=0,cpus=0-1,memory=256M",
		  "--numa cpus=: CPU index (1) should be smaller than maxcpus (1), the number "
		  "given as --cpus" },
		{ "--numa node=0,cpus=0,memory=128M --numa node=1,memory=128M -p a,node=2",
		  "--pmem a: 'node' property has value '2', which exceeds the number of numa "
		  "nodes: 2" },
	};

	fixture_refusals(cases, ARRAY_SIZE(cases));
}
