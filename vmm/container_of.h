/* SPDX-License-Identifier: Apache-2.0 */
/* From a member back to the structure that embeds it, with the member's type checked. */
#ifndef MVMM_VMM_CONTAINER_OF_H
#define MVMM_VMM_CONTAINER_OF_H

#include <stddef.h>

#define container_of(ptr, type, member)                                                            \
	({                                                                                         \
		__typeof__(((type *)0)->member) *member_ptr_ = (ptr);                              \
		(type *)((char *)member_ptr_ - offsetof(type, member));                            \
	})

#endif
