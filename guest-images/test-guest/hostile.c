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
	 * bad input: Ring: the head of a chain equals the queue's size, so there is no such
	 * descriptor -> DEVICE_NEEDS_RESET and a configuration interrupt; the device works again
	 * after a reset, as in all tests of this kind
	 */
	{ "hostile-head", .misbehave = hostile_head },
	/*
	 * bad input: Ring: the next field of a descriptor equals the queue's size, so there is no
	 * such descriptor -> DEVICE_NEEDS_RESET
	 */
	{ "hostile-next", .misbehave = hostile_next },
	/* bad input: Ring: a chain of descriptors loops -> DEVICE_NEEDS_RESET */
	{ "hostile-loop", .misbehave = hostile_loop },
	/* bad input: Buffers: a request at an address without memory -> DEVICE_NEEDS_RESET */
	{ "hostile-unmapped", .misbehave = hostile_unmapped },
	/* bad input: Buffers: a response at an address without memory -> DEVICE_NEEDS_RESET */
	{ "hostile-unmapped-response", .misbehave = hostile_unmapped_response },
	/*
	 * bad input: Buffers: a buffer whose address plus length wraps around -> DEVICE_NEEDS_RESET
	 */
	{ "hostile-overflow", .misbehave = hostile_overflow },
	/*
	 * bad input: Buffers: a buffer that extends beyond the end of the last pmem device ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-across-end", .misbehave = hostile_across_end },
	/*
	 * bad input: Buffers: a readable descriptor where the response must be, which is written
	 * -> DEVICE_NEEDS_RESET
	 */
	{ "hostile-readdesc", .misbehave = hostile_readdesc },
	/*
	 * bad input: Buffers: a writable descriptor where the request must be, which is read ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-writedesc", .misbehave = hostile_writedesc },
	/*
	 * bad input: Buffers: the response's descriptor comes before the request's ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-order", .misbehave = hostile_order },
	/* bad input: Buffers: a request of 3 bytes instead of 4 -> DEVICE_NEEDS_RESET */
	{ "hostile-short-request", .misbehave = hostile_short_request },
	/* bad input: Buffers: a response of 3 bytes instead of 4 -> DEVICE_NEEDS_RESET */
	{ "hostile-short-response", .misbehave = hostile_short_response },
	/*
	 * bad input: Ring: a valid indirect table, although indirect descriptors were not
	 * negotiated -> DEVICE_NEEDS_RESET
	 */
	{ "hostile-indirect", .misbehave = hostile_indirect },
	/*
	 * bad input: Ring: an ordinary flush whose descriptor has the flag for an indirect table ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-indirect-flag", .misbehave = hostile_indirect_flag },
	/*
	 * bad input: Ring: the index of the available ring moves on by more than the queue's size
	 * -> DEVICE_NEEDS_RESET
	 */
	{ "hostile-avail-jump", .misbehave = hostile_avail_jump },
	/* bad input: Ring: the index of the available ring moves backwards -> DEVICE_NEEDS_RESET */
	{ "hostile-avail-back", .misbehave = hostile_avail_back },
	/*
	 * bad input: Buffers: a response in the memory of another pmem device that is read-only ->
	 * DEVICE_NEEDS_RESET, and nothing is written
	 */
	{ "hostile-response-readonly", .misbehave = hostile_response_readonly, .by_name = true },
	{ "hostile-response-in-pmem", .misbehave = hostile_response_in_pmem },
	/*
	 * bad input: Buffers: a response at the place of the used ring's index, which it overwrites
	 * -> only this queue is harmed, and mvmm goes on
	 */
	{ "hostile-response-in-ring", .misbehave = hostile_response_in_ring },
	/*
	 * bad input: Buffers: a request of an unknown type -> the request is answered with a
	 * failure
	 */
	{ "hostile-type", .misbehave = hostile_type },
	/*
	 * bad input: Setup: the rings of a queue are at misaligned addresses -> QueueReady stays 0
	 */
	{ "hostile-align", .misbehave = hostile_align },
	/*
	 * bad input: Setup: the size of a queue is 0, 3, twice the maximum or 65544 -> QueueReady
	 * stays 0
	 */
	{ "hostile-size", .misbehave = hostile_size },
	/*
	 * bad input: Setup: the rings of a queue are in pmem instead of RAM -> QueueReady stays 0
	 */
	{ "hostile-ring-in-pmem", .misbehave = hostile_ring_in_pmem },
	/*
	 * bad input: Setup: the rings of a queue are at addresses without memory -> QueueReady
	 * stays 0
	 */
	{ "hostile-ring-unmapped", .misbehave = hostile_ring_unmapped },
	/*
	 * bad input: Setup: the guest sets up queue 1 of a device that has only queue 0 ->
	 * QueueReady stays 0
	 */
	{ "hostile-queue-1", .misbehave = hostile_queue_1 },
	/*
	 * bad input: Features: the guest accepts invalid sets of features -> FEATURES_OK stays
	 * clear
	 */
	{ "hostile-features", .misbehave = hostile_features },
	/*
	 * bad input: Doorbell: the guest rings the doorbell very often, with an empty ring and for
	 * queues that do not exist -> no buffer is used
	 */
	{ "hostile-kick-storm", .misbehave = hostile_kick_storm },
	/*
	 * bad input: Doorbell: the guest rings the doorbell before DRIVER_OK -> nothing happens
	 * before DRIVER_OK, and the flush is answered after it without another doorbell
	 */
	{ "hostile-notready-kick", .misbehave = hostile_notready_kick },
	/*
	 * bad input: Ring: the guest offers a chain a second time while the first is in flight ->
	 * DEVICE_NEEDS_RESET
	 */
	{ "hostile-reuse", .misbehave = hostile_reuse },
	/*
	 * bad input: Setup: the guest accesses registers with a wrong width or alignment, or where
	 * there is no register -> writes change nothing, and reads return the bytes at that place
	 */
	{ "hostile-width", .misbehave = hostile_width },
	/*
	 * bad input: Setup: the guest writes queue registers, features and configuration after
	 * DRIVER_OK -> the writes are ignored
	 */
	{ "hostile-late-writes", .misbehave = hostile_late_writes },
	/*
	 * bad input: Ring: a second vCPU rewrites the descriptors while the device reads them ->
	 * each request is answered, or the device has DEVICE_NEEDS_RESET
	 */
	{ "hostile-race", .misbehave = hostile_race, .by_name = true },
	{ 0 },
};
