// SPDX-License-Identifier: Apache-2.0
/* Keys that follow the content, and caches that are full of garbage or cannot be written. */
#include "boot/platform_cache.h"
#include "tests/support/boot_fixture.h"

#include <sys/stat.h>

#define BYTES (2 * MIB)

static uint8_t content[BYTES];
static char dir[32];

static void setup(void)
{
	unsigned seed = 1;

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)rand_r(&seed);
	fixture_directory(dir);
	setenv("XDG_CACHE_HOME", dir, 1);
}

static void teardown(void)
{
	fixture_remove(dir);
}

static struct platform_cache cache_of(const void *data, size_t len)
{
	struct fixture_file f = fixture_file(data, len);
	struct platform_cache cache;
	struct input_file file;
	struct error err;

	cr_assert_eq(input_file_open(&file, "--kernel", f.path, &err), 0);
	platform_cache_init(&cache, &file);
	input_file_close(&file);
	close(f.fd);
	return cache;
}

Test(platform_cache, keeps_answers, .init = setup, .fini = teardown)
{
	struct platform_cache a = cache_of(content, BYTES);
	struct platform_cache b = cache_of(content, BYTES - 1);
	enum boot_platform platform = BOOT_PLATFORM_AUTO;

	cr_assert_eq(strncmp(a.path, dir, strlen(dir)), 0);
	cr_assert_not(platform_cache_get(&a, &platform));
	platform_cache_put(&a, BOOT_PLATFORM_ACPI);
	platform_cache_put(&b, BOOT_PLATFORM_DT);
	a = cache_of(content, BYTES);
	cr_assert(platform_cache_get(&a, &platform));
	cr_assert_eq(platform, BOOT_PLATFORM_ACPI);
	cr_assert(platform_cache_get(&b, &platform));
	cr_assert_eq(platform, BOOT_PLATFORM_DT);
}

Test(platform_cache, key_follows_the_content, .init = setup, .fini = teardown)
{
	const size_t at[] = { 0, 0x1f1, 0x3fff, BYTES / 2, BYTES - 0x4000, BYTES - 1 };
	struct platform_cache first = cache_of(content, BYTES);

	for (unsigned i = 0; i < 6; i++) {
		content[at[i]] ^= 1;
		cr_assert_str_neq(cache_of(content, BYTES).path, first.path, "byte %zu", at[i]);
		content[at[i]] ^= 1;
	}
	cr_assert_str_eq(cache_of(content, BYTES).path, first.path);
	/* Small files are hashed whole, and trailing zeroes count. */
	first = cache_of(content, 5000);
	content[4096] ^= 1;
	cr_assert_str_neq(cache_of(content, 5000).path, first.path);
	memset(content, 0, 5001);
	cr_assert_str_neq(cache_of(content, 5000).path, cache_of(content, 5001).path);
}

/* bad input: Images: garbage where the answers about kernels are kept -> is ignored */
Test(platform_cache, ignores_garbage, .init = setup, .fini = teardown)
{
	static const char *const garbage[] = { "",
					       "d",
					       "dt",
					       "dt\n\n",
					       "auto\n",
					       "acpi\nx",
					       "a very long line that is no platform at all\n" };
	struct platform_cache cache = cache_of(content, BYTES);
	enum boot_platform platform = BOOT_PLATFORM_AUTO;

	platform_cache_put(&cache, BOOT_PLATFORM_DT);
	cr_assert(platform_cache_get(&cache, &platform));
	for (unsigned i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
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
	cache = cache_of(content, BYTES);
	platform_cache_put(&cache, BOOT_PLATFORM_DT);
	cr_assert_not(platform_cache_get(&cache, &platform));
	/* Relative paths are to be ignored. */
	setenv("XDG_CACHE_HOME", "relative", 1);
	setenv("HOME", dir, 1);
	cr_assert_eq(strncmp(cache_of(content, BYTES).path, dir, strlen(dir)), 0);
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	cache = cache_of(content, BYTES);
	cr_assert_str_eq(cache.path, "");
	platform_cache_put(&cache, BOOT_PLATFORM_DT);
	cr_assert_not(platform_cache_get(&cache, &platform));
}
