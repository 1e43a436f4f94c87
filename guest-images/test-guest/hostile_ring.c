// SPDX-License-Identifier: Apache-2.0
/* Drivers that misbehave in the rings: chains that lead astray, indices that jump. */
#include "hostile.h"

#include "pmem.h"

#include <stddef.h>

#define WRITE VRING_DESC_F_WRITE
#define NEXT VRING_DESC_F_NEXT

/* What lies behind the end of the table is right, so that only its place can be found wrong. */
const char *hostile_head(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, pmem->queue.size, (uint64_t)&pmem->req, 4, NEXT, 1);
	return hostile_offer_bad(pmem, pmem->queue.size);
}

const char *hostile_next(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, pmem->queue.size, (uint64_t)&pmem->resp[0], 4, WRITE, 0);
	return hostile_offer_changed(pmem, 0, (uint64_t)&pmem->req, 4, NEXT, pmem->queue.size);
}

const char *hostile_loop(struct pmem *pmem)
{
	return hostile_offer_changed(pmem, 1, (uint64_t)&pmem->resp[0], 4, NEXT | WRITE, 1);
}

/* A table that is right: descriptors 2 and 3, a flush. */
const char *hostile_indirect(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, 2, (uint64_t)&pmem->req, 4, NEXT, 1);
	return hostile_offer_changed(pmem, 0, (uint64_t)&pmem->queue.desc[2], 32,
				     VRING_DESC_F_INDIRECT, 0);
}

/* A plain flush but for the flag, which a device must not overlook. */
const char *hostile_indirect_flag(struct pmem *pmem)
{
	return hostile_offer_changed(pmem, 0, (uint64_t)&pmem->req, 4, NEXT | VRING_DESC_F_INDIRECT,
				     1);
}

const char *hostile_avail_jump(struct pmem *pmem)
{
	pmem->queue.avail.idx = (uint16_t)(pmem->queue.avail.idx + pmem->queue.size);
	return hostile_offer_bad(pmem, 0);
}

const char *hostile_avail_back(struct pmem *pmem)
{
	pmem->queue.avail.idx--;
	pmem_kick(pmem);
	return hostile_expect_broken(pmem);
}

/* The same head twice, while the first is in flight. */
const char *hostile_reuse(struct pmem *pmem)
{
	virtqueue_offer(&pmem->queue, 0);
	return hostile_offer_bad(pmem, 0);
}
