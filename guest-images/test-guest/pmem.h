/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-pmem (VIRTIO 1.3, section 5.19): where its memory is, and its flush. */
#pragma once

#include "machine.h"
#include "virtio_mmio.h"
#include "virtqueue.h"

#include <linux/virtio_pmem.h>

#define PMEM_FLUSHES (VIRTQUEUE_MAX / 2) /* that can be in flight: two descriptors each */
#define PMEM_UNANSWERED 0xa5a5a5a5	 /* in a response before the device writes it */

struct pmem {
	struct virtio_mmio device;
	struct virtqueue queue;
	uint64_t start, size;
	unsigned flushes; /* the queue's size / 2: flush n is the descriptors 2n and 2n + 1 */
	uint64_t offered; /* bit n: flush n is in flight */
	uint32_t ret;	  /* last answer that was not 0, else 0 */
	struct virtio_pmem_req req;
	struct virtio_pmem_resp resp[PMEM_FLUSHES];
};

extern struct pmem pmems[MACHINE_MAX_SLOTS];
extern unsigned pmem_count;

static inline unsigned pmem_index(const struct pmem *pmem)
{
	return (unsigned)(pmem - pmems);
}

/*
 * Looks for pmem devices in the machine's slots, starts each and routes its interrupt to the first
 * CPU. Returns NULL, or what is wrong with one.
 */
const char *pmem_find(void);

/* Resets the device and sets it up, with the descriptors of all flushes. */
const char *pmem_start(struct pmem *pmem);

/* Prepares flush @n up to virtqueue_publish. */
void pmem_stage(struct pmem *pmem, unsigned n);

/* Makes flush @n available; pmem_kick rings the doorbell. */
void pmem_offer(struct pmem *pmem, unsigned n);
void pmem_kick(struct pmem *pmem);

/*
 * Checks an element that was taken from the used ring: known id, length 4, an answer. NULL, or what
 * was wrong; then flush id / 2 is free again, and a failure is in pmem->ret.
 */
const char *pmem_check(struct pmem *pmem, const struct vring_used_elem *elem);

/*
 * Waits until no flush is in flight, checking each used element. NULL, or what was wrong. The
 * answers themselves are in pmem->ret.
 */
const char *pmem_finish(struct pmem *pmem);

/* One request, whose answer is in pmem->ret. */
const char *pmem_request(struct pmem *pmem);

/* One flush that must succeed. */
const char *pmem_flush(struct pmem *pmem);
