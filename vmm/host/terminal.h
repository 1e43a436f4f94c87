/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw mode for the terminal on standard input. It is undone on every way out of the process: return
 * from main, exit, and signals that a bug of ours raises. (Other signals end mvmm through the event
 * loop.)
 */
#pragma once

/*
 * Sends every key to the guest. Output processing stays on, so that mvmm's own lines look right.
 * Does nothing if standard input is not a terminal or belongs to another job. Call it again when
 * mvmm goes on after a stop, because the shell has set its own modes meanwhile. -errno.
 */
int terminal_raw(void);

/*
 * Makes reads and writes non-blocking for terminals on the standard descriptors. From Linux 6.10 on
 * io_uring makes a blocking write in the thread that submits it, the event loop's, which would then
 * wait for the terminal. A terminal that cannot be opened again stays as it is.
 */
void terminal_unblock(void);

/* Restores the modes from before terminal_raw; does nothing the second time. */
void terminal_restore(void);
