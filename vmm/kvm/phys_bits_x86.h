/* SPDX-License-Identifier: Apache-2.0 */
/* The width of the guest's physical addresses. */
#pragma once

/* The width that KVM on this host gives its guests, found without KVM. */
unsigned phys_bits(void);
