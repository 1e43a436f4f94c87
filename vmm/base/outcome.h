/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a VM ended, and the exit status for that. It is part of the interface (mvmm(1), "EXIT
 * STATUS"): a number never changes and is never used again. 32 to 63 are mvmm's (43 is that of
 * scripts/run-in-vm), 126 and up are the shell's; the guest can choose from the rest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum outcome {
	OUTCOME_POWER_OFF = 0,
	OUTCOME_RESET = 32,	    /* the guest asked for a reset: reboot, panic=-1 */
	OUTCOME_TRIPLE_FAULT = 33,  /* the vCPU shut down */
	OUTCOME_GUEST_PANIC = 34,   /* the guest's kernel reported it by pvpanic */
	OUTCOME_USAGE = 35,	    /* bad options, or files that cannot be used */
	OUTCOME_TIMEOUT = 36,	    /* --timeout */
	OUTCOME_BAD_STATUS = 37,    /* the guest chose a status that it may not choose */
	OUTCOME_STORAGE_FAULT = 38, /* the host could not supply guest memory */
	OUTCOME_HOST_ERROR = 39,    /* KVM or another part of the host failed */
	OUTCOME_QUIT = 40,	    /* the user pressed Ctrl-A X */
	OUTCOME_SANDBOX = 41,	    /* a thread did what the sandbox does not allow */
	OUTCOME_WATCHDOG = 42,	    /* the guest let its watchdog expire */
	/* 43 is run-in-vm's */
	OUTCOME_EMULATION = 44,	    /* KVM cannot emulate what the guest did */
	OUTCOME_SIGNAL = 128,	    /* never returned: mvmm dies of the signal itself */
	OUTCOME_GUEST_STATUS = 256, /* never returned: the status that the guest chose */
};

/* Its name in --result: static text. */
const char *outcome_name(enum outcome outcome);

/* The exit status as a shell shows it. @code is that of struct vm_end. */
int outcome_status(enum outcome outcome, int code);

/* Whether a guest may end with @status, because neither mvmm nor a shell gives it a meaning. */
bool outcome_is_guests(uint64_t status);
