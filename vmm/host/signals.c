// SPDX-License-Identifier: Apache-2.0
/* Signals that end mvmm, and SIGCONT. */
#include "vmm/host/signals.h"

#include "vmm/base/array.h"
#include "vmm/base/container_of.h"
#include "vmm/base/outcome.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void await_signal(struct signals *signals)
{
	event_loop_read(signals->loop, &signals->op, signals->fd, &signals->info,
			sizeof(signals->info));
}

bool signals_ignored(int signo)
{
	struct sigaction action;

	return sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void signal_read(struct event_op *op, int result)
{
	struct signals *signals = container_of(op, struct signals, op);

	if (result != (int)sizeof(signals->info))
		; /* interrupted */
	else if (signals->info.ssi_signo == SIGCONT)
		signals->ops->continued(signals);
	else if (!signals_ignored((int)signals->info.ssi_signo))
		signals->ops->caught(signals, (int)signals->info.ssi_signo);
	await_signal(signals);
}

sigset_t signals_ending(void)
{
	static const int ending[] = { SIGTERM,	 SIGINT,  SIGHUP,   SIGQUIT, SIGALRM,
				      SIGVTALRM, SIGPROF, SIGXCPU,  SIGUSR1, SIGUSR2,
				      SIGIO,	 SIGPWR,  SIGSTKFLT };
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&set, ending[i]);
	for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++)
		sigaddset(&set, signo);
	return set;
}

void signals_ignore_write_errors(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

void signals_block(void)
{
	sigset_t set = signals_ending();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static sigset_t all_signals(void)
{
	sigset_t set = signals_ending();

	sigaddset(&set, SIGCONT);
	return set;
}

int signals_init(struct signals *signals, const struct signals_ops *ops, struct event_loop *loop,
		 struct error *err)
{
	const sigset_t set = all_signals();

	signals->ops = ops;
	signals->loop = loop;
	signals->op.done = signal_read;
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals->fd < 0) {
		signals->fd = 0;
		return error_set(err, errno, "cannot make a signalfd: %s", strerror(errno));
	}
	return 0;
}

void signals_start(struct signals *signals)
{
	const sigset_t set = all_signals();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	await_signal(signals);
}

void signals_fini(struct signals *signals)
{
	if (signals->fd > 0)
		close(signals->fd);
	signals->fd = 0;
}

void signals_die(int signo)
{
	sigset_t set;

	signal(signo, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	raise(signo);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	/* Reached as PID 1, which no default action ends. */
	_exit(OUTCOME_SIGNAL + signo);
}
