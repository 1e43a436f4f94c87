/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --platform auto: finds out which description of the machine a kernel can read. It searches the
 * uncompressed kernel for strings, which takes a second or so. The answer is kept by the kernel's
 * content in ${XDG_CACHE_HOME:-$HOME/.cache}/mvmm/kernel-platform.
 */
#pragma once

#include "boot/boot.h"

#include <stdbool.h>
#include <stdint.h>

struct kernel_probe {
	enum boot_platform platform; /* DT or ACPI */
	bool cached;		     /* known from an earlier start */
	char reason[256];	     /* for a log line */
	uint64_t searched;	     /* bytes of the uncompressed kernel */
};

/*
 * Searches the kernel @file, without looking at the cache: sets platform and reason. -errno with
 * @err set if it cannot be read or unpacked, -ENOENT where libarchive is not installed.
 */
int kernel_search(const struct input_file *file, struct kernel_probe *probe, struct error *err);

/* kernel_search, or something that calls it in a place where a hostile kernel can do no harm. */
struct kernel_searcher {
	int (*search)(struct kernel_searcher *searcher, const struct input_file *file,
		      struct kernel_probe *probe, struct error *err);
};

/*
 * Looks into the kernel @file, by @searcher unless the answer is known; NULL: by kernel_search. A
 * kernel that cannot be unpacked gets ACPI and a reason. Returns -errno with @err set only for a
 * file that cannot be read or is no kernel at all.
 */
int kernel_probe(const struct input_file *file, struct kernel_searcher *searcher,
		 struct kernel_probe *ret_probe, struct error *err);
