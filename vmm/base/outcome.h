/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a VM ended, and the exit status that says so. Part of the interface (mvmm(1), "EXIT STATUS"):
 * a number is never used twice and never changes. 32 to 63 are mvmm's (43 that of
 * scripts/run-in-vm), 126 and up the shell's; what is left is the guest's to choose from.
 */
#ifndef MVMM_VMM_OUTCOME_H
#define MVMM_VMM_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

enum outcome {
	OUTCOME_POWER_OFF = 0,
	OUTCOME_RESET = 32,	    /* the guest asked for a reset: reboot, panic=-1 */
	OUTCOME_TRIPLE_FAULT = 33,  /* the vCPU shut down */
	OUTCOME_GUEST_PANIC = 34,   /* the guest's kernel said so, by pvpanic */
	OUTCOME_USAGE = 35,	    /* bad options, or files that cannot be used */
	OUTCOME_TIMEOUT = 36,	    /* --timeout */
	OUTCOME_BAD_STATUS = 37,    /* the guest chose a status that is not its own */
	OUTCOME_STORAGE_FAULT = 38, /* the host could not supply guest memory */
	OUTCOME_HOST_ERROR = 39,    /* KVM or another part of the host failed */
	OUTCOME_QUIT = 40,	    /* the user pressed Ctrl-A X */
	OUTCOME_SANDBOX = 41,	    /* a thread did what the sandbox does not allow */
	OUTCOME_WATCHDOG = 42,	    /* the guest did not see to its watchdog */
	OUTCOME_SIGNAL = 128,	    /* never returned: mvmm dies of the signal itself */
	OUTCOME_GUEST_STATUS = 256, /* never returned: the status that the guest chose */
};

/* What --result calls it: static text. */
const char *outcome_name(enum outcome outcome);

/* The exit status as a shell shows it. @code is that of struct vm_end. */
int outcome_status(enum outcome outcome, int code);

/* Whether a guest may end with @status: it means nothing else, to mvmm or to a shell. */
bool outcome_is_guests(uint64_t status);

#endif
