// SPDX-License-Identifier: Apache-2.0
/* Marks and prints the phases of a start. */
#include "vmm/wiring/boot_timer.h"

#include "vmm/base/clock.h"
#include "vmm/base/container_of.h"
#include "vmm/base/layout.h"
#include "vmm/base/log.h"

#include <stdio.h>

static const char *const names[BOOT_MARKS] = {
	[BOOT_MARK_EXEC] = "exec",
	[BOOT_MARK_MAIN] = "main",
	[BOOT_MARK_PLANNED] = "options and images",
	[BOOT_MARK_CREATED] = "VM created",
	[BOOT_MARK_LOADED] = "kernel or state loaded",
	[BOOT_MARK_ENTERED] = "guest entered",
	[BOOT_MARK_GUEST] = "first guest instruction",
	[BOOT_MARK_USER_SPACE] = "guest user space",
	[BOOT_MARK_END] = "end",
};

static uint64_t read_ones(struct bus_region *region, uint64_t offset, unsigned size)
{
	return ~0ULL;
}

static void guest_marks(struct boot_timer *timer, uint64_t value)
{
	if (value == 1)
		boot_timer_mark(timer, BOOT_MARK_GUEST);
	else if (value == 2 && boot_timer_mark(timer, BOOT_MARK_USER_SPACE) && timer->listener)
		timer->listener->user_space(timer->listener);
}

static void port_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	guest_marks(container_of(region, struct boot_timer, port), value);
}

static const struct bus_ops port_ops = { .read = read_ones, .write = port_write };

static void register_write(struct bus_region *region, uint64_t offset, unsigned size,
			   uint64_t value)
{
	guest_marks(container_of(region, struct boot_timer, byte), value);
}

static const struct bus_ops register_ops = { .read = read_ones, .write = register_write };

void boot_timer_init(struct boot_timer *timer)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);

	*timer = (struct boot_timer){
		.port = { LAYOUT_BOOT_TIMER_PORT, 1, &port_ops },
		.byte = { LAYOUT_BOOT_TIMER_BASE, 1, &register_ops },
	};
	timer->ns[BOOT_MARK_MAIN] = now;
	/* The CPU time of exec and the dynamic loader, without their waits for a CPU. */
	timer->ns[BOOT_MARK_EXEC] = now - clock_now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

bool boot_timer_mark(struct boot_timer *timer, enum boot_mark mark)
{
	uint64_t unset = 0;

	return __atomic_compare_exchange_n(&timer->ns[mark], &unset, clock_now_ns(CLOCK_MONOTONIC),
					   false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

const char *boot_timer_phase(const struct boot_timer *timer)
{
	unsigned last = BOOT_MARK_EXEC;

	for (unsigned i = 0; i < BOOT_MARKS; i++)
		if (__atomic_load_n(&timer->ns[i], __ATOMIC_RELAXED))
			last = i;
	return names[last];
}

void boot_timer_print(const struct boot_timer *timer)
{
	uint64_t start = timer->ns[BOOT_MARK_EXEC];
	double ms;
	char line[80];
	int len = snprintf(line, sizeof(line), "%-26s %12s\n", "phase", "ms since exec");

	if (!log_is_json())
		log_write(line, (size_t)len);
	for (unsigned i = 0; i < BOOT_MARKS; i++) {
		if (!timer->ns[i])
			continue;
		ms = (double)(timer->ns[i] - start) / 1e6;
		if (log_is_json()) {
			log_always("phase %s: %.3f ms since exec", names[i], ms);
			continue;
		}
		len = snprintf(line, sizeof(line), "%-26s %12.3f\n", names[i], ms);
		log_write(line, (size_t)len);
	}
}

static bool has_mark(const struct boot_timer *timer, enum boot_mark mark)
{
	return __atomic_load_n(&timer->ns[mark], __ATOMIC_RELAXED);
}

void boot_timer_save(const struct boot_timer *timer, struct state_writer *writer)
{
	state_writer_bool(writer, has_mark(timer, BOOT_MARK_GUEST));
	state_writer_bool(writer, has_mark(timer, BOOT_MARK_USER_SPACE));
}

void boot_timer_load(struct boot_timer *timer, struct state_reader *reader)
{
	bool guest = state_reader_bool(reader), user_space = state_reader_bool(reader);

	if (reader->failed)
		return;
	if (guest)
		guest_marks(timer, 1);
	if (user_space)
		guest_marks(timer, 2);
}
