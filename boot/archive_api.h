/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few functions of libarchive that we need, as a table. libarchive brings a dozen libraries
 * with it, and loading those takes longer than the rest of a start (2 ms against 1); it is needed
 * only for a kernel never seen before. So it is opened at run time, except in a static binary,
 * which is built with MVMM_STATIC defined and calls it directly.
 */
#pragma once

#include "vmm/base/error.h"

#include <archive.h>
#include <archive_entry.h>

/* archive_NAME for each of them. */
#define ARCHIVE_API(FUNCTION)                                                                      \
	FUNCTION(read_new)                                                                         \
	FUNCTION(read_free)                                                                        \
	FUNCTION(read_support_filter_bzip2)                                                        \
	FUNCTION(read_support_filter_gzip)                                                         \
	FUNCTION(read_support_filter_lz4)                                                          \
	FUNCTION(read_support_filter_lzma)                                                         \
	FUNCTION(read_support_filter_xz)                                                           \
	FUNCTION(read_support_filter_zstd)                                                         \
	FUNCTION(read_support_format_raw)                                                          \
	FUNCTION(read_open)                                                                        \
	FUNCTION(read_next_header)                                                                 \
	FUNCTION(read_data)                                                                        \
	FUNCTION(filter_code)                                                                      \
	FUNCTION(error_string)

struct archive_api {
	void *library; /* owned; NULL in a static binary */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): it declares one. */
#define ARCHIVE_API_MEMBER(name) __typeof__(archive_##name) *name;
	ARCHIVE_API(ARCHIVE_API_MEMBER)
#undef ARCHIVE_API_MEMBER
};

/* -ENOENT with @err set where the library is not installed or not what was expected. */
int archive_api_open(struct archive_api *api, struct error *err);

void archive_api_close(struct archive_api *api);
