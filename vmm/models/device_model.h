/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kind of virtio device other than disks: how many the configuration asks for, and how one is
 * made, saved, counted and freed. The machine plans them and the VM makes them, in the order of
 * device_models and without knowing the kinds.
 */
#pragma once

#include "devices/virtio/virtio.h"
#include "vmm/base/device_counters.h"
#include "vmm/base/error.h"
#include "vmm/base/kept_file.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"
#include "vmm/config/config.h"

#include <stdbool.h>
#include <stddef.h>

struct console;
struct device;
struct event_loop;
struct guest_memory;
struct virtio_port;

/* What a device gets from the VM. All of it stays the caller's and must outlive the device. */
struct device_host {
	const struct config *config;
	struct event_loop *loop;
	const struct guest_memory *memory;
	struct virtio_port *port; /* virtio-console's, with which @console was made */
	struct console *console;
};

struct device_model {
	const char *name; /* for the slot: "virtio-net" */
	const char *id;	  /* in messages: "net", with a number behind it if there may be several */
	bool several;	  /* otherwise at most one */
	bool connects;	  /* it connects to sockets of the host while the guest runs */
	size_t size;	  /* of its state, which is zeroed before init */
	/* How many of them @config asks for. */
	unsigned (*count)(const struct config *config);
	/*
	 * Opens what the @index-th one needs of the host, before there is a VM. Returns a
	 * descriptor, which the caller closes, or -errno with @err set. NULL: nothing is opened.
	 */
	int (*open)(const struct config *config, unsigned index, struct error *err);
	/* Fills device->state and device->virtio. -errno with @err set; then fini follows. */
	int (*init)(struct device *device, const struct device_host *host, struct error *err);
	/* Called after the event loop's end. NULL: there is nothing to do. */
	void (*fini)(struct device *device);
	/* The file that is removed at the end; false if there is none. NULL: never. */
	bool (*file)(const struct device *device, struct kept_file *ret_file);
	/* Puts what is beside registers and queues into the open section. NULL: nothing. */
	void (*save)(const struct device *device, struct state_writer *writer);
	/*
	 * Takes it from there, after virtio_mmio_load and before virtio_mmio_restored. What the
	 * options of @config, of the restored VM, name counts more. NULL: nothing.
	 */
	void (*load)(struct device *device, const struct config *config,
		     struct state_reader *reader);
	const struct device_counter
		*counters; /* up to a name of NULL; or NULL: it counts nothing */
};

/* Each in a file of its own. */
extern const struct device_model rng_model, vsock_model, console_model, net_model;

/* All models, with NULL at the end. */
extern const struct device_model *const device_models[];

struct device {
	const struct device_model *model;
	unsigned index; /* among those of its model */
	char id[sizeof(((struct device_counters *)NULL)->id)];
	int fd;			      /* borrowed: what the model's open returned */
	void *state;		      /* owned: of the model's size */
	struct virtio_device *virtio; /* a part of @state, or of what the host has */
};

/* Makes the @index-th device of @model; @fd, which open returned, stays the caller's. See init. */
int device_init(struct device *device, const struct device_model *model, unsigned index, int fd,
		const struct device_host *host, struct error *err);

/* Takes a zeroed or half-built one. */
void device_fini(struct device *device);

/* See save and load. On the event loop's thread. */
void device_save(const struct device *device, struct state_writer *writer);
void device_load(struct device *device, const struct config *config, struct state_reader *reader);

/* Fills in the counters, on the event loop's thread; false: the device has none. */
bool device_count(const struct device *device, struct device_counters *ret_counters);
