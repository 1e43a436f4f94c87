// SPDX-License-Identifier: Apache-2.0
/* Takes a client's path apart, and opens the directory that it is in. Start reading at refuse. */
#include "vmm/snapshot/snapshot_path.h"

#include "vmm/base/parent_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* openat2(2): the kernel cannot always tell whether a path stays beneath while others rename. */
#define TRIES 10

static bool has_control_character(const char *path)
{
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return true;
	return false;
}

static const char *refuse_part(const char *part, size_t len)
{
	if (len == 0)
		return "has an empty part";
	if (len > NAME_MAX)
		return "has a part that is too long";
	if ((len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
		return "has a part . or ..";
	if (strncmp(part, SNAPSHOT_PATH_TEMPORARY, strlen(SNAPSHOT_PATH_TEMPORARY)) == 0)
		return "has a part that begins with " SNAPSHOT_PATH_TEMPORARY;
	return NULL;
}

/* Why a client may not have @path, or NULL. */
static const char *refuse(const char *path)
{
	const char *why = NULL;

	if (!*path)
		return "is empty";
	if (*path == '/')
		return "is absolute";
	if (strlen(path) >= PATH_MAX)
		return "is too long";
	for (const char *part = path; part && !why;) {
		size_t len = strcspn(part, "/");

		why = refuse_part(part, len);
		part = part[len] ? part + len + 1 : NULL;
	}
	return why;
}

/* For kernels before 5.6, and containers that do not know openat2. */
static int walk(int root_fd, char *path)
{
	int fd = openat(root_fd, ".", FLAGS);
	char *rest = path, *part;

	while (fd >= 0 && (part = strsep(&rest, "/")) != NULL) {
		int next = openat(fd, part, FLAGS), error = errno;

		close(fd);
		errno = error;
		fd = next;
	}
	return fd < 0 ? -errno : fd;
}

/* Changes @path. */
static int open_beneath(int root_fd, char *path)
{
	const struct open_how how = {
		.flags = FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd = -1;

	errno = EAGAIN;
	for (unsigned i = 0; i < TRIES && fd < 0 && errno == EAGAIN; i++)
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return walk(root_fd, path);
	return fd < 0 ? -errno : (int)fd;
}

int snapshot_path_check(const char *path, const char *what, struct error *err)
{
	const char *why = refuse(path);

	/* Not shown: a terminal would obey it. */
	if (has_control_character(path))
		return error_set(err, EINVAL,
				 "%s: the path has a control character; give a path without one",
				 what);
	if (why)
		return error_set(err, EINVAL,
				 "%s: the path \"%.200s\" %s; give one below the directory of "
				 "--snapshots",
				 what, path, why);
	return 0;
}

int snapshot_path_open(int root_fd, const char *path, const char *what, char ret_name[NAME_MAX + 1],
		       struct error *err)
{
	char directory[PATH_MAX] = ".";
	const char *name;
	int fd = snapshot_path_check(path, what, err);

	if (fd < 0)
		return fd;
	name = parent_directory_name(path);
	if (name > path) {
		memcpy(directory, path, (size_t)(name - path) - 1);
		directory[name - path - 1] = '\0';
	}
	fd = open_beneath(root_fd, directory);
	if (fd == -ENOENT)
		return error_set(
			err, ENOENT,
			"%s: the path \"%.200s\" is in a directory that is not there; make it "
			"below that of --snapshots",
			what, path);
	if (fd < 0)
		return error_set(
			err, -fd,
			"%s: the directory of the path \"%.200s\" cannot be opened: %s; name "
			"one that is no symbolic link and can be read",
			what, path, strerror(-fd));
	strcpy(ret_name, name);
	return fd;
}
