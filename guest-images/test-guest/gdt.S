/* SPDX-License-Identifier: Apache-2.0 */
/* The segments that all CPUs use. */
	.section .data
	.balign	8
	.globl	gdt, gdt_limit, gdt_pointer
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* CODE32 */
	.quad	0x00af9b000000ffff	/* CODE64 */
	.quad	0x00cf93000000ffff	/* DATA */
	.set	gdt_limit, . - gdt - 1
gdt_pointer:
	.word	gdt_limit
	.quad	gdt

	.section .note.GNU-stack, "", @progbits
