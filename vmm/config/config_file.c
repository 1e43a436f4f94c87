// SPDX-License-Identifier: Apache-2.0
/* Makes options of a JSON object. Start reading at config_file_apply, at the end. */
#include "vmm/config/config_file.h"

#include "vmm/base/buffer.h"
#include "vmm/base/file_argument.h"
#include "vmm/config/config_options.h"
#include "vmm/control/qmp_json.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_LIMIT (1 << 20)
#define NAME_LIMIT 32

/* A value as text, which options point into. */
struct config_text {
	struct config_text *next;
	char text[];
};

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
	fd = open(where, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? error_set(err, errno, "--config %s: cannot open: %s", where,
				  strerror(errno))
		      : fd;
}

/* From its beginning, wherever it stands, or what is left in a pipe. */
static ssize_t read_some(int fd, struct file *file)
{
	char *to = file->text + file->len;
	size_t room = SIZE_LIMIT + 1 - file->len;
	ssize_t n = pread(fd, to, room, (off_t)file->len);

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
	} while ((n > 0 && file->len <= SIZE_LIMIT) || (n < 0 && errno == EINTR));
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
	/* It is UTF-8, but no JSON (RFC 8259, section 8.1), and nobody sees it in a message. */
	if (file->len >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0)
		return error_set(err, EINVAL,
				 "--config %s, line 1: begins with a byte order mark; save it as "
				 "UTF-8 without one",
				 file->where);
	qmp_json_init();
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

/* The string that begins at @at, up to its closing quote; @at is behind the opening one. */
static size_t string_length(const char *at)
{
	size_t len = 0;

	while (at[len] && at[len] != '"')
		len += at[len] == '\\' && at[len + 1] ? 2 : 1;
	return len;
}

/* The line of the member @name in a text that jansson has parsed; 1 for one that is spelled with
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

/* How many letters have to be changed, added or left out to make one of the other. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_LIMIT + 1];
	size_t width = strlen(b);

	if (strlen(a) > NAME_LIMIT || width > NAME_LIMIT)
		return UINT_MAX;
	for (unsigned i = 0; i <= width; i++)
		row[i] = i;
	for (unsigned k = 0; a[k]; k++) {
		unsigned diagonal = row[0]++;

		for (unsigned i = 0; i < width; i++) {
			unsigned best = diagonal + (a[k] != b[i]);

			diagonal = row[i + 1];
			if (best > row[i] + 1)
				best = row[i] + 1;
			if (best > diagonal + 1)
				best = diagonal + 1;
			row[i + 1] = best;
		}
	}
	return row[width];
}

static int unknown(const char *name, struct error *why)
{
	const char *closest = NULL;
	unsigned least = 3;

	for (unsigned i = 0; i < config_n_options; i++) {
		unsigned n = distance(name, config_options[i].name);

		if (n < least && n < strlen(name)) {
			least = n;
			closest = config_options[i].name;
		}
	}
	if (!closest)
		return error_set(why, EINVAL, "'%s': unknown option; mvmm --help lists them", name);
	return error_set(why, EINVAL, "'%s': unknown option; is '%s' meant?", name, closest);
}

static int add_string(struct buffer *text, const char *value, bool in_list)
{
	int ret = 0;

	for (; *value && ret == 0; value++)
		ret = buffer_printf(text, "%s%c", in_list && *value == ',' ? "," : "", *value);
	return ret;
}

/* Keys whose values are names: a file called 3 is hardly meant where 3 is. */
static bool is_name_key(const char *key)
{
	static const char *const names[] = { "file", "mem-path", "path", "tap", "allow" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

static int refuse_type(const json_t *value, bool is_name, const char *name, struct error *why)
{
	long long n = json_integer_value(value);

	if (is_name && json_is_integer(value))
		return error_set(why, EINVAL,
				 "%s: must be a string; is \"fd:%lld\" meant, or \"%lld\"?", name,
				 n, n);
	return error_set(why, EINVAL, "%s: must be a string%s%s", name,
			 is_name ? "" : ", a whole number, true or false",
			 json_is_null(value) ? "; leave it out where there is none" : "");
}

/* Within a list of keys a comma is written twice. */
static int add_scalar(struct buffer *text, const json_t *value, bool in_list, bool is_name,
		      const char *name, struct error *why)
{
	if (json_is_string(value))
		return add_string(text, json_string_value(value), in_list);
	if (json_is_integer(value) && !is_name)
		return buffer_printf(text, "%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value) && !is_name)
		return buffer_printf(text, "%s", json_is_true(value) ? "on" : "off");
	return refuse_type(value, is_name, name, why);
}

static int add_pair(struct buffer *text, const char *key, const json_t *value, struct error *why)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	int ret;

	if (!*key || key[strspn(key, letters)])
		return error_set(why, EINVAL, "'%s': is no key: those are letters, digits and '-'",
				 key);
	ret = buffer_printf(text, "%s%s=", text->len ? "," : "", key);
	return ret < 0 ? ret : add_scalar(text, value, true, is_name_key(key), key, why);
}

/* A key with a list of values is given once for each. */
static int add_pairs(struct buffer *text, const json_t *object, struct error *why)
{
	const char *key;
	json_t *value;
	int ret = 0;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (!json_is_array(value))
			ret = add_pair(text, key, value, why);
		for (size_t i = 0; i < json_array_size(value) && ret == 0; i++)
			ret = add_pair(text, key, json_array_get(value, i), why);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* A copy that lives as long as @config; NULL without memory. */
static const char *keep(struct config *config, const char *text)
{
	size_t size = strlen(text) + 1;
	struct config_text *copy = malloc(sizeof(*copy) + size);

	if (!copy)
		return NULL;
	memcpy(copy->text, text, size);
	copy->next = config->texts;
	config->texts = copy;
	return copy->text;
}

static int apply_text(struct config *config, const struct config_option *option,
		      const json_t *value, struct error *why)
{
	struct buffer text = { 0 };
	struct error key_error;
	const char *kept = NULL;
	int ret;

	if (json_is_object(value) && !(option->how & KEYED))
		return error_set(why, EINVAL, "%s: has no keys; give a string", option->name);
	if (json_is_object(value)) {
		ret = add_pairs(&text, value, &key_error);
		if (ret == 0 && !text.len)
			ret = error_set(&key_error, EINVAL, "has no keys with values");
		if (ret == -EINVAL)
			error_set(why, EINVAL, "%s: %s", option->name, key_error.text);
	} else {
		ret = add_scalar(&text, value, false, option->how & NAME, option->name, why);
	}
	if (ret == 0)
		kept = keep(config, buffer_text(&text));
	buffer_fini(&text);
	if (ret == -ENOMEM || (ret == 0 && !kept))
		return error_set(why, ENOMEM, "%s: out of memory", option->name);
	return ret < 0 ? ret : config_option_set(option, config, kept, why);
}

static int apply_list(struct config *config, const struct config_option *option, const json_t *list,
		      struct error *why)
{
	int ret = 0;

	if (!(option->how & REPEATABLE))
		return error_set(why, EINVAL, "%s: is allowed once; give one value, no list",
				 option->name);
	for (size_t i = 0; i < json_array_size(list) && ret == 0; i++)
		ret = apply_text(config, option, json_array_get(list, i), why);
	return ret;
}

static int apply_option(struct config *config, const struct config_option *option,
			const json_t *value, struct error *why)
{
	if (json_is_array(value))
		return apply_list(config, option, value, why);
	if (option->arg)
		return apply_text(config, option, value, why);
	if (!json_is_boolean(value))
		return error_set(why, EINVAL, "%s: must be true or false", option->name);
	return json_is_true(value) ? config_option_set(option, config, NULL, why) : 0;
}

static int apply_member(struct config *config, const char *name, const json_t *value,
			uint64_t given, struct error *why)
{
	if (strcmp(name, "config") == 0)
		return error_set(why, EINVAL, "config: a file cannot name another one");
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

/* Where the error is to be told that there was before, be it a name that is there twice. */
static void find_result(struct config *config, struct file *file, uint64_t given)
{
	json_error_t why;
	const json_t *value;

	if (!file->root && file->text)
		file->root = json_loadb(file->text, file->len, 0, &why);
	value = json_object_get(file->root, "result");

	if (!config->result && json_is_string(value))
		apply_member(config, "result", value, given, &(struct error){ 0 });
}

int config_file_apply(struct config *config, const char *where, uint64_t given, struct error *err)
{
	struct file file = { .where = where };
	int ret = load(&file, err);

	if (ret == 0)
		ret = apply(config, &file, given, err);
	if (ret < 0)
		find_result(config, &file, given);
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
