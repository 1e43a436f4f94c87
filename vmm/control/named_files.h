/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors that a client of QMP has passed with SCM_RIGHTS, and the names that it has given
 * them by getfd, as in QEMU. They belong to its session. All texts of errors are QEMU's.
 */
#pragma once

#include "vmm/base/error.h"

/* Of all sessions together: the VM needs descriptors, too. */
#define NAMED_FILES_MAX 256

struct named_file;

struct named_files {
	struct named_file *first; /* owned; in the order in which they came */
	unsigned *count;	  /* borrowed: how many all sessions have */
};

/* Takes @fd, which a client has passed; without room it is closed, and getfd will miss it. */
void named_files_receive(struct named_files *files, int fd);

/*
 * getfd: gives @name to the first descriptor that has none. One that had the name before is closed.
 * -EINVAL with @err set.
 */
int named_files_name(struct named_files *files, const char *name, struct error *err);

/* closefd: closes the descriptor @name. -ENOENT with @err set. */
int named_files_close(struct named_files *files, const char *name, struct error *err);

/* Returns the descriptor @name, which is now the caller's, or -ENOENT with @err set. */
int named_files_take(struct named_files *files, const char *name, struct error *err);

/* Closes all. */
void named_files_fini(struct named_files *files);
