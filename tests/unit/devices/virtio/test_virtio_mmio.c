// SPDX-License-Identifier: Apache-2.0
/* The register file against drivers in every wrong order, with a device that only counts. */
#include "devices/virtio/virtio_mmio.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "vmm/base/container_of.h"

#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

TestSuite(virtio_mmio, .timeout = 10);

#define ACK VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER VIRTIO_CONFIG_S_DRIVER
#define FEATURES_OK VIRTIO_CONFIG_S_FEATURES_OK
#define DRIVER_OK VIRTIO_CONFIG_S_DRIVER_OK
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET
#define FAILED VIRTIO_CONFIG_S_FAILED

#define VERSION_1 (1ULL << VIRTIO_F_VERSION_1)
#define OTHER_FEATURES (1ULL << 3 | 1ULL << 40)

struct fake {
	struct virtio_device virtio;
	struct virtqueue queues[2];
	unsigned kicks[2], stops[2];
	bool break_at_kick;
	uint8_t config[12];
};

static struct driver_host host;
static struct fake fake;
static struct driver driver;

static struct fake *fake_of(struct virtio_device *dev)
{
	return container_of(dev, struct fake, virtio);
}

static void fake_kick(struct virtio_device *dev, unsigned queue)
{
	cr_assert(queue < dev->n_queues && dev->queues[queue].ready);
	fake_of(dev)->kicks[queue]++;
	if (fake_of(dev)->break_at_kick)
		virtio_broken(dev, "a rule was broken");
}

static void fake_stop_queue(struct virtio_device *dev, unsigned queue)
{
	cr_assert(queue < dev->n_queues);
	fake_of(dev)->stops[queue]++;
}

static const struct virtio_device_ops fake_ops = {
	.kick = fake_kick,
	.stop_queue = fake_stop_queue,
};

static void attach(unsigned n_queues)
{
	driver_host_init(&host);
	fake = (struct fake){
		.virtio = { .ops = &fake_ops,
			    .name = "fake",
			    .id = 42,
			    .features = VERSION_1 | OTHER_FEATURES,
			    .config = fake.config,
			    .config_size = sizeof(fake.config),
			    .queues = fake.queues,
			    .n_queues = n_queues },
		.config = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
	};
	for (unsigned i = 0; i < n_queues; i++)
		virtqueue_init(&fake.queues[i], &host.mem);
	driver_attach(&driver, &host, &fake.virtio, 0x10000, 8);
}

static void setup(void)
{
	attach(1);
}

static uint32_t status(void)
{
	return driver_read(&driver, VIRTIO_MMIO_STATUS);
}

/* A device in which every step up to @steps has been taken, in a fresh state. */
static void bring_to(uint32_t steps)
{
	driver_reset(&driver);
	if (steps & ACK)
		driver_write(&driver, VIRTIO_MMIO_STATUS, ACK);
	if (steps & DRIVER)
		driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER);
	if (steps & FEATURES_OK) {
		driver_set_features(&driver, VERSION_1);
		driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	}
	if (steps & DRIVER_OK) {
		driver_setup_queue(&driver);
		driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	}
	if (steps & FAILED)
		driver_write(&driver, VIRTIO_MMIO_STATUS, steps);
	if (steps & NEEDS_RESET)
		virtio_broken(&fake.virtio, "for a test");
	check_eq(status(), steps);
}

Test(virtio_mmio, identity, .init = setup)
{
	check_eq(driver_read(&driver, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	check_eq(driver_read(&driver, VIRTIO_MMIO_VERSION), 2);
	check_eq(driver_read(&driver, VIRTIO_MMIO_DEVICE_ID), 42);
	check_eq(driver_read(&driver, VIRTIO_MMIO_VENDOR_ID), VIRTIO_MMIO_VENDOR);
	check_eq(driver_read(&driver, VIRTIO_MMIO_CONFIG_GENERATION), 0);
	check_eq(status(), 0);
}

Test(virtio_mmio, there_is_no_shared_memory, .init = setup)
{
	for (uint32_t sel = 0; sel < 2; sel++) {
		driver_write(&driver, VIRTIO_MMIO_SHM_SEL, sel);
		check_eq(driver_read(&driver, VIRTIO_MMIO_SHM_LEN_LOW), 0xffffffff);
		check_eq(driver_read(&driver, VIRTIO_MMIO_SHM_LEN_HIGH), 0xffffffff);
		check_eq(driver_read(&driver, VIRTIO_MMIO_SHM_BASE_LOW), 0xffffffff);
		check_eq(driver_read(&driver, VIRTIO_MMIO_SHM_BASE_HIGH), 0xffffffff);
	}
}

/* bad input: Features: DeviceFeaturesSel is 2 or more -> DeviceFeatures reads 0 */
Test(virtio_mmio, device_features, .init = setup)
{
	static const struct {
		uint32_t sel, features;
	} cases[] = {
		{ 0, 1 << 3 },	   { 1, 1 << 8 | 1 },
		{ 2, 0 },	   { 32, 0 }, /* x86 shifts by the remainder of 64 */
		{ 64, 0 },	   { 0xffffffff, 0 },
		{ 0x80000000, 0 }, { 0x80000001, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		driver_write(&driver, VIRTIO_MMIO_DEVICE_FEATURES_SEL, cases[i].sel);
		check_eq(driver_read(&driver, VIRTIO_MMIO_DEVICE_FEATURES), cases[i].features,
			 "sel %u", cases[i].sel);
	}
}

/*
 * bad input: Features: the driver accepts features that the device did not offer: below bit 32,
 * above it, and above bit 63 -> FEATURES_OK stays clear
 * bad input: Features: the driver does not accept VIRTIO_F_VERSION_1 -> FEATURES_OK stays clear
 * bad input: Features: the driver sets feature bits with a DriverFeaturesSel of 2 or more ->
 * FEATURES_OK stays clear
 */
Test(virtio_mmio, negotiation, .init = setup)
{
	static const struct {
		const char *name;
		uint64_t features;
		uint32_t beyond_sel, beyond;
		bool accepted;
	} cases[] = {
		{ "VERSION_1", VERSION_1, 2, 0, true },
		{ "all that is offered", VERSION_1 | OTHER_FEATURES, 2, 0, true },
		{ "none", 0, 2, 0, false },
		{ "all but VERSION_1", OTHER_FEATURES, 2, 0, false },
		{ "a low bit that was not offered", VERSION_1 | 1ULL << 4, 2, 0, false },
		{ "a high bit that was not offered", VERSION_1 | 1ULL << 33, 2, 0, false },
		{ "indirect descriptors", VERSION_1 | 1ULL << 28, 2, 0, false },
		{ "event indices", VERSION_1 | 1ULL << 29, 2, 0, false },
		{ "every bit", ~0ULL, 2, 0, false },
		{ "a bit above 63", VERSION_1, 2, 1, false },
		{ "a bit far above 63", VERSION_1, 0xffffffff, 0x80000000, false },
		{ "a shift of 64 that wraps", VERSION_1, 0x80000000, 1 << 3, false },
		{ "VERSION_1 after all that", VERSION_1, 2, 0, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t expected = ACK | DRIVER | (cases[i].accepted ? FEATURES_OK : 0);

		/* Once accepted, it is acceptable after a reset as well. */
		for (unsigned round = 0; round < 2; round++) {
			bring_to(ACK | DRIVER);
			driver_set_features(&driver, cases[i].features);
			driver_write(&driver, VIRTIO_MMIO_DRIVER_FEATURES_SEL, cases[i].beyond_sel);
			driver_write(&driver, VIRTIO_MMIO_DRIVER_FEATURES, cases[i].beyond);
			driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
			check_eq(status(), expected, "%s", cases[i].name);
			check_eq(fake.virtio.driver_features,
				 cases[i].accepted ? cases[i].features : 0, "%s", cases[i].name);
		}
	}
}

Test(virtio_mmio, refused_features_can_be_mended, .init = setup)
{
	bring_to(ACK | DRIVER);
	driver_set_features(&driver, ~0ULL);
	driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	check_eq(status(), ACK | DRIVER);
	driver_set_features(&driver, VERSION_1);
	driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	check_eq(status(), ACK | DRIVER | FEATURES_OK);
}

/*
 * bad input: Features: the driver writes DriverFeatures before it sets DRIVER -> the write is
 * ignored
 */
Test(virtio_mmio, features_before_driver_are_ignored, .init = setup)
{
	bring_to(ACK);
	driver_set_features(&driver, VERSION_1);
	driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER);
	driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	check_eq(status(), ACK | DRIVER);
}

/*
 * bad input: Features: the driver writes DriverFeatures after FEATURES_OK -> the write is ignored
 */
Test(virtio_mmio, features_after_features_ok_are_ignored, .init = setup)
{
	bring_to(ACK | DRIVER | FEATURES_OK);
	driver_set_features(&driver, ~0ULL);
	driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	check_eq(driver.mmio.driver_features, VERSION_1);
	check_eq(fake.virtio.driver_features, VERSION_1);
}

/*
 * bad input: Status: the driver skips a step of the device status -> the status does not change
 * bad input: Status: the driver clears a bit of the device status without a reset -> the status
 * does not change
 * bad input: Status: the driver sets unknown bits of the device status, or DEVICE_NEEDS_RESET ->
 * these bits are not set
 * bad input: Status: the driver sets FAILED and then resets the device -> the status is 0
 */
Test(virtio_mmio, status_steps, .init = setup)
{
	const uint32_t up_to_features = ACK | DRIVER | FEATURES_OK;
	const uint32_t ready = up_to_features | DRIVER_OK;
	const struct {
		const char *name;
		uint32_t from, written, to;
	} cases[] = {
		{ "acknowledge", 0, ACK, ACK },
		{ "driver", ACK, ACK | DRIVER, ACK | DRIVER },
		{ "two steps at once", 0, ACK | DRIVER, ACK | DRIVER },
		{ "driver ready", up_to_features, ready, ready },
		{ "the same again", ready, ready, ready },

		{ "no acknowledge", 0, DRIVER, 0 },
		{ "no driver", ACK, ACK | FEATURES_OK, ACK },
		{ "no features", ACK | DRIVER, ACK | DRIVER | DRIVER_OK, ACK | DRIVER },
		{ "driver ready at once", 0, DRIVER_OK, 0 },
		{ "features at once", 0, FEATURES_OK, 0 },
		{ "all but acknowledge", 0, DRIVER | FEATURES_OK | DRIVER_OK, 0 },
		{ "all but driver", 0, ACK | FEATURES_OK | DRIVER_OK, ACK },

		{ "acknowledge cleared", ready, ready & ~ACK, ready },
		{ "driver cleared", ready, ready & ~DRIVER, ready },
		{ "features cleared", ready, ready & ~FEATURES_OK, ready },
		{ "driver ready cleared", ready, up_to_features, ready },
		{ "back to acknowledge", up_to_features, ACK, up_to_features },
		{ "cleared and set", ACK, DRIVER, ACK },

		{ "unknown bits", ready, ready | 0x30, ready },
		{ "only unknown bits", 0, 0x30, 0 },
		{ "high bits", ACK, 0xffffff00 | ACK | DRIVER, ACK | DRIVER },
		{ "needs-reset from the driver", ready, ready | NEEDS_RESET, ready },

		{ "failed at once", 0, FAILED, FAILED },
		{ "failed", ACK | DRIVER, ACK | DRIVER | FAILED, ACK | DRIVER | FAILED },
		{ "failed and another step", ACK, ACK | DRIVER | FAILED, ACK | FAILED },
		{ "failed without the rest", ready, FAILED, ready },
		{ "failed cleared", ACK | FAILED, ACK, ACK | FAILED },
		{ "on from failed", ACK | FAILED, ACK | FAILED | DRIVER, ACK | FAILED },
		{ "failed, then reset", ready | FAILED, 0, 0 },

		{ "broken, written back", ready | NEEDS_RESET, ready | NEEDS_RESET,
		  ready | NEEDS_RESET },
		{ "broken, needs-reset left out", ready | NEEDS_RESET, ready, ready | NEEDS_RESET },
		{ "broken, and on", up_to_features | NEEDS_RESET, ready, ready | NEEDS_RESET },
		{ "broken, then reset", ready | NEEDS_RESET, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bring_to(cases[i].from);
		driver_write(&driver, VIRTIO_MMIO_STATUS, cases[i].written);
		check_eq(status(), cases[i].to, "%s", cases[i].name);
	}
}

/* Whatever is written wherever: the steps stand without a gap, and nothing else is ever set. */
/*
 * bad input: Status: the driver writes each possible byte to the device status, in each state -> a
 * status bit is never set before those of the earlier steps, and none is cleared
 */
Test(virtio_mmio, status_after_every_byte_is_one_of_few, .init = setup)
{
	static const uint32_t from[] = { 0, 1, 3, 11, 15, 0x81, 0x8f, 0x43, 0x4f };

	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		for (uint32_t value = 1; value < 256; value++) {
			uint32_t steps;

			bring_to(from[i]);
			driver_write(&driver, VIRTIO_MMIO_STATUS, value);
			steps = status() & ~(uint32_t)(FAILED | NEEDS_RESET);
			cr_assert(steps == 0 || steps == 1 || steps == 3 || steps == 11 ||
					  steps == 15,
				  "0x%x, then 0x%x: 0x%x", from[i], value, status());
			check_eq(status() & from[i], from[i], "a bit went without a reset");
			check_eq(status() & NEEDS_RESET, from[i] & NEEDS_RESET);
		}
	}
}

Test(virtio_mmio, reset_forgets_everything, .init = setup)
{
	driver_start(&driver);
	virtio_queue_used(&fake.virtio, 0);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_SEL, 7);
	driver_write(&driver, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	driver_write(&driver, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	fake.stops[0] = 0;
	driver_reset(&driver);
	check_eq(fake.stops[0], 1);
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_NUM_MAX), VIRTQUEUE_MAX_SIZE);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0);
	check_eq(driver_read(&driver, VIRTIO_MMIO_DEVICE_FEATURES), 1 << 3);
	check_eq(fake.queues[0].setup.size, 0);
	check_eq(fake.queues[0].setup.desc, 0);
	check_eq(fake.virtio.driver_features, 0);
	/* Features of before are not there either. */
	driver_write(&driver, VIRTIO_MMIO_STATUS, ACK);
	driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER);
	driver_write(&driver, VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	check_eq(status(), ACK | DRIVER);
	driver_write(&driver, VIRTIO_MMIO_DRIVER_FEATURES, 1 << 3);
	check_eq(driver.mmio.driver_features, 1 << 3, "DriverFeaturesSel is 0");
}

/*
 * bad input: Status: the driver gives up (FAILED), resets the device and initializes it again ->
 * the device works as the first time
 */
Test(virtio_mmio, rebind, .init = setup)
{
	for (unsigned round = 1; round <= 3; round++) {
		driver_start(&driver);
		driver_ring_doorbell(&driver, 0);
		driver_settle(&host);
		cr_assert(fake.kicks[0] >= round);
		driver_write(&driver, VIRTIO_MMIO_STATUS, 15 | FAILED);
		driver_reset(&driver);
	}
}

/*
 * bad input: Setup: the driver writes queue registers before FEATURES_OK -> the writes are ignored
 */
Test(virtio_mmio, queue_registers_before_features_ok_are_ignored, .init = setup)
{
	static const uint32_t from[] = { 0, ACK, ACK | DRIVER };

	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		bring_to(from[i]);
		driver_program_queue(&driver);
		driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 1);
		check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0);
		check_eq(fake.queues[0].setup.size, 0);
		check_eq(fake.queues[0].setup.desc, 0);
		check_eq(fake.queues[0].setup.driver, 0);
		check_eq(fake.queues[0].setup.device, 0);
		check_eq(status(), from[i]);
	}
}

static const uint32_t queue_registers[] = {
	VIRTIO_MMIO_QUEUE_NUM,	     VIRTIO_MMIO_QUEUE_DESC_LOW,   VIRTIO_MMIO_QUEUE_DESC_HIGH,
	VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, VIRTIO_MMIO_QUEUE_USED_LOW,
	VIRTIO_MMIO_QUEUE_USED_HIGH,
};

static bool same_setup(const struct virtqueue_setup *a, const struct virtqueue_setup *b)
{
	return a->size == b->size && a->desc == b->desc && a->driver == b->driver &&
	       a->device == b->device;
}

/*
 * bad input: Setup: the driver writes queue registers while the queue is ready, before or after
 * DRIVER_OK -> the writes are ignored
 */
Test(virtio_mmio, queue_registers_of_a_ready_queue_are_ignored, .init = setup)
{
	static const uint32_t from[] = { ACK | DRIVER | FEATURES_OK,
					 ACK | DRIVER | FEATURES_OK | DRIVER_OK };

	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		struct virtqueue_setup before;

		bring_to(from[i]);
		if (!fake.queues[0].ready)
			driver_setup_queue(&driver);
		before = fake.queues[0].setup;
		for (size_t r = 0; r < ARRAY_SIZE(queue_registers); r++)
			driver_write(&driver, queue_registers[r], 0x40);
		driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 1);
		driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 3);
		cr_assert(same_setup(&before, &fake.queues[0].setup));
		check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 1);
		check_eq(status(), from[i]);
	}
}

/*
 * bad input: Setup: the driver writes queue registers of a device that needs a reset -> the writes
 * are ignored
 */
Test(virtio_mmio, queue_registers_of_a_broken_device_are_ignored, .init = setup)
{
	bring_to(ACK | DRIVER | FEATURES_OK | NEEDS_RESET);
	driver_program_queue(&driver);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 1);
	check_eq(fake.queues[0].setup.size, 0);
	check_eq(fake.queues[0].ready, false);
}

Test(virtio_mmio, queue_addresses_have_two_halves, .init = setup)
{
	bring_to(ACK | DRIVER | FEATURES_OK);
	for (size_t r = 0; r < ARRAY_SIZE(queue_registers); r++)
		driver_write(&driver, queue_registers[r], 0x10 + (uint32_t)r);
	check_eq(fake.queues[0].setup.size, 0x10);
	check_eq(fake.queues[0].setup.desc, 0x1200000011);
	check_eq(fake.queues[0].setup.driver, 0x1400000013);
	check_eq(fake.queues[0].setup.device, 0x1600000015);
	/* A half replaces only itself. */
	driver_write(&driver, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0);
	check_eq(fake.queues[0].setup.desc, 0x11);
	check_eq(fake.queues[0].setup.driver, 0x1400000000);
}

/*
 * bad input: Setup: QueueSel selects a queue that does not exist, also 2^31 and 2^32 - 1 ->
 * QueueNumMax and QueueReady read 0, and writes are ignored
 */
Test(virtio_mmio, second_queue_of_a_device_with_one, .init = setup)
{
	static const uint32_t sels[] = { 1, 2, 4, 64, 0x80000000, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(sels); i++) {
		bring_to(ACK | DRIVER | FEATURES_OK);
		driver_write(&driver, VIRTIO_MMIO_QUEUE_SEL, sels[i]);
		check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
		check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0);
		for (size_t r = 0; r < ARRAY_SIZE(queue_registers); r++)
			driver_write(&driver, queue_registers[r], 0x10000);
		driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 1);
		check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0);
		check_eq(fake.queues[0].setup.desc, 0);
		check_eq(fake.queues[1].setup.desc, 0);
		check_eq(status(), ACK | DRIVER | FEATURES_OK);
	}
}

/* Whatever is wrong with a queue, its device is broken, and works again after a reset. */
/*
 * bad input: Setup: the driver writes 1 to QueueReady with a bad size or bad rings -> QueueReady
 * reads 0, and the device has DEVICE_NEEDS_RESET; there is no interrupt before DRIVER_OK
 */
Test(virtio_mmio, bad_queue_breaks_the_device, .init = setup)
{
	static const struct {
		const char *name;
		uint32_t reg, value;
	} cases[] = {
		{ "size 0", VIRTIO_MMIO_QUEUE_NUM, 0 },
		{ "size no power of two", VIRTIO_MMIO_QUEUE_NUM, 7 },
		{ "size above the maximum", VIRTIO_MMIO_QUEUE_NUM, 512 },
		{ "size of more than 16 bits", VIRTIO_MMIO_QUEUE_NUM, 0x10008 },
		{ "desc misaligned", VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1008 },
		{ "avail misaligned", VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x1001 },
		{ "used misaligned", VIRTIO_MMIO_QUEUE_USED_LOW, 0x1002 },
		{ "desc outside", VIRTIO_MMIO_QUEUE_DESC_HIGH, 1 },
		{ "avail outside", VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 1 },
		{ "used outside", VIRTIO_MMIO_QUEUE_USED_HIGH, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bring_to(ACK | DRIVER | FEATURES_OK);
		driver_program_queue(&driver);
		driver_write(&driver, cases[i].reg, cases[i].value);
		driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 1);
		check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0, "%s", cases[i].name);
		check_eq(status(), ACK | DRIVER | FEATURES_OK | NEEDS_RESET, "%s", cases[i].name);
		/* Section 2.1.2: before DRIVER_OK there is no notification. */
		check_eq(driver_interrupts(&driver), 0, "%s", cases[i].name);
		driver_reset(&driver);
		driver_start(&driver);
	}
}

/* bad input: Setup: the driver writes neither 0 nor 1 to QueueReady -> the write is ignored */
Test(virtio_mmio, queue_ready_takes_0_and_1, .init = setup)
{
	static const uint32_t values[] = { 2, 3, 0x100, 0x80000000, 0xffffffff };

	bring_to(ACK | DRIVER | FEATURES_OK);
	driver_program_queue(&driver);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, values[i]);
		check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0);
	}
	check_eq(status(), ACK | DRIVER | FEATURES_OK);
}

/* As Linux does when a driver is removed. */
Test(virtio_mmio, queue_is_taken_down_while_the_driver_is_ready, .init = setup)
{
	driver_start(&driver);
	fake.stops[0] = fake.kicks[0] = 0;
	driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 0);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0);
	check_eq(fake.stops[0], 1);
	check_eq(status(), 15);
	driver_ring_doorbell(&driver, 0);
	driver_settle(&host);
	check_eq(fake.kicks[0], 0);
	/* The set-up stays, and the queue can come back. */
	driver_setup_queue(&driver);
	driver_ring_doorbell(&driver, 0);
	driver_settle(&host);
	check_eq(fake.kicks[0], 1);
}

Test(virtio_mmio, queue_of_a_broken_device_is_taken_down, .init = setup)
{
	bring_to(15 | NEEDS_RESET);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 0);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 1);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0, "only a reset mends it");
}

Test(virtio_mmio, doorbell_rings_through_the_loop, .init = setup)
{
	driver_start(&driver);
	fake.kicks[0] = 0;
	for (unsigned n = 1; n <= 10; n++) {
		driver_ring_doorbell(&driver, 0);
		driver_settle(&host);
		check_eq(fake.kicks[0], n);
	}
}

/* bad input: Doorbell: 10,000 doorbells at once -> the device looks at the queue once */
Test(virtio_mmio, doorbell_storm, .init = setup)
{
	driver_start(&driver);
	fake.kicks[0] = 0;
	for (unsigned n = 0; n < 10000; n++)
		driver_ring_doorbell(&driver, 0);
	driver_settle(&host);
	check_eq(fake.kicks[0], 1, "one look serves them all");
	driver_ring_doorbell(&driver, 0);
	driver_settle(&host);
	check_eq(fake.kicks[0], 2);
}

/*
 * bad input: Doorbell: a doorbell of a device before DRIVER_OK, of a queue that is not ready, or
 * of a device that needs a reset -> nothing happens
 */
Test(virtio_mmio, kicks_that_are_nothing, .init = setup)
{
	static const struct {
		const char *name;
		uint32_t status;
		bool queue_ready;
	} cases[] = {
		{ "in reset", 0, false },
		{ "acknowledged", 1, false },
		{ "driver", 3, false },
		{ "features", 11, false },
		{ "features and queue ready", 11, true },
		{ "queue not ready", 15, false },
		{ "broken", 0x4f, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bring_to(cases[i].status);
		if (cases[i].queue_ready && !fake.queues[0].ready)
			driver_setup_queue(&driver);
		if (!cases[i].queue_ready && fake.queues[0].ready)
			driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 0);
		fake.kicks[0] = 0;
		driver_ring_doorbell(&driver, 0);
		driver_settle(&host);
		driver_write(&driver, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
		check_eq(fake.kicks[0], 0, "%s", cases[i].name);
	}
}

/*
 * bad input: Status: the driver rings the doorbell just before DRIVER_OK -> the device looks at
 * the queue when DRIVER_OK comes
 */
Test(virtio_mmio, doorbell_before_driver_ok_is_looked_after, .init = setup)
{
	driver_negotiate(&driver);
	driver_setup_queue(&driver);
	driver_ring_doorbell(&driver, 0);
	driver_settle(&host);
	check_eq(fake.kicks[0], 0);
	driver_write(&driver, VIRTIO_MMIO_STATUS, 15);
	check_eq(fake.kicks[0], 1);
	/* Not again because the status is written again. */
	driver_write(&driver, VIRTIO_MMIO_STATUS, 15);
	check_eq(fake.kicks[0], 1);
}

/* bad input: Doorbell: a doorbell of a queue that does not exist -> nothing happens */
Test(virtio_mmio, notify_register, .init = setup)
{
	static const uint32_t not_there[] = { 1, 2, 64, 0x10000, 0x80000000, 0xffffffff };

	driver_start(&driver);
	fake.kicks[0] = 0;
	driver_write(&driver, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	check_eq(fake.kicks[0], 1);
	for (size_t i = 0; i < ARRAY_SIZE(not_there); i++)
		driver_write(&driver, VIRTIO_MMIO_QUEUE_NOTIFY, not_there[i]);
	check_eq(fake.kicks[0], 1);
	check_eq(fake.kicks[1], 0);
}

Test(virtio_mmio, two_queues)
{
	attach(2);
	driver_start(&driver);
	driver_ring_doorbell(&driver, 1);
	driver_settle(&host);
	check_eq(fake.kicks[1], 0, "queue 1 is not ready");
	driver_program_queue(&driver);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_SEL, 1);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_NUM, 8);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x20000);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x21000);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_USED_LOW, 0x22000);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 1);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 1);
	fake.kicks[0] = 0;
	driver_ring_doorbell(&driver, 1);
	driver_settle(&host);
	check_eq(fake.kicks[0], 0);
	check_eq(fake.kicks[1], 1);
	fake.stops[0] = fake.stops[1] = 0;
	driver_reset(&driver);
	check_eq(fake.stops[0], 1);
	check_eq(fake.stops[1], 1);
	check_eq(fake.queues[1].ready, false);
}

/*
 * bad input: Doorbell: the driver acknowledges all interrupts, pending or not (InterruptACK) -> the
 * next interrupt comes as usual
 */
Test(virtio_mmio, interrupts, .init = setup)
{
	driver_start(&driver);
	check_eq(driver_interrupts(&driver), 0);
	virtio_queue_used(&fake.virtio, 0);
	check_eq(driver_interrupts(&driver), 1);
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	/* A second one before the acknowledgement is another edge. */
	virtio_queue_used(&fake.virtio, 0);
	check_eq(driver_interrupts(&driver), 1);
	/* Held until a reset: KVM keeps its acknowledgement to itself, so it may do nothing.
	 */
	driver_write(&driver, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	driver_write(&driver, VIRTIO_MMIO_INTERRUPT_ACK, 0xffffffff);
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	virtio_queue_used(&fake.virtio, 0);
	check_eq(driver_interrupts(&driver), 1);
	driver_reset(&driver);
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

static void *use_a_queue(void *arg)
{
	virtio_queue_used(&fake.virtio, 0);
	return NULL;
}

/* What no interrupt may be lost by: a handler that runs for an edge finds the bit. */
Test(virtio_mmio, status_bit_comes_before_the_edge, .init = setup)
{
	pthread_t thread;

	driver_start(&driver);
	/* The edge waits until there is room in the eventfd. */
	check_eq(eventfd_write(driver.interrupt_fd, UINT64_MAX - 1), 0);
	check_eq(fcntl(driver.interrupt_fd, F_SETFL, 0), 0);
	check_eq(pthread_create(&thread, NULL, use_a_queue, NULL), 0);
	while (!__atomic_load_n(&driver.registers[VIRTIO_MMIO_INTERRUPT_STATUS / 4],
				__ATOMIC_ACQUIRE))
		sched_yield();
	check_eq(driver_interrupts(&driver), UINT64_MAX - 1, "and not yet the edge");
	pthread_join(thread, NULL);
	check_eq(driver_interrupts(&driver), 1);
}

Test(virtio_mmio, acknowledged_at_any_status, .init = setup)
{
	driver_start(&driver);
	virtio_queue_used(&fake.virtio, 0);
	virtio_broken(&fake.virtio, "for a test");
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS),
		 VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	driver_write(&driver, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS),
		 VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	driver_write(&driver, VIRTIO_MMIO_INTERRUPT_ACK,
		     VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	driver_reset(&driver);
	driver_write(&driver, VIRTIO_MMIO_INTERRUPT_ACK, 0xffffffff);
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

/*
 * bad input: Doorbell: the driver masks interrupts of a queue, and later unmasks them -> no
 * interrupt comes while they are masked, and one comes for what happens after
 */
Test(virtio_mmio, masked_interrupt, .init = setup)
{
	driver_start(&driver);
	driver.ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	virtio_queue_used(&fake.virtio, 0);
	check_eq(driver_interrupts(&driver), 0);
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	driver.ring.avail->flags = 0;
	virtio_queue_used(&fake.virtio, 0);
	check_eq(driver_interrupts(&driver), 1);
}

/*
 * bad input: Doorbell: doorbells of a device that has just broken, while the driver masks
 * interrupts of the queue -> one configuration interrupt in all, and then nothing until the reset
 */
Test(virtio_mmio, broken_device, .init = setup)
{
	driver_start(&driver);
	/* The mask is for used buffers, not for this. */
	driver.ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	fake.break_at_kick = true;
	fake.stops[0] = fake.kicks[0] = 0;
	driver_ring_doorbell(&driver, 0);
	driver_settle(&host);
	check_eq(status(), 15 | NEEDS_RESET);
	check_eq(fake.stops[0], 1);
	check_eq(driver_interrupts(&driver), 1);
	check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	/* It is broken once. */
	virtio_broken(&fake.virtio, "again");
	driver_ring_doorbell(&driver, 0);
	driver_settle(&host);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	check_eq(driver_interrupts(&driver), 0);
	check_eq(fake.kicks[0], 1);
	fake.break_at_kick = false;
	driver_reset(&driver);
	driver_start(&driver);
	driver_ring_doorbell(&driver, 0);
	driver_settle(&host);
	check_eq(fake.kicks[0], 3, "DRIVER_OK and the doorbell");
}

Test(virtio_mmio, broken_at_driver_ok, .init = setup)
{
	fake.break_at_kick = true;
	driver_negotiate(&driver);
	driver_setup_queue(&driver);
	driver_write(&driver, VIRTIO_MMIO_STATUS, 15);
	check_eq(status(), 15 | NEEDS_RESET);
	check_eq(driver_interrupts(&driver), 1);
}

/*
 * bad input: Setup: the driver writes registers with a width of 1, 2 or 8 bytes, or at an address
 * that is not aligned -> the writes are ignored
 */
Test(virtio_mmio, other_widths_and_alignments, .init = setup)
{
	static const unsigned sizes[] = { 1, 2, 8 };
	static uint32_t before[ARRAY_SIZE(driver.registers)];

	driver_start(&driver);
	virtio_broken(&fake.virtio, "for a bit that can be acknowledged");
	fake.kicks[0] = 0;
	memcpy(before, driver.registers, sizeof(before));
	for (uint64_t offset = 0; offset < 0x100; offset++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			virtio_mmio_write(&driver.mmio, offset, sizes[i], 0);
			virtio_mmio_write(&driver.mmio, offset, sizes[i], ~0ULL);
		}
		if (offset % 4) {
			virtio_mmio_write(&driver.mmio, offset, 4, 0);
			virtio_mmio_write(&driver.mmio, offset, 4, ~0ULL);
		}
	}
	check_eq(memcmp(before, driver.registers, sizeof(before)), 0);
	check_eq(driver.mmio.status, 15 | NEEDS_RESET);
	check_eq(fake.queues[0].ready, true);
	check_eq(fake.kicks[0], 0);
}

/* Everything that is not named in section 4.2.2, or not in this direction. */
/*
 * bad input: Setup: the driver reads or writes where there is no register, reads a write-only
 * register or writes a read-only one -> reads return 0, and writes are ignored
 */
Test(virtio_mmio, offsets_without_a_register, .init = setup)
{
	static const uint32_t readable[] = { 0x00, 0x04, 0x08, 0x0c, 0x10, 0x34, 0x44,
					     0x60, 0x70, 0xb0, 0xb4, 0xb8, 0xbc, 0xfc };
	static const uint32_t writable[] = { 0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x50, 0x64,
					     0x70, 0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4, 0xac };
	struct virtio_mmio before;

	driver_start(&driver);
	fake.kicks[0] = 0;
	for (uint32_t offset = 0; offset < 0x100; offset += 4) {
		bool skip_read = false, skip_write = false;

		for (size_t i = 0; i < ARRAY_SIZE(readable); i++)
			skip_read |= readable[i] == offset;
		for (size_t i = 0; i < ARRAY_SIZE(writable); i++)
			skip_write |= writable[i] == offset;
		if (!skip_read)
			check_eq(driver_read(&driver, offset), 0, "offset 0x%x", offset);
		if (skip_write)
			continue;
		before = driver.mmio;
		driver_write(&driver, offset, 0xffffffff);
		/* All but the log's count. */
		before.limit = driver.mmio.limit;
		cr_assert(memcmp(&before, &driver.mmio, sizeof(before)) == 0, "offset 0x%x",
			  offset);
	}
	check_eq(fake.kicks[0], 0);
	check_eq(fake.queues[0].ready, true);
}

/*
 * bad input: Setup: the driver writes to the configuration space, with any width at any place ->
 * the writes are ignored
 */
Test(virtio_mmio, configuration_space, .init = setup)
{
	static const uint8_t
		behind[sizeof(driver.registers) - VIRTIO_MMIO_CONFIG - sizeof(fake.config)];
	const uint8_t *config = (const uint8_t *)driver.registers + VIRTIO_MMIO_CONFIG;
	static const unsigned sizes[] = { 1, 2, 4, 8 };

	for (unsigned round = 0; round < 2; round++) {
		for (uint64_t offset = VIRTIO_MMIO_CONFIG; offset < 0x1000; offset += 8)
			for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
				virtio_mmio_write(&driver.mmio, offset, sizes[i], ~0ULL);
		check_eq(memcmp(config, fake.config, sizeof(fake.config)), 0);
		check_eq(memcmp(config + sizeof(fake.config), behind, sizeof(behind)), 0);
		/* Before the first step, and once the driver is ready. */
		if (round == 0)
			driver_start(&driver);
	}
}

/*
 * bad input: Status: the driver resets the device a thousand times, each time with a doorbell on
 * its way -> nothing from before a reset is seen after it
 */
Test(virtio_mmio, a_thousand_resets, .init = setup)
{
	for (unsigned n = 0; n < 1000; n++) {
		driver_start(&driver);
		driver_ring_doorbell(&driver, 0);
		virtio_queue_used(&fake.virtio, 0);
		if (n % 3 == 0)
			driver_settle(&host);
		driver_reset(&driver);
		check_eq(driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
		fake.kicks[0] = 0;
		driver_settle(&host);
		check_eq(fake.kicks[0], 0, "a doorbell of before the reset");
	}
}

/* bad input: Doorbell: a driver that makes 5,000 errors in a row -> only a few lines in the log */
Test(virtio_mmio, hostile_driver_does_not_flood_the_log, .init = setup)
{
	unsigned lines = 0;

	driver_log_capture();
	for (unsigned n = 0; n < 5000; n++)
		driver_write(&driver, 0xf0, n);
	for (const char *s = driver_log_text(); (s = strchr(s, '\n')); s++)
		lines++;
	cr_assert(lines >= 1 && lines <= 10, "%u lines", lines);
	check_contains(driver_log_text(), "fake: ignored a driver error");
}
