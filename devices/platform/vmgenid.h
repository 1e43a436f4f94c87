/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generation id (Microsoft's "Virtual Machine Generation ID"): 16 bytes that no two virtual
 * machines have in common, in memory that the guest can only read, and an interrupt that says that
 * they are others now. So a guest learns that it was restored: Linux then reseeds its random
 * numbers, of which all guests of one snapshot would have the same. The id is of the process and
 * not of the guest, hence it is not saved.
 */
#pragma once

#include "vmm/base/interrupt_line.h"

#include <stdint.h>

#define VMGENID_SIZE 16

struct vmgenid {
	uint8_t *id;		     /* guest memory, borrowed: the page of layout.h */
	struct interrupt_line *line; /* borrowed */
};

/*
 * Puts an id that is new into @page. The guest must not run yet. -errno of getrandom(2), which
 * waits where the host has just been started and has no random numbers yet.
 */
int vmgenid_init(struct vmgenid *vmgenid, void *page, struct interrupt_line *line);

/* The same again, for a guest that is put back to an earlier moment. -errno, and then the id stays.
 */
int vmgenid_renew(struct vmgenid *vmgenid);

/*
 * The guest had another id when it was saved: interrupts it. After the interrupt controllers were
 * restored, or their state would take the place of the interrupt. -errno.
 */
int vmgenid_restored(struct vmgenid *vmgenid);
