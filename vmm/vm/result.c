// SPDX-License-Identifier: Apache-2.0
/* Makes the JSON object that says how a run ended. Start reading at describe. */
#include "vmm/vm/result.h"

#include "vmm/base/array.h"
#include "vmm/base/file_argument.h"
#include "vmm/base/file_write.h"
#include "vmm/base/json_text.h"
#include "vmm/base/parent_directory.h"
#include "vmm/host/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA 1
/* How long to wait for the reader of a pipe. Signals are blocked meanwhile. */
#define PATIENCE_MS 5000

static int open_passed_fd(struct result *result, const char *where, struct error *err)
{
	int fd = file_argument_take("--result", where, O_WRONLY, err);

	if (fd < 0)
		return fd;
	result->fd = fd;
	return 0;
}

/* A path such as /dev/stdout must not be replaced by a file. */
static int remove_older(const struct result *result, const char *path, struct error *err)
{
	struct stat st;

	if (fstatat(result->dir_fd, result->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		return error_set(
			err, EINVAL,
			"--result %s: exists and is not a regular file; name a regular file, or "
			"give an open descriptor, such as fd:1",
			path);
	if (unlinkat(result->dir_fd, result->name, 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "--result %s: cannot be replaced: %s", path,
				 strerror(errno));
	return 0;
}

static int open_beside(struct result *result, const char *path, struct error *err)
{
	char prefix[NAME_MAX + 1];
	int ret;

	result->name = parent_directory_name(path);
	result->dir_fd = parent_directory_open(path, O_PATH);
	if (result->dir_fd < 0)
		return error_set(err, -result->dir_fd, "--result %s: cannot open its directory: %s",
				 path, strerror(-result->dir_fd));
	if (!*result->name)
		return error_set(err, EISDIR, "--result %s: is a directory; name a file", path);
	ret = remove_older(result, path, err);
	if (ret < 0)
		return ret;
	snprintf(prefix, sizeof(prefix), ".%.200s", result->name);
	ret = temporary_file_open(&result->file, result->dir_fd, prefix, 0666);
	return ret < 0 ? error_set(err, -ret, "--result %s: cannot make a file there: %s", path,
				   strerror(-ret))
		       : 0;
}

int result_open(struct result *result, const char *where, struct error *err)
{
	int ret;

	if (!*where)
		return error_set(err, EINVAL, "--result : is empty; give a path or fd:N");
	result->path = where;
	ret = file_argument_is_fd(where) ? open_passed_fd(result, where, err)
					 : open_beside(result, where, err);
	if (ret < 0)
		return ret;
	json_text_init();
	result->usage_fd = usage_open();
	result->wanted = true;
	return 0;
}

bool result_file(const struct result *result, struct kept_file *ret_file)
{
	if (!result->wanted || result->file.fd <= 0)
		return false;
	*ret_file = (struct kept_file){ result->dir_fd, result->file.name, result->path,
					result->file.fd };
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

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		uint64_t ns = __atomic_load_n(&timer->ns[list[i].mark], __ATOMIC_RELAXED);

		if (!ns)
			ns = __atomic_load_n(&timer->ns[list[i].otherwise], __ATOMIC_RELAXED);
		json_object_set_new(object, list[i].name,
				    ns ? json_integer((json_int_t)ns) : json_null());
	}
	return object;
}

static json_t *exits(const struct vcpu_exits *n)
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

static json_t *counters(const struct device_counters *devices, unsigned n)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < n; i++) {
		const struct device_counters *c = &devices[i];
		json_t *object = json_object();

		json_object_set_new(object, "id", json_text_string(c->id));
		for (unsigned k = 0; k < c->n; k++)
			set_number(object, c->list[k].name, c->list[k].value);
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

static void add_usage(json_t *object, int fd)
{
	struct usage usage;
	json_t *time = json_object();

	usage_read(fd, &usage);
	set_number(time, "user", usage.user_ns);
	set_number(time, "system", usage.system_ns);
	json_object_set_new(object, "cpu-time", time);
	json_object_set_new(object, "peak-memory",
			    usage.peak_memory ? json_integer((json_int_t)usage.peak_memory)
					      : json_null());
}

static json_t *string_or_null(const char *text)
{
	return text ? json_text_string(text) : json_null();
}

static json_t *describe(const struct result *result, const struct vm_end *end,
			const struct boot_timer *timer)
{
	json_t *object = json_object();
	bool signal = end->outcome == OUTCOME_SIGNAL;
	bool chosen = end->outcome == OUTCOME_GUEST_STATUS || end->outcome == OUTCOME_BAD_STATUS;

	set_number(object, "version", SCHEMA);
	json_object_set_new(object, "name", string_or_null(result->vm_name));
	json_object_set_new(object, "uuid", string_or_null(result->vm_uuid));
	json_object_set_new(object, "outcome", json_string(outcome_name(end->outcome)));
	set_number(object, "status", (uint64_t)outcome_status(end->outcome, end->code));
	json_object_set_new(object, "signal", signal ? json_integer(end->code) : json_null());
	json_object_set_new(object, "guest-status", chosen ? json_integer(end->code) : json_null());
	json_object_set_new(object, "message", json_text_string(end->detail));
	json_object_set_new(object, "phases", phases(timer));
	add_usage(object, result->usage_fd > 0 ? result->usage_fd : -1);
	json_object_set_new(object, "exits", exits(&end->exits));
	json_object_set_new(object, "pmem", counters(end->pmem, end->n_pmem));
	json_object_set_new(object, "devices", counters(end->devices, end->n_devices));
	json_object_set_new(object, "console", lines(end->console));
	set_number(object, "console-dropped", end->console_dropped);
	return object;
}

static int write_object(struct result *result, const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	size_t len;
	int ret;

	if (!text)
		return -ENOMEM;
	len = strlen(text);
	text[len] = '\n'; /* in place of its NUL */
	ret = file_write_patiently(result->fd > 0 ? result->fd : result->file.fd, text, len + 1,
				   PATIENCE_MS);
	free(text);
	if (result->file.fd > 0 && ret == 0)
		ret = temporary_file_name(&result->file, result->name);
	temporary_file_fini(&result->file);
	return ret;
}

int result_write(struct result *result, const struct vm_end *end, const struct boot_timer *timer,
		 struct error *err)
{
	json_t *object;
	int ret;

	if (!result->wanted || __atomic_exchange_n(&result->written, true, __ATOMIC_ACQ_REL))
		return 0;
	object = describe(result, end, timer);
	ret = write_object(result, object);
	json_decref(object);
	if (ret == -ETIMEDOUT)
		return error_set(err, -ret,
				 "--result %s: cannot be written: nobody reads the pipe or socket",
				 result->path);
	return ret < 0 ? error_set(err, -ret, "--result %s: cannot be written: %s", result->path,
				   strerror(-ret))
		       : 0;
}

void result_fini(struct result *result)
{
	if (result->fd > 0)
		close(result->fd);
	if (result->usage_fd > 0)
		close(result->usage_fd);
	temporary_file_fini(&result->file);
	if (result->dir_fd > 0)
		close(result->dir_fd);
	*result = (struct result){ 0 };
}
