// SPDX-License-Identifier: Apache-2.0
/* Where memory devices go, and every refusal in QEMU's words. */
#include "vmm/machine/placement.h"

#include "tests/support/check.h"

#include <errno.h>
#include <stdio.h>

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static struct error err;

static struct placement init(uint64_t ram, uint64_t maxmem, unsigned slots, unsigned phys_bits)
{
	struct placement_options options = { ram, maxmem, slots, phys_bits };
	struct placement p;

	check_eq(placement_init(&p, &options, &err), 0, "%s", err.text);
	return p;
}

static struct placement_request request(const char *id, uint64_t size)
{
	return (struct placement_request){ .id = id, .size = size, .align = LAYOUT_PMEM_ALIGN };
}

static struct placement_request request_at(const char *id, uint64_t addr, uint64_t size)
{
	struct placement_request r = request(id, size);

	r.addr = addr;
	r.fixed = true;
	return r;
}

static void placed(struct placement *p, struct placement_request r, uint64_t expected)
{
	uint64_t start;

	check_eq(placement_add(p, &r, &start, &err), 0, "%s: %s", r.id, err.text);
	check_eq(start, expected, "%s", r.id);
}

static void refused(struct placement *p, struct placement_request r, int code, const char *text)
{
	struct placement before = *p;
	uint64_t start = 42;

	check_eq(placement_add(p, &r, &start, &err), -code, "%s", text);
	check_str(err.text, text);
	check_eq(start, 42);
	check_eq(memcmp(p, &before, sizeof(before)), 0, "a refusal changes nothing");
}

Test(placement, base_is_above_ram_and_4_gib)
{
	check_eq(placement_base(256 * MIB), 4 * GIB);
	check_eq(placement_base(3 * GIB), 4 * GIB);
	check_eq(placement_base(3 * GIB + 4096), 5 * GIB);
	check_eq(placement_base(4 * GIB), 5 * GIB);
	check_eq(placement_base(8 * GIB), 0x240000000);
}

/* The region of `-m 8G,slots=240,maxmem=20G`, as QEMU has it. */
Test(placement, region_has_room_for_alignment)
{
	struct placement p = init(8 * GIB, 20 * GIB, 240, 40);

	check_eq(p.base, 0x240000000);
	check_eq(p.space, 12 * GIB);
	check_eq(p.size, 252 * GIB);
	placed(&p, request("nv1", 4 * GIB), 0x240000000);
}

Test(placement, first_fit_in_the_order_of_addresses)
{
	struct placement p = init(1 * GIB, 0, 0, 40);

	placed(&p, request("a", 4 * MIB), 4 * GIB);
	placed(&p, request_at("far", 5 * GIB, 2 * MIB), 5 * GIB);
	placed(&p, request("b", 4 * MIB), 4 * GIB + 4 * MIB);
	placed(&p, request_at("gap", 4 * GIB + 12 * MIB, 2 * MIB), 4 * GIB + 12 * MIB);
	placed(&p, request("large", 6 * MIB), 4 * GIB + 14 * MIB);
	placed(&p, request("small", 4 * MIB), 4 * GIB + 8 * MIB);
	check_eq(p.n_devices, 6);
	check_eq(placement_used(&p), 22 * MIB);
	for (unsigned i = 1; i < p.n_devices; i++)
		cr_assert(p.devices[i - 1].start + p.devices[i - 1].size <= p.devices[i].start);
}

Test(placement, alignment_is_kept)
{
	struct placement p = init(1 * GIB, 0, 0, 40);
	struct placement_request r = request("big", 4 * MIB);

	placed(&p, request("a", 2 * MIB), 4 * GIB);
	r.align = GIB;
	placed(&p, r, 5 * GIB);
	placed(&p, request("b", 2 * MIB), 4 * GIB + 2 * MIB);
	r = request_at("c", 6 * GIB + 2 * MIB, 2 * MIB);
	r.align = GIB;
	refused(&p, r, EINVAL, "address must be aligned to 0x40000000 bytes");
	/* Beyond the first multiple above the base there is none left. */
	r = request("d", 2 * MIB);
	r.align = 1ULL << 40;
	refused(&p, r, EINVAL,
		"Address space limit 0xffffffffff < 0x100001fffff phys-bits too low (40)");
}

Test(placement, removed_place_is_free_again)
{
	struct placement p = init(1 * GIB, 2 * GIB, 0, 40);

	placed(&p, request("a", 512 * MIB), 4 * GIB);
	placed(&p, request("b", 512 * MIB), 4 * GIB + 512 * MIB);
	placement_remove(&p, 4 * GIB + 2 * MIB);
	check_eq(p.n_devices, 2, "nothing starts there");
	placement_remove(&p, 4 * GIB);
	check_eq(placement_used(&p), 512 * MIB);
	placed(&p, request("c", 512 * MIB), 4 * GIB);
}

/*
 * bad input: Command line: a memory device at an address that is not aligned -> refused with
 * QEMU's text
 */
Test(placement, misaligned)
{
	struct placement p = init(1 * GIB, 0, 0, 40);

	refused(&p, request_at("a", 4 * GIB + 4096, 2 * MIB), EINVAL,
		"address must be aligned to 0x200000 bytes");
}

Test(placement, outside_the_region)
{
	struct placement p = init(8 * GIB, 12 * GIB, 0, 40);
	static const char text[] =
		"can't add memory device [0x%s], usable range for memory devices "
		"[0x240000000:0x100000000]";
	char want[200];

	snprintf(want, sizeof(want), text, "100000000:0x6400000");
	refused(&p, request_at("a", 0x100000000, 100 * MIB), EINVAL, want);
	snprintf(want, sizeof(want), text, "33fe00000:0x400000");
	refused(&p, request_at("a", 0x33fe00000, 4 * MIB), EINVAL, want);
	snprintf(want, sizeof(want), text, "340000000:0x200000");
	refused(&p, request_at("a", 0x340000000, 2 * MIB), EINVAL, want);
	placed(&p, request_at("a", 0x33fe00000, 2 * MIB), 0x33fe00000);
}

Test(placement, below_the_region_without_maxmem)
{
	struct placement p = init(1 * GIB, 0, 0, 36);

	refused(&p, request_at("a", 1 * GIB, 2 * MIB), EINVAL,
		"can't add memory device [0x40000000:0x200000], usable range for memory devices "
		"[0x100000000:0xf00000000]");
}

/*
 * bad input: Command line: a memory device at the address of another one, or of RAM -> refused with
 * QEMU's text
 */
Test(placement, conflict)
{
	struct placement p = init(1 * GIB, 4 * GIB, 0, 40);

	placed(&p, request_at("nv1", 4 * GIB + 4 * MIB, 4 * MIB), 4 * GIB + 4 * MIB);
	refused(&p, request_at("b", 4 * GIB + 6 * MIB, 4 * MIB), EINVAL,
		"address range conflicts with memory device id='nv1'");
	refused(&p, request_at("b", 4 * GIB + 2 * MIB, 4 * MIB), EINVAL,
		"address range conflicts with memory device id='nv1'");
	refused(&p, request_at("b", 4 * GIB, 64 * MIB), EINVAL,
		"address range conflicts with memory device id='nv1'");
	placed(&p, request_at("below", 4 * GIB + 2 * MIB, 2 * MIB), 4 * GIB + 2 * MIB);
	placed(&p, request_at("above", 4 * GIB + 8 * MIB, 2 * MIB), 4 * GIB + 8 * MIB);
}

Test(placement, not_enough_space)
{
	struct placement p = init(1 * GIB, 1 * GIB + 64 * MIB, 4, 40);

	refused(&p, request("a", 66 * MIB), ENOSPC,
		"not enough space, currently 0x0 in use of total space for memory devices 0x4000000");
	placed(&p, request("a", 40 * MIB), 4 * GIB);
	refused(&p, request("b", 26 * MIB), ENOSPC,
		"not enough space, currently 0x2800000 in use of total space for memory devices "
		"0x4000000");
	placed(&p, request("b", 24 * MIB), 4 * GIB + 40 * MIB);
}

Test(placement, fragmented)
{
	struct placement p = init(1 * GIB, 1 * GIB + 128 * MIB, 0, 40);

	placed(&p, request_at("a", 4 * GIB + 32 * MIB, 64 * MIB), 4 * GIB + 32 * MIB);
	refused(&p, request("b", 64 * MIB), ENOSPC,
		"could not find position in guest address space for memory device - memory "
		"fragmented due to alignments");
	placed(&p, request("b", 32 * MIB), 4 * GIB);
}

Test(placement, not_enabled)
{
	static const char text[] = "memory devices (e.g. for memory hotplug) are not enabled, "
				   "please specify the maxmem option";
	struct placement p = init(1 * GIB, 1 * GIB, 0, 40);

	refused(&p, request("a", 2 * MIB), ENOSPC, text);
	/* Without maxmem the devices of the start fit, and none after them. */
	p = init(1 * GIB, 0, 0, 40);
	placed(&p, request("a", 2 * MIB), 4 * GIB);
	placement_close(&p);
	refused(&p, request("b", 2 * MIB), ENOSPC, text);
	p = init(1 * GIB, 2 * GIB, 0, 40);
	placement_close(&p);
	placed(&p, request("a", 2 * MIB), 4 * GIB);
}

/*
 * bad input: Backing file: a disk that is larger than the guest's physical address space, or that
 * was placed across its end -> refused with QEMU's text
 */
Test(placement, address_width)
{
	struct placement_options options = { 1024 * GIB, 0, 0, 39 };
	struct placement p = init(1 * GIB, 0, 0, 36);

	refused(&p, request_at("a", 64 * GIB - 2 * MIB, 4 * MIB), EINVAL,
		"Address space limit 0xfffffffff < 0x10001fffff phys-bits too low (36)");
	placed(&p, request_at("a", 64 * GIB - 2 * MIB, 2 * MIB), 64 * GIB - 2 * MIB);
	refused(&p, request("b", 64 * GIB), EINVAL,
		"Address space limit 0xfffffffff < 0x1fffffffff phys-bits too low (36)");
	/* maxmem may reach beyond it as long as no device does. */
	p = init(1 * GIB, 128 * GIB, 256, 36);
	placed(&p, request("a", 2 * MIB), 4 * GIB);
	refused(&p, request("b", 100 * GIB), EINVAL,
		"Address space limit 0xfffffffff < 0x1a001fffff phys-bits too low (36)");
	check_eq(placement_init(&p, &options, &err), -EINVAL);
	check_str(err.text,
		  "Address space limit 0x7fffffffff < 0x1003fffffff phys-bits too low (39)");
}

/*
 * bad input: Backing file: a disk with so large a size or address that their sum wraps around ->
 * refused
 */
Test(placement, numbers_do_not_wrap)
{
	static const char text[] = "can't add memory device, device too big";
	struct placement p = init(1 * GIB, 0, 0, 52);

	refused(&p, request("a", 1ULL << 63), EINVAL, text);
	refused(&p, request_at("a", UINT64_MAX - 2 * MIB + 1, 4 * MIB), EINVAL, text);
	placed(&p, request("a", 2 * MIB), 4 * GIB);
}

Test(placement, as_many_as_slots)
{
	struct placement p = init(1 * GIB, 0, 0, 40);

	for (unsigned i = 0; i < PLACEMENT_MAX_DEVICES; i++)
		placed(&p, request("a", 2 * MIB), 4 * GIB + i * 2 * MIB);
	refused(&p, request("b", 2 * MIB), ENOSPC, "hypervisor has no free memory slots left");
}
