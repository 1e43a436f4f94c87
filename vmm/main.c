// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/outcomes.
/*
 * mvmm: boots Linux in a KVM microVM whose disk is a file mapped into guest memory. The whole
 * program in one screen: parse, plan, make, confine, run; this is the only file that ends the
 * process.
 */
#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"
#include "vmm/base/deadline.h"
#include "vmm/base/leftovers.h"
#include "vmm/base/log.h"
#include "vmm/config/config.h"
#include "vmm/control/ctl.h"
#include "vmm/control/monitor.h"
#include "vmm/host/launcher.h"
#include "vmm/host/ready.h"
#include "vmm/host/signals.h"
#include "vmm/host/start_guard.h"
#include "vmm/host/terminal.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/machine_allocate.h"
#include "vmm/machine/machine_show.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/vm/result.h"
#include "vmm/vm/vm.h"
#include "vmm/vm/vm_restore.h"
#include "vmm/vm/vm_run.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Serves the options that print the machine and start nothing. Returns 1 if none is given. */
static int show_machine(const struct config *config, const struct machine *machine,
			struct error *err)
{
	int ret = 0;

	if (!config->dry_run && !config->dump_dtb && !config->dump_acpi)
		return 1;
	if (config->dry_run) {
		machine_show_plan(machine, stdout);
		ret = machine_show_load(machine, err);
	}
	if (ret == 0 && config->dump_dtb)
		ret = machine_show_dtb(machine, config->dump_dtb, err);
	if (ret == 0 && config->dump_acpi)
		ret = machine_show_acpi(machine, config->dump_acpi, err);
	return ret;
}

/* A closed standard descriptor would become the number of a file that nobody should print into. */
static void open_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* A run of mvmm, from its options to its end. */
struct run {
	struct config config;
	struct boot_timer timer;
	struct machine machine;
	struct vm *vm;
	struct result result;
	struct ready ready;
	struct vm_end end;
	/* Until the guest runs: ends mvmm for a signal, or when --timeout expires. */
	struct start_guard guard;
	/*
	 * Then the event loop does that (signals.h, vm_hang.c), and this deadline ends mvmm when
	 * --timeout expires and the event loop is held up.
	 */
	struct deadline deadline;
};

/* How long mvmm may take to exit after the guest has ended. */
#define GRACE_S 5U

static void write_result(struct run *run, const struct vm_end *end)
{
	struct error err;

	boot_timer_mark(&run->timer, BOOT_MARK_END);
	if (result_write(&run->result, end, &run->timer, &err) < 0)
		log_error("%s", err.text);
}

static void confine_deadline(struct deadline *deadline)
{
	const struct run *run = container_of(deadline, struct run, deadline);

	if (vm_confine_thread(run->vm) < 0) {
		log_error("cannot install the sandbox's system call filter for the thread of "
			  "--timeout");
		_exit(OUTCOME_HOST_ERROR);
	}
}

static void deadline_passed(struct deadline *deadline)
{
	static struct vm_end end = { .outcome = OUTCOME_TIMEOUT };
	struct run *run = container_of(deadline, struct run, deadline);

	snprintf(end.detail, sizeof(end.detail),
		 "timeout: mvmm did not end within %u s after the timeout of %u s; the host holds "
		 "it up, perhaps because of slow storage",
		 GRACE_S, run->config.timeout);
	terminal_restore();
	log_error("%s", end.detail);
	write_result(run, &end);
	_exit(OUTCOME_TIMEOUT);
}

static const struct deadline_ops deadline_ops = {
	.begins = confine_deadline,
	.passed = deadline_passed,
};

static uint64_t after_exec(const struct run *run, uint64_t seconds)
{
	return run->timer.ns[BOOT_MARK_EXEC] + seconds * NS_PER_S;
}

static int begin_deadline(struct run *run, struct error *err)
{
	int ret;

	if (!run->config.timeout)
		return 0;
	ret = deadline_start(&run->deadline, &deadline_ops,
			     after_exec(run, run->config.timeout + GRACE_S));
	return ret < 0 ? error_system(err, -ret, "--timeout: cannot start a thread") : 0;
}

static void start_ends(struct start_guard *guard, int signo)
{
	static struct vm_end end;
	struct run *run = container_of(guard, struct run, guard);

	end.outcome = signo ? OUTCOME_SIGNAL : OUTCOME_TIMEOUT;
	end.code = signo;
	if (signo)
		snprintf(end.detail, sizeof(end.detail), "ended by signal %d (%s)", signo,
			 strsignal(signo));
	else
		snprintf(end.detail, sizeof(end.detail),
			 "timeout: mvmm did not start the guest within %u s; the last phase that "
			 "it finished: %s",
			 run->config.timeout, boot_timer_phase(&run->timer));
	log_error("%s", end.detail);
	leftovers_remove();
	write_result(run, &end);
	if (signo)
		signals_die(signo);
	_exit(OUTCOME_TIMEOUT);
}

static const struct start_guard_ops guard_ops = { .ends = start_ends };

/*
 * A start that leaves nothing and has nothing to report dies of signals as any process. That of a
 * container, PID 1, would not.
 */
static int begin_guard(struct run *run, struct error *err)
{
	const struct config *config = &run->config;
	int ret;

	if (!config->timeout && !config->result && !config_makes_files(config) && getpid() != 1)
		return 0;
	/*
	 * Or a second thread that allocates would get a heap of its own, by calls that the sandbox
	 * does not allow.
	 */
	mallopt(M_ARENA_MAX, 1);
	ret = start_guard_start(&run->guard, &guard_ops,
				config->timeout ? after_exec(run, config->timeout) : UINT64_MAX);
	return ret < 0 ? error_system(err, -ret, "cannot start a thread") : 0;
}

static enum outcome outcome_of(const struct error *err)
{
	return err->usage ? OUTCOME_USAGE : OUTCOME_HOST_ERROR;
}

static enum outcome load_and_run(struct run *run, struct error *err)
{
	int ret;

	ret = run->config.restore.where ? vm_restore(run->vm, &run->config.restore, err)
					: vm_load(run->vm, err);
	if (ret < 0)
		return outcome_of(err);
	ready_await_room(&run->ready);
	/* The process can be confined only while it has no other threads. */
	start_guard_stop(&run->guard);
	if (vm_confine(run->vm, &run->result, err) < 0)
		return outcome_of(err);
	if (begin_deadline(run, err) < 0)
		return OUTCOME_HOST_ERROR;
	machine_keep_disks(&run->machine);
	vm_run(run->vm, &run->ready, &run->end);
	ready_notify_end(&run->ready, outcome_status(run->end.outcome, run->end.code),
			 run->end.detail);
	return run->end.outcome;
}

static enum outcome create_and_run(struct run *run, struct error *err)
{
	enum outcome outcome;

	/* Joining first: allocating fills the page cache, too, which is charged. */
	if (ready_open(&run->ready, run->config.ready_fd, run->config.guest_ready_fd, err) < 0 ||
	    sandbox_join(&run->config.sandbox, err) < 0 ||
	    machine_allocate(&run->machine, MACHINE_ALLOCATE_PATIENCE_NS, err) < 0)
		return OUTCOME_USAGE;
	terminal_unblock();
	if (vm_create(&run->config, &run->machine, &run->timer, &run->vm, err) < 0)
		return outcome_of(err);
	outcome = load_and_run(run, err);
	vm_free(run->vm);
	return outcome;
}

/* Whether the options only print something: then no guest runs, and there is no result. */
static bool only_shows(const struct config *config)
{
	return config->help || config->version || config->dry_run || config->dump_dtb ||
	       config->dump_acpi;
}

static int open_result(struct run *run, struct error *err)
{
	if (!run->config.result || only_shows(&run->config))
		return 0;
	/* The result reports an end by a signal, too: none may end mvmm unseen. */
	signals_block();
	run->result.vm_name = run->config.name;
	run->result.vm_uuid = run->config.uuid;
	return result_open(&run->result, run->config.result, err);
}

static enum outcome parse_and_run(struct run *run, int argc, char **argv, struct error *err)
{
	struct error result_error = { 0 };
	int parsed = config_parse(&run->config, argc, argv, err), ret;

	log_set_format(run->config.log_format);
	if (run->config.name)
		log_set_name(run->config.name);
	ret = open_result(run, &result_error);
	if (parsed == 0 && ret < 0)
		*err = result_error;
	if (parsed < 0 || ret < 0)
		return OUTCOME_USAGE;
	log_set_level(run->config.log_level);
	if (run->config.help || run->config.version) {
		if (run->config.help)
			config_print_help(stdout);
		else
			printf(MONITOR_PACKAGE "\n");
		return OUTCOME_POWER_OFF;
	}
	if (begin_guard(run, err) < 0)
		return OUTCOME_HOST_ERROR;
	if (machine_plan(&run->machine, &run->config, err) < 0)
		return OUTCOME_USAGE;
	boot_timer_mark(&run->timer, BOOT_MARK_PLANNED);
	ret = show_machine(&run->config, &run->machine, err);
	if (ret == 1)
		return create_and_run(run, err);
	return ret == 0 ? OUTCOME_POWER_OFF : OUTCOME_USAGE;
}

static void log_end(const struct vm_end *end)
{
	bool good = end->outcome == OUTCOME_POWER_OFF || end->outcome == OUTCOME_RESET ||
		    end->outcome == OUTCOME_GUEST_STATUS;

	if (!end->detail[0])
		return;
	if (good)
		log_info("%s", end->detail);
	else
		log_error("%s", end->detail);
}

int main(int argc, char **argv)
{
	static struct run run;
	struct error err = { 0 };

	boot_timer_init(&run.timer);
	launcher_note_parent();
	signals_ignore_write_errors();
	open_standard_descriptors();
	if (argc > 1 && strcmp(argv[1], "ctl") == 0)
		return (int)ctl_run(argc - 2, argv + 2, stdout);
	run.end.outcome = parse_and_run(&run, argc, argv, &err);
	if (err.text[0])
		memcpy(run.end.detail, err.text, sizeof(err.text));
	machine_fini(&run.machine);
	log_end(&run.end);
	if (run.config.boot_timer)
		boot_timer_print(&run.timer);
	write_result(&run, &run.end);
	result_fini(&run.result);
	ready_fini(&run.ready);
	/* The deadline stays: it also guards the rest of the way to the exit. */
	start_guard_stop(&run.guard);
	config_fini(&run.config);
	if (run.end.outcome == OUTCOME_SIGNAL)
		signals_die(run.end.code);
	return outcome_status(run.end.outcome, run.end.code);
}
