// SPDX-License-Identifier: Apache-2.0
/*
 * mvmm: boots Linux in a KVM microVM whose disk is a file mapped into guest memory. The whole
 * program in one screen: parse, plan, make, confine, run; this is the only file that ends the
 * process.
 */
#include "vmm/config.h"
#include "vmm/container_of.h"
#include "vmm/ctl.h"
#include "vmm/deadline.h"
#include "vmm/log.h"
#include "vmm/machine.h"
#include "vmm/machine_allocate.h"
#include "vmm/machine_show.h"
#include "vmm/sandbox.h"
#include "vmm/signals.h"
#include "vmm/terminal.h"
#include "vmm/vm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL
#define TEXT_OF(token) #token
#define TEXT(macro) TEXT_OF(macro)

/* What only looks at the machine and starts nothing. Returns 1 if there was nothing of that kind.
 */
static int show(const struct config *config, const struct machine *machine, struct error *err)
{
	int ret = 0;

	if (!config->dry_run && !config->dump_dtb && !config->dump_acpi)
		return 1;
	if (config->dry_run)
		machine_show_plan(machine, stdout);
	if (config->dump_dtb)
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

/* What sees to it that --timeout ends mvmm. Once the guest runs, that is vm_timeout.c, and this
 * only where even that is held up.
 */
struct patience {
	struct deadline deadline;
	const struct config *config;
	const struct boot_timer *timer;
	bool guest_runs;
};

/* How long the way from the end of a guest to that of the process may take. */
#define GRACE_S 5

static void confine_patience(struct deadline *deadline)
{
	const struct patience *p = container_of(deadline, struct patience, deadline);

	if (p->guest_runs && sandbox_confine_thread(&p->config->sandbox, SANDBOX_LOOP) < 0) {
		log_error("cannot confine the thread of --timeout");
		_exit(OUTCOME_HOST_ERROR);
	}
}

static void lost_patience(struct deadline *deadline)
{
	const struct patience *p = container_of(deadline, struct patience, deadline);

	if (p->guest_runs)
		log_error("timeout: mvmm did not end within %u s of the %u s that it had; the host "
			  "holds it up, for storage perhaps",
			  GRACE_S, p->config->timeout);
	else
		log_error("timeout: mvmm did not get the guest started within %u s; done until "
			  "now: %s",
			  p->config->timeout, boot_timer_phase(p->timer));
	terminal_restore();
	_exit(OUTCOME_TIMEOUT);
}

static const struct deadline_ops patience_ops = {
	.begins = confine_patience,
	.passed = lost_patience,
};

static int begin_patience(struct patience *p, bool guest_runs, struct error *err)
{
	uint64_t seconds = p->config->timeout + (guest_runs ? GRACE_S : 0);
	int ret = 0;

	deadline_stop(&p->deadline);
	p->guest_runs = guest_runs;
	if (p->config->timeout)
		ret = deadline_start(&p->deadline, &patience_ops,
				     p->timer->ns[BOOT_MARK_EXEC] + seconds * NS_PER_S);
	return ret < 0 ? error_set(err, -ret, "--timeout: cannot start a thread: %s",
				   strerror(-ret))
		       : 0;
}

static enum outcome load_and_run(struct vm *vm, struct patience *patience, struct vm_end *ret_end,
				 struct error *err)
{
	if (vm_load(vm, err) < 0)
		return OUTCOME_USAGE;
	/* The process can be confined only while it has no other threads. */
	deadline_stop(&patience->deadline);
	if (vm_confine(vm, err) < 0)
		return OUTCOME_USAGE;
	if (begin_patience(patience, true, err) < 0)
		return OUTCOME_HOST_ERROR;
	vm_run(vm, ret_end);
	return ret_end->outcome;
}

static enum outcome run(struct machine *machine, struct boot_timer *timer,
			struct patience *patience, struct vm_end *ret_end, struct error *err)
{
	const struct config *config = patience->config;
	enum outcome outcome;
	struct vm *vm = NULL;

	/* Allocating fills the page cache, too, which is charged. */
	if (sandbox_join(&config->sandbox, err) < 0 ||
	    machine_allocate(machine, MACHINE_ALLOCATE_PATIENCE_NS, err) < 0)
		return OUTCOME_USAGE;
	if (vm_create(config, machine, timer, &vm, err) < 0)
		return OUTCOME_HOST_ERROR;
	outcome = load_and_run(vm, patience, ret_end, err);
	vm_free(vm);
	return outcome;
}

int main(int argc, char **argv)
{
	static struct machine machine;
	struct boot_timer timer;
	struct config config;
	struct patience patience = { .config = &config, .timer = &timer };
	struct vm_end end = { 0 };
	struct error err = { 0 };
	enum outcome outcome = OUTCOME_USAGE;
	int ret;

	boot_timer_init(&timer);
	open_standard_descriptors();
	if (argc > 1 && strcmp(argv[1], "ctl") == 0)
		return (int)ctl_run(argc - 2, argv + 2, stdout);
	if (config_parse(&config, argc, argv, &err) < 0)
		goto out;
	log_set_level(config.log_level);
	if (config.help || config.version) {
		if (config.help)
			config_print_help(stdout);
		else
			printf("mvmm " TEXT(MVMM_VERSION) "\n");
		outcome = OUTCOME_POWER_OFF;
		goto out;
	}
	if (begin_patience(&patience, false, &err) < 0) {
		outcome = OUTCOME_HOST_ERROR;
		goto out;
	}
	if (machine_plan(&machine, &config, &err) < 0)
		goto out;
	boot_timer_mark(&timer, BOOT_MARK_PLANNED);
	ret = show(&config, &machine, &err);
	if (ret == 1)
		outcome = run(&machine, &timer, &patience, &end, &err);
	else if (ret == 0)
		outcome = OUTCOME_POWER_OFF;
out:
	machine_fini(&machine);
	if (err.text[0])
		log_error("%s", err.text);
	else if (end.detail[0] && (outcome == OUTCOME_POWER_OFF || outcome == OUTCOME_RESET ||
				   outcome == OUTCOME_GUEST_STATUS))
		log_info("%s", end.detail);
	else if (end.detail[0])
		log_error("%s", end.detail);
	if (config.boot_timer)
		boot_timer_print(&timer);
	/* The other one stays: it sees to the rest of the way, too. */
	if (!patience.guest_runs)
		deadline_stop(&patience.deadline);
	config_fini(&config);
	if (outcome == OUTCOME_SIGNAL)
		signals_die(end.code);
	return outcome == OUTCOME_GUEST_STATUS ? end.code : (int)outcome;
}
