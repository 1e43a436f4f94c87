/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 16550A UART, as far as a console needs it. It knows neither files nor threads: bytes and edges
 * go out through struct serial_ops, and the caller sees to it that only one thread at a time is in
 * here.
 */
#pragma once

#include "vmm/base/ring.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <stdbool.h>
#include <stdint.h>

#define SERIAL_FIFO_SIZE 16

struct serial;

struct serial_ops {
	/*
	 * Takes one byte, or drops it. False: there is no room for another one until
	 * serial_output_ready.
	 */
	bool (*output)(struct serial *serial, uint8_t byte);
	/* One rising edge of the interrupt line. */
	void (*interrupt)(struct serial *serial);
	/* The guest has read: serial_input may take more. */
	void (*input_ready)(struct serial *serial);
};

struct serial {
	const struct serial_ops *ops;
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	bool fifo_enabled;
	bool thr_empty;	  /* transmitter takes a byte */
	bool thr_pending; /* its interrupt is due */
	bool overrun;
	uint8_t fifo[SERIAL_FIFO_SIZE];
	struct ring rx; /* in @fifo */
};

void serial_init(struct serial *serial, const struct serial_ops *ops);

/* A one-byte access to register @offset (0 to 7). */
uint8_t serial_read(struct serial *serial, unsigned offset);
void serial_write(struct serial *serial, unsigned offset, uint8_t value);

/* Output has room again. */
void serial_output_ready(struct serial *serial);

/* How many bytes serial_input would take now. */
unsigned serial_input_space(const struct serial *serial);

/* Receives @len bytes; those beyond serial_input_space are lost, as an overrun. */
void serial_input(struct serial *serial, const uint8_t *bytes, unsigned len);

/*
 * Save and load all registers, and the input in the FIFO. What the console holds of input that the
 * UART has not received yet is not the UART's, and is not saved: the guest never sees it.
 */
void serial_save(const struct serial *serial, struct state_writer *writer);
void serial_load(struct serial *serial, struct state_reader *reader);

/*
 * It was loaded, and so was all else: makes the interrupt that may have been lost, says that output
 * has room, and takes input.
 */
void serial_restored(struct serial *serial);
