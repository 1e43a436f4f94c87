/* SPDX-License-Identifier: Apache-2.0 */
/* How long a thread runs before other threads on its CPU have a turn. */
#pragma once

/*
 * Gives the calling thread, and the threads that it creates from now on, the shortest time slice
 * (0.1 ms). It gets no more of the CPU than before, but in smaller parts. So if vCPUs keep all CPUs
 * busy, it runs as soon as it is woken, and not only when one of them pauses. Needs Linux 6.12
 * (struct sched_attr's sched_runtime for SCHED_OTHER): older kernels report success and change
 * nothing. Does nothing under other policies. -errno.
 */
int time_slice_shorten(void);
