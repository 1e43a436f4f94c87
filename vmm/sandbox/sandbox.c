// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/sandbox.
/* Gives up the process's rights, in order. Start reading at sandbox_confine. */
#include "vmm/sandbox/sandbox.h"

#include "vmm/base/file_argument.h"
#include "vmm/base/log.h"
#include "vmm/sandbox/sandbox_landlock.h"
#include "vmm/sandbox/sandbox_privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define STEP 32

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

/* A sanitizer opens files, creates threads and traces the process: in such a build nothing is
 * refused. */
static enum sandbox_mode mode_of(const struct sandbox_options *options)
{
#ifdef SANITIZED
	if (options->mode == SANDBOX_ON)
		return SANDBOX_LOG;
#endif
	return options->mode;
}

int sandbox_join(const struct sandbox_options *options, struct error *err)
{
	return options->cgroup ? sandbox_enter_cgroup(options->cgroup, err) : 0;
}

/* Closes inherited ones of the STEP descriptors from @fd on; returns how many are free. */
static unsigned close_inherited_from(int fd)
{
	unsigned unused = 0;

	for (int end = fd + STEP; fd < end; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0)
			unused++;
		else if (!(flags & FD_CLOEXEC))
			close(fd);
	}
	return unused;
}

/* Closes all descriptors from @first on but those that mvmm was given. */
static void close_above(unsigned first)
{
	int taken;

	while ((taken = file_argument_next((int)first)) >= 0) {
		if ((unsigned)taken > first)
			close_range(first, (unsigned)taken - 1, 0);
		first = (unsigned)taken + 1;
	}
	close_range(first, ~0U, 0);
}

/*
 * All of mvmm's own descriptors have FD_CLOEXEC, and one that came through exec cannot have it. So
 * those without it, except the standard ones, were inherited. A new descriptor gets the lowest free
 * number, and mvmm closes few of its own. So above a range with many free numbers, the only
 * descriptors of mvmm are those that it was given.
 */
static void close_inherited(void)
{
	int fd = STDERR_FILENO + 1;

	while (close_inherited_from(fd) < STEP / 2)
		fd += STEP;
	close_above((unsigned)fd + STEP);
}

static int allow_directory(int rules_fd, const char *path, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), ret;

	if (fd < 0)
		return error_set(err, errno, "--sandbox allow=%s: %s; give a directory", path,
				 strerror(errno));
	ret = sandbox_landlock_allow(rules_fd, fd, SANDBOX_OPEN_FILES);
	close(fd);
	return ret < 0 ? error_system(err, -ret, "--sandbox allow=%s", path) : 0;
}

static int add_rules(int rules_fd, const struct sandbox_options *options,
		     const struct sandbox_files *files, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < files->n && ret == 0; i++) {
		ret = sandbox_landlock_allow(rules_fd, files->list[i].dir_fd,
					     files->list[i].fd ? SANDBOX_NAME_FILES
							       : SANDBOX_REMOVE_FILES);
		if (ret < 0)
			error_system(err, -ret, "--sandbox: Landlock, for %s", files->list[i].path);
	}
	if (ret == 0 && files->snapshots_fd) {
		ret = sandbox_landlock_allow(rules_fd, files->snapshots_fd, SANDBOX_SAVE_FILES);
		if (ret < 0)
			error_system(err, -ret, "--snapshots %s: Landlock", files->snapshots);
	}
	for (unsigned i = 0; i < options->n_allowed && ret == 0; i++)
		ret = error_blame_option(err, allow_directory(rules_fd, options->allowed[i], err));
	return ret;
}

/* Makes the rules while paths can still be reached. *@ret_fd is -1 if there are none to enforce. */
static int make_rules(const struct sandbox_options *options, const struct sandbox_files *files,
		      int *ret_fd, struct error *err)
{
	int fd, ret;

	*ret_fd = -1;
	if (mode_of(options) != SANDBOX_ON)
		return 0;
	fd = sandbox_landlock_new();
	if (fd == -ENOSYS || fd == -EOPNOTSUPP) {
		/* Without allowed directories, no thread's list has a call that opens a file. */
		if (options->n_allowed)
			log_warning("--sandbox allow=: this kernel has no Landlock, so files can "
				    "be opened everywhere");
		else
			log_info("this kernel has no Landlock; the sandbox only restricts system "
				 "calls");
		return 0;
	}
	if (fd < 0)
		return error_system(err, -fd, "--sandbox: Landlock");
	ret = add_rules(fd, options, files, err);
	if (ret < 0)
		close(fd);
	else
		*ret_fd = fd;
	return ret;
}

static int give_files(const struct sandbox_files *files, const struct sandbox_user *user,
		      const char *text, struct error *err)
{
	for (unsigned i = 0; i < files->n; i++) {
		const struct kept_file *file = &files->list[i];
		int ret = file->fd ? fchown(file->fd, user->uid, user->gid)
				   : fchownat(file->dir_fd, file->name, user->uid, user->gid,
					      AT_SYMLINK_NOFOLLOW);

		if (ret < 0)
			return error_system(err, errno, "--user %s: cannot make it the owner of %s",
					    text, file->path);
	}
	return 0;
}

/* Checks now what would otherwise fail at the end. */
static int check_files(const struct sandbox_files *files, const char *user, struct error *err)
{
	for (unsigned i = 0; i < files->n; i++)
		if (faccessat(files->list[i].dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
			return error_set(
				err, errno,
				"--user %s: this user cannot %s %s at the end: %s; use a "
				"directory that the user can write to",
				user, files->list[i].fd ? "write the result" : "remove the socket",
				files->list[i].path, strerror(errno));
	if (files->snapshots_fd && faccessat(files->snapshots_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return error_set(
			err, errno,
			"--user %s: this user cannot make snapshots in --snapshots %s: %s; "
			"use a directory that the user can write to",
			user, files->snapshots, strerror(errno));
	return 0;
}

static int change_user(const struct sandbox_options *options, const struct sandbox_files *files,
		       const struct sandbox_user *user, struct error *err)
{
	int ret = give_files(files, user, options->user, err);

	/* It needs a privilege. If root stays root, no_new_privs does as much in less time. */
	sandbox_drop_bounding_set();
	if (ret == 0)
		ret = sandbox_try_user(user, options->user, err);
	if (ret < 0)
		return ret;
	/* A start that fails here still has the right to remove what it made. */
	ret = check_files(files, options->user, err);
	if (ret < 0) {
		sandbox_leave_user();
		return ret;
	}
	ret = sandbox_become_user(user, options->user, err);
	return ret < 0 ? ret : sandbox_keep_capabilities(0, err);
}

static int drop_privileges(const struct sandbox_options *options, const struct sandbox_files *files,
			   struct error *err)
{
	struct sandbox_user user;
	uint32_t keep = 0;
	int ret = 0;

	/* Before the root directory changes, because it is looked up in /etc. */
	if (options->user)
		ret = sandbox_user_find(options->user, &user, err);
	if (ret == 0 && options->netns)
		ret = sandbox_enter_netns(options->netns, err);
	if (ret == 0 && options->chroot)
		ret = sandbox_enter_root(options->chroot, err);
	if (ret < 0)
		return ret;
	if (options->user)
		return change_user(options, files, &user, err);
	/* If root stays root, it may use files that belong to others. */
	if (files->n || files->snapshots_fd || options->n_allowed)
		keep = 1u << CAP_DAC_OVERRIDE;
	return mode_of(options) == SANDBOX_ON ? sandbox_keep_capabilities(keep, err) : 0;
}

static int lock(const struct sandbox_options *options, int rules_fd, struct error *err)
{
	int ret;

	if (mode_of(options) == SANDBOX_OFF)
		return 0;
	if ((mode_of(options) == SANDBOX_ON && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_system(err, errno, "--sandbox: prctl");
	ret = rules_fd >= 0 ? sandbox_landlock_enforce(rules_fd) : 0;
	if (ret < 0)
		return error_system(err, -ret, "--sandbox: Landlock");
	return 0;
}

int sandbox_confine(const struct sandbox_options *options, const struct sandbox_files *files,
		    struct error *err)
{
	int rules_fd = -1, ret = 0;

	if (mode_of(options) != SANDBOX_OFF)
		ret = sandbox_seccomp_prepare(err);
	if (ret == 0)
		ret = make_rules(options, files, &rules_fd, err);
	if (ret < 0)
		return ret;
	if (mode_of(options) != SANDBOX_OFF)
		close_inherited();
	ret = error_blame_option(err, drop_privileges(options, files, err));
	if (ret == 0)
		ret = lock(options, rules_fd, err);
	if (rules_fd >= 0)
		close(rules_fd);
	return ret;
}

int sandbox_confine_thread(const struct sandbox_options *options, enum sandbox_thread thread,
			   struct sandbox_descriptors fds)
{
	if (mode_of(options) == SANDBOX_OFF)
		return 0;
	return sandbox_seccomp_install(thread, fds, mode_of(options) == SANDBOX_LOG);
}

bool sandbox_can_open(const struct sandbox_options *options)
{
	return mode_of(options) != SANDBOX_ON || options->n_allowed;
}
