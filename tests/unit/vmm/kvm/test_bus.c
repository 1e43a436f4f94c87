// SPDX-License-Identifier: Apache-2.0
/* Who is found at which address, and answers on which thread. */
#include "vmm/kvm/bus.h"

#include "tests/support/bus_value.h"
#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/container_of.h"

#include <errno.h>

TestSuite(bus, .timeout = 10);

struct target {
	struct bus_region region;
	uint64_t offset, value;
	unsigned size, reads, writes;
};

static uint64_t target_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	struct target *t = container_of(region, struct target, region);

	t->reads++;
	t->offset = offset;
	t->size = size;
	return 0x1234;
}

static void target_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	struct target *t = container_of(region, struct target, region);

	t->writes++;
	t->offset = offset;
	t->size = size;
	t->value = value;
}

static const struct bus_ops target_ops = { .read = target_read, .write = target_write };
static struct bus bus;
static struct target low, high;

static struct target target_at(uint64_t start, uint64_t size)
{
	return (struct target){ .region = { start, size, &target_ops } };
}

static void setup(void)
{
	low = target_at(0x1000, 0x10);
	high = target_at(UINT64_MAX - 0xf, 0x10);
	check_eq(bus_add(&bus, &high.region), 0);
	check_eq(bus_add(&bus, &low.region), 0);
}

Test(bus, access_reaches_its_region, .init = setup)
{
	check_eq(bus_read(&bus, 0x1000, 8), 0x1234);
	check_eq(low.offset, 0);
	check_eq(low.size, 8);
	check_eq(bus_read(&bus, 0x100f, 1), 0x34);
	check_eq(low.offset, 15);
	bus_write(&bus, UINT64_MAX, 1, 0x77);
	check_eq(high.offset, 15);
	check_eq(high.value, 0x77);
	check_eq(high.size, 1);
	check_eq(low.writes, 0);
	check_eq(high.writes, 1);
}

Test(bus, access_that_nobody_answers, .init = setup)
{
	static const struct {
		uint64_t addr;
		unsigned size;
	} cases[] = {
		{ 0xfff, 1 },  { 0xfff, 2 },  { 0x1010, 1 },	 { 0x100f, 2 },
		{ 0x100d, 4 }, { 0x1009, 8 }, { UINT64_MAX, 2 }, { UINT64_MAX - 0x10, 1 },
		{ 0, 8 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_eq(bus_read(&bus, cases[i].addr, cases[i].size),
			 UINT64_MAX >> (64 - 8 * cases[i].size), "case %zu", i);
		bus_write(&bus, cases[i].addr, cases[i].size, 0);
	}
	check_eq(low.reads + low.writes + high.reads + high.writes, 0);
}

Test(bus, add)
{
	static const struct {
		const char *name;
		uint64_t start, size;
		int ret;
	} cases[] = {
		{ "empty", 0x5000, 0, -EINVAL },
		{ "empty, at 0", 0, 0, -EINVAL },
		{ "wraps", UINT64_MAX - 1, 3, -EINVAL },
		{ "wraps far", 0x5000, UINT64_MAX, -EINVAL },
		{ "up to the top", UINT64_MAX - 1, 2, 0 },
		{ "same", 0x1000, 0x10, -EEXIST },
		{ "within", 0x1004, 1, -EEXIST },
		{ "around", 0xf00, 0x1000, -EEXIST },
		{ "over the first byte", 0xff8, 9, -EEXIST },
		{ "over the last byte", 0x100f, 1, -EEXIST },
		{ "just below", 0xff8, 8, 0 },
		{ "just above", 0x1010, 8, 0 },
		{ "around everything", 0, UINT64_MAX, -EEXIST },
	};
	static struct target targets[ARRAY_SIZE(cases)];
	static struct bus added;

	low = target_at(0x1000, 0x10);
	check_eq(bus_add(&added, &low.region), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned before = added.count;

		targets[i] = target_at(cases[i].start, cases[i].size);
		check_eq(bus_add(&added, &targets[i].region), cases[i].ret, "%s", cases[i].name);
		check_eq(added.count, before + (cases[i].ret == 0), "%s", cases[i].name);
	}
}

Test(bus, full)
{
	static struct target targets[BUS_MAX_REGIONS + 1];
	static struct bus added;

	for (unsigned i = 0; i < BUS_MAX_REGIONS; i++) {
		targets[i] = target_at(i * 16, 16);
		check_eq(bus_add(&added, &targets[i].region), 0);
	}
	targets[BUS_MAX_REGIONS] = target_at(BUS_MAX_REGIONS * 16, 16);
	check_eq(bus_add(&added, &targets[BUS_MAX_REGIONS].region), -ENOSPC);
	check_eq(bus_read(&added, (BUS_MAX_REGIONS - 1) * 16, 4), 0x1234);
}

/* All of them, or none: what vCPUs have found stays. */
Test(bus, add_all, .init = setup)
{
	struct target a = target_at(0x2000, 0x10), b = target_at(0x3000, 0x10);
	struct target bad = target_at(0x1008, 0x10), twice = target_at(0x2008, 0x10);
	struct bus_region *const with_bad[] = { &a.region, &bad.region };
	struct bus_region *const overlapping[] = { &a.region, &twice.region };
	struct bus_region *const good[] = { &a.region, &b.region };

	check_eq(bus_add_all(&bus, with_bad, 2), -EEXIST);
	check_eq(bus_add_all(&bus, overlapping, 2), -EEXIST);
	check_eq(bus.count, 2);
	check_eq(bus_read(&bus, 0x2000, 4), UINT32_MAX);
	check_eq(bus_add_all(&bus, good, 2), 0);
	check_eq(bus.count, 4);
	check_eq(bus_read(&bus, 0x2000, 4), 0x1234);
	check_eq(bus_read(&bus, 0x3000, 4), 0x1234);
}

/* A region whose accesses can fail, of 16 bytes. */
struct memory {
	struct bus_region region;
	uint8_t bytes[16];
	int ret;
};

static int memory_access(struct bus_region *region, uint64_t offset, void *data, unsigned size,
			 bool write)
{
	struct memory *m = container_of(region, struct memory, region);

	if (m->ret < 0)
		return m->ret;
	if (write)
		memcpy(m->bytes + offset, data, size);
	else
		memcpy(data, m->bytes + offset, size);
	return 0;
}

Test(bus, accesses_that_can_fail, .init = setup)
{
	static const struct bus_ops memory_ops = { .access = memory_access };
	struct memory memory = { .region = { 0x2000, 16, &memory_ops } };
	uint64_t data = 0x1122334455667788;

	check_eq(bus_add(&bus, &memory.region), 0);
	check_eq(bus_access(&bus, 0x2004, &data, 4, true), 0);
	check_eq(memory.bytes[4], 0x88);
	check_eq(memory.bytes[8], 0, "no more than it was told");
	data = 0;
	check_eq(bus_access(&bus, 0x2004, &data, 2, false), 0);
	check_eq(data, 0x7788);
	memory.ret = -EIO;
	check_eq(bus_access(&bus, 0x2004, &data, 2, false), -EIO);
	check_eq(bus_access(&bus, 0x2004, &data, 2, true), -EIO);
}

Test(bus, accesses_of_regions_that_cannot_fail, .init = setup)
{
	uint64_t data = 0xffff0042;

	check_eq(bus_access(&bus, 0x1004, &data, 2, true), 0);
	check_eq(low.value, 0x42);
	check_eq(low.offset, 4);
	check_eq(bus_access(&bus, 0x1004, &data, 1, false), 0);
	check_eq(data, 0xffff0034);
	check_eq(bus_access(&bus, 0x3000, &data, 8, false), 0, "nobody");
	check_eq(data, UINT64_MAX);
	check_eq(bus_access(&bus, 0x3000, &data, 8, true), 0);
}

/* Registers of 16 bytes, stores to which and loads of whose upper half are the loop's. */
struct registers {
	struct bus_region region;
	uint8_t bytes[16];
	pthread_t made_on;
	unsigned asked_size, made;
	int ret;
};

static struct driver_host host;
static struct registers registers;
static pthread_t loop_thread;

static void note_thread(struct registers *r)
{
	r->made_on = pthread_self();
	r->made++;
}

static uint64_t registers_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	struct registers *r = container_of(region, struct registers, region);
	uint64_t value = 0;

	note_thread(r);
	memcpy(&value, r->bytes + offset, size);
	return value;
}

static void registers_write(struct bus_region *region, uint64_t offset, unsigned size,
			    uint64_t value)
{
	struct registers *r = container_of(region, struct registers, region);

	note_thread(r);
	memcpy(r->bytes + offset, &value, size);
}

static int registers_access(struct bus_region *region, uint64_t offset, void *data, unsigned size,
			    bool write)
{
	struct registers *r = container_of(region, struct registers, region);

	note_thread(r);
	if (r->ret < 0)
		return r->ret;
	memcpy(write ? r->bytes + offset : data, write ? data : r->bytes + offset, size);
	return 0;
}

static bool is_store_or_high(struct bus_region *region, uint64_t offset, unsigned size, bool write)
{
	container_of(region, struct registers, region)->asked_size = size;
	return write || offset >= 8;
}

static const struct bus_ops by_value = {
	.read = registers_read,
	.write = registers_write,
	.thread = BUS_ASK,
	.needs_loop = is_store_or_high,
};
static const struct bus_ops by_access = {
	.access = registers_access,
	.thread = BUS_ASK,
	.needs_loop = is_store_or_high,
};

static void plug_registers(const struct bus_ops *ops)
{
	driver_host_init(&host);
	loop_thread = pthread_self();
	registers = (struct registers){ .region = { 0x2000, 16, ops } };
	bus = (struct bus){ .loop = &host.loop };
	check_eq(bus_add(&bus, &registers.region), 0);
}

/* As a vCPU's thread, with the loop on another. */
static void use_registers(void *arg)
{
	uint64_t data = 0x8877665544332211;

	check_eq(bus_access(&bus, 0x2004, &data, 8, true), 0);
	cr_assert(pthread_equal(registers.made_on, loop_thread));
	check_eq(registers.asked_size, 8);
	/* It is made by now. */
	check_eq(registers.bytes[4], 0x11);
	check_eq(registers.bytes[11], 0x88);
	data = 0;
	check_eq(bus_access(&bus, 0x2006, &data, 2, false), 0);
	cr_assert(pthread_equal(registers.made_on, pthread_self()));
	check_eq(data, 0x4433);
	check_eq(bus_access(&bus, 0x2008, &data, 4, false), 0);
	cr_assert(pthread_equal(registers.made_on, loop_thread));
	check_eq(data, 0x88776655);
	check_eq(registers.made, 3);
}

Test(bus, who_needs_the_loop_gets_it)
{
	static const struct bus_ops *const ops[] = { &by_value, &by_access };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		plug_registers(ops[i]);
		driver_with_thread(&host, use_registers, NULL);
		driver_host_fini(&host);
	}
}

static bool made_on_loop(bool write)
{
	uint64_t data = 0;

	check_eq(bus_access(&bus, 0x2000, &data, 4, write), 0);
	return pthread_equal(registers.made_on, loop_thread);
}

static void load_and_store(void *arg)
{
	static const struct {
		bool load, store;
	} on_loop[] = {
		[BUS_ON_VCPU] = { false, false },
		[BUS_ON_LOOP] = { true, true },
		[BUS_STORES_ON_LOOP] = { false, true },
	};
	enum bus_thread thread = *(const enum bus_thread *)arg;

	check_eq(made_on_loop(false), on_loop[thread].load);
	check_eq(made_on_loop(true), on_loop[thread].store);
}

Test(bus, thread_of_a_region)
{
	for (enum bus_thread thread = BUS_ON_VCPU; thread < BUS_ASK; thread++) {
		const struct bus_ops ops = {
			.thread = thread,
			.read = registers_read,
			.write = registers_write,
		};

		plug_registers(&ops);
		driver_with_thread(&host, load_and_store, &thread);
		driver_host_fini(&host);
	}
}

static void fail_registers(void *arg)
{
	uint64_t data = 5;

	check_eq(bus_access(&bus, 0x2000, &data, 8, true), -EIO);
	check_eq(bus_access(&bus, 0x2008, &data, 8, false), -EIO);
	check_eq(data, 5);
}

Test(bus, failure_on_the_loop_is_the_access_own)
{
	plug_registers(&by_access);
	registers.ret = -EIO;
	driver_with_thread(&host, fail_registers, NULL);
	check_eq(registers.made, 2);
}

/* At the VM's end: nobody waits, and what needs no loop goes on. */
Test(bus, closed_loop_is_as_nobody)
{
	uint64_t data = 0;

	plug_registers(&by_access);
	event_loop_close(&host.loop);
	check_eq(bus_access(&bus, 0x2000, &data, 8, true), 0);
	check_eq(registers.made, 0);
	check_eq(bus_access(&bus, 0x2008, &data, 4, false), 0);
	check_eq(data, UINT32_MAX);
	check_eq(bus_access(&bus, 0x2000, &data, 4, false), 0);
	check_eq(data, 0);
	check_eq(registers.made, 1);
}
