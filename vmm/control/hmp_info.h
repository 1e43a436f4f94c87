/* SPDX-License-Identifier: Apache-2.0 */
/* HMP's info commands. */
#ifndef MVMM_VMM_HMP_INFO_H
#define MVMM_VMM_HMP_INFO_H

#include "vmm/base/buffer.h"
#include "vmm/control/monitor.h"

struct hmp_info {
	const char *name;
	const char *help;
	void (*print)(struct monitor *monitor, struct buffer *out);
};

/* In alphabetical order, until NULL. */
const struct hmp_info *hmp_info_get(unsigned i);

#endif
