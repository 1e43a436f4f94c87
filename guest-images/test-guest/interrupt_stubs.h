/* SPDX-License-Identifier: Apache-2.0 */
/* Where the CPU arrives on an interrupt or an exception: a few instructions for each vector. */
#pragma once

#define INTERRUPT_STUBS 64 /* for vectors from 0 */
#define INTERRUPT_STUB_SIZE 16

#ifndef __ASSEMBLER__
#include <stdint.h>

/* What the stubs push, and the CPU before them. */
struct interrupt_frame {
	uint64_t r11, r10, r9, r8, rdi, rsi, rcx, rdx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

extern const char interrupt_stubs[];

/* What all stubs call. @tsc is the time at which the stub began. */
extern void (*interrupt_stubs_handler)(const struct interrupt_frame *frame, uint64_t tsc);
#endif
