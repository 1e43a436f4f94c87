/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices that the program which started mvmm has gone: its process has ended (--die-with-parent),
 * or the other end of a descriptor that it keeps open is closed (--life-fd).
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/event_loop.h"

#include <stdbool.h>

struct launcher;

struct launcher_ops {
	/* The descriptor is at its end. */
	void (*gone)(struct launcher *launcher);
};

struct launcher {
	const struct launcher_ops *ops;
	struct event_loop *loop; /* borrowed */
	int fd;			 /* owned; 0: none */
	struct event_op readable, read;
	char bytes[64]; /* what the launcher writes is of no interest */
	bool parent;	/* --die-with-parent */
};

/* At the start of main: who is the parent. */
void launcher_note_parent(void);

/* Watches descriptor @fd_number, unless it is -1. -errno with @err set. */
int launcher_init(struct launcher *launcher, const struct launcher_ops *ops,
		  struct event_loop *loop, int fd_number, struct error *err);

/*
 * From now on the process gets SIGTERM when its parent ends; at once if that has ended. A change of
 * user would undo it. -errno with @err set.
 */
int launcher_watch_parent(struct launcher *launcher, struct error *err);

/* Whether a SIGTERM came because the parent has ended. */
bool launcher_parent_has_ended(const struct launcher *launcher);

/* Takes a zeroed one. */
void launcher_fini(struct launcher *launcher);
