/* SPDX-License-Identifier: Apache-2.0 */
/* How wide the guest's physical addresses are. */
#ifndef MVMM_VMM_PHYS_BITS_X86_H
#define MVMM_VMM_PHYS_BITS_X86_H

/* The width that KVM on this host gives its guests, known without asking KVM. */
unsigned phys_bits(void);

#endif
