/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory backends and the devices that use them, in QEMU's spelling and with QEMU's messages:
 * "--object memory-backend-file,..." and "--device virtio-pmem,...", and QMP's object-add and
 * device_add, whose arguments are the same lists of keys. This file opens no files.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/config/property.h"

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_BACKEND_ID_MAX PROPERTY_ID_MAX
#define MEMORY_BACKENDS_MAX 40

struct memory_backend {
	char id[MEMORY_BACKEND_ID_MAX + 1];
	char *path;	/* owned by its set */
	uint64_t size;	/* bytes; 0: the file's size, which only --pmem can ask for */
	uint64_t align; /* bytes, or 0 for the least */
	bool share, readonly;
	bool unlocked; /* lock=off, which QEMU does not have */
	bool prealloc;
	bool busy; /* a device uses it */
};

struct memory_backends {
	struct memory_backend list[MEMORY_BACKENDS_MAX];
	unsigned n;
};

extern const struct property memory_backend_properties[], memory_device_properties[];

/*
 * Reads the arguments of object-add, "qom-type" among them; the path is borrowed. -EINVAL with @err
 * set, in QEMU's words and without the name of an option.
 */
int memory_backend_parse(struct memory_backend *backend, const struct keyval *list, unsigned n,
			 struct error *err);

/* Adds a copy of @backend. -EINVAL if the name is taken, or -ENOSPC, with @err as above. */
int memory_backends_add(struct memory_backends *backends, const struct memory_backend *backend,
			struct error *err);

/*
 * Adds a copy of @backend, which the caller has checked. If it has no name, it gets the first free
 * one from mem<@number> on. -errno with @err set.
 */
int memory_backends_add_copy(struct memory_backends *backends, const struct memory_backend *backend,
			     unsigned number, struct error *err);

/* The check of a property: -EINVAL with @err set unless @member is 0, or a power of two that is a
 * multiple of the page size and can be mapped. */
int memory_backend_check_align(void *member, const struct keyval *given, struct error *err);

/* The backend @id, or NULL. */
struct memory_backend *memory_backends_find(struct memory_backends *backends, const char *id);

/* Marks the backend @id as used. -ENODEV: no such. -EBUSY: a device uses it. @err as above. */
int memory_backends_claim(struct memory_backends *backends, const char *id,
			  struct memory_backend **ret_backend, struct error *err);

/* For object-del: -ENODEV or -EBUSY as above. */
int memory_backends_remove(struct memory_backends *backends, const char *id, struct error *err);

void memory_backends_fini(struct memory_backends *backends);

struct memory_device {
	char id[MEMORY_BACKEND_ID_MAX + 1]; /* "" without one */
	char memdev[MEMORY_BACKEND_ID_MAX + 1];
	uint64_t addr; /* if @fixed */
	bool fixed;
	unsigned node;
};

/*
 * Reads the arguments of device_add, "driver" among them. virtio-pmem-pci is accepted as
 * virtio-pmem: the guest gets the same device on virtio-mmio. -EINVAL, or -ENODEV for a backend
 * that cannot exist, with @err set.
 */
int memory_device_parse(struct memory_device *device, const struct keyval *list, unsigned n,
			struct error *err);
