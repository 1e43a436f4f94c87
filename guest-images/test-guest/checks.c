// SPDX-License-Identifier: Apache-2.0
/*
 * The tests in which the driver behaves. Start reading at checks_run, and at the table at the end.
 */
#include "checks.h"

#include "console.h"

#include "args.h"
#include "clock.h"
#include "cpu.h"
#include "flood.h"
#include "interrupts.h"
#include "machine.h"
#include "net.h"
#include "pmem.h"
#include "rng.h"
#include "serial.h"
#include "smp.h"
#include "text.h"
#include "vsock.h"
#include "watchdog.h"

#include <stddef.h>

#define TWO_MIB 0x200000UL
#define MAX_SAMPLES 4096
#define EVERY_PAGE 4096

static const struct boot_params *boot_params;

void checks_init(const struct boot_params *params)
{
	boot_params = params;
}

const char *checks_run(const struct check *check)
{
	uint64_t only = args_number("device", ~0UL);
	const char *error = NULL;
	bool any = false;

	if (check->once)
		return check->once();
	if (check->misbehave)
		return hostile_run(check);
	for (unsigned i = 0; i < pmem_count && !error; i++) {
		if (only != ~0UL && only != i)
			continue;
		any = true;
		error = check->each(&pmems[i]);
	}
	return any ? error : "there is no such pmem device";
}

static unsigned index_of(const struct pmem *pmem)
{
	return (unsigned)(pmem - pmems);
}

static const char *check_place(const struct pmem *pmem)
{
	if (pmem->start % TWO_MIB || pmem->size % TWO_MIB || !pmem->size)
		return fail("pmem %u is not 2 MiB-aligned", index_of(pmem));
	for (unsigned i = 0; i < boot_params->e820_entries; i++) {
		const struct boot_e820_entry *entry = &boot_params->e820_table[i];

		if (pmem->start < entry->addr + entry->size &&
		    entry->addr < pmem->start + pmem->size)
			return fail("pmem %u lies in e820 entry %u", index_of(pmem), i);
	}
	for (unsigned i = 0; i < index_of(pmem); i++)
		if (pmem->start < pmems[i].start + pmems[i].size &&
		    pmems[i].start < pmem->start + pmem->size)
			return fail("pmem %u and %u overlap", i, index_of(pmem));
	return NULL;
}

static const char *hello(void)
{
	const struct setup_header *hdr = &boot_params->hdr;
	const char *error = NULL;

	print("test-guest: platform %s clock %s\n", machine.platform, clock_source());
	for (unsigned i = 0; i < boot_params->e820_entries; i++)
		print("test-guest: e820 0x%lx 0x%lx type %u\n",
		      (uint64_t)boot_params->e820_table[i].addr,
		      (uint64_t)boot_params->e820_table[i].size, boot_params->e820_table[i].type);
	print("test-guest: cpus %u lapic 0x%lx ioapic 0x%lx\n", machine.n_cpus, machine.lapic,
	      machine.ioapic);
	print("test-guest: serial port 0x%x pin %u\n", machine.serial_port, machine.serial_pin);
	print("test-guest: poweroff 0x%lx value 0x%x reset 0x%lx value 0x%x\n",
	      machine.poweroff.addr, machine.poweroff.value, machine.reset.addr,
	      machine.reset.value);
	print("test-guest: initrd 0x%x size %u\n", hdr->ramdisk_image, hdr->ramdisk_size);
	for (unsigned i = 0; i < pmem_count; i++) {
		print("test-guest: pmem %u start 0x%lx size 0x%lx registers 0x%lx pin %u\n", i,
		      pmems[i].start, pmems[i].size, pmems[i].device.base, pmems[i].device.pin);
		if (!error)
			error = check_place(&pmems[i]);
	}
	/* A kernel looks there even if nothing in the zero page tells it to. */
	if (!error && text_equal(machine.platform, "dt") && acpi_find())
		error = "there is an RSDP besides the device tree";
	if (!error && !machine.serial_port)
		error = "no serial port is described";
	if (!error && (!machine.poweroff.addr || !machine.reset.addr))
		error = "no power-off or no reset register is described";
	return error;
}

/* Shell sort: short, and quick enough for a few thousand samples. */
static void sort(uint64_t *values, unsigned n)
{
	for (unsigned gap = n / 2; gap > 0; gap /= 2) {
		for (unsigned i = gap; i < n; i++) {
			uint64_t value = values[i];
			unsigned j = i;

			for (; j >= gap && values[j - gap] > value; j -= gap)
				values[j] = values[j - gap];
			values[j] = value;
		}
	}
}

/*
 * Store to pmem, doorbell, interrupt: the cycles from before the store to the handler's stub. All
 * that can be done before is done before: on a slow KVM each instruction here is a microsecond.
 */
static const char *timed_flush(struct pmem *pmem, volatile uint64_t *target, uint64_t *ret_cycles)
{
	uint64_t start;
	uint32_t seen = pmem->device.used_interrupts;

	pmem_stage(pmem, 0);
	start = rdtsc();
	*target = start;
	virtqueue_publish(&pmem->queue);
	virtio_mmio_kick(&pmem->device);
	if (!interrupts_wait(&pmem->device.used_interrupts, seen))
		return pmem_finish(pmem) ?: "a flush is used, but without an interrupt";
	*ret_cycles = pmem->device.interrupt_tsc - start;
	return pmem_finish(pmem);
}

/* A flush of the device busy= is always under way, to see whether that delays others. */
static const char *keep_busy(const struct pmem *measured)
{
	uint64_t i = args_number("busy", ~0UL);
	const char *error = NULL;

	if (i >= pmem_count || &pmems[i] == measured)
		return NULL;
	if (pmems[i].offered && !virtqueue_waiting(&pmems[i].queue))
		return NULL;
	if (pmems[i].offered)
		error = pmem_finish(&pmems[i]);
	pmem_offer(&pmems[i], 0);
	pmem_kick(&pmems[i]);
	return error;
}

static void print_samples(const struct pmem *pmem, const uint64_t *cycles, unsigned count)
{
	print("test-guest: flush-samples-ns device=%u", index_of(pmem));
	for (unsigned i = 0; i < count; i++)
		print(" %lu", clock_ns(cycles[i]));
	print("\n");
}

static const char *flush_one_by_one(struct pmem *pmem, unsigned count)
{
	static uint64_t cycles[MAX_SAMPLES] NOINIT;
	uint16_t idx = pmem->queue.used.idx;
	uint64_t elsewhere;
	volatile uint64_t *target = (volatile uint64_t *)pmem->start;

	if (!args_number("store", 1))
		target = &elsewhere;
	for (unsigned i = 0; i < count; i++) {
		const char *error = keep_busy(pmem);

		if (!error)
			error = timed_flush(pmem, target, &cycles[i]);
		if (error)
			return fail("device %u flush %u: %s", index_of(pmem), i, error);
		if (pmem->queue.used.idx != (uint16_t)(idx + i + 1))
			return "used idx does not count the flushes";
	}
	if (args_number("samples", 0))
		print_samples(pmem, cycles, count);
	sort(cycles, count);
	print("test-guest: flush-latency-ns device=%u min=%lu median=%lu p99=%lu n=%u "
	      "median-cycles=%lu\n",
	      index_of(pmem), clock_ns(cycles[0]), clock_ns(cycles[count / 2]),
	      clock_ns(cycles[count * 99 / 100]), count, cycles[count / 2]);
	/* The used buffer's bit may stay set: mvmm's does, until a reset. */
	if (virtio_mmio_read(&pmem->device, VIRTIO_MMIO_INTERRUPT_STATUS) & ~VIRTIO_MMIO_INT_VRING)
		return "InterruptStatus says more than that buffers were used";
	return pmem->ret ? fail("a flush answered %d", (int)pmem->ret) : NULL;
}

static const char *flush_together(struct pmem *pmem, unsigned count, unsigned outstanding)
{
	for (unsigned i = 0; i < count; i += outstanding) {
		const char *error;

		for (unsigned n = 0; n < outstanding; n++) {
			if (args_number("store", 1))
				write64(pmem->start + 8 * n, i + n);
			pmem_offer(pmem, n);
			pmem_kick(pmem);
		}
		error = pmem_finish(pmem);
		if (error)
			return error;
	}
	return pmem->ret ? fail("a flush answered %d", (int)pmem->ret) : NULL;
}

static const char *flush(struct pmem *pmem)
{
	unsigned count = (unsigned)args_number("count", 100);
	unsigned outstanding = (unsigned)args_number("outstanding", 1);
	const char *error = pmem_start(pmem);

	if (count < 1 || count > MAX_SAMPLES || outstanding < 1 || outstanding > pmem->flushes)
		return fail("count= is 1 to %u, outstanding= 1 to %u", MAX_SAMPLES, pmem->flushes);
	if (!error)
		error = outstanding == 1 ? flush_one_by_one(pmem, count)
					 : flush_together(pmem, count, outstanding);
	return error;
}

/* No interrupt is asked for (2.7.7): none may come, the answer must. */
static const char *no_interrupt(struct pmem *pmem)
{
	const char *error = pmem_start(pmem);
	uint64_t start;

	if (error)
		return error;
	pmem->queue.avail.flags = VRING_AVAIL_F_NO_INTERRUPT;
	pmem_offer(pmem, 0);
	pmem_kick(pmem);
	start = rdtsc();
	while (!virtqueue_waiting(&pmem->queue))
		if (rdtsc() - start > clock_timeout)
			return "no answer";
	interrupts_idle(1000000);
	if (pmem->device.interrupts)
		return "an interrupt in spite of VRING_AVAIL_F_NO_INTERRUPT";
	pmem->queue.avail.flags = 0;
	error = pmem_finish(pmem);
	return error ? error : pmem_flush(pmem);
}

/* A flush over four descriptors: no framing may be assumed (2.7.4). */
static const char *framing(struct pmem *pmem)
{
	struct virtqueue *queue = &pmem->queue;
	const char *error = pmem_start(pmem);

	if (error)
		return error;
	virtqueue_describe(queue, 0, (uint64_t)&pmem->req, 1, VRING_DESC_F_NEXT, 3);
	virtqueue_describe(queue, 3, (uint64_t)&pmem->req + 1, 3, VRING_DESC_F_NEXT, 1);
	virtqueue_describe(queue, 1, (uint64_t)&pmem->resp[0], 2,
			   VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 4);
	virtqueue_describe(queue, 4, (uint64_t)&pmem->resp[0] + 2, 2, VRING_DESC_F_WRITE, 0);
	error = pmem_flush(pmem);
	return error ? error : pmem_start(pmem);
}

/* At each stored offset is this plus the offset: seed= makes it differ from run to run. */
static uint64_t key(void)
{
	return args_number("seed", 1) * 0x9e3779b97f4a7c15;
}

static uint64_t stored_bytes(const struct pmem *pmem)
{
	uint64_t bytes = args_number("bytes", pmem->size);

	return bytes < pmem->size ? bytes : pmem->size;
}

static const char *store(struct pmem *pmem)
{
	uint64_t stride = args_number("stride", EVERY_PAGE);
	uint64_t base = key(), bytes = stored_bytes(pmem);

	for (uint64_t at = 0; at + 8 <= bytes; at += stride)
		write64(pmem->start + at, base + at);
	return pmem_flush(pmem);
}

static const char *verify(struct pmem *pmem)
{
	uint64_t stride = args_number("stride", EVERY_PAGE);
	uint64_t base = key(), bytes = stored_bytes(pmem);

	for (uint64_t at = 0; at + 8 <= bytes; at += stride) {
		uint64_t found = read64(pmem->start + at);

		if (found != base + at)
			return fail("device %u offset 0x%lx holds 0x%lx, not 0x%lx", index_of(pmem),
				    at, found, base + at);
	}
	return NULL;
}

/* Flushes, and reports the answer instead of judging it. */
static const char *report_flush(struct pmem *pmem, const char *name)
{
	const char *error = pmem_request(pmem);

	if (!error)
		print("test-guest: %s flush ret=%d\n", name, (int)pmem->ret);
	return error;
}

static const char *tail(struct pmem *pmem)
{
	uint64_t size = args_number("file-size", 0);
	uint64_t target = pmem->start + args_number("offset", pmem->size - 8);
	uint32_t found;

	if (!size || size >= pmem->size)
		return "file-size= must be less than the size of the device";
	for (uint64_t at = size; at < pmem->size; at += at % EVERY_PAGE ? 1 : EVERY_PAGE)
		if (read8(pmem->start + at))
			return fail("offset 0x%lx behind the file's end is not zero", at);
	write32(target, 0x11223344);
	found = read32(target);
	if (found != 0 && found != 0x11223344)
		return fail("a write behind the file's end reads back as 0x%x", found);
	print("test-guest: tail-write %s\n", found ? "kept" : "dropped");
	return report_flush(pmem, "tail");
}

static const char *readonly(struct pmem *pmem)
{
	uint64_t old = read64(pmem->start);

	write64(pmem->start, ~old);
	if (read64(pmem->start) != old)
		return "a read-only device was written to";
	return report_flush(pmem, "readonly");
}

/* The tests on several CPUs: what each found out. */
static const char *cpu_errors[MACHINE_MAX_CPUS];

static void flush_own_devices(unsigned cpu)
{
	unsigned count = (unsigned)args_number("count", 20);

	for (unsigned i = 0; i < count; i++)
		for (unsigned n = cpu; n < pmem_count && !cpu_errors[cpu]; n += machine.n_cpus)
			cpu_errors[cpu] = pmem_flush(&pmems[n]);
}

static void flush_all_devices(unsigned cpu)
{
	for (unsigned n = 0; n < pmem_count && !cpu_errors[cpu]; n++)
		cpu_errors[cpu] = pmem_flush(&pmems[n]);
}

static const char *wait_for_cpu(unsigned cpu)
{
	if (!smp_wait(cpu))
		return fail("CPU %u does not end its flushes", cpu);
	return cpu_errors[cpu] ? fail("CPU %u: %s", cpu, cpu_errors[cpu]) : NULL;
}

/* Each CPU in turn rings all doorbells and takes all interrupts. */
static const char *flush_in_turn(unsigned cpu)
{
	for (unsigned i = 0; i < pmem_count; i++)
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[cpu]);
	smp_run(cpu, flush_all_devices);
	return wait_for_cpu(cpu);
}

static const char *cpus(void)
{
	uint64_t expected = args_number("expects", machine.n_cpus);
	const char *error = smp_start();

	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		error = flush_in_turn(cpu);
	for (unsigned i = 0; i < pmem_count; i++)
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[i % machine.n_cpus]);
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		smp_run(cpu, flush_own_devices);
	flush_own_devices(0);
	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		error = wait_for_cpu(cpu);
	for (unsigned i = 0; i < pmem_count; i++)
		virtio_mmio_route(&pmems[i].device, machine.apic_ids[0]);
	if (!error && cpu_errors[0])
		error = fail("CPU 0: %s", cpu_errors[0]);
	if (!error && expected != machine.n_cpus)
		error = fail("%u CPUs, not %lu", machine.n_cpus, expected);
	print("test-guest: cpus-online %u\n", error ? 0 : machine.n_cpus);
	return error;
}

/*
 * Interrupts that said something. An edge may wait in the APIC, so one that
 * was sent before a reset may come after it; its status then reads 0, and a driver ignores it.
 */
static uint32_t notifications(const struct virtio_mmio *device)
{
	return device->used_interrupts + device->config_interrupts;
}

/* Waits for the interrupts of what was used already: they may come late. */
static void settle(struct pmem *pmem)
{
	uint32_t seen;

	if (virtqueue_waiting(&pmem->queue))
		interrupts_wait(&pmem->device.used_interrupts, 0);
	do {
		seen = notifications(&pmem->device);
		interrupts_idle(args_number("idle-us", 500) * 1000);
	} while (notifications(&pmem->device) != seen);
}

/* Nothing of what was in flight may appear in the rings, in an answer or as an interrupt. */
static const char *check_silence(struct pmem *pmem, unsigned flushes)
{
	uint32_t interrupts = notifications(&pmem->device);
	uint16_t idx = pmem->queue.used.idx;

	for (unsigned n = 0; n < flushes; n++)
		pmem->resp[n].ret = PMEM_UNANSWERED;
	interrupts_idle(args_number("idle-us", 500) * 1000);
	for (unsigned n = 0; n < flushes; n++)
		if (*(volatile uint32_t *)&pmem->resp[n].ret != PMEM_UNANSWERED)
			return fail("flush %u is answered late", n);
	if (notifications(&pmem->device) != interrupts)
		return "an interrupt comes late";
	if (*(volatile uint16_t *)&pmem->queue.used.idx != idx)
		return "used idx moves late";
	return NULL;
}

static const char *reset(struct pmem *pmem)
{
	unsigned outstanding = (unsigned)args_number("outstanding", 4);
	unsigned count = (unsigned)args_number("count", 20);
	const char *error = NULL;

	for (unsigned i = 0; i < count && !error; i++) {
		error = pmem_start(pmem);
		if (error || outstanding > pmem->flushes)
			break;
		for (unsigned n = 0; n < outstanding; n++)
			pmem_offer(pmem, n);
		pmem_kick(pmem);
		error = virtio_mmio_reset(&pmem->device);
		if (!error)
			error = check_silence(pmem, outstanding);
		if (!error)
			error = pmem_start(pmem);
		/* The same heads again: the device must not think that they are in flight. */
		for (unsigned n = 0; n < outstanding && !error; n++)
			error = pmem_flush(pmem);
	}
	return error;
}

/* As Linux does when its driver is unbound: QueueReady = 0 while flushes are in flight. */
static const char *queue_off(struct pmem *pmem)
{
	const char *error = pmem_start(pmem);

	if (error)
		return error;
	for (unsigned n = 0; n < 4; n++)
		pmem_offer(pmem, n);
	pmem_kick(pmem);
	virtio_mmio_write(&pmem->device, VIRTIO_MMIO_QUEUE_READY, 0);
	if (virtio_mmio_read(&pmem->device, VIRTIO_MMIO_QUEUE_READY))
		return "QueueReady cannot be cleared";
	settle(pmem);
	error = check_silence(pmem, 4);
	/* A fresh start of the queue alone; its heads are free again. */
	pmem->offered = 0;
	if (!error)
		error = virtio_mmio_add_queue(&pmem->device, 0, &pmem->queue, VIRTQUEUE_MAX);
	return error ? error : pmem_flush(pmem);
}

static const char *stray(void)
{
	uint64_t high = 0x100000000;
	uint64_t addrs[3] = { args_number("address", 0xe0000000), 0xcffff000 };

	for (unsigned i = 0; i < pmem_count; i++)
		if (pmems[i].start + pmems[i].size > high)
			high = pmems[i].start + pmems[i].size;
	addrs[2] = high + 0x40000000;
	for (unsigned i = 0; i < 3; i++) {
		write32(addrs[i], 0);
		write8(addrs[i] + 1, 0);
		if (read64(addrs[i]) != ~0UL || read32(addrs[i]) != ~0U ||
		    read16(addrs[i]) != 0xffff || read8(addrs[i] + 3) != 0xff)
			return fail("address 0x%lx does not read as all ones", addrs[i]);
	}
	out8(0x2e9, 0);
	if (in8(0x2e9) != 0xff || in16(0x2ea) != 0xffff || in32(0x2f8) != ~0U)
		return "a port without a device does not read as all ones";
	return NULL;
}

static volatile uint32_t received;

static void receive(void *arg, uint64_t tsc)
{
	(void)arg;
	(void)tsc;
	received++;
}

/* Reads a line, by interrupts or with poll=1 by polling, and says it. */
static const char *echo(void)
{
	static char line[256];
	bool poll = args_number("poll", 0);
	unsigned len = 0;

	if (!poll)
		interrupts_route(machine.serial_pin, machine.apic_ids[0], receive, NULL);
	serial_receive_interrupt(!poll);
	print("test-guest: echo waits\n");
	while (len + 1 < sizeof(line)) {
		uint32_t seen = received;
		char c;

		if (serial_get(&c)) {
			if (c == '\n' || c == '\r')
				break;
			line[len++] = c;
		} else if (!poll && !interrupts_wait(&received, seen)) {
			return "no interrupt from the serial port";
		}
	}
	line[len] = '\0';
	serial_receive_interrupt(false);
	print("test-guest: echo %s\n", line);
	return NULL;
}

const struct check checks[] = {
	{ "hello", .once = hello },
	{ "flush", .each = flush },
	{ "flood", .once = flood_run },
	{ "no-interrupt", .each = no_interrupt },
	{ "framing", .each = framing },
	{ "store", .each = store },
	{ "verify", .each = verify },
	{ "tail", .each = tail },
	{ "readonly", .each = readonly },
	{ "cpus", .once = cpus },
	{ "interrupts", .once = stress_interrupts },
	{ "reset", .each = reset },
	{ "queue-off", .each = queue_off },
	{ "stray", .once = stray },
	{ "echo", .once = echo },
	{ "rng", .once = rng_check },
	{ "console-echo", .once = console_echo },
	{ "console-bulk", .once = console_bulk },
	{ "vsock-connect", .once = vsock_connect },
	{ "vsock-serve", .once = vsock_serve },
	{ "vsock-refused", .once = vsock_refused },
	{ "vsock-credit", .once = vsock_credit },
	{ "vsock-overrun", .once = vsock_overrun },
	{ "vsock-peer-death", .once = vsock_peer_death },
	{ "vsock-last-words", .once = vsock_last_words },
	{ "vsock-reset", .once = vsock_reset },
	{ "vsock-short-packet", .once = vsock_short_packet },
	{ "watchdog", .once = watchdog_check },
	{ "net", .once = net_echo },
	{ "net-flood", .once = net_flood },
	{ "net-storm", .once = net_storm },
	{ 0 },
};
