/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the guest begins: the 64-bit entry of the boot protocol for the first CPU, the path from
 * real mode for the others, and the interrupt stubs. Start reading at `entry`.
 */
#define BOOT_TIMER_PORT 0xe0
#define CODE32 0x08
#define CODE64 0x10
#define DATA 0x18

#define CR0_PE 0x00000001
#define CR0_PG 0x80000000
#define CR4_PAE 0x00000020
#define MSR_EFER 0xc0000080
#define EFER_LME 0x00000100

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

/*
 * An AP wakes up here in real mode, in a copy below 1 MiB that smp.c makes of the bytes up to
 * smp_trampoline_end. All that the copy does is to leave real mode.
 */
	.section .text
	.code16
	.globl	smp_trampoline, smp_trampoline_end
smp_trampoline:
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	trampoline_gdt_pointer - smp_trampoline
	movl	$CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	$CODE32, $ap_entry32
	.balign	4
trampoline_gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	gdt
smp_trampoline_end:

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
	movq	smp_stack(%rip), %rsp
	xorl	%ebp, %ebp
	call	smp_main

/* Vectors with an error code of their own: Intel SDM volume 3, table 6-1. */
#define HAS_ERROR_CODE(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21)

	.altmacro
	.macro	stub vector
	.balign	16
	.if	!HAS_ERROR_CODE(\vector)
	pushq	$0
	.endif
	pushq	$\vector
	jmp	common
	.endm

	.balign	16
	.globl	interrupts_stubs
interrupts_stubs:
	.set	v, 0
	.rept	64
	stub	%v
	.set	v, v + 1
	.endr

/* The layout of struct interrupts_frame. The time is taken first: it is what is measured. */
common:
	pushq	%rax
	pushq	%rdx
	rdtsc
	pushq	%rcx
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	shlq	$32, %rdx
	leaq	(%rdx, %rax), %rsi
	movq	%rsp, %rdi
	cld
	call	interrupts_dispatch
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rcx
	popq	%rdx
	popq	%rax
	addq	$16, %rsp
	iretq

	.section .data
	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* CODE32 */
	.quad	0x00af9b000000ffff	/* CODE64 */
	.quad	0x00cf93000000ffff	/* DATA */
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt

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
