/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of all CPUs but the first from real mode to what smp.c has put into ap_entry_main. Start
 * reading at ap_entry.
 */
#include "gdt.h"
#include "long_mode.h"

/*
 * An AP wakes up here in real mode, in a copy below 1 MiB that smp.c makes of the bytes up to
 * ap_entry_end. All that the copy does is to leave real mode.
 */
	.section .text
	.code16
	.globl	ap_entry, ap_entry_end
ap_entry:
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	trampoline_gdt_pointer - ap_entry
	movl	$CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	$CODE32, $ap_entry32
	.balign	4
trampoline_gdt_pointer:
	.word	gdt_limit
	.long	gdt
ap_entry_end:

	.code32
ap_entry32:
	movl	$DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$paging_root, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	$(CR0_PE | CR0_PG), %eax
	movl	%eax, %cr0
	ljmpl	$CODE64, $ap_entry64

	.code64
ap_entry64:
	/* smp.c starts one CPU at a time, hence one variable for the stack is enough. */
	movq	ap_entry_stack(%rip), %rsp
	xorl	%ebp, %ebp
	call	*ap_entry_main(%rip)

	.section .bss
	.balign	8
	.globl	ap_entry_stack, ap_entry_main
ap_entry_stack:
	.skip	8
ap_entry_main:
	.skip	8

	.section .note.GNU-stack, "", @progbits
