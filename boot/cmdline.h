/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's command line: the parameters that this machine needs, and then --append. A parameter
 * that --append has too is left out. The kernel uses the last of several values.
 */
#pragma once

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
 * Writes the line and its NUL into @buf of @cap bytes. console=, reboot= and panic= are left out if
 * @append has its own, and all of @root is left out if @append has root=. Returns -E2BIG with @err
 * set if the line does not fit. The kernel's own limit is checked when the kernel is loaded.
 */
int cmdline_build(const struct cmdline_parts *parts, char *buf, size_t cap, struct error *err);

/*
 * True if @line has a parameter @name, which ends in '='. As in the kernel, parameters are divided
 * by white space outside double quotes, and what follows "--" is for init.
 */
bool cmdline_has(const char *line, const char *name);
