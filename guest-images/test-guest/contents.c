// SPDX-License-Identifier: Apache-2.0
/* Tests of what the memory of a device holds: what was stored, its tail, a read-only one. */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "fail.h"
#include "pmem.h"
#include "serial.h"

#include <stddef.h>

#define EVERY_PAGE 4096

/* At each stored offset is this plus the offset: seed= makes it differ from run to run. */
static uint64_t key(void)
{
	return args_number("seed", 1) * 0x9e3779b97f4a7c15;
}

static uint64_t stored_bytes(const struct pmem *pmem)
{
	uint64_t bytes = args_number("bytes", pmem->size);

	return bytes < pmem->size ? bytes : pmem->size;
}

static const char *store(struct pmem *pmem)
{
	uint64_t stride = args_number("stride", EVERY_PAGE);
	uint64_t base = key(), bytes = stored_bytes(pmem);

	for (uint64_t at = 0; at + 8 <= bytes; at += stride)
		write64(pmem->start + at, base + at);
	return pmem_flush(pmem);
}

static const char *verify(struct pmem *pmem)
{
	uint64_t stride = args_number("stride", EVERY_PAGE);
	uint64_t base = key(), bytes = stored_bytes(pmem);

	for (uint64_t at = 0; at + 8 <= bytes; at += stride) {
		uint64_t found = read64(pmem->start + at);

		if (found != base + at)
			return fail("device %u offset 0x%lx holds 0x%lx, not 0x%lx",
				    pmem_index(pmem), at, found, base + at);
	}
	return NULL;
}

/* Flushes, and reports the answer instead of judging it. */
static const char *report_flush(struct pmem *pmem, const char *name)
{
	const char *error = pmem_request(pmem);

	if (!error)
		print("test-guest: %s flush ret=%d\n", name, (int)pmem->ret);
	return error;
}

static const char *tail(struct pmem *pmem)
{
	uint64_t size = args_number("file-size", 0);
	uint64_t target = pmem->start + args_number("offset", pmem->size - 8);
	uint32_t found;

	if (!size || size >= pmem->size)
		return "file-size= must be less than the size of the device";
	for (uint64_t at = size; at < pmem->size; at += at % EVERY_PAGE ? 1 : EVERY_PAGE)
		if (read8(pmem->start + at))
			return fail("offset 0x%lx behind the file's end is not zero", at);
	write32(target, 0x11223344);
	found = read32(target);
	if (found != 0 && found != 0x11223344)
		return fail("a write behind the file's end reads back as 0x%x", found);
	print("test-guest: tail-write %s\n", found ? "kept" : "dropped");
	return report_flush(pmem, "tail");
}

static const char *readonly(struct pmem *pmem)
{
	uint64_t old = read64(pmem->start);

	write64(pmem->start, ~old);
	if (read64(pmem->start) != old)
		return "a read-only device was written to";
	return report_flush(pmem, "readonly");
}

const struct check contents_checks[] = {
	{ "store", .each = store },
	{ "verify", .each = verify },
	{ "tail", .each = tail },
	{ "readonly", .each = readonly },
	{ 0 },
};
