/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is behind a console that the guest sees, whichever device that is: up to CONFIG_MAX_BACKENDS
 * places (console_backend.h), all of which get what the guest writes and any of which may say
 * something; the keys that are mvmm's; the last lines. mvmm itself never blocks.
 */
#ifndef MVMM_VMM_CONSOLE_H
#define MVMM_VMM_CONSOLE_H

#include "vmm/base/event_loop.h"
#include "vmm/config/config.h"
#include "vmm/console/console_backend.h"
#include "vmm/console/console_tail.h"
#include "vmm/sandbox/sandbox.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

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

struct console_device;

/* What the guest's device hears, on the event loop's thread. */
struct console_device_ops {
	/* console_write has room again. */
	void (*output_ready)(struct console_device *device);
	/* console_take has something. */
	void (*input_ready)(struct console_device *device);
};

/* Embedded in the device. */
struct console_device {
	const struct console_device_ops *ops;
};

struct console {
	unsigned number; /* the owner's, who may have several */
	const struct console_ops *ops;
	struct console_device *device; /* borrowed */
	struct event_loop *loop;       /* borrowed */
	struct console_tail *tail;     /* borrowed */
	struct console_backend backends[CONFIG_MAX_BACKENDS];
	unsigned n_backends;
	bool escape_pressed;
	bool to_monitor; /* what is typed */
	bool draining, drain_over, look_queued;
	pthread_mutex_t lock;		/* guest's threads and the loop; also the backends' */
	uint8_t in[CONSOLE_INPUT_SIZE]; /* a ring: what the guest has not taken yet */
	unsigned in_start, in_count;
	bool input_wanted; /* the loop waits for room in it */
	int wake_fd;	   /* eventfd, owned: a guest's thread wants something of the loop */
	uint64_t wake_count;
	struct event_op wake, drain_timeout, look;
	struct __kernel_timespec drain_limit, look_pause;
};

/*
 * Makes one without any backend; @console is zeroed, which leaves pages untouched until they are
 * needed. What is borrowed stays the caller's; several consoles may share @tail. -errno from
 * eventfd(2).
 */
int console_init(struct console *console, const struct console_ops *ops,
		 struct console_device *device, struct event_loop *loop, struct console_tail *tail);

/* Adds what @config, which stays the caller's, names. -errno with @err set. */
int console_open(struct console *console, const struct config_console *config, struct error *err);

/* Adds a backend, of which there are not CONFIG_MAX_BACKENDS yet; as console_backend_init says. */
void console_attach(struct console *console, const struct config_backend *config, int in_fd,
		    int out_fd);

/* Takes a zeroed one. */
void console_fini(struct console *console);

/* Begins to read the input. */
void console_start(struct console *console);

/*
 * From any thread: writes @len bytes to all backends, and drops where there is no room. Returns for
 * how many more there is room in each: after 0 there may be some with output_ready.
 */
unsigned console_write(struct console *console, const uint8_t *bytes, unsigned len);

/* From any thread: takes up to @max bytes of input; returns how many. */
unsigned console_take(struct console *console, uint8_t *bytes, unsigned max);

/* Fills @ret_files, of CONFIG_MAX_BACKENDS, with the sockets to remove at the end; how many. */
unsigned console_list_files(const struct console *console, struct sandbox_file *ret_files);

/* Whether clients may connect. */
bool console_listens(const struct console *console);

/*
 * Runs the event loop until all is written, and read at pseudo-terminals, for at most a second.
 * After the vCPUs and the loop have ended.
 */
void console_drain(struct console *console);

/* Logs what was dropped, and returns how many bytes. */
uint64_t console_report(struct console *console);

#endif
