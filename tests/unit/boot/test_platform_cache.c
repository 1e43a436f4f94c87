// SPDX-License-Identifier: Apache-2.0
/* Keys that follow the file, and caches that are full of garbage or cannot be written. */
#include "boot/platform_cache.h"
#include "tests/support/boot_fixture.h"
#include "vmm/base/array.h"

#include <fcntl.h>
#include <sys/stat.h>

static char dir[32], kernel[40];

/* A file at @path, which may have been another one before. */
static void make_file(const char *path, const char *content)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(content, f);
	fclose(f);
}

static void setup(void)
{
	fixture_directory(dir);
	snprintf(kernel, sizeof(kernel), "%s/kernel", dir);
	make_file(kernel, "some kernel");
	setenv("XDG_CACHE_HOME", dir, 1);
}

static void teardown(void)
{
	fixture_remove(dir);
}

static struct platform_cache cache_of(const char *path)
{
	struct input_file file = fixture_open("--kernel", path);
	struct platform_cache cache;

	platform_cache_init(&cache, &file);
	input_file_close(&file);
	return cache;
}

Test(platform_cache, keeps_answers, .init = setup, .fini = teardown)
{
	enum boot_platform platform = BOOT_PLATFORM_AUTO;
	struct platform_cache a, b;
	char other[48], name[48];

	snprintf(other, sizeof(other), "%s.old", kernel);
	snprintf(name, sizeof(name), "%s.new", kernel);
	make_file(other, "some kernel");
	a = cache_of(kernel);
	b = cache_of(other);
	cr_assert_eq(strncmp(a.path, dir, strlen(dir)), 0);
	cr_assert_not(platform_cache_get(&a, &platform));
	platform_cache_put(&a, BOOT_PLATFORM_ACPI);
	platform_cache_put(&b, BOOT_PLATFORM_DT);
	/* By whatever name. */
	cr_assert_eq(symlink(kernel, name), 0);
	a = cache_of(name);
	cr_assert(platform_cache_get(&a, &platform));
	cr_assert_eq(platform, BOOT_PLATFORM_ACPI);
	b = cache_of(other);
	cr_assert(platform_cache_get(&b, &platform));
	cr_assert_eq(platform, BOOT_PLATFORM_DT);
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	return st;
}

/* Gives @path these times of change; that of the inode is the kernel's to set. */
static void set_times(const char *path, const struct stat *from)
{
	const struct timespec times[2] = { from->st_atim, from->st_mtim };

	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool is_same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

Test(platform_cache, key_follows_the_file, .init = setup, .fini = teardown)
{
	struct stat before = stat_of(kernel);
	struct platform_cache first = cache_of(kernel);
	char other[48];

	cr_assert_str_eq(cache_of(kernel).path, first.path);
	/* Written to, with the old time put back: as soon as the clock has moved on. */
	do {
		make_file(kernel, "same length");
		set_times(kernel, &before);
	} while (is_same(stat_of(kernel).st_ctim, before.st_ctim));
	cr_assert_str_neq(cache_of(kernel).path, first.path);
	/* Another one in its place. */
	first = cache_of(kernel);
	snprintf(other, sizeof(other), "%s.new", kernel);
	make_file(other, "same length");
	set_times(other, &before);
	cr_assert_eq(rename(other, kernel), 0);
	cr_assert_str_neq(cache_of(kernel).path, first.path);
}

/* Each of them on its own. */
Test(platform_cache, key_has_all_of_it, .init = setup, .fini = teardown)
{
	struct stat st = stat_of(kernel);
	char path[PATH_MAX], part[64];

	snprintf(path, sizeof(path), "-%s-", strrchr(cache_of(kernel).path, '/') + 1);
	snprintf(part, sizeof(part), "-%jx-%jx-%jx-", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
		 (uintmax_t)st.st_size);
	cr_assert_not_null(strstr(path, part), "%s", path);
	snprintf(part, sizeof(part), "-%jx.%lx-", (uintmax_t)st.st_mtim.tv_sec,
		 (unsigned long)st.st_mtim.tv_nsec);
	cr_assert_not_null(strstr(path, part), "%s", path);
	snprintf(part, sizeof(part), "-%jx.%lx-", (uintmax_t)st.st_ctim.tv_sec,
		 (unsigned long)st.st_ctim.tv_nsec);
	cr_assert_not_null(strstr(path, part), "%s", path);
}

/* Each start would leave an entry that no other one finds. */
Test(platform_cache, file_without_a_name_has_no_entry, .init = setup, .fini = teardown)
{
	struct fixture_file f = fixture_file("some kernel", 11);

	cr_assert_str_eq(cache_of(f.path).path, "");
}

/* What earlier versions kept was named by a hash of the content. */
Test(platform_cache, old_entries_are_not_read, .init = setup, .fini = teardown)
{
	const char *name = strrchr(cache_of(kernel).path, '/') + 1;

	cr_assert_eq(strncmp(name, "2-", 2), 0, "%s", name);
}

/*
 * bad input: Images: garbage in the file where mvmm remembers which kernel needs ACPI -> it is
 * ignored
 */
Test(platform_cache, ignores_garbage, .init = setup, .fini = teardown)
{
	static const char *const garbage[] = { "",
					       "d",
					       "dt",
					       "dt\n\n",
					       "auto\n",
					       "acpi\nx",
					       "a very long line that is no platform at all\n" };
	struct platform_cache cache = cache_of(kernel);
	enum boot_platform platform = BOOT_PLATFORM_AUTO;

	platform_cache_put(&cache, BOOT_PLATFORM_DT);
	cr_assert(platform_cache_get(&cache, &platform));
	for (unsigned i = 0; i < ARRAY_SIZE(garbage); i++) {
		FILE *f = fopen(cache.path, "w");

		cr_assert_not_null(f);
		fputs(garbage[i], f);
		fclose(f);
		cr_assert_not(platform_cache_get(&cache, &platform), "'%s'", garbage[i]);
	}
	platform_cache_put(&cache, BOOT_PLATFORM_ACPI);
	cr_assert(platform_cache_get(&cache, &platform));
	cr_assert_eq(unlink(cache.path), 0);
	cr_assert_eq(mkdir(cache.path, 0700), 0);
	cr_assert_not(platform_cache_get(&cache, &platform));
	platform_cache_put(&cache, BOOT_PLATFORM_ACPI);
	cr_assert_not(platform_cache_get(&cache, &platform));
}

Test(platform_cache, needs_no_place, .init = setup, .fini = teardown)
{
	enum boot_platform platform = BOOT_PLATFORM_AUTO;
	struct platform_cache cache;

	setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
	cache = cache_of(kernel);
	platform_cache_put(&cache, BOOT_PLATFORM_DT);
	cr_assert_not(platform_cache_get(&cache, &platform));
	/* Relative paths are to be ignored. */
	setenv("XDG_CACHE_HOME", "relative", 1);
	setenv("HOME", dir, 1);
	cr_assert_eq(strncmp(cache_of(kernel).path, dir, strlen(dir)), 0);
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	cache = cache_of(kernel);
	cr_assert_str_eq(cache.path, "");
	platform_cache_put(&cache, BOOT_PLATFORM_DT);
	cr_assert_not(platform_cache_get(&cache, &platform));
}
