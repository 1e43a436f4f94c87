/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp filters: which system calls a kind of thread may make from now on. The lists are in
 * sandbox_calls.h; what the build made of them is installed here.
 */
#ifndef MVMM_VMM_SANDBOX_SECCOMP_H
#define MVMM_VMM_SANDBOX_SECCOMP_H

#include "vmm/base/error.h"

#include <stdbool.h>

/* In the order of scripts/sandbox-filters.c, which says what each may do. */
enum sandbox_thread {
	SANDBOX_VCPU,
	SANDBOX_LOOP,
	SANDBOX_LOOP_CONTROL, /* with --qmp, --monitor or --result */
	SANDBOX_LOOP_PLUG,    /* with files that may be opened */
	SANDBOX_LOOP_VSOCK,   /* with --vsock */
	SANDBOX_LOOP_VSOCK_PLUG,
};

/*
 * Once, before the first filter: a call that is not on its thread's list ends mvmm with
 * OUTCOME_SANDBOX and a line that names thread and call. -ENOTSUP with @err set if this kernel has
 * no filters.
 */
int sandbox_seccomp_prepare(struct error *err);

/*
 * Gives the calling thread its filter, for good; no_new_privs must be set. @log_only: calls that
 * are not on the list are logged by the kernel, and made. -errno from seccomp(2).
 */
int sandbox_seccomp_install(enum sandbox_thread thread, bool log_only);

#endif
