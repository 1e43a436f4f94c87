// SPDX-License-Identifier: Apache-2.0
/* The hand-played driver; driver.h is its manual. */
#include "tests/support/driver.h"

#include "tests/support/check.h"
#include "vmm/base/container_of.h"
#include "vmm/base/log.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* Each round of the loop handles what the round before made ready. */
#define SETTLE_ROUNDS 4

static void await_step(struct driver_host *host)
{
	event_loop_poll(&host->loop, &host->step, host->ready_fd, POLLIN);
}

static void step_done(struct event_op *op, int result)
{
	struct driver_host *host = container_of(op, struct driver_host, step);

	if (--host->steps_left)
		await_step(host);
	else
		event_loop_stop(&host->loop);
}

static void awaited_done(struct event_op *op, int result)
{
	struct driver_host *host = container_of(op, struct driver_host, awaited);

	host->awaited_result = result;
	event_loop_stop(&host->loop);
}

static struct {
	bool replaced, held;
	struct event_op *waiting[8];
	unsigned n_waiting;
} fetches;

void driver_host_init(struct driver_host *host)
{
	fetches.replaced = true;
	*host = (struct driver_host){ .step.done = step_done, .awaited.done = awaited_done };
	/* What hostile tests provoke is not for the screen. */
	log_set_level(LOG_LEVEL_ERROR);
	check_eq(event_loop_init(&host->loop), 0);
	host->ram = mmap(NULL, DRIVER_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	cr_assert(host->ram != MAP_FAILED);
	check_eq(guest_memory_add(&host->mem, gpa(0), DRIVER_RAM_SIZE, host->ram, GUEST_RAM), 0);
	host->ready_fd = eventfd(1, EFD_CLOEXEC);
	cr_assert(host->ready_fd >= 0);
}

void driver_host_fini(struct driver_host *host)
{
	event_loop_fini(&host->loop);
	munmap(host->ram, DRIVER_RAM_SIZE);
	close(host->ready_fd);
}

void driver_settle(struct driver_host *host)
{
	host->steps_left = SETTLE_ROUNDS;
	await_step(host);
	check_eq(event_loop_run(&host->loop), 0);
}

void driver_await(struct driver_host *host, int fd, short events)
{
	event_loop_poll(&host->loop, &host->awaited, fd, (unsigned)events);
	check_eq(event_loop_run(&host->loop), 0);
	cr_assert(host->awaited_result > 0, "waiting for a descriptor: %d", host->awaited_result);
}

struct thread {
	struct event_loop *loop;
	void (*body)(void *arg);
	void *arg;
};

static void *run_thread(void *arg)
{
	struct thread *thread = arg;

	thread->body(thread->arg);
	event_loop_stop(thread->loop);
	return NULL;
}

void driver_with_thread(struct driver_host *host, void (*body)(void *arg), void *arg)
{
	struct thread thread = { &host->loop, body, arg };
	pthread_t id;

	check_eq(pthread_create(&id, NULL, run_thread, &thread), 0);
	check_eq(event_loop_run(&host->loop), 0);
	pthread_join(id, NULL);
}

void driver_ring_init(struct driver_ring *ring, uint8_t *ram, uint64_t at, uint16_t size)
{
	memset(ram + at, 0, 0x3000);
	*ring = (struct driver_ring){
		.desc_at = at,
		.avail_at = at + 0x1000,
		.used_at = at + 0x2000,
		.desc = (struct vring_desc *)(ram + at),
		.avail = (struct vring_avail *)(ram + at + 0x1000),
		.used = (struct vring_used *)(ram + at + 0x2000),
		.size = size,
	};
}

void driver_ring_desc(struct driver_ring *ring, uint16_t i, uint64_t addr, uint32_t len,
		      uint16_t flags, uint16_t next)
{
	ring->desc[i] = (struct vring_desc){
		.addr = htole64(addr),
		.len = htole32(len),
		.flags = htole16(flags),
		.next = htole16(next),
	};
}

void driver_ring_offer(struct driver_ring *ring, uint16_t head)
{
	uint16_t idx = le16toh(ring->avail->idx);

	ring->avail->ring[idx % ring->size] = htole16(head);
	__atomic_store_n(&ring->avail->idx, htole16((uint16_t)(idx + 1)), __ATOMIC_RELEASE);
}

void driver_attach(struct driver *driver, struct driver_host *host, struct virtio_device *dev,
		   uint64_t ring_at, uint16_t size)
{
	*driver = (struct driver){ .host = host };
	driver_ring_init(&driver->ring, host->ram, ring_at, size);
	test_line_init(&driver->line);
	driver->interrupt_fd = driver->line.fd;
	cr_assert(driver->interrupt_fd >= 0);
	for (unsigned i = 0; i < dev->n_queues; i++) {
		driver->doorbell_fds[i] = eventfd(0, EFD_CLOEXEC);
		cr_assert(driver->doorbell_fds[i] >= 0);
	}
	virtio_mmio_init(&driver->mmio, dev, &host->loop, &driver->line.line, driver->doorbell_fds,
			 driver->registers);
	virtio_mmio_start(&driver->mmio);
}

void driver_detach(struct driver *driver)
{
	close(driver->interrupt_fd);
	for (unsigned i = 0; i < driver->mmio.dev->n_queues; i++)
		close(driver->doorbell_fds[i]);
}

uint32_t driver_read(struct driver *driver, uint64_t offset)
{
	return le32toh(driver->registers[offset / 4]);
}

void driver_write(struct driver *driver, uint64_t offset, uint32_t value)
{
	virtio_mmio_write(&driver->mmio, offset, 4, value);
}

void driver_set_features(struct driver *driver, uint64_t features)
{
	for (unsigned sel = 0; sel < 2; sel++) {
		driver_write(driver, VIRTIO_MMIO_DRIVER_FEATURES_SEL, sel);
		driver_write(driver, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> sel * 32));
	}
}

#define UP_TO_DRIVER (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define UP_TO_FEATURES (UP_TO_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define UP_TO_READY (UP_TO_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK)

void driver_negotiate(struct driver *driver)
{
	driver_write(driver, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	driver_write(driver, VIRTIO_MMIO_STATUS, UP_TO_DRIVER);
	driver_set_features(driver, 1ULL << VIRTIO_F_VERSION_1);
	driver_write(driver, VIRTIO_MMIO_STATUS, UP_TO_FEATURES);
	check_eq(driver_read(driver, VIRTIO_MMIO_STATUS), UP_TO_FEATURES);
}

void driver_program_queue(struct driver *driver)
{
	const struct driver_ring *ring = &driver->ring;

	driver_write(driver, VIRTIO_MMIO_QUEUE_SEL, 0);
	driver_write(driver, VIRTIO_MMIO_QUEUE_NUM, ring->size);
	driver_write(driver, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)ring->desc_at);
	driver_write(driver, VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(ring->desc_at >> 32));
	driver_write(driver, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)ring->avail_at);
	driver_write(driver, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(ring->avail_at >> 32));
	driver_write(driver, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)ring->used_at);
	driver_write(driver, VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(ring->used_at >> 32));
}

void driver_setup_queue(struct driver *driver)
{
	driver_program_queue(driver);
	driver_write(driver, VIRTIO_MMIO_QUEUE_READY, 1);
	check_eq(driver_read(driver, VIRTIO_MMIO_QUEUE_READY), 1);
}

void driver_start(struct driver *driver)
{
	driver_negotiate(driver);
	driver_setup_queue(driver);
	driver_write(driver, VIRTIO_MMIO_STATUS, UP_TO_READY);
	check_eq(driver_read(driver, VIRTIO_MMIO_STATUS), UP_TO_READY);
}

void driver_reset(struct driver *driver)
{
	driver_write(driver, VIRTIO_MMIO_STATUS, 0);
	check_eq(driver_read(driver, VIRTIO_MMIO_STATUS), 0);
}

void driver_ring_doorbell(struct driver *driver, unsigned queue)
{
	check_eq(eventfd_write(driver->doorbell_fds[queue], 1), 0);
}

uint64_t driver_interrupts(struct driver *driver)
{
	eventfd_t count = 0;

	if (eventfd_read(driver->interrupt_fd, &count) < 0)
		check_eq(errno, EAGAIN);
	return count;
}

static struct {
	bool held;
	int fd;
	unsigned begun;
	struct event_op *waiting[64]; /* oldest first */
	unsigned n_waiting;
} syncs;

/* What --wrap makes of the name and its callers. Weak: a link without it fails the tests that need
 * it, with a reason, rather than the build. */
void __real_event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd)
	__attribute__((weak));
void __wrap_event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd);

void __wrap_event_loop_fdatasync(struct event_loop *loop, struct event_op *op, int fd)
{
	syncs.begun++;
	if (!syncs.held || (syncs.fd >= 0 && syncs.fd != fd)) {
		__real_event_loop_fdatasync(loop, op, fd);
		return;
	}
	cr_assert(syncs.n_waiting < ARRAY_SIZE(syncs.waiting));
	syncs.waiting[syncs.n_waiting++] = op;
}

void driver_hold_syncs(int fd)
{
	cr_assert(__real_event_loop_fdatasync,
		  "link the unit tests with -Wl,--wrap=event_loop_fdatasync");
	syncs.held = true;
	syncs.fd = fd;
}

unsigned driver_syncs_held(void)
{
	return syncs.n_waiting;
}

unsigned driver_syncs_begun(void)
{
	cr_assert(__real_event_loop_fdatasync,
		  "link the unit tests with -Wl,--wrap=event_loop_fdatasync");
	return syncs.begun;
}

void driver_sync_finish(int result)
{
	struct event_op *op = syncs.waiting[0];

	cr_assert(syncs.n_waiting > 0, "no fdatasync is running");
	syncs.n_waiting--;
	memmove(syncs.waiting, syncs.waiting + 1, syncs.n_waiting * sizeof(syncs.waiting[0]));
	op->done(op, result);
}

void __real_event_loop_populate(struct event_loop *loop, struct event_op *op, void *addr,
				size_t len, bool writable) __attribute__((weak));
void __wrap_event_loop_populate(struct event_loop *loop, struct event_op *op, void *addr,
				size_t len, bool writable);

void __wrap_event_loop_populate(struct event_loop *loop, struct event_op *op, void *addr,
				size_t len, bool writable)
{
	if (!fetches.replaced) {
		__real_event_loop_populate(loop, op, addr, len, writable);
		return;
	}
	if (!fetches.held) {
		op->done(op, 0);
		return;
	}
	cr_assert(fetches.n_waiting < ARRAY_SIZE(fetches.waiting));
	fetches.waiting[fetches.n_waiting++] = op;
}

void driver_hold_fetches(void)
{
	cr_assert(__real_event_loop_populate,
		  "link the unit tests with -Wl,--wrap=event_loop_populate");
	fetches.held = true;
}

unsigned driver_fetches_held(void)
{
	return fetches.n_waiting;
}

void driver_fetch_finish(int result)
{
	struct event_op *op = fetches.waiting[0];

	cr_assert(fetches.n_waiting > 0, "nothing is being fetched");
	fetches.n_waiting--;
	memmove(fetches.waiting, fetches.waiting + 1,
		fetches.n_waiting * sizeof(fetches.waiting[0]));
	op->done(op, result);
}

int driver_temp_file(const char *dir, uint64_t size, char *ret_path)
{
	char name[256];
	int fd;

	snprintf(name, sizeof(name), "%s/mvmm-test-XXXXXX", dir);
	fd = mkostemp(name, O_CLOEXEC);
	cr_assert(fd >= 0, "%s: %s", name, strerror(errno));
	unlink(name);
	check_eq(ftruncate(fd, (off_t)size), 0);
	snprintf(ret_path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static int log_fd = -1;

void driver_log_capture(void)
{
	log_fd = memfd_create("log", MFD_CLOEXEC);
	cr_assert(log_fd >= 0);
	cr_assert(dup2(log_fd, STDERR_FILENO) >= 0);
	log_set_level(LOG_LEVEL_WARNING);
}

const char *driver_log_text(void)
{
	static char text[65536];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}
