// SPDX-License-Identifier: Apache-2.0
/*
 * Registers and queues, saved from one device and loaded into another. Start reading at
 * save_and_load.
 */
#include "devices/virtio/virtio_mmio_state.h"

#include "tests/support/driver.h"
#include "tests/support/state_file.h"
#include "vmm/base/container_of.h"

#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <sys/mman.h>

TestSuite(virtio_mmio_state, .timeout = 20);

#define VERSION_1 (1ULL << VIRTIO_F_VERSION_1)
#define OTHER_FEATURES (1ULL << 3 | 1ULL << 40)
#define FEATURES_OK 11
#define READY 15
#define BROKEN (READY | VIRTIO_CONFIG_S_NEEDS_RESET)
#define FILE_AT 0x40000000ULL

/* A device that takes what it is offered, and answers up to @answers chains. */
struct fake {
	struct virtio_device virtio;
	struct virtqueue queues[2];
	unsigned kicks[2], stops[2], answers;
	uint16_t heads[8]; /* of what it took, in order */
	unsigned n_heads;
	uint8_t config[4];
};

static struct driver_host host;
static struct fake from, to;
static struct driver saved, loaded; /* the drivers of these */
static struct state_file file;

static void fake_kick(struct virtio_device *dev, unsigned queue)
{
	struct fake *fake = container_of(dev, struct fake, virtio);
	struct virtqueue_chain chain;
	const char *why = NULL;

	fake->kicks[queue]++;
	while (virtqueue_pop(&dev->queues[queue], &chain, &why) > 0) {
		fake->heads[fake->n_heads++] = chain.head;
		if (!fake->answers)
			continue;
		fake->answers--;
		virtqueue_push(&dev->queues[queue], chain.head, 0);
		virtio_queue_used(dev, queue);
	}
	if (why)
		virtio_broken(dev, why);
}

static void fake_stop_queue(struct virtio_device *dev, unsigned queue)
{
	container_of(dev, struct fake, virtio)->stops[queue]++;
}

static const struct virtio_device_ops fake_ops = {
	.kick = fake_kick,
	.stop_queue = fake_stop_queue,
};

static void attach(struct fake *fake, struct driver *driver, uint64_t ring_at)
{
	*fake = (struct fake){
		.virtio = { .ops = &fake_ops,
			    .name = "fake",
			    .id = 42,
			    .features = VERSION_1 | OTHER_FEATURES,
			    .config = fake->config,
			    .config_size = sizeof(fake->config),
			    .queues = fake->queues,
			    .n_queues = 2 },
		.answers = UINT32_MAX,
		.config = { 1, 2, 3, 4 },
	};
	for (unsigned i = 0; i < 2; i++)
		virtqueue_init(&fake->queues[i], &host.mem);
	driver_attach(driver, &host, &fake->virtio, ring_at, 8);
}

static void setup(void)
{
	driver_host_init(&host);
	attach(&to, &loaded, 0x20000);
	attach(&from, &saved, 0x10000);
}

static void teardown(void)
{
	state_file_fini(&file);
	driver_detach(&saved);
	driver_detach(&loaded);
	driver_host_fini(&host);
}

static void save(void)
{
	state_file_save(&file);
	virtio_mmio_save(&saved.mmio, &file.writer);
}

static int load(void)
{
	state_file_load(&file);
	virtio_mmio_load(&loaded.mmio, &file.reader);
	return state_file_result(&file);
}

/* The state is saved from the one device and loaded into the other. */
static void save_and_load(void)
{
	save();
	check_eq(load(), 0, "%s", file.err.text);
	check_eq(memcmp(loaded.registers, saved.registers, sizeof(saved.registers)), 0);
	check_eq(to.virtio.driver_features, from.virtio.driver_features);
	check_eq(driver_interrupts(&loaded), 0, "not before all is loaded");
	check_eq(to.kicks[0] + to.kicks[1], 0);
}

static void offer(uint16_t head, uint64_t at)
{
	driver_ring_desc(&saved.ring, head, at, 8, 0, 0);
	driver_ring_offer(&saved.ring, head);
}

static void restored(void)
{
	virtio_mmio_restored(&loaded.mmio);
	driver_settle(&host);
}

Test(virtio_mmio_state, fresh_device, .init = setup, .fini = teardown)
{
	save_and_load();
	restored();
	check_eq(driver_interrupts(&loaded), 0);
	check_eq(to.kicks[0] + to.kicks[1], 0);
	driver_start(&loaded);
}

Test(virtio_mmio_state, each_step_of_a_driver, .init = setup, .fini = teardown)
{
	static const uint32_t steps[] = { 0x80, 1, 0x81, 3, 0x83, 11, 0x8b, 15, 0x8f, 0x4f, 0xcf };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		driver_reset(&saved);
		if (steps[i] & 4)
			driver_start(&saved);
		else if (steps[i] & 8)
			driver_negotiate(&saved);
		for (uint32_t bit = 1; bit < 8; bit <<= 1)
			driver_write(&saved, VIRTIO_MMIO_STATUS,
				     driver_read(&saved, VIRTIO_MMIO_STATUS) | (steps[i] & bit));
		if (steps[i] & VIRTIO_CONFIG_S_NEEDS_RESET)
			virtio_broken(&from.virtio, "for a test");
		if (steps[i] & VIRTIO_CONFIG_S_FAILED)
			driver_write(&saved, VIRTIO_MMIO_STATUS, steps[i]);
		check_eq(driver_read(&saved, VIRTIO_MMIO_STATUS), steps[i]);
		save_and_load();
		check_eq(driver_read(&loaded, VIRTIO_MMIO_STATUS), steps[i]);
	}
}

Test(virtio_mmio_state, features_and_selectors, .init = setup, .fini = teardown)
{
	driver_write(&saved, VIRTIO_MMIO_STATUS, 1);
	driver_write(&saved, VIRTIO_MMIO_STATUS, 3);
	driver_set_features(&saved, VERSION_1 | 1ULL << 40);
	driver_write(&saved, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	driver_write(&saved, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	driver_write(&saved, VIRTIO_MMIO_QUEUE_SEL, 1);
	save_and_load();
	check_eq(driver_read(&loaded, VIRTIO_MMIO_DEVICE_FEATURES), 1 << 8 | 1);
	check_eq(driver_read(&loaded, VIRTIO_MMIO_QUEUE_NUM_MAX), VIRTQUEUE_MAX_SIZE);
	/* The selectors are those of the saved device: this one goes to the low word. */
	driver_write(&loaded, VIRTIO_MMIO_DRIVER_FEATURES, 1 << 3);
	driver_write(&loaded, VIRTIO_MMIO_STATUS, FEATURES_OK);
	check_eq(to.virtio.driver_features, VERSION_1 | OTHER_FEATURES);
	driver_write(&loaded, VIRTIO_MMIO_QUEUE_NUM, 8);
	check_eq(to.queues[1].setup.size, 8);
	/* A bit above 63 was asked for, and still is. */
	driver_write(&saved, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	driver_write(&saved, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	save_and_load();
	driver_write(&loaded, VIRTIO_MMIO_STATUS, FEATURES_OK);
	check_eq(driver_read(&loaded, VIRTIO_MMIO_STATUS), 3);
}

Test(virtio_mmio_state, queue_that_is_being_set_up, .init = setup, .fini = teardown)
{
	driver_negotiate(&saved);
	driver_program_queue(&saved);
	driver_write(&saved, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0xfffffff0);
	save_and_load();
	check_eq(memcmp(&to.queues[0].setup, &from.queues[0].setup, sizeof(to.queues[0].setup)), 0);
	driver_write(&loaded, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
	driver_write(&loaded, VIRTIO_MMIO_QUEUE_READY, 1);
	check_eq(driver_read(&loaded, VIRTIO_MMIO_QUEUE_READY), 1);
}

Test(virtio_mmio_state, a_ring_goes_on, .init = setup, .fini = teardown)
{
	driver_start(&saved);
	for (uint16_t i = 0; i < 8; i++)
		offer(i, 0x200000);
	driver_ring_doorbell(&saved, 0);
	driver_settle(&host);
	check_eq(le16toh(saved.ring.used->idx), 8);
	driver_ring_offer(&saved.ring, 5);
	save_and_load();
	check_eq(driver_read(&loaded, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	/* The doorbell for it is lost, and found again. */
	restored();
	check_eq(to.kicks[0], 1);
	check_eq(to.kicks[1], 0, "this queue was never set up");
	check_eq(to.n_heads, 1);
	check_eq(to.heads[0], 5);
	check_eq(le16toh(saved.ring.used->idx), 9);
	check_eq(driver_interrupts(&loaded), 2, "one for what was lost, one for the answer");
}

Test(virtio_mmio_state, what_is_in_flight_is_taken_again, .init = setup, .fini = teardown)
{
	driver_start(&saved);
	from.answers = 2;
	for (uint16_t i = 0; i < 5; i++)
		offer(i, 0x200000);
	driver_ring_doorbell(&saved, 0);
	driver_settle(&host);
	check_eq(from.n_heads, 5);
	save_and_load();
	restored();
	check_eq(to.n_heads, 3);
	for (uint16_t i = 0; i < 3; i++)
		check_eq(to.heads[i], i + 2);
	check_eq(le16toh(saved.ring.used->idx), 5);
}

/* The rings' counters wrap while something is in flight. */
Test(virtio_mmio_state, indices_wrap, .init = setup, .fini = teardown)
{
	driver_start(&saved);
	from.queues[0].last_avail = from.queues[0].used_idx = 0xffff;
	saved.ring.avail->idx = htole16(0xffff);
	saved.ring.used->idx = htole16(0xffff);
	from.answers = 0;
	offer(3, 0x200000);
	offer(4, 0x200000);
	driver_ring_doorbell(&saved, 0);
	driver_settle(&host);
	check_eq(from.queues[0].last_avail, 1);
	save_and_load();
	restored();
	check_eq(to.n_heads, 2);
	check_eq(le16toh(saved.ring.used->idx), 1);
}

Test(virtio_mmio_state, pages_that_are_being_fetched, .init = setup, .fini = teardown)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check_eq(guest_memory_add(&host.mem, gpa(FILE_AT), 4096, map, GUEST_PMEM), 0);
	driver_start(&saved);
	driver_hold_fetches();
	offer(2, FILE_AT);
	driver_ring_doorbell(&saved, 0);
	driver_settle(&host);
	check_eq(driver_fetches_held(), 1);
	check_eq(from.n_heads, 0);
	save_and_load();
	restored();
	check_eq(driver_fetches_held(), 2, "it begins again");
	driver_fetch_finish(0);
	driver_fetch_finish(0);
	check_eq(to.n_heads, 1);
	check_eq(to.heads[0], 2);
	check_eq(le16toh(saved.ring.used->idx), 1);
	munmap(map, 4096);
}

Test(virtio_mmio_state, every_queue_and_one_interrupt, .init = setup, .fini = teardown)
{
	driver_start(&saved);
	driver_ring_init(&saved.ring, host.ram, 0x30000, 16);
	from.queues[1].setup = (struct virtqueue_setup){ 16, 0x30000, 0x31000, 0x32000 };
	driver_write(&saved, VIRTIO_MMIO_QUEUE_SEL, 1);
	driver_write(&saved, VIRTIO_MMIO_QUEUE_READY, 1);
	save_and_load();
	restored();
	check_eq(to.kicks[0], 1);
	check_eq(to.kicks[1], 1);
	check_eq(driver_interrupts(&loaded), 1);
	check_eq(driver_read(&loaded, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
}

Test(virtio_mmio_state, broken_device, .init = setup, .fini = teardown)
{
	driver_start(&saved);
	virtio_broken(&from.virtio, "for a test");
	save_and_load();
	restored();
	check_eq(driver_read(&loaded, VIRTIO_MMIO_STATUS), BROKEN);
	check_eq(to.kicks[0], 0);
	check_eq(driver_interrupts(&loaded), 1, "the driver may not know that it is broken");
	driver_reset(&loaded);
	driver_start(&loaded);
}

Test(virtio_mmio_state, load_over_a_device_in_use, .init = setup, .fini = teardown)
{
	driver_start(&loaded);
	to.answers = 0;
	driver_ring_desc(&loaded.ring, 1, 0x200000, 8, 0, 0);
	driver_ring_offer(&loaded.ring, 1);
	driver_ring_doorbell(&loaded, 0);
	driver_settle(&host);
	check_eq(to.n_heads, 1);
	to.kicks[0] = to.n_heads = 0;
	save_and_load();
	check_eq(to.stops[0], 1);
	check_eq(to.stops[1], 1);
	driver_start(&saved);
	offer(1, 0x200000);
	from.answers = 0;
	save_and_load();
	restored();
	check_eq(to.n_heads, 1, "head 1 is not in flight any more");
}

/* A model may load it after the transport. */
Test(virtio_mmio_state, configuration_is_shown_anew, .init = setup, .fini = teardown)
{
	save_and_load();
	to.config[3] = 9;
	check_eq(driver_read(&loaded, VIRTIO_MMIO_CONFIG), 0x04030201);
	restored();
	check_eq(driver_read(&loaded, VIRTIO_MMIO_CONFIG), 0x09030201);
}

/* Where things are in the file: this is the format of version 1. */
enum {
	STATUS = 0,
	INTERRUPT_STATUS = 4,
	DRIVER_FEATURES = 20,
	BEYOND = 28,
	N_QUEUES = 29,
	QUEUE = 33,
	SIZE = QUEUE,
	DESC = QUEUE + 2,
	DRIVER = QUEUE + 10,
	DEVICE = QUEUE + 18,
	QUEUE_READY = QUEUE + 26,
	NEXT_ENTRY = QUEUE + 27,
	QUEUE_BYTES = 29,
	SECTION = QUEUE + 2 * QUEUE_BYTES,
};

static void change_state(unsigned at, uint64_t value, unsigned bytes)
{
	size_t len;
	uint8_t *section = state_file_bytes(&file, &len);

	check_eq(len, SECTION);
	for (unsigned i = 0; i < bytes; i++)
		section[at + i] = (uint8_t)(value >> 8 * i);
}

/* Of a device whose status is @status, with queue 0 ready if it can be. */
static void save_at(uint32_t status)
{
	driver_reset(&saved);
	if (status == READY)
		driver_start(&saved);
	else if (status == FEATURES_OK)
		driver_negotiate(&saved);
	save();
	if (status != READY && status != FEATURES_OK)
		change_state(STATUS, status, 4);
}

static void check_reset(void)
{
	check_eq(driver_read(&loaded, VIRTIO_MMIO_STATUS), 0);
	check_eq(driver_read(&loaded, VIRTIO_MMIO_QUEUE_READY), 0);
	check_eq(to.queues[0].ready, false);
	check_eq(to.virtio.driver_features, 0);
	restored();
	check_eq(driver_interrupts(&loaded), 0);
	check_eq(to.kicks[0], 0);
}

/*
 * bad input: Snapshots: a snapshot with a device status, an interrupt status or features that no
 * driver can set -> refused
 * bad input: Snapshots: a snapshot with a queue whose size, index or address no driver can set ->
 * refused
 * bad input: Snapshots: a snapshot with another number of queues than the device has -> refused
 */
Test(virtio_mmio_state, values_that_no_driver_can_set, .init = setup, .fini = teardown)
{
	static const struct {
		const char *name;
		uint32_t status;
		unsigned at, bytes;
		uint64_t value;
		bool accepted;
	} cases[] = {
		{ "as it was", READY, STATUS, 4, READY, true },
		{ "unknown status bit", READY, STATUS, 4, READY | 0x10, false },
		{ "unknown high status bit", READY, STATUS, 4, READY | 1u << 31, false },
		{ "DRIVER alone", 0, STATUS, 4, 2, false },
		{ "FEATURES_OK without DRIVER", 0, STATUS, 4, 9, false },
		{ "DRIVER_OK without FEATURES_OK", 0, STATUS, 4, 7, false },
		{ "NEEDS_RESET alone", 0, STATUS, 4, 0x40, false },
		{ "NEEDS_RESET before FEATURES_OK", 0, STATUS, 4, 0x43, false },
		{ "NEEDS_RESET after it", FEATURES_OK, STATUS, 4, 0x4b, true },
		{ "FAILED alone", 0, STATUS, 4, 0x80, true },
		{ "used buffer before DRIVER_OK", FEATURES_OK, INTERRUPT_STATUS, 4, 1, false },
		{ "used buffer", READY, INTERRUPT_STATUS, 4, 1, true },
		{ "configuration change without a reason", READY, INTERRUPT_STATUS, 4, 2, false },
		{ "unknown interrupt bit", READY, INTERRUPT_STATUS, 4, 4, false },
		{ "features before DRIVER", 1, DRIVER_FEATURES, 8, VERSION_1, false },
		{ "bits above 63 before DRIVER", 1, BEYOND, 1, 1, false },
		{ "bits above 63", 3, BEYOND, 1, 1, true },
		{ "neither true nor false", 3, BEYOND, 1, 2, false },
		{ "any features while they are chosen", 3, DRIVER_FEATURES, 8, ~0ULL, true },
		{ "features without VERSION_1", READY, DRIVER_FEATURES, 8, 8, false },
		{ "features not offered", READY, DRIVER_FEATURES, 8, VERSION_1 | 1 << 4, false },
		{ "other features", READY, DRIVER_FEATURES, 8, VERSION_1 | 1 << 3, true },
		{ "bits above 63, accepted", READY, BEYOND, 1, 1, false },
		{ "no queue", READY, N_QUEUES, 4, 0, false },
		{ "one queue less", READY, N_QUEUES, 4, 1, false },
		{ "one queue more", READY, N_QUEUES, 4, 3, false },
		{ "many queues", READY, N_QUEUES, 4, 0xffffffff, false },
		{ "size before FEATURES_OK", 3, SIZE, 2, 8, false },
		{ "descriptors before FEATURES_OK", 3, DESC, 8, 0x10000, false },
		{ "avail ring before FEATURES_OK", 3, DRIVER, 8, 0x10000, false },
		{ "used ring before FEATURES_OK", 3, DEVICE, 8, 0x10000, false },
		{ "ready before FEATURES_OK", 3, QUEUE_READY, 1, 1, false },
		{ "set up, not ready", FEATURES_OK, SIZE, 2, 3, true },
		{ "size of 0", READY, SIZE, 2, 0, false },
		{ "size that is no power of two", READY, SIZE, 2, 6, false },
		{ "size beyond the most", READY, SIZE, 2, 512, false },
		{ "size beyond the most, not ready", FEATURES_OK, SIZE, 2, 512, false },
		{ "descriptors misaligned", READY, DESC, 8, 0x10008, false },
		{ "descriptors outside of RAM", READY, DESC, 8, DRIVER_RAM_SIZE - 16, false },
		{ "descriptors at the end of memory", READY, DESC, 8, ~0ULL - 15, false },
		{ "avail ring outside of RAM", READY, DRIVER, 8, DRIVER_RAM_SIZE, false },
		{ "used ring misaligned", READY, DEVICE, 8, 0x12002, false },
		{ "used ring outside of RAM", READY, DEVICE, 8, 1ULL << 40, false },
		{ "ready, and nothing set up", READY, QUEUE + QUEUE_BYTES + 26, 1, 1, false },
		{ "neither ready nor not", READY, QUEUE_READY, 1, 2, false },
		{ "any index", READY, NEXT_ENTRY, 2, 0xffff, true },
		{ "index without DRIVER_OK", FEATURES_OK, NEXT_ENTRY, 2, 1, false },
		{ "index, not ready", READY, QUEUE + QUEUE_BYTES + 27, 2, 1, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		save_at(cases[i].status);
		change_state(cases[i].at, cases[i].value, cases[i].bytes);
		if (cases[i].accepted) {
			check_eq(load(), 0, "%s: %s", cases[i].name, file.err.text);
			continue;
		}
		cr_assert(load() < 0, "%s", cases[i].name);
		check_reset();
	}
}

/* The same for a ring that begins in RAM and ends elsewhere, or lies in a file. */
Test(virtio_mmio_state, ring_in_a_file, .init = setup, .fini = teardown)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check_eq(guest_memory_add(&host.mem, gpa(FILE_AT), 4096, map, GUEST_PMEM), 0);
	save_at(READY);
	change_state(DEVICE, FILE_AT, 8);
	check_eq(load(), -EINVAL);
	check_contains(file.err.text, "has a queue 0 whose size or ring address is not valid");
	munmap(map, 4096);
}

/* A queue is ready, and nothing of it was used. */
Test(virtio_mmio_state, index_before_the_driver_is_ready, .init = setup, .fini = teardown)
{
	driver_negotiate(&saved);
	driver_setup_queue(&saved);
	save_and_load();
	save();
	change_state(NEXT_ENTRY, 1, 2);
	check_eq(load(), -EINVAL);
	check_contains(file.err.text, "has a queue 0 with values that cannot be with the device "
				      "status 0xb");
	check_reset();
}

/*
 * bad input: Snapshots: a snapshot with a ring whose saved index is far from the one in guest
 * memory -> the VM is restored, and the device has DEVICE_NEEDS_RESET
 */
Test(virtio_mmio_state, index_far_from_the_ring, .init = setup, .fini = teardown)
{
	save_at(READY);
	change_state(NEXT_ENTRY, 0x8000, 2);
	check_eq(load(), 0);
	restored();
	check_eq(driver_read(&loaded, VIRTIO_MMIO_STATUS), BROKEN);
	driver_reset(&loaded);
	driver_start(&loaded);
}

Test(virtio_mmio_state, messages, .init = setup, .fini = teardown)
{
	save_at(READY);
	change_state(STATUS, 7, 4);
	check_eq(load(), -EINVAL);
	check_str(file.err.text, "state: section device: has the device status 0x7, which no "
				 "driver can set; save the VM again");
	save_at(READY);
	change_state(DRIVER_FEATURES, 1, 8);
	check_eq(load(), -ENOTSUP);
	check_str(file.err.text, "state: section device: has a driver with the features 0x1, and "
				 "the device offers 0x10100000008; restore it with the mvmm that "
				 "saved it");
	save_at(READY);
	change_state(N_QUEUES, 1, 4);
	check_eq(load(), -EINVAL);
	check_str(file.err.text, "state: section device: has 1 queues, and the device has 2; "
				 "restore it with the mvmm that saved it");
}

Test(virtio_mmio_state, truncated, .init = setup, .fini = teardown)
{
	driver_start(&saved);
	state_file_save(&file);
	state_writer_u32(&file.writer, READY);
	check_eq(load(), -EINVAL);
	check_reset();
}

/* What is accepted is what would be saved again: nothing of the file is ignored. */
Test(virtio_mmio_state, each_byte_changed, .init = setup, .fini = teardown)
{
	uint8_t before[SECTION];
	uint8_t *section;
	size_t len;

	for (unsigned i = 0; i < SECTION * 255; i++) {
		save_at(READY);
		section = state_file_bytes(&file, &len);
		section[i / 255] ^= (uint8_t)(i % 255 + 1);
		memcpy(before, section, SECTION);
		if (load() < 0)
			continue;
		state_file_save(&file);
		virtio_mmio_save(&loaded.mmio, &file.writer);
		section = state_file_bytes(&file, &len);
		check_eq(memcmp(section, before, SECTION), 0, "byte %u", i / 255);
	}
}
