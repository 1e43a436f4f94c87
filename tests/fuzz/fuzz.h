/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share: a check that ends the run as a crash does, and a reader of the
 * input's bytes. Each fuzz_<subject>.c says in its head what it promises of any input;
 * scripts/checks/fuzz runs them.
 */
#pragma once

#include "vmm/base/array.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called by libFuzzer for each input; 0 keeps the input if it reached something new. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* @... is printf text that shows the values. */
#define fuzz_check(condition, ...)                                                                 \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: violated: %s:", __FILE__, __LINE__, #condition);   \
			fprintf(stderr, " " __VA_ARGS__);                                          \
			fprintf(stderr, "\n");                                                     \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The rest of an input; behind its end there are zeroes. */
struct fuzz_input {
	const uint8_t *bytes;
	size_t left;
};

/* The next @len (up to 8) bytes as a little-endian number. */
static inline uint64_t fuzz_input_take(struct fuzz_input *in, unsigned len)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < len && in->left; i++) {
		value |= (uint64_t)*in->bytes++ << 8 * i;
		in->left--;
	}
	return value;
}

static inline uint8_t fuzz_input_u8(struct fuzz_input *in)
{
	return (uint8_t)fuzz_input_take(in, 1);
}

static inline uint16_t fuzz_input_u16(struct fuzz_input *in)
{
	return (uint16_t)fuzz_input_take(in, 2);
}

static inline uint32_t fuzz_input_u32(struct fuzz_input *in)
{
	return (uint32_t)fuzz_input_take(in, 4);
}
