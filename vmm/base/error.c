// SPDX-License-Identifier: Apache-2.0
/* Formats an error for a person; error.h says who prints it. */
#include "vmm/base/error.h"

#undef error_set
#undef error_system

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (err) {
		va_start(args, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, args);
		va_end(args);
	}
	return -code;
}

int error_system(struct error *err, int code, const char *fmt, ...)
{
	va_list args;
	size_t len;

	if (err) {
		va_start(args, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, args);
		va_end(args);
		len = strlen(err->text);
		snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(code));
	}
	return -code;
}

int error_blame_option(struct error *err, int ret)
{
	if (err && ret < 0)
		err->usage = ret != -ENOMEM && ret != -EMFILE && ret != -ENFILE;
	return ret;
}
