// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/console.
/* Connects consoles to devices, to the monitor and to the VM's end. Start at vm_consoles_init. */
#include "vmm/vm/vm_state.h"

#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"
#include "vmm/base/log.h"
#include "vmm/config/config_console.h"
#include "vmm/host/terminal.h"

#include <string.h>

static struct vm *vm_of_console(struct console *console)
{
	return container_of(console - console->number, struct vm, consoles[0]);
}

static void quit_key(struct console *console)
{
	vm_finish(vm_of_console(console), OUTCOME_QUIT, 0, "ended by Ctrl-A X on the console");
}

static void monitor_begins(struct console *console)
{
	control_console_begins(&vm_of_console(console)->control);
}

static void monitor_input(struct console *console, const uint8_t *bytes, unsigned len)
{
	control_console_input(&vm_of_console(console)->control, (const char *)bytes, len);
}

static void monitor_ends(struct console *console)
{
	control_console_ends(&vm_of_console(console)->control);
}

static bool monitor_edits(struct console *console)
{
	return control_console_edits(&vm_of_console(console)->control);
}

static bool monitor_print(struct console *console, const uint8_t *bytes, unsigned len)
{
	return control_console_print(&vm_of_console(console)->control, (const char *)bytes, len);
}

static void monitor_printed(struct control *control)
{
	struct vm *vm = container_of(control, struct vm, control);

	for (unsigned i = 0; i < vm->n_consoles; i++)
		console_printed(&vm->consoles[i]);
}

static const struct console_ops console_ops = { .quit = quit_key };
static const struct console_ops console_and_monitor_ops = {
	.quit = quit_key,
	.monitor_begins = monitor_begins,
	.monitor_input = monitor_input,
	.monitor_ends = monitor_ends,
	.monitor_edits = monitor_edits,
	.monitor_print = monitor_print,
};

static bool has_stdio_monitor(const struct config *config)
{
	for (unsigned i = 0; i < config->n_controls; i++)
		if (config->controls[i].hmp && strcmp(config->controls[i].where, "stdio") == 0)
			return true;
	return false;
}

static int add_console(struct vm *vm, struct console_device *device, const struct config *config,
		       const struct config_console *places, struct error *err)
{
	const struct console_ops *ops =
		has_stdio_monitor(config) ? &console_and_monitor_ops : &console_ops;
	struct console *console = &vm->consoles[vm->n_consoles];
	int ret = console_init(console, ops, device, &vm->loop, &vm->console_tail);

	if (ret < 0)
		return error_system(err, -ret, "cannot make an eventfd for the console");
	console->number = vm->n_consoles++;
	return console_open(console, places, err);
}

int vm_consoles_init(struct vm *vm, const struct config *config, struct error *err)
{
	int ret;

	vm->takes_keys = config_has_stdio_console(config) || has_stdio_monitor(config);
	kvm_line_init(&vm->serial_interrupt, &vm->kvm, LAYOUT_SERIAL_GSI);
	serial_port_init(&vm->serial, &vm->consoles[VM_CONSOLE_SERIAL], &vm->serial_interrupt.line);
	ret = add_console(vm, &vm->serial.device, config, &config->serial, err);
	if (ret == 0 && config->console.given)
		ret = add_console(vm, &vm->virtio_port.device, config, &config->console, err);
	return ret;
}

void vm_consoles_take_terminal(const struct vm *vm)
{
	int ret = vm->takes_keys ? terminal_raw() : 0;

	if (ret < 0)
		log_warning("cannot set the terminal's mode: %s", strerror(-ret));
}

void vm_consoles_start(struct vm *vm)
{
	vm->control.console_written = monitor_printed;
	for (unsigned i = 0; i < vm->n_consoles; i++)
		console_start(&vm->consoles[i]);
}

unsigned vm_consoles_list_files(const struct vm *vm, struct kept_file *ret_files)
{
	unsigned n = 0;

	for (unsigned i = 0; i < vm->n_consoles; i++)
		n += console_list_files(&vm->consoles[i], ret_files + n);
	return n;
}

bool vm_consoles_listen(const struct vm *vm)
{
	bool listen = false;

	for (unsigned i = 0; i < vm->n_consoles; i++)
		listen |= console_listens(&vm->consoles[i]);
	return listen;
}

void vm_consoles_leave_monitor(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_consoles; i++)
		console_leave_monitor(&vm->consoles[i]);
}

void vm_consoles_drain(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_consoles; i++)
		console_drain(&vm->consoles[i]);
}

void vm_consoles_report(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_consoles; i++)
		vm->end.console_dropped += console_report(&vm->consoles[i]);
	console_tail_text(&vm->console_tail, vm->end.console);
}

void vm_consoles_fini(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_consoles; i++)
		console_fini(&vm->consoles[i]);
}
