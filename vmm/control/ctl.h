/* SPDX-License-Identifier: Apache-2.0 */
/* `mvmm ctl`: one command to a running mvmm, from a shell or a script. */
#pragma once

#include "vmm/base/outcome.h"

#include <stdio.h>

/* Exit statuses, which are part of the interface, as in outcome.h. */
enum ctl_status {
	CTL_DONE = 0,
	CTL_REFUSED = 1, /* the VM answered with an error */
	CTL_USAGE = OUTCOME_USAGE,
	CTL_NO_ANSWER = OUTCOME_HOST_ERROR, /* nobody listens, or the answer is not QMP */
};

/*
 * Runs `mvmm ctl` with the arguments after these two words: [--json] PATH COMMAND [ARGUMENT...].
 * Prints the answer to @out, and errors to standard error.
 */
enum ctl_status ctl_run(int argc, char **argv, FILE *out);
