// SPDX-License-Identifier: Apache-2.0
/* Signals as events, and dying of one. */
#include "vmm/host/signals.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(signals, .timeout = 10);

static const int ending[] = { SIGTERM,	 SIGINT,  SIGHUP,    SIGQUIT, SIGALRM,
			      SIGVTALRM, SIGPROF, SIGXCPU,   SIGUSR1, SIGUSR2,
			      SIGIO,	 SIGPWR,  SIGSTKFLT, 34,      64 /* real-time */ };

static struct driver_host host;
static struct signals signals;
static int last_caught;
static unsigned n_caught;

static void caught(struct signals *s, int signo)
{
	last_caught = signo;
	n_caught++;
}

static unsigned n_continued;

static void continued(struct signals *s)
{
	n_continued++;
}

static const struct signals_ops ops = { .caught = caught, .continued = continued };

static void setup(void)
{
	struct error err = { 0 };

	driver_host_init(&host);
	check_eq(signals_init(&signals, &ops, &host.loop, &err), 0, "%s", err.text);
	signals_start(&signals);
}

Test(signals, are_events, .init = setup)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ending); i++) {
		kill(getpid(), ending[i]);
		driver_settle(&host);
		check_eq(last_caught, ending[i]);
		check_eq(n_caught, i + 1);
	}
}

/* Until then they are start_guard.h's. */
Test(signals, before_the_start_wait)
{
	struct error err = { 0 };

	driver_host_init(&host);
	check_eq(signals_init(&signals, &ops, &host.loop, &err), 0, "%s", err.text);
	signals_block();
	kill(getpid(), SIGTERM);
	driver_settle(&host);
	check_eq(n_caught, 0);
	signals_start(&signals);
	driver_settle(&host);
	check_eq(last_caught, SIGTERM);
}

Test(signals, going_on_after_a_stop_is_no_end, .init = setup)
{
	kill(getpid(), SIGCONT);
	driver_settle(&host);
	check_eq(n_continued, 1);
	check_eq(n_caught, 0);
}

Test(signals, a_write_without_a_reader_is_an_error)
{
	int fds[2];

	signals_ignore_write_errors();
	check_eq(pipe(fds), 0);
	close(fds[0]);
	check_eq(write(fds[1], "x", 1), -1);
	check_eq(errno, EPIPE);
}

Test(signals, a_write_beyond_the_limit_is_an_error)
{
	const struct rlimit none = { 0, RLIM_INFINITY };
	FILE *file = tmpfile();

	cr_assert(file);
	signals_ignore_write_errors();
	check_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	check_eq(write(fileno(file), "x", 1), -1);
	check_eq(errno, EFBIG);
	fclose(file);
}

/* As nohup(1) starts a program. */
Test(signals, ignored_ones_stay_ignored)
{
	signal(SIGHUP, SIG_IGN);
	setup();
	kill(getpid(), SIGHUP);
	driver_settle(&host);
	check_eq(n_caught, 0);
	kill(getpid(), SIGTERM);
	driver_settle(&host);
	check_eq(last_caught, SIGTERM);
}

static void *is_blocked(void *arg)
{
	sigset_t set;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	for (unsigned i = 0; i < ARRAY_SIZE(ending); i++)
		check_eq(sigismember(&set, ending[i]), 1);
	return NULL;
}

Test(signals, blocked_in_later_threads, .init = setup)
{
	pthread_t thread;

	pthread_create(&thread, NULL, is_blocked, NULL);
	pthread_join(thread, NULL);
}

/* bad input: Host resources: no descriptor is left for signals (EMFILE) -> refused */
Test(signals, no_descriptor_left)
{
	struct rlimit limit, none;
	struct error err = { 0 };

	driver_host_init(&host);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ 0, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	check_eq(signals_init(&signals, &ops, &host.loop, &err), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	check_contains(err.text, "signalfd");
	signals_fini(&signals);
}

Test(signals, fini)
{
	static struct signals zeroed;

	signals_fini(&zeroed);
	setup();
	event_loop_fini(&host.loop);
	signals_fini(&signals);
	signals_fini(&signals);
}

/* Whatever was done to the signal before: blocked, caught, or ignored. */
Test(signals, die)
{
	static const int all[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, 64, SIGKILL };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		for (unsigned ignored = 0; ignored < 2; ignored++) {
			pid_t pid = fork();
			int status;

			if (pid == 0) {
				struct rlimit no_core = { 0 };
				sigset_t set;

				setrlimit(RLIMIT_CORE, &no_core);
				sigfillset(&set);
				pthread_sigmask(SIG_BLOCK, &set, NULL);
				if (ignored)
					signal(all[i], SIG_IGN);
				signals_die(all[i]);
			}
			check_eq(waitpid(pid, &status, 0), pid);
			cr_assert(WIFSIGNALED(status));
			check_eq(WTERMSIG(status), all[i]);
		}
	}
}
