/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembers what kernel_probe found: one small file for each kernel in
 * ${XDG_CACHE_HOME:-$HOME/.cache}/mvmm/kernel-platform. A cache that cannot be read or written
 * costs time, never a start.
 */
#pragma once

#include "boot/boot.h"
#include "boot/input_file.h"

#include <limits.h>
#include <stdbool.h>

struct platform_cache {
	char path[PATH_MAX]; /* of this kernel's entry; "" where there is no place for a cache */
};

/*
 * Finds the entry for @file. Its name has the file's device, inode, size and times of change: who
 * writes to the file or puts another one in its place changes one of them. A copy is another file.
 */
void platform_cache_init(struct platform_cache *cache, const struct input_file *file);

/* True if there is an answer; anything but the words that put writes is none. */
bool platform_cache_get(const struct platform_cache *cache, enum boot_platform *ret_platform);

/* Keeps an answer, as a whole or not at all; failure is silent. */
void platform_cache_put(const struct platform_cache *cache, enum boot_platform platform);
