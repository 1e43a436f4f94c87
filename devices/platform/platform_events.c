// SPDX-License-Identifier: Apache-2.0
/* The register of pending platform events. */
#include "devices/platform/platform_events.h"

void platform_events_init(struct platform_events *events, struct interrupt_line *line)
{
	*events = (struct platform_events){ .line = line };
}

int platform_events_raise(struct platform_events *events, uint32_t event)
{
	/* The bit first: a handler that takes it a moment early finds nothing on its next run. */
	__atomic_or_fetch(&events->pending, event, __ATOMIC_ACQ_REL);
	return interrupt_line_pulse(events->line);
}

uint32_t platform_events_read(struct platform_events *events)
{
	return __atomic_exchange_n(&events->pending, 0, __ATOMIC_ACQ_REL);
}
