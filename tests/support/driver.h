/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio driver played by hand, and a host for it: guest memory and a real event loop, but no
 * KVM. Everything that a guest can reach is open to a test: registers, doorbell, every byte of the
 * ring. Nothing in here sleeps, and TestSuite(..., .timeout) bounds what waits.
 */
#pragma once

#include "devices/virtio/virtio_mmio.h"
#include "tests/support/test_line.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/guest_memory.h"

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>

#define DRIVER_RAM_SIZE (4ULL << 20)

struct driver_host {
	struct event_loop loop;
	struct guest_memory mem; /* RAM from 0; a test adds what else it needs */
	uint8_t *ram;		 /* owned, DRIVER_RAM_SIZE */
	int ready_fd;		 /* owned: an eventfd that is always readable */
	struct event_op step, awaited;
	unsigned steps_left;
	int awaited_result;
};

void driver_host_init(struct driver_host *host);
void driver_host_fini(struct driver_host *host);

/* Runs the loop until it has handled everything that is ready now, and what follows from that. */
void driver_settle(struct driver_host *host);

/* Runs the loop until @fd has one of @events. */
void driver_await(struct driver_host *host, int fd, short events);

/* Runs the loop while another thread, as a vCPU would, runs @body(@arg). */
void driver_with_thread(struct driver_host *host, void (*body)(void *arg), void *arg);

/* The three parts of a split ring, in 12 KiB from a page boundary on, unless a test moves them. */
struct driver_ring {
	uint64_t desc_at, avail_at, used_at; /* guest-physical */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size;
};

/* Places a zeroed ring at @at of @ram, which is mapped from guest-physical 0 on. */
void driver_ring_init(struct driver_ring *ring, uint8_t *ram, uint64_t at, uint16_t size);

void driver_ring_desc(struct driver_ring *ring, uint16_t i, uint64_t addr, uint32_t len,
		      uint16_t flags, uint16_t next);

/* Makes @head available; a device that looks at the ring finds it. */
void driver_ring_offer(struct driver_ring *ring, uint16_t head);

/* A device on its virtio-mmio registers, with queue 0 as @ring. */
struct driver {
	struct driver_host *host;
	struct virtio_mmio mmio;
	uint32_t registers[0x1000 / 4]; /* what the guest reads */
	struct driver_ring ring;
	int doorbell_fds[VIRTIO_MMIO_MAX_QUEUES]; /* owned */
	struct test_line line;
	int interrupt_fd; /* the line's */
};

/* Connects @dev and listens to its doorbells; the ring, of @size entries, lies at @ring_at. */
void driver_attach(struct driver *driver, struct driver_host *host, struct virtio_device *dev,
		   uint64_t ring_at, uint16_t size);
void driver_detach(struct driver *driver);

/* 32-bit register accesses. */
uint32_t driver_read(struct driver *driver, uint64_t offset);
void driver_write(struct driver *driver, uint64_t offset, uint32_t value);

/* The steps of section 3.1.1, each from the end of the one before; every one checks that it worked.
 */
void driver_set_features(struct driver *driver, uint64_t features);
void driver_negotiate(struct driver *driver);	/* to FEATURES_OK, with VERSION_1 only */
void driver_setup_queue(struct driver *driver); /* queue 0 ready, with the ring as it is now */
void driver_start(struct driver *driver);	/* all of it, to DRIVER_OK */

/* The registers of queue 0, without making it ready. */
void driver_program_queue(struct driver *driver);

void driver_reset(struct driver *driver);

/* Rings the eventfd, as KVM does for a guest's QueueNotify. */
void driver_ring_doorbell(struct driver *driver, unsigned queue);

/* Edges on the interrupt since the last call. */
uint64_t driver_interrupts(struct driver *driver);

/*
 * fdatasync under a test's control. While it is held, event_loop_fdatasync of @fd (-1: of any)
 * only notes the operation, and driver_sync_finish completes the oldest one with @result. Needs
 * the link flag -Wl,--wrap=event_loop_fdatasync.
 */
void driver_hold_syncs(int fd);
unsigned driver_syncs_held(void);
void driver_sync_finish(int result);
/* How many were begun since the start, held or not. */
unsigned driver_syncs_begun(void);

/*
 * Fetches of pages (event_loop_populate), likewise: they complete at once, unless they are held.
 * Without a driver_host, they are made.
 */
void driver_hold_fetches(void);
unsigned driver_fetches_held(void);
void driver_fetch_finish(int result);

/*
 * A file of @size zero bytes in @dir that is gone when the test's process ends; @ret_path, which
 * holds 32 bytes, opens it meanwhile. Returns a descriptor, the caller's.
 */
int driver_temp_file(const char *dir, uint64_t size, char *ret_path);

/* From now on what is written to standard error can be read with driver_log_text. */
void driver_log_capture(void);
const char *driver_log_text(void);
