/* SPDX-License-Identifier: Apache-2.0 */
/* HMP, QEMU's monitor for people: it reads command lines and prints QEMU's texts. */
#pragma once

#include "vmm/base/buffer.h"
#include "vmm/control/monitor.h"

/*
 * Runs one line and appends its output, also errors, to @out, with "\n" at the ends of lines. 0, or
 * MONITOR_WAIT_* if the command is complete only later.
 */
int hmp_run(struct monitor *monitor, const char *line, struct buffer *out);

/* What such a command prints at @event, which it waited for. */
void hmp_finish(const struct monitor_event *event, struct buffer *out);

/*
 * For hmp_line: the @n-th word that can complete the last word of the first @len bytes of @line: a
 * command, or after "info" and "help" one of their arguments. NULL: there are no more.
 */
const char *hmp_match(const char *line, size_t len, unsigned n);
