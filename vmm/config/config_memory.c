// SPDX-License-Identifier: Apache-2.0
/* --memory. Its texts about maxmem and slots are QEMU's. */
#include "vmm/config/config_pmem.h"

#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#define MEMORY_MIN (2ULL << 20)
#define MEMORY_MAX (1ULL << 40)
#define MAXMEM_MAX (1ULL << 52)
#define SLOTS_MAX 256

static int check_slots(void *member, const struct keyval *given, struct error *why)
{
	const unsigned *slots = member;

	if (*slots > SLOTS_MAX)
		return error_set(why, EINVAL, "unsupported amount of memory slots: %u", *slots);
	return 0;
}

/* A plain number is in MiB, as in QEMU. */
const struct property config_memory_properties[] = {
	{ "size", PROPERTY_SIZE, offsetof(struct config, memory),
	  "must be a size of 2M to 1024G, such as 256M or 1G (a plain number is in MiB)",
	  .min = MEMORY_MIN, .max = MEMORY_MAX, .unit = 1 << 20, .multiple_of = LAYOUT_PAGE,
	  .bare = true },
	{ "maxmem", PROPERTY_SIZE, offsetof(struct config, maxmem),
	  "must be a size such as 20G, up to 4096T", .min = 1, .max = MAXMEM_MAX },
	{ "slots", PROPERTY_NUMBER, offsetof(struct config, slots),
	  "Parameter 'slots' expects a number", .check = check_slots },
	{ .name = "fork", .type = PROPERTY_SWITCH, .at = offsetof(struct config, fork) },
	PROPERTY_END("are size, maxmem, slots, fork"),
};

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
	/* The word "by" is QEMU's. */
	if (c->maxmem % LAYOUT_PAGE)
		return error_set(err, EINVAL,
				 "--memory %s: maximum memory size must by aligned to multiple of "
				 "%d bytes",
				 value, LAYOUT_PAGE);
	return 0;
}

int config_check_memory(const struct config *c, struct error *err)
{
	if (c->memory < MEMORY_MIN || c->memory > MEMORY_MAX || c->memory % LAYOUT_PAGE ||
	    c->maxmem > MAXMEM_MAX || c->slots > SLOTS_MAX)
		return error_set(err, EINVAL,
				 "0x%" PRIx64 " bytes of RAM, maxmem 0x%" PRIx64 " and %u slots",
				 c->memory, c->maxmem, c->slots);
	return check(c, "", err);
}

int config_set_memory(struct config *config, const struct config_keys *keys, struct error *err)
{
	int ret = property_fill(config_memory_properties, config, keys->list, keys->n, keys->option,
				err);

	return ret < 0 ? ret : check(config, keys->given, err);
}
