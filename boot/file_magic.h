/* SPDX-License-Identifier: Apache-2.0 */
/* Names files that are given in place of a kernel or a raw image, by how they begin. */
#pragma once

#include <stddef.h>

#define FILE_MAGIC_BYTES 8

/*
 * What a file is that begins with @head, and the way out: "compressed by xz; unpack it with unxz".
 * NULL if it is none of these. Static.
 */
const char *file_magic_name(const void *head, size_t len);
