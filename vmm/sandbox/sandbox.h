/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mvmm gives up before the guest's first instruction, so that a guest that took it over would
 * have little: privileges, files that are not open, system calls. In three steps: the cgroup first,
 * since memory is charged where it is first touched; the process once everything is open; each
 * thread last, when there are no more threads to make.
 */
#ifndef MVMM_VMM_SANDBOX_H
#define MVMM_VMM_SANDBOX_H

#include "vmm/base/error.h"
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

/* A file that is removed at the end, or gets another name in its directory. */
struct sandbox_file {
	int dir_fd; /* borrowed */
	const char *name;
	const char *path; /* as the user gave it, for messages */
	bool renamed;
};

/*
 * Moves mvmm into its cgroup. -errno with @err set, as the next.
 */
int sandbox_join(const struct sandbox_options *options, struct error *err);

/*
 * Leaves behind what the process as a whole does not need from now on. The order: descriptors that
 * mvmm inherited and does not use are closed; network namespace; root directory; the bounding set,
 * groups, user and capabilities; dumpable off; no_new_privs; Landlock. @files stay removable by the
 * process, and belong to its new user. Before threads are made.
 */
int sandbox_confine(const struct sandbox_options *options, const struct sandbox_file *files,
		    unsigned n_files, struct error *err);

/* The calling thread's list of system calls, for good. After sandbox_confine. -errno. */
int sandbox_confine_thread(const struct sandbox_options *options, enum sandbox_thread thread);

/*
 * Whether files can still be opened by path, after sandbox_confine: 1 if so, 0 if not. With
 * allowed directories Landlock has the last word.
 */
bool sandbox_can_open(const struct sandbox_options *options);

#endif
