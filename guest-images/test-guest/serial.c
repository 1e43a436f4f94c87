// SPDX-License-Identifier: Apache-2.0
/* The console: a 16550 UART. Start reading at print. */
#include "serial.h"

#include "cpu.h"
#include "text.h"

#include <linux/serial_reg.h>

static uint16_t base = 0x3f8;

void serial_use(unsigned short port)
{
	base = port;
}

void serial_put(char c)
{
	while (!(in8(base + UART_LSR) & UART_LSR_THRE))
		cpu_relax();
	out8(base + UART_TX, (uint8_t)c);
}

void print(const char *fmt, ...)
{
	static char line[512];
	va_list args;

	va_start(args, fmt);
	text_format(line, sizeof(line), fmt, args);
	va_end(args);
	for (const char *c = line; *c; c++)
		serial_put(*c);
}

bool serial_get(char *ret_c)
{
	if (!(in8(base + UART_LSR) & UART_LSR_DR))
		return false;
	*ret_c = (char)in8(base + UART_RX);
	return true;
}

void serial_receive_interrupt(bool on)
{
	/* OUT2 connects a PC's UART to the interrupt line. */
	out8(base + UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	out8(base + UART_IER, on ? UART_IER_RDI : 0);
}
