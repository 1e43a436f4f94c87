/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the machine itself: a register of pending events, and one interrupt for all of them.
 * With ACPI a Generic Event Device reads it (dsdt.asl, _EVT); in the device tree the interrupt
 * alone is the power button, so there only that event is raised.
 */
#pragma once

#include "vmm/base/interrupt_line.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <stdint.h>

struct platform_events {
	struct interrupt_line *line; /* borrowed */
	uint32_t pending;	     /* atomic: LAYOUT_EVENT_ bits */
};

void platform_events_init(struct platform_events *events, struct interrupt_line *line);

/* Adds @event, a LAYOUT_EVENT_ bit, and interrupts the guest. -errno from the line. */
int platform_events_raise(struct platform_events *events, uint32_t event);

/* The register: reading it takes all pending events. From any thread. */
uint32_t platform_events_read(struct platform_events *events);

/* Save and load the register; what is pending stays so. */
void platform_events_save(const struct platform_events *events, struct state_writer *writer);
void platform_events_load(struct platform_events *events, struct state_reader *reader);

/* It was loaded, and so was all else: interrupts the guest if events are pending. -errno. */
int platform_events_restored(struct platform_events *events);
