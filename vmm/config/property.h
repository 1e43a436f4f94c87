/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of keys: each says what the keys of a disk, a network card and the like are called, which
 * values they take, and which member of a structure they set. The command line, --config and QMP
 * use the same table, with text or with a typed value.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/base/keyval.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROPERTY_ID_MAX 31

/* Each with the type of the member at @at. */
enum property_type {
	PROPERTY_NAME,	  /* const char *, borrowed: a file or the like; in JSON a string */
	PROPERTY_ID,	  /* char[PROPERTY_ID_MAX + 1] */
	PROPERTY_SIZE,	  /* uint64_t; a number without a suffix is in @unit bytes, or in bytes */
	PROPERTY_ADDRESS, /* uint64_t */
	PROPERTY_NUMBER,  /* unsigned; or int, if @max says so */
	PROPERTY_SWITCH,  /* bool */
	PROPERTY_OFF,	  /* bool: true if the switch is off */
	PROPERTY_ENUM,	  /* an enumeration: the index in @values */
	PROPERTY_TEXT,	  /* no member: @check takes what is given */
	PROPERTY_NAMES,	  /* likewise; in JSON it must be a string */
};

struct property {
	const char *name;
	enum property_type type;
	size_t at;
	/* What a message says of a bad value: "must be a size"; QEMU's messages say "expects"
	 * instead. */
	const char *wants;
	uint64_t min, max; /* of a size or number; @max 0: no limit */
	uint64_t unit;
	uint64_t multiple_of;
	const char *const *values; /* up to NULL */
	/* Checks the member, which is set by now, or takes @given. Negative: refused, with the
	 * reason in @why; if that is empty, the message has @wants. May be NULL. */
	int (*check)(void *member, const struct keyval *given, struct error *why);
	bool required;
	bool repeatable;
	bool alias; /* QEMU's word for another key; the JSON schema leaves it out */
	bool bare;  /* messages show the value without its key */
};

/* Ends a table. A message about an unknown key has @text, or QEMU's words if it is NULL. */
#define PROPERTY_END(text)                                                                         \
	{                                                                                          \
		.wants = (text)                                                                    \
	}

/* QEMU's spelling of a Unix socket's kind, accepted where it means what mvmm does anyway. */
#define PROPERTY_SERVER                                                                            \
	{                                                                                          \
		"server", PROPERTY_TEXT, .wants = "must be server=on", .check = property_is_on     \
	}
#define PROPERTY_WAIT                                                                              \
	{                                                                                          \
		"wait", PROPERTY_TEXT, .wants = "must be wait=off", .check = property_is_off       \
	}

/* Checks for PROPERTY_TEXT: -EINVAL for any other text than "on", or "off". */
int property_is_on(void *member, const struct keyval *given, struct error *why);
int property_is_off(void *member, const struct keyval *given, struct error *why);

/* Whether @text can be the value of a PROPERTY_ID. */
bool property_is_id(const char *text);

/* The row of @name, or NULL. */
const struct property *property_find(const struct property *properties, const char *name);

/* Whether it must be a string in JSON: a number 3 is unlikely to mean a file called 3. */
bool property_is_name(const struct property *property);

/*
 * Sets one member from a text or a typed value; a number is in the unit of a text without a suffix.
 * -errno with @err set. Messages begin with @option, such as "--pmem". If @option is NULL, messages
 * and spellings of switches are QEMU's.
 */
int property_set(const struct property *property, void *object, const struct keyval *given,
		 const char *option, struct error *err);

/* Says that there is no such key, which one is meant perhaps, and otherwise @hint. -EINVAL. */
int property_refuse_unknown(const struct property *properties, const struct keyval *kv,
			    const char *option, const char *hint, struct error *err);

/* Sets a member for each item of @list, in its order, and checks that required ones are given. */
int property_fill(const struct property *properties, void *object, const struct keyval *list,
		  unsigned n, const char *option, struct error *err);
