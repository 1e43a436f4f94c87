// SPDX-License-Identifier: Apache-2.0
/* The event loop's time slice. */
#include "vmm/base/time_slice.h"

#include "tests/support/check.h"

#include <errno.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct sched_attr get_attributes(void)
{
	struct sched_attr attr = { 0 };

	cr_assert_eq(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0), 0);
	return attr;
}

/* Linux tells a slice that was asked for since it grants them (6.12). */
static bool grants_slices(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	cr_assert_eq(uname(&name), 0);
	cr_assert_eq(sscanf(name.release, "%u.%u", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 12);
}

Test(time_slice, is_the_shortest_and_all_else_stays)
{
	cr_assert_eq(setpriority(PRIO_PROCESS, 0, 5), 0);
	check_eq(time_slice_shorten(), 0);
	if (grants_slices())
		check_eq(get_attributes().sched_runtime, 100000);
	check_eq(get_attributes().sched_policy, SCHED_NORMAL);
	check_eq(get_attributes().sched_nice, 5);
}

/* To this policy the same number is a budget. */
Test(time_slice, leaves_deadlines_alone)
{
	const struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = SCHED_DEADLINE,
		.sched_runtime = 10000000,
		.sched_deadline = 100000000,
		.sched_period = 100000000,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0) < 0) {
		check_eq(errno, EPERM);
		cr_skip_test("only root may ask for deadlines");
	}
	check_eq(time_slice_shorten(), 0);
	check_eq(get_attributes().sched_runtime, 10000000);
}
