// SPDX-License-Identifier: Apache-2.0
/* The line for a person. */
#include "vmm/error.h"

#include "tests/check.h"

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

Test(error, needs_no_place)
{
	check_eq(error_set(NULL, EIO, "nobody reads %s", "this"), -EIO);
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
}
