/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device has done, as named numbers. --result, the log and the control plane pass them on
 * without knowing the kinds of devices. A device's model says what it counts
 * (vmm/models/device_model.h).
 */
#pragma once

#include <stdint.h>

#define DEVICE_COUNTERS_MAX 6

struct device_counters {
	char id[32]; /* as in messages: "net0" */
	unsigned n;
	struct {
		const char *name; /* static, for programs: "received-bytes" */
		uint64_t value;	  /* since the start */
	} list[DEVICE_COUNTERS_MAX];
};
