/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that end a process, such as SIGTERM, as events of the loop, so that the terminal is
 * restored and the console written out before mvmm dies of them. Those that were ignored when mvmm
 * was started, as by nohup(1), stay ignored.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/event_loop.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>

struct signals;

struct signals_ops {
	/* A signal that is to end mvmm. */
	void (*caught)(struct signals *signals, int signo);
	/* SIGCONT: mvmm was stopped, as by kill -STOP, and goes on. */
	void (*continued)(struct signals *signals);
};

struct signals {
	const struct signals_ops *ops;
	struct event_loop *loop; /* borrowed */
	int fd;			 /* signalfd, owned */
	struct event_op op;
	struct signalfd_siginfo info;
};

/*
 * From now on SIGPIPE and SIGXFSZ end nothing: a pipe without a reader and a file at the limit of
 * its size are errors of the write (EPIPE, EFBIG), which the caller reports.
 */
void signals_ignore_write_errors(void);

/* Blocks the signals in this thread and those it starts later, until signals_start reads them. */
void signals_block(void);

/* Whether @signo was ignored when mvmm was started. A blocked signal is seen even so. */
bool signals_ignored(int signo);

/* All whose default action ends a process, but for SIGKILL and those that a fault raises. */
sigset_t signals_ending(void);

/* Opens what signals_start reads. -errno with @err set. */
int signals_init(struct signals *signals, const struct signals_ops *ops, struct event_loop *loop,
		 struct error *err);

/*
 * From now on signals are blocked in this thread and those it starts later, and come to the loop;
 * those that were blocked before and came, too.
 */
void signals_start(struct signals *signals);

/* Takes a zeroed one. The signals stay blocked. */
void signals_fini(struct signals *signals);

/* Ends the process by @signo's default action; as PID 1 with the status that a shell makes of it.
 */
void signals_die(int signo) __attribute__((noreturn));
