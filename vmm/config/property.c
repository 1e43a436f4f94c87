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

static int parse_switch(const char *text, bool qemu, bool *ret_on)
{
	static const char *const on[] = { "yes", "true", "y" }, *const off[] = { "no", "false",
										 "n" };

	for (unsigned i = 0; qemu && i < ARRAY_SIZE(on); i++) {
		if (strcmp(text, on[i]) != 0 && strcmp(text, off[i]) != 0)
			continue;
		*ret_on = strcmp(text, on[i]) == 0;
		return 0;
	}
	return keyval_switch(text, ret_on);
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

void property_set_switch(const struct property *property, void *object, bool on)
{
	*(bool *)member(property, object) = on == (property->type == PROPERTY_SWITCH);
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

static int store(const struct property *p, void *object, const char *text, bool qemu)
{
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
		ret = keyval_size(text, p->unit ? p->unit : 1, &number);
		break;
	case PROPERTY_ADDRESS:
		ret = keyval_address(text, &number);
		break;
	case PROPERTY_NUMBER:
		ret = keyval_number(text, &number);
		break;
	case PROPERTY_SWITCH:
	case PROPERTY_OFF:
		ret = parse_switch(text, qemu, &on);
		if (ret == 0)
			property_set_switch(p, object, on);
		return ret;
	case PROPERTY_ENUM:
		return store_value(p, object, text);
	case PROPERTY_TEXT:
	case PROPERTY_NAMES:
		return 0;
	}
	return ret < 0 ? ret : store_number(p, object, number);
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

int property_is_on(void *member, const char *text, struct error *why)
{
	return strcmp(text, "on") == 0 ? 0 : -EINVAL;
}

int property_is_off(void *member, const char *text, struct error *why)
{
	return strcmp(text, "off") == 0 ? 0 : -EINVAL;
}

int property_set(const struct property *property, void *object, const char *text,
		 const char *option, struct error *err)
{
	struct error why = { 0 };
	int ret = store(property, object, text, !option);

	if (ret < 0)
		ret = -EINVAL;
	else if (property->check)
		ret = property->check(member(property, object), text, &why);
	return ret < 0 ? refuse(property, text, option, -ret, &why, err) : 0;
}

int property_set_number(const struct property *property, void *object, uint64_t number,
			struct error *err)
{
	struct error why = { 0 };
	int ret = store_number(property, object, number);

	if (ret == 0 && property->check)
		ret = property->check(member(property, object), NULL, &why);
	return ret < 0 ? refuse(property, "", NULL, -ret, &why, err) : 0;
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
			ret = property_set(p, object, list[i].value, option, err);
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
