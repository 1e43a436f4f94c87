/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tests. Their functions return NULL, or the reason why they failed. checks.c has those of a
 * driver that behaves, hostile.c those of one that does not; main.c runs them.
 */
#ifndef TEST_GUEST_CHECKS_H
#define TEST_GUEST_CHECKS_H

#include <asm/bootparam.h>
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

/* Both end with an entry without a name. */
extern const struct check checks[];
extern const struct check hostile_checks[];

/* For the test that prints the zero page. */
void checks_init(const struct boot_params *params);

/* Runs the test. NULL, or the reason why it failed. */
const char *checks_run(const struct check *check);

/* Starts the device, misbehaves, and shows that a reset repairs it. The same result. */
const char *hostile_run(const struct check *check);

/* Formats a reason into a static buffer, which is returned; good for two calls. */
const char *fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Stress of interrupts, in stress.c. The same result. */
const char *stress_interrupts(void);

/* The test that runs has failed, and nothing can be run after it. */
_Noreturn void checks_abort(const char *reason);

#endif
