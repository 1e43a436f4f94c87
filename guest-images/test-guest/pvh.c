// SPDX-License-Identifier: Apache-2.0
/* What PVH gives a kernel. Start reading at pvh_params. */
#include "pvh.h"

#include "cpu.h"

#define START_MAGIC 0x336ec578
#define DEBUG_EXIT_PORT 0xf4
#define PIC1_MASK 0x21
#define PIC2_MASK 0xa1

/* struct hvm_start_info of Xen's PVH boot protocol (docs/misc/pvh.pandoc there), version 0. */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t n_modules;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t rsdp;
};

/* Where entry.S keeps the register; 0 after the 64-bit entry. */
uint64_t pvh_start;

static struct boot_params params;

bool pvh_entered(void)
{
	return pvh_start && ((const struct start_info *)pvh_start)->magic == START_MAGIC;
}

const struct boot_params *pvh_params(void)
{
	uint64_t cmdline = ((const struct start_info *)pvh_start)->cmdline;

	params.hdr.cmd_line_ptr = (uint32_t)cmdline;
	params.ext_cmd_line_ptr = (uint32_t)(cmdline >> 32);
	return &params;
}

void pvh_machine(struct machine *ret_machine)
{
	/* The firmware has left its timer ticking on the 8259s. */
	out8(PIC1_MASK, 0xff);
	out8(PIC2_MASK, 0xff);
	*ret_machine = (struct machine){
		.platform = "pvh",
		.n_cpus = 1,
		.lapic = 0xfee00000,
		.ioapic = 0xfec00000,
		.serial_port = 0x3f8,
		.serial_pin = 4,
		.pci = true,
		.poweroff = { .addr = DEBUG_EXIT_PORT, .is_port = true, .width = 1 },
		.reset = { .addr = 0x64, .value = 0xfe, .is_port = true, .width = 1 },
	};
}
