// SPDX-License-Identifier: Apache-2.0
/* The register of pending platform events. */
#include "devices/platform/platform_events.h"

#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>

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

void platform_events_save(const struct platform_events *events, struct state_writer *writer)
{
	state_writer_u32(writer, __atomic_load_n(&events->pending, __ATOMIC_ACQUIRE));
}

void platform_events_load(struct platform_events *events, struct state_reader *reader)
{
	uint32_t pending = state_reader_u32(reader);

	if (pending & ~(uint32_t)LAYOUT_EVENTS)
		state_reader_fail(reader, ENOTSUP,
				  "has the pending events 0x%" PRIx32
				  ", and this mvmm knows 0x%x; restore it with the mvmm that saved "
				  "it, or with a newer one",
				  pending, LAYOUT_EVENTS);
	else
		__atomic_store_n(&events->pending, pending, __ATOMIC_RELEASE);
}

int platform_events_restored(struct platform_events *events)
{
	if (!__atomic_load_n(&events->pending, __ATOMIC_ACQUIRE))
		return 0;
	return interrupt_line_pulse(events->line);
}
