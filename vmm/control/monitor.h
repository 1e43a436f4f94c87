/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM as its control plane sees it: facts to list, actions to take, events to receive. QMP and
 * HMP know nothing else of the VM, so they build and are tested without KVM. The VM provides struct
 * monitor_ops; everything here runs on the event loop's thread.
 *
 * Strings that the ops return are borrowed until the loop's next event. Lists are read by index
 * from 0 until -ENOENT.
 */
#pragma once

#include "devices/virtio/pmem.h"
#include "vmm/base/device_counters.h"
#include "vmm/base/error.h"
#include "vmm/config/memory_backend.h"

#include <stdbool.h>
#include <stdint.h>

struct monitor;

enum monitor_state {
	MONITOR_PRELAUNCH, /* created, not started yet */
	MONITOR_RUNNING,
	MONITOR_PAUSED,	  /* all vCPUs are stopped */
	MONITOR_IO_ERROR, /* likewise, because the host could not supply guest memory */
	MONITOR_SHUTDOWN,
	MONITOR_GUEST_PANICKED,
	MONITOR_INTERNAL_ERROR,
};

/* Why the VM was reset or ended; the names are those of QEMU's ShutdownCause. */
enum monitor_cause {
	MONITOR_HOST_ERROR,
	MONITOR_HOST_QUIT,  /* quit, by QMP or HMP */
	MONITOR_HOST_RESET, /* system_reset, by either */
	MONITOR_HOST_SIGNAL,
	MONITOR_HOST_UI, /* Ctrl-A X */
	MONITOR_GUEST_SHUTDOWN,
	MONITOR_GUEST_RESET,
	MONITOR_GUEST_PANIC,
};

struct monitor_identity {
	const char *name;   /* or NULL */
	const char *uuid;   /* 36 characters, or NULL */
	const char *target; /* the architecture's name in QEMU: "x86_64" */
};

struct monitor_memory_device {
	const char *type; /* "virtio-pmem" */
	const char *id;	  /* "" if it has none */
	uint64_t memaddr; /* guest-physical */
	uint64_t size;	  /* bytes */
	const char *memdev;
	unsigned node;
	bool hotplugged;
};

struct monitor_cpu {
	int thread_id;
	unsigned node;
};

struct monitor_pmem_stats {
	struct device_counters counters;
	uint64_t latency[PMEM_LATENCY_BUCKETS]; /* see struct pmem_counters */
};

/* For info qtree. */
struct monitor_device {
	const char *driver; /* "virtio-mmio", "serial", ... */
	const char *id;	    /* "" if it has none */
	bool ports;	    /* whether base and size are I/O ports */
	uint64_t base, size;
	int interrupt;	   /* GSI, or -1 */
	int memory_device; /* the memory device that sits on it, or -1 */
	const char *what;  /* the virtio device in it unless that is a memory device; or NULL */
};

/* Where vm-save saves to. */
struct monitor_save {
	const char *path;	 /* below the directory of --snapshots; or NULL, and then: */
	int state_fd, memory_fd; /* who is asked to save closes them, in any case */
};

/*
 * Actions return 0, or -errno with @err set: the text for the user. -ENODEV is QMP's class
 * DeviceNotFound, all others are GenericError.
 */
struct monitor_ops {
	enum monitor_state (*state)(struct monitor *monitor);
	void (*identity)(struct monitor *monitor, struct monitor_identity *ret);
	/* Bytes of RAM at the VM's start. */
	uint64_t (*base_memory)(struct monitor *monitor);
	int (*memory_device)(struct monitor *monitor, unsigned i,
			     struct monitor_memory_device *ret);
	/* A NUMA node's RAM in bytes, without memory devices. */
	int (*node)(struct monitor *monitor, unsigned i, uint64_t *ret_ram_size);
	int (*cpu)(struct monitor *monitor, unsigned i, struct monitor_cpu *ret);
	int (*pmem_stats)(struct monitor *monitor, unsigned i, struct monitor_pmem_stats *ret);
	int (*counters)(struct monitor *monitor, unsigned i, struct device_counters *ret);
	int (*device)(struct monitor *monitor, unsigned i, struct monitor_device *ret);

	/*
	 * Begins to stop the vCPUs; monitor_stopped reports when all have, from within this call or
	 * later. Never called while the VM is paused or ends.
	 */
	int (*pause)(struct monitor *monitor, struct error *err);
	/*
	 * Lets the vCPUs run, and calls monitor_resumed; if they still have to stop, after that.
	 * Does nothing while they run, and at the end.
	 */
	int (*resume)(struct monitor *monitor, struct error *err);
	/* Presses the power button. */
	int (*powerdown)(struct monitor *monitor, struct error *err);
	/*
	 * Begins to save the VM. monitor_job_ended
	 * reports how it went, from within this call or later, also if the VM ends meanwhile. Never
	 * called while another job is under way, or at the end.
	 */
	int (*save)(struct monitor *monitor, const struct monitor_save *to, struct error *err);
	/* The same for putting the VM back to the instant that it was restored from. */
	int (*reset_in_place)(struct monitor *monitor, struct error *err);
	/* The same for a child at each of the @n @sockets, which are closed in any case. */
	int (*fork)(struct monitor *monitor, const int *sockets, unsigned n, struct error *err);
	/* Both send their event (monitor_was_reset, monitor_shutdown) before they return. */
	int (*reset)(struct monitor *monitor, struct error *err);
	void (*quit)(struct monitor *monitor);
	/*
	 * Adds a backend. Errors: "attempt to add duplicate property 'ID' to object (type
	 * 'container')" for an id that exists, "can't open backing store PATH for guest RAM: WHY"
	 * for a file.
	 */
	int (*object_add)(struct monitor *monitor, const struct memory_backend *backend,
			  struct error *err);
	/* Adds a virtio-pmem; its id, if any, is new. -ENODEV "Device 'MEMDEV' not found". */
	int (*device_add)(struct monitor *monitor, const struct memory_device *device,
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
	MONITOR_EVENT_GUEST_READY,
	MONITOR_EVENT_SAVED,
	MONITOR_EVENT_RESET_IN_PLACE,
	MONITOR_EVENT_FORKED,
	MONITOR_EVENT_PMEM_FLUSH_ERROR,
	MONITOR_EVENT_PMEM_IO_ERROR,
	MONITOR_EVENT_TYPES,
};

/* The VM stops because the host cannot supply a page of a disk. */
struct monitor_io_error {
	const char *id, *file; /* or NULL if it is unknown */
	uint64_t offset;       /* in the file, if @has_offset */
	bool has_offset;
	bool nospace; /* more room would help */
	const char *reason;
};

/* How a command for which the VM was stopped ended. */
struct monitor_job {
	const char *error; /* why it failed, or NULL */
	uint64_t pause_us; /* how long the vCPUs were stopped for it */
	const char *path;  /* of SAVED: as it was given, or NULL */
	unsigned children; /* of FORKED */
	uint64_t bytes;	   /* of SAVED: on disk, without the pages of zeros */
};

struct monitor_event {
	enum monitor_event_type type;
	enum monitor_cause cause; /* of SHUTDOWN and RESET */
	const char *action;	  /* of GUEST_PANICKED: "pause", "poweroff" or "run"; of WATCHDOG */
	const char *id;		  /* of PMEM_FLUSH_ERROR */
	int error;		  /* of PMEM_FLUSH_ERROR: a positive errno */
	const struct monitor_io_error *io_error; /* of PMEM_IO_ERROR */
	const struct monitor_job *job;		 /* of SAVED, RESET_IN_PLACE and FORKED */
};

/* Receives events. Within @event a listener may remove itself, but no other. */
struct monitor_listener {
	void (*event)(struct monitor_listener *listener, const struct monitor_event *event);
	struct monitor_listener *prev, *next;
};

struct monitor {
	const struct monitor_ops *ops;
	struct monitor_listener *listeners; /* borrowed */
	bool shutdown_sent;
	const char *job;		/* the command of the job under way, or NULL */
	struct error *beginning;	/* borrowed: while a job is being begun; or NULL */
	bool failed;			/* that job has ended with an error, which is there */
	uint64_t flush_errors_since_ns; /* the current second, and how many were sent in it */
	unsigned flush_errors_sent;
};

void monitor_init(struct monitor *monitor, const struct monitor_ops *ops);

void monitor_listen(struct monitor *monitor, struct monitor_listener *listener);
void monitor_unlisten(struct monitor *monitor, struct monitor_listener *listener);

/* The VM's reports, on the loop's thread. */
void monitor_stopped(struct monitor *monitor);
void monitor_resumed(struct monitor *monitor);
void monitor_was_reset(struct monitor *monitor, enum monitor_cause cause);
void monitor_guest_panicked(struct monitor *monitor, const char *action);
void monitor_watchdog(struct monitor *monitor, const char *action);
void monitor_guest_ready(struct monitor *monitor);
/* Only the first call sends the event: the cause's own code calls it, and vm_run at the end. */
void monitor_shutdown(struct monitor *monitor, enum monitor_cause cause);
/* Sends at most ten events a second, because a guest can cause them; the counters count all. */
void monitor_flush_failed(struct monitor *monitor, const char *id, int error);
/* @type is the event of the command that has ended. */
void monitor_job_ended(struct monitor *monitor, enum monitor_event_type type,
		       const struct monitor_job *job);
/* The VM stops because of it: monitor_stopped follows, unless it was stopped already. */
void monitor_io_error(struct monitor *monitor, const struct monitor_io_error *error);

/*
 * The actions, with the checks that QMP and HMP share. 0, or -errno with @err set, or one of
 * MONITOR_WAIT_*: the action is complete at that event, which comes also if the VM ends before.
 */
enum { MONITOR_WAIT_STOP = 1, MONITOR_WAIT_JOB };

/* Whether @event is what MONITOR_WAIT_* @wait waits for. */
bool monitor_wait_ends(int wait, const struct monitor_event *event);

int monitor_save(struct monitor *monitor, const struct monitor_save *to, struct error *err);
int monitor_reset_in_place(struct monitor *monitor, struct error *err);
int monitor_fork(struct monitor *monitor, const int *sockets, unsigned n, struct error *err);
int monitor_pause(struct monitor *monitor, struct error *err);
int monitor_resume(struct monitor *monitor, struct error *err);
int monitor_powerdown(struct monitor *monitor, struct error *err);
int monitor_device_add(struct monitor *monitor, const struct memory_device *device,
		       struct error *err);
/* Always fails: memory devices cannot be unplugged, and other devices have no id. */
int monitor_device_del(struct monitor *monitor, const char *id, struct error *err);

/* QEMU's names, with NULL at the end. */
extern const char *const monitor_state_names[], *const monitor_cause_names[];
bool monitor_cause_is_guest(enum monitor_cause cause);

uint64_t monitor_plugged_memory(struct monitor *monitor);

/* QEMU's answer if no UUID was given. */
#define MONITOR_NO_UUID "00000000-0000-0000-0000-000000000000"

/* The QEMU whose interface this is, for tools that ask for its version. */
#define MONITOR_QEMU_MAJOR 7
#define MONITOR_QEMU_MINOR 2
#define MONITOR_QEMU_MICRO 0
#define MONITOR_TEXT_OF(token) #token
#define MONITOR_TEXT(macro) MONITOR_TEXT_OF(macro)
#define MONITOR_PACKAGE "mvmm " MONITOR_TEXT(MVMM_VERSION)
