/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of a console, whichever device the guest sees: up to CONFIG_MAX_SINKS sinks
 * (console_sink.h), which all get the guest's output and of which any may send input; mvmm's own
 * keys; the last lines. mvmm itself never blocks.
 *
 * Nothing of it is saved with a VM: input that the guest's device has not taken yet is not part of
 * the saved guest, and goes to the VM that was given it.
 */
#pragma once

#include "vmm/base/event_loop.h"
#include "vmm/base/kept_file.h"
#include "vmm/base/ring.h"
#include "vmm/config/config.h"
#include "vmm/console/console_sink.h"
#include "vmm/console/console_tail.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What is typed must be read, because a key may be for mvmm, and so is kept for the guest. */
#define CONSOLE_INPUT_SIZE (1 << 20)
/* Of other input no more is read ahead. */
#define CONSOLE_INPUT_AHEAD 4096

struct console;

struct console_ops {
	/* The user pressed Ctrl-A X. On the event loop's thread. */
	void (*quit)(struct console *console);
	/*
	 * For a monitor that shares the input; otherwise all are NULL. The user pressed Ctrl-A C,
	 * and input goes to the monitor until Ctrl-A C is pressed again. On the event loop's
	 * thread.
	 */
	void (*monitor_begins)(struct console *console);
	void (*monitor_input)(struct console *console, const uint8_t *bytes, unsigned len);
	/* The user switched back. */
	void (*monitor_ends)(struct console *console);
	/*
	 * Whether the monitor edits a line on the terminal. Then monitor_print prints the guest's
	 * output above that line, and console_printed reports when it has. False: it cannot, and
	 * edits none any more.
	 */
	bool (*monitor_edits)(struct console *console);
	bool (*monitor_print)(struct console *console, const uint8_t *bytes, unsigned len);
};

struct console_device;

/* Calls to the guest's device, on the event loop's thread. */
struct console_device_ops {
	/* console_write has room again. */
	void (*output_ready)(struct console_device *device);
	/* console_take has input. */
	void (*input_ready)(struct console_device *device);
};

/* Embedded in the device. */
struct console_device {
	const struct console_device_ops *ops;
};

struct console {
	unsigned number; /* set by the owner, who may have several */
	const struct console_ops *ops;
	struct console_device *device; /* borrowed */
	struct event_loop *loop;       /* borrowed */
	struct console_tail *tail;     /* borrowed */
	struct console_sink sinks[CONFIG_MAX_SINKS];
	unsigned n_sinks;
	bool escape_pressed;
	bool to_monitor; /* input goes to the monitor */
	bool leaving;	 /* until the monitor's line is gone, output waits */
	bool draining;
	pthread_mutex_t lock;		/* guest's threads and the loop; also the sinks' */
	uint8_t in[CONSOLE_INPUT_SIZE]; /* input that the guest has not read yet */
	struct ring input;		/* in @in */
	uint64_t input_dropped;		/* bytes that had no room in there */
	bool input_wanted;		/* the loop waits for room in @in */
	int wake_fd;			/* eventfd, owned: wakes the loop for a guest's thread */
	uint64_t wake_count;
	struct event_op wake;
	struct event_timer drain_timeout, retry;
	uint64_t drain_ns;
};

/*
 * Makes a console without sinks. @console is zeroed, which leaves pages untouched until they are
 * needed. Several consoles may share @tail. -errno from eventfd(2).
 */
int console_init(struct console *console, const struct console_ops *ops,
		 struct console_device *device, struct event_loop *loop, struct console_tail *tail);

/* Opens and adds the sinks of @config, which stays the caller's. -errno with @err set. */
int console_open(struct console *console, const struct config_console *config, struct error *err);

/* Adds a sink; see console_sink_init. There must be fewer than CONFIG_MAX_SINKS. */
void console_attach(struct console *console, const struct config_sink *config, int in_fd,
		    int out_fd);

/* Takes a zeroed one. */
void console_fini(struct console *console);

/* Begins to read the input. */
void console_start(struct console *console);

/*
 * From any thread: writes @len bytes to all sinks, and discards bytes for which there is no room.
 * Returns for how many bytes each sink has room now; after 0, output_ready reports room.
 */
unsigned console_write(struct console *console, const uint8_t *bytes, unsigned len);

/* All that monitor_print was given is printed, or cannot be. On the event loop's thread. */
void console_printed(struct console *console);

/* As Ctrl-A C does, unless input goes to the guest already; before console_drain. */
void console_leave_monitor(struct console *console);

/* From any thread: moves up to @max bytes of input to @bytes; returns how many. */
unsigned console_take(struct console *console, uint8_t *bytes, unsigned max);

/* Fills @ret_files, of CONFIG_MAX_SINKS, with the sockets to remove; returns how many. */
unsigned console_list_files(const struct console *console, struct kept_file *ret_files);

/* Whether clients may connect. */
bool console_listens(const struct console *console);

/*
 * After the vCPUs and the loop have ended: runs the loop until all output is written, and read at
 * pseudo-terminals, for at most a second.
 */
void console_drain(struct console *console);

/* Logs how many bytes of input and output were dropped, and returns those of the output. */
uint64_t console_report(struct console *console);
