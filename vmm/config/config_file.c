// SPDX-License-Identifier: Apache-2.0
/* Makes options of a JSON object. Start reading at config_file_apply, at the end. */
#include "vmm/config/config_file.h"

#include "vmm/base/file_argument.h"
#include "vmm/base/json_text.h"
#include "vmm/config/config_options.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_LIMIT (1 << 20)
/* How long to wait for the writer of a pipe. */
#define PATIENCE_MS 5000
#define NAME_LIMIT 32

struct file {
	const char *where; /* for messages */
	char *text;	   /* owned, with a NUL behind it */
	size_t len;
	json_t *root; /* owned */
};

static int open_it(const char *where, struct error *err)
{
	int fd;

	if (file_argument_is_fd(where))
		return file_argument_take("--config", where, O_RDONLY, err);
	/* O_NONBLOCK: the open itself does not wait for a FIFO's writer; read_some does. */
	fd = open(where, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? error_set(err, errno, "--config %s: cannot open: %s", where,
				  strerror(errno))
		      : fd;
}

/* Reads a file from its beginning, whatever its offset, or the rest of a pipe. */
static ssize_t read_some(int fd, struct file *file)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	char *to = file->text + file->len;
	size_t room = SIZE_LIMIT + 1 - file->len;
	ssize_t n;

	if (poll(&readable, 1, PATIENCE_MS) == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	n = pread(fd, to, room, (off_t)file->len);
	return n < 0 && errno == ESPIPE ? read(fd, to, room) : n;
}

static int read_all(int fd, struct file *file, struct error *err)
{
	ssize_t n;

	file->text = malloc(SIZE_LIMIT + 2);
	if (!file->text)
		return error_set(err, ENOMEM, "--config %s: out of memory", file->where);
	do {
		n = read_some(fd, file);
		file->len += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && file->len <= SIZE_LIMIT) ||
		 (n < 0 && (errno == EINTR || errno == EAGAIN)));
	if (n < 0 && errno == ETIMEDOUT)
		return error_set(err, ETIMEDOUT,
				 "--config %s: cannot read: nobody has written to it for %d s",
				 file->where, PATIENCE_MS / 1000);
	if (n < 0)
		return error_set(err, errno, "--config %s: cannot read: %s", file->where,
				 strerror(errno));
	if (file->len > SIZE_LIMIT)
		return error_set(err, EFBIG, "--config %s: is larger than %d KiB", file->where,
				 SIZE_LIMIT >> 10);
	file->text[file->len] = '\0';
	return 0;
}

static int load(struct file *file, struct error *err)
{
	json_error_t why;
	int fd = open_it(file->where, err), ret;

	if (fd < 0)
		return fd;
	ret = read_all(fd, file, err);
	close(fd);
	if (ret < 0)
		return ret;
	/* A byte order mark is no JSON (RFC 8259, section 8.1), and messages would not show it. */
	if (file->len >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0)
		return error_set(err, EINVAL,
				 "--config %s, line 1: begins with a byte order mark; save it as "
				 "UTF-8 without one",
				 file->where);
	json_text_init();
	file->root = json_loadb(file->text, file->len, JSON_REJECT_DUPLICATES, &why);
	if (!file->root)
		return error_set(err, EINVAL, "--config %s, line %d: %s", file->where, why.line,
				 why.text);
	if (!json_is_object(file->root))
		return error_set(err, EINVAL,
				 "--config %s: must be one JSON object, {\"kernel\": ...}",
				 file->where);
	return 0;
}

/* The length of the string at @at, which is behind the opening quote, up to the closing one. */
static size_t string_length(const char *at)
{
	size_t len = 0;

	while (at[len] && at[len] != '"')
		len += at[len] == '\\' && at[len + 1] ? 2 : 1;
	return len;
}

/* The line of the member @name in a text that jansson has parsed; 1 if the text spells it with
 * escapes. */
static unsigned find_line(const char *text, const char *name)
{
	unsigned line = 1, depth = 0;
	bool is_name = true;

	for (; *text; text++) {
		size_t len;

		line += *text == '\n';
		depth += *text == '{' || *text == '[';
		depth -= *text == '}' || *text == ']';
		if (*text == ',' || *text == ':')
			is_name = *text == ',';
		if (*text != '"')
			continue;
		len = string_length(++text);
		if (depth == 1 && is_name && strlen(name) == len && memcmp(text, name, len) == 0)
			return line;
		text += len;
	}
	return 1;
}

static int unknown(const char *name, struct error *why)
{
	const char *closest = config_option_closest(name);

	if (!closest)
		return error_set(why, EINVAL, "'%s': unknown option; mvmm --help lists them", name);
	return error_set(why, EINVAL, "'%s': unknown option; did you mean '%s'?", name, closest);
}

static int refuse_type(const json_t *value, bool is_name, const char *name, struct error *why)
{
	long long n = json_integer_value(value);

	if (is_name && json_is_integer(value))
		return error_set(why, EINVAL,
				 "%s: must be a string; did you mean \"fd:%lld\" or \"%lld\"?",
				 name, n, n);
	return error_set(why, EINVAL, "%s: must be a string%s%s", name,
			 is_name ? "" : ", a whole number, true or false",
			 json_is_null(value) ? "; leave it out where there is none" : "");
}

/* A value whose text lives as long as @config. */
static int read_scalar(struct config *config, const json_t *value, bool is_name, const char *name,
		       struct keyval *ret_kv, struct error *why)
{
	char digits[JSON_TEXT_DIGITS];

	if (!json_text_keyval(name, value, digits, ret_kv) ||
	    (is_name && ret_kv->type != KEYVAL_TEXT))
		return refuse_type(value, is_name, name, why);
	ret_kv->value = config_keep(config, ret_kv->value);
	return ret_kv->value ? 0 : error_set(why, ENOMEM, "%s: out of memory", name);
}

static int add_key(struct config *config, const struct config_option *option, const char *key,
		   const json_t *value, struct config_keys *keys, struct error *why)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	const struct property *property = property_find(option->properties, key);
	bool is_name = property && property_is_name(property);
	struct error reason = { 0 };
	struct keyval kv;
	int n;

	if (!*key || key[strspn(key, letters)])
		return error_set(why, EINVAL,
				 "%s: '%s': is not a key; a key has letters, digits and '-'",
				 option->name, key);
	if (read_scalar(config, value, is_name, key, &kv, &reason) < 0)
		return error_set(why, EINVAL, "%s: %s", option->name, reason.text);
	n = keyval_add(&kv, option->how & QEMU_RULES, keys->option, keys->list, keys->n,
		       option->max_keys, why);
	keys->n = n < 0 ? keys->n : (unsigned)n;
	return n;
}

/* A list of values gives a key several times. */
static int apply_keys(struct config *config, const struct config_option *option, json_t *object,
		      struct error *why)
{
	char name[NAME_LIMIT + 3], *given;
	struct config_keys keys = { .option = name };
	const char *key;
	json_t *value;
	int ret = 0;

	snprintf(name, sizeof(name), "--%s", option->name);
	json_object_foreach(object, key, value)
	{
		if (!json_is_array(value))
			ret = add_key(config, option, key, value, &keys, why);
		for (size_t i = 0; i < json_array_size(value) && ret >= 0; i++)
			ret = add_key(config, option, key, json_array_get(value, i), &keys, why);
		if (ret < 0)
			return ret;
	}
	if (!keys.n)
		return error_set(why, EINVAL, "%s: has no keys with values", option->name);
	given = json_dumps(object, JSON_COMPACT);
	keys.given = given ? config_keep(config, given) : NULL;
	free(given);
	if (!keys.given)
		return error_set(why, ENOMEM, "%s: out of memory", option->name);
	ret = config_option_check(option, config, keys.given, why);
	return ret < 0 ? ret : option->set_keys(config, &keys, why);
}

static int apply_one(struct config *config, const struct config_option *option, json_t *value,
		     struct error *why)
{
	struct keyval kv;
	int ret;

	if (json_is_object(value) && option->set_keys)
		return apply_keys(config, option, value, why);
	if (json_is_object(value))
		return error_set(
			why, EINVAL,
			"%s: cannot be an object, because the option has no keys; give a string",
			option->name);
	ret = read_scalar(config, value, option->how & NAME, option->name, &kv, why);
	return ret < 0 ? ret : config_option_set(option, config, &kv, why);
}

static int apply_list(struct config *config, const struct config_option *option, json_t *list,
		      struct error *why)
{
	int ret = 0;

	if (!(option->how & REPEATABLE))
		return error_set(why, EINVAL, "%s: is allowed once; give one value, no list",
				 option->name);
	for (size_t i = 0; i < json_array_size(list) && ret == 0; i++)
		ret = apply_one(config, option, json_array_get(list, i), why);
	return ret;
}

static int apply_option(struct config *config, const struct config_option *option, json_t *value,
			struct error *why)
{
	if (json_is_array(value))
		return apply_list(config, option, value, why);
	if (option->arg)
		return apply_one(config, option, value, why);
	if (!json_is_boolean(value))
		return error_set(why, EINVAL, "%s: must be true or false", option->name);
	return json_is_true(value) ? config_option_set(option, config, &(struct keyval){ 0 }, why)
				   : 0;
}

static int apply_member(struct config *config, const char *name, json_t *value, uint64_t given,
			struct error *why)
{
	if (strcmp(name, "restore") == 0)
		return error_set(why, EINVAL,
				 "restore: give it on the command line, as --restore DIR");
	if (strcmp(name, "config") == 0)
		return error_set(
			why, EINVAL,
			"config: a configuration file cannot name another configuration file");
	for (unsigned i = 0; i < config_n_options; i++) {
		const struct config_option *option = &config_options[i];

		if (strcmp(name, option->name) != 0)
			continue;
		return !(option->how & REPEATABLE) && given & 1ull << i
			       ? 0
			       : apply_option(config, option, value, why);
	}
	return unknown(name, why);
}

static int apply(struct config *config, const struct file *file, uint64_t given, struct error *err)
{
	struct error why = { 0 };
	const char *name;
	json_t *value;
	int ret = 0;

	json_object_foreach(file->root, name, value)
	{
		ret = apply_member(config, name, value, given, &why);
		if (ret < 0)
			return error_set(err, -ret, "--config %s, line %u: %s", file->where,
					 find_line(file->text, name), why.text);
	}
	return ret;
}

/*
 * If something is wrong, applies the members that say how errors are reported. A name may be there
 * twice.
 */
static void apply_reports(struct config *config, struct file *file, uint64_t given)
{
	json_error_t why;

	if (!file->root && file->text)
		file->root = json_loadb(file->text, file->len, 0, &why);
	for (unsigned i = 0; i < config_n_options; i++) {
		const char *name = config_options[i].name;
		json_t *value = json_object_get(file->root, name);

		if (config_options[i].how & REPORTS && json_is_string(value))
			apply_member(config, name, value, given, &(struct error){ 0 });
	}
}

int config_file_apply(struct config *config, const char *where, uint64_t given, struct error *err)
{
	struct file file = { .where = where };
	int ret = load(&file, err);

	if (ret == 0)
		ret = apply(config, &file, given, err);
	if (ret < 0)
		apply_reports(config, &file, given);
	json_decref(file.root);
	free(file.text);
	return ret;
}

void config_file_fini(struct config *config)
{
	while (config->texts) {
		struct config_text *text = config->texts;

		config->texts = text->next;
		free(text);
	}
}
