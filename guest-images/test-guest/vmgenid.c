// SPDX-License-Identifier: Apache-2.0
/* The test "vmgenid": the generation id, and the interrupt after a restore. */
#include "checks.h"

#include "args.h"
#include "cpu.h"
#include "interrupts.h"
#include "machine.h"
#include "serial.h"
#include "text.h"

#include <stddef.h>

#define WORDS 4

struct id {
	uint32_t words[WORDS];
};

static volatile uint32_t changes;

static void changed(void *arg, uint64_t tsc)
{
	changes++;
}

static struct id read_id(void)
{
	struct id id;

	for (unsigned i = 0; i < WORDS; i++)
		id.words[i] = read32(machine.generation.addr + 4 * i);
	return id;
}

/* In the order of its bytes. */
static void print_id(const struct id *id)
{
	const uint8_t *bytes = (const uint8_t *)id->words;

	print("test-guest: vmgenid ");
	for (unsigned i = 0; i < sizeof(id->words); i++)
		print("%x%x", bytes[i] >> 4, bytes[i] & 0xf);
	print("\n");
}

static const char *wait_for_another(const struct id *first)
{
	struct id now;

	print("test-guest: vmgenid waits\n");
	if (!interrupts_wait(&changes, 0))
		return "no interrupt";
	now = read_id();
	print_id(&now);
	return memcmp(&now, first, sizeof(now)) == 0 ? "an interrupt, but the same id" : NULL;
}

static const char *vmgenid(void)
{
	struct id first, again;

	if (!machine.generation.addr || !machine.generation.pin)
		return "no generation id is described";
	if (machine.generation.addr % 8)
		return "its address is not a multiple of 8";
	interrupts_route(machine.generation.pin, machine.apic_ids[0], changed, NULL);
	first = read_id();
	print_id(&first);
	write32(machine.generation.addr, ~first.words[0]);
	again = read_id();
	if (memcmp(&again, &first, sizeof(again)) != 0)
		return "a store has changed it";
	if (changes)
		return "an interrupt before anything has changed";
	return args_number("wait", 1) ? wait_for_another(&first) : NULL;
}

const struct check vmgenid_checks[] = {
	{ "vmgenid", .once = vmgenid },
	{ 0 },
};
