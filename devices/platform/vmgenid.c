// SPDX-License-Identifier: Apache-2.0
/* A new id for each process, and for each reset in place. */
#include "devices/platform/vmgenid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int vmgenid_renew(struct vmgenid *vmgenid)
{
	uint8_t id[VMGENID_SIZE];

	/* So few bytes come as a whole. */
	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return -errno;
	memcpy(vmgenid->id, id, sizeof(id));
	return 0;
}

int vmgenid_init(struct vmgenid *vmgenid, void *page, struct interrupt_line *line)
{
	*vmgenid = (struct vmgenid){ .id = page, .line = line };
	return vmgenid_renew(vmgenid);
}

int vmgenid_restored(struct vmgenid *vmgenid)
{
	return interrupt_line_pulse(vmgenid->line);
}
