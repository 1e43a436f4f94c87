/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the guest begins: the 64-bit entry of the boot protocol, and that of PVH. Start reading at
 * `entry`.
 */
#include "gdt.h"
#include "long_mode.h"

#define BOOT_TIMER_PORT 0xe0

	.section .head, "ax"
	.code32
	/* The 32-bit entry point of a bzImage, which this kernel does not have. */
1:	hlt
	jmp	1b

	.org	0x200
	.code64
	.globl	entry
entry:
	/* Before anything else: the first guest instructions tell a boot timer that we are here. */
	movb	$1, %al
	outb	%al, $BOOT_TIMER_PORT

	xorl	%ebx, %ebx
begin:
	cld
	movabs	$stack_top, %rsp
	lgdt	gdt_pointer(%rip)
	call	load_segments
	xorl	%eax, %eax
	movl	$bss_start, %edi
	movl	$bss_quads, %ecx
	rep stosq
	movq	%rbx, pvh_start(%rip)
	movq	%rsi, %rdi
	call	main
1:	cli
	hlt
	jmp	1b

/* A 32-bit PVH kernel's entry, for QEMU: EBX is the start info; there are no page tables yet. */
	.code32
	.globl	pvh_entry
pvh_entry:
	cld
	movl	$pvh_tables, %edi
	movl	%edi, %edx
	xorl	%eax, %eax
	movl	$(6 * 4096 / 4), %ecx
	rep stosl
	leal	(4096 + 3)(%edx), %eax
	movl	%eax, (%edx)
	/* Four gigabytes: a directory for each, filled with 2 MiB pages. */
	leal	(2 * 4096 + 3)(%edx), %eax
	xorl	%ecx, %ecx
1:	movl	%eax, 4096(%edx, %ecx, 8)
	addl	$4096, %eax
	incl	%ecx
	cmpl	$4, %ecx
	jb	1b
	movl	$0x83, %eax
	xorl	%ecx, %ecx
2:	movl	%eax, (2 * 4096)(%edx, %ecx, 8)
	addl	$0x200000, %eax
	incl	%ecx
	cmpl	$(4 * 512), %ecx
	jb	2b
	movl	%edx, %edi
	lgdtl	gdt_pointer
	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	%edi, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	$(CR0_PE | CR0_PG), %eax
	movl	%eax, %cr0
	ljmpl	$CODE64, $pvh_entry64
	.code64
pvh_entry64:
	movl	%ebx, %ebx
	xorl	%esi, %esi
	jmp	begin

load_segments:
	popq	%rax
	pushq	$CODE64
	pushq	%rax
	movl	$DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	lretq

	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	pvh_entry

	.section .noinit, "aw", @nobits
	.balign	4096
pvh_tables:
	.skip	6 * 4096
	.skip	16384
stack_top:

	.section .note.GNU-stack, "", @progbits
