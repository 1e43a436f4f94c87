/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps by which root gives up rights: namespace, cgroup, root directory, user and capabilities.
 * sandbox.c has their order.
 */
#pragma once

#include "vmm/base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct sandbox_user {
	uid_t uid;
	gid_t gid;
};

/*
 * Finds the user of NAME, NAME:GROUP, UID or UID:GID in /etc/passwd and /etc/group. It asks no
 * other directory service, because those run their code in the process. -EINVAL with @err set.
 */
int sandbox_user_find(const char *text, struct sandbox_user *ret_user, struct error *err);

/* Moves the process into the cgroup whose directory is @dir. -errno with @err set. */
int sandbox_enter_cgroup(const char *dir, struct error *err);

/* Moves the thread into the network namespace @netns: a path, or a name in /run/netns. */
int sandbox_enter_netns(const char *netns, struct error *err);

int sandbox_enter_root(const char *dir, struct error *err);

/* Makes all capabilities unobtainable, whatever is executed. Call it before the user changes. */
void sandbox_drop_bounding_set(void);

/* The user's ids, and no supplementary groups, until sandbox_leave_user or sandbox_become_user. */
int sandbox_try_user(const struct sandbox_user *user, const char *text, struct error *err);

/* Back to the rights of before, without the groups. */
void sandbox_leave_user(void);

/* For good, after sandbox_try_user. */
int sandbox_become_user(const struct sandbox_user *user, const char *text, struct error *err);

/* Drops all capabilities that are not in the mask @keep. */
int sandbox_keep_capabilities(uint32_t keep, struct error *err);
