// SPDX-License-Identifier: Apache-2.0
/* One small file for each kernel: its name says which kernel, its content is one word. */
#include "boot/platform_cache.h"

#include "vmm/base/parent_directory.h"
#include "vmm/base/temporary_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Part of the key: raise it when kernel_probe would answer differently. */
#define RULES 2

static const char *const words[] = {
	[BOOT_PLATFORM_DT] = "dt\n",
	[BOOT_PLATFORM_ACPI] = "acpi\n",
};

/* The XDG Base Directory Specification wants absolute paths and relative ones ignored. */
static int directory(char *buf, size_t cap)
{
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int n;

	if (xdg && *xdg == '/')
		n = snprintf(buf, cap, "%s/mvmm/kernel-platform", xdg);
	else if (home && *home == '/')
		n = snprintf(buf, cap, "%s/.cache/mvmm/kernel-platform", home);
	else
		return -ENOENT;
	return n >= 0 && (size_t)n < cap ? 0 : -ENAMETOOLONG;
}

void platform_cache_init(struct platform_cache *cache, const struct input_file *file)
{
	char dir[PATH_MAX];
	struct stat st;
	int n;

	cache->path[0] = '\0';
	/* Nobody will come across one that has no name (any more). */
	if (directory(dir, sizeof(dir)) < 0 || fstat(file->fd, &st) < 0 || !st.st_nlink)
		return;
	n = snprintf(cache->path, sizeof(cache->path), "%s/%d-%jx-%jx-%jx-%jx.%lx-%jx.%lx", dir,
		     RULES, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, (uintmax_t)st.st_size,
		     (uintmax_t)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec,
		     (uintmax_t)st.st_ctim.tv_sec, (unsigned long)st.st_ctim.tv_nsec);
	if (n < 0 || (size_t)n >= sizeof(cache->path))
		cache->path[0] = '\0';
}

bool platform_cache_get(const struct platform_cache *cache, enum boot_platform *ret_platform)
{
	char word[16];
	ssize_t n;
	int fd;

	if (!cache->path[0])
		return false;
	fd = open(cache->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	n = read(fd, word, sizeof(word) - 1);
	close(fd);
	if (n < 0)
		return false;
	word[n] = '\0';
	for (unsigned i = BOOT_PLATFORM_DT; i <= BOOT_PLATFORM_ACPI; i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret_platform = i;
			return true;
		}
	}
	return false;
}

static void make_parents(const char *path)
{
	char part[PATH_MAX];

	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		memcpy(part, path, (size_t)(p - path));
		part[p - path] = '\0';
		mkdir(part, 0700);
	}
}

void platform_cache_put(const struct platform_cache *cache, enum boot_platform platform)
{
	const char *word = words[platform], *name = parent_directory_name(cache->path);
	struct temporary_file file = { 0 };
	int dir_fd;

	if (!cache->path[0])
		return;
	make_parents(cache->path);
	dir_fd = parent_directory_open(cache->path, O_PATH);
	if (dir_fd < 0)
		return;
	if (temporary_file_open(&file, dir_fd, name, 0600) == 0 &&
	    write(file.fd, word, strlen(word)) == (ssize_t)strlen(word))
		temporary_file_name(&file, name);
	temporary_file_fini(&file);
	close(dir_fd);
}
