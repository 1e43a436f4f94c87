/* SPDX-License-Identifier: Apache-2.0 */
/* How long a thread runs before others of its CPU have a turn. */
#ifndef MVMM_VMM_TIME_SLICE_H
#define MVMM_VMM_TIME_SLICE_H

/*
 * Gives the calling thread, and those that it makes from now on, the shortest time slice (0.1 ms).
 * It gets no more of the CPU than before, but in smaller parts: where vCPUs keep all CPUs busy, it
 * runs as soon as it is woken instead of when one of them pauses. Linux 6.12 and later (struct
 * sched_attr's sched_runtime for SCHED_OTHER); does nothing under another policy. -errno where it
 * cannot: older kernels say nothing and change nothing.
 */
int time_slice_shorten(void);

#endif
