/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that mvmm removes or names at its end: that of a listening socket, or the result. The
 * sandbox keeps that possible (sandbox.h), whoever owns the file.
 */
#pragma once

struct kept_file {
	int dir_fd; /* borrowed */
	const char *name;
	const char *path; /* as the user gave it, for messages */
	int fd;		  /* borrowed: of a file that has no name yet or gets another; or 0 */
};
