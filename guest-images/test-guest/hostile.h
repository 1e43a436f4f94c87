/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers that misbehave. Each function takes a device that was just started, and returns NULL if
 * the device did what it should, else what was wrong. hostile.c has the table of them.
 */
#pragma once

#include <stdint.h>

#define NOWHERE 0xe0000000UL /* neither RAM nor pmem */

struct check;
struct pmem;

/* Starts the device that device= names, misbehaves, and shows that a reset repairs it. */
const char *hostile_run(const struct check *check);

/* hostile_broken.c: the device must say that it needs a reset, once, and use nothing. */
const char *hostile_expect_broken(struct pmem *pmem);

/* The same after the chain at @head was made available. */
const char *hostile_offer_bad(struct pmem *pmem, uint16_t head);

/* A flush with one descriptor other than it should be; 0 is the request, 1 the response. */
const char *hostile_offer_changed(struct pmem *pmem, uint16_t index, uint64_t addr, uint32_t len,
				  uint16_t flags, uint16_t next);

/* hostile_ring.c */
const char *hostile_head(struct pmem *pmem);
const char *hostile_next(struct pmem *pmem);
const char *hostile_loop(struct pmem *pmem);
const char *hostile_indirect(struct pmem *pmem);
const char *hostile_indirect_flag(struct pmem *pmem);
const char *hostile_avail_jump(struct pmem *pmem);
const char *hostile_avail_back(struct pmem *pmem);
const char *hostile_reuse(struct pmem *pmem);

/* hostile_buffers.c */
const char *hostile_unmapped(struct pmem *pmem);
const char *hostile_unmapped_response(struct pmem *pmem);
const char *hostile_overflow(struct pmem *pmem);
const char *hostile_across_end(struct pmem *pmem);
const char *hostile_readdesc(struct pmem *pmem);
const char *hostile_writedesc(struct pmem *pmem);
const char *hostile_order(struct pmem *pmem);
const char *hostile_short_request(struct pmem *pmem);
const char *hostile_short_response(struct pmem *pmem);
const char *hostile_response_readonly(struct pmem *pmem);
const char *hostile_response_in_pmem(struct pmem *pmem);
const char *hostile_response_in_ring(struct pmem *pmem);
const char *hostile_type(struct pmem *pmem);

/* hostile_setup.c */
const char *hostile_align(struct pmem *pmem);
const char *hostile_size(struct pmem *pmem);
const char *hostile_ring_in_pmem(struct pmem *pmem);
const char *hostile_ring_unmapped(struct pmem *pmem);
const char *hostile_queue_1(struct pmem *pmem);
const char *hostile_features(struct pmem *pmem);
const char *hostile_notready_kick(struct pmem *pmem);

/* hostile_registers.c */
const char *hostile_kick_storm(struct pmem *pmem);
const char *hostile_width(struct pmem *pmem);
const char *hostile_late_writes(struct pmem *pmem);

/* hostile_race.c */
const char *hostile_race(struct pmem *pmem);
