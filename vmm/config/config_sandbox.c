// SPDX-License-Identifier: Apache-2.0
/* --sandbox. */
#include "vmm/config/config_options.h"

#include <errno.h>
#include <stddef.h>

static const char *const modes[] = {
	[SANDBOX_ON] = "on",
	[SANDBOX_LOG] = "log",
	[SANDBOX_OFF] = "off",
	NULL,
};

static int allow(void *object, const struct keyval *given, struct error *why)
{
	struct sandbox_options *sandbox = object;

	if (sandbox->n_allowed == SANDBOX_MAX_ALLOWED)
		return error_set(why, EINVAL, "there can be at most %d", SANDBOX_MAX_ALLOWED);
	sandbox->allowed[sandbox->n_allowed++] = given->value;
	return 0;
}

const struct property config_sandbox_properties[] = {
	{ "mode", PROPERTY_ENUM, offsetof(struct sandbox_options, mode), "must be on, log or off",
	  .values = modes, .bare = true },
	{ "allow", PROPERTY_NAMES, .check = allow, .repeatable = true },
	PROPERTY_END("is allow=DIR"),
};

int config_set_sandbox(struct config *config, const struct config_keys *keys, struct error *err)
{
	return property_fill(config_sandbox_properties, &config->sandbox, keys->list, keys->n,
			     keys->option, err);
}
