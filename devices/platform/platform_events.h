/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine itself tells the guest: a register of pending events behind one interrupt. With
 * ACPI a Generic Event Device reads it (dsdt.asl, _EVT); in the device tree the interrupt alone is
 * the power button, so there only that event is raised.
 */
#ifndef MVMM_DEVICES_PLATFORM_EVENTS_H
#define MVMM_DEVICES_PLATFORM_EVENTS_H

#include "vmm/base/interrupt_line.h"

#include <stdint.h>

struct platform_events {
	struct interrupt_line *line; /* borrowed */
	uint32_t pending;	     /* atomic: LAYOUT_EVENT_ bits */
};

void platform_events_init(struct platform_events *events, struct interrupt_line *line);

/* Adds @event, a LAYOUT_EVENT_ bit, and tells the guest. -errno from the line. */
int platform_events_raise(struct platform_events *events, uint32_t event);

/* The register: reading it takes all pending events. From any thread. */
uint32_t platform_events_read(struct platform_events *events);

#endif
