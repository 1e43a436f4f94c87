/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serial port and what is behind it: standard input and output, a file, or nothing. A vCPU
 * writes into a buffer and goes on; the event loop writes the buffer out. A reader that does not
 * read fills the buffer, then the UART shows no room, and the guest waits or drops, as it would
 * with real hardware; mvmm itself never blocks.
 */
#ifndef MVMM_VMM_CONSOLE_H
#define MVMM_VMM_CONSOLE_H

#include "devices/interrupt_line.h"
#include "devices/serial.h"
#include "vmm/bus.h"
#include "vmm/console_tail.h"
#include "vmm/event_loop.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_BUFFER_SIZE 65536
#define CONSOLE_INPUT_SIZE 4096

struct console;

struct console_ops {
	/* The user pressed Ctrl-A X. On the event loop's thread. */
	void (*quit)(struct console *console);
	/*
	 * Where a monitor shares the input, or both NULL: the user pressed Ctrl-A C and types to
	 * the monitor from now on; what was typed until Ctrl-A C is pressed again. On the same
	 * thread.
	 */
	void (*monitor_begins)(struct console *console);
	void (*monitor_input)(struct console *console, const uint8_t *bytes, unsigned len);
};

struct console {
	struct bus_region ports;
	const struct console_ops *ops;
	struct event_loop *loop;     /* borrowed */
	int in_fd;		     /* borrowed, or -1 */
	int out_fd;		     /* borrowed, or -1: output is dropped */
	struct interrupt_line *line; /* borrowed */
	bool escape_key;	     /* the input is a terminal, or a monitor's too */
	bool escape_pressed;
	bool to_monitor; /* what is typed */
	bool draining;
	pthread_mutex_t lock; /* vCPUs and the loop: all from here to wake_fd */
	struct serial serial;
	uint8_t out[CONSOLE_BUFFER_SIZE]; /* a ring */
	unsigned out_start, out_count;
	struct console_tail tail;
	bool writing;			/* the loop is writing, or was told to begin */
	uint8_t in[CONSOLE_INPUT_SIZE]; /* a ring: what the UART has no room for yet */
	unsigned in_start, in_count;
	bool input_wanted; /* the loop waits for room in it */
	int wake_fd;	   /* eventfd, owned: a vCPU wants something of the loop */
	uint64_t wake_count;
	struct event_op wake, write, writable, input, drain_timeout;
	bool write_queued; /* a write, or a wait for room, is in flight */
	bool input_polled;
	struct __kernel_timespec drain_limit;
};

/*
 * @console is zeroed, which leaves its buffer's pages untouched until they are needed. @ops may be
 * NULL where @in_fd is no terminal. The descriptors stay the caller's. -errno from eventfd(2).
 */
int console_init(struct console *console, const struct console_ops *ops, struct event_loop *loop,
		 int in_fd, int out_fd, struct interrupt_line *line);

/* Takes a zeroed one. */
void console_fini(struct console *console);

/* Begins to read the input. */
void console_start(struct console *console);

/* The last lines that the guest wrote, as console_tail_text gives them. From any thread. */
void console_text(struct console *console, char text[static CONSOLE_TAIL_SIZE + 2]);

/*
 * Runs the event loop until the buffer is written, for at most a second. After the vCPUs and the
 * loop have ended.
 */
void console_drain(struct console *console);

#endif
