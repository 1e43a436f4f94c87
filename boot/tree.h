/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a flattened device tree front to back, by libfdt. The first error is kept, and makes
 * everything after it do nothing. So callers need not check each step.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct tree {
	void *fdt;
	int error; /* the first of libfdt's, or 0 */
};

/* Begins a tree in @buf, of @cap bytes; ends it, after its nodes. */
void tree_init(struct tree *t, void *buf, size_t cap);
void tree_finish(struct tree *t);

/* A node, named by printf text, and its end. */
void tree_begin(struct tree *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tree_end(struct tree *t);

/* Properties: a string, an empty one, a 32-bit number, @count of them, 8 at most. */
void tree_text(struct tree *t, const char *name, const char *value);
void tree_flag(struct tree *t, const char *name);
void tree_cell(struct tree *t, const char *name, uint32_t value);
void tree_cells(struct tree *t, const char *name, const uint32_t *values, size_t count);

/* "reg" of a node under the root, which has two cells each for address and size. */
void tree_reg(struct tree *t, uint64_t addr, uint64_t size);
