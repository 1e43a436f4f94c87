// SPDX-License-Identifier: Apache-2.0
/* Whose number is whose. */
#include "vmm/outcome.h"

#define FIRST_OF_MVMM 32
#define LAST_OF_MVMM 63
#define FIRST_OF_SHELL 126

bool outcome_is_guests(uint64_t status)
{
	return status < FIRST_OF_MVMM || (status > LAST_OF_MVMM && status < FIRST_OF_SHELL);
}
