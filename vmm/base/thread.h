/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a thread that receives few signals. */
#pragma once

#include <pthread.h>
#include <stddef.h>

/*
 * Starts a thread that blocks all signals but the @n of @unblocked. It does so from its first
 * instruction; the mask of the caller is unchanged afterwards. Writes the thread to @ret_thread,
 * which the caller joins. 0, or -errno of pthread_create(3).
 */
int thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg, const int unblocked[],
		 size_t n);
