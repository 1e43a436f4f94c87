// SPDX-License-Identifier: Apache-2.0
/* Memory backends and devices by QEMU's names. Start reading at memory_backends_add. */
#include "vmm/config/memory_backend.h"

#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ALIGN (1ULL << 40)

int memory_backend_check_align(void *member, const struct keyval *given, struct error *err)
{
	uint64_t align = *(const uint64_t *)member;

	if (align & (align - 1))
		return error_set(err, EINVAL, "alignment 0x%" PRIx64 " must be a power of two",
				 align);
	if (align % LAYOUT_PAGE)
		return error_set(err, EINVAL,
				 "alignment 0x%" PRIx64 " must be multiples of page size 0x%x",
				 align, LAYOUT_PAGE);
	if (align > MAX_ALIGN)
		return error_set(err, EINVAL, "alignment 0x%" PRIx64 " must be at most 0x%llx",
				 align, MAX_ALIGN);
	return 0;
}

static int check_type(void *object, const struct keyval *given, struct error *why)
{
	if (strcmp(given->value, "memory-backend-file") == 0)
		return 0;
	return error_set(why, EINVAL, "Parameter 'qom-type' does not accept value '%s'",
			 given->value);
}

static int check_size(void *size, const struct keyval *given, struct error *why)
{
	if (!*(const uint64_t *)size)
		return error_set(why, EINVAL,
				 "property 'size' of memory-backend-file doesn't take value '0'");
	if (*(const uint64_t *)size < LAYOUT_PAGE)
		return error_set(why, EINVAL,
				 "memory size 0x%" PRIx64
				 " must be equal to or larger than page size 0x%x; a number "
				 "without a suffix is in bytes",
				 *(const uint64_t *)size, LAYOUT_PAGE);
	return 0;
}

#define AT(member) .at = offsetof(struct memory_backend, member)
#define SWITCH "'on' or 'off'"

const struct property memory_backend_properties[] = {
	{ "qom-type", PROPERTY_TEXT, .check = check_type, .required = true },
	{ "id", PROPERTY_ID, AT(id), "an identifier", .required = true },
	{ "mem-path", PROPERTY_NAME, AT(path), .required = true },
	{ "size", PROPERTY_SIZE, AT(size), "a size value", .check = check_size, .required = true },
	{ "share", PROPERTY_SWITCH, AT(share), SWITCH },
	{ "readonly", PROPERTY_SWITCH, AT(readonly), SWITCH },
	{ "lock", PROPERTY_OFF, AT(unlocked), SWITCH },
	{ "prealloc", PROPERTY_SWITCH, AT(prealloc), SWITCH },
	{ "align", PROPERTY_SIZE, AT(align), "a size value", .check = memory_backend_check_align },
	PROPERTY_END(NULL),
};

int memory_backend_parse(struct memory_backend *backend, const struct keyval *list, unsigned n,
			 struct error *err)
{
	*backend = (struct memory_backend){ 0 };
	return property_fill(memory_backend_properties, backend, list, n, NULL, err);
}

static int append(struct memory_backends *backends, const struct memory_backend *backend,
		  struct error *err)
{
	struct memory_backend *b = &backends->list[backends->n];

	if (backends->n == MEMORY_BACKENDS_MAX)
		return error_set(err, ENOSPC, "there can be at most %d memory backends",
				 MEMORY_BACKENDS_MAX);
	*b = *backend;
	b->path = strdup(backend->path);
	if (!b->path)
		return error_set(err, ENOMEM, "out of memory");
	backends->n++;
	return 0;
}

int memory_backends_add(struct memory_backends *backends, const struct memory_backend *backend,
			struct error *err)
{
	if (memory_backends_find(backends, backend->id))
		return error_set(err, EINVAL,
				 "attempt to add duplicate property '%s' to object (type "
				 "'container')",
				 backend->id);
	return append(backends, backend, err);
}

int memory_backends_add_copy(struct memory_backends *backends, const struct memory_backend *backend,
			     unsigned number, struct error *err)
{
	struct memory_backend b = *backend;

	while (!b.id[0] || (!backend->id[0] && memory_backends_find(backends, b.id)))
		snprintf(b.id, sizeof(b.id), "mem%u", number++);
	return append(backends, &b, err);
}

struct memory_backend *memory_backends_find(struct memory_backends *backends, const char *id)
{
	for (unsigned i = 0; i < backends->n; i++)
		if (strcmp(backends->list[i].id, id) == 0)
			return &backends->list[i];
	return NULL;
}

int memory_backends_claim(struct memory_backends *backends, const char *id,
			  struct memory_backend **ret_backend, struct error *err)
{
	struct memory_backend *b = memory_backends_find(backends, id);

	if (!b)
		return error_set(err, ENODEV, "Device '%s' not found", id);
	if (b->busy)
		return error_set(err, EBUSY, "can't use already busy memdev: %s", id);
	b->busy = true;
	*ret_backend = b;
	return 0;
}

int memory_backends_remove(struct memory_backends *backends, const char *id, struct error *err)
{
	struct memory_backend *b = memory_backends_find(backends, id);

	if (!b)
		return error_set(err, ENODEV, "object '%s' not found", id);
	if (b->busy)
		return error_set(err, EBUSY, "object '%s' is in use, can not be deleted", id);
	free(b->path);
	backends->n--;
	memmove(b, b + 1, (size_t)(&backends->list[backends->n] - b) * sizeof(*b));
	return 0;
}

void memory_backends_fini(struct memory_backends *backends)
{
	for (unsigned i = 0; i < backends->n; i++)
		free(backends->list[i].path);
	backends->n = 0;
}

static int check_driver(void *object, const struct keyval *given, struct error *why)
{
	const char *driver = given->value;

	if (strcmp(driver, "virtio-pmem") == 0 || strcmp(driver, "virtio-pmem-pci") == 0)
		return 0;
	return error_set(why, EINVAL, "'%s' is not a valid device model name", driver);
}

static int set_memdev(void *memdev, const struct keyval *given, struct error *why)
{
	const char *id = given->value;

	if (strlen(id) > PROPERTY_ID_MAX)
		return error_set(why, ENODEV, "Device '%s' not found", id);
	strcpy(memdev, id);
	return 0;
}

/* QEMU's property is 0 until it is set. */
static int check_addr(void *addr, const struct keyval *given, struct error *why)
{
	struct memory_device *device = container_of((uint64_t *)addr, struct memory_device, addr);

	device->fixed = device->addr != 0;
	return 0;
}

#undef AT
#define AT(member) .at = offsetof(struct memory_device, member)

const struct property memory_device_properties[] = {
	{ "driver", PROPERTY_TEXT, .check = check_driver, .required = true },
	{ "memdev", PROPERTY_TEXT, AT(memdev), .check = set_memdev, .required = true },
	{ "id", PROPERTY_ID, AT(id), "an identifier" },
	{ "memaddr", PROPERTY_ADDRESS, AT(addr), "integer", .check = check_addr },
	{ "node", PROPERTY_NUMBER, AT(node), "a NUMA node's number", .max = INT_MAX },
	PROPERTY_END(NULL),
};

int memory_device_parse(struct memory_device *device, const struct keyval *list, unsigned n,
			struct error *err)
{
	const char *driver = keyval_find(list, n, "driver");
	struct memory_device dev = { 0 };
	int ret;

	/* If the driver is unknown, the other keys would be, too. */
	ret = driver ? check_driver(&dev, &(struct keyval){ .value = driver }, err)
		     : error_set(err, EINVAL, "Parameter 'driver' is missing");
	for (unsigned i = 0; i < n && ret == 0; i++) {
		const struct property *p = property_find(memory_device_properties, list[i].key);

		ret = p ? property_set(p, &dev, &list[i], NULL, err)
			: error_set(err, EINVAL, "Property '%s.%s' not found", driver, list[i].key);
	}
	if (ret == 0 && !dev.memdev[0])
		ret = error_set(err, EINVAL, "'memdev' property must be set");
	if (ret == 0)
		*device = dev;
	return ret;
}
