/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest kernel for a start: its first instructions write a byte to the serial port, then it halts for ever.
 * mvmm and the like enter it in 64-bit mode, QEMU by PVH in 32-bit mode; these instructions mean
 * the same in both.
 */
	.section .text, "ax"
	.code64
	.globl	entry
entry:
	movb	$'1', %al
	movw	$0x3f8, %dx
	outb	%al, %dx
	cli
1:	hlt
	jmp	1b

	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	entry

	.section .note.GNU-stack, "", @progbits
