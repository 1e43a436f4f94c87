/* SPDX-License-Identifier: Apache-2.0 */
/* From a member back to the structure that embeds it, with the member's type checked. */
#ifndef MVMM_VMM_CONTAINER_OF_H
#define MVMM_VMM_CONTAINER_OF_H

#include <stddef.h>

/* The sizeof is never evaluated: comparing the two pointers in it has the compiler check the type.
 */
#define container_of(ptr, type, member)                                                            \
	((type *)((char *)(ptr)-offsetof(type, member) -                                           \
		  0 * sizeof((ptr) == &((type *)(ptr))->member)))

#endif
