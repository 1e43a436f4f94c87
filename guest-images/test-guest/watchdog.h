/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog, where the machine describes one. */
#pragma once

/* Starts it, with seconds=1. */
void watchdog_start(void);
