// SPDX-License-Identifier: Apache-2.0
/*
 * Memory devices: --pmem, and QEMU's spelling of it, --object with --device. Start reading at
 * config_add_pmem; config_finish_pmem combines both.
 */
#include "vmm/config/config_pmem.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool id_is_used(const struct config *c, const char *id)
{
	for (unsigned i = 0; i < c->n_pmem; i++)
		if (strcmp(c->pmem[i].id, id) == 0)
			return true;
	return false;
}

static const char *const roots[] = {
	[CONFIG_ROOT_DEFAULT] = "",
	[CONFIG_ROOT_ON] = "on",
	[CONFIG_ROOT_OFF] = "off",
	NULL,
};

static int check_size(void *size, const struct keyval *given, struct error *why)
{
	if (*(const uint64_t *)size >= LAYOUT_PAGE)
		return 0;
	return error_set(why, EINVAL,
			 "is less than 4 KiB; a number without a suffix is in bytes, so say 4M for "
			 "4 MiB");
}

#define AT(member) .at = offsetof(struct config_pmem, member)
#define SWITCH "must be on or off"

const struct property config_pmem_properties[] = {
	{ "file", PROPERTY_NAME, AT(file), .required = true },
	{ "size", PROPERTY_SIZE, AT(size), "must be a size such as 64M or 4G", .min = 1,
	  .check = check_size },
	{ "id", PROPERTY_ID, AT(id), "must be 1 to 31 letters, digits, '.', '_' or '-'" },
	{ "readonly", PROPERTY_SWITCH, AT(readonly), SWITCH },
	{ "share", PROPERTY_SWITCH, AT(share), SWITCH },
	{ "lock", PROPERTY_OFF, AT(unlocked), SWITCH },
	{ "prealloc", PROPERTY_SWITCH, AT(prealloc), SWITCH },
	{ "root", PROPERTY_ENUM, AT(root), SWITCH, .values = roots },
	{ "addr", PROPERTY_ADDRESS, AT(addr), "must be an address such as 0x240000000 or 9G" },
	{ "align", PROPERTY_SIZE, AT(align), "must be a size such as 2M or 1G",
	  .check = memory_backend_check_align },
	{ "node", PROPERTY_NUMBER, AT(node), "must be the number of a --numa node" },
	PROPERTY_END("are file, size, id, readonly, share, lock, prealloc, root, addr, align, "
		     "node"),
};

static int append(struct config *c, const struct config_pmem *pmem, const struct config_keys *keys,
		  struct error *err)
{
	if (c->n_pmem == LAYOUT_VIRTIO_SLOTS)
		return error_set(err, EINVAL, "%s %s: there can be at most %d devices",
				 keys->option, keys->given, LAYOUT_VIRTIO_SLOTS);
	c->pmem[c->n_pmem++] = *pmem;
	return 0;
}

/* The keys that a restore can give anew; the others are the machine's. */
static bool is_of_file(const char *key)
{
	return strcmp(key, "file") == 0 || strcmp(key, "lock") == 0;
}

/* Names another file for a disk of a snapshot, by its id. */
static int name_anew(struct config *config, const struct config_keys *keys, struct error *err)
{
	const char *id = keyval_find(keys->list, keys->n, "id");
	struct config_pmem *pmem = config->pmem, *end = pmem + config->n_pmem;
	int ret = 0;

	for (unsigned i = 0; i < keys->n; i++)
		if (strcmp(keys->list[i].key, "id") != 0 && !is_of_file(keys->list[i].key))
			return error_set(
				err, EINVAL,
				"--pmem %s=%s: is as it was saved; with --restore there are "
				"id, file and lock",
				keys->list[i].key, keys->list[i].value);
	while (pmem < end && (!id || strcmp(pmem->id, id) != 0))
		pmem++;
	if (pmem == end)
		return error_set(err, EINVAL,
				 "--pmem %s: with --restore, id= must be that of a disk that was "
				 "saved%s%s",
				 keys->given, config->n_pmem ? ", such as " : "; there is none",
				 config->n_pmem ? config->pmem[0].id : "");
	pmem->named_anew = keyval_find(keys->list, keys->n, "file");
	for (unsigned i = 0; i < keys->n && ret == 0; i++)
		ret = property_set(property_find(config_pmem_properties, keys->list[i].key), pmem,
				   &keys->list[i], keys->option, err);
	return ret;
}

int config_add_pmem(struct config *config, const struct config_keys *keys, struct error *err)
{
	struct config_pmem pmem = { .share = true };
	int ret;

	if (config->restore.where)
		return name_anew(config, keys, err);
	ret = property_fill(config_pmem_properties, &pmem, keys->list, keys->n, keys->option, err);
	if (ret < 0)
		return ret;
	pmem.named = pmem.id[0];
	pmem.fixed = keyval_find(keys->list, keys->n, "addr");
	if (pmem.named && id_is_used(config, pmem.id))
		return error_set(err, EINVAL,
				 "--pmem id=%s: is used twice; give each device its own", pmem.id);
	if (!pmem.file)
		return error_set(err, EINVAL, "--pmem %s: file=PATH is missing", keys->given);
	return append(config, &pmem, keys, err);
}

/* Prefixes QEMU's text with the option. */
static int explain(int ret, const char *option, const char *value, const struct error *why,
		   struct error *err)
{
	return ret < 0 ? error_set(err, -ret, "%s %s: %s", option, value, why->text) : 0;
}

int config_add_object(struct config *config, const struct config_keys *keys, struct error *err)
{
	struct memory_backend backend;
	struct error why = { 0 };
	int ret = memory_backend_parse(&backend, keys->list, keys->n, &why);

	if (ret == 0 && memory_backends_find(&config->backends, backend.id))
		ret = error_set(&why, EINVAL, "Duplicate ID '%s' for object", backend.id);
	if (ret == 0)
		ret = memory_backends_add(&config->backends, &backend, &why);
	return explain(ret, "--object", keys->given, &why, err);
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

int config_add_device(struct config *config, const struct config_keys *keys, struct error *err)
{
	struct config_pmem pmem = { .device = true, .given = keys->given };
	struct memory_device device;
	struct error why = { 0 };
	int ret = memory_device_parse(&device, keys->list, keys->n, &why);

	if (ret == 0 && device.id[0] && id_is_used(config, device.id))
		ret = error_set(&why, EINVAL, "Duplicate ID '%s' for device", device.id);
	if (ret < 0)
		return explain(ret, "--device", keys->given, &why, err);
	config_pmem_take_device(&pmem, &device);
	return append(config, &pmem, keys, err);
}

static int claim_backend(struct config *c, struct config_pmem *pmem, struct error *err)
{
	struct memory_backend *backend;
	struct error why = { 0 };
	int ret = memory_backends_claim(&c->backends, pmem->memdev, &backend, &why);

	if (ret < 0)
		return explain(ret, "--device", pmem->given, &why, err);
	config_pmem_take_backend(pmem, backend);
	return 0;
}

/* QMP shows a backend for each device: mem1 for the first --pmem, as in QEMU's examples. */
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
	int ret;

	strcpy(backend.id, pmem->memdev); /* empty, unless it was saved */
	ret = memory_backends_add_copy(&c->backends, &backend, number, &why);

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
	return error_set(
		err, EINVAL,
		"--%s %s: prealloc=on needs share=on and readonly=off, because otherwise no "
		"store reaches the file; give these, or leave prealloc=on out",
		pmem->device ? "object" : "pmem", pmem->device ? pmem->memdev : pmem->file);
}

/* A disk that is plugged later is not allocated, because that would hold up the guest. */
static int check_unused(const struct memory_backends *backends, struct error *err)
{
	for (unsigned i = 0; i < backends->n; i++)
		if (backends->list[i].prealloc && !backends->list[i].busy)
			return error_set(
				err, EINVAL,
				"--object %s: prealloc=on allocates before the guest starts, "
				"but no --device uses this object; add a --device, or "
				"leave prealloc=on out",
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
		if (!pmem->id[0])
			make_name(config, pmem, i);
	}
	return check_unused(&config->backends, err);
}

void config_fini_pmem(struct config *config)
{
	config->n_pmem = 0;
	memory_backends_fini(&config->backends);
}
