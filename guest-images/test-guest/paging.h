/* SPDX-License-Identifier: Apache-2.0 */
/* Identity page tables of our own that grow when an address is touched for the first time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Leaves the loader's tables for ours. Needs interrupts_init first: the rest is page faults. */
void paging_init(void);

/* Maps the 2 MiB page around @addr. False if that cannot be: the fault was a real one. */
bool paging_fault(uint64_t addr, uint64_t error_code);
