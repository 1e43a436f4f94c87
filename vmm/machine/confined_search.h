/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks into a kernel in a process of its own. What unpacks a kernel is a large library, and the
 * kernel may be hostile; so that process can read the kernel, write its answer and allocate memory,
 * and nothing else.
 */
#pragma once

#include "boot/kernel_probe.h"
#include "vmm/sandbox/sandbox.h"

struct confined_search {
	struct kernel_searcher searcher; /* for kernel_probe */
	const struct sandbox_options *sandbox;
	/* What the process does: kernel_search but in tests. */
	int (*search)(const struct input_file *file, struct kernel_probe *probe, struct error *err);
};

/*
 * @sandbox is borrowed; with its mode SANDBOX_OFF the process may do all that mvmm may. The
 * searcher's errors are those of kernel_search, those of fork and pipe, and -ECHILD where the
 * process ended without an answer.
 */
void confined_search_init(struct confined_search *confined, const struct sandbox_options *sandbox);
