// SPDX-License-Identifier: Apache-2.0
/* Fills structures by tables of their keys. Start reading at property_fill. */
#include "vmm/config/property.h"

#include "vmm/base/array.h"
#include "vmm/base/closest_word.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

const struct property *property_find(const struct property *properties, const char *name)
{
	for (const struct property *p = properties; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

bool property_is_name(const struct property *property)
{
	return property->type == PROPERTY_NAME || property->type == PROPERTY_NAMES;
}

static void *member(const struct property *p, void *object)
{
	return (char *)object + p->at;
}

/* In QEMU a name begins with a letter. */
static int set_id(char *to, const char *text, bool qemu)
{
	size_t len = strlen(text);

	if (!len || len > PROPERTY_ID_MAX || (qemu && !isalpha((unsigned char)*text)))
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return -EINVAL;
	memcpy(to, text, len + 1);
	return 0;
}

bool property_is_id(const char *text)
{
	char id[PROPERTY_ID_MAX + 1];

	return set_id(id, text, false) == 0;
}

static int read_switch(const struct keyval *kv, bool qemu, bool *ret_on)
{
	static const char *const words[] = { "on", "off", "yes", "no", "true", "false", "y", "n" };
	unsigned n = qemu ? ARRAY_SIZE(words) : 2, i = 0;

	if (kv->type == KEYVAL_SWITCH) {
		*ret_on = kv->number;
		return 0;
	}
	while (i < n && strcmp(words[i], kv->value) != 0)
		i++;
	*ret_on = i % 2 == 0;
	return i < n ? 0 : -EINVAL;
}

static int read_number(const struct property *p, const struct keyval *kv, uint64_t *ret_number)
{
	uint64_t unit = p->unit ? p->unit : 1;
	int ret;

	if (kv->type == KEYVAL_TEXT && p->type == PROPERTY_SIZE)
		return keyval_size(kv->value, unit, ret_number);
	if (kv->type == KEYVAL_TEXT && p->type == PROPERTY_ADDRESS)
		return keyval_address(kv->value, ret_number);
	ret = keyval_read_number(kv, ret_number);
	return ret == 0 && __builtin_mul_overflow(*ret_number, unit, ret_number) ? -ERANGE : ret;
}

static int store_number(const struct property *p, void *object, uint64_t number)
{
	if (number < p->min || (p->max && number > p->max) ||
	    (p->multiple_of && number % p->multiple_of))
		return -EINVAL;
	if (p->type != PROPERTY_NUMBER)
		*(uint64_t *)member(p, object) = number;
	else if (number <= UINT_MAX)
		*(unsigned *)member(p, object) = (unsigned)number;
	else
		return -EINVAL;
	return 0;
}

static int store_value(const struct property *p, void *object, const char *text)
{
	for (unsigned i = 0; p->values[i]; i++) {
		if (strcmp(p->values[i], text) != 0)
			continue;
		*(unsigned *)member(p, object) = i;
		return 0;
	}
	return -EINVAL;
}

static int store(const struct property *p, void *object, const struct keyval *kv, bool qemu)
{
	const char *text = kv->value;
	uint64_t number = 0;
	bool on = false;
	int ret = 0;

	switch (p->type) {
	case PROPERTY_NAME:
		memcpy(member(p, object), &text, sizeof(text));
		return 0;
	case PROPERTY_ID:
		return set_id(member(p, object), text, qemu);
	case PROPERTY_SIZE:
	case PROPERTY_ADDRESS:
	case PROPERTY_NUMBER:
		ret = read_number(p, kv, &number);
		return ret < 0 ? ret : store_number(p, object, number);
	case PROPERTY_SWITCH:
	case PROPERTY_OFF:
		ret = read_switch(kv, qemu, &on);
		if (ret == 0)
			*(bool *)member(p, object) = on == (p->type == PROPERTY_SWITCH);
		return ret;
	case PROPERTY_ENUM:
		return store_value(p, object, text);
	case PROPERTY_TEXT:
	case PROPERTY_NAMES:
		break;
	}
	return 0;
}

/* @why is the reason of the property's check, if it gave one. */
static int refuse(const struct property *p, const char *text, const char *option, int code,
		  const struct error *why, struct error *err)
{
	bool bare = p->bare;

	if (option)
		return error_set(err, code, "%s %s%s%s: %s", option, bare ? "" : p->name,
				 bare ? "" : "=", text, why->text[0] ? why->text : p->wants);
	if (why->text[0])
		return error_set(err, code, "%s", why->text);
	return error_set(err, code, "Parameter '%s' expects %s", p->name, p->wants);
}

int property_is_on(void *member, const struct keyval *given, struct error *why)
{
	return strcmp(given->value, "on") == 0 ? 0 : -EINVAL;
}

int property_is_off(void *member, const struct keyval *given, struct error *why)
{
	return strcmp(given->value, "off") == 0 ? 0 : -EINVAL;
}

int property_set(const struct property *property, void *object, const struct keyval *given,
		 const char *option, struct error *err)
{
	struct error why = { 0 };
	int ret = store(property, object, given, !option);

	if (ret < 0)
		ret = -EINVAL;
	else if (property->check)
		ret = property->check(member(property, object), given, &why);
	return ret < 0 ? refuse(property, given->value, option, -ret, &why, err) : 0;
}

int property_refuse_unknown(const struct property *properties, const struct keyval *kv,
			    const char *option, const char *hint, struct error *err)
{
	struct closest_word closest = { .typed = kv->key };
	const struct property *p;

	for (p = properties; p->name; p++)
		closest_word_try(&closest, p->name);
	if (closest.word)
		return error_set(err, EINVAL, "%s %s=%s: unknown key; did you mean %s? There %s",
				 option, kv->key, kv->value, closest.word, p->wants);
	return error_set(err, EINVAL, "%s %s=%s: unknown key; there %s%s", option, kv->key,
			 kv->value, p->wants, hint);
}

int property_fill(const struct property *properties, void *object, const struct keyval *list,
		  unsigned n, const char *option, struct error *err)
{
	const struct property *p;

	for (unsigned i = 0; i < n; i++) {
		int ret;

		p = property_find(properties, list[i].key);
		if (p) {
			ret = property_set(p, object, &list[i], option, err);
			if (ret < 0)
				return ret;
			continue;
		}
		if (option)
			return property_refuse_unknown(properties, &list[i], option, "", err);
		return error_set(err, EINVAL, "Parameter '%s' is unexpected", list[i].key);
	}
	for (p = properties; p->name; p++)
		if (p->required && !option && !keyval_find(list, n, p->name))
			return error_set(err, EINVAL, "Parameter '%s' is missing", p->name);
	return 0;
}
