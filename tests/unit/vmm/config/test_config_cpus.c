// SPDX-License-Identifier: Apache-2.0
/* --cpus with sockets, cores and threads. What is left out is worked out as by QEMU's -smp. */
#include "tests/support/config_fixture.h"

TestSuite(config_cpus, .timeout = 10);

/* QEMU 7.2 says the same of each of these (-smp and HMP's "info hotpluggable-cpus"). */
Test(config_cpus, works_out_what_is_not_given)
{
	static const struct {
		const char *line;
		unsigned cpus;
		struct boot_topology topology;
	} cases[] = {
		{ "--rng", 1, { 1, 1, 1 } },
		{ "-c 1", 1, { 1, 1, 1 } },
		{ "-c 32", 32, { 1, 32, 1 } },
		{ "-c cpus=3", 3, { 1, 3, 1 } },
		{ "-c 6,sockets=2", 6, { 2, 3, 1 } },
		{ "-c 6,threads=2", 6, { 1, 3, 2 } },
		{ "-c 6,cores=3", 6, { 2, 3, 1 } },
		{ "-c 12,sockets=2,threads=2", 12, { 2, 3, 2 } },
		{ "-c 12,cores=3,threads=2", 12, { 2, 3, 2 } },
		{ "-c 12,sockets=2,cores=3", 12, { 2, 3, 2 } },
		{ "-c 12,sockets=2,cores=3,threads=2", 12, { 2, 3, 2 } },
		{ "-c threads=2,sockets=3,cpus=6,cores=1", 6, { 3, 1, 2 } },
		{ "-c sockets=2,cores=5", 10, { 2, 5, 1 } },
		{ "-c threads=3", 3, { 1, 1, 3 } },
		{ "-c sockets=2,cores=4,threads=4", 32, { 2, 4, 4 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config c = fixture_config(cases[i].line);

		check_eq(c.cpus, cases[i].cpus, "%s", cases[i].line);
		check_eq(c.topology.sockets, cases[i].topology.sockets, "%s", cases[i].line);
		check_eq(c.topology.cores, cases[i].topology.cores, "%s", cases[i].line);
		check_eq(c.topology.threads, cases[i].topology.threads, "%s", cases[i].line);
		config_fini(&c);
	}
}

// bad input: Command line: --cpus whose sockets, cores and threads multiply to another number of
// vCPUs, or to too many -> status 35, and a message with all of the numbers
Test(config_cpus, refusals)
{
	static const struct fixture_refusal cases[] = {
		{ "-c 6,sockets=4",
		  "--cpus 6,sockets=4: sockets (4) * cores (1) * threads (1) are not 6 vCPUs; give numbers whose product is 6, or leave 6 out and give the others" },
		{ "-c 2,threads=4",
		  "--cpus 2,threads=4: sockets (1) * cores (0) * threads (4) are not 2 vCPUs; give numbers whose product is 2, or leave 2 out and give the others" },
		{ "-c 8,sockets=2,cores=2,threads=1",
		  "--cpus 8,sockets=2,cores=2,threads=1: sockets (2) * cores (2) * threads (1) are not 8 vCPUs; give numbers whose product is 8, or leave 8 out and give the others" },
		{ "-c 1,sockets=32,cores=32,threads=32",
		  "--cpus 1,sockets=32,cores=32,threads=32: sockets (32) * cores (32) * threads (32) are not 1 vCPUs; give numbers whose product is 1, or leave 1 out and give the others" },
		{ "-c sockets=32,cores=32,threads=32",
		  "--cpus sockets=32,cores=32,threads=32: sockets (32) * cores (32) * threads (32) are 32768 vCPUs; there can be at most 32" },
		{ "-c sockets=3,cores=11",
		  "--cpus sockets=3,cores=11: sockets (3) * cores (11) * threads (1) are 33 vCPUs; there can be at most 32" },
		{ "-c 2,cores=0", "--cpus cores=0: must be a number from 1 to 32" },
		{ "-c 2,sockets=33", "--cpus sockets=33: must be a number from 1 to 32" },
		{ "-c 2,threads=x", "--cpus threads=x: must be a number from 1 to 32" },
		{ "-c 33,cores=2", "--cpus 33: must be a number from 1 to 32" },
		{ "-c 2,core=2", "--cpus core=2: unknown key; did you mean cores? There are cpus, "
				 "sockets, cores, threads" },
		{ "-c 2,maxcpus=2", "--cpus maxcpus=2: unknown key; there are cpus, sockets, "
				    "cores, threads" },
	};

	fixture_refusals(cases, ARRAY_SIZE(cases));
}
