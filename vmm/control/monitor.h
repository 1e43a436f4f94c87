/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM as its control plane sees it: facts to list, actions to take, events to hear of. QMP and
 * HMP know nothing else of the VM, so they build and are tested without KVM. The VM fills in
 * struct monitor_ops; everything here runs on the event loop's thread.
 *
 * Strings that the ops give are borrowed until the loop's next event. Lists are asked for by index
 * from 0 until -ENOENT.
 */
#ifndef MVMM_VMM_MONITOR_H
#define MVMM_VMM_MONITOR_H

#include "vmm/base/device_counters.h"
#include "vmm/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct monitor;

enum monitor_state {
	MONITOR_PRELAUNCH, /* made, not started yet */
	MONITOR_RUNNING,
	MONITOR_PAUSED,	  /* all vCPUs stand still */
	MONITOR_IO_ERROR, /* the same, because the host could not supply guest memory */
	MONITOR_SHUTDOWN,
	MONITOR_GUEST_PANICKED,
	MONITOR_INTERNAL_ERROR,
};

/* Why the VM was reset or ends; the names are QEMU's ShutdownCause. */
enum monitor_cause {
	MONITOR_HOST_ERROR,
	MONITOR_HOST_QUIT,  /* quit, in QMP or HMP */
	MONITOR_HOST_RESET, /* system_reset, in either */
	MONITOR_HOST_SIGNAL,
	MONITOR_HOST_UI, /* Ctrl-A X */
	MONITOR_GUEST_SHUTDOWN,
	MONITOR_GUEST_RESET,
	MONITOR_GUEST_PANIC,
};

struct monitor_identity {
	const char *name;   /* or NULL */
	const char *uuid;   /* 36 characters, or NULL */
	const char *target; /* the architecture, as QEMU calls it: "x86_64" */
};

struct monitor_memory_device {
	const char *type; /* "virtio-pmem" */
	const char *id;	  /* "" for none */
	uint64_t memaddr; /* guest-physical */
	uint64_t size;	  /* bytes */
	const char *memdev;
	unsigned node;
	bool hotplugged;
};

struct monitor_node {
	uint64_t ram_size; /* bytes, without memory devices */
};

struct monitor_cpu {
	int thread_id;
	unsigned node;
};

/*
 * Bucket 0 of the histogram counts the fdatasyncs that took less than 2 us, bucket i those from
 * 2^i us to less than 2^(i+1) us, the last also all longer ones.
 */
#define MONITOR_LATENCY_BUCKETS 24

struct monitor_pmem_stats {
	const char *id;	       /* as in messages: never empty */
	uint64_t flushes;      /* answered with success */
	uint64_t flush_errors; /* answered with failure */
	uint64_t coalesced;    /* flushes that shared another flush's fdatasync */
	uint64_t fdatasyncs;
	uint64_t stores_dropped;
	uint64_t latency[MONITOR_LATENCY_BUCKETS];
};

/* For info qtree. */
struct monitor_device {
	const char *driver; /* "virtio-mmio", "serial", ... */
	const char *id;	    /* "" for none */
	bool ports;	    /* whether base and size are I/O ports */
	uint64_t base, size;
	int interrupt;	   /* GSI, or -1 */
	int memory_device; /* the memory device that sits on it, or -1 */
	const char *what;  /* the virtio device on it if that is no memory device, or NULL */
};

struct monitor_backend {
	const char *id;
	const char *mem_path;
	uint64_t size; /* bytes */
	bool share;
	bool readonly;
	bool unlocked;
};

struct monitor_new_device {
	const char *id; /* "" for none */
	const char *memdev;
	uint64_t memaddr; /* 0: the first place that fits */
	unsigned node;
};

/*
 * Actions return 0, or -errno with @err set; -ENODEV is told as QEMU's class DeviceNotFound, all
 * others as GenericError. The texts are for the user, as they are.
 */
struct monitor_ops {
	enum monitor_state (*state)(struct monitor *monitor);
	void (*identity)(struct monitor *monitor, struct monitor_identity *ret);
	/* Bytes of RAM that the VM was started with. */
	uint64_t (*base_memory)(struct monitor *monitor);
	int (*memory_device)(struct monitor *monitor, unsigned i,
			     struct monitor_memory_device *ret);
	int (*node)(struct monitor *monitor, unsigned i, struct monitor_node *ret);
	int (*cpu)(struct monitor *monitor, unsigned i, struct monitor_cpu *ret);
	int (*pmem_stats)(struct monitor *monitor, unsigned i, struct monitor_pmem_stats *ret);
	int (*counters)(struct monitor *monitor, unsigned i, struct device_counters *ret);
	int (*device)(struct monitor *monitor, unsigned i, struct monitor_device *ret);

	/*
	 * Begins to stop the vCPUs; monitor_stopped tells when all have, be it from within this or
	 * later. Never called while the VM is paused or ends.
	 */
	int (*pause)(struct monitor *monitor, struct error *err);
	/* Lets the vCPUs run and calls monitor_resumed. Never called while they do. */
	int (*resume)(struct monitor *monitor, struct error *err);
	/* Presses the power button. */
	int (*powerdown)(struct monitor *monitor, struct error *err);
	/* Both tell their event (monitor_was_reset, monitor_shutdown) from within. */
	int (*reset)(struct monitor *monitor, struct error *err);
	void (*quit)(struct monitor *monitor);
	/*
	 * A new backend: "attempt to add duplicate property 'ID' to object (type 'container')" for
	 * an id that exists, "can't open backing store PATH for guest RAM: WHY" for a file.
	 */
	int (*object_add)(struct monitor *monitor, const struct monitor_backend *backend,
			  struct error *err);
	/* A new virtio-pmem; its id, if any, is new. -ENODEV "Device 'MEMDEV' not found". */
	int (*device_add)(struct monitor *monitor, const struct monitor_new_device *device,
			  struct error *err);
};

enum monitor_event_type {
	MONITOR_EVENT_STOP,
	MONITOR_EVENT_RESUME,
	MONITOR_EVENT_POWERDOWN,
	MONITOR_EVENT_SHUTDOWN,
	MONITOR_EVENT_RESET,
	MONITOR_EVENT_GUEST_PANICKED,
	MONITOR_EVENT_WATCHDOG,
	MONITOR_EVENT_PMEM_FLUSH_ERROR,
	MONITOR_EVENT_PMEM_IO_ERROR,
	MONITOR_EVENT_TYPES,
};

/* The host cannot supply a page of a disk, and the VM stops for it. */
struct monitor_io_error {
	const char *id, *file; /* or NULL: nobody tells whose it is */
	uint64_t offset;       /* in the file, if @has_offset */
	bool has_offset;
	bool nospace; /* making room would help */
	const char *reason;
};

struct monitor_event {
	enum monitor_event_type type;
	enum monitor_cause cause; /* of SHUTDOWN and RESET */
	const char *action;	  /* of GUEST_PANICKED: "pause", "poweroff" or "run"; of WATCHDOG */
	const char *id;		  /* of PMEM_FLUSH_ERROR */
	int error;		  /* of PMEM_FLUSH_ERROR: a positive errno */
	const struct monitor_io_error *io_error; /* of PMEM_IO_ERROR */
};

/* Who hears of events. Within @event a listener may remove itself, and no other. */
struct monitor_listener {
	void (*event)(struct monitor_listener *listener, const struct monitor_event *event);
	struct monitor_listener *prev, *next;
};

struct monitor {
	const struct monitor_ops *ops;
	struct monitor_listener *listeners; /* borrowed */
	bool shutdown_told;
	uint64_t flush_errors_since_ns; /* the running second, and how many were told in it */
	unsigned flush_errors_told;
};

void monitor_init(struct monitor *monitor, const struct monitor_ops *ops);

void monitor_listen(struct monitor *monitor, struct monitor_listener *listener);
void monitor_unlisten(struct monitor *monitor, struct monitor_listener *listener);

/* What the VM tells, on the loop's thread. */
void monitor_stopped(struct monitor *monitor);
void monitor_resumed(struct monitor *monitor);
void monitor_was_reset(struct monitor *monitor, enum monitor_cause cause);
void monitor_guest_panicked(struct monitor *monitor, const char *action);
void monitor_watchdog(struct monitor *monitor, const char *action);
/* Only the first call is heard: whoever ends the VM may call it, and vm_run once more at the end.
 */
void monitor_shutdown(struct monitor *monitor, enum monitor_cause cause);
/* At most ten a second are heard, since a guest can cause them; the counters have them all. */
void monitor_flush_failed(struct monitor *monitor, const char *id, int error);
/* The VM stops for it: monitor_stopped follows, unless it stood still already. */
void monitor_io_error(struct monitor *monitor, const struct monitor_io_error *error);

/* The actions, with the checks that QMP and HMP share. 0, or -errno with @err set. */

/* Returns 1 if the VM still has to stop; MONITOR_EVENT_STOP tells when it has. */
int monitor_pause(struct monitor *monitor, struct error *err);
int monitor_resume(struct monitor *monitor, struct error *err);
int monitor_powerdown(struct monitor *monitor, struct error *err);
int monitor_object_add(struct monitor *monitor, const struct monitor_backend *backend,
		       struct error *err);
int monitor_device_add(struct monitor *monitor, const struct monitor_new_device *device,
		       struct error *err);
/* Always fails: memory devices cannot be unplugged, and there are no others with an id. */
int monitor_device_del(struct monitor *monitor, const char *id, struct error *err);

/* QEMU's words. */
const char *monitor_state_name(enum monitor_state state);
const char *monitor_cause_name(enum monitor_cause cause);
bool monitor_cause_is_guest(enum monitor_cause cause);

/* Bytes of all memory devices. */
uint64_t monitor_plugged_memory(struct monitor *monitor);

/* Where a bucket of the latency histogram begins, in nanoseconds. */
uint64_t monitor_latency_from_ns(unsigned bucket);

/* What QEMU says where no UUID was given. */
#define MONITOR_NO_UUID "00000000-0000-0000-0000-000000000000"

/* The QEMU whose interface this is, which tools ask for, and who really answers. */
#define MONITOR_QEMU_MAJOR 7
#define MONITOR_QEMU_MINOR 2
#define MONITOR_QEMU_MICRO 0
#define MONITOR_TEXT_OF(token) #token
#define MONITOR_TEXT(macro) MONITOR_TEXT_OF(macro)
#define MONITOR_PACKAGE "mvmm " MONITOR_TEXT(MVMM_VERSION)

#endif
