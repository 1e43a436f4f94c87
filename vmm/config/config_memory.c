// SPDX-License-Identifier: Apache-2.0
/* --memory. Its texts about maxmem and slots are QEMU's. */
#include "vmm/base/keyval.h"
#include "vmm/config/config_pmem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MIN (2ULL << 20)
#define MEMORY_MAX (1ULL << 40)
#define MAXMEM_MAX (1ULL << 52)
#define SLOTS_MAX 256
#define PAGE 4096

static int set_size(struct config *c, const char *value, struct error *err)
{
	/* A plain number is in MiB, as with QEMU. */
	if (keyval_size(value, 1 << 20, &c->memory) < 0 || c->memory < MEMORY_MIN ||
	    c->memory > MEMORY_MAX || c->memory % PAGE)
		return error_set(err, EINVAL,
				 "--memory %s: must be a size of 2M to 1024G, such as 256M or 1G "
				 "(a plain number is in MiB)",
				 value);
	return 0;
}

static int set_key(struct config *c, const struct keyval *kv, struct error *err)
{
	uint64_t slots;

	if (strcmp(kv->key, "size") == 0)
		return set_size(c, kv->value, err);
	if (strcmp(kv->key, "maxmem") == 0) {
		if (keyval_size(kv->value, 1, &c->maxmem) == 0 && c->maxmem > 0 &&
		    c->maxmem <= MAXMEM_MAX)
			return 0;
		return error_set(err, EINVAL,
				 "--memory maxmem=%s: must be a size such as 20G, up to 4096T",
				 kv->value);
	}
	if (strcmp(kv->key, "slots") == 0) {
		if (keyval_number(kv->value, &slots) < 0)
			return error_set(err, EINVAL,
					 "--memory slots=%s: Parameter 'slots' expects a number",
					 kv->value);
		if (slots > SLOTS_MAX)
			return error_set(err, EINVAL,
					 "--memory slots=%s: unsupported amount of memory slots: "
					 "%" PRIu64,
					 kv->value, slots);
		c->slots = (unsigned)slots;
		return 0;
	}
	return error_set(err, EINVAL, "--memory %s=%s: unknown key; there are size, maxmem, slots",
			 kv->key, kv->value);
}

static int check(const struct config *c, const char *value, struct error *err)
{
	if (!c->maxmem && c->slots)
		return error_set(err, EINVAL, "--memory %s: slots specified but no max-size",
				 value);
	if (!c->maxmem)
		return 0;
	if (c->maxmem < c->memory)
		return error_set(err, EINVAL,
				 "--memory %s: invalid value of maxmem: maximum memory size "
				 "(0x%" PRIx64 ") must be at least the initial memory size "
				 "(0x%" PRIx64 ")",
				 value, c->maxmem, c->memory);
	if (c->maxmem == c->memory && c->slots)
		return error_set(err, EINVAL,
				 "--memory %s: invalid value of maxmem: memory slots were "
				 "specified but maximum memory size (0x%" PRIx64
				 ") is equal to the initial memory size (0x%" PRIx64 ")",
				 value, c->maxmem, c->memory);
	/* "by" is QEMU's. */
	if (c->maxmem % PAGE)
		return error_set(err, EINVAL,
				 "--memory %s: maximum memory size must by aligned to multiple of "
				 "%d bytes",
				 value, PAGE);
	return 0;
}

int config_set_memory(struct config *config, const char *value, struct error *err)
{
	struct keyval list[3];
	char *text;
	int n, ret = 0;

	if (!value[0])
		return set_size(config, value, err);
	text = strdup(value);
	if (!text)
		return error_set(err, ENOMEM, "--memory %s: out of memory", value);
	n = keyval_parse(text, "--memory", "size", list, 3, err);
	if (n < 0)
		ret = n;
	for (int i = 0; i < n && ret == 0; i++)
		ret = set_key(config, &list[i], err);
	free(text);
	return ret < 0 ? ret : check(config, value, err);
}
