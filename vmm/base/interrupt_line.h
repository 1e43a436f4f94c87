/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interrupt as a device has it: a line that it pulses. Whoever makes the device decides what is
 * at the other end, such as a pin of KVM's IOAPIC (vmm/kvm/kvm.h).
 */
#ifndef MVMM_DEVICES_INTERRUPT_LINE_H
#define MVMM_DEVICES_INTERRUPT_LINE_H

struct interrupt_line;

struct interrupt_line {
	int (*pulse)(struct interrupt_line *line);
};

/*
 * One edge. Two that come before the guest takes the first may be one to it. By one thread at a
 * time for each line: of two edges that overlap, the second is none. -errno if there was none.
 */
static inline int interrupt_line_pulse(struct interrupt_line *line)
{
	return line->pulse(line);
}

#endif
