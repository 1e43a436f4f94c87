/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that mvmm removes or renames at its end: that of a listening socket, or the result. The
 * sandbox keeps that possible (sandbox.h), whoever owns the file.
 */
#pragma once

#include <stdbool.h>

struct kept_file {
	int dir_fd; /* borrowed */
	const char *name;
	const char *path; /* as the user gave it, for messages */
	bool renamed;
};
