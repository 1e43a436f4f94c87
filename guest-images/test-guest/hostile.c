// SPDX-License-Identifier: Apache-2.0
/*
 * The tests in which the driver misbehaves. After each the device must be as the specification
 * says (most faults: DEVICE_NEEDS_RESET and a configuration interrupt, section 2.1.2), and a reset
 * must bring it back to work. Start reading at hostile_run, and at the table at the end.
 */
#include "hostile.h"

#include "args.h"
#include "checks.h"
#include "pmem.h"

#include <stddef.h>

const char *hostile_run(const struct check *check)
{
	unsigned n = (unsigned)args_number("device", 0);
	struct pmem *pmem = &pmems[n];
	const char *error;

	if (n >= pmem_count)
		return "there is no such pmem device";
	error = pmem_start(pmem);
	if (!error)
		error = check->misbehave(pmem);
	if (!error)
		error = pmem_start(pmem);
	if (!error)
		error = pmem_flush(pmem);
	return error;
}

const struct check hostile_checks[] = {
	/*
	 * bad input: Ring: head of the queue's size -> DEVICE_NEEDS_RESET, a configuration
	 * interrupt; a reset mends it, as in all of these
	 */
	{ "hostile-head", .misbehave = hostile_head },
	/* bad input: Ring: next of the queue's size -> DEVICE_NEEDS_RESET */
	{ "hostile-next", .misbehave = hostile_next },
	/* bad input: Ring: chain that loops -> DEVICE_NEEDS_RESET */
	{ "hostile-loop", .misbehave = hostile_loop },
	/* bad input: Buffers: request where nothing is -> DEVICE_NEEDS_RESET */
	{ "hostile-unmapped", .misbehave = hostile_unmapped },
	/* bad input: Buffers: response where nothing is -> DEVICE_NEEDS_RESET */
	{ "hostile-unmapped-response", .misbehave = hostile_unmapped_response },
	/* bad input: Buffers: address and length that wrap around -> DEVICE_NEEDS_RESET */
	{ "hostile-overflow", .misbehave = hostile_overflow },
	/*
	 * bad input: Buffers: buffer across the last byte of the last device -> DEVICE_NEEDS_RESET
	 */
	{ "hostile-across-end", .misbehave = hostile_across_end },
	/*
	 * bad input: Buffers: readable descriptor where a writable one is due ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-readdesc", .misbehave = hostile_readdesc },
	/*
	 * bad input: Buffers: writable descriptor where a readable one is due ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-writedesc", .misbehave = hostile_writedesc },
	/* bad input: Buffers: response before the request -> DEVICE_NEEDS_RESET */
	{ "hostile-order", .misbehave = hostile_order },
	/* bad input: Buffers: request of 3 bytes -> DEVICE_NEEDS_RESET */
	{ "hostile-short-request", .misbehave = hostile_short_request },
	/* bad input: Buffers: response of 3 bytes -> DEVICE_NEEDS_RESET */
	{ "hostile-short-response", .misbehave = hostile_short_response },
	/*
	 * bad input: Ring: indirect table that would be right if it had been negotiated ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-indirect", .misbehave = hostile_indirect },
	/* bad input: Ring: plain flush with the flag for an indirect table -> DEVICE_NEEDS_RESET */
	{ "hostile-indirect-flag", .misbehave = hostile_indirect_flag },
	/* bad input: Ring: avail.idx moves by more than the queue's size -> DEVICE_NEEDS_RESET */
	{ "hostile-avail-jump", .misbehave = hostile_avail_jump },
	/* bad input: Ring: avail.idx moves backwards -> DEVICE_NEEDS_RESET */
	{ "hostile-avail-back", .misbehave = hostile_avail_back },
	/*
	 * bad input: Buffers: response in another, read-only device -> DEVICE_NEEDS_RESET, nothing
	 * is written
	 */
	{ "hostile-response-readonly", .misbehave = hostile_response_readonly, .by_name = true },
	{ "hostile-response-in-pmem", .misbehave = hostile_response_in_pmem },
	/* bad input: Buffers: response on the used ring's own index -> only this queue suffers */
	{ "hostile-response-in-ring", .misbehave = hostile_response_in_ring },
	/* bad input: Buffers: unknown request type -> answered with failure */
	{ "hostile-type", .misbehave = hostile_type },
	/* bad input: Setup: misaligned rings -> QueueReady stays 0 */
	{ "hostile-align", .misbehave = hostile_align },
	/* bad input: Setup: queue size 0, 3, twice the maximum, 65544 -> QueueReady stays 0 */
	{ "hostile-size", .misbehave = hostile_size },
	/* bad input: Setup: rings in pmem -> QueueReady stays 0 */
	{ "hostile-ring-in-pmem", .misbehave = hostile_ring_in_pmem },
	/* bad input: Setup: rings where nothing is -> QueueReady stays 0 */
	{ "hostile-ring-unmapped", .misbehave = hostile_ring_unmapped },
	/* bad input: Setup: queue 1 of a device with one -> QueueReady stays 0 */
	{ "hostile-queue-1", .misbehave = hostile_queue_1 },
	/* bad input: Features: wrong sets of them -> FEATURES_OK stays clear */
	{ "hostile-features", .misbehave = hostile_features },
	/*
	 * bad input: Doorbell: storm on an empty ring and on queues that are not there -> nothing
	 * is used
	 */
	{ "hostile-kick-storm", .misbehave = hostile_kick_storm },
	/*
	 * bad input: Doorbell: before DRIVER_OK -> nothing before, and the flush after it without
	 * another doorbell
	 */
	{ "hostile-notready-kick", .misbehave = hostile_notready_kick },
	/* bad input: Ring: head offered twice while in flight -> DEVICE_NEEDS_RESET */
	{ "hostile-reuse", .misbehave = hostile_reuse },
	/*
	 * bad input: Setup: register accesses of wrong widths and unknown offsets -> write nothing,
	 * read the bytes that are there
	 */
	{ "hostile-width", .misbehave = hostile_width },
	/*
	 * bad input: Setup: queue registers, features and configuration written after DRIVER_OK ->
	 * are ignored
	 */
	{ "hostile-late-writes", .misbehave = hostile_late_writes },
	/*
	 * bad input: Ring: descriptors rewritten by a second vCPU -> answered or
	 * DEVICE_NEEDS_RESET, each round
	 */
	{ "hostile-race", .misbehave = hostile_race, .by_name = true },
	{ 0 },
};
