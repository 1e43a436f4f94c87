/* SPDX-License-Identifier: Apache-2.0 */
/* HMP, QEMU's monitor for people: command lines in, QEMU's texts out. */
#ifndef MVMM_VMM_HMP_H
#define MVMM_VMM_HMP_H

#include "vmm/base/buffer.h"
#include "vmm/control/monitor.h"

/*
 * Runs one line and adds what it prints, with "\n" at the ends of lines, to @out. Errors are part
 * of that. 1 if the command is complete only once the VM has stopped, otherwise 0.
 */
int hmp_run(struct monitor *monitor, const char *line, struct buffer *out);

#endif
