/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a VM ended, and the exit status that says so. Part of the interface (mvmm(1), "EXIT STATUS"):
 * a number is never used twice and never changes. 126 and up are the shell's.
 */
#ifndef MVMM_VMM_OUTCOME_H
#define MVMM_VMM_OUTCOME_H

enum outcome {
	OUTCOME_POWER_OFF = 0,
	OUTCOME_RESET = 32,	    /* the guest asked for a reset: reboot, panic=-1 */
	OUTCOME_TRIPLE_FAULT = 33,  /* the vCPU shut down */
	OUTCOME_USAGE = 35,	    /* bad options, or files that cannot be used */
	OUTCOME_STORAGE_FAULT = 38, /* the host could not supply guest memory */
	OUTCOME_HOST_ERROR = 39,    /* KVM or another part of the host failed */
	OUTCOME_QUIT = 40,	    /* the user pressed Ctrl-A X */
	OUTCOME_SANDBOX = 41,	    /* a thread did what the sandbox does not allow */
	OUTCOME_SIGNAL = 128,	    /* never returned: mvmm dies of the signal itself */
};

#endif
