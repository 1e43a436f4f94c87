// SPDX-License-Identifier: Apache-2.0
/* The order in which things are given up. Start reading at sandbox_confine. */
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

/* A sanitizer opens files, makes threads and traces the process: where one is built in, nothing is
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

/* Closes what is inherited among the STEP numbers from @fd on; returns how many of them are free.
 */
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

/* All but those that mvmm was given. */
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
 * All of mvmm's own descriptors have FD_CLOEXEC, and what came through exec cannot have it: so
 * those without it, but for the standard ones, are somebody else's. New descriptors get the lowest
 * free number, and mvmm has few open that it closes again: so where many are free those above that
 * are mvmm's were given to it.
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
	return ret < 0 ? error_set(err, -ret, "--sandbox allow=%s: %s", path, strerror(-ret)) : 0;
}

static int add_rules(int rules_fd, const struct sandbox_options *options,
		     const struct sandbox_file *files, unsigned n_files, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < n_files && ret == 0; i++) {
		ret = sandbox_landlock_allow(rules_fd, files[i].dir_fd,
					     files[i].renamed ? SANDBOX_RENAME_FILES
							      : SANDBOX_REMOVE_FILES);
		if (ret < 0)
			error_set(err, -ret, "--sandbox: Landlock, for %s: %s", files[i].path,
				  strerror(-ret));
	}
	for (unsigned i = 0; i < options->n_allowed && ret == 0; i++)
		ret = error_blame_option(err, allow_directory(rules_fd, options->allowed[i], err));
	return ret;
}

/* While their paths can still be reached. -1 in *@ret_fd where there is nothing to enforce. */
static int make_rules(const struct sandbox_options *options, const struct sandbox_file *files,
		      unsigned n_files, int *ret_fd, struct error *err)
{
	int fd, ret;

	*ret_fd = -1;
	if (mode_of(options) != SANDBOX_ON)
		return 0;
	fd = sandbox_landlock_new();
	if (fd == -ENOSYS || fd == -EOPNOTSUPP) {
		/* Without allowed directories no call that opens a file is on any list. */
		if (options->n_allowed)
			log_warning("--sandbox allow=: this kernel has no Landlock, so files can "
				    "be opened everywhere");
		else
			log_info("this kernel has no Landlock; the sandbox is system calls only");
		return 0;
	}
	if (fd < 0)
		return error_set(err, -fd, "--sandbox: Landlock: %s", strerror(-fd));
	ret = add_rules(fd, options, files, n_files, err);
	if (ret < 0)
		close(fd);
	else
		*ret_fd = fd;
	return ret;
}

static int give_files(const struct sandbox_file *files, unsigned n_files,
		      const struct sandbox_user *user, struct error *err)
{
	for (unsigned i = 0; i < n_files; i++)
		if (fchownat(files[i].dir_fd, files[i].name, user->uid, user->gid,
			     AT_SYMLINK_NOFOLLOW) < 0)
			return error_set(err, errno, "--user: cannot give it %s: %s", files[i].path,
					 strerror(errno));
	return 0;
}

/* Found out now, not at the end. */
static int check_files(const struct sandbox_file *files, unsigned n_files, const char *user,
		       struct error *err)
{
	for (unsigned i = 0; i < n_files; i++)
		if (faccessat(files[i].dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
			return error_set(
				err, errno,
				"--user %s: it could not %s %s at the end: %s; use a "
				"directory that it may write to",
				user, files[i].renamed ? "write the result" : "remove the socket",
				files[i].path, strerror(errno));
	return 0;
}

static int change_user(const struct sandbox_options *options, const struct sandbox_file *files,
		       unsigned n_files, const struct sandbox_user *user, struct error *err)
{
	int ret = give_files(files, n_files, user, err);

	/* It takes a privilege. Where root stays root no_new_privs does as much, in less time. */
	sandbox_drop_bounding_set();
	if (ret == 0)
		ret = sandbox_become_user(user, options->user, err);
	if (ret == 0)
		ret = sandbox_keep_capabilities(0, err);
	return ret < 0 ? ret : check_files(files, n_files, options->user, err);
}

static int drop_privileges(const struct sandbox_options *options, const struct sandbox_file *files,
			   unsigned n_files, struct error *err)
{
	struct sandbox_user user;
	uint32_t keep = 0;
	int ret = 0;

	/* Its name is looked up where it means something. */
	if (options->user)
		ret = sandbox_user_find(options->user, &user, err);
	if (ret == 0 && options->netns)
		ret = sandbox_enter_netns(options->netns, err);
	if (ret == 0 && options->chroot)
		ret = sandbox_enter_root(options->chroot, err);
	if (ret < 0)
		return ret;
	if (options->user)
		return change_user(options, files, n_files, &user, err);
	/* Root that stays root uses files that belong to others, as it is used to. */
	if (n_files || options->n_allowed)
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
		return error_set(err, errno, "--sandbox: prctl: %s", strerror(errno));
	ret = rules_fd >= 0 ? sandbox_landlock_enforce(rules_fd) : 0;
	if (ret < 0)
		return error_set(err, -ret, "--sandbox: Landlock: %s", strerror(-ret));
	return sandbox_seccomp_prepare(err);
}

int sandbox_confine(const struct sandbox_options *options, const struct sandbox_file *files,
		    unsigned n_files, struct error *err)
{
	int rules_fd, ret = make_rules(options, files, n_files, &rules_fd, err);

	if (ret < 0)
		return ret;
	if (mode_of(options) != SANDBOX_OFF)
		close_inherited();
	ret = error_blame_option(err, drop_privileges(options, files, n_files, err));
	if (ret == 0)
		ret = lock(options, rules_fd, err);
	if (rules_fd >= 0)
		close(rules_fd);
	return ret;
}

int sandbox_confine_thread(const struct sandbox_options *options, enum sandbox_thread thread)
{
	if (mode_of(options) == SANDBOX_OFF)
		return 0;
	return sandbox_seccomp_install(thread, mode_of(options) == SANDBOX_LOG);
}

bool sandbox_can_open(const struct sandbox_options *options)
{
	return mode_of(options) != SANDBOX_ON || options->n_allowed;
}
