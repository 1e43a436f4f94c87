/* SPDX-License-Identifier: Apache-2.0 */
/* An interrupt line whose edges a test counts: each is a write of 1 to an eventfd. */
#pragma once

#include "vmm/base/container_of.h"
#include "vmm/base/interrupt_line.h"

#include <errno.h>
#include <sys/eventfd.h>

struct test_line {
	struct interrupt_line line;
	int fd; /* owned; does not block */
};

static inline int test_line_pulse(struct interrupt_line *line)
{
	return eventfd_write(container_of(line, struct test_line, line)->fd, 1) < 0 ? -errno : 0;
}

static inline void test_line_init(struct test_line *line)
{
	line->line.pulse = test_line_pulse;
	line->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}
