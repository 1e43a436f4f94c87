/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's consoles: the serial port's, and virtio's if there is one; and what is behind them. */
#ifndef MVMM_VMM_VM_CONSOLES_H
#define MVMM_VMM_VM_CONSOLES_H

#include "vmm/base/error.h"
#include "vmm/config/config.h"
#include "vmm/sandbox/sandbox.h"

#define VM_CONSOLES_MAX_FILES (2 * CONFIG_MAX_BACKENDS)

struct vm;

/* Makes the serial port and opens what @config names. -errno with @err set. */
int vm_consoles_init(struct vm *vm, const struct config *config, struct error *err);

/*
 * Has each key of a terminal on standard input come at once, if they are for the guest or for a
 * monitor: at the start, and after a stop.
 */
void vm_consoles_take_terminal(const struct vm *vm);

/* Begins to hear what is said to the guest. */
void vm_consoles_start(struct vm *vm);

/* Fills @ret_files, of VM_CONSOLES_MAX_FILES, with the sockets to remove; returns how many. */
unsigned vm_consoles_list_files(const struct vm *vm, struct sandbox_file *ret_files);

/* Whether clients may connect to one. */
bool vm_consoles_listen(const struct vm *vm);

/* At the end, as console_drain; then console_report, into vm->end. */
void vm_consoles_drain(struct vm *vm);
void vm_consoles_report(struct vm *vm);

/* Takes a zeroed @vm. */
void vm_consoles_fini(struct vm *vm);

#endif
