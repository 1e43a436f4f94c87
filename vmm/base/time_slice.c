// SPDX-License-Identifier: Apache-2.0
/* sched_setattr(2), which glibc has no function for before 2.41. */
#include "vmm/base/time_slice.h"

#include <errno.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORTEST_NS 100000

int time_slice_shorten(void)
{
	struct sched_attr attr = { 0 };

	/* Values that are not set here, such as the nice value, stay as they are. */
	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0)
		return -errno;
	if (attr.sched_policy != SCHED_NORMAL && attr.sched_policy != SCHED_BATCH)
		return 0;
	attr.sched_runtime = SHORTEST_NS;
	return syscall(SYS_sched_setattr, 0, &attr, 0) < 0 ? -errno : 0;
}
