/* SPDX-License-Identifier: Apache-2.0 */
/* HMP's info commands. */
#pragma once

#include "vmm/base/buffer.h"
#include "vmm/control/monitor.h"

struct hmp_info {
	const char *name;
	const char *help;
	void (*print)(struct monitor *monitor, struct buffer *out);
};

/* The @i-th command in alphabetical order, or NULL. */
const struct hmp_info *hmp_info_get(unsigned i);
