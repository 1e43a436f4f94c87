// SPDX-License-Identifier: Apache-2.0
/* Namespaces, cgroups, users, capabilities: one function for each, in the header's order. */
#include "vmm/sandbox/sandbox_privileges.h"

#include "vmm/base/keyval.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The system takes (uid_t)-1 as "unchanged". */
static int parse_id(const char *text, uint32_t *ret_id)
{
	uint64_t n;

	if (keyval_number(text, &n) < 0 || n >= UINT32_MAX)
		return -EINVAL;
	*ret_id = (uint32_t)n;
	return 0;
}

/* Finds the user in /etc/passwd, by name or number, and with it the group. */
static int find_user(const char *name, struct sandbox_user *user)
{
	FILE *file = fopen("/etc/passwd", "re");
	bool numeric = parse_id(name, &user->uid) == 0;
	struct passwd *entry;
	int ret = -ENOENT;

	if (!file)
		return -errno;
	while (ret < 0 && (entry = fgetpwent(file))) {
		if (numeric ? entry->pw_uid != user->uid : strcmp(entry->pw_name, name) != 0)
			continue;
		*user = (struct sandbox_user){ entry->pw_uid, entry->pw_gid };
		ret = 0;
	}
	fclose(file);
	return ret;
}

static int find_group(const char *name, gid_t *ret_gid)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *entry;
	int ret = -ENOENT;

	if (!file)
		return -errno;
	while (ret < 0 && (entry = fgetgrent(file))) {
		if (strcmp(entry->gr_name, name) != 0)
			continue;
		*ret_gid = entry->gr_gid;
		ret = 0;
	}
	fclose(file);
	return ret;
}

int sandbox_user_find(const char *text, struct sandbox_user *ret_user, struct error *err)
{
	const char *colon = strchr(text, ':');
	struct sandbox_user user;
	char name[64];
	int found;

	if ((size_t)snprintf(name, sizeof(name), "%.*s", colon ? (int)(colon - text) : INT_MAX,
			     text) >= sizeof(name))
		return error_set(err, EINVAL, "--user %s: no user has such a long name", text);
	found = find_user(name, &user);
	/* A number needs no entry if the group is given as well. */
	if (found < 0 && !(colon && parse_id(name, &user.uid) == 0))
		return error_set(err, EINVAL,
				 "--user %s: there is no user %s in /etc/passwd; give UID:GID, or "
				 "make one (useradd --system %s)",
				 text, name, name);
	if (colon && parse_id(colon + 1, &user.gid) < 0 && find_group(colon + 1, &user.gid) < 0)
		return error_set(err, EINVAL, "--user %s: there is no group %s in /etc/group", text,
				 colon + 1);
	*ret_user = user;
	return 0;
}

int sandbox_enter_cgroup(const char *dir, struct error *err)
{
	char path[PATH_MAX];
	int fd, code = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= sizeof(path))
		return error_set(err, ENAMETOOLONG, "--cgroup %s: is too long", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_set(err, errno,
				 "--cgroup %s: cannot open cgroup.procs there: %s; give the "
				 "directory of a cgroup, such as /sys/fs/cgroup/vms",
				 dir, strerror(errno));
	/* 0 stands for the process that writes it. */
	if (write(fd, "0", 1) != 1)
		code = errno;
	close(fd);
	if (code)
		return error_system(err, code, "--cgroup %s: cannot move into it", dir);
	return 0;
}

int sandbox_enter_netns(const char *netns, struct error *err)
{
	char path[PATH_MAX];
	int fd, code = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s%s", strchr(netns, '/') ? "" : "/run/netns/",
			     netns) >= sizeof(path))
		return error_set(err, ENAMETOOLONG, "--netns %s: is too long", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return error_set(err, errno,
				 "--netns %s: cannot open %s: %s; ip netns add makes one", netns,
				 path, strerror(errno));
	if (setns(fd, CLONE_NEWNET) < 0)
		code = errno;
	close(fd);
	if (code)
		return error_set(err, code, "--netns %s: cannot enter it: %s%s", netns,
				 strerror(code),
				 code == EPERM ? "; only root can"
					       : "; give a network namespace's name or file");
	return 0;
}

int sandbox_enter_root(const char *dir, struct error *err)
{
	if (chroot(dir) < 0)
		return error_set(err, errno, "--chroot %s: %s%s", dir, strerror(errno),
				 errno == EPERM ? "; only root can" : "; give a directory");
	if (chdir("/") < 0)
		return error_system(err, errno, "--chroot %s: cannot enter it", dir);
	return 0;
}

void sandbox_drop_bounding_set(void)
{
	/* Up to the first capability that this kernel does not know. Without privileges it fails at
	 * once, but then there are none to lose, and no_new_privs prevents new ones. */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int refused_user(const char *text, struct error *err)
{
	return error_set(err, errno, "--user %s: cannot become this user: %s%s", text,
			 strerror(errno), errno == EPERM ? "; only root can" : "");
}

int sandbox_try_user(const struct sandbox_user *user, const char *text, struct error *err)
{
	if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid((uid_t)-1, user->uid, (uid_t)-1) < 0)
		return refused_user(text, err);
	return 0;
}

void sandbox_leave_user(void)
{
	int ret = seteuid(getuid());

	(void)ret; /* What is left to do then fails for want of rights. */
}

int sandbox_become_user(const struct sandbox_user *user, const char *text, struct error *err)
{
	return setresuid(user->uid, user->uid, user->uid) < 0 ? refused_user(text, err) : 0;
}

int sandbox_keep_capabilities(uint32_t keep, struct error *err)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return error_system(err, errno, "cannot read capabilities");
	data[0].permitted &= keep;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &header, data) < 0)
		return error_system(err, errno, "cannot drop capabilities");
	return 0;
}
