// SPDX-License-Identifier: Apache-2.0
/* --net. */
#include "tests/support/config_fixture.h"

TestSuite(config_net, .timeout = 10);

Test(config_net, cards)
{
	static const uint8_t mac[] = { 2, 0xab, 0, 0xCD, 0xff, 0x56 };
	struct config c = fixture_config("--net tap=tap0 --net tap=fd:7,mac=02:ab:00:CD:ff:56 "
					 "--net other");

	check_eq(c.n_nets, 3);
	check_str(c.nets[0].tap, "tap0");
	check_eq(c.nets[0].has_mac, false);
	check_str(c.nets[1].tap, "fd:7");
	check_eq(c.nets[1].has_mac, true);
	cr_assert(memcmp(c.nets[1].mac, mac, sizeof(mac)) == 0);
	check_str(c.nets[2].tap, "other");
	config_fini(&c);
}

/*
 * bad input: Command line: --net with values that a network card cannot have -> refused; the error
 * says what is allowed
 */
Test(config_net, refusals)
{
	static const struct fixture_refusal cases[] = {
		{ "--net mac=02:00:00:00:00:01",
		  "--net mac=02:00:00:00:00:01: tap=NAME or tap=fd:N is missing" },
		{ "--net tap=", "--net: 'tap' has no value; say key=value" },
		{ "--net tap=a,tap=b", "--net: tap=b: the key is given twice" },
		{ "--net tap=a,ip=1",
		  "--net ip=1: unknown key; there are tap=NAME or tap=fd:N, and mac=" },
		{ "--net tap=a,mac=02:00:00:00:00:01,ip=1", "--net: ip=1: too many keys" },
		{ "--net tap=a,mac=1:2:3:4:5:6",
		  "--net mac=1:2:3:4:5:6: must be six bytes like 02:00:00:12:34:56" },
		{ "--net tap=a,mac=02:00:00:12:34:567",
		  "--net mac=02:00:00:12:34:567: must be six bytes like 02:00:00:12:34:56" },
		{ "--net tap=a,mac=02:00:00:12:34",
		  "--net mac=02:00:00:12:34: must be six bytes like 02:00:00:12:34:56" },
		{ "--net tap=a,mac=02-00-00-12-34-56",
		  "--net mac=02-00-00-12-34-56: must be six bytes like 02:00:00:12:34:56" },
		{ "--net tap=a,mac=0x:00:00:12:34:56",
		  "--net mac=0x:00:00:12:34:56: must be six bytes like 02:00:00:12:34:56" },
		{ "--net tap=a,mac=02:00:00:12:34:+6",
		  "--net mac=02:00:00:12:34:+6: must be six bytes like 02:00:00:12:34:56" },
		{ "--net tap=a,mac=020:00:00:12:34:5",
		  "--net mac=020:00:00:12:34:5: must be six bytes like 02:00:00:12:34:56" },
		{ "--net tap=a,mac=02:00:00:12:34:5:",
		  "--net mac=02:00:00:12:34:5:: must be six bytes like 02:00:00:12:34:56" },
		{ "--net tap=a,mac=02:00:00::12:34:56",
		  "--net mac=02:00:00::12:34:56: must be six bytes like 02:00:00:12:34:56" },
		{ "--net tap=a,mac=03:00:00:12:34:56",
		  "--net mac=03:00:00:12:34:56: cannot be the address of a card; the first byte must be even, and not all bytes 0 (02 begins a locally administered address)" },
		{ "--net tap=a,mac=00:00:00:00:00:00",
		  "--net mac=00:00:00:00:00:00: cannot be the address of a card; the first byte must be even, and not all bytes 0 (02 begins a locally administered address)" },
		{ "--net 1 --net 2 --net 3 --net 4 --net 5 --net 6 --net 7 --net 8 --net 9",
		  "--net 9: there can be at most 8" },
	};

	fixture_refusals(cases, ARRAY_SIZE(cases));
}
