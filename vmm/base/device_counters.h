/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device has done, as numbers with names: --result, the log and the control plane pass on
 * these, and need not know what kinds of devices there are. Start reading at vm_extras_count, which
 * fills them in.
 */
#ifndef MVMM_VMM_DEVICE_COUNTERS_H
#define MVMM_VMM_DEVICE_COUNTERS_H

#include <stdint.h>

#define DEVICE_COUNTERS_MAX 6

struct device_counters {
	char id[12]; /* as in messages: "net0" */
	unsigned n;
	struct {
		const char *name; /* static: a word for programs, "received-bytes" */
		uint64_t value;	  /* since the start */
	} list[DEVICE_COUNTERS_MAX];
};

#endif
