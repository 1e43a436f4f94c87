// SPDX-License-Identifier: Apache-2.0
/* Reads the numbers of a device by their names. */
#include "vmm/base/device_counters.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void device_counters_read(struct device_counters *ret_counters, const char *id,
			  const struct device_counter *table, const void *state)
{
	*ret_counters = (struct device_counters){ 0 };
	snprintf(ret_counters->id, sizeof(ret_counters->id), "%s", id);
	for (; table->name; table++) {
		assert(ret_counters->n < DEVICE_COUNTERS_MAX);
		ret_counters->list[ret_counters->n].name = table->name;
		ret_counters->list[ret_counters->n++].value =
			*(const uint64_t *)((const char *)state + table->offset);
	}
}

uint64_t device_counters_get(const struct device_counters *counters, const char *name)
{
	unsigned i = 0;

	while (i < counters->n && strcmp(counters->list[i].name, name) != 0)
		i++;
	assert(i < counters->n);
	return counters->list[i].value;
}
