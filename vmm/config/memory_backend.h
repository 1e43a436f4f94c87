/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory backends and the devices that use them, in QEMU's spelling and with QEMU's words:
 * "--object memory-backend-file,..." and "--device virtio-pmem,...", and QMP's object-add and
 * device_add, whose arguments are the same lists of keys. Only names and numbers; no file is opened
 * here.
 */
#ifndef MVMM_VMM_MEMORY_BACKEND_H
#define MVMM_VMM_MEMORY_BACKEND_H

#include "vmm/base/error.h"
#include "vmm/base/keyval.h"

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_BACKEND_ID_MAX 31
#define MEMORY_BACKENDS_MAX 40

struct memory_backend {
	char id[MEMORY_BACKEND_ID_MAX + 1];
	char *path;	/* owned */
	uint64_t size;	/* bytes; 0, which only --pmem can leave it: the file's own */
	uint64_t align; /* bytes, or 0 for the least */
	bool share, readonly;
	bool unlocked; /* lock=off, which QEMU does not have */
	bool prealloc;
	bool busy; /* a device has it */
};

struct memory_backends {
	struct memory_backend list[MEMORY_BACKENDS_MAX];
	unsigned n;
};

/*
 * Makes a backend from the arguments of object-add, "qom-type" among them. -EINVAL or -ENOSPC with
 * @err set, in QEMU's words and without the name of an option.
 */
int memory_backends_add(struct memory_backends *backends, const struct keyval *list, unsigned n,
			struct error *err);

/*
 * Adds a copy of @backend, which the caller has checked, under the first free name from
 * mem<@number> on if it has none. -errno with @err set.
 */
int memory_backends_add_copy(struct memory_backends *backends, const struct memory_backend *backend,
			     unsigned number, struct error *err);

/* -EINVAL with @err set unless @align is 0 or a power of two of whole pages that can be had. */
int memory_backend_check_align(uint64_t align, struct error *err);

/* The backend @id, or NULL. */
struct memory_backend *memory_backends_find(struct memory_backends *backends, const char *id);

/* Takes the backend @id for a device. -ENODEV: no such. -EBUSY: a device has it. @err as above. */
int memory_backends_claim(struct memory_backends *backends, const char *id,
			  struct memory_backend **ret_backend, struct error *err);

/* For object-del: -ENODEV or -EBUSY as above. */
int memory_backends_remove(struct memory_backends *backends, const char *id, struct error *err);

/* Frees what they own; takes zeroed ones. */
void memory_backends_fini(struct memory_backends *backends);

struct memory_device {
	char id[MEMORY_BACKEND_ID_MAX + 1]; /* "" without one */
	char memdev[MEMORY_BACKEND_ID_MAX + 1];
	uint64_t addr; /* if @fixed */
	bool fixed;
	unsigned node;
};

/*
 * Reads the arguments of device_add, "driver" among them. virtio-pmem-pci is taken for virtio-pmem:
 * the guest gets the same device, over the transport that there is. -EINVAL, or -ENODEV for a
 * backend that cannot be there, with @err set.
 */
int memory_device_parse(struct memory_device *device, const struct keyval *list, unsigned n,
			struct error *err);

#endif
