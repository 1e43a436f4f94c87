/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --platform auto: which description of the machine can this kernel read? Answered by looking for
 * strings in the uncompressed kernel, which takes a second or so; the answer is kept by content in
 * ${XDG_CACHE_HOME:-$HOME/.cache}/mvmm/kernel-platform, so it is looked for once.
 */
#ifndef MVMM_BOOT_KERNEL_PROBE_H
#define MVMM_BOOT_KERNEL_PROBE_H

#include "boot/boot.h"

#include <stdbool.h>

struct kernel_probe {
	enum boot_platform platform; /* DT or ACPI */
	bool cached;		     /* known from an earlier start */
	char reason[256];	     /* for a log line */
};

/*
 * Looks into the kernel @file. A kernel that cannot be decompressed gets ACPI and a reason. Returns
 * -errno with @err set only for a file that cannot be read or is no kernel at all.
 */
int kernel_probe(const struct input_file *file, struct kernel_probe *ret_probe, struct error *err);

#endif
