// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/config/test_config_state.c.
/* The keys of --restore. config_restore.c opens what they name. */
#include "vmm/config/config_options.h"

#include "vmm/base/file_argument.h"

#include <errno.h>
#include <stddef.h>

static const char *const clocks[] = {
	[CONFIG_CLOCK_SAVED] = "saved",
	[CONFIG_CLOCK_REALTIME] = "realtime",
	NULL,
};

static int check_fd(void *member, const struct keyval *value, struct error *why)
{
	return file_argument_is_fd(value->value) ? 0 : -EINVAL;
}

const struct property config_restore_properties[] = {
	{ .name = "dir", .type = PROPERTY_NAME, .at = offsetof(struct config_restore, dir) },
	{ "state", PROPERTY_NAME, offsetof(struct config_restore, state_file),
	  "must be fd:N, a descriptor of the file", .check = check_fd },
	{ "memory", PROPERTY_NAME, offsetof(struct config_restore, memory_file),
	  "must be fd:N, a descriptor of the file", .check = check_fd },
	{ "clock", PROPERTY_ENUM, offsetof(struct config_restore, clock),
	  "must be realtime, or saved: it goes on where it stood", .values = clocks },
	PROPERTY_END("are dir=DIR, state=fd:N, memory=fd:M and clock=realtime"),
};

/* config_parse calls it before it sets any other option, and again in the option's turn. */
int config_set_restore(struct config *config, const struct config_keys *keys, struct error *err)
{
	struct config_restore *r = &config->restore;
	int ret =
		property_fill(config_restore_properties, r, keys->list, keys->n, keys->option, err);

	if (ret < 0)
		return ret;
	r->given = keys->given;
	if (!r->state_file != !r->memory_file || !r->dir == !r->state_file)
		return error_set(err, EINVAL,
				 "--restore %s: give the directory of a snapshot, "
				 "state=fd:N,memory=fd:M, or fd:N for a vm-fork",
				 keys->given);
	return 0;
}
