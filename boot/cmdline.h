/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's command line: what this machine needs, unless the user says otherwise, and then what
 * the user says. The kernel takes the last of several values, so --append comes last.
 */
#ifndef MVMM_BOOT_CMDLINE_H
#define MVMM_BOOT_CMDLINE_H

#include "boot/boot.h"

#include <stdbool.h>

struct cmdline_parts {
	enum boot_platform platform; /* DT or ACPI */
	bool serial;		     /* the first UART is a console */
	bool hvc;		     /* so is the first of virtio */
	const char *root;	     /* from root_disk_args, or NULL; borrowed */
	const char *append;	     /* --append, or NULL; borrowed */
};

/*
 * Writes the line and its NUL into @buf of @cap bytes. Left out are console=, reboot= and panic=
 * where @append has its own, and all of @root where @append has root=. -E2BIG with @err set where
 * it does not fit; the kernel's own limit is checked when it is loaded.
 */
int cmdline_build(const struct cmdline_parts *parts, char *buf, size_t cap, struct error *err);

/*
 * True if @line has a parameter @name, which ends in '='. As in the kernel, parameters are divided
 * by white space outside double quotes, and what follows "--" is for init.
 */
bool cmdline_has(const char *line, const char *name);

#endif
