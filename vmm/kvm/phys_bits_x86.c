// SPDX-License-Identifier: Apache-2.0
/* Reads the address width from CPUID leaf 0x80000008, whose EAX KVM passes on. */
#include "vmm/kvm/phys_bits_x86.h"

#include <cpuid.h>

/* The minimum of long mode. */
#define LEAST 36

unsigned phys_bits(void)
{
	unsigned a = 0, b, c, d, bits;

	__get_cpuid(0x80000008, &a, &b, &c, &d);
	/* Bits 23 to 16 are the width for guests, if it differs (AMD APM volume 3, E.4.7). */
	bits = a >> 16 & 0xff;
	if (!bits)
		bits = a & 0xff;
	return bits < LEAST ? LEAST : bits;
}
