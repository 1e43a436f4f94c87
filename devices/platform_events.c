// SPDX-License-Identifier: Apache-2.0
/* The register of pending platform events. */
#include "devices/platform_events.h"

#include <errno.h>
#include <sys/eventfd.h>

void platform_events_init(struct platform_events *events, int interrupt_fd)
{
	*events = (struct platform_events){ .interrupt_fd = interrupt_fd };
}

int platform_events_raise(struct platform_events *events, uint32_t event)
{
	/* The bit first: a handler that takes it a moment early finds nothing on its next run. */
	__atomic_or_fetch(&events->pending, event, __ATOMIC_ACQ_REL);
	return eventfd_write(events->interrupt_fd, 1) < 0 ? -errno : 0;
}

uint32_t platform_events_read(struct platform_events *events)
{
	return __atomic_exchange_n(&events->pending, 0, __ATOMIC_ACQ_REL);
}
