// SPDX-License-Identifier: Apache-2.0
/*
 * Makes an mvmm that keeps second books on its flushes; `make test-monitors` links it around
 * event_loop_fdatasync and virtqueue_push. Before each doorbell the guest (its test "flood") stores
 * a new number for the flush into the device's memory. When an fdatasync is submitted all these
 * numbers are copied; once it has succeeded, they are durable. A flush may be answered only if its
 * number is. A summary goes to standard error at the end.
 *
 * FLUSH_AUDIT_BREAK breaks mvmm on purpose, which the books must show: "submission" answers when an
 * fdatasync is submitted, "all" lets a completed one answer also what came after its submission;
 * "lose" and "twice" do that to the answer to a flush, which the guest must notice.
 * Start reading at __wrap_event_loop_fdatasync.
 */
#include "devices/virtio/pmem.h"
#include "vmm/base/container_of.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As guest-images/test-guest/flood.c has them. */
#define FLUSHES 64
#define DEVICES 16
#define BROKEN_ANSWER 1000 /* the one that is lost, or given twice */

struct book {
	struct pmem *pmem;
	void (*done)(struct event_op *op, int result); /* pmem's own */
	uint64_t submitted[FLUSHES];		       /* the numbers when the running one began */
	uint64_t durable[FLUSHES];		       /* and those of the last that succeeded */
};

static struct book books[DEVICES];
static uint64_t syncs, answers, early, most_at_once, at_once;
static const char *break_how = "";

void __real_event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd);
void __wrap_event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd);
void __real_virtqueue_push(struct virtqueue *vq, uint16_t head, uint32_t written);
void __wrap_virtqueue_push(struct virtqueue *vq, uint16_t head, uint32_t written);

static void __attribute__((destructor)) summarise(void)
{
	fprintf(stderr,
		"flush-audit: %" PRIu64 " answered, %" PRIu64 " early, by %" PRIu64
		" fdatasyncs, of up to %" PRIu64 " devices at once\n",
		answers, early, syncs, most_at_once);
}

static void __attribute__((constructor)) prepare(void)
{
	const char *how = getenv("FLUSH_AUDIT_BREAK");

	if (how)
		break_how = how;
}

static bool broken(const char *how)
{
	return strcmp(break_how, how) == 0;
}

static struct book *book_of(struct pmem *pmem)
{
	struct book *book = books;

	while (book->pmem && book->pmem != pmem)
		if (++book == books + DEVICES)
			abort();
	book->pmem = pmem;
	return book;
}

static uint64_t number_in_memory(const struct pmem *pmem, unsigned flush)
{
	return __atomic_load_n((const uint64_t *)(const void *)pmem->backing->host + flush,
			       __ATOMIC_ACQUIRE);
}

static void sync_done(struct event_op *op, int result)
{
	struct pmem *pmem = container_of(op, struct pmem, sync);
	struct book *book = book_of(pmem);

	at_once--;
	if (result == 0)
		memcpy(book->durable, book->submitted, sizeof(book->durable));
	if (broken("all"))
		pmem->n_covered = pmem->n_flushes;
	op->done = book->done;
	op->done(op, result);
}

void __wrap_event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd)
{
	struct pmem *pmem = container_of(op, struct pmem, sync);
	struct book *book = book_of(pmem);

	syncs++;
	if (broken("submission")) {
		op->done(op, 0);
		return;
	}
	if (++at_once > most_at_once)
		most_at_once = at_once;
	for (unsigned i = 0; i < FLUSHES; i++)
		book->submitted[i] = number_in_memory(pmem, i);
	book->done = op->done;
	op->done = sync_done;
	__real_event_loop_fdatasync(loop, op, fd);
}

void __wrap_virtqueue_push(struct virtqueue *vq, uint16_t head, uint32_t written)
{
	struct pmem *pmem = container_of(vq, struct pmem, queue);
	struct book *book = book_of(pmem);
	unsigned flush = head / 2 % FLUSHES;
	uint64_t number = number_in_memory(pmem, flush);

	answers++;
	/* Its own number: the guest changes it only once it has the answer. */
	if (number != book->durable[flush])
		early++;
	if (answers == BROKEN_ANSWER && broken("lose"))
		return;
	if (answers == BROKEN_ANSWER && broken("twice"))
		__real_virtqueue_push(vq, head, written);
	__real_virtqueue_push(vq, head, written);
}
