/* SPDX-License-Identifier: Apache-2.0 */
/* Address space at a 2 MiB boundary, so that host and guest can map it with huge pages alike. */
#pragma once

#include <stdint.h>

#define ALIGNED_MAP_ALIGN 0x200000ULL

/*
 * Maps @size bytes of private zero memory that is only accounted for once touched. The caller
 * unmaps it, and may map a file over it. NULL with errno set where it fails.
 */
void *aligned_map(uint64_t size, int prot);
