// SPDX-License-Identifier: Apache-2.0
/* virtio-console. Start reading at console_echo and console_bulk. */
#include "console.h"

#include "args.h"
#include "checks.h"
#include "clock.h"
#include "cpu.h"
#include "interrupts.h"
#include "machine.h"
#include "serial.h"
#include "text.h"
#include "virtio_mmio.h"

#include <linux/virtio_ids.h>
#include <stddef.h>

enum { RECEIVE, TRANSMIT };

#define BUFFERS 4
#define PIECE 4096 /* as much as Linux's driver sends at once */

static struct virtio_mmio device;
static struct virtqueue receive, transmit;
static char heard[BUFFERS][16];
static char piece[PIECE];

static const char *setup_queue(unsigned number, struct virtqueue *queue)
{
	virtqueue_init(queue, VIRTQUEUE_MAX);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_SEL, number);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_NUM, VIRTQUEUE_MAX);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)(uint64_t)queue->desc);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)(uint64_t)&queue->avail);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)(uint64_t)&queue->used);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_READY, 1);
	if (virtio_mmio_read(&device, VIRTIO_MMIO_QUEUE_READY) != 1)
		return fail("queue %u does not become ready", number);
	return NULL;
}

static void offer_buffer(uint16_t n)
{
	virtqueue_describe(&receive, n, (uint64_t)heard[n], sizeof(heard[n]), VRING_DESC_F_WRITE,
			   0);
	virtqueue_offer(&receive, n);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_NOTIFY, RECEIVE);
}

static const char *start(void)
{
	const char *error = virtio_mmio_reset(&device);

	if (!error)
		error = virtio_mmio_negotiate(&device, 1UL << VIRTIO_F_VERSION_1);
	if (!error)
		error = setup_queue(RECEIVE, &receive);
	if (!error)
		error = setup_queue(TRANSMIT, &transmit);
	if (!error)
		error = virtio_mmio_driver_ok(&device);
	for (uint16_t n = 0; n < BUFFERS && !error; n++)
		offer_buffer(n);
	return error;
}

static const char *find(void)
{
	for (unsigned i = 0; i < machine.n_slots; i++) {
		const struct machine_slot *slot = &machine.slots[i];

		if (!virtio_mmio_probe(slot->base, slot->pin, &receive, &device) ||
		    device.id != VIRTIO_ID_CONSOLE)
			continue;
		virtio_mmio_route(&device, machine.apic_ids[0]);
		return start();
	}
	return "there is no console device";
}

/* Waits without interrupts for what was sent, as Linux's driver does. */
static const char *send(const char *bytes, uint32_t len)
{
	uint64_t began = rdtsc();
	struct vring_used_elem elem;

	virtqueue_describe(&transmit, 0, (uint64_t)bytes, len, 0, 0);
	virtqueue_offer(&transmit, 0);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_NOTIFY, TRANSMIT);
	while (!virtqueue_take(&transmit, &elem)) {
		if (rdtsc() - began > clock_timeout)
			return "output is not taken";
		cpu_relax();
	}
	return elem.len == 0 ? NULL : fail("used length of output is %u", elem.len);
}

/* Adds what is heard to @line up to its end. */
static const char *hear(char *line, size_t size)
{
	size_t len = 0;

	for (;;) {
		uint32_t seen = device.used_interrupts;
		struct vring_used_elem elem;

		if (!virtqueue_take(&receive, &elem)) {
			if (!interrupts_wait(&device.used_interrupts, seen))
				return "nothing is heard";
			continue;
		}
		for (uint32_t i = 0; i < elem.len && len + 1 < size; i++) {
			line[len] = heard[elem.id % BUFFERS][i];
			if (line[len] == '\r' || line[len] == '\n') {
				line[len] = '\0';
				return NULL;
			}
			len++;
		}
		offer_buffer((uint16_t)elem.id);
	}
}

const char *console_echo(void)
{
	static char line[256];
	const char *error = find();

	if (!error)
		error = send("virtio waits\r\n", 14);
	if (!error)
		error = hear(line, sizeof(line));
	if (!error)
		error = send("virtio ", 7);
	if (!error)
		error = send(line, (uint32_t)strlen(line));
	return error ? error : send("\r\n", 2);
}

static void fill_piece(void)
{
	for (unsigned i = 0; i < PIECE; i++)
		piece[i] = i % 64 == 63 ? '\n' : (char)('a' + i % 26);
}

static const char *measure(const char *name, uint64_t bytes, const char *(*write)(uint32_t len),
			   uint64_t *ret_ns)
{
	uint64_t began = rdtsc();
	const char *error = NULL;

	for (uint64_t done = 0; done < bytes && !error; done += PIECE)
		error = write(bytes - done < PIECE ? (uint32_t)(bytes - done) : PIECE);
	*ret_ns = clock_ns(rdtsc() - began);
	if (!error)
		print("test-guest: bulk %s %lu bytes %lu ns\n", name, bytes, *ret_ns);
	return error;
}

static const char *write_serial(uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		serial_put(piece[i]);
	return NULL;
}

static const char *write_virtio(uint32_t len)
{
	return send(piece, len);
}

const char *console_bulk(void)
{
	uint64_t serial = args_number("serial-bytes", 16384), serial_ns;
	uint64_t virtio = args_number("virtio-bytes", 1 << 20), virtio_ns;
	const char *error = virtio ? find() : NULL;

	fill_piece();
	if (!error)
		error = measure("serial", serial, write_serial, &serial_ns);
	if (!error)
		error = measure("virtio", virtio, write_virtio, &virtio_ns);
	if (!error && serial && virtio)
		print("test-guest: bulk virtio is %lu times as fast\n",
		      serial_ns * virtio / serial / (virtio_ns | 1));
	return error;
}
