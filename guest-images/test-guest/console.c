// SPDX-License-Identifier: Apache-2.0
/* virtio-console. Start reading at console_echo and console_bulk. */
#include "checks.h"

#include "args.h"
#include "clock.h"
#include "cpu.h"
#include "fail.h"
#include "serial.h"
#include "text.h"
#include "virtio_mmio.h"

#include <linux/virtio_ids.h>
#include <stddef.h>

enum { RECEIVE, TRANSMIT, QUEUES };

#define BUFFERS 4
#define PIECE 4096 /* as much as Linux's driver sends at once */

static struct virtio_mmio device;
static struct virtqueue queues[QUEUES];
static char heard[BUFFERS][16];
static char piece[PIECE];

static void offer_buffer(uint16_t n)
{
	virtqueue_describe(&queues[RECEIVE], n, (uint64_t)heard[n], sizeof(heard[n]),
			   VRING_DESC_F_WRITE, 0);
	virtqueue_offer(&queues[RECEIVE], n);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_NOTIFY, RECEIVE);
}

static const char *find(void)
{
	const char *error;

	if (!virtio_mmio_find(VIRTIO_ID_CONSOLE, &device))
		return "there is no console device";
	error = virtio_mmio_start(&device, 0, queues, QUEUES, VIRTQUEUE_MAX);
	for (uint16_t n = 0; n < BUFFERS && !error; n++)
		offer_buffer(n);
	return error;
}

/* Waits without interrupts for what was sent, as Linux's driver does. */
static const char *send(const char *bytes, uint32_t len)
{
	uint64_t began = rdtsc();
	struct vring_used_elem elem;

	virtqueue_describe(&queues[TRANSMIT], 0, (uint64_t)bytes, len, 0, 0);
	virtqueue_offer(&queues[TRANSMIT], 0);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_NOTIFY, TRANSMIT);
	while (!virtqueue_take(&queues[TRANSMIT], &elem)) {
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
		struct vring_used_elem elem;

		if (!virtio_mmio_await(&device, &queues[RECEIVE], &elem))
			return "nothing is heard";
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

/* Says something on the first console device and repeats the line that it hears. */
static const char *console_echo(void)
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

/* Writes much by the serial port and by virtio-console, and prints how long each took. */
static const char *console_bulk(void)
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

const struct check console_checks[] = {
	{ "console-echo", .once = console_echo },
	{ "console-bulk", .once = console_bulk },
	{ 0 },
};
