/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that says how a run ended (--result), one JSON object; docs/result.md has its members.
 * It appears at the end, whole, under its name. Start reading at result_write.
 */
#ifndef MVMM_VMM_RESULT_H
#define MVMM_VMM_RESULT_H

#include "vmm/sandbox/sandbox.h"
#include "vmm/vm/vm_end.h"
#include "vmm/wiring/boot_timer.h"

#include <limits.h>

struct result {
	bool wanted;
	bool written;	  /* atomic */
	int fd;		  /* owned */
	int dir_fd;	  /* owned, or 0 with fd:N */
	const char *path; /* borrowed: the option's value */
	const char *name; /* within @path */
	char temporary[NAME_MAX + 1];
};

/*
 * Opens what @where, a path or fd:N, names: for a path a file beside it, which gets its name at the
 * end; a result of an earlier run is removed. -errno with @err set.
 */
int result_open(struct result *result, const char *where, struct error *err);

/* The file that is to be renamed after the sandbox is closed; false if there is none. */
bool result_file(const struct result *result, struct sandbox_file *ret_file);

/*
 * Writes the object and gives the file its name; only the first call does, and none without
 * result_open. From any thread. -errno with @err set.
 */
int result_write(struct result *result, const struct vm_end *end, const struct boot_timer *timer,
		 struct error *err);

/* Takes a zeroed one. */
void result_fini(struct result *result);

#endif
