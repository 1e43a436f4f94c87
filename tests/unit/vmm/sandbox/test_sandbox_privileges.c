// SPDX-License-Identifier: Apache-2.0
/* Who is meant by --user; what follows from it is in tests/e2e/sandbox. */
#include "vmm/sandbox/sandbox_privileges.h"

#include "tests/support/check.h"

TestSuite(sandbox_privileges, .timeout = 10);

Test(sandbox_privileges, users)
{
	static const struct {
		const char *text;
		uid_t uid;
		gid_t gid;
	} cases[] = {
		{ "root", 0, 0 },	   { "0", 0, 0 },      { "0:7", 0, 7 },
		{ "daemon:root", 1, 0 },   { "daemon", 1, 1 }, { "1:4294967294", 1, 4294967294 },
		{ "123456:7", 123456, 7 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };
		struct sandbox_user user;

		check_eq(sandbox_user_find(cases[i].text, &user, &err), 0, "%s: %s", cases[i].text,
			 err.text);
		check_eq(user.uid, cases[i].uid, "%s", cases[i].text);
		check_eq(user.gid, cases[i].gid, "%s", cases[i].text);
	}
}

Test(sandbox_privileges, no_users)
{
	static const char *const cases[] = {
		"",
		":",
		"nobody-at-all",
		"123456",
		"-1:0",
		"4294967295:0",
		"0:",
		"0:4294967295",
		"root:no-such-group",
		"root:0:0",
		"nobody-at-all:0",
		"a-name-that-is-longer-than-any-name-of-a-user-could-be-and-then-some:0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sandbox_user user = { 5, 5 };
		struct error err = { 0 };

		cr_assert(sandbox_user_find(cases[i], &user, &err) < 0, "%s", cases[i]);
		check_contains(err.text, "--user ");
		check_eq(user.uid, 5);
	}
}
