// SPDX-License-Identifier: Apache-2.0
/*
 * virtio-pmem. A flush: pmem_kick pops it, start_sync submits the fdatasync, sync_done answers it.
 */
#include "devices/virtio/pmem.h"

#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"
#include "vmm/base/endian.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <stddef.h>
#include <string.h>

/* Section 5.19.6: 0 is success. Never -12, which Linux takes for a lack of its own memory. */
#define RESPONSE_OK 0
#define RESPONSE_FAILED (-1)

static struct pmem *pmem_of(struct virtio_device *dev)
{
	return container_of(dev, struct pmem, virtio);
}

/* Writes the answer and hands the request back. -EIO: the host cannot supply the memory for it. */
static int answer_flush(struct pmem *pmem, const struct pmem_flush *flush, int32_t ret)
{
	const __le32 wire = host_to_le32((uint32_t)ret);
	uint32_t done = 0;

	for (unsigned i = 0; i < flush->n_buffers; i++) {
		const struct virtqueue_buffer *b = &flush->buffers[i];

		int failed = guest_memory_write(pmem->queue.mem, b->addr,
						(const uint8_t *)&wire + done, b->len);

		/* The pop found it valid, and guest memory's regions do not change. */
		assert(failed != -EFAULT);
		if (failed)
			return failed;
		done += b->len;
	}
	virtqueue_push(&pmem->queue, flush->head, sizeof(wire));
	if (ret == RESPONSE_OK)
		pmem->counters.flushes++;
	else
		pmem->counters.flush_errors++;
	return 0;
}

/*
 * Answers the covered flushes, and moves those that wait to the front. If data was lost, one batch
 * of flushes fails, as Linux reports a failed write-back once. If a reset has emptied that batch,
 * the next one fails.
 */
static void answer_covered(struct pmem *pmem, int result)
{
	unsigned n = pmem->n_covered;
	bool reported = false, unanswered = false;

	if (result < 0)
		pmem->error_pending = true;
	if (!n)
		return;
	for (unsigned i = 0; i < n; i++) {
		const struct pmem_flush *flush = &pmem->flushes[i];
		bool failed = flush->refused || pmem->error_pending;

		if (answer_flush(pmem, flush, failed ? RESPONSE_FAILED : RESPONSE_OK) < 0)
			unanswered = true;
		else
			reported |= !flush->refused;
	}
	if (reported)
		pmem->error_pending = false;
	pmem->n_flushes -= n;
	pmem->n_covered = 0;
	memmove(pmem->flushes, pmem->flushes + n, pmem->n_flushes * sizeof(pmem->flushes[0]));
	virtio_queue_used(&pmem->virtio, 0);
	/* A used request without its answer could be taken for a success. */
	if (unanswered)
		virtio_broken(&pmem->virtio, "the host cannot supply a page of a pmem disk that a "
					     "response lies in");
}

static void count_sync(struct pmem *pmem)
{
	uint64_t us = (clock_now_ns(CLOCK_MONOTONIC) - pmem->sync_start_ns) / 1000;
	unsigned bucket = us < 2 ? 0 : 63 - (unsigned)__builtin_clzll(us);

	if (bucket >= PMEM_LATENCY_BUCKETS)
		bucket = PMEM_LATENCY_BUCKETS - 1;
	pmem->counters.latency[bucket]++;
	pmem->counters.fdatasyncs++;
	if (pmem->n_covered)
		pmem->counters.coalesced += pmem->n_covered - 1;
}

static bool writes_to_file(const struct pmem *pmem)
{
	return pmem->backing->share && !pmem->backing->readonly;
}

static void submit_sync(struct pmem *pmem)
{
	pmem->syncing = true;
	pmem->sync_start_ns = clock_now_ns(CLOCK_MONOTONIC);
	event_loop_fdatasync(pmem->loop, &pmem->sync, pmem->backing->fd);
}

/* Begins one fdatasync for every flush that was popped so far. */
static void start_sync(struct pmem *pmem)
{
	if (pmem->syncing || !pmem->n_flushes)
		return;
	pmem->n_covered = pmem->n_flushes;
	if (writes_to_file(pmem))
		submit_sync(pmem);
	else
		answer_covered(pmem, 0);
}

void pmem_sync(struct pmem *pmem)
{
	if (writes_to_file(pmem) && pmem_is_idle(pmem))
		submit_sync(pmem);
}

static void sync_done(struct event_op *op, int result)
{
	struct pmem *pmem = container_of(op, struct pmem, sync);

	pmem->syncing = false;
	pmem->sync_result = result < 0 ? result : 0;
	count_sync(pmem);
	if (result < 0) {
		log_host_fault(&pmem->host_limit, "%s: fdatasync of %s failed: %s",
			       pmem->virtio.name, pmem->backing->path, strerror(-result));
		if (pmem->ops)
			pmem->ops->flush_failed(pmem, -result);
	}
	/* A reset meanwhile empties the list. Then nothing is answered. */
	answer_covered(pmem, result);
	start_sync(pmem);
	if (pmem_is_idle(pmem) && pmem->ops && pmem->ops->idle)
		pmem->ops->idle(pmem);
}

/* Keeps the place of the response: the chain's first 4 writable bytes. */
static void keep_response_place(struct pmem_flush *flush, const struct virtqueue_chain *chain)
{
	uint32_t left = sizeof(struct virtio_pmem_resp);

	*flush = (struct pmem_flush){ .head = chain->head };
	for (unsigned i = 0; i < chain->n_writable && left; i++) {
		struct virtqueue_buffer b = chain->buffers[chain->n_readable + i];

		if (!b.len)
			continue;
		if (b.len > left)
			b.len = left;
		flush->buffers[flush->n_buffers++] = b;
		left -= b.len;
	}
}

/* Whether the request, as far as it could be read (@ret), is a flush. */
static bool is_flush(struct pmem *pmem, int ret, const struct virtio_pmem_req *request)
{
	if (ret < 0) {
		log_host_fault(
			&pmem->host_limit,
			"%s: request failed: the host cannot supply a page of a pmem disk that it lies in",
			pmem->virtio.name);
		return false;
	}
	if (le32_to_host(request->type) == VIRTIO_PMEM_REQ_TYPE_FLUSH)
		return true;
	log_guest(&pmem->limit, "%s: request of unknown type %" PRIu32 " refused",
		  pmem->virtio.name, le32_to_host(request->type));
	return false;
}

/* Validates a request and adds it to the flushes. NULL, or the rule that the driver broke. */
static const char *accept_request(struct pmem *pmem, const struct virtqueue_chain *chain)
{
	struct virtio_pmem_req request;
	struct pmem_flush *flush = &pmem->flushes[pmem->n_flushes];
	int ret;

	if (chain->readable_len < sizeof(request))
		return "request shorter than 4 bytes";
	if (chain->writable_len < sizeof(struct virtio_pmem_resp))
		return "response buffer shorter than 4 bytes";
	ret = virtqueue_chain_read(&pmem->queue, chain, 0, &request, sizeof(request));
	if (ret == -EFAULT)
		return "request outside of guest memory";
	keep_response_place(flush, chain);
	pmem->n_flushes++;
	/* It is answered with the others, so one kick accepts at most a ring of requests. */
	flush->refused = !is_flush(pmem, ret, &request);
	return NULL;
}

static void pmem_kick(struct virtio_device *dev, unsigned queue)
{
	struct pmem *pmem = pmem_of(dev);
	struct virtqueue_chain chain;
	const char *why = NULL;

	while (!why && virtqueue_pop(&pmem->queue, &chain, &why) > 0)
		why = accept_request(pmem, &chain);
	if (why)
		virtio_broken(dev, why);
	else
		start_sync(pmem);
}

/* A running fdatasync goes on, but the flushes that it covers are never answered. */
static void pmem_stop_queue(struct virtio_device *dev, unsigned queue)
{
	struct pmem *pmem = pmem_of(dev);

	pmem->n_flushes = 0;
	pmem->n_covered = 0;
}

static const struct virtio_device_ops pmem_ops = {
	.kick = pmem_kick,
	.stop_queue = pmem_stop_queue,
};

void pmem_init(struct pmem *pmem, const char *name, struct pmem_backing *backing, gpa_t start,
	       struct event_loop *loop, const struct guest_memory *mem)
{
	/* Not the flushes: a page of them is touched only if a guest has that many in flight. */
	memset(pmem, 0, offsetof(struct pmem, flushes));
	pmem->virtio = (struct virtio_device){
		.ops = &pmem_ops,
		.name = name,
		.id = VIRTIO_ID_PMEM,
		.features = 1ULL << VIRTIO_F_VERSION_1,
		.config = &pmem->config,
		.config_size = sizeof(pmem->config),
		.queues = &pmem->queue,
		.n_queues = 1,
	};
	pmem->loop = loop;
	pmem->backing = backing;
	pmem->start = start;
	pmem->config.start = host_to_le64(start.value);
	pmem->config.size = host_to_le64(backing->size);
	pmem->sync.done = sync_done;
	virtqueue_init(&pmem->queue, mem);
	event_loop_register(loop, backing->fd);
}

int pmem_store(struct pmem *pmem, uint64_t offset, const void *data, unsigned len)
{
	int dropped = pmem_backing_store(pmem->backing, offset, data, len);

	if (dropped <= 0)
		return dropped;
	pmem->counters.stores_dropped++;
	pmem->error_pending = true;
	if (pmem->backing->readonly)
		log_guest(&pmem->limit,
			  "%s: store at offset 0x%" PRIx64
			  " dropped, because %s is read-only; the next flush fails",
			  pmem->virtio.name, offset, pmem->backing->path);
	else /* The file may have grown since. */
		log_guest(&pmem->limit,
			  "%s: store at offset 0x%" PRIx64
			  " dropped, because the disk has only the "
			  "first 0x%" PRIx64 " bytes of %s; the next flush fails",
			  pmem->virtio.name, offset, pmem->backing->file_size, pmem->backing->path);
	return 0;
}

void pmem_count(const struct pmem *pmem, struct device_counters *ret_counters)
{
	static const struct device_counter counters[] = {
		{ "flushes", offsetof(struct pmem, counters.flushes) },
		{ "flush-errors", offsetof(struct pmem, counters.flush_errors) },
		{ "coalesced", offsetof(struct pmem, counters.coalesced) },
		{ "fdatasyncs", offsetof(struct pmem, counters.fdatasyncs) },
		{ "stores-dropped", offsetof(struct pmem, counters.stores_dropped) },
		{ NULL, 0 },
	};

	device_counters_read(ret_counters, pmem->virtio.name, counters, pmem);
}

void pmem_save(const struct pmem *pmem, struct state_writer *writer)
{
	state_writer_bool(writer, pmem->error_pending);
}

void pmem_load(struct pmem *pmem, struct state_reader *reader)
{
	pmem->error_pending = state_reader_bool(reader);
}
