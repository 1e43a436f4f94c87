// SPDX-License-Identifier: Apache-2.0
/* Drivers whose buffers are in the wrong place, of the wrong kind or size, or hold nonsense. */
#include "hostile.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "pmem.h"
#include "serial.h"

#include <stddef.h>

#define WRITE VRING_DESC_F_WRITE
#define NEXT VRING_DESC_F_NEXT

const char *hostile_unmapped(struct pmem *pmem)
{
	return hostile_offer_changed(pmem, 0, NOWHERE, 4, NEXT, 1);
}

const char *hostile_unmapped_response(struct pmem *pmem)
{
	return hostile_offer_changed(pmem, 1, NOWHERE, 4, WRITE, 0);
}

const char *hostile_overflow(struct pmem *pmem)
{
	return hostile_offer_changed(pmem, 0, ~0UL - 1, 4, NEXT, 1);
}

/* Three bytes lie in the last device's memory, the fourth nowhere. */
const char *hostile_across_end(struct pmem *pmem)
{
	struct pmem *last = &pmems[pmem_count - 1];

	return hostile_offer_changed(pmem, 0, last->start + last->size - 3, 4, NEXT, 1);
}

const char *hostile_readdesc(struct pmem *pmem)
{
	return hostile_offer_changed(pmem, 1, (uint64_t)&pmem->resp[0], 4, 0, 0);
}

const char *hostile_writedesc(struct pmem *pmem)
{
	return hostile_offer_changed(pmem, 0, (uint64_t)&pmem->req, 4, NEXT | WRITE, 1);
}

const char *hostile_order(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, 0, (uint64_t)&pmem->resp[0], 4, NEXT | WRITE, 1);
	return hostile_offer_changed(pmem, 1, (uint64_t)&pmem->req, 4, 0, 0);
}

const char *hostile_short_request(struct pmem *pmem)
{
	return hostile_offer_changed(pmem, 0, (uint64_t)&pmem->req, 3, NEXT, 1);
}

const char *hostile_short_response(struct pmem *pmem)
{
	return hostile_offer_changed(pmem, 1, (uint64_t)&pmem->resp[0], 3, WRITE, 0);
}

/* The memory of readonly-device= may be read but nothing be written to it. */
const char *hostile_response_readonly(struct pmem *pmem)
{
	uint64_t n = args_number("readonly-device", ~0UL);
	const char *error;
	uint64_t old;

	if (n >= pmem_count)
		return "there is no such pmem device";
	old = read64(pmems[n].start);
	error = hostile_offer_changed(pmem, 1, pmems[n].start, 4, WRITE, 0);
	if (!error && read64(pmems[n].start) != old)
		error = "the response was written to a read-only device";
	return error;
}

/* The device of flush-device=, if that is given, answers a flush whatever another one waits for. */
static const char *flush_meanwhile(void)
{
	uint64_t n = args_number("flush-device", ~0UL);
	const char *error = n < pmem_count ? pmem_flush(&pmems[n]) : NULL;

	if (n < pmem_count && !error)
		print("test-guest: device %lu was flushed meanwhile\n", n);
	return error;
}

/* Buffers in pmem are allowed: Linux puts them there for O_DIRECT from a DAX mapping. */
const char *hostile_response_in_pmem(struct pmem *pmem)
{
	volatile uint32_t *resp = (volatile uint32_t *)(pmem->start + pmem->size / 2);
	const char *error;

	/* If not, the device is the first that needs the page. */
	if (args_number("touch", 1))
		*resp = PMEM_UNANSWERED;
	virtqueue_describe(&pmem->queue, 1, (uint64_t)resp, 4, WRITE, 0);
	pmem_offer(pmem, 0);
	pmem->resp[0].ret = 0; /* nobody else will */
	pmem_kick(pmem);
	error = flush_meanwhile();
	if (!error)
		error = pmem_finish(pmem);
	return error || *resp == 0 ? error : fail("the response in pmem is %u", *resp);
}

/* The answer lands on the used ring's own idx; all that may break is this queue. */
const char *hostile_response_in_ring(struct pmem *pmem)
{
	virtqueue_describe(&pmem->queue, 1, (uint64_t)&pmem->queue.used, 4, WRITE, 0);
	virtqueue_offer(&pmem->queue, 0);
	pmem_kick(pmem);
	interrupts_idle(2000000);
	return NULL;
}

/* Unspecified; mvmm answers with a failure, which must not be Linux's ENOMEM. */
const char *hostile_type(struct pmem *pmem)
{
	const char *error;

	pmem->req.type = 7;
	error = pmem_request(pmem);
	if (!error && (!pmem->ret || (int32_t)pmem->ret == -12))
		error = fail("an unknown request was answered %d", (int)pmem->ret);
	return error;
}
