// SPDX-License-Identifier: Apache-2.0
/* 16550A registers; names and bits are those of <linux/serial_reg.h>. */
#include "devices/platform/serial.h"

#include <errno.h>
#include <linux/serial_reg.h>

/* The bits that can be set. */
#define IER_MASK 0x0f
#define MCR_MASK 0x1f

void serial_init(struct serial *serial, const struct serial_ops *ops)
{
	*serial = (struct serial){ .ops = ops, .thr_empty = true };
}

static bool dlab(const struct serial *serial)
{
	return serial->lcr & UART_LCR_DLAB;
}

/* Events in order of priority; IIR reads as the first one that is pending. */
static uint8_t pending_event(const struct serial *serial)
{
	if ((serial->ier & UART_IER_RLSI) && serial->overrun)
		return UART_IIR_RLSI;
	if ((serial->ier & UART_IER_RDI) && ring_count(&serial->rx))
		return UART_IIR_RDI;
	if ((serial->ier & UART_IER_THRI) && serial->thr_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

/*
 * The line goes into an edge-triggered input, and stays high in a real UART while anything is
 * pending; an edge for each new event is at worst one interrupt too many.
 */
static void raise_interrupt(struct serial *serial)
{
	if (pending_event(serial) != UART_IIR_NO_INT)
		serial->ops->interrupt(serial);
}

static void receive(struct serial *serial, uint8_t byte)
{
	if (!ring_put(&serial->rx, serial->fifo, SERIAL_FIFO_SIZE, &byte, 1))
		serial->overrun = true;
}

static uint8_t read_rx(struct serial *serial)
{
	uint8_t byte;

	if (!ring_take(&serial->rx, serial->fifo, SERIAL_FIFO_SIZE, &byte, 1))
		return 0;
	if (!ring_count(&serial->rx))
		serial->ops->input_ready(serial);
	return byte;
}

static uint8_t read_iir(struct serial *serial)
{
	uint8_t event = pending_event(serial);

	if (event == UART_IIR_THRI)
		serial->thr_pending = false;
	return event | (serial->fifo_enabled ? 0xc0 : 0);
}

static uint8_t read_lsr(struct serial *serial)
{
	uint8_t lsr = 0;

	if (ring_count(&serial->rx))
		lsr |= UART_LSR_DR;
	if (serial->overrun)
		lsr |= UART_LSR_OE;
	if (serial->thr_empty)
		lsr |= UART_LSR_THRE | UART_LSR_TEMT;
	serial->overrun = false;
	return lsr;
}

static uint8_t read_msr(const struct serial *serial)
{
	/* In loopback the modem lines read back what MCR drives; otherwise a peer is always there.
	 */
	if (serial->mcr & UART_MCR_LOOP)
		return (uint8_t)((serial->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
				 (serial->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
				 (serial->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
				 (serial->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0));
	return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
}

uint8_t serial_read(struct serial *serial, unsigned offset)
{
	switch (offset) {
	case UART_RX:
		return dlab(serial) ? serial->dll : read_rx(serial);
	case UART_IER:
		return dlab(serial) ? serial->dlm : serial->ier;
	case UART_IIR:
		return read_iir(serial);
	case UART_LCR:
		return serial->lcr;
	case UART_MCR:
		return serial->mcr;
	case UART_LSR:
		return read_lsr(serial);
	case UART_MSR:
		return read_msr(serial);
	case UART_SCR:
		return serial->scr;
	default:
		return 0xff;
	}
}

static void write_tx(struct serial *serial, uint8_t byte)
{
	if (serial->mcr & UART_MCR_LOOP) {
		receive(serial, byte);
		serial->thr_pending = true;
	} else {
		/* A guest that waited too long may write although there is no room. */
		serial->thr_empty = serial->ops->output(serial, byte);
		serial->thr_pending = serial->thr_empty;
	}
	raise_interrupt(serial);
}

static void write_ier(struct serial *serial, uint8_t value)
{
	uint8_t enabled = value & ~serial->ier;

	serial->ier = value & IER_MASK;
	/* Enabling the transmitter's interrupt raises it at once while there is room. */
	if ((enabled & UART_IER_THRI) && serial->thr_empty)
		serial->thr_pending = true;
	if (enabled)
		raise_interrupt(serial);
}

static void write_fcr(struct serial *serial, uint8_t value)
{
	bool enable = value & UART_FCR_ENABLE_FIFO;

	if ((value & UART_FCR_CLEAR_RCVR) || enable != serial->fifo_enabled) {
		serial->rx = (struct ring){ 0 };
		serial->ops->input_ready(serial);
	}
	serial->fifo_enabled = enable;
}

void serial_write(struct serial *serial, unsigned offset, uint8_t value)
{
	switch (offset) {
	case UART_TX:
		if (dlab(serial))
			serial->dll = value;
		else
			write_tx(serial, value);
		break;
	case UART_IER:
		if (dlab(serial))
			serial->dlm = value;
		else
			write_ier(serial, value);
		break;
	case UART_FCR:
		write_fcr(serial, value);
		break;
	case UART_LCR:
		serial->lcr = value;
		break;
	case UART_MCR:
		serial->mcr = value & MCR_MASK;
		break;
	case UART_SCR:
		serial->scr = value;
		break;
	}
}

void serial_output_ready(struct serial *serial)
{
	if (serial->thr_empty)
		return;
	serial->thr_empty = true;
	serial->thr_pending = true;
	raise_interrupt(serial);
}

unsigned serial_input_space(const struct serial *serial)
{
	return SERIAL_FIFO_SIZE - ring_count(&serial->rx);
}

void serial_input(struct serial *serial, const uint8_t *bytes, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		receive(serial, bytes[i]);
	raise_interrupt(serial);
}

void serial_save(const struct serial *serial, struct state_writer *w)
{
	struct ring rx = serial->rx;
	uint8_t bytes[SERIAL_FIFO_SIZE];
	uint32_t n = ring_take(&rx, serial->fifo, SERIAL_FIFO_SIZE, bytes, sizeof(bytes));

	state_writer_u8(w, serial->ier);
	state_writer_u8(w, serial->lcr);
	state_writer_u8(w, serial->mcr);
	state_writer_u8(w, serial->scr);
	state_writer_u8(w, serial->dll);
	state_writer_u8(w, serial->dlm);
	state_writer_bool(w, serial->fifo_enabled);
	state_writer_bool(w, serial->thr_empty);
	state_writer_bool(w, serial->thr_pending);
	state_writer_bool(w, serial->overrun);
	state_writer_u32(w, n);
	state_writer_bytes(w, bytes, n);
}

void serial_load(struct serial *serial, struct state_reader *r)
{
	struct serial s = { .ops = serial->ops };
	uint8_t bytes[SERIAL_FIFO_SIZE];
	uint32_t n;

	s.ier = state_reader_u8(r);
	s.lcr = state_reader_u8(r);
	s.mcr = state_reader_u8(r);
	s.scr = state_reader_u8(r);
	s.dll = state_reader_u8(r);
	s.dlm = state_reader_u8(r);
	s.fifo_enabled = state_reader_bool(r);
	s.thr_empty = state_reader_bool(r);
	s.thr_pending = state_reader_bool(r);
	s.overrun = state_reader_bool(r);
	n = state_reader_count(r, "bytes of input", SERIAL_FIFO_SIZE);
	state_reader_bytes(r, bytes, n);
	if (s.ier & ~IER_MASK || s.mcr & ~MCR_MASK)
		state_reader_fail(r, EINVAL,
				  "has the IER 0x%x and the MCR 0x%x, which have no such bits; "
				  "save the VM again",
				  s.ier, s.mcr);
	if (r->failed)
		return;
	ring_put(&s.rx, s.fifo, SERIAL_FIFO_SIZE, bytes, n);
	*serial = s;
}

void serial_restored(struct serial *serial)
{
	if (serial->thr_empty)
		raise_interrupt(serial);
	else
		serial_output_ready(serial);
	serial->ops->input_ready(serial);
}
