// SPDX-License-Identifier: Apache-2.0
/* What is added to --append, and when not. */
#include "boot/cmdline.h"
#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"

#include <errno.h>

static struct error err;

static const char *build(enum boot_platform platform, bool serial, const char *root,
			 const char *append)
{
	struct cmdline_parts parts = {
		.platform = platform, .serial = serial, .root = root, .append = append
	};
	static char line[256];

	cr_assert_eq(cmdline_build(&parts, line, sizeof(line), &err), 0, "%s", err.text);
	return line;
}

Test(cmdline, adds_what_the_machine_needs)
{
	cr_assert_str_eq(build(BOOT_PLATFORM_DT, true, "root=/dev/pmem0 rw", NULL),
			 "console=ttyS0 reboot=kbd panic=-1 root=/dev/pmem0 rw");
	cr_assert_str_eq(build(BOOT_PLATFORM_ACPI, false, NULL, "quiet"),
			 "reboot=acpi panic=-1 quiet");
	cr_assert_str_eq(build(BOOT_PLATFORM_ACPI, true, "", ""),
			 "console=ttyS0 reboot=acpi panic=-1");
}

Test(cmdline, leaves_out_what_the_user_gives)
{
	const char *root = "root=/dev/pmem0 rw rootflags=dax=always";

	cr_assert_str_eq(build(BOOT_PLATFORM_DT, true, root, "root=/dev/vda ro"),
			 "console=ttyS0 reboot=kbd panic=-1 root=/dev/vda ro");
	cr_assert_str_eq(build(BOOT_PLATFORM_DT, true, NULL, "console=hvc0"),
			 "reboot=kbd panic=-1 console=hvc0");
	cr_assert_str_eq(build(BOOT_PLATFORM_DT, false, NULL, "panic=5 reboot=t"),
			 "panic=5 reboot=t");
}

Test(cmdline, divides_as_the_kernel_does)
{
	cr_assert(cmdline_has("root=x", "root="));
	cr_assert(cmdline_has("  a\troot=x", "root="));
	cr_assert(cmdline_has("\"root=a b\"", "root="));
	cr_assert(cmdline_has("a=\"b c\" root=x", "root="));
	cr_assert_not(cmdline_has("", "root="));
	cr_assert_not(cmdline_has("nfsroot=x", "root="));
	cr_assert_not(cmdline_has("root", "root="));
	cr_assert_not(cmdline_has("rootflags=x", "root="));
	cr_assert_not(cmdline_has("a=\"b root=x\"", "root="), "inside quotes");
	cr_assert_not(cmdline_has("a -- root=x", "root="), "for init");
	cr_assert(cmdline_has("a --b root=x", "root="));
	cr_assert_not(cmdline_has("a=\"never closed root=x", "root="));
}

/*
 * bad input: Command line: a kernel command line that is one byte too long for mvmm -> refused;
 * the error names --append
 */
Test(cmdline, one_byte_too_long)
{
	struct cmdline_parts parts = { .platform = BOOT_PLATFORM_DT,
				       .serial = true,
				       .append = "tail" };
	const char *whole = "console=ttyS0 reboot=kbd panic=-1 tail";
	char buf[64];

	for (size_t cap = 0; cap <= strlen(whole); cap++) {
		memset(buf, '#', sizeof(buf));
		cr_assert_eq(cmdline_build(&parts, buf, cap, &err), -E2BIG, "%zu", cap);
		cr_assert_eq(buf[cap], '#', "wrote behind %zu bytes", cap);
	}
	cr_assert_not_null(strstr(err.text, "--append"), "%s", err.text);
	cr_assert_eq(cmdline_build(&parts, buf, strlen(whole) + 1, &err), 0);
	cr_assert_str_eq(buf, whole);
}

Test(cmdline, consoles)
{
	static const struct {
		bool serial, hvc;
		const char *append, *line;
	} cases[] = {
		{ true, true, NULL, "console=ttyS0 console=hvc0 reboot=acpi panic=-1" },
		{ false, true, NULL, "console=hvc0 reboot=acpi panic=-1" },
		{ false, false, NULL, "reboot=acpi panic=-1" },
		{ true, true, "console=tty9", "reboot=acpi panic=-1 console=tty9" },
	};
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cmdline_parts parts = {
			.platform = BOOT_PLATFORM_ACPI,
			.serial = cases[i].serial,
			.hvc = cases[i].hvc,
			.append = cases[i].append,
		};

		check_eq(cmdline_build(&parts, line, sizeof(line), &err), 0);
		check_str(line, cases[i].line);
	}
}
