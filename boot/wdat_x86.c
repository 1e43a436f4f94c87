// SPDX-License-Identifier: Apache-2.0
/*
 * Writes the WDAT, by Microsoft's "Hardware Watchdog Timers Design Specification" of 2006. Start
 * reading at wdat_x86_write.
 */
#include "boot/wdat_x86.h"

#include "vmm/base/array.h"
#include "vmm/base/endian.h"
#include "vmm/base/layout.h"

#include <linux/types.h>
#include <string.h>

/* Where no PCI device has the registers. Linux looks for this value in the segment, too. */
#define NO_PCI 0xff
#define COUNT_MS 1000
#define FLAG_ENABLED 1

struct wdat_start {
	__le32 length; /* of this structure */
	__le16 pci_segment;
	__u8 pci_bus;
	__u8 pci_device;
	__u8 pci_function;
	__u8 reserved1[3];
	__le32 count_ms;
	__le32 max_count;
	__le32 min_count;
	__u8 flags;
	__u8 reserved2[3];
	__le32 actions;
} __attribute__((packed));

enum action {
	BEGIN_ANEW = 1,
	GET_LEFT = 4,
	GET_COUNT = 5,
	SET_COUNT = 6,
	GET_RUNNING = 8,
	SET_RUNNING = 9,
	GET_STOPPED = 10,
	SET_STOPPED = 11,
};

/* What to do with the register: compare it with @value, read it, write @value, write a count. */
enum instruction { IS_VALUE = 0, READ_COUNT = 1, WRITE_VALUE = 2, WRITE_COUNT = 3 };

struct wdat_action {
	__u8 action;
	__u8 instruction;
	__le16 reserved;
	__u8 space; /* a Generic Address Structure from here: 0 is memory */
	__u8 bit_width;
	__u8 bit_offset;
	__u8 access_size; /* 3 is 32 bits */
	__le64 address;
	__le32 value;
	__le32 mask;
} __attribute__((packed));

static const struct {
	enum action action;
	enum instruction instruction;
	uint32_t offset;
	uint32_t value;
} actions[] = {
	{ BEGIN_ANEW, WRITE_VALUE, LAYOUT_WATCHDOG_LEFT, 1 },
	{ GET_LEFT, READ_COUNT, LAYOUT_WATCHDOG_LEFT, 0 },
	{ GET_COUNT, READ_COUNT, LAYOUT_WATCHDOG_SECONDS, 0 },
	{ SET_COUNT, WRITE_COUNT, LAYOUT_WATCHDOG_SECONDS, 0 },
	{ GET_RUNNING, IS_VALUE, LAYOUT_WATCHDOG_RUN, 1 },
	{ SET_RUNNING, WRITE_VALUE, LAYOUT_WATCHDOG_RUN, 1 },
	{ GET_STOPPED, IS_VALUE, LAYOUT_WATCHDOG_RUN, 0 },
	{ SET_STOPPED, WRITE_VALUE, LAYOUT_WATCHDOG_RUN, 0 },
};

#define N_ACTIONS ARRAY_SIZE(actions)

_Static_assert(sizeof(struct wdat_start) + N_ACTIONS * sizeof(struct wdat_action) == WDAT_SIZE,
	       "WDAT_SIZE counts with these");

void wdat_x86_write(void *buf)
{
	struct wdat_start start = {
		.length = host_to_le32(sizeof(start)),
		.pci_segment = host_to_le16(NO_PCI),
		.pci_bus = NO_PCI,
		.pci_device = NO_PCI,
		.pci_function = NO_PCI,
		.count_ms = host_to_le32(COUNT_MS),
		.max_count = host_to_le32(LAYOUT_WATCHDOG_MAX_SECONDS),
		.min_count = host_to_le32(1),
		.flags = FLAG_ENABLED,
		.actions = host_to_le32(N_ACTIONS),
	};
	uint8_t *to = buf;

	memcpy(to, &start, sizeof(start));
	to += sizeof(start);
	for (size_t i = 0; i < N_ACTIONS; i++) {
		struct wdat_action action = {
			.action = (__u8)actions[i].action,
			.instruction = (__u8)actions[i].instruction,
			.bit_width = 32,
			.access_size = 3,
			.address = host_to_le64(LAYOUT_WATCHDOG_BASE + actions[i].offset),
			.value = host_to_le32(actions[i].value),
			.mask = host_to_le32(UINT32_MAX),
		};

		memcpy(to, &action, sizeof(action));
		to += sizeof(action);
	}
}
