// SPDX-License-Identifier: Apache-2.0
/* Files named by content, each with one word in it. */
#include "boot/platform_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Part of the key: raise it when kernel_probe would answer differently. */
#define RULES 1
#define END_BYTES 0x4000ull
#define PAGE 4096
#define PAGES 8

static const char *const words[] = {
	[BOOT_PLATFORM_DT] = "dt\n",
	[BOOT_PLATFORM_ACPI] = "acpi\n",
};

/* Two 64-bit lanes of FNV-1a taken a word at a time, with a shift so that high bits count too. */
struct hash {
	uint64_t lane[2];
};

static void hash_word(struct hash *h, uint64_t word)
{
	static const uint64_t prime[2] = { 0x100000001b3, 0x9e3779b97f4a7c15 };

	for (unsigned i = 0; i < 2; i++) {
		h->lane[i] = (h->lane[i] ^ word) * prime[i];
		h->lane[i] ^= h->lane[i] >> 29;
	}
}

/* What cannot be read counts as zeroes. */
static void hash_range(struct hash *h, const struct input_file *file, uint64_t off, size_t len)
{
	uint64_t buf[PAGE / sizeof(uint64_t)];

	for (size_t done = 0; done < len; done += sizeof(buf)) {
		ssize_t n = pread(file->fd, buf, sizeof(buf), (off_t)(off + done));
		size_t got = n > 0 ? (size_t)n : 0;

		memset((uint8_t *)buf + got, 0, sizeof(buf) - got);
		for (size_t i = 0; i < sizeof(buf) / sizeof(buf[0]); i++)
			hash_word(h, buf[i]);
	}
}

static struct hash hash_file(const struct input_file *file)
{
	struct hash h = { { 0xcbf29ce484222325, 0x84222325cbf29ce4 } };

	hash_word(&h, RULES);
	hash_word(&h, file->size);
	hash_range(&h, file, 0, END_BYTES);
	if (file->size <= 2 * END_BYTES) {
		hash_range(&h, file, END_BYTES, END_BYTES);
		return h;
	}
	hash_range(&h, file, file->size - END_BYTES, END_BYTES);
	for (uint64_t i = 0; i < PAGES; i++)
		hash_range(&h, file, END_BYTES + (file->size - 2 * END_BYTES) / PAGES * i, PAGE);
	return h;
}

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
	struct hash h;
	int n;

	cache->path[0] = '\0';
	if (directory(dir, sizeof(dir)) < 0)
		return;
	h = hash_file(file);
	n = snprintf(cache->path, sizeof(cache->path), "%s/%016" PRIx64 "%016" PRIx64, dir,
		     h.lane[0], h.lane[1]);
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
	size_t len = strlen(words[platform]);
	char temporary[PATH_MAX];
	ssize_t n;
	int fd;

	if (!cache->path[0] || (size_t)snprintf(temporary, sizeof(temporary), "%s.%d", cache->path,
						(int)getpid()) >= sizeof(temporary))
		return;
	make_parents(cache->path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	n = write(fd, words[platform], len);
	close(fd);
	if (n != (ssize_t)len || rename(temporary, cache->path) < 0)
		unlink(temporary);
}
