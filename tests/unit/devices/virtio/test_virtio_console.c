// SPDX-License-Identifier: Apache-2.0
/* virtio-console from doorbell to interrupt: output, input, what waits for what, what it refuses.
 */
#include "devices/virtio/virtio_console.h"

#include "devices/virtio/virtio_mmio_state.h"
#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/state_file.h"
#include "vmm/base/guarded_copy.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(virtio_console, .timeout = 10);

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define BUFFER 0x200000ULL

static struct driver_host host;
static struct driver driver;
static struct driver_ring output; /* queue 1; the driver's own is queue 0, input */
static struct virtio_console console;
static uint8_t *written; /* all that came out */
static unsigned n_written, room, asked;
static char typed[64];

static unsigned take_output(struct virtio_console *c, const uint8_t *bytes, unsigned len)
{
	cr_assert(len <= room, "%u bytes with room for %u", len, room);
	if (len)
		memcpy(written + n_written, bytes, len);
	n_written += len;
	room -= len;
	asked++;
	return room;
}

static unsigned give_input(struct virtio_console *c, uint8_t *bytes, unsigned max)
{
	unsigned n = (unsigned)strnlen(typed, max);

	memcpy(bytes, typed, n);
	memmove(typed, typed + n, strlen(typed + n) + 1);
	return n;
}

static const struct virtio_console_ops ops = { take_output, give_input };

static void start_driver(void)
{
	driver_negotiate(&driver);
	driver_setup_queue(&driver);
	driver_ring_init(&output, host.ram, 0x20000, 128);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_SEL, 1);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_NUM, output.size);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)output.desc_at);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)output.avail_at);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)output.used_at);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 1);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_READY), 1);
	driver_write(&driver, VIRTIO_MMIO_STATUS, 15);
	check_eq(driver_read(&driver, VIRTIO_MMIO_STATUS), 15);
	driver_interrupts(&driver);
}

static void setup(void)
{
	driver_host_init(&host);
	written = malloc(2 * DRIVER_RAM_SIZE);
	room = UINT32_MAX;
	virtio_console_init(&console, &ops, &host.loop, &host.mem);
	driver_attach(&driver, &host, &console.virtio, 0x10000, 64);
	start_driver();
}

static void teardown(void)
{
	driver_detach(&driver);
	driver_host_fini(&host);
	free(written);
}

static void kick(unsigned queue)
{
	driver_ring_doorbell(&driver, queue);
	driver_settle(&host);
}

static void offer_output(uint16_t i, uint64_t at, const char *text)
{
	memcpy(host.ram + at, text, strlen(text));
	driver_ring_desc(&output, i, at, (uint32_t)strlen(text), 0, 0);
	driver_ring_offer(&output, i);
}

static void offer_input_buffer(uint16_t i, uint64_t at, uint32_t len)
{
	driver_ring_desc(&driver.ring, i, at, len, WRITE, 0);
	driver_ring_offer(&driver.ring, i);
}

static unsigned used(const struct driver_ring *ring)
{
	return le16toh(ring->used->idx);
}

static void check_written(const char *text)
{
	check_eq(n_written, strlen(text));
	check_eq(memcmp(written, text, n_written), 0);
}

static void check_broken(void)
{
	cr_assert(driver_read(&driver, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

Test(virtio_console, presents_itself, .init = setup, .fini = teardown)
{
	check_eq(driver_read(&driver, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_CONSOLE);
	driver_write(&driver, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	check_eq(driver_read(&driver, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_SEL, 2);
	check_eq(driver_read(&driver, VIRTIO_MMIO_QUEUE_NUM_MAX), 0, "there are two queues");
}

Test(virtio_console, output, .init = setup, .fini = teardown)
{
	offer_output(3, BUFFER, "hello ");
	offer_output(5, BUFFER + 100, "world");
	kick(1);
	check_written("hello world");
	check_eq(used(&output), 2);
	check_eq(le32toh(output.used->ring[0].id), 3);
	check_eq(le32toh(output.used->ring[0].len), 0);
	check_eq(le32toh(output.used->ring[1].id), 5);
	check_eq(driver_interrupts(&driver), 1, "one for both");
}

Test(virtio_console, output_in_pieces_and_empty_ones, .init = setup, .fini = teardown)
{
	memcpy(host.ram + BUFFER, "abcdef", 6);
	driver_ring_desc(&output, 0, BUFFER, 2, NEXT, 1);
	driver_ring_desc(&output, 1, BUFFER, 0, NEXT, 2);
	driver_ring_desc(&output, 2, BUFFER + 2, 4, 0, 0);
	driver_ring_offer(&output, 0);
	driver_ring_desc(&output, 4, 0, 0, 0, 0);
	driver_ring_offer(&output, 4);
	kick(1);
	check_written("abcdef");
	check_eq(used(&output), 2);
}

/* More than one turn: the loop serves others in between, and all of it comes out in the end. */
Test(virtio_console, much_output_takes_turns, .init = setup, .fini = teardown)
{
	uint32_t len = 3 * VIRTIO_CONSOLE_TURN + 1000;

	for (uint32_t i = 0; i < len; i++)
		host.ram[BUFFER + i] = (uint8_t)(i % 251);
	driver_ring_desc(&output, 0, BUFFER, len, 0, 0);
	driver_ring_offer(&output, 0);
	console.virtio.ops->kick(&console.virtio, 1);
	check_eq(n_written, VIRTIO_CONSOLE_TURN);
	check_eq(used(&output), 0);
	driver_settle(&host);
	driver_settle(&host);
	check_eq(n_written, len);
	for (uint32_t i = 0; i < len; i++)
		check_eq(written[i], i % 251);
	check_eq(used(&output), 1);
}

/*
 * bad input: Doorbell: a driver of the console that offers empty output without end -> the device
 * takes 64 chains at a time, and other devices are served in between
 */
Test(virtio_console, empty_output_takes_turns_too, .init = setup, .fini = teardown)
{
	for (uint16_t i = 0; i < 128; i++) {
		driver_ring_desc(&output, i, 0, 0, 0, 0);
		driver_ring_offer(&output, i);
	}
	console.virtio.ops->kick(&console.virtio, 1);
	check_eq(used(&output), VIRTIO_CONSOLE_TURN / VIRTIO_CONSOLE_CHAIN);
	driver_settle(&host);
	check_eq(used(&output), 128);
	check_eq(n_written, 0);
}

Test(virtio_console, output_waits_for_room, .init = setup, .fini = teardown)
{
	room = 4;
	offer_output(0, BUFFER, "hello");
	offer_output(1, BUFFER + 100, "!");
	kick(1);
	check_written("hell");
	check_eq(used(&output), 0);
	check_eq(driver_interrupts(&driver), 0);
	kick(1);
	check_written("hell");
	room = 1;
	virtio_console_output_ready(&console);
	check_written("hello");
	check_eq(used(&output), 1);
	room = 100;
	virtio_console_output_ready(&console);
	check_written("hello!");
	check_eq(used(&output), 2);
	check_eq(driver_interrupts(&driver), 2);
	virtio_console_output_ready(&console);
	check_eq(used(&output), 2);
}

/* Neither a buffer that is held nor another one changes while the VM is saved. */
Test(virtio_console, waits_while_memory_is_saved, .init = setup, .fini = teardown)
{
	room = 2;
	offer_output(0, BUFFER, "abcd");
	kick(1);
	offer_input_buffer(7, BUFFER + 100, 3);
	kick(0);
	host.mem.frozen = true;
	room = 100;
	virtio_console_output_ready(&console);
	strcpy(typed, "x");
	virtio_console_input_ready(&console);
	check_written("ab");
	check_eq(used(&output), 0);
	check_eq(used(&driver.ring), 0);
	check_eq(host.ram[BUFFER + 100], 0);
	host.mem.frozen = false;
	kick(1);
	kick(0);
	check_written("abcd");
	check_eq(used(&output), 1);
	check_eq(host.ram[BUFFER + 100], 'x');
}

/* The guest cannot change what it sends once its buffers were taken: lengths and places are ours.
 */
Test(virtio_console, descriptors_are_read_once, .init = setup, .fini = teardown)
{
	room = 2;
	offer_output(0, BUFFER, "abcd");
	kick(1);
	driver_ring_desc(&output, 0, 0xdeadbeef000, 0xffffffff, WRITE, 0);
	room = 100;
	virtio_console_output_ready(&console);
	check_written("abcd");
	check_eq(used(&output), 1);
}

Test(virtio_console, input_waits_for_buffers, .init = setup, .fini = teardown)
{
	strcpy(typed, "hello");
	virtio_console_input_ready(&console);
	check_str(typed, "hello");
	offer_input_buffer(7, BUFFER, 3);
	kick(0);
	check_eq(used(&driver.ring), 1);
	check_eq(le32toh(driver.ring.used->ring[0].id), 7);
	check_eq(le32toh(driver.ring.used->ring[0].len), 3);
	check_eq(memcmp(host.ram + BUFFER, "hel\0", 4), 0);
	check_str(typed, "lo");
	offer_input_buffer(8, BUFFER + 16, 64);
	kick(0);
	check_eq(le32toh(driver.ring.used->ring[1].len), 2);
	check_eq(memcmp(host.ram + BUFFER + 16, "lo\0", 3), 0);
	check_eq(driver_interrupts(&driver), 2);
}

Test(virtio_console, buffers_wait_for_input, .init = setup, .fini = teardown)
{
	offer_input_buffer(0, BUFFER, 64);
	offer_input_buffer(1, BUFFER + 64, 64);
	kick(0);
	check_eq(used(&driver.ring), 0);
	strcpy(typed, "a");
	virtio_console_input_ready(&console);
	check_eq(used(&driver.ring), 1);
	strcpy(typed, "b");
	virtio_console_input_ready(&console);
	check_eq(used(&driver.ring), 2);
	check_eq(host.ram[BUFFER], 'a');
	check_eq(host.ram[BUFFER + 64], 'b');
	check_eq(driver_interrupts(&driver), 2);
}

Test(virtio_console, input_over_several_buffers, .init = setup, .fini = teardown)
{
	driver_ring_desc(&driver.ring, 0, BUFFER, 2, WRITE | NEXT, 1);
	driver_ring_desc(&driver.ring, 1, BUFFER + 64, 2, WRITE, 0);
	driver_ring_offer(&driver.ring, 0);
	strcpy(typed, "abcde");
	kick(0);
	check_eq(memcmp(host.ram + BUFFER, "ab\0", 3), 0);
	check_eq(memcmp(host.ram + BUFFER + 64, "cd\0", 3), 0);
	check_eq(le32toh(driver.ring.used->ring[0].len), 4);
	check_str(typed, "e");
}

/*
 * bad input: Status: the driver resets the console while output waits and the event loop has still
 * to continue with it -> no old output is written, and no input is lost
 */
Test(virtio_console, reset_forgets_what_is_in_flight, .init = setup, .fini = teardown)
{
	room = 2;
	offer_output(0, BUFFER, "old output");
	offer_input_buffer(0, BUFFER + 64, 64);
	kick(1);
	kick(0);
	driver_reset(&driver);
	strcpy(typed, "new");
	room = UINT32_MAX;
	virtio_console_input_ready(&console);
	virtio_console_output_ready(&console);
	driver_settle(&host);
	check_written("ol");
	check_str(typed, "new");
	check_eq(host.ram[BUFFER + 64], 0);
	driver_ring_init(&driver.ring, host.ram, 0x10000, 64);
	start_driver();
	offer_output(0, BUFFER, "more");
	kick(1);
	check_written("olmore");
	offer_input_buffer(0, BUFFER + 64, 64);
	kick(0);
	check_eq(memcmp(host.ram + BUFFER + 64, "new", 3), 0);
}

/* Linux takes its queues down one by one while the driver is ready. */
Test(virtio_console, queue_that_is_taken_down, .init = setup, .fini = teardown)
{
	offer_input_buffer(0, BUFFER, 64);
	kick(0);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_SEL, 0);
	driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 0);
	strcpy(typed, "x");
	virtio_console_input_ready(&console);
	check_str(typed, "x");
	check_eq(host.ram[BUFFER], 0);
	offer_output(0, BUFFER + 64, "still");
	kick(1);
	check_written("still");
}

Test(virtio_console, driver_that_wants_no_interrupts, .init = setup, .fini = teardown)
{
	output.avail->flags = htole16(VRING_AVAIL_F_NO_INTERRUPT);
	offer_output(0, BUFFER, "x");
	kick(1);
	check_eq(used(&output), 1);
	check_eq(driver_interrupts(&driver), 0);
}

/*
 * bad input: Buffers: a console whose output buffer is writable, whose input buffer is readable,
 * empty or outside of memory, or whose head is not a descriptor -> DEVICE_NEEDS_RESET, and no
 * buffer is used
 */
Test(virtio_console, refusals)
{
	static const struct {
		unsigned queue;
		uint64_t addr;
		uint32_t len;
		uint16_t flags, head;
	} cases[] = {
		{ 1, BUFFER, 16, WRITE, 0 },
		{ 1, BUFFER, 0, WRITE, 0 },
		{ 1, DRIVER_RAM_SIZE - 8, 16, 0, 0 },
		{ 1, UINT64_MAX - 8, 16, 0, 0 },
		{ 1, BUFFER, 16, VRING_DESC_F_INDIRECT, 0 },
		{ 1, BUFFER, 16, NEXT, 0 },
		{ 1, BUFFER, 16, 0, 128 },
		{ 0, BUFFER, 16, 0, 0 },
		{ 0, BUFFER, 0, WRITE, 0 },
		{ 0, DRIVER_RAM_SIZE - 8, 16, WRITE, 0 },
		{ 0, BUFFER, 16, WRITE, 65535 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct driver_ring *ring;

		setup();
		ring = cases[i].queue ? &output : &driver.ring;
		strcpy(typed, "x");
		driver_ring_desc(ring, 0, cases[i].addr, cases[i].len, cases[i].flags, 0);
		driver_ring_offer(ring, cases[i].head);
		kick(cases[i].queue);
		check_broken();
		check_eq(used(ring), 0, "case %zu", i);
		check_eq(driver_interrupts(&driver), 1, "case %zu", i);
		check_eq(n_written, 0);
		check_str(typed, "x");
		/* And nothing more until it is reset. */
		virtio_console_input_ready(&console);
		virtio_console_output_ready(&console);
		check_eq(used(&output) + used(&driver.ring), 0, "case %zu", i);
		driver_reset(&driver);
		teardown();
	}
}

/*
 * bad input: Backing file: output of the virtio console in the memory of a file that was truncated
 * -> DEVICE_NEEDS_RESET
 */
Test(virtio_console, memory_that_the_host_cannot_supply, .init = setup, .fini = teardown)
{
	char path[32];
	int fd = driver_temp_file("/tmp", 4096, path);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check_eq(guarded_copy_init(), 0);
	check_eq(guest_memory_add(&host.mem, gpa(1ULL << 32), 4096, map, GUEST_PMEM), 0);
	check_eq(ftruncate(fd, 0), 0);
	driver_ring_desc(&output, 0, 1ULL << 32, 16, 0, 0);
	driver_ring_offer(&output, 0);
	kick(1);
	check_broken();
	check_eq(n_written, 0);
	munmap(map, 4096);
}

static struct state_file state;
static struct virtio_console other;
static struct driver other_driver;

static int save_and_load(void)
{
	virtio_console_init(&other, &ops, &host.loop, &host.mem);
	driver_attach(&other_driver, &host, &other.virtio, 0x40000, 64);
	state_file_save(&state);
	virtio_mmio_save(&driver.mmio, &state.writer);
	virtio_console_save(&console, &state.writer);
	state_file_load(&state);
	virtio_mmio_load(&other_driver.mmio, &state.reader);
	virtio_console_load(&other, &state.reader);
	return state_file_result(&state);
}

static void go_on(void)
{
	virtio_mmio_restored(&other_driver.mmio);
	driver_settle(&host);
}

static void teardown_both(void)
{
	state_file_fini(&state);
	driver_detach(&other_driver);
	teardown();
}

Test(virtio_console, saved_within_a_chain, .init = setup, .fini = teardown_both)
{
	room = 5;
	offer_output(0, BUFFER, "hello, world");
	offer_output(1, BUFFER + 64, "!");
	kick(VIRTIO_CONSOLE_TRANSMIT);
	check_written("hello");
	check_eq(save_and_load(), 0, "%s", state.err.text);
	check_eq(used(&output), 0);
	room = UINT32_MAX;
	go_on();
	check_written("hello, world!");
	check_eq(used(&output), 2);
	check_eq(other.sent, 0);
}

Test(virtio_console, saved_while_it_waits_for_input, .init = setup, .fini = teardown_both)
{
	offer_input_buffer(3, BUFFER, 8);
	kick(VIRTIO_CONSOLE_RECEIVE);
	cr_assert(console.holds[VIRTIO_CONSOLE_RECEIVE]);
	check_eq(save_and_load(), 0, "%s", state.err.text);
	go_on();
	strcpy(typed, "abc");
	virtio_console_input_ready(&other);
	check_eq(used(&driver.ring), 1);
	check_eq(le32toh(driver.ring.used->ring[0].id), 3);
	check_eq(memcmp(host.ram + BUFFER, "abc", 3), 0);
}

/*
 * bad input: Snapshots: a snapshot which says that more bytes of a console buffer were written than
 * the buffer has -> the buffer is given back to the guest, and is not read
 */
Test(virtio_console, saved_with_more_than_there_is, .init = setup, .fini = teardown_both)
{
	room = 0;
	offer_output(0, BUFFER, "hello");
	kick(VIRTIO_CONSOLE_TRANSMIT);
	console.sent = UINT32_MAX;
	check_eq(save_and_load(), 0, "%s", state.err.text);
	room = 100;
	go_on();
	check_eq(n_written, 0);
	check_eq(used(&output), 1);
	offer_output(1, BUFFER, "bye");
	driver_ring_doorbell(&other_driver, VIRTIO_CONSOLE_TRANSMIT);
	driver_settle(&host);
	check_written("bye");
}

/* bad input: Snapshots: a snapshot with output of a console whose queue is not ready -> refused */
Test(virtio_console, saved_output_without_a_queue, .init = setup, .fini = teardown_both)
{
	driver_reset(&driver);
	check_eq(save_and_load(), 0);
	driver_detach(&other_driver);
	console.sent = 1;
	check_eq(save_and_load(), -EINVAL);
	check_str(state.err.text, "state: section device: has written 1 bytes of a queue that is "
				  "not ready; save the VM again");
	check_eq(other.sent, 0);
}
