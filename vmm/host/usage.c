// SPDX-License-Identifier: Apache-2.0
/* Asks the kernel what the process has used. */
#include "vmm/host/usage.h"

#include "vmm/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int usage_open(void)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static uint64_t nanoseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_usec * 1000;
}

static uint64_t read_peak(int fd)
{
	char text[4096];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	const char *line;

	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "\nVmHWM:");
	return line ? strtoull(line + strlen("\nVmHWM:"), NULL, 10) << 10 : 0;
}

void usage_read(int fd, struct usage *ret)
{
	struct rusage used = { 0 };

	getrusage(RUSAGE_SELF, &used);
	*ret = (struct usage){
		.user_ns = nanoseconds(&used.ru_utime),
		.system_ns = nanoseconds(&used.ru_stime),
		.peak_memory = read_peak(fd),
	};
}
