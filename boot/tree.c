// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/boot/test_devicetree.c.
/* Calls libfdt, and keeps its first error. */
#include "boot/tree.h"

#include <libfdt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

static void keep_error(struct tree *t, int r)
{
	if (!t->error)
		t->error = r;
}

void tree_init(struct tree *t, void *buf, size_t cap)
{
	*t = (struct tree){ .fdt = buf };
	keep_error(t, fdt_create(buf, cap < INT_MAX ? (int)cap : INT_MAX));
	keep_error(t, t->error ? 0 : fdt_finish_reservemap(buf));
}

void tree_finish(struct tree *t)
{
	keep_error(t, t->error ? 0 : fdt_finish(t->fdt));
}

void tree_begin(struct tree *t, const char *fmt, ...)
{
	char name[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	keep_error(t, t->error ? 0 : fdt_begin_node(t->fdt, name));
}

void tree_end(struct tree *t)
{
	keep_error(t, t->error ? 0 : fdt_end_node(t->fdt));
}

void tree_text(struct tree *t, const char *name, const char *value)
{
	keep_error(t, t->error ? 0 : fdt_property_string(t->fdt, name, value));
}

void tree_flag(struct tree *t, const char *name)
{
	keep_error(t, t->error ? 0 : fdt_property(t->fdt, name, NULL, 0));
}

void tree_cell(struct tree *t, const char *name, uint32_t value)
{
	keep_error(t, t->error ? 0 : fdt_property_u32(t->fdt, name, value));
}

void tree_cells(struct tree *t, const char *name, const uint32_t *values, size_t count)
{
	fdt32_t be[8];

	for (size_t i = 0; i < count; i++)
		be[i] = cpu_to_fdt32(values[i]);
	keep_error(t, t->error ? 0 : fdt_property(t->fdt, name, be, (int)(count * sizeof(be[0]))));
}

void tree_reg(struct tree *t, uint64_t addr, uint64_t size)
{
	uint32_t v[] = { (uint32_t)(addr >> 32), (uint32_t)addr, (uint32_t)(size >> 32),
			 (uint32_t)size };

	tree_cells(t, "reg", v, 4);
}
