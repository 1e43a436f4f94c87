// SPDX-License-Identifier: Apache-2.0
/* Parses option values. */
#include "vmm/base/keyval.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Cuts the first item off *@rest and turns ",," in it into ",". *@rest is what follows, or NULL. */
static char *cut_item(char **rest)
{
	char *item = *rest, *in = item, *out = item;

	while (*in && !(in[0] == ',' && in[1] != ',')) {
		if (*in == ',')
			in++;
		*out++ = *in++;
	}
	*rest = *in ? in + 1 : NULL;
	*out = '\0';
	return item;
}

const char *keyval_find(const struct keyval *list, unsigned n, const char *key)
{
	while (n-- > 0)
		if (strcmp(list[n].key, key) == 0)
			return list[n].value;
	return NULL;
}

int keyval_add(const struct keyval *kv, bool again, const char *option, struct keyval *list,
	       unsigned n, unsigned max, struct error *err)
{
	if (!kv->value || !kv->key[0] || !kv->value[0])
		return error_set(err, EINVAL, "%s: '%s' has no value; say key=value", option,
				 kv->key);
	if (!again && keyval_find(list, n, kv->key))
		return error_set(err, EINVAL, "%s: %s=%s: the key is given twice", option, kv->key,
				 kv->value);
	if (n == max)
		return error_set(err, EINVAL, "%s: %s=%s: too many keys", option, kv->key,
				 kv->value);
	list[n] = *kv;
	return (int)n + 1;
}

int keyval_parse(char *text, enum keyval_rules rules, const char *option, const char *implied_key,
		 struct keyval *list, unsigned max, struct error *err)
{
	int n = 0;

	while (text && n >= 0) {
		char *item = cut_item(&text);
		char *equals = strchr(item, '=');
		struct keyval kv = { .key = item, .value = equals ? equals + 1 : NULL };

		if (equals) {
			*equals = '\0';
		} else if (n == 0 && implied_key) {
			kv = (struct keyval){ .key = implied_key, .value = item };
		} else if (rules == KEYVAL_QEMU) {
			kv.value = "on";
		}
		n = keyval_add(&kv, rules == KEYVAL_QEMU, option, list, (unsigned)n, max, err);
	}
	return n;
}

/* Parses the digits at *@text, and moves *@text behind them. */
static int parse_digits(const char **text, uint64_t *ret_number)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	*ret_number = strtoull(*text, &end, 10);
	*text = end;
	return errno ? -ERANGE : 0;
}

int keyval_size(const char *text, uint64_t unit, uint64_t *ret_size)
{
	static const char suffixes[] = "KMGT";
	uint64_t number;
	int ret = parse_digits(&text, &number);

	if (ret < 0)
		return ret;
	if (*text) {
		const char *suffix = strchr(suffixes, toupper((unsigned char)*text));

		if (!suffix || text[1])
			return -EINVAL;
		unit = 1ULL << (10 * (suffix - suffixes + 1));
	}
	if (__builtin_mul_overflow(number, unit, &number))
		return -ERANGE;
	*ret_size = number;
	return 0;
}

int keyval_number(const char *text, uint64_t *ret_number)
{
	uint64_t number;
	int ret = parse_digits(&text, &number);

	if (ret < 0)
		return ret;
	if (*text)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

int keyval_read_number(const struct keyval *kv, uint64_t *ret_number)
{
	if (kv->type != KEYVAL_NUMBER)
		return keyval_number(kv->value, ret_number);
	if (kv->number < 0)
		return -EINVAL;
	*ret_number = (uint64_t)kv->number;
	return 0;
}

int keyval_address(const char *text, uint64_t *ret_address)
{
	uint64_t number;
	char *end;

	if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
		return keyval_size(text, 1, ret_address);
	if (!isxdigit((unsigned char)text[2]))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 16);
	if (*end)
		return -EINVAL;
	if (errno)
		return -ERANGE;
	*ret_address = number;
	return 0;
}

int keyval_switch(const char *text, bool *ret_on)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return -EINVAL;
	*ret_on = strcmp(text, "on") == 0;
	return 0;
}
