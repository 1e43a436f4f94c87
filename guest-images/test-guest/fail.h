/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons why a test has failed. */
#pragma once

/* Formats a reason into a static buffer, which is returned; good for two calls. */
const char *fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
