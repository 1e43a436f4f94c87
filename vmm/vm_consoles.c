// SPDX-License-Identifier: Apache-2.0
/* Wires consoles to devices, to the monitor and to the VM's end. Start at vm_consoles_init. */
#include "vmm/vm_consoles.h"

#include "boot/layout.h"
#include "vmm/container_of.h"
#include "vmm/vm_state.h"

#include <errno.h>
#include <string.h>

static struct vm *vm_of_console(struct console *console)
{
	return container_of(console, struct vm, serial_console);
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

static const struct console_ops console_ops = { .quit = quit_key };
static const struct console_ops console_and_monitor_ops = {
	.quit = quit_key,
	.monitor_begins = monitor_begins,
	.monitor_input = monitor_input,
};

static bool has_stdio_monitor(const struct config *config)
{
	for (unsigned i = 0; i < config->n_controls; i++)
		if (config->controls[i].hmp && strcmp(config->controls[i].where, "stdio") == 0)
			return true;
	return false;
}

int vm_consoles_init(struct vm *vm, const struct config *config, struct error *err)
{
	const struct console_ops *ops =
		has_stdio_monitor(config) ? &console_and_monitor_ops : &console_ops;
	int ret;

	kvm_line_init(&vm->serial_interrupt, &vm->kvm, LAYOUT_SERIAL_GSI);
	serial_port_init(&vm->serial, &vm->serial_console, &vm->serial_interrupt.line);
	ret = console_init(&vm->serial_console, ops, &vm->serial.device, &vm->loop,
			   &vm->console_tail);
	if (ret < 0)
		return error_set(err, -ret, "cannot make the console: %s", strerror(-ret));
	return console_open(&vm->serial_console, &config->serial, err);
}

void vm_consoles_start(struct vm *vm)
{
	console_start(&vm->serial_console);
}

unsigned vm_consoles_list_files(const struct vm *vm, struct sandbox_file *ret_files)
{
	return console_list_files(&vm->serial_console, ret_files);
}

bool vm_consoles_listen(const struct vm *vm)
{
	return console_listens(&vm->serial_console);
}

void vm_consoles_drain(struct vm *vm)
{
	console_drain(&vm->serial_console);
}

void vm_consoles_report(struct vm *vm)
{
	vm->end.console_dropped = console_report(&vm->serial_console);
	console_tail_text(&vm->console_tail, vm->end.console);
}

void vm_consoles_fini(struct vm *vm)
{
	console_fini(&vm->serial_console);
}
