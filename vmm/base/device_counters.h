/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device has done, as named numbers. Each kind of device has one table of them; --result,
 * the log and the control plane show what the table names.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DEVICE_COUNTERS_MAX 6

/* A number that a device counts: a uint64_t at @offset of its state. */
struct device_counter {
	const char *name; /* static, for programs: "received-bytes" */
	size_t offset;
};

struct device_counters {
	char id[32]; /* as in messages: "net0" */
	unsigned n;
	struct {
		const char *name; /* static */
		uint64_t value;	  /* since the start */
	} list[DEVICE_COUNTERS_MAX];
};

/* Reads what @table, up to a name of NULL, names in @state. */
void device_counters_read(struct device_counters *ret_counters, const char *id,
			  const struct device_counter *table, const void *state);

/* The number called @name, for a text that names it otherwise. It must be there. */
uint64_t device_counters_get(const struct device_counters *counters, const char *name);
