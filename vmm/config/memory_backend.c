// SPDX-License-Identifier: Apache-2.0
/* Memory backends and devices by QEMU's names. Start reading at memory_backends_add. */
#include "vmm/config/memory_backend.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096
#define MAX_ALIGN (1ULL << 40)

static bool is_identifier(const char *id)
{
	size_t len = strlen(id);

	return isalpha((unsigned char)id[0]) && len <= MEMORY_BACKEND_ID_MAX &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       len;
}

static int copy_id(char to[MEMORY_BACKEND_ID_MAX + 1], const struct keyval *kv, struct error *err)
{
	if (!is_identifier(kv->value))
		return error_set(err, EINVAL, "Parameter '%s' expects an identifier", kv->key);
	strcpy(to, kv->value);
	return 0;
}

/* QEMU's spellings of a switch. */
static int parse_switch(const struct keyval *kv, bool *ret_on, struct error *err)
{
	static const char *const on[] = { "on", "yes", "true", "y" };
	static const char *const off[] = { "off", "no", "false", "n" };

	for (unsigned i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		if (strcmp(kv->value, on[i]) != 0 && strcmp(kv->value, off[i]) != 0)
			continue;
		*ret_on = strcmp(kv->value, on[i]) == 0;
		return 0;
	}
	return error_set(err, EINVAL, "Parameter '%s' expects 'on' or 'off'", kv->key);
}

static int missing(const char *key, struct error *err)
{
	return error_set(err, EINVAL, "Parameter '%s' is missing", key);
}

static int set_size(struct memory_backend *b, const struct keyval *kv, struct error *err)
{
	if (keyval_size(kv->value, 1, &b->size) < 0)
		return error_set(err, EINVAL, "Parameter '%s' expects a size value", kv->key);
	if (!b->size)
		return error_set(err, EINVAL,
				 "property 'size' of memory-backend-file doesn't take value '0'");
	return 0;
}

int memory_backend_check_align(uint64_t align, struct error *err)
{
	if (align & (align - 1))
		return error_set(err, EINVAL, "alignment 0x%" PRIx64 " must be a power of two",
				 align);
	if (align % PAGE)
		return error_set(err, EINVAL,
				 "alignment 0x%" PRIx64 " must be multiples of page size 0x%x",
				 align, PAGE);
	if (align > MAX_ALIGN)
		return error_set(err, EINVAL, "alignment 0x%" PRIx64 " must be at most 0x%llx",
				 align, MAX_ALIGN);
	return 0;
}

static int set_align(struct memory_backend *b, const struct keyval *kv, struct error *err)
{
	if (keyval_size(kv->value, 1, &b->align) < 0)
		return error_set(err, EINVAL, "Parameter '%s' expects a size value", kv->key);
	return memory_backend_check_align(b->align, err);
}

static int set_lock(struct memory_backend *b, const struct keyval *kv, struct error *err)
{
	bool on = false;
	int ret = parse_switch(kv, &on, err);

	b->unlocked = !on;
	return ret;
}

/* @b->path is borrowed from @kv here. */
static int set_backend_key(struct memory_backend *b, const struct keyval *kv, struct error *err)
{
	if (strcmp(kv->key, "qom-type") == 0) {
		if (strcmp(kv->value, "memory-backend-file") == 0)
			return 0;
		return error_set(err, EINVAL, "Parameter 'qom-type' does not accept value '%s'",
				 kv->value);
	}
	if (strcmp(kv->key, "id") == 0)
		return copy_id(b->id, kv, err);
	if (strcmp(kv->key, "mem-path") == 0)
		return 0;
	if (strcmp(kv->key, "size") == 0)
		return set_size(b, kv, err);
	if (strcmp(kv->key, "align") == 0)
		return set_align(b, kv, err);
	if (strcmp(kv->key, "share") == 0)
		return parse_switch(kv, &b->share, err);
	if (strcmp(kv->key, "readonly") == 0)
		return parse_switch(kv, &b->readonly, err);
	if (strcmp(kv->key, "prealloc") == 0)
		return parse_switch(kv, &b->prealloc, err);
	if (strcmp(kv->key, "lock") == 0)
		return set_lock(b, kv, err);
	return error_set(err, EINVAL, "Parameter '%s' is unexpected", kv->key);
}

static int append(struct memory_backends *backends, const struct memory_backend *backend,
		  const char *path, struct error *err)
{
	struct memory_backend *b = &backends->list[backends->n];

	if (backends->n == MEMORY_BACKENDS_MAX)
		return error_set(err, ENOSPC, "there can be at most %d memory backends",
				 MEMORY_BACKENDS_MAX);
	*b = *backend;
	b->path = strdup(path);
	if (!b->path)
		return error_set(err, ENOMEM, "out of memory");
	backends->n++;
	return 0;
}

int memory_backends_add(struct memory_backends *backends, const struct keyval *list, unsigned n,
			struct error *err)
{
	const char *path = keyval_find(list, n, "mem-path");
	struct memory_backend b = { 0 };

	if (!keyval_find(list, n, "qom-type"))
		return missing("qom-type", err);
	for (unsigned i = 0; i < n; i++) {
		int ret = set_backend_key(&b, &list[i], err);

		if (ret < 0)
			return ret;
	}
	if (!b.id[0])
		return missing("id", err);
	if (!path)
		return missing("mem-path", err);
	if (!b.size)
		return missing("size", err);
	if (memory_backends_find(backends, b.id))
		return error_set(err, EINVAL,
				 "attempt to add duplicate property '%s' to object (type "
				 "'container')",
				 b.id);
	return append(backends, &b, path, err);
}

int memory_backends_add_copy(struct memory_backends *backends, const struct memory_backend *backend,
			     unsigned number, struct error *err)
{
	struct memory_backend b = *backend;

	while (!b.id[0] || (!backend->id[0] && memory_backends_find(backends, b.id)))
		snprintf(b.id, sizeof(b.id), "mem%u", number++);
	return append(backends, &b, backend->path, err);
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

static int check_driver(const char *driver, struct error *err)
{
	if (!driver)
		return missing("driver", err);
	if (strcmp(driver, "virtio-pmem") == 0 || strcmp(driver, "virtio-pmem-pci") == 0)
		return 0;
	return error_set(err, EINVAL, "'%s' is not a valid device model name", driver);
}

static int set_device_key(struct memory_device *dev, const char *driver, const struct keyval *kv,
			  struct error *err)
{
	uint64_t node;

	if (strcmp(kv->key, "driver") == 0)
		return 0;
	if (strcmp(kv->key, "id") == 0)
		return copy_id(dev->id, kv, err);
	if (strcmp(kv->key, "memdev") == 0) {
		if (strlen(kv->value) > MEMORY_BACKEND_ID_MAX)
			return error_set(err, ENODEV, "Device '%s' not found", kv->value);
		strcpy(dev->memdev, kv->value);
		return 0;
	}
	if (strcmp(kv->key, "memaddr") == 0) {
		if (keyval_address(kv->value, &dev->addr) < 0)
			return error_set(err, EINVAL, "Parameter 'memaddr' expects integer");
		/* QEMU's property is 0 until it is set. */
		dev->fixed = dev->addr != 0;
		return 0;
	}
	if (strcmp(kv->key, "node") == 0) {
		if (keyval_number(kv->value, &node) < 0 || node > UINT_MAX)
			return error_set(err, EINVAL, "Parameter 'node' expects integer");
		dev->node = (unsigned)node;
		return 0;
	}
	return error_set(err, EINVAL, "Property '%s.%s' not found", driver, kv->key);
}

int memory_device_parse(struct memory_device *device, const struct keyval *list, unsigned n,
			struct error *err)
{
	const char *driver = keyval_find(list, n, "driver");
	struct memory_device dev = { 0 };
	int ret = check_driver(driver, err);

	for (unsigned i = 0; i < n && ret == 0; i++)
		ret = set_device_key(&dev, driver, &list[i], err);
	if (ret < 0)
		return ret;
	if (!dev.memdev[0])
		return error_set(err, EINVAL, "'memdev' property must be set");
	*device = dev;
	return 0;
}
