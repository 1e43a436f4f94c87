/* SPDX-License-Identifier: Apache-2.0 */
// Tested by tests/unit/vmm/kvm/test_kvm.c.
/*
 * A device's interrupt: a line that it pulses. The creator of the device decides what is at the
 * other end, such as a pin of KVM's IOAPIC (vmm/kvm/kvm.h).
 */
#pragma once

struct interrupt_line;

struct interrupt_line {
	int (*pulse)(struct interrupt_line *line);
};

/*
 * Makes one edge. If two come before the guest takes the first, they may be one to it. Each line
 * may be pulsed by one thread at a time, because the second of two edges that overlap is lost.
 * -errno: no edge was made.
 */
static inline int interrupt_line_pulse(struct interrupt_line *line)
{
	return line->pulse(line);
}
