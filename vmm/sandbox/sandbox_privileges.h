/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What root gives up, and where it puts itself: namespace, cgroup, root directory, user and
 * capabilities. Each step is its own; sandbox.c has their order.
 */
#ifndef MVMM_VMM_SANDBOX_PRIVILEGES_H
#define MVMM_VMM_SANDBOX_PRIVILEGES_H

#include "vmm/base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct sandbox_user {
	uid_t uid;
	gid_t gid;
};

/*
 * Finds the user of NAME, NAME:GROUP, UID or UID:GID in /etc/passwd and /etc/group. No other
 * directory service is asked, since those run code of their own in the process. -EINVAL with @err
 * set.
 */
int sandbox_user_find(const char *text, struct sandbox_user *ret_user, struct error *err);

/* Moves the process into the cgroup whose directory is @dir. -errno with @err set. */
int sandbox_enter_cgroup(const char *dir, struct error *err);

/* The calling thread's network is that of /run/netns/@netns, or of the file if it has a slash. */
int sandbox_enter_netns(const char *netns, struct error *err);

int sandbox_enter_root(const char *dir, struct error *err);

/* No capability can be had again, by whatever is executed: before the user changes. */
void sandbox_drop_bounding_set(void);

/* The user's ids, and no supplementary groups. */
int sandbox_become_user(const struct sandbox_user *user, const char *text, struct error *err);

/* Keeps of the capabilities those of the mask @keep at most. */
int sandbox_keep_capabilities(uint32_t keep, struct error *err);

#endif
