/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that fail, for tests of what follows from that. */
#pragma once

#include "tests/support/check.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static inline void refuse_by_filter(struct sock_filter *filter, unsigned short len)
{
	struct sock_fprog program = { len, filter };

	check_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	check_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* From now on, in this thread and those it starts, system call @nr fails with @error. */
static inline void refuse_call(long nr, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	refuse_by_filter(filter, ARRAY_SIZE(filter));
}

static inline void answer_command(long nr, uint32_t command, uint32_t answer)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, command, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	refuse_by_filter(filter, ARRAY_SIZE(filter));
}

/* The same for one command of ioctl(2), fcntl(2) and their kind: where the second argument is it.
 */
static inline void refuse_command(long nr, uint32_t command, int error)
{
	answer_command(nr, command, SECCOMP_RET_ERRNO | (uint32_t)error);
}

/* The command raises SIGSYS, whose handler can answer it. */
static inline void trap_command(long nr, uint32_t command)
{
	answer_command(nr, command, SECCOMP_RET_TRAP);
}
