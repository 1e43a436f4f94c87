// SPDX-License-Identifier: Apache-2.0
/* A device on the bus: who answers on which thread; and on the real /dev/kvm. */
#include "vmm/wiring/virtio_slot.h"

#include "tests/support/bus_value.h"
#include "tests/support/driver.h"
#include "tests/support/small_guest.h"
#include "vmm/base/layout.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

TestSuite(virtio_slot, .timeout = 15);

#define NUMBER 3
#define BASE (LAYOUT_VIRTIO_BASE + NUMBER * LAYOUT_VIRTIO_SIZE)

static struct driver_host host;
static struct bus bus;
static uint8_t memory[LAYOUT_VIRTIO_SLOTS * LAYOUT_VIRTIO_SIZE] __attribute__((aligned(4096)));
static struct register_pages pages = { .host = memory };
static struct virtio_slot slot;
static struct virtqueue queues[2];
static pthread_t loop_thread;
static unsigned kicks[2];

static void kick(struct virtio_device *dev, unsigned queue)
{
	cr_assert(pthread_equal(pthread_self(), loop_thread));
	kicks[queue]++;
	event_loop_stop(&host.loop);
}

static void stop_queue(struct virtio_device *dev, unsigned queue)
{
}

static const struct virtio_device_ops ops = { kick, stop_queue };
static const uint8_t config[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static struct virtio_device device = {
	.ops = &ops,
	.name = "fake",
	.id = 42,
	.features = 1ULL << VIRTIO_F_VERSION_1,
	.config = config,
	.config_size = sizeof(config),
	.queues = queues,
	.n_queues = 2,
};

static void setup_stopped(void)
{
	struct error err = { 0 };

	driver_host_init(&host);
	bus.loop = &host.loop;
	loop_thread = pthread_self();
	for (unsigned i = 0; i < 2; i++)
		virtqueue_init(&queues[i], &host.mem);
	check_eq(virtio_slot_init(&slot, NUMBER, &device, &host.loop, &pages, &err), 0, "%s",
		 err.text);
}

static void setup(void)
{
	struct error err = { 0 };

	setup_stopped();
	check_eq(virtio_slot_start(&slot, &bus, NULL, &err), 0, "%s", err.text);
}

static void as_a_vcpu(void *arg)
{
	bus_write(&bus, BASE + VIRTIO_MMIO_STATUS, 4, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_STATUS, 4), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	/* Widths reach the register file as they are. */
	bus_write(&bus, BASE + VIRTIO_MMIO_STATUS, 1, 0);
	bus_write(&bus, BASE + VIRTIO_MMIO_STATUS, 8, 0);
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_STATUS, 4), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	/* The selectors work at once. */
	bus_write(&bus, BASE + VIRTIO_MMIO_DEVICE_FEATURES_SEL, 4, 1);
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_DEVICE_FEATURES, 4), 1);
	bus_write(&bus, BASE + VIRTIO_MMIO_DEVICE_FEATURES_SEL, 4, 0);
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_DEVICE_FEATURES, 4), 0);
	/* The slots beside it are empty. */
	check_eq(bus_read(&bus, BASE - 4, 4), UINT32_MAX);
	check_eq(bus_read(&bus, BASE + LAYOUT_VIRTIO_SIZE, 4), UINT32_MAX);
}

Test(virtio_slot, stores_are_handed_to_the_loop, .init = setup)
{
	driver_with_thread(&host, as_a_vcpu, NULL);
}

/* With nobody running the loop, everything else would wait for ever. */
Test(virtio_slot, loads_are_from_the_page, .init = setup)
{
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_MAGIC_VALUE, 4), 0x74726976);
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_MAGIC_VALUE, 8), 0x274726976);
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_DEVICE_ID, 1), 42);
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_CONFIG + 4, 1), 5);
	check_eq(bus_read(&bus, BASE + LAYOUT_VIRTIO_SIZE - 8, 8), 0);
	check_eq(memory[NUMBER * LAYOUT_VIRTIO_SIZE + VIRTIO_MMIO_DEVICE_ID], 42);
	memory[NUMBER * LAYOUT_VIRTIO_SIZE + LAYOUT_VIRTIO_SIZE - 1] = 7;
	check_eq(bus_read(&bus, BASE + LAYOUT_VIRTIO_SIZE - 1, 1), 7);
}

Test(virtio_slot, closed_loop_holds_nobody, .init = setup)
{
	event_loop_close(&host.loop);
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_MAGIC_VALUE, 4), 0x74726976);
	bus_write(&bus, BASE + VIRTIO_MMIO_STATUS, 4, 1);
	check_eq(slot.mmio.status, 0);
}

/* vCPUs find nothing before the last step, and nothing of a slot whose last step fails. */
Test(virtio_slot, occupied, .init = setup_stopped)
{
	struct virtio_slot second;
	struct error err = { 0 };
	struct bus_region also = { BASE + LAYOUT_VIRTIO_SIZE - 1, 2, NULL };

	check_eq(bus.count, 0);
	check_eq(virtio_slot_start(&slot, &bus, &also, &err), -EEXIST);
	check_eq(bus.count, 0);
	check_eq(virtio_slot_start(&slot, &bus, NULL, &err), 0);
	check_eq(virtio_slot_init(&second, NUMBER, &device, &host.loop, &pages, &err), 0);
	check_eq(virtio_slot_start(&second, &bus, NULL, &err), -EEXIST);
	check_contains(err.text, "slot 3");
	check_eq(bus.count, 1);
	virtio_slot_fini(&second);
	check_eq(bus_read(&bus, BASE + VIRTIO_MMIO_MAGIC_VALUE, 4), 0);
}

/*
 * bad input: Host resources: no descriptor is left for the eventfds of a device (EMFILE) ->
 * refused, and everything is closed
 */
Test(virtio_slot, no_descriptors_left)
{
	struct rlimit limit, tight;
	struct error err;
	int lowest;

	driver_host_init(&host);
	lowest = dup(0);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &limit);
	for (int n = 0; n < 2; n++) {
		tight = (struct rlimit){ (rlim_t)(lowest + n), limit.rlim_max };
		setrlimit(RLIMIT_NOFILE, &tight);
		check_eq(virtio_slot_init(&slot, NUMBER, &device, &host.loop, &pages, &err),
			 -EMFILE);
		setrlimit(RLIMIT_NOFILE, &limit);
		virtio_slot_fini(&slot);
		check_eq(dup(0), lowest, "all is closed");
		close(lowest);
	}
	check_eq(bus.count, 0);
	virtio_slot_fini(&slot);
}

/*
 * A guest's store to QueueNotify becomes a kick, and back as an interrupt that is read and
 * acknowledged, all without an exit.
 */
Test(virtio_slot, kvm)
{
	static const uint8_t code[] = {
		0xb8, 0x01, 0x00, 0x00, 0x00, /* mov eax, 1 */
		0xa3, 0x50, 0x30, 0x00, 0xd0, /* mov [0xd0003050], eax */
		0xfb,			      /* sti */
		0xf4,			      /* hlt */
		0xeb, 0xfd,		      /* jmp to the hlt */
	};
	static const uint8_t handler[] = {
		0xa1, 0x60, 0x30, 0x00, 0xd0, /* mov eax, [0xd0003060]: InterruptStatus */
		0xa3, 0x64, 0x30, 0x00, 0xd0, /* mov [0xd0003064], eax: InterruptACK */
		0xe6, 0x10,		      /* out 0x10, al */
		0xf4,			      /* hlt */
	};
	static struct small_guest guest;
	struct driver_ring ring;
	struct error err = { 0 };

	small_guest_init(&guest, code, sizeof(code));
	driver_host_init(&host);
	guest.mmio.loop = &host.loop;
	loop_thread = pthread_self();
	for (unsigned i = 0; i < 2; i++)
		virtqueue_init(&queues[i], &host.mem);
	check_eq(register_pages_init(&pages, &guest.kvm, &err), 0, "%s", err.text);
	check_eq(virtio_slot_init(&slot, NUMBER, &device, &host.loop, &pages, &err), 0);
	small_guest_handle_irq(&guest, LAYOUT_VIRTIO_GSI + NUMBER, handler, sizeof(handler));
	check_eq(virtio_slot_connect(&slot, &guest.kvm, &err), 0, "%s", err.text);
	check_eq(virtio_slot_start(&slot, &guest.mmio, NULL, &err), 0, "%s", err.text);
	/* Past the driver's part, which the register file's tests have. */
	driver_ring_init(&ring, host.ram, 0x10000, 8);
	queues[1].setup = (struct virtqueue_setup){ 8, ring.desc_at, ring.avail_at, ring.used_at };
	check_eq(virtqueue_enable(&queues[1]), 0);
	slot.mmio.status = 15;
	small_guest_start(&guest);
	check_eq(event_loop_run(&host.loop), 0); /* until the kick */
	check_eq(kicks[1], 1);
	check_eq(kicks[0], 0);
	virtio_queue_used(&device, 1);
	small_guest_finish(&guest);
	check_eq(guest.ended_with, VIRTIO_MMIO_INT_VRING, "%s", guest.detail);
	check_eq(guest.vcpu.exits[KVM_EXIT_MMIO], 0);
	small_guest_fini(&guest);
	register_pages_fini(&pages);
}

static void run_guest(void *arg)
{
	small_guest_run(arg);
}

/* Any other acknowledgement than of used buffers is brought to the device. */
Test(virtio_slot, kvm_acknowledgements)
{
	static const uint8_t code[] = {
		0xb8, 0x01, 0x00, 0x00, 0x00, /* mov eax, 1 */
		0xa3, 0x64, 0x30, 0x00, 0xd0, /* mov [0xd0003064], eax */
		0xa3, 0x64, 0x30, 0x00, 0xd0, /* again */
		0xb8, 0x02, 0x00, 0x00, 0x00, /* mov eax, 2 */
		0xa3, 0x64, 0x30, 0x00, 0xd0, /* mov [0xd0003064], eax */
		0xa1, 0x60, 0x30, 0x00, 0xd0, /* mov eax, [0xd0003060] */
		0xe6, 0x10,		      /* out 0x10, al */
		0xf4,			      /* hlt */
	};
	static struct small_guest guest;
	struct error err = { 0 };
	eventfd_t acknowledged;

	small_guest_init(&guest, code, sizeof(code));
	driver_host_init(&host);
	guest.mmio.loop = &host.loop;
	loop_thread = pthread_self();
	check_eq(register_pages_init(&pages, &guest.kvm, &err), 0, "%s", err.text);
	check_eq(virtio_slot_init(&slot, NUMBER, &device, &host.loop, &pages, &err), 0);
	check_eq(virtio_slot_connect(&slot, &guest.kvm, &err), 0, "%s", err.text);
	check_eq(virtio_slot_start(&slot, &guest.mmio, NULL, &err), 0, "%s", err.text);
	slot.mmio.interrupt_status = VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG;
	driver_with_thread(&host, run_guest, &guest);
	check_eq(guest.ended_with, VIRTIO_MMIO_INT_VRING, "%s", guest.detail);
	check_eq(guest.vcpu.exits[KVM_EXIT_MMIO], 1);
	check_eq(eventfd_read(pages.acknowledge_fd, &acknowledged), 0);
	check_eq(acknowledged, 2);
	small_guest_fini(&guest);
	register_pages_fini(&pages);
}

Test(virtio_slot, doorbells_that_are_taken)
{
	static const uint8_t code[] = { 0xf4 };
	static struct small_guest guest;
	struct error err = { 0 };

	small_guest_init(&guest, code, sizeof(code));
	setup_stopped();
	guest.mmio.loop = &host.loop;
	pages.acknowledge_fd = eventfd(0, 0);
	check_eq(virtio_slot_connect(&slot, &guest.kvm, &err), 0, "%s", err.text);
	cr_assert(virtio_slot_connect(&slot, &guest.kvm, &err) < 0);
	check_contains(err.text, "KVM");
	small_guest_fini(&guest);
}
