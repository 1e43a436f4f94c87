// SPDX-License-Identifier: Apache-2.0
/* UART registers as a driver sees them. Numbers are those of <linux/serial_reg.h>. */
#include "devices/platform/serial.h"

#include "tests/support/state_file.h"

#include <errno.h>
#include <linux/serial_reg.h>

TestSuite(serial, .timeout = 10);

static struct serial serial;
static uint8_t out[64];
static unsigned out_len, room, dropped, interrupts, input_ready;

static bool output(struct serial *s, uint8_t byte)
{
	if (!room) {
		dropped++;
		return false;
	}
	out[out_len++] = byte;
	return --room > 0;
}

static void interrupt(struct serial *s)
{
	interrupts++;
}

static void ready(struct serial *s)
{
	input_ready++;
}

static const struct serial_ops ops = { output, interrupt, ready };

static void setup(void)
{
	serial_init(&serial, &ops);
	room = sizeof(out);
}

static uint8_t iir(void)
{
	return serial_read(&serial, UART_IIR) & 0xf;
}

Test(serial, at_rest, .init = setup)
{
	check_eq(serial_read(&serial, UART_IER), 0);
	check_eq(serial_read(&serial, UART_IIR), UART_IIR_NO_INT);
	check_eq(serial_read(&serial, UART_LCR), 0);
	check_eq(serial_read(&serial, UART_MCR), 0);
	check_eq(serial_read(&serial, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	check_eq(serial_read(&serial, UART_MSR), UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
	check_eq(serial_read(&serial, UART_RX), 0);
	check_eq(serial_read(&serial, 8), 0xff);
	check_eq(serial_input_space(&serial), SERIAL_FIFO_SIZE);
	check_eq(interrupts, 0);
}

Test(serial, registers_keep_what_they_can, .init = setup)
{
	static const struct {
		unsigned offset;
		uint8_t kept;
	} cases[] = {
		{ UART_IER, 0x0f },
		{ UART_LCR, 0xff },
		{ UART_MCR, 0x1f },
		{ UART_SCR, 0xff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		serial_write(&serial, cases[i].offset, 0xff);
		check_eq(serial_read(&serial, cases[i].offset), cases[i].kept);
		serial_write(&serial, cases[i].offset, 0);
		check_eq(serial_read(&serial, cases[i].offset), 0);
	}
	/* LSR and MSR are not written; what is beyond the registers is nothing. */
	serial_write(&serial, UART_LSR, 0xff);
	serial_write(&serial, UART_MSR, 0);
	serial_write(&serial, 8, 0xff);
	check_eq(serial_read(&serial, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
}

Test(serial, divisor_latch, .init = setup)
{
	serial_write(&serial, UART_IER, UART_IER_RDI);
	serial_write(&serial, UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	serial_write(&serial, UART_DLL, 0x12);
	serial_write(&serial, UART_DLM, 0x34);
	check_eq(serial_read(&serial, UART_DLL), 0x12);
	check_eq(serial_read(&serial, UART_DLM), 0x34);
	serial_write(&serial, UART_LCR, UART_LCR_WLEN8);
	check_eq(serial_read(&serial, UART_IER), UART_IER_RDI);
	check_eq(out_len, 0, "the divisor is no output");
	serial_write(&serial, UART_TX, 'a');
	check_eq(out_len, 1);
}

/* How drivers find out what kind of UART this is. */
Test(serial, fifo_shows_in_iir, .init = setup)
{
	check_eq(serial_read(&serial, UART_IIR) & 0xc0, 0);
	serial_write(&serial, UART_FCR, UART_FCR_ENABLE_FIFO);
	check_eq(serial_read(&serial, UART_IIR) & 0xc0, 0xc0);
	serial_write(&serial, UART_FCR, 0);
	check_eq(serial_read(&serial, UART_IIR) & 0xc0, 0);
}

Test(serial, output_in_order, .init = setup)
{
	for (const char *s = "hello"; *s; s++) {
		cr_assert(serial_read(&serial, UART_LSR) & UART_LSR_THRE);
		serial_write(&serial, UART_TX, (uint8_t)*s);
	}
	check_eq(out_len, 5);
	cr_assert(memcmp(out, "hello", 5) == 0);
	check_eq(interrupts, 0, "none is enabled");
}

Test(serial, output_waits_for_room, .init = setup)
{
	room = 2;
	serial_write(&serial, UART_IER, UART_IER_THRI);
	check_eq(interrupts, 1, "enabling it with room raises it");
	check_eq(iir(), UART_IIR_THRI);
	check_eq(iir(), UART_IIR_NO_INT, "reading it takes it back");
	serial_write(&serial, UART_TX, 'a');
	check_eq(interrupts, 2);
	check_eq(iir(), UART_IIR_THRI);
	serial_write(&serial, UART_TX, 'b');
	check_eq(interrupts, 2, "no room: no interrupt");
	check_eq(serial_read(&serial, UART_LSR), 0);
	check_eq(iir(), UART_IIR_NO_INT);
	/* A driver that does not look loses its byte, and only that; but whoever drops it knows. */
	serial_write(&serial, UART_TX, 'c');
	check_eq(out_len, 2);
	check_eq(dropped, 1);
	room = 10;
	serial_output_ready(&serial);
	check_eq(interrupts, 3);
	check_eq(iir(), UART_IIR_THRI);
	check_eq(serial_read(&serial, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	serial_output_ready(&serial);
	check_eq(interrupts, 3, "there was room already");
	serial_write(&serial, UART_TX, 'd');
	check_eq(out[2], 'd');
}

Test(serial, enabling_without_room_raises_nothing, .init = setup)
{
	room = 1;
	serial_write(&serial, UART_TX, 'a');
	serial_write(&serial, UART_IER, UART_IER_THRI);
	check_eq(interrupts, 0);
	serial_output_ready(&serial);
	check_eq(interrupts, 1);
}

Test(serial, enabling_again_raises_nothing_new, .init = setup)
{
	serial_write(&serial, UART_IER, UART_IER_THRI);
	serial_write(&serial, UART_IER, UART_IER_THRI);
	check_eq(interrupts, 1);
	serial_write(&serial, UART_IER, 0);
	check_eq(iir(), UART_IIR_NO_INT);
	serial_write(&serial, UART_IER, UART_IER_THRI);
	check_eq(interrupts, 2);
}

Test(serial, input, .init = setup)
{
	serial_write(&serial, UART_IER, UART_IER_RDI);
	serial_input(&serial, (const uint8_t *)"abc", 3);
	check_eq(interrupts, 1);
	check_eq(serial_input_space(&serial), SERIAL_FIFO_SIZE - 3);
	check_eq(iir(), UART_IIR_RDI);
	check_eq(iir(), UART_IIR_RDI, "until it is read");
	cr_assert(serial_read(&serial, UART_LSR) & UART_LSR_DR);
	check_eq(serial_read(&serial, UART_RX), 'a');
	check_eq(serial_read(&serial, UART_RX), 'b');
	check_eq(input_ready, 0);
	check_eq(serial_read(&serial, UART_RX), 'c');
	check_eq(input_ready, 1);
	check_eq(iir(), UART_IIR_NO_INT);
	check_eq(serial_read(&serial, UART_LSR) & UART_LSR_DR, 0);
	check_eq(serial_read(&serial, UART_RX), 0);
	check_eq(input_ready, 1);
}

Test(serial, input_before_its_interrupt_is_enabled, .init = setup)
{
	serial_input(&serial, (const uint8_t *)"a", 1);
	check_eq(interrupts, 0);
	serial_write(&serial, UART_IER, UART_IER_RDI);
	check_eq(interrupts, 1);
	check_eq(iir(), UART_IIR_RDI);
}

Test(serial, input_goes_around_the_fifo, .init = setup)
{
	uint8_t byte = 0, expected = 0;

	for (unsigned round = 0; round < 100; round++) {
		unsigned n = round % SERIAL_FIFO_SIZE + 1;

		for (unsigned i = 0; i < n; i++, byte++)
			serial_input(&serial, &byte, 1);
		for (unsigned i = 0; i < n; i++, expected++)
			check_eq(serial_read(&serial, UART_RX), expected);
	}
}

Test(serial, overrun, .init = setup)
{
	uint8_t bytes[SERIAL_FIFO_SIZE + 1];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i + 1);
	serial_write(&serial, UART_IER, UART_IER_RLSI | UART_IER_RDI);
	serial_input(&serial, bytes, SERIAL_FIFO_SIZE);
	check_eq(serial_input_space(&serial), 0);
	check_eq(iir(), UART_IIR_RDI);
	serial_input(&serial, bytes + SERIAL_FIFO_SIZE, 1);
	check_eq(iir(), UART_IIR_RLSI, "comes first");
	cr_assert(serial_read(&serial, UART_LSR) & UART_LSR_OE);
	check_eq(serial_read(&serial, UART_LSR) & UART_LSR_OE, 0, "reading it takes it back");
	check_eq(iir(), UART_IIR_RDI);
	for (unsigned i = 0; i < SERIAL_FIFO_SIZE; i++)
		check_eq(serial_read(&serial, UART_RX), i + 1);
	check_eq(serial_read(&serial, UART_LSR) & UART_LSR_DR, 0);
}

Test(serial, clearing_the_fifo, .init = setup)
{
	serial_write(&serial, UART_FCR, UART_FCR_ENABLE_FIFO);
	input_ready = 0;
	serial_input(&serial, (const uint8_t *)"abc", 3);
	serial_write(&serial, UART_FCR, UART_FCR_ENABLE_FIFO);
	check_eq(serial_input_space(&serial), SERIAL_FIFO_SIZE - 3, "nothing asked for");
	serial_write(&serial, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	check_eq(serial_input_space(&serial), SERIAL_FIFO_SIZE);
	check_eq(input_ready, 1);
	serial_input(&serial, (const uint8_t *)"d", 1);
	check_eq(serial_read(&serial, UART_RX), 'd');
	/* Switching it over clears it too. */
	serial_input(&serial, (const uint8_t *)"e", 1);
	serial_write(&serial, UART_FCR, 0);
	check_eq(serial_input_space(&serial), SERIAL_FIFO_SIZE);
}

Test(serial, loopback, .init = setup)
{
	static const struct {
		uint8_t mcr, msr;
	} lines[] = {
		{ 0, 0 },
		{ UART_MCR_DTR, UART_MSR_DSR },
		{ UART_MCR_RTS, UART_MSR_CTS },
		{ UART_MCR_OUT1, UART_MSR_RI },
		{ UART_MCR_OUT2, UART_MSR_DCD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		serial_write(&serial, UART_MCR, UART_MCR_LOOP | lines[i].mcr);
		check_eq(serial_read(&serial, UART_MSR) & 0xf0, lines[i].msr);
	}
	serial_write(&serial, UART_IER, UART_IER_RDI);
	serial_write(&serial, UART_TX, 'l');
	check_eq(out_len, 0, "nothing leaves");
	check_eq(interrupts, 1);
	check_eq(serial_read(&serial, UART_RX), 'l');
}

static struct state_file file;
static struct serial loaded;

static int save_and_load(void)
{
	state_file_save(&file);
	serial_save(&serial, &file.writer);
	state_file_load(&file);
	serial_load(&loaded, &file.reader);
	return state_file_result(&file);
}

static void setup_both(void)
{
	setup();
	serial_init(&loaded, &ops);
}

static void teardown_file(void)
{
	state_file_fini(&file);
}

/* All registers, with and without the latch; reading changes some, so both are read alike. */
static void check_same(void)
{
	for (unsigned latch = 0; latch < 2; latch++) {
		serial_write(&serial, UART_LCR, latch ? UART_LCR_DLAB : 0);
		serial_write(&loaded, UART_LCR, latch ? UART_LCR_DLAB : 0);
		for (unsigned n = 0; n < 20; n++)
			for (unsigned offset = 0; offset < 8; offset++)
				check_eq(serial_read(&loaded, offset), serial_read(&serial, offset),
					 "register %u", offset);
	}
}

Test(serial, saved_at_rest, .init = setup_both, .fini = teardown_file)
{
	check_eq(save_and_load(), 0, "%s", file.err.text);
	check_same();
	serial_restored(&loaded);
	check_eq(interrupts, 0);
	check_eq(input_ready, 1, "there may be input");
}

Test(serial, saved_with_input_and_all_registers, .init = setup_both, .fini = teardown_file)
{
	serial_write(&serial, UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	serial_write(&serial, UART_DLL, 0x12);
	serial_write(&serial, UART_DLM, 0x34);
	serial_write(&serial, UART_FCR, UART_FCR_ENABLE_FIFO);
	serial_write(&serial, UART_MCR, UART_MCR_DTR | UART_MCR_OUT2);
	serial_write(&serial, UART_SCR, 0x56);
	check_eq(save_and_load(), 0, "%s", file.err.text);
	check_eq(serial_read(&loaded, UART_LCR), UART_LCR_DLAB | UART_LCR_WLEN8);
	serial_write(&serial, UART_LCR, UART_LCR_WLEN8);
	serial_write(&serial, UART_IER, UART_IER_RDI | UART_IER_THRI);
	/* The FIFO's place wraps, and it overruns. */
	serial_input(&serial, (const uint8_t *)"0123456789", 10);
	for (unsigned i = 0; i < 9; i++)
		serial_read(&serial, UART_RX);
	serial_input(&serial, (const uint8_t *)"abcdefghijklmnopqrst", 20);
	interrupts = 0;
	check_eq(save_and_load(), 0, "%s", file.err.text);
	check_eq(interrupts, 0, "not before all is loaded");
	serial_restored(&loaded);
	check_eq(interrupts, 1, "it may have been lost");
	check_eq(serial_input_space(&loaded), 0);
	check_same();
}

Test(serial, saved_while_output_had_no_room, .init = setup_both, .fini = teardown_file)
{
	room = 1;
	serial_write(&serial, UART_IER, UART_IER_THRI);
	serial_write(&serial, UART_TX, 'a');
	check_eq(serial_read(&serial, UART_LSR), 0);
	interrupts = 0;
	check_eq(save_and_load(), 0, "%s", file.err.text);
	check_eq(serial_read(&loaded, UART_LSR), 0);
	serial_restored(&loaded);
	check_eq(interrupts, 1, "there is another console, with room");
	check_eq(serial_read(&loaded, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	check_eq(serial_read(&loaded, UART_IIR) & 0xf, UART_IIR_THRI);
}

/*
 * bad input: Snapshots: a snapshot with a serial port whose registers, flags or input have
 * impossible values -> refused
 */
Test(serial, saved_values_that_cannot_be, .init = setup_both, .fini = teardown_file)
{
	static const struct {
		unsigned at;
		uint8_t value;
		bool accepted;
	} cases[] = {
		{ 0, 0x0f, true },  { 0, 0x10, false }, { 1, 0xff, true },  { 2, 0x1f, true },
		{ 2, 0x20, false }, { 3, 0xff, true },	{ 4, 0xff, true },  { 5, 0xff, true },
		{ 6, 2, false },    { 7, 2, false },	{ 8, 0xff, false }, { 9, 2, false },
		{ 10, 2, false },   { 10, 0, false },	{ 10, 17, false },  { 13, 0x80, false },
	};
	size_t len;

	serial_input(&serial, (const uint8_t *)"x", 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		serial_init(&loaded, &ops);
		serial_write(&loaded, UART_SCR, 0x77);
		state_file_save(&file);
		serial_save(&serial, &file.writer);
		state_file_bytes(&file, &len)[cases[i].at] = cases[i].value;
		check_eq(len, 15);
		state_file_load(&file);
		serial_load(&loaded, &file.reader);
		check_eq(loaded.scr == 0x77 || cases[i].at == 10, !cases[i].accepted, "case %zu",
			 i);
		check_eq(state_file_result(&file) == 0, cases[i].accepted, "case %zu", i);
	}
}
