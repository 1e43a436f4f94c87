/* SPDX-License-Identifier: Apache-2.0 */
/* The console: a 16550 UART, polled for output. Only the first CPU may use it. */
#pragma once

#include <stdbool.h>

/* COM1 until told otherwise, so that even a failing search for devices can be reported. */
void serial_use(unsigned short port);

/* Like printf, with the conversions of text_format. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes one character. */
void serial_put(char c);

/* Takes one received character. False if there is none. */
bool serial_get(char *ret_c);

/* Turns the interrupt for received characters on or off. */
void serial_receive_interrupt(bool on);
