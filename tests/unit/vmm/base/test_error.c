// SPDX-License-Identifier: Apache-2.0
/* The line for a person. */
#include "vmm/base/error.h"

#include "tests/support/check.h"

#include <errno.h>
#include <stdlib.h>

TestSuite(error, .timeout = 10);

Test(error, formats_and_returns)
{
	struct error err;

	check_eq(error_set(&err, EINVAL, "--cpus %d: %s", 99, "too many"), -EINVAL);
	check_str(err.text, "--cpus 99: too many");
	check_eq(error_set(&err, ENOENT, "second"), -ENOENT);
	check_str(err.text, "second");
}

Test(error, the_systems_text_is_behind)
{
	struct error err = { 0 };

	check_eq(error_system(&err, ENOENT, "--config %s: cannot open", "x"), -ENOENT);
	check_str(err.text, "--config x: cannot open: No such file or directory");
}

/* What is wrong with an option is no fault of the host's, but for what the host lacks. */
Test(error, blame)
{
	struct error err = { 0 };

	check_eq(error_blame_option(&err, 0), 0);
	cr_assert(!err.usage);
	check_eq(error_blame_option(&err, -EMFILE), -EMFILE);
	cr_assert(!err.usage);
	check_eq(error_blame_option(&err, -ENOENT), -ENOENT);
	cr_assert(err.usage);
}

Test(error, needs_no_place)
{
	check_eq(error_blame_option(NULL, -EIO), -EIO);
	check_eq(error_set(NULL, EIO, "nobody reads %s", "this"), -EIO);
	check_eq(error_system(NULL, EIO, "nobody reads %s", "this"), -EIO);
}

Test(error, long_text_is_cut)
{
	struct {
		struct error err;
		char behind;
	} s = { .behind = '!' };
	char text[2000];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	check_eq(error_set(&s.err, E2BIG, "%s", text), -E2BIG);
	check_eq(strlen(s.err.text), sizeof(s.err.text) - 1);
	check_eq(s.behind, '!');
	check_eq(error_system(&s.err, E2BIG, "%s", text), -E2BIG);
	check_eq(strlen(s.err.text), sizeof(s.err.text) - 1);
	check_eq(s.behind, '!');
}
