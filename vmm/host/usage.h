/* SPDX-License-Identifier: Apache-2.0 */
/* What the process has used of the host, with all its threads: CPU time and memory. */
#pragma once

#include <stdint.h>

struct usage {
	uint64_t user_ns, system_ns;
	uint64_t peak_memory; /* bytes; 0: unknown */
};

/*
 * Opens what usage_read needs, before the sandbox: /proc/self/status, which getrusage(2) cannot
 * replace, because its peak includes what the launcher had between fork and exec. -errno if there
 * is no /proc.
 */
int usage_open(void);

/* @fd: from usage_open; or negative: the peak is unknown. */
void usage_read(int fd, struct usage *ret);
