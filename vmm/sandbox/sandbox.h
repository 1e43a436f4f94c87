/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mvmm gives up rights before the guest's first instruction, so that a guest that takes mvmm over
 * gains little: privileges, access to files that are not open, system calls. There are three steps.
 * The cgroup comes first, because memory is charged where it is first touched. The process is
 * confined when everything is open. Each thread is confined last, when no more threads are to be
 * created.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/kept_file.h"
#include "vmm/sandbox/sandbox_seccomp.h"

#include <stdbool.h>

#define SANDBOX_MAX_ALLOWED 16

enum sandbox_mode { SANDBOX_ON, SANDBOX_LOG, SANDBOX_OFF };

struct sandbox_options {
	enum sandbox_mode mode;
	const char *allowed[SANDBOX_MAX_ALLOWED]; /* directories where files may be opened */
	unsigned n_allowed;
	const char *user, *chroot, *netns, *cgroup; /* or NULL */
};

/* What the process can still do with files after sandbox_confine. All is borrowed. */
struct sandbox_files {
	const struct kept_file *list; /* it can remove or name them */
	unsigned n;
	int snapshots_fd;      /* the directory below which it can make and remove others; or 0 */
	const char *snapshots; /* that directory as the user gave it */
};

/*
 * Moves mvmm into its cgroup. -errno with @err set, as the next.
 */
int sandbox_join(const struct sandbox_options *options, struct error *err);

/*
 * Gives up the rights that the process as a whole does not need any more, in this order: inherited
 * descriptors that mvmm does not use; network namespace; root directory; bounding set, groups, user
 * and capabilities; dumpable; no_new_privs; Landlock. The process can still remove @files, which
 * belong to its new user. Call it before threads are created.
 */
int sandbox_confine(const struct sandbox_options *options, const struct sandbox_files *files,
		    struct error *err);

/* Restricts the calling thread to its system calls, for good. After sandbox_confine. -errno. */
int sandbox_confine_thread(const struct sandbox_options *options, enum sandbox_thread thread,
			   struct sandbox_descriptors fds);

/*
 * Whether files can still be opened by path after sandbox_confine. If there are allowed
 * directories, Landlock decides about each file.
 */
bool sandbox_can_open(const struct sandbox_options *options);
