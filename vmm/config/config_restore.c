// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/config/test_config_state.c.
/* Opens a snapshot. Start reading at config_restore_apply. */
#include "vmm/config/config_restore.h"

#include "vmm/base/file_argument.h"
#include "vmm/config/config_options.h"
#include "vmm/config/config_state.h"
#include "vmm/snapshot/snapshot_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int take_files(struct config_restore *r, const char *what, struct error *err)
{
	int state_fd = file_argument_take("--restore", r->state_file, O_RDONLY, err), memory_fd;

	if (state_fd < 0)
		return state_fd;
	memory_fd = file_argument_take("--restore", r->memory_file, O_RDONLY, err);
	if (memory_fd < 0) {
		close(state_fd);
		return memory_fd;
	}
	return snapshot_files_take(&r->files, state_fd, memory_fd, what, err);
}

/* From the parent, at a vm-fork. */
static int receive_files(struct config_restore *r, const char *what, struct error *err)
{
	int fd = file_argument_take("--restore", r->dir, O_RDWR, err), ret;

	if (fd < 0)
		return fd;
	ret = snapshot_socket_receive(fd, &r->files, what, err);
	close(fd);
	return ret;
}

static int open_files(struct config_restore *r, const char *what, struct error *err)
{
	if (!r->dir)
		return take_files(r, what, err);
	return file_argument_is_fd(r->dir) ? receive_files(r, what, err)
					   : snapshot_files_open(&r->files, r->dir, what, err);
}

int config_restore_apply(struct config *config, struct error *err)
{
	const char *where = config->restore.given;
	const char *what = name_it(config, where, ""), *state = name_it(config, where, ": state");
	struct config_restore *restore = &config->restore;
	int ret;

	restore->state = calloc(1, sizeof(*restore->state));
	if (!what || !state || !restore->state)
		return error_set(err, ENOMEM, "--restore %s: out of memory", where);
	ret = open_files(restore, what, err);
	if (ret == 0)
		ret = state_reader_load(restore->state, state, restore->files.state_fd, err);
	if (ret < 0)
		return ret;
	/* From then on options of the machine are refused. */
	config_state_load(config, restore->state);
	restore->where = where;
	return state_reader_result(restore->state, err);
}

static int refuse_descriptor(const struct config *config, const char *what, const char *given,
			     const char *option, struct error *err)
{
	return error_set(err, EINVAL,
			 "--restore %s: %s was the descriptor %s of the mvmm that was saved; give "
			 "%s",
			 config->restore.where, what, given, option);
}

static int check_console(const struct config *config, const struct config_console *console,
			 const char *option, struct error *err)
{
	for (unsigned i = 0; i < console->n; i++)
		if (console->sinks[i].saved && console->sinks[i].kind == CONFIG_SINK_FD)
			return refuse_descriptor(config, "a console", console->sinks[i].given,
						 option, err);
	return 0;
}

int config_restore_check(const struct config *config, struct error *err)
{
	int ret;

	if (!config->restore.where)
		return 0;
	for (unsigned i = 0; i < config->n_pmem; i++) {
		const struct config_pmem *pmem = &config->pmem[i];
		char option[64];

		snprintf(option, sizeof(option), "--pmem id=%s,file=FILE", pmem->id);
		if (!pmem->named_anew && file_argument_is_fd(pmem->file))
			return refuse_descriptor(config, "a disk", pmem->file, option, err);
	}
	for (unsigned i = config->restore.nets; i < config->n_nets; i++)
		if (file_argument_is_fd(config->nets[i].tap))
			return refuse_descriptor(config, "the tap of a card", config->nets[i].tap,
						 "--net TAP for each", err);
	ret = check_console(config, &config->serial, "--serial", err);
	return ret < 0 ? ret : check_console(config, &config->console, "--console", err);
}

void config_restore_fini(struct config *config)
{
	snapshot_files_fini(&config->restore.files);
	if (config->restore.state)
		state_reader_fini(config->restore.state);
	free(config->restore.state);
	config->restore = (struct config_restore){ 0 };
}
