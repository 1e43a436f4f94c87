// SPDX-License-Identifier: Apache-2.0
/*
 * The test "storm": the first CPU keeps all queues of all devices but network cards full, with
 * chains as long as the queue that overlap each other, and all CPUs ring all doorbells as fast as
 * they can. Each device has to go on answering. Start reading at storm.
 */
#include "checks.h"

#include "args.h"
#include "clock.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "machine.h"
#include "pmem.h"
#include "serial.h"
#include "smp.h"
#include "text.h"
#include "virtio_mmio.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stddef.h>

#define DEVICES 8
#define QUEUES 3
#define BUFFER 65536
#define HOST 2 /* VMADDR_CID_HOST */

/* What the device does with the buffers of each queue. */
enum use { NONE, FILLS, READS, PACKETS, FLUSHES };

static const struct kind {
	uint32_t id;
	const char *name;
	enum use uses[QUEUES];
} kinds[] = {
	{ VIRTIO_ID_PMEM, "pmem", { FLUSHES } },
	{ VIRTIO_ID_RNG, "rng", { FILLS } },
	{ VIRTIO_ID_CONSOLE, "console", { FILLS, READS } },
	{ VIRTIO_ID_VSOCK, "vsock", { FILLS, PACKETS, FILLS } },
};

static struct target {
	const struct kind *kind;
	struct virtio_mmio device;
	struct virtqueue queues[QUEUES];
	uint64_t used; /* chains that came back */
} targets[DEVICES];
static unsigned n_targets;

static uint8_t buffer[BUFFER] NOINIT;
static struct virtio_pmem_req flush;
static struct virtio_pmem_resp answer;
static struct virtio_vsock_hdr packet;
static volatile bool ending;

static void describe(struct virtqueue *queue, enum use use, uint16_t i)
{
	bool last = i + 1 == queue->size;
	uint16_t next = last ? 0 : VRING_DESC_F_NEXT;

	if (use == PACKETS)
		virtqueue_describe(queue, i, (uint64_t)&packet, sizeof(packet), 0, 0);
	else if (use == FLUSHES && i % 2 == 0)
		virtqueue_describe(queue, i, (uint64_t)&flush, sizeof(flush), VRING_DESC_F_NEXT,
				   i + 1);
	else if (use == FLUSHES)
		virtqueue_describe(queue, i, (uint64_t)&answer, sizeof(answer), VRING_DESC_F_WRITE,
				   0);
	else
		virtqueue_describe(queue, i, (uint64_t)buffer, sizeof(buffer),
				   next | (use == FILLS ? VRING_DESC_F_WRITE : 0), i + 1);
}

static void fill(struct virtqueue *queue, enum use use)
{
	for (uint16_t i = 0; i < queue->size; i++)
		describe(queue, use, i);
	for (uint16_t i = 0; i < queue->size; i += use == FLUSHES ? 2 : 1)
		virtqueue_offer(queue, i);
}

static unsigned queues_of(const struct kind *kind)
{
	unsigned n = 0;

	while (n < QUEUES && kind->uses[n] != NONE)
		n++;
	return n;
}

static const char *start(struct target *t)
{
	unsigned n = queues_of(t->kind);
	const char *error = virtio_mmio_start(&t->device, 0, t->queues, n, VIRTQUEUE_MAX);

	for (unsigned q = 0; q < n && !error; q++)
		fill(&t->queues[q], t->kind->uses[q]);
	return error;
}

static const char *find(void)
{
	const char *error = NULL;

	ending = false;
	n_targets = 0;
	for (unsigned i = 0; i < machine.n_slots && n_targets < DEVICES && !error; i++) {
		struct target *t = &targets[n_targets];

		if (!virtio_mmio_probe(machine.slots[i].base, machine.slots[i].pin, &t->device))
			continue;
		t->kind = NULL;
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (kinds[k].id == t->device.id)
				t->kind = &kinds[k];
		if (!t->kind)
			continue;
		error = start(t);
		n_targets++;
	}
	return error;
}

/* Gives the chains that came back to the device again. */
static void refill(struct target *t)
{
	for (unsigned q = 0; q < queues_of(t->kind); q++) {
		struct vring_used_elem elem;

		while (virtqueue_take(&t->queues[q], &elem)) {
			virtqueue_offer(&t->queues[q], (uint16_t)elem.id);
			t->used++;
		}
	}
}

static void ring(const struct target *t)
{
	for (unsigned q = 0; q < queues_of(t->kind); q++)
		virtio_mmio_write(&t->device, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

static void ring_all(unsigned cpu)
{
	while (!ending)
		for (unsigned i = 0; i < n_targets; i++)
			ring(&targets[i]);
}

static const char *judge(void)
{
	const char *error = n_targets ? NULL : "there is no device";

	for (unsigned i = 0; i < n_targets; i++) {
		uint32_t status = virtio_mmio_read(&targets[i].device, VIRTIO_MMIO_STATUS);

		print("test-guest: storm on %s, %lu chains came back\n", targets[i].kind->name,
		      targets[i].used);
		if (status & VIRTIO_CONFIG_S_NEEDS_RESET || !targets[i].used)
			error = fail("%s has status 0x%x, %lu chains came back",
				     targets[i].kind->name, status, targets[i].used);
		virtio_mmio_reset(&targets[i].device);
	}
	return error;
}

static const char *storm(void)
{
	uint64_t begin = rdtsc(), ns = args_number("ms", 1000) * 1000000;
	const char *error;

	packet = (struct virtio_vsock_hdr){
		.src_cid = args_number("cid", 3),
		.dst_cid = HOST,
		.dst_port = 1,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = VIRTIO_VSOCK_OP_REQUEST,
	};
	error = find();
	if (!error)
		error = smp_start();
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		smp_run(cpu, ring_all);
	while (!error && clock_ns(rdtsc() - begin) < ns) {
		for (unsigned i = 0; i < n_targets; i++) {
			refill(&targets[i]);
			ring(&targets[i]);
		}
	}
	ending = true;
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		if (!smp_wait(cpu))
			return fail("CPU %u does not end", cpu);
	return error ? error : judge();
}

const struct check storm_checks[] = {
	{ "storm", .once = storm },
	{ 0 },
};
