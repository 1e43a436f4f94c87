/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGTERM, SIGINT, SIGHUP and SIGQUIT as events of the loop, so that the terminal is restored and
 * the console written out before mvmm dies of them. Those that were ignored when mvmm was started,
 * as by nohup(1), stay ignored. SIGPIPE is always: a closed console is an error of its write.
 */
#ifndef MVMM_VMM_SIGNALS_H
#define MVMM_VMM_SIGNALS_H

#include "vmm/base/error.h"
#include "vmm/base/event_loop.h"

#include <sys/signalfd.h>

struct signals;

struct signals_ops {
	/* mvmm is to end. */
	void (*caught)(struct signals *signals, int signo);
	/* It was stopped, as by kill -STOP, and goes on: SIGCONT. */
	void (*continued)(struct signals *signals);
};

struct signals {
	const struct signals_ops *ops;
	struct event_loop *loop; /* borrowed */
	int fd;			 /* signalfd, owned */
	struct event_op op;
	struct signalfd_siginfo info;
};

/* Has them wait from now on, until signals_init takes them. */
void signals_block(void);

/* Blocks the signals in this thread and those it starts later. -errno with @err set. */
int signals_init(struct signals *signals, const struct signals_ops *ops, struct event_loop *loop,
		 struct error *err);

/* Takes a zeroed one. The signals stay blocked. */
void signals_fini(struct signals *signals);

/* Ends the process by @signo's default action. */
void signals_die(int signo) __attribute__((noreturn));

#endif
