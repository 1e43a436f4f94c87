// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/config/test_config_state.c.
/* Opens a snapshot. Start reading at config_restore_apply. */
#include "vmm/config/config_restore.h"

#include "vmm/config/config_options.h"
#include "vmm/config/config_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For messages: an option and its value, and the file. Both live as long as @config; or NULL. */
static const char *name_it(struct config *config, const char *where, const char *file)
{
	size_t size = strlen(where) + strlen(file) + sizeof("--restore ");
	char *text = malloc(size);
	const char *kept;

	if (!text)
		return NULL;
	snprintf(text, size, "--restore %s%s", where, file);
	kept = config_keep(config, text);
	free(text);
	return kept;
}

int config_restore_apply(struct config *config, const char *where, struct error *err)
{
	const char *what = name_it(config, where, ""), *state = name_it(config, where, ": state");
	struct config_restore *restore = &config->restore;
	int ret;

	restore->state = calloc(1, sizeof(*restore->state));
	if (!what || !state || !restore->state)
		return error_set(err, ENOMEM, "--restore %s: out of memory", where);
	ret = snapshot_files_open(&restore->files, where, what, err);
	if (ret == 0)
		ret = state_reader_load(restore->state, state, restore->files.state_fd, err);
	if (ret < 0)
		return ret;
	/* From then on options of the machine are refused. */
	config_state_load(config, restore->state);
	restore->where = where;
	return state_reader_result(restore->state, err);
}

void config_restore_fini(struct config *config)
{
	snapshot_files_fini(&config->restore.files);
	if (config->restore.state)
		state_reader_fini(config->restore.state);
	free(config->restore.state);
	config->restore = (struct config_restore){ 0 };
}
