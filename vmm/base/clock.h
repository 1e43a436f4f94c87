/* SPDX-License-Identifier: Apache-2.0 */
/* A clock as one number. */
#ifndef MVMM_VMM_CLOCK_H
#define MVMM_VMM_CLOCK_H

#include <stdint.h>
#include <time.h>

/* @clock (CLOCK_MONOTONIC, ...) in nanoseconds. */
static inline uint64_t clock_now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

#endif
