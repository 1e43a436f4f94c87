// SPDX-License-Identifier: Apache-2.0
/*
 * Memory devices: --pmem, and --object with --device, QEMU's spelling of the same. Start reading at
 * config_add_pmem; config_finish_pmem brings both together.
 */
#include "vmm/config/config_pmem.h"

#include "vmm/base/keyval.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 12

static bool id_is_used(const struct config *c, const char *id)
{
	for (unsigned i = 0; i < c->n_pmem; i++)
		if (strcmp(c->pmem[i].id, id) == 0)
			return true;
	return false;
}

static int set_id(const struct config *c, struct config_pmem *pmem, const char *id,
		  struct error *err)
{
	size_t len = strlen(id);

	if (len < 1 || len > CONFIG_ID_MAX ||
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
		return error_set(err, EINVAL,
				 "--pmem id=%s: must be 1 to %d letters, digits, '.', '_' or '-'",
				 id, CONFIG_ID_MAX);
	if (id_is_used(c, id))
		return error_set(err, EINVAL,
				 "--pmem id=%s: is used twice; give each device its own", id);
	strcpy(pmem->id, id);
	pmem->named = true;
	return 0;
}

static int set_switch(const struct keyval *kv, bool *ret, struct error *err)
{
	if (keyval_switch(kv->value, ret) == 0)
		return 0;
	return error_set(err, EINVAL, "--pmem %s=%s: must be on or off", kv->key, kv->value);
}

static int set_align(struct config_pmem *pmem, const char *value, struct error *err)
{
	struct error why;

	if (keyval_size(value, 1, &pmem->align) < 0)
		return error_set(err, EINVAL, "--pmem align=%s: must be a size such as 2M or 1G",
				 value);
	if (memory_backend_check_align(pmem->align, &why) < 0)
		return error_set(err, EINVAL, "--pmem align=%s: %s", value, why.text);
	return 0;
}

static int set_addr(struct config_pmem *pmem, const char *value, struct error *err)
{
	pmem->fixed = true;
	if (keyval_address(value, &pmem->addr) == 0)
		return 0;
	return error_set(err, EINVAL,
			 "--pmem addr=%s: must be an address such as 0x240000000 or 9G", value);
}

static int set_node(struct config_pmem *pmem, const char *value, struct error *err)
{
	uint64_t node;

	if (keyval_number(value, &node) < 0 || node > UINT_MAX)
		return error_set(err, EINVAL, "--pmem node=%s: must be the number of a --numa node",
				 value);
	pmem->node = (unsigned)node;
	return 0;
}

static int set_key(struct config *c, struct config_pmem *pmem, const struct keyval *kv,
		   struct error *err)
{
	bool on;

	if (strcmp(kv->key, "file") == 0) {
		pmem->file = kv->value;
		return 0;
	}
	if (strcmp(kv->key, "size") == 0) {
		if (keyval_size(kv->value, 1, &pmem->size) == 0 && pmem->size > 0)
			return 0;
		return error_set(err, EINVAL, "--pmem size=%s: must be a size such as 64M or 4G",
				 kv->value);
	}
	if (strcmp(kv->key, "id") == 0)
		return set_id(c, pmem, kv->value, err);
	if (strcmp(kv->key, "readonly") == 0)
		return set_switch(kv, &pmem->readonly, err);
	if (strcmp(kv->key, "share") == 0)
		return set_switch(kv, &pmem->share, err);
	if (strcmp(kv->key, "prealloc") == 0)
		return set_switch(kv, &pmem->prealloc, err);
	if (strcmp(kv->key, "lock") == 0) {
		if (set_switch(kv, &on, err) < 0)
			return -EINVAL;
		pmem->unlocked = !on;
		return 0;
	}
	if (strcmp(kv->key, "root") == 0) {
		if (set_switch(kv, &on, err) < 0)
			return -EINVAL;
		pmem->root = on ? CONFIG_ROOT_ON : CONFIG_ROOT_OFF;
		return 0;
	}
	if (strcmp(kv->key, "addr") == 0)
		return set_addr(pmem, kv->value, err);
	if (strcmp(kv->key, "align") == 0)
		return set_align(pmem, kv->value, err);
	if (strcmp(kv->key, "node") == 0)
		return set_node(pmem, kv->value, err);
	return error_set(err, EINVAL,
			 "--pmem %s=%s: unknown key; there are file, size, id, readonly, share, "
			 "lock, prealloc, root, addr, align, node",
			 kv->key, kv->value);
}

/* Appends an empty device that keeps a copy of @value. */
static int append(struct config *c, const char *option, const char *value,
		  struct config_pmem **ret_pmem, struct error *err)
{
	struct config_pmem *pmem = &c->pmem[c->n_pmem];

	if (c->n_pmem == LAYOUT_VIRTIO_SLOTS)
		return error_set(err, EINVAL, "%s %s: there can be at most %d devices", option,
				 value, LAYOUT_VIRTIO_SLOTS);
	*pmem = (struct config_pmem){ .share = true, .text = strdup(value) };
	if (!pmem->text)
		return error_set(err, ENOMEM, "%s %s: out of memory", option, value);
	c->n_pmem++; /* also one that turns out to be bad, for config_fini */
	*ret_pmem = pmem;
	return 0;
}

int config_add_pmem(struct config *config, const char *value, struct error *err)
{
	struct keyval list[MAX_KEYS];
	struct config_pmem *pmem;
	int ret = append(config, "--pmem", value, &pmem, err), n;

	if (ret < 0)
		return ret;
	n = keyval_parse(pmem->text, "--pmem", "file", list, MAX_KEYS, err);
	if (n < 0)
		return n;
	for (int i = 0; i < n && ret == 0; i++)
		ret = set_key(config, pmem, &list[i], err);
	if (ret == 0 && !pmem->file)
		ret = error_set(err, EINVAL, "--pmem %s: names no file; say file=PATH", value);
	return ret;
}

/* QEMU's text behind what it is about. */
static int explain(int ret, const char *option, const char *value, const struct error *why,
		   struct error *err)
{
	return ret < 0 ? error_set(err, -ret, "%s %s: %s", option, value, why->text) : 0;
}

int config_add_object(struct config *config, const char *value, struct error *err)
{
	char *text = strdup(value);
	struct keyval list[MAX_KEYS];
	struct error why = { 0 };
	const char *id;
	int n, ret;

	if (!text)
		return error_set(err, ENOMEM, "--object %s: out of memory", value);
	n = keyval_parse_qemu(text, "--object", "qom-type", list, MAX_KEYS, err);
	if (n < 0) {
		free(text);
		return n;
	}
	id = keyval_find(list, (unsigned)n, "id");
	if (id && memory_backends_find(&config->backends, id))
		ret = error_set(&why, EINVAL, "Duplicate ID '%s' for object", id);
	else
		ret = memory_backends_add(&config->backends, list, (unsigned)n, &why);
	free(text);
	return explain(ret, "--object", value, &why, err);
}

void config_pmem_take_device(struct config_pmem *pmem, const struct memory_device *device)
{
	strcpy(pmem->id, device->id);
	pmem->named = device->id[0];
	strcpy(pmem->memdev, device->memdev);
	pmem->addr = device->addr;
	pmem->fixed = device->fixed;
	pmem->node = device->node;
}

void config_pmem_take_backend(struct config_pmem *pmem, const struct memory_backend *backend)
{
	pmem->file = backend->path;
	pmem->size = backend->size;
	pmem->align = backend->align;
	pmem->share = backend->share;
	pmem->unlocked = backend->unlocked;
	pmem->prealloc = backend->prealloc;
	pmem->readonly = backend->readonly;
}

int config_add_device(struct config *config, const char *value, struct error *err)
{
	struct memory_device device;
	struct keyval list[MAX_KEYS];
	struct config_pmem *pmem;
	struct error why = { 0 };
	int ret = append(config, "--device", value, &pmem, err), n;

	if (ret < 0)
		return ret;
	n = keyval_parse_qemu(pmem->text, "--device", "driver", list, MAX_KEYS, err);
	if (n < 0)
		return n;
	ret = memory_device_parse(&device, list, (unsigned)n, &why);
	if (ret == 0 && device.id[0] && id_is_used(config, device.id))
		ret = error_set(&why, EINVAL, "Duplicate ID '%s' for device", device.id);
	if (ret < 0)
		return explain(ret, "--device", value, &why, err);
	/* The list was cut out of it; from here on it serves for messages. */
	strcpy(pmem->text, value);
	pmem->device = true;
	config_pmem_take_device(pmem, &device);
	return 0;
}

static int claim_backend(struct config *c, struct config_pmem *pmem, struct error *err)
{
	struct memory_backend *backend;
	struct error why = { 0 };
	int ret = memory_backends_claim(&c->backends, pmem->memdev, &backend, &why);

	if (ret < 0)
		return explain(ret, "--device", pmem->text, &why, err);
	config_pmem_take_backend(pmem, backend);
	return 0;
}

/* QMP shows a backend for each device. The first --pmem's is mem1, the name in QEMU's examples. */
static int make_backend(struct config *c, struct config_pmem *pmem, unsigned number,
			struct error *err)
{
	struct memory_backend backend = {
		.path = (char *)(uintptr_t)pmem->file, /* is copied */
		.size = pmem->size,
		.align = pmem->align,
		.share = pmem->share,
		.unlocked = pmem->unlocked,
		.prealloc = pmem->prealloc,
		.readonly = pmem->readonly,
		.busy = true,
	};
	struct error why = { 0 };
	int ret = memory_backends_add_copy(&c->backends, &backend, number, &why);

	if (ret < 0)
		return explain(ret, "--pmem", pmem->file, &why, err);
	strcpy(pmem->memdev, c->backends.list[c->backends.n - 1].id);
	return 0;
}

static void make_name(struct config *c, struct config_pmem *pmem, unsigned number)
{
	char id[CONFIG_ID_MAX + 1];

	do {
		snprintf(id, sizeof(id), "pmem%u", number++);
	} while (id_is_used(c, id));
	strcpy(pmem->id, id);
}

static int check_prealloc(const struct config_pmem *pmem, struct error *err)
{
	if (!pmem->prealloc || (pmem->share && !pmem->readonly))
		return 0;
	return error_set(err, EINVAL,
			 "--%s %s: prealloc=on is for a disk whose stores reach its file; leave it "
			 "out, or say share=on and readonly=off",
			 pmem->device ? "object" : "pmem",
			 pmem->device ? pmem->memdev : pmem->file);
}

/* A disk that is plugged is not allocated: that would hold up the guest. */
static int check_unused(const struct memory_backends *backends, struct error *err)
{
	for (unsigned i = 0; i < backends->n; i++)
		if (backends->list[i].prealloc && !backends->list[i].busy)
			return error_set(err, EINVAL,
					 "--object %s: prealloc=on is done before the guest "
					 "starts; name it in a --device, or leave prealloc=on out",
					 backends->list[i].id);
	return 0;
}

int config_finish_pmem(struct config *config, struct error *err)
{
	for (unsigned i = 0; i < config->n_pmem; i++) {
		struct config_pmem *pmem = &config->pmem[i];
		int ret = pmem->device ? claim_backend(config, pmem, err)
				       : make_backend(config, pmem, i + 1, err);

		if (ret == 0)
			ret = check_prealloc(pmem, err);
		if (ret < 0)
			return ret;
		if (!pmem->named)
			make_name(config, pmem, i);
	}
	return check_unused(&config->backends, err);
}

void config_fini_pmem(struct config *config)
{
	for (unsigned i = 0; i < config->n_pmem; i++)
		free(config->pmem[i].text);
	config->n_pmem = 0;
	memory_backends_fini(&config->backends);
}
