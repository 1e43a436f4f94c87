// SPDX-License-Identifier: Apache-2.0
/*
 * mvmm: boots Linux in a KVM microVM whose disk is a file mapped into guest memory. The whole
 * program in one screen: parse, plan, make, confine, run; this is the only file that ends the
 * process.
 */
#include "vmm/config.h"
#include "vmm/ctl.h"
#include "vmm/log.h"
#include "vmm/machine.h"
#include "vmm/machine_allocate.h"
#include "vmm/machine_show.h"
#include "vmm/sandbox.h"
#include "vmm/signals.h"
#include "vmm/vm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static enum outcome run(const struct config *config, struct machine *machine,
			struct boot_timer *timer, struct vm_end *ret_end, struct error *err)
{
	enum outcome outcome = OUTCOME_USAGE;
	struct vm *vm = NULL;

	/* Allocating fills the page cache, too, which is charged. */
	if (sandbox_join(&config->sandbox, err) < 0 ||
	    machine_allocate(machine, MACHINE_ALLOCATE_PATIENCE_NS, err) < 0)
		return OUTCOME_USAGE;
	if (vm_create(config, machine, timer, &vm, err) < 0)
		return OUTCOME_HOST_ERROR;
	if (vm_load(vm, err) == 0 && vm_confine(vm, err) == 0) {
		vm_run(vm, ret_end);
		outcome = ret_end->outcome;
	}
	vm_free(vm);
	return outcome;
}

int main(int argc, char **argv)
{
	static struct machine machine;
	struct boot_timer timer;
	struct config config;
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
	if (machine_plan(&machine, &config, &err) < 0)
		goto out;
	boot_timer_mark(&timer, BOOT_MARK_PLANNED);
	ret = show(&config, &machine, &err);
	if (ret == 1)
		outcome = run(&config, &machine, &timer, &end, &err);
	else if (ret == 0)
		outcome = OUTCOME_POWER_OFF;
out:
	machine_fini(&machine);
	config_fini(&config);
	if (err.text[0])
		log_error("%s", err.text);
	else if (end.detail[0] && (outcome == OUTCOME_POWER_OFF || outcome == OUTCOME_RESET ||
				   outcome == OUTCOME_GUEST_STATUS))
		log_info("%s", end.detail);
	else if (end.detail[0])
		log_error("%s", end.detail);
	if (config.boot_timer)
		boot_timer_print(&timer);
	if (outcome == OUTCOME_SIGNAL)
		signals_die(end.code);
	return outcome == OUTCOME_GUEST_STATUS ? end.code : (int)outcome;
}
