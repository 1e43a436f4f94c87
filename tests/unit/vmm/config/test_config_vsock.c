// SPDX-License-Identifier: Apache-2.0
/* --vsock. */
#include "tests/support/config_fixture.h"

TestSuite(config_vsock, .timeout = 10);

static void expect_vsock(const char *line, const char *path, uint32_t cid)
{
	struct config c = fixture_config(line);

	check_str(c.vsock_path, path);
	check_eq(c.vsock_cid, cid);
	config_fini(&c);
}

Test(config_vsock, path_and_cid)
{
	struct config c = fixture_config("");

	cr_assert(!c.vsock_path);
	config_fini(&c);
	expect_vsock("--vsock vm.sock", "vm.sock", 3);
	expect_vsock("--vsock path=vm.sock,cid=4294967294", "vm.sock", 4294967294);
	expect_vsock("--vsock ./fd:3", "./fd:3", 3);
	expect_vsock("--vsock cid=77,path=/run/a,,b", "/run/a,b", 77);
}

/*
 * bad input: Command line: --vsock without a path, with fd:N, with a reserved CID or with a path
 * that is too long -> refused; the error names it
 */
Test(config_vsock, refusals)
{
	static const struct fixture_refusal cases[] = {
		{ "--vsock cid=5", "--vsock cid=5: path=SOCKET is missing" },
		{ "--vsock x,cid=2", "--vsock cid=2: must be a number from 3 to 4294967294" },
		{ "--vsock x,cid=4294967295",
		  "--vsock cid=4294967295: must be a number from 3 to 4294967294" },
		{ "--vsock x,cid=4294967299",
		  "--vsock cid=4294967299: must be a number from 3 to 4294967294" },
		{ "--vsock x,cid=no", "--vsock cid=no: must be a number from 3 to 4294967294" },
		{ "--vsock x,port=5",
		  "--vsock port=5: unknown key; there are path=SOCKET and cid=N" },
		{ "--vsock fd:3",
		  "--vsock path=fd:3: cannot be a descriptor, because mvmm makes the paths for "
		  "the guest's connections from it; for a file of this name give ./fd:3" },
		{ "--vsock x --vsock y", "--vsock y: is given twice; it is allowed once" },
	};
	char line[200], longest[97];
	struct config c;
	struct error err;

	fixture_refusals(cases, ARRAY_SIZE(cases));
	memset(longest, 'x', 96);
	longest[96] = '\0';
	snprintf(line, sizeof(line), "--vsock %s", longest);
	expect_vsock(line, longest, 3);
	snprintf(line, sizeof(line), "--vsock %sx", longest);
	cr_assert(fixture_parse(&c, line, &err) < 0);
	check_contains(err.text, "is longer than 96 bytes");
	config_fini(&c);
}
