/* SPDX-License-Identifier: Apache-2.0 */
/* `mvmm ctl`: one command to a running mvmm, from a shell or a script. */
#ifndef MVMM_VMM_CTL_H
#define MVMM_VMM_CTL_H

#include "vmm/base/outcome.h"

#include <stdio.h>

/* Exit statuses, part of the interface as outcome.h's are. */
enum ctl_status {
	CTL_DONE = 0,
	CTL_REFUSED = 1, /* the VM answered with an error */
	CTL_USAGE = OUTCOME_USAGE,
	CTL_NO_ANSWER = OUTCOME_HOST_ERROR, /* nobody listens, or what answers is no QMP */
};

/*
 * Runs `mvmm ctl` with the arguments behind these two words: [--json] PATH COMMAND [ARGUMENT...].
 * Prints the answer to @out, and errors to standard error.
 */
enum ctl_status ctl_run(int argc, char **argv, FILE *out);

#endif
