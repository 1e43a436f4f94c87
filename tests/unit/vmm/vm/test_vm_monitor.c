// SPDX-License-Identifier: Apache-2.0
/*
 * What the control plane is told of a VM and may do to it, on a VM as vm_create makes it. Start
 * reading at the first tests; the last one stops a guest whose flush is in flight.
 */
#include "vmm/vm/vm_state.h"

#include "tests/support/driver.h"
#include "tests/support/vm_fixture.h"
#include "vmm/models/device_model.h"

#include <errno.h>
#include <linux/kvm.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_pmem.h>
#include <sys/ioctl.h>

TestSuite(vm_monitor, .timeout = 20);

static const struct monitor_ops *const ops = &vm_monitor_ops;
static struct vm_fixture f;
static struct monitor *monitor;
static struct error err;

/* The events that were heard, oldest first. */
static struct monitor_event events[8];
static unsigned n_events;

static void note_event(struct monitor_listener *listener, const struct monitor_event *event)
{
	cr_assert(n_events < ARRAY_SIZE(events));
	events[n_events++] = *event;
}

static struct monitor_listener listener = { .event = note_event };

static void start(const char *line)
{
	vm_fixture_init(&f, line);
	monitor = &f.vm->monitor;
	monitor_listen(monitor, &listener);
}

static void setup(void)
{
	start("-m 64M,maxmem=1G -c 2 -p odd,id=nv1 -p a --platform acpi --serial null");
}

static void setup_nodes(void)
{
	start("-m 64M,maxmem=1G -c 4 --numa node=0,cpus=0-2,memory=16M "
	      "--numa node=1,cpus=3,memory=48M -p a,node=1 --platform acpi");
}

static void teardown(void)
{
	monitor_unlisten(monitor, &listener);
	vm_fixture_fini(&f);
}

Test(vm_monitor, facts, .init = setup, .fini = teardown)
{
	struct monitor_identity identity;

	ops->identity(monitor, &identity);
	check_str(identity.target, "x86_64");
	check_eq(identity.name, NULL);
	check_eq(identity.uuid, NULL);
	check_eq(ops->base_memory(monitor), 64 << 20);
	check_eq(monitor_plugged_memory(monitor), 8 << 20);
	check_eq(ops->state(monitor), MONITOR_RUNNING);
}

Test(vm_monitor, name_and_uuid, .fini = teardown)
{
	struct monitor_identity identity;

	start("-m 64M --name web --uuid 12345678-9abc-def0-1234-56789abcdef0 --serial null");
	ops->identity(monitor, &identity);
	check_str(identity.name, "web");
	check_str(identity.uuid, "12345678-9abc-def0-1234-56789abcdef0");
}

Test(vm_monitor, before_the_start, .fini = teardown)
{
	start("-m 64M --paused --qmp unix:q --serial null");
	f.vm->paused = true;
	check_eq(ops->state(monitor), MONITOR_PRELAUNCH);
	check_eq(monitor_resume(monitor, &err), 0);
	check_eq(ops->state(monitor), MONITOR_RUNNING);
	check_eq(n_events, 1);
	check_eq(events[0].type, MONITOR_EVENT_RESUME);
}

Test(vm_monitor, memory_devices, .init = setup, .fini = teardown)
{
	struct monitor_memory_device d;

	check_eq(ops->memory_device(monitor, 0, &d), 0);
	check_str(d.type, "virtio-pmem");
	check_str(d.id, "nv1");
	check_str(d.memdev, "/objects/mem1");
	check_eq(d.memaddr, 0x100000000);
	check_eq(d.size, 4 << 20, "as the guest sees it");
	check_eq(d.node, 0);
	check_eq(d.hotplugged, false);
	/* An id that was made up is not shown. */
	check_eq(ops->memory_device(monitor, 1, &d), 0);
	check_str(d.id, "");
	check_str(d.memdev, "/objects/mem2");
	check_eq(d.memaddr, 0x100400000);
	check_eq(ops->memory_device(monitor, 2, &d), -ENOENT);
}

Test(vm_monitor, one_node_unless_divided, .init = setup, .fini = teardown)
{
	uint64_t ram_size;
	struct monitor_cpu cpu;

	check_eq(ops->node(monitor, 0, &ram_size), 0);
	check_eq(ram_size, 64 << 20);
	check_eq(ops->node(monitor, 1, &ram_size), -ENOENT);
	for (unsigned i = 0; i < 2; i++) {
		check_eq(ops->cpu(monitor, i, &cpu), 0);
		check_eq(cpu.node, 0);
		check_eq(cpu.thread_id, 0, "it was not started");
	}
	check_eq(ops->cpu(monitor, 2, &cpu), -ENOENT);
}

Test(vm_monitor, nodes, .init = setup_nodes, .fini = teardown)
{
	static const unsigned of_cpu[] = { 0, 0, 0, 1 };
	struct monitor_memory_device d;
	uint64_t ram_size;
	struct monitor_cpu cpu;

	check_eq(ops->node(monitor, 0, &ram_size), 0);
	check_eq(ram_size, 16 << 20);
	check_eq(ops->node(monitor, 1, &ram_size), 0);
	check_eq(ram_size, 48 << 20);
	check_eq(ops->node(monitor, 2, &ram_size), -ENOENT);
	for (unsigned i = 0; i < 4; i++) {
		check_eq(ops->cpu(monitor, i, &cpu), 0);
		check_eq(cpu.node, of_cpu[i], "cpu %u", i);
	}
	check_eq(ops->memory_device(monitor, 0, &d), 0);
	check_eq(d.node, 1);
}

Test(vm_monitor, statistics, .init = setup, .fini = teardown)
{
	struct pmem_counters *n = &f.vm->pmem[1].pmem.counters;
	struct monitor_pmem_stats stats;

	*n = (struct pmem_counters){ .flushes = 1,
				     .flush_errors = 2,
				     .coalesced = 3,
				     .fdatasyncs = 4,
				     .stores_dropped = 5,
				     .latency = { 6, [PMEM_LATENCY_BUCKETS - 1] = 7 } };
	check_eq(ops->pmem_stats(monitor, 1, &stats), 0);
	check_str(stats.counters.id, "pmem1");
	check_eq(stats.counters.n, 5);
	for (unsigned i = 0; i < stats.counters.n; i++)
		check_eq(stats.counters.list[i].value, i + 1, "%s", stats.counters.list[i].name);
	check_eq(stats.latency[0], 6);
	check_eq(stats.latency[PMEM_LATENCY_BUCKETS - 1], 7);
	check_eq(ops->pmem_stats(monitor, 0, &stats), 0);
	check_str(stats.counters.id, "nv1");
	check_eq(stats.counters.list[0].value, 0);
	check_eq(ops->pmem_stats(monitor, 2, &stats), -ENOENT);
}

/* Gives the counters of a device @first, @first + 1 and so on. */
static void set_counters(struct device *device, uint64_t first)
{
	for (const struct device_counter *c = device->model->counters; c->name; c++)
		*(uint64_t *)((char *)device->state + c->offset) = first++;
}

/* A card that is counted and in no slot: a tap would need a privilege. */
static void add_card(struct device *device, unsigned index)
{
	device->model = &net_model;
	device->state = calloc(1, net_model.size);
	snprintf(device->id, sizeof(device->id), "net%u", index);
}

/* Of devices that are there, in their order, by their names. */
Test(vm_monitor, counters, .init = setup, .fini = teardown)
{
	struct device_counters c;

	check_eq(ops->counters(monitor, 0, &c), -ENOENT);
	teardown();
	start("-m 64M -p a --serial null --vsock /tmp/mvmm-test-counters --rng --platform acpi");
	check_eq(f.vm->n_devices, 2);
	set_counters(&f.vm->devices[0].device, 7);
	set_counters(&f.vm->devices[1].device, 1);
	for (unsigned i = 0; i < 2; i++)
		add_card(&f.vm->devices[f.vm->n_devices++].device, i);
	set_counters(&f.vm->devices[3].device, 11);
	check_eq(ops->counters(monitor, 0, &c), 0);
	check_str(c.id, "rng");
	check_eq(c.n, 1);
	check_eq(c.list[0].value, 7);
	check_eq(ops->counters(monitor, 1, &c), 0);
	check_str(c.id, "vsock");
	check_eq(c.n, 4);
	check_str(c.list[1].name, "refused");
	check_eq(c.list[1].value, 2);
	check_eq(ops->counters(monitor, 3, &c), 0);
	check_str(c.id, "net1");
	check_eq(c.n, DEVICE_COUNTERS_MAX);
	for (unsigned i = 0; i < c.n; i++)
		check_eq(c.list[i].value, 11 + i, "%s", c.list[i].name);
	check_eq(ops->counters(monitor, 4, &c), -ENOENT);
}

/* Each memory device sits on one of them. */
Test(vm_monitor, devices, .init = setup, .fini = teardown)
{
	unsigned virtio = 0, power = 0, serial = 0, n = 0;
	struct monitor_device d;

	for (; ops->device(monitor, n, &d) == 0; n++) {
		check_str(d.id, "");
		if (strcmp(d.driver, "virtio-mmio") == 0 && d.memory_device >= 0) {
			check_eq(d.memory_device, virtio);
			check_eq(d.base, LAYOUT_VIRTIO_BASE + virtio * LAYOUT_VIRTIO_SIZE);
			check_eq(d.size, LAYOUT_VIRTIO_SIZE);
			check_eq(d.interrupt, LAYOUT_VIRTIO_GSI + virtio);
			check_eq(d.ports, false);
			virtio++;
		} else if (strcmp(d.driver, "power") == 0) {
			check_eq(d.base, LAYOUT_POWER_BASE);
			check_eq(d.ports, false);
			check_eq(d.memory_device, -1);
			power++;
		} else if (strcmp(d.driver, "serial") == 0) {
			check_eq(d.base, LAYOUT_SERIAL_PORT);
			check_eq(d.ports, true);
			check_eq(d.interrupt, LAYOUT_SERIAL_GSI);
			check_eq(d.memory_device, -1);
			serial++;
		}
	}
	check_eq(virtio, 2);
	check_eq(power, 1);
	check_eq(serial, 1);
	check_eq(ops->device(monitor, n, &d), -ENOENT);
}

Test(vm_monitor, pause_and_resume, .init = setup, .fini = teardown)
{
	check_eq(monitor_pause(monitor, &err), 0);
	check_eq(ops->state(monitor), MONITOR_PAUSED);
	check_eq(monitor_resume(monitor, &err), 0);
	check_eq(ops->state(monitor), MONITOR_RUNNING);
	check_eq(n_events, 2);
	check_eq(events[0].type, MONITOR_EVENT_STOP);
	check_eq(events[1].type, MONITOR_EVENT_RESUME);
}

static void unmask(unsigned gsi)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	check_eq(ioctl(f.vm->kvm.vm_fd, KVM_GET_IRQCHIP, &chip), 0);
	chip.chip.ioapic.redirtbl[gsi].fields.mask = 0;
	check_eq(ioctl(f.vm->kvm.vm_fd, KVM_SET_IRQCHIP, &chip), 0);
}

Test(vm_monitor, powerdown, .init = setup, .fini = teardown)
{
	struct platform_events *platform = &f.vm->power.events;
	struct kvm_line *line = &f.vm->power.interrupt;
	int fd = line->vm_fd;

	unmask(LAYOUT_POWER_GSI);
	check_eq(monitor_powerdown(monitor, &err), 0);
	check_eq(platform->pending, LAYOUT_EVENT_POWER_BUTTON);
	check_eq(events[0].type, MONITOR_EVENT_POWERDOWN);
	line->vm_fd = -1;
	check_eq(monitor_powerdown(monitor, &err), -EBADF);
	check_str(err.text, "cannot press the power button: Bad file descriptor");
	check_eq(n_events, 1, "nothing was pressed, nothing is told");
	line->vm_fd = fd;
}

/*
 * bad input: Control socket: system_powerdown before the guest has a driver for the power button ->
 * a warning says that the press is lost; repeated warnings are limited
 */
Test(vm_monitor, powerdown_before_anybody_listens, .init = setup, .fini = teardown)
{
	static const char lost[] = "the guest has not enabled the power button yet";
	int fd;

	unmask(LAYOUT_SERIAL_GSI);
	driver_log_capture();
	check_eq(monitor_powerdown(monitor, &err), 0);
	check_contains(driver_log_text(), lost);
	for (unsigned i = 0; i < 20; i++, n_events = 0)
		check_eq(monitor_powerdown(monitor, &err), 0);
	driver_log_capture();
	check_eq(monitor_powerdown(monitor, &err), 0);
	check_str(driver_log_text(), ""); /* it is told of ever more rarely */
	check_eq(f.vm->power.events.pending, 0, "no later event brings it");
	unmask(LAYOUT_POWER_GSI);
	driver_log_capture();
	check_eq(monitor_powerdown(monitor, &err), 0);
	check_str(driver_log_text(), "");
	check_eq(f.vm->power.events.pending, LAYOUT_EVENT_POWER_BUTTON);
	/* Where KVM does not say, it is pressed. */
	f.vm->power.events.pending = 0;
	fd = f.vm->kvm.vm_fd;
	f.vm->kvm.vm_fd = -1;
	check_eq(monitor_powerdown(monitor, &err), 0);
	check_eq(f.vm->power.events.pending, LAYOUT_EVENT_POWER_BUTTON);
	f.vm->kvm.vm_fd = fd;
}

Test(vm_monitor, reset, .init = setup, .fini = teardown)
{
	check_eq(ops->reset(monitor, &err), 0);
	check_eq(ops->state(monitor), MONITOR_SHUTDOWN);
	check_eq(f.vm->end.outcome, OUTCOME_RESET);
	check_eq(n_events, 2);
	check_eq(events[0].type, MONITOR_EVENT_RESET);
	check_eq(events[1].type, MONITOR_EVENT_SHUTDOWN);
	check_eq(events[1].cause, MONITOR_HOST_RESET);
	/* It has ended: what comes later changes nothing. */
	ops->quit(monitor);
	check_eq(f.vm->end.outcome, OUTCOME_RESET);
	check_eq(n_events, 2);
}

Test(vm_monitor, quit, .init = setup, .fini = teardown)
{
	ops->quit(monitor);
	check_eq(ops->state(monitor), MONITOR_SHUTDOWN);
	check_eq(f.vm->end.outcome, OUTCOME_QUIT);
	check_eq(n_events, 1);
	check_eq(events[0].cause, MONITOR_HOST_QUIT);
	check_eq(event_loop_run(&f.vm->loop), 0, "the loop is told to end");
}

static int object_add(const char *id, const char *path)
{
	struct memory_backend backend = { .size = 4 << 20, .share = true, .readonly = true };

	backend.path = (char *)(uintptr_t)path; /* is copied */
	strcpy(backend.id, id);
	err.text[0] = '\0';
	return ops->object_add(monitor, &backend, &err);
}

Test(vm_monitor, object_add, .init = setup, .fini = teardown)
{
	const struct memory_backend *made;

	check_eq(object_add("m9", "a/within"), -ENOTDIR);
	check_str(err.text, "can't open backing store a/within for guest RAM: Not a directory");
	check_eq(memory_backends_find(&f.machine.backends, "m9"), NULL);
	check_eq(object_add("m9", "missing"), 0, "device_add makes it");
	cr_assert(access("missing", F_OK) < 0);
	made = memory_backends_find(&f.machine.backends, "m9");
	check_str(made->path, "missing");
	check_eq(made->size, 4 << 20);
	check_eq(made->share, true);
	check_eq(made->readonly, true);
	check_eq(made->busy, false);
	cr_assert(object_add("m9", "odd") < 0);
	check_str(err.text, "attempt to add duplicate property 'm9' to object (type 'container')");
}

static int device_add(const char *id, const char *memdev, uint64_t addr, unsigned node)
{
	struct memory_device device = { .addr = addr, .fixed = addr != 0, .node = node };

	strcpy(device.id, id);
	strcpy(device.memdev, memdev);
	err.text[0] = '\0';
	return monitor_device_add(monitor, &device, &err);
}

Test(vm_monitor, device_add, .init = setup_nodes, .fini = teardown)
{
	struct monitor_memory_device d;

	check_eq(object_add("m8", "odd"), 0);
	memory_backends_find(&f.machine.backends, "m8")->size = 2 << 20;
	check_eq(device_add("hot", "m8", 0x120000000, 1), 0, "%s", err.text);
	check_eq(ops->memory_device(monitor, 1, &d), 0);
	check_str(d.id, "hot");
	check_str(d.memdev, "/objects/m8");
	check_eq(d.memaddr, 0x120000000);
	check_eq(d.size, 2 << 20);
	check_eq(d.node, 1);
	check_eq(d.hotplugged, true);
	check_eq(ops->memory_device(monitor, 0, &d), 0);
	check_eq(d.hotplugged, false);
	check_eq(object_add("m7", "a"), 0);
	check_eq(device_add("", "none", 0, 0), -ENODEV);
	check_str(err.text, "Device 'none' not found");
	cr_assert(device_add("", "m8", 0, 0) < 0);
	check_str(err.text, "can't use already busy memdev: m8");
	cr_assert(device_add("", "m7", 0, 2) < 0);
	check_contains(err.text, "exceeds the number of numa nodes: 2");
	cr_assert(device_add("hot", "m7", 0, 0) < 0);
	check_str(err.text, "Duplicate device ID 'hot'");
	check_eq(ops->memory_device(monitor, 2, &d), -ENOENT);
}

/*
 * A guest that asks for a flush and counts until its interrupt comes, whose handler notes the used
 * index and powers off.
 */
#define COUNTER 0x6000
#define SEEN 0x6004
#define RING 0x10000
#define REQUEST 0x20000
#define RESPONSE 0x20010

static const uint8_t asks_and_counts[] = {
	0xfb,				    /* sti */
	0x31, 0xc0,			    /* xor eax, eax */
	0xa3, 0x50, 0x00, 0x00, 0xd0,	    /* mov [0xd0000050], eax: QueueNotify */
	0xff, 0x05, 0x00, 0x60, 0x00, 0x00, /* inc dword [0x6000] */
	0xeb, 0xf8,			    /* jmp to the inc */
};
static const uint8_t notes_and_powers_off[] = {
	0xa1, 0x00, 0x20, 0x01, 0x00,		  /* mov eax, [0x12000]: used flags and index */
	0xa3, 0x04, 0x60, 0x00, 0x00,		  /* mov [0x6004], eax */
	0xc6, 0x05, 0x00, 0x00, 0x10, 0xd0, 0x34, /* mov byte [0xd0100000], 0x34 */
	0xf4,					  /* hlt */
};

/* Gives vCPU 0 that program, as its driver has set the first device up. */
static uint8_t *load_guest(struct driver_ring *ring)
{
	struct vm *vm = f.vm;
	uint8_t *ram = guest_memory_ram(&vm->memory, gpa(0), SMALL_GUEST_RAM);
	struct small_guest guest = { .kvm = vm->kvm, .vcpu.fd = vm->vcpus[0].fd, .ram = ram };
	struct virtqueue *queue = &vm->pmem[0].pmem.queue;

	memcpy(ram + SMALL_GUEST_CODE, asks_and_counts, sizeof(asks_and_counts));
	small_guest_set_registers(&guest);
	small_guest_handle_irq(&guest, LAYOUT_VIRTIO_GSI, notes_and_powers_off,
			       sizeof(notes_and_powers_off));
	driver_ring_init(ring, ram, RING, 8);
	driver_ring_desc(ring, 0, REQUEST, 4, VRING_DESC_F_NEXT, 1);
	driver_ring_desc(ring, 1, RESPONSE, 4, VRING_DESC_F_WRITE, 0);
	driver_ring_offer(ring, 0);
	memset(ram + RESPONSE, 0x55, 4);
	queue->setup = (struct virtqueue_setup){ 8, ring->desc_at, ring->avail_at, ring->used_at };
	check_eq(virtqueue_enable(queue), 0);
	vm->pmem[0].slot.mmio.status = 15;
	return ram;
}

static uint32_t read_word(const uint8_t *ram, uint32_t at)
{
	return __atomic_load_n((const uint32_t *)(ram + at), __ATOMIC_ACQUIRE);
}

/*
 * bad input: Control socket: stop while a flush is in flight -> the flush completes while the guest
 * stands still, and the guest gets its interrupt after cont
 */
Test(vm_monitor, stop_while_a_flush_is_in_flight)
{
	struct driver_ring ring;
	uint32_t counted;
	uint8_t *ram;

	start("-m 64M -p a --platform acpi --serial null");
	driver_hold_syncs(-1);
	ram = load_guest(&ring);
	check_eq(vcpu_start(&f.vm->vcpus[0]), 0);
	while (!driver_syncs_held() || !read_word(ram, COUNTER))
		vm_fixture_run_loop(&f, 1);
	cr_assert(monitor_pause(monitor, &err) >= 0);
	while (ops->state(monitor) == MONITOR_RUNNING)
		vm_fixture_run_loop(&f, 1);
	check_eq(ops->state(monitor), MONITOR_PAUSED);
	counted = read_word(ram, COUNTER);
	driver_sync_finish(0);
	while (!f.vm->pmem[0].pmem.counters.flushes)
		vm_fixture_run_loop(&f, 1);
	/* It is complete, in the guest's memory too, and the guest has not moved. */
	check_eq(f.vm->pmem[0].pmem.counters.flushes, 1);
	check_eq(ring.used->idx, 1);
	check_eq(read_word(ram, RESPONSE), 0);
	check_eq(read_word(ram, COUNTER), counted);
	check_eq(read_word(ram, SEEN), 0);
	check_eq(f.vm->ended, false);
	check_eq(monitor_resume(monitor, &err), 0);
	check_eq(event_loop_run(&f.vm->loop), 0); /* until it powers off */
	check_eq(f.vm->end.outcome, OUTCOME_POWER_OFF, "%s", f.vm->end.detail);
	check_eq(read_word(ram, SEEN), 1 << 16, "used index 1");
	event_loop_close(&f.vm->loop);
	vcpu_stop(&f.vm->vcpus[0]);
	teardown();
}
