/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tests. Their functions return NULL, or the reason why they failed. Each file with tests ends
 * with a table of them; checks.c lists the tables, and main.c runs the tests.
 */
#pragma once

#include <stdbool.h>

struct pmem;

/* One of the three functions is set. */
struct check {
	const char *name;
	const char *(*once)(void);
	const char *(*each)(struct pmem *pmem); /* for the device that device= names, or all */
	bool by_name; /* needs what not each machine has, hence not part of the test "hostile" */
	const char *(*misbehave)(struct pmem *pmem); /* what hostile_run does to a device */
};

/* The tables, each named for its file. They end with an entry without a name. */
extern const struct check hello_checks[];
extern const struct check flush_checks[];
extern const struct check contents_checks[];
extern const struct check cpus_checks[];
extern const struct check topology_checks[];
extern const struct check features_checks[];
extern const struct check flags_checks[];
extern const struct check mwait_checks[];
extern const struct check sipi_checks[];
extern const struct check reset_checks[];
extern const struct check stray_checks[];
extern const struct check echo_checks[];
extern const struct check flood_checks[];
extern const struct check storm_checks[];
extern const struct check stress_checks[];
extern const struct check rng_checks[];
extern const struct check console_checks[];
extern const struct check vsock_checks[];
extern const struct check watchdog_checks[];
extern const struct check net_checks[];
extern const struct check ready_checks[];
extern const struct check vmgenid_checks[];
extern const struct check steady_checks[];
extern const struct check hostile_checks[];

/* The test called @name, or NULL. */
const struct check *checks_find(const char *name);

/* Runs the test. NULL, or the reason why it failed. */
const char *checks_run(const struct check *check);
