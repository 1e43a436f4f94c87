/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-pmem (VIRTIO 1.3 section 5.19): memory that is a file, and one queue of flush requests.
 * A flush becomes an fdatasync of the file on the event loop's io_uring. At most one runs for each
 * device; it answers exactly the flushes that were popped before it was submitted, and those that
 * come meanwhile share the next one.
 */
#pragma once

#include "devices/virtio/pmem_backing.h"
#include "devices/virtio/virtio.h"
#include "vmm/base/device_counters.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/log.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <linux/virtio_pmem.h>
#include <stdint.h>

/*
 * The histogram's first bucket counts fdatasyncs of less than 2 us, bucket i those from 2^i us to
 * less than 2^(i+1) us, the last one all longer ones too.
 */
#define PMEM_LATENCY_BUCKETS 24

/* Counts since the start; for reports. */
struct pmem_counters {
	uint64_t flushes;	 /* answered with success */
	uint64_t flush_errors;	 /* answered with failure */
	uint64_t coalesced;	 /* flushes that shared another flush's fdatasync */
	uint64_t fdatasyncs;	 /* completed, well or not */
	uint64_t stores_dropped; /* stores to a read-only device or behind the file's end */
	uint64_t latency[PMEM_LATENCY_BUCKETS];
};

/* The shortest time that bucket @bucket counts. */
static inline uint64_t pmem_bucket_from_ns(unsigned bucket)
{
	return bucket ? 1000ULL << bucket : 0;
}

struct pmem;

struct pmem_ops {
	/* An fdatasync failed with -@error; its flushes are about to. */
	void (*flush_failed)(struct pmem *pmem, int error);
	/* The device has just become idle (pmem_is_idle). NULL where nobody wants to hear. */
	void (*idle)(struct pmem *pmem);
};

/* A popped request: where its answer goes. The 4 bytes may lie in as many buffers. */
struct pmem_flush {
	uint16_t head;
	bool refused; /* not a flush: answered with failure */
	uint8_t n_buffers;
	struct virtqueue_buffer buffers[4];
};

struct pmem {
	struct virtio_device virtio;
	struct virtqueue queue;
	struct event_loop *loop;      /* borrowed */
	struct pmem_backing *backing; /* borrowed */
	gpa_t start;
	struct virtio_pmem_config config;
	const struct pmem_ops *ops; /* NULL where nobody wants to hear */
	struct event_op sync;	    /* the running fdatasync */
	uint64_t sync_start_ns;
	bool syncing;	    /* whether there is one */
	int sync_result;    /* of the last: 0 or -errno */
	unsigned n_covered; /* flushes[0..n_covered) are answered by it */
	unsigned n_flushes; /* the others wait for the next; a ring cannot hold more heads */
	bool error_pending; /* data was lost and no flush has failed for it yet */
	struct pmem_counters counters;
	struct log_limit limit, host_limit; /* for what the guest did, and for faults of the host */
	struct pmem_flush flushes[VIRTQUEUE_MAX_SIZE]; /* last: pmem_init leaves them alone */
};

/*
 * A device named @name for @backing at guest-physical @start; all that it is given stays the
 * caller's. @mem must hold the backing's region by the time the guest runs.
 */
void pmem_init(struct pmem *pmem, const char *name, struct pmem_backing *backing, gpa_t start,
	       struct event_loop *loop, const struct guest_memory *mem);

/* What it did until now, but for the histogram. */
void pmem_count(const struct pmem *pmem, struct device_counters *ret_counters);

/*
 * A store of @len (1 to 8) bytes at @offset of the device, beyond what its memslot lets the guest
 * store by itself. A store that the file cannot hold is counted and logged, and the next flush
 * fails. Returns 0, or -EIO if the host cannot supply the page; then nothing has happened.
 */
int pmem_store(struct pmem *pmem, uint64_t offset, const void *data, unsigned len);

/*
 * Begins an fdatasync of the file that answers no flush, when the device is idle; the idle op
 * follows. Does nothing if the device never writes to the file. An error is in
 * pmem->sync_result, and as after any other the next flush fails.
 */
void pmem_sync(struct pmem *pmem);

/*
 * Whether no fdatasync runs; without one no flush is in flight. It stays so until a new request is
 * taken. A save waits for it, so that the file holds what flushes of the saved guest answered for.
 */
static inline bool pmem_is_idle(const struct pmem *pmem)
{
	return !pmem->syncing;
}

/*
 * Save and load what is beside registers and queue: whether the next flush has to fail. Loaded
 * after virtio_mmio_load, which drops the flushes in flight.
 */
void pmem_save(const struct pmem *pmem, struct state_writer *writer);
void pmem_load(struct pmem *pmem, struct state_reader *reader);
