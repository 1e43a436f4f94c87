// SPDX-License-Identifier: Apache-2.0
/* --memory with maxmem and slots. Texts are QEMU's behind the option. */
#include "tests/support/config_fixture.h"

TestSuite(config_memory, .timeout = 10);

Test(config_memory, keys)
{
	struct config c = fixture_config("--memory 8G,maxmem=20G,slots=240");

	check_eq(c.memory, 8ULL << 30);
	check_eq(c.maxmem, 20ULL << 30);
	check_eq(c.slots, 240);
	config_fini(&c);
	c = fixture_config("-m slots=256,maxmem=20G,size=1024");
	check_eq(c.memory, 1ULL << 30);
	check_eq(c.slots, 256);
	config_fini(&c);
	c = fixture_config("-m maxmem=256M");
	check_eq(c.memory, 256 << 20);
	check_eq(c.maxmem, 256 << 20);
	config_fini(&c);
	c = fixture_config("-m 1G");
	check_eq(c.maxmem, 0);
	check_eq(c.slots, 0);
	config_fini(&c);
}

Test(config_memory, refusals)
{
	static const struct fixture_refusal cases[] = {
		{ "-m 1G,slots=257,maxmem=2G",
		  "--memory slots=257: unsupported amount of memory slots: 257" },
		{ "-m 1G,slots=x,maxmem=2G",
		  "--memory slots=x: Parameter 'slots' expects a number" },
		{ "-m 1G,slots=4", "--memory 1G,slots=4: slots specified but no max-size" },
		{ "-m 2G,maxmem=1G",
		  "--memory 2G,maxmem=1G: invalid value of maxmem: maximum memory size "
		  "(0x40000000) must be at least the initial memory size (0x80000000)" },
		{ "-m 1G,maxmem=1G,slots=2",
		  "--memory 1G,maxmem=1G,slots=2: invalid value of maxmem: memory slots were "
		  "specified but maximum memory size (0x40000000) is equal to the initial memory "
		  "size (0x40000000)" },
		{ "-m 1G,maxmem=2147483649",
		  "--memory 1G,maxmem=2147483649: maximum memory size must by aligned to multiple "
		  "of 4096 bytes" },
		{ "-m 1G,maxmem=x", "--memory maxmem=x: must be a size such as 20G, up to 4096T" },
		{ "-m 1G,maxmem=0", "--memory maxmem=0: must be a size such as 20G, up to 4096T" },
		{ "-m 1G,maxmem=4097T",
		  "--memory maxmem=4097T: must be a size such as 20G, up to 4096T" },
		{ "-m 1G,xyz=2",
		  "--memory xyz=2: unknown key; there are size, maxmem, slots, fork" },
		{ "-m 1G,size=1G", "--memory: size=1G: the key is given twice" },
	};

	fixture_refusals(cases, ARRAY_SIZE(cases));
}
