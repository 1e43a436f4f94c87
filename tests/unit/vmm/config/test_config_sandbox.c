// SPDX-License-Identifier: Apache-2.0
/* --sandbox and what root can ask for. */
#include "tests/support/config_fixture.h"

TestSuite(config_sandbox, .timeout = 10);

Test(config_sandbox, modes)
{
	struct config c = fixture_config("");

	check_eq(c.sandbox.mode, SANDBOX_ON);
	check_eq(c.sandbox.n_allowed, 0);
	config_fini(&c);
	c = fixture_config("--sandbox log");
	check_eq(c.sandbox.mode, SANDBOX_LOG);
	config_fini(&c);
	c = fixture_config("--sandbox=off");
	check_eq(c.sandbox.mode, SANDBOX_OFF);
	config_fini(&c);
}

Test(config_sandbox, allowed_directories)
{
	struct config c = fixture_config("--sandbox on,allow=/a,,b,allow=c");

	check_eq(c.sandbox.mode, SANDBOX_ON);
	check_eq(c.sandbox.n_allowed, 2);
	check_str(c.sandbox.allowed[0], "/a,b");
	check_str(c.sandbox.allowed[1], "c");
	config_fini(&c);
	c = fixture_config("--sandbox allow=/a");
	check_eq(c.sandbox.mode, SANDBOX_ON);
	check_eq(c.sandbox.n_allowed, 1);
	config_fini(&c);
}

Test(config_sandbox, privileges)
{
	struct config c = fixture_config("--user u:g --chroot /c --netns n --cgroup /g");

	check_str(c.sandbox.user, "u:g");
	check_str(c.sandbox.chroot, "/c");
	check_str(c.sandbox.netns, "n");
	check_str(c.sandbox.cgroup, "/g");
	config_fini(&c);
}

Test(config_sandbox, refusals)
{
	static const struct fixture_refusal cases[] = {
		{ "--sandbox yes", "--sandbox yes: must be on, log or off" },
		{ "--sandbox on,deny=/", "--sandbox deny=/: unknown key; there is allow=DIR" },
		{ "--sandbox on --sandbox off",
		  "--sandbox off: is given twice; it is allowed once" },
		{ "--sandbox on,allow=1,allow=2,allow=3,allow=4,allow=5,allow=6,allow=7,allow=8,"
		  "allow=9,allow=10,allow=11,allow=12,allow=13,allow=14,allow=15,allow=16,allow=17",
		  "--sandbox: allow=17: too many keys" },
		{ "--sandbox allow=1,allow=2,allow=3,allow=4,allow=5,allow=6,allow=7,allow=8,"
		  "allow=9,allow=10,allow=11,allow=12,allow=13,allow=14,allow=15,allow=16,allow=17",
		  "--sandbox allow=17: there can be at most 16" },
	};

	fixture_refusals(cases, ARRAY_SIZE(cases));
}
