/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw mode for the terminal on standard input, undone on every way out of the process: return from
 * main, exit, and the signals that a bug of ours ends in. (Other signals end mvmm in order.)
 */
#ifndef MVMM_VMM_TERMINAL_H
#define MVMM_VMM_TERMINAL_H

/*
 * Every key goes to the guest; output processing stays on, so that our own lines look right.
 * Nothing happens where standard input is no terminal or belongs to another job. Again once mvmm
 * goes on after a stop: whoever had the terminal meanwhile has set modes of his own. -errno where
 * it fails.
 */
int terminal_raw(void);

/*
 * Has writes to a terminal at standard output or error take what there is room for, and reads from
 * one at standard input what is there. From Linux 6.10 on io_uring makes other writes in the thread
 * that asks, the event loop's, and they would wait there for whoever shows the terminal. One that
 * cannot be opened again stays as it is.
 */
void terminal_unblock(void);

/* Back to how it was; does nothing the second time. */
void terminal_restore(void);

#endif
