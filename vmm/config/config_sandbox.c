// SPDX-License-Identifier: Apache-2.0
/* --sandbox. */
#include "vmm/config/config_sandbox.h"

#include "vmm/base/keyval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS (1 + SANDBOX_MAX_ALLOWED)

static int set_mode(struct sandbox_options *sandbox, const char *value, struct error *err)
{
	static const char *const names[] = {
		[SANDBOX_ON] = "on",
		[SANDBOX_LOG] = "log",
		[SANDBOX_OFF] = "off",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		sandbox->mode = (enum sandbox_mode)i;
		return 0;
	}
	return error_set(err, EINVAL, "--sandbox %s: must be on, log or off", value);
}

static int set_key(struct sandbox_options *sandbox, const struct keyval *kv, struct error *err)
{
	if (strcmp(kv->key, "mode") == 0)
		return set_mode(sandbox, kv->value, err);
	if (strcmp(kv->key, "allow") != 0)
		return error_set(err, EINVAL, "--sandbox %s=%s: unknown key; there is allow=DIR",
				 kv->key, kv->value);
	if (sandbox->n_allowed == SANDBOX_MAX_ALLOWED)
		return error_set(err, EINVAL, "--sandbox allow=%s: there can be at most %d",
				 kv->value, SANDBOX_MAX_ALLOWED);
	sandbox->allowed[sandbox->n_allowed++] = kv->value;
	return 0;
}

int config_set_sandbox(struct config *config, const char *value, struct error *err)
{
	struct keyval list[MAX_KEYS];
	int n, ret = 0;

	config->sandbox_text = strdup(value);
	if (!config->sandbox_text)
		return error_set(err, ENOMEM, "--sandbox %s: out of memory", value);
	/* By QEMU's rules a key may be given again. */
	n = keyval_parse_qemu(config->sandbox_text, "--sandbox", "mode", list, MAX_KEYS, err);
	if (n < 0)
		ret = n;
	for (int i = 0; i < n && ret == 0; i++)
		ret = set_key(&config->sandbox, &list[i], err);
	return ret;
}

void config_fini_sandbox(struct config *config)
{
	free(config->sandbox_text);
	config->sandbox_text = NULL;
}
