/* SPDX-License-Identifier: Apache-2.0 */
/* Adds memory devices to a running VM. */
#ifndef MVMM_VMM_VM_HOTPLUG_H
#define MVMM_VMM_VM_HOTPLUG_H

#include "vmm/base/error.h"
#include "vmm/base/keyval.h"

struct vm;

/*
 * Plugs a pmem device by the arguments of device_add and tells the guest, which Linux answers by
 * making a /dev/pmemN of it. On the event loop's thread. -errno with @err set, QEMU's text where it
 * has one: -ENOTSUP where the machine is described by device tree, which cannot grow; then nothing
 * has changed.
 */
int vm_hotplug_pmem(struct vm *vm, const struct keyval *list, unsigned n, struct error *err);

#endif
