// SPDX-License-Identifier: Apache-2.0
/* Makes the JSON object of how a run ended. Start reading at describe. */
#include "vmm/vm/result.h"

#include "vmm/base/file_argument.h"
#include "vmm/base/file_write.h"
#include "vmm/base/parent_directory.h"
#include "vmm/control/qmp_json.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA 1
/* For who reads a pipe. Signals wait meanwhile. */
#define PATIENCE_MS 5000

static int take(struct result *result, const char *where, struct error *err)
{
	int fd = file_argument_take("--result", where, O_WRONLY, err);

	if (fd < 0)
		return fd;
	result->fd = fd;
	return 0;
}

/* /dev/stdout, say, is not to be replaced by a file. */
static int remove_older(const struct result *result, const char *path, struct error *err)
{
	struct stat st;

	if (fstatat(result->dir_fd, result->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		return error_set(err, EINVAL,
				 "--result %s: is there, and no regular file; name one, or give an "
				 "open descriptor, fd:1 say",
				 path);
	if (unlinkat(result->dir_fd, result->name, 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "--result %s: cannot be replaced: %s", path,
				 strerror(errno));
	return 0;
}

static int open_beside(struct result *result, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	int ret;

	result->name = slash ? slash + 1 : path;
	result->dir_fd = parent_directory_open(path, O_PATH);
	if (result->dir_fd < 0)
		return error_set(err, -result->dir_fd, "--result %s: cannot open its directory: %s",
				 path, strerror(-result->dir_fd));
	/* The process number makes it nobody else's. */
	snprintf(result->temporary, sizeof(result->temporary), ".%.200s.%d", result->name,
		 (int)getpid());
	if (!*result->name)
		return error_set(err, EISDIR, "--result %s: is a directory; name a file", path);
	ret = remove_older(result, path, err);
	if (ret < 0)
		return ret;
	result->fd = openat(result->dir_fd, result->temporary,
			    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (result->fd < 0)
		return error_set(err, errno, "--result %s: cannot make a file there: %s", path,
				 strerror(errno));
	return 0;
}

int result_open(struct result *result, const char *where, struct error *err)
{
	int ret;

	if (!*where)
		return error_set(err, EINVAL, "--result : is empty; give a path or fd:N");
	result->path = where;
	ret = file_argument_is_fd(where) ? take(result, where, err)
					 : open_beside(result, where, err);
	if (ret < 0)
		return ret;
	qmp_json_init();
	result->wanted = true;
	return 0;
}

bool result_file(const struct result *result, struct sandbox_file *ret_file)
{
	if (!result->wanted || result->dir_fd <= 0)
		return false;
	*ret_file = (struct sandbox_file){ result->dir_fd, result->temporary, result->path, true };
	return true;
}

static void set_number(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *phases(const struct boot_timer *timer)
{
	static const struct {
		const char *name;
		enum boot_mark mark, otherwise;
	} list[] = {
		{ "exec", BOOT_MARK_EXEC, BOOT_MARK_EXEC },
		{ "vm-created", BOOT_MARK_CREATED, BOOT_MARK_CREATED },
		{ "kernel-loaded", BOOT_MARK_LOADED, BOOT_MARK_LOADED },
		{ "first-instruction", BOOT_MARK_GUEST, BOOT_MARK_ENTERED },
		{ "user-space", BOOT_MARK_USER_SPACE, BOOT_MARK_USER_SPACE },
		{ "exit", BOOT_MARK_END, BOOT_MARK_END },
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		uint64_t ns = __atomic_load_n(&timer->ns[list[i].mark], __ATOMIC_RELAXED);

		if (!ns)
			ns = __atomic_load_n(&timer->ns[list[i].otherwise], __ATOMIC_RELAXED);
		json_object_set_new(object, list[i].name,
				    ns ? json_integer((json_int_t)ns) : json_null());
	}
	return object;
}

static json_t *exits(const struct vm_exits *n)
{
	json_t *object = json_object();

	set_number(object, "mmio", n->mmio);
	set_number(object, "io", n->io);
	set_number(object, "interrupted", n->interrupted);
	set_number(object, "shutdown", n->shutdown);
	set_number(object, "other", n->total - n->mmio - n->io - n->interrupted - n->shutdown);
	set_number(object, "total", n->total);
	return object;
}

static json_t *pmems(const struct vm_end *end)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < end->n_pmem; i++) {
		const struct pmem_counters *n = &end->pmem[i].counters;
		json_t *object = json_object();

		json_object_set_new(object, "id", qmp_json_string(end->pmem[i].id));
		set_number(object, "flushes", n->flushes);
		set_number(object, "flush-errors", n->flush_errors);
		set_number(object, "coalesced", n->coalesced);
		set_number(object, "fdatasyncs", n->fdatasyncs);
		set_number(object, "stores-dropped", n->stores_dropped);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *devices(const struct vm_end *end)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < end->n_devices; i++) {
		const struct device_counters *counters = &end->devices[i];
		json_t *object = json_object();

		json_object_set_new(object, "id", json_string(counters->id));
		for (unsigned k = 0; k < counters->n; k++)
			set_number(object, counters->list[k].name, counters->list[k].value);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *lines(const char *text)
{
	json_t *array = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");

		json_array_append_new(array, json_stringn(text, len));
		text += len + (text[len] == '\n');
	}
	return array;
}

static json_t *describe(const struct vm_end *end, const struct boot_timer *timer)
{
	json_t *object = json_object();
	bool signal = end->outcome == OUTCOME_SIGNAL;
	bool chosen = end->outcome == OUTCOME_GUEST_STATUS || end->outcome == OUTCOME_BAD_STATUS;

	set_number(object, "version", SCHEMA);
	json_object_set_new(object, "outcome", json_string(outcome_name(end->outcome)));
	set_number(object, "status", (uint64_t)outcome_status(end->outcome, end->code));
	json_object_set_new(object, "signal", signal ? json_integer(end->code) : json_null());
	json_object_set_new(object, "guest-status", chosen ? json_integer(end->code) : json_null());
	json_object_set_new(object, "message", qmp_json_string(end->detail));
	json_object_set_new(object, "phases", phases(timer));
	json_object_set_new(object, "exits", exits(&end->exits));
	json_object_set_new(object, "pmem", pmems(end));
	json_object_set_new(object, "devices", devices(end));
	json_object_set_new(object, "console", lines(end->console));
	set_number(object, "console-dropped", end->console_dropped);
	return object;
}

static int write_object(const struct result *result, const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	size_t len;
	int ret;

	if (!text)
		return -ENOMEM;
	len = strlen(text);
	text[len] = '\n'; /* in the place of its NUL */
	ret = file_write_patiently(result->fd, text, len + 1, PATIENCE_MS);
	free(text);
	if (ret == 0 && result->dir_fd > 0 &&
	    renameat(result->dir_fd, result->temporary, result->dir_fd, result->name) < 0)
		ret = -errno;
	if (ret < 0 && result->dir_fd > 0)
		unlinkat(result->dir_fd, result->temporary, 0);
	return ret;
}

int result_write(struct result *result, const struct vm_end *end, const struct boot_timer *timer,
		 struct error *err)
{
	json_t *object;
	int ret;

	if (!result->wanted || __atomic_exchange_n(&result->written, true, __ATOMIC_ACQ_REL))
		return 0;
	object = describe(end, timer);
	ret = write_object(result, object);
	json_decref(object);
	if (ret == -ETIMEDOUT)
		return error_set(err, -ret, "--result %s: cannot be written: nobody reads it",
				 result->path);
	return ret < 0 ? error_set(err, -ret, "--result %s: cannot be written: %s", result->path,
				   strerror(-ret))
		       : 0;
}

void result_fini(struct result *result)
{
	if (result->fd > 0)
		close(result->fd);
	if (result->dir_fd > 0)
		close(result->dir_fd);
	*result = (struct result){ 0 };
}
