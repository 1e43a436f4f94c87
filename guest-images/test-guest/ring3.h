/* SPDX-License-Identifier: Apache-2.0 */
/* Ring 3: the segments that SYSRET needs, and a stack that interrupts find. */
#pragma once

/* For MSR_STAR: SYSRET takes the stack's selector 8 above this, and that of 64-bit code 16. */
#define RING3_STAR (0x1bULL << 48)

/*
 * Assembly. In ring 0, with interrupts on, RING3_ENTER goes on behind itself in ring 3, on the same
 * stack and with RAX = 0. RING3_LEAVE makes a SYSCALL with RAX = 1, after which the handler is to
 * jump to RCX in ring 0. RCX and R11 change.
 */
#define RING3_ENTER "pushfq\n pop %%r11\n lea 7f(%%rip), %%rcx\n xor %%eax, %%eax\n sysretq\n 7:\n"
#define RING3_LEAVE "mov $1, %%eax\n syscall\n"

/* Prepares the CPU that calls this, with this index in machine.apic_ids. May be called again. */
void ring3_init(unsigned cpu);
