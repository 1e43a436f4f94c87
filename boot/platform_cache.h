/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembers what kernel_probe found, by the kernel's content: one small file for each kernel in
 * ${XDG_CACHE_HOME:-$HOME/.cache}/mvmm/kernel-platform. A cache that cannot be read or written
 * costs time, never a start.
 */
#ifndef MVMM_BOOT_PLATFORM_CACHE_H
#define MVMM_BOOT_PLATFORM_CACHE_H

#include "boot/boot.h"
#include "boot/input_file.h"

#include <limits.h>
#include <stdbool.h>

struct platform_cache {
	char path[PATH_MAX]; /* of this kernel's entry; "" where there is no place for a cache */
};

/*
 * Finds the entry for @file. The name is a hash of samples: its size, its first and last 16 KiB and
 * pages spread over the rest. That is enough to tell kernels apart, because the samples take in the
 * setup header (lengths, init_size, the version with its build date) and the end, where the
 * compressed stream keeps its checksum or length and older builds a CRC of the whole file; and
 * a compressed stream differs everywhere behind its first difference. Nothing rests on it against
 * an attacker: a wrong answer gives a kernel a description that it cannot read.
 */
void platform_cache_init(struct platform_cache *cache, const struct input_file *file);

/* True if there is an answer; anything but the words that put writes is none. */
bool platform_cache_get(const struct platform_cache *cache, enum boot_platform *ret_platform);

/* Keeps an answer, as a whole or not at all; failure is silent. */
void platform_cache_put(const struct platform_cache *cache, enum boot_platform platform);

#endif
