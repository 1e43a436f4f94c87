/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp filters: which system calls a kind of thread may make from now on. sandbox_calls.h has
 * the lists, of which the build makes filters.
 */
#pragma once

#include "vmm/base/error.h"

#include <stdbool.h>

/* In the order of the table in vmm/sandbox/make_filters.c, which says what each kind may do. */
enum sandbox_thread {
	SANDBOX_VCPU,
	SANDBOX_LOOP,
	SANDBOX_LOOP_CONTROL, /* with --qmp, --monitor or --result */
	SANDBOX_LOOP_PLUG,    /* with --sandbox allow= */
	SANDBOX_LOOP_VSOCK,   /* with --vsock */
	SANDBOX_SEARCH,	      /* the process that looks inside a kernel */
	SANDBOX_LOOP_VSOCK_PLUG,
	/* The thread of jobs: without any, and with --snapshots, --restore, fork=on. */
	SANDBOX_JOB,
	SANDBOX_SAVE,
	SANDBOX_RESET,
	SANDBOX_FORK,
	SANDBOX_SAVE_RESET,
	SANDBOX_SAVE_FORK,
	SANDBOX_RESET_FORK,
	SANDBOX_SAVE_RESET_FORK,
};

/*
 * Call it once, before the first filter. A call that is not on its thread's list then ends mvmm
 * with OUTCOME_SANDBOX and a line that names thread and call. -ENOTSUP with @err set if this kernel
 * has no filters.
 */
int sandbox_seccomp_prepare(struct error *err);

/* What the filters compare with; a kind of thread whose list does not name one may have 0 there. */
struct sandbox_descriptors {
	int vm;	  /* KVM's */
	int vcpu; /* the calling thread's */
};

/*
 * Gives the calling thread its filter, for good; no_new_privs must be set. With @log_only the
 * kernel logs calls that are not on the list, and executes them. -errno from seccomp(2).
 */
int sandbox_seccomp_install(enum sandbox_thread thread, struct sandbox_descriptors fds,
			    bool log_only);
