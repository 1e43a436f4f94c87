// SPDX-License-Identifier: Apache-2.0
/* A pmem device's place in guest memory and on the bus, and stores that it cannot keep. */
#include "vmm/wiring/pmem_slot.h"

#include "tests/support/driver.h"
#include "tests/support/small_guest.h"
#include "vmm/base/guarded_copy.h"
#include "vmm/base/layout.h"

#include <unistd.h>

TestSuite(pmem_slot, .timeout = 15);

#define MIB (1ULL << 20)
#define START 0x40000000ULL

static struct driver_host host;
static struct bus bus;
static struct pmem_backing backing;
static uint8_t memory[LAYOUT_VIRTIO_SLOTS * LAYOUT_VIRTIO_SIZE];
static const struct register_pages pages = { .host = memory };
static struct pmem_slot slot;
static char path[32];

static void plug(uint64_t size, bool readonly, bool share)
{
	struct pmem_backing_options opt = { .path = path, .readonly = readonly, .share = share };
	struct error err = { 0 };

	driver_host_init(&host);
	bus = (struct bus){ .loop = &host.loop };
	driver_temp_file("/dev/shm", size, path);
	check_eq(pmem_backing_open(&backing, &opt, &err), 0, "%s", err.text);
	check_eq(pmem_slot_add_memory(&backing, gpa(START), &host.mem, &err), 0, "%s", err.text);
	check_eq(pmem_slot_init(&slot, 0, "disk", &backing, gpa(START), &host.loop, &host.mem,
				&pages, &err),
		 0, "%s", err.text);
	check_eq(pmem_slot_start(&slot, &bus, &err), 0, "%s", err.text);
}

static int store(uint64_t addr, unsigned size, uint64_t value)
{
	return bus_access(&bus, addr, &value, size, true);
}

static uint64_t load(uint64_t addr, unsigned size)
{
	uint64_t value = 0;

	check_eq(bus_access(&bus, addr, &value, size, false), 0, "at 0x%llx",
		 (unsigned long long)addr);
	return value;
}

Test(pmem_slot, memory)
{
	static const struct {
		uint64_t size;
		bool readonly, share;
		uint64_t writable; /* the rest, up to 2 MiB, is read-only */
	} cases[] = {
		{ 2 * MIB, false, true, 2 * MIB }, { MIB, false, true, MIB },
		{ MIB + 1, false, true, MIB },	   { 1, false, true, 0 },
		{ MIB, false, false, 2 * MIB },	   { MIB, true, true, 0 },
		{ 2 * MIB, true, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t writable = cases[i].writable;
		bool split = writable < 2 * MIB;

		plug(cases[i].size, cases[i].readonly, cases[i].share);
		check_eq(guest_memory_valid(&host.mem, gpa(START), 2 * MIB, false, NULL),
			 !split || !writable, "case %zu", i);
		if (writable)
			check_eq(guest_memory_valid(&host.mem, gpa(START), writable, true, NULL),
				 true, "case %zu", i);
		if (split) {
			gpa_t rest = gpa(START + writable);

			check_eq(guest_memory_valid(&host.mem, rest, 2 * MIB - writable, false,
						    NULL),
				 true, "case %zu", i);
			check_eq(guest_memory_valid(&host.mem, rest, 1, true, NULL), false,
				 "case %zu", i);
		}
		check_eq(guest_memory_valid(&host.mem, gpa(START + 2 * MIB), 1, false, NULL),
			 false);
		cr_assert(!guest_memory_ram(&host.mem, gpa(START), 1), "no place for rings");
		check_eq(bus.count, 2, "case %zu", i);
		event_loop_fini(&host.loop);
		pmem_slot_fini(&slot);
		pmem_backing_close(&backing);
	}
}

/* Two pages and 100 bytes: the second page's stores come to us from 0x2000 on. */
static void store_behind(void *arg)
{
	store(START + 0x2000, 8, 0x0807060504030201);
	store(START + 0x2000 + 98, 4, 0xddccbbaa);
	store(START + 2 * MIB - 1, 1, 0xee);
	check_eq(load(START + 0x2000, 4), 0x04030201);
	check_eq(load(START + 0x2000 + 98, 4), 0xbbaa);
	check_eq(load(START + 2 * MIB - 1, 1), 0);
	/* Before it the memslot serves; what is brought to us is made. */
	check_eq(store(START + 0x1ffe, 1, 0x99), 0);
	check_eq(load(START + 0x1ffe, 2), 0x99);
}

Test(pmem_slot, stores_behind_the_end)
{
	plug(0x2000 + 100, false, true);
	driver_with_thread(&host, store_behind, NULL);
	check_eq(slot.pmem.counters.stores_dropped, 2);
	check_eq(backing.host[0x2000 + 7], 8);
	check_eq(backing.host[0x2000 + 99], 0xbb);
	check_eq(backing.host[0x2000 + 100], 0);
}

static void store_to_readonly(void *arg)
{
	store(START, 4, 0x12345678);
	store(START + 0x1000, 1, 1);
}

Test(pmem_slot, stores_to_a_readonly_device)
{
	plug(MIB, true, true);
	driver_with_thread(&host, store_to_readonly, NULL);
	check_eq(slot.pmem.counters.stores_dropped, 2);
	check_eq(backing.host[0], 0);
}

/* What may wait for the file does so on the vCPU; what is dropped, if in part, is the device's. */
Test(pmem_slot, only_what_is_dropped_needs_the_loop)
{
	plug(0x2000 + 100, false, true);
	event_loop_close(&host.loop);
	check_eq(store(START + 0x1000, 8, 0x55), 0);
	check_eq(load(START + 0x1000, 8), 0x55);
	check_eq(store(START + 0x2000 + 92, 8, 0x66), 0);
	check_eq(load(START + 0x2000 + 92, 8), 0x66);
	check_eq(store(START + 0x2000 + 93, 8, 0x77), 0);
	check_eq(load(START + 0x2000 + 93, 8), 0);
	check_eq(store(START + MIB, 8, 0x88), 0);
	check_eq(slot.pmem.counters.stores_dropped, 0);
}

/* A private copy keeps also what is behind the file's end. */
Test(pmem_slot, stores_to_a_private_device_need_no_loop)
{
	plug(MIB, false, false);
	event_loop_close(&host.loop);
	check_eq(store(START + MIB, 8, 0x55), 0);
	check_eq(load(START + MIB, 8), 0x55);
}

Test(pmem_slot, stores_to_a_readonly_device_need_the_loop)
{
	plug(MIB, true, true);
	event_loop_close(&host.loop);
	check_eq(store(START, 8, 0x55), 0);
	check_eq(slot.pmem.counters.stores_dropped, 0);
}

static void resize(uint64_t size)
{
	check_eq(truncate(path, (off_t)size), 0);
}

/* Neither a load nor a store is made, until the file has its size again. */
static void use_truncated(void *arg)
{
	const bool *readonly = arg;
	uint64_t value;

	for (uint64_t at = START; at < START + 0x3000; at += 0x2000) {
		resize(0);
		check_eq(bus_access(&bus, at, &value, 8, false), -EIO, "0x%llx",
			 (unsigned long long)at);
		check_eq(store(at, 8, 5), *readonly ? 0 : -EIO, "0x%llx", (unsigned long long)at);
		resize(0x2000 + 100);
		check_eq(store(at, 8, 6), 0, "0x%llx", (unsigned long long)at);
		check_eq(load(at, 8), *readonly ? 0 : 6, "0x%llx", (unsigned long long)at);
	}
	/* Behind the file's end there is no file to fail. */
	resize(0);
	check_eq(load(START + MIB, 8), 0);
}

Test(pmem_slot, truncated_file)
{
	static const struct {
		bool readonly, share;
	} cases[] = { { false, true }, { false, false }, { true, true }, { true, false } };

	check_eq(guarded_copy_init(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool readonly = cases[i].readonly;

		plug(0x2000 + 100, readonly, cases[i].share);
		driver_with_thread(&host, use_truncated, &readonly);
		check_eq(slot.pmem.counters.stores_dropped, readonly ? 4 : 0, "case %zu", i);
		event_loop_fini(&host.loop);
		pmem_slot_fini(&slot);
		pmem_backing_close(&backing);
	}
}

Test(pmem_slot, no_place)
{
	static struct pmem_slot second;
	struct error err = { 0 };

	plug(MIB, false, true);
	check_eq(pmem_slot_add_memory(&backing, gpa(START), &host.mem, &err), -EEXIST);
	check_contains(err.text, path);
	check_eq(pmem_slot_init(&second, 1, "disk", &backing, gpa(START), &host.loop, &host.mem,
				&pages, &err),
		 0);
	check_eq(pmem_slot_start(&second, &bus, &err), -EEXIST);
	check_contains(err.text, "slot 1");
	check_eq(bus.count, 2);
	pmem_slot_fini(&second);
}

/* On the real thing: a load and a store in each part of a device that ends within a page. */
static void run_guest(void *arg)
{
	small_guest_run(arg);
}

Test(pmem_slot, kvm)
{
	static const uint8_t code[] = {
		0xb8, 0x78, 0x56, 0x34, 0x12, /* mov eax, 0x12345678 */
		0xa3, 0x00, 0x00, 0x00, 0x40, /* mov [0x40000000], eax */
		0xa3, 0x00, 0x20, 0x00, 0x40, /* mov [0x40002000], eax */
		0xa3, 0x00, 0x30, 0x00, 0x40, /* mov [0x40003000], eax */
		0xa1, 0x00, 0x20, 0x00, 0x40, /* mov eax, [0x40002000] */
		0xa3, 0x04, 0x00, 0x00, 0x40, /* mov [0x40000004], eax */
		0xa1, 0x00, 0x30, 0x00, 0x40, /* mov eax, [0x40003000] */
		0xa3, 0x08, 0x00, 0x00, 0x40, /* mov [0x40000008], eax */
		0x0f, 0x0b,		      /* ud2 */
	};
	static struct small_guest guest;
	const uint32_t *words;
	struct error err = { 0 };

	small_guest_init(&guest, code, sizeof(code));
	plug(0x2000 + 100, false, true);
	guest.mmio = bus;
	for (unsigned i = 0; i < host.mem.count; i++) {
		const struct guest_region *r = &host.mem.regions[i];

		if (r->kind != GUEST_RAM)
			check_eq(kvm_add_slot(&guest.kvm, r->start.value, r->size, r->host,
					      r->kind == GUEST_PMEM_READONLY, &err),
				 0, "%s", err.text);
	}
	words = (const uint32_t *)backing.host;
	((uint32_t *)backing.host)[2] = 0x55;
	driver_with_thread(&host, run_guest, &guest);
	check_eq(guest.outcome, OUTCOME_TRIPLE_FAULT, "%s", guest.detail);
	check_eq(words[0], 0x12345678);
	check_eq(words[0x2000 / 4], 0x12345678, "kept within the file");
	check_eq(words[1], 0x12345678, "and loaded back");
	check_eq(words[2], 0, "behind the end it stays zero");
	check_eq(slot.pmem.counters.stores_dropped, 1);
	check_eq(guest.vcpu.exits[KVM_EXIT_MMIO], 2);
	small_guest_fini(&guest);
}
