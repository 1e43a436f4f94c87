/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of --result, one JSON object that says how a run ended; docs/result.md has its members.
 * It appears at the end, complete, under its name. Start reading at result_write.
 */
#pragma once

#include "vmm/base/kept_file.h"
#include "vmm/base/temporary_file.h"
#include "vmm/vm/vm_end.h"
#include "vmm/wiring/boot_timer.h"

struct result {
	bool wanted;
	bool written;	  /* atomic */
	int fd;		  /* of fd:N, owned; or 0 */
	int usage_fd;	  /* owned, from usage_open; or not positive */
	int dir_fd;	  /* owned, or 0 with fd:N */
	const char *path; /* borrowed: the option's value */
	const char *name; /* within @path */
	struct temporary_file file;
	const char *vm_name, *vm_uuid; /* borrowed, or NULL; the caller sets them */
};

/*
 * Opens @where, a path or fd:N. For a path it makes a temporary file in its directory, which gets
 * its name at the end, and removes the result of an earlier run. -errno with @err set.
 */
int result_open(struct result *result, const char *where, struct error *err);

/* The file that is to get its name after the sandbox is closed; false if there is none. */
bool result_file(const struct result *result, struct kept_file *ret_file);

/*
 * Writes the object and gives the file its name. Only the first call does, and none without
 * result_open. From any thread. -errno with @err set.
 */
int result_write(struct result *result, const struct vm_end *end, const struct boot_timer *timer,
		 struct error *err);

/* Takes a zeroed one. */
void result_fini(struct result *result);
