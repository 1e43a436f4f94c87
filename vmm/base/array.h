/* SPDX-License-Identifier: Apache-2.0 */
/* How many elements an array has. */
#pragma once

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
