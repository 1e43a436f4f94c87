/* SPDX-License-Identifier: Apache-2.0 */
// Tested by tests/unit/vmm/vm/test_vm_pause.c.
/* The parts of a VM, and what the files that connect them (vm*.c) do for each other. */
#pragma once

#include "devices/platform/vmgenid.h"
#include "devices/platform/watchdog.h"
#include "vmm/base/event_loop.h"
#include "vmm/console/console.h"
#include "vmm/console/console_tail.h"
#include "vmm/console/virtio_port.h"
#include "vmm/control/control.h"
#include "vmm/control/monitor.h"
#include "vmm/host/signals.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/ram.h"
#include "vmm/kvm/register_pages.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vcpu_state_x86.h"
#include "vmm/machine/machine.h"
#include "vmm/models/device_model.h"
#include "vmm/vm/vm.h"
#include "vmm/vm/vm_disks.h"
#include "vmm/vm/vm_end.h"
#include "vmm/vm/vm_fork.h"
#include "vmm/vm/vm_freeze.h"
#include "vmm/vm/vm_ram.h"
#include "vmm/vm/vm_reset.h"
#include "vmm/vm/vm_save.h"
#include "vmm/wiring/pmem_slot.h"
#include "vmm/wiring/power_bus.h"
#include "vmm/wiring/serial_port.h"
#include "vmm/wiring/virtio_slot.h"

/* A page that the host cannot supply, on its way from a vCPU to the loop (vm_fault.c). */
struct vm_fault {
	struct event_call call;
	struct vm *vm;
	bool posted;		 /* atomic: the loop has not taken it yet */
	const struct pmem *pmem; /* the disk, or NULL */
	bool located;		 /* whether KVM said where: */
	uint64_t offset;	 /* in the disk's file; without a disk, guest-physical */
	int cause;		 /* from pmem_fault_at */
};

/* That a vCPU has left the guest, on its way to the loop (vm_pause.c). */
struct vm_parked {
	struct event_call call;
	struct vm *vm;
	bool posted; /* atomic: the loop has not taken it yet */
};

/* A guest that hangs, while it is ended (vm_hang.c). */
struct vm_hang {
	enum outcome outcome;
	char detail[80];
	unsigned checks;
	struct event_timer timer;
};

/* The guest's user space, on its way from a vCPU to the loop (vm_ready.c). */
struct vm_ready {
	struct boot_timer_listener listener;
	struct event_call call;
	bool notified; /* clients and the launcher know of it */
};

/* --watchdog (vm_watchdog.c). */
struct vm_watchdog {
	struct watchdog watchdog;
	struct bus_region registers;
};

/* --timeout (vm_hang.c). */
struct vm_timeout {
	unsigned seconds; /* 0: none */
	struct event_timer timer;
};

/* The end of a restored VM whose memory file was truncated. */
#define VM_LACKS_MEMORY                                                                             \
	"the host cannot supply a page of guest memory, which is a snapshot's file memory: it was " \
	"truncated, or cannot be read"

/* Sections of a state file. */
#define VM_SECTION_KVM "kvm"
#define VM_SECTION_VCPU "vcpu%u"

enum { VM_CONSOLE_SERIAL, VM_CONSOLE_VIRTIO, VM_CONSOLES };

#define VM_CONSOLES_MAX_FILES (VM_CONSOLES * CONFIG_MAX_SINKS)

/* A virtio device other than a disk, in its slot (vm_devices.c). */
struct vm_device {
	struct device device;
	struct virtio_slot slot;
};

struct vm {
	const struct config *config;	       /* borrowed */
	struct machine *machine;	       /* borrowed */
	struct boot_timer *timer;	       /* borrowed */
	const struct sandbox_options *sandbox; /* borrowed */
	const char *name, *uuid;	       /* borrowed, or NULL */
	struct ready *ready;		       /* borrowed; NULL before vm_run */
	struct event_loop loop;
	struct kvm kvm;
	struct ram ram;
	struct guest_memory memory;
	struct bus ports, mmio;
	struct register_pages registers;
	struct signals signals;
	struct launcher launcher;
	bool die_with_parent;
	struct power_bus power;
	struct serial_port serial;
	struct kvm_line serial_interrupt;
	struct vmgenid vmgenid;
	struct kvm_line vmgenid_interrupt;
	struct virtio_port virtio_port; /* if asked for */
	struct console consoles[VM_CONSOLES];
	unsigned n_consoles;
	struct console_tail console_tail; /* of all consoles */
	struct pmem_slot pmem[LAYOUT_VIRTIO_SLOTS];
	unsigned n_pmem;      /* atomic, because vCPUs read it */
	unsigned n_cold_pmem; /* those from the start */
	struct vm_disks restored_disks;
	struct vm_ram restored_ram;		       /* of a fork */
	struct vm_device devices[LAYOUT_VIRTIO_SLOTS]; /* from the last slot down */
	unsigned n_devices;
	struct vcpu vcpus[BOOT_MAX_CPUS];
	unsigned n_vcpus;
	struct vm_fault faults[BOOT_MAX_CPUS];
	struct vm_timeout timeout;
	struct vm_ready guest_ready;
	struct vm_watchdog watchdog;
	struct vm_hang hang;
	struct vm_freeze freeze;
	struct vcpu_state_host state_host; /* for a save and a restore */
	struct vm_save save;
	struct vm_reset reset;
	struct vm_fork fork;
	bool has_files;	   /* there are sockets to serve, or a result to rename */
	bool takes_keys;   /* the guest or a monitor reads standard input */
	bool controlled;   /* a client can send cont */
	bool crash_logged; /* atomic: the guest's crash kernel was logged */
	bool paused;	   /* from vm_pause to vm_resume */
	bool prelaunch;	   /* --paused, and nobody has said cont yet; @paused too */
	bool stopping;	   /* atomic: paused, but a vCPU has not left the guest yet */
	bool resume_asked; /* vm_resume was called meanwhile */
	bool io_error;	   /* it is paused because of a storage fault */
	struct vm_parked parked[BOOT_MAX_CPUS];
	struct monitor monitor;
	struct control control;
	char memdev_path[CONFIG_ID_MAX + sizeof("/objects/")]; /* of the disk listed last */
	bool ended; /* atomic: the first reason to end wins, and then fills @end */
	struct vm_end end;
};

/*
 * vm_devices.c: makes the planned devices and puts them into their slots, which are connected
 * together with the disks'. -errno with @err set; vm->n_devices then includes a half-built one.
 */
int vm_devices_init(struct vm *vm, const struct config *config, struct error *err);

/*
 * Fills in the counters of the @i-th device that has any, on the event loop's thread. -ENOENT:
 * there is none.
 */
int vm_devices_count(const struct vm *vm, unsigned i, struct device_counters *ret_counters);

/* Whether a device connects to sockets of the host while the guest runs. */
bool vm_devices_connect(const struct vm *vm);

/* After the vCPUs have stopped: processes the buffers that the guest offered last. */
void vm_devices_finish(struct vm *vm);

/*
 * Fills @ret_files, with room for a file of each slot, with the files to remove at the end; returns
 * how many. They point into @vm.
 */
unsigned vm_devices_list_files(const struct vm *vm, struct kept_file *ret_files);

/* After the event loop's end. Takes half-built ones. */
void vm_devices_fini(struct vm *vm);

/* vm_consoles.c: makes the serial port and opens what @config names. -errno with @err set. */
int vm_consoles_init(struct vm *vm, const struct config *config, struct error *err);

/*
 * Sets a terminal on standard input to raw mode, if the guest or a monitor reads it. Called at the
 * start and after a stop.
 */
void vm_consoles_take_terminal(const struct vm *vm);

/* Begins to read input for the guest. */
void vm_consoles_start(struct vm *vm);

/* Fills @ret_files, of VM_CONSOLES_MAX_FILES, with the sockets to remove; returns how many. */
unsigned vm_consoles_list_files(const struct vm *vm, struct kept_file *ret_files);

/* Whether clients can connect to one of them. */
bool vm_consoles_listen(const struct vm *vm);

/* At the end, before clients' output is written: the guest's last output follows the monitor's. */
void vm_consoles_leave_monitor(struct vm *vm);

/* At the end: console_drain, then console_report into vm->end. */
void vm_consoles_drain(struct vm *vm);
void vm_consoles_report(struct vm *vm);

/* Takes a zeroed @vm. */
void vm_consoles_fini(struct vm *vm);

/* Whether somebody can say vm-reset to it. */
static inline bool vm_can_reset(const struct vm *vm)
{
	return vm->config->restore.where && vm->controlled;
}

/* The same for vm-fork. */
static inline bool vm_can_fork(const struct vm *vm)
{
	return vm->config->fork && vm->controlled;
}

/* vm_sandbox.c: confines the calling thread as that of @vcpu. -errno. */
int vm_confine_vcpu(struct vm *vm, const struct vcpu *vcpu);

/*
 * vm_memory.c: gives each region that begins within @size bytes from @start a memory slot of KVM.
 * The guest may store to those that devices may write to. -errno with @err set.
 */
int vm_memory_add_slots(struct vm *vm, gpa_t start, uint64_t size, struct error *err);

/* Counts @slot, which is ready, among the VM's devices. */
void vm_memory_adopt(struct vm *vm, unsigned slot);

/*
 * vm_hotplug.c: plugs a pmem device and notifies the guest; Linux then makes a /dev/pmemN. On the
 * event loop's thread. -errno with @err set, QEMU's text if it has one. -ENOTSUP if the machine is
 * described by a device tree, which cannot grow. After an error nothing has changed.
 */
int vm_hotplug_pmem(struct vm *vm, const struct memory_device *device, struct error *err);

/* vm_monitor.c: the VM as QMP and HMP see it. */
extern const struct monitor_ops vm_monitor_ops;

/*
 * vm_ready.c: tells clients and the launcher when the guest says that its user space is up. The
 * second is for the end: the guest may have said so right before.
 */
void vm_ready_init(struct vm *vm);
void vm_ready_finish(struct vm *vm);

/* vm_watchdog.c. -errno with @err set if the bus is full, which is a bug of layout.h. */
int vm_watchdog_init(struct vm *vm, struct error *err);

/*
 * vm_pause.c, on the event loop's thread: begins to take all vCPUs out of the guest. When all have
 * left it, within this call or later, monitor_stopped is called. Until vm_resume no guest
 * instruction runs then; flushes in flight still complete.
 */
void vm_pause(struct vm *vm);

/*
 * Lets the vCPUs go on; returns whether they do. If they have not all left the guest yet, they go
 * on when they have, and monitor_resumed is called then, unless vm_pause is called before.
 */
bool vm_resume(struct vm *vm);

/* At the VM's end, too, when the vCPUs' threads have ended: who waits for the stop is told. */
void vm_pause_end_if_parked(struct vm *vm);

static inline bool vm_is_stopping(const struct vm *vm)
{
	return __atomic_load_n(&vm->stopping, __ATOMIC_RELAXED);
}

/* vCPU @vcpu has parked. On its thread, under its lock. */
void vm_pause_parked(struct vm *vm, unsigned vcpu);

/* Whether no vCPU is in the guest, or can get there before vm_resume. */
bool vm_is_parked(const struct vm *vm);

/*
 * vm_fault.c: vCPU @vcpu, whose thread this is and which has paused, needs the memory at
 * guest-physical *@gpa, which the host cannot supply; NULL where KVM does not say which. The VM
 * stops until cont, or ends if nobody can send that.
 */
void vm_fault(struct vm *vm, unsigned vcpu, const uint64_t *gpa);

/* Whether a disk's file shows why a page can be missing; it may still be there. Any thread. */
bool vm_fault_has_cause(struct vm *vm);

/*
 * vm_hang.c: begins to end a guest that hangs with @outcome and @detail, which is copied; only the
 * first call does. Reports where each vCPU was and the last lines of the console, because nothing
 * else is left of the guest. On the event loop's thread.
 */
void vm_hang_end(struct vm *vm, enum outcome outcome, const char *detail);

/* Starts the time of --timeout, if given. On the event loop's thread, before it runs. */
void vm_hang_start_timeout(struct vm *vm);

/*
 * vm_finish.c: ends the VM, unless it has ended already: the first reason wins, and is in struct
 * vm_end. From any thread.
 */
void vm_finish(struct vm *vm, enum outcome outcome, int code, const char *detail);

/* QEMU's cause for a VM that ended by itself with @outcome. */
enum monitor_cause vm_finish_cause(enum outcome outcome);
