/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the structure that embeds a member, and checks the member's type. */
#pragma once

#include <stddef.h>

/* The sizeof is never evaluated: it only makes the compiler compare the two pointers' types. */
#define container_of(ptr, type, member)                                                            \
	((type *)((char *)(ptr)-offsetof(type, member) -                                           \
		  0 * sizeof((ptr) == &((type *)(ptr))->member)))
