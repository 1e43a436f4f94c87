/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ACPI table that says how to use the watchdog (Watchdog Action Table), which Linux's wdat_wdt
 * follows.
 */
#pragma once

#include <stddef.h>

/* What comes behind the header: 32 bytes, then 24 for each of 8 actions. */
#define WDAT_SIZE (32 + 8 * 24)

/* Writes that to @buf, which has WDAT_SIZE bytes. */
void wdat_x86_write(void *buf);
