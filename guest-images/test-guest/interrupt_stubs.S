/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interrupt stubs. They call what interrupts.c has put into interrupt_stubs_handler. Start
 * reading at interrupt_stubs.
 */
#include "interrupt_stubs.h"

/* Vectors with an error code of their own: Intel SDM volume 3, table 6-1. */
#define HAS_ERROR_CODE(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21)

	.section .text
	.altmacro
	.macro	stub vector
	.balign	INTERRUPT_STUB_SIZE
	.if	!HAS_ERROR_CODE(\vector)
	pushq	$0
	.endif
	pushq	$\vector
	jmp	common
	.endm

	.balign	INTERRUPT_STUB_SIZE
	.globl	interrupt_stubs
interrupt_stubs:
	.set	v, 0
	.rept	INTERRUPT_STUBS
	stub	%v
	.set	v, v + 1
	.endr

/* The layout of struct interrupt_frame. The time is taken first: it is what is measured. */
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
	call	*interrupt_stubs_handler(%rip)
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

	.section .bss
	.balign	8
	.globl	interrupt_stubs_handler
interrupt_stubs_handler:
	.skip	8

	.section .note.GNU-stack, "", @progbits
