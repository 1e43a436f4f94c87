/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM is made of, for the files that wire it (vm*.c) and for nobody else. */
#ifndef MVMM_VMM_VM_STATE_H
#define MVMM_VMM_VM_STATE_H

#include "devices/platform/watchdog.h"
#include "devices/virtio/net.h"
#include "devices/virtio/rng.h"
#include "devices/virtio/vsock.h"
#include "vmm/base/event_loop.h"
#include "vmm/console/console.h"
#include "vmm/console/console_tail.h"
#include "vmm/console/virtio_port.h"
#include "vmm/control/control.h"
#include "vmm/control/monitor.h"
#include "vmm/host/signals.h"
#include "vmm/host/vsock_unix.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/ram.h"
#include "vmm/kvm/register_pages.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/machine/machine.h"
#include "vmm/vm/vm.h"
#include "vmm/vm/vm_end.h"
#include "vmm/wiring/pmem_slot.h"
#include "vmm/wiring/power_bus.h"
#include "vmm/wiring/serial_port.h"

/* A page that the host cannot supply, on its way from a vCPU to the loop (vm_fault.c). */
struct vm_fault {
	struct event_call call;
	struct vm *vm;
	bool posted;		 /* atomic: and the loop has not taken it yet */
	const struct pmem *pmem; /* whose it is, or NULL */
	bool located;		 /* whether KVM told where: */
	uint64_t offset;	 /* in the device's file; without a device, guest-physical */
	int cause;		 /* as pmem_fault_at says */
};

/* A guest that hangs, on its way to the end (vm_hang.c). */
struct vm_hang {
	enum outcome outcome;
	char detail[80];
	unsigned looks;
	struct event_op op;
	struct __kernel_timespec delay;
};

/* --watchdog (vm_watchdog.c). */
struct vm_watchdog {
	struct watchdog watchdog;
	struct bus_region registers;
};

/* --timeout (vm_timeout.c). */
struct vm_timeout {
	unsigned seconds; /* 0: none */
	struct event_op op;
	struct __kernel_timespec delay;
};

enum { VM_CONSOLE_SERIAL, VM_CONSOLE_VIRTIO, VM_CONSOLES };

/* A network card (vm_extras.c). */
struct vm_net {
	char name[8];
	struct net net;
};

struct vm {
	struct machine *machine;	       /* borrowed */
	struct boot_timer *timer;	       /* borrowed */
	const struct sandbox_options *sandbox; /* borrowed */
	struct event_loop loop;
	struct kvm kvm;
	struct ram ram;
	struct guest_memory memory;
	struct bus ports, mmio;
	struct register_pages registers;
	struct signals signals;
	struct power_bus power;
	struct serial_port serial;
	struct kvm_line serial_interrupt;
	struct virtio_port virtio_port; /* if asked for */
	struct console consoles[VM_CONSOLES];
	unsigned n_consoles;
	struct console_tail console_tail; /* of all consoles */
	struct pmem_slot pmem[LAYOUT_VIRTIO_SLOTS];
	unsigned n_pmem;      /* atomic to read, for vCPUs */
	unsigned n_cold_pmem; /* of them from the start */
	struct rng rng;	      /* if asked for, as the next */
	struct vsock vsock;
	struct vsock_unix vsock_unix;
	uint8_t *vsock_buffers; /* owned; NULL: there is no vsock */
	struct vm_net nets[CONFIG_MAX_NETS];
	unsigned n_nets;
	struct virtio_slot
		extras[LAYOUT_VIRTIO_SLOTS]; /* of what is no disk; from the last slot down */
	unsigned n_extras;
	struct vcpu vcpus[BOOT_MAX_CPUS];
	unsigned n_vcpus;
	struct vm_fault faults[BOOT_MAX_CPUS];
	struct vm_timeout timeout;
	struct vm_watchdog watchdog;
	struct vm_hang hang;
	bool has_files;	 /* sockets, or the result, to serve or to name at the end */
	bool takes_keys; /* standard input is for the guest or a monitor */
	bool controlled; /* somebody can say cont */
	bool crash_told; /* atomic: that the guest runs its crash kernel */
	bool paused;
	bool io_error; /* why it is paused: a storage fault */
	struct event_condition all_parked;
	struct monitor monitor;
	struct control control;
	char memdev_path[CONFIG_ID_MAX + sizeof("/objects/")]; /* of the device last asked for */
	bool ended; /* atomic: the first reason to end wins, and then fills @end */
	struct vm_end end;
};

/*
 * Gives each region that begins within @size bytes from @start a memory slot of KVM's: the guest
 * may store to whatever devices may write to. -errno with @err set.
 */
int vm_add_slots(struct vm *vm, gpa_t start, uint64_t size, struct error *err);

/* The calling thread's list of system calls: the event loop's, and a vCPU's. -errno. */
int vm_confine_vcpu(struct vm *vm);

/* Counts @slot, which is ready, among the VM's devices. */
void vm_adopt_pmem(struct vm *vm, unsigned slot);

#endif
