// SPDX-License-Identifier: Apache-2.0
/* Fills the zero page. Everything in it that is not set here must be 0. */
#include "boot/boot_params_x86.h"

#include "boot/e820_x86.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* "undefined" in the list of boot loader ids, for loaders without one. */
#define LOADER_UNDEFINED 0xff
#define SEED_SIZE 32

static int write_cmdline(const char *cmdline, const struct setup_header *header,
			 const struct guest_memory *mem, struct error *err)
{
	size_t len = strlen(cmdline);
	size_t max = LAYOUT_CMDLINE_MAX - 1;

	if (header->cmdline_size < max)
		max = header->cmdline_size;
	if (len > max)
		return error_set(err, E2BIG,
				 "the command line has %zu bytes, but this kernel takes %zu;"
				 " shorten --append",
				 len, max);
	return guest_memory_write(mem, gpa(LAYOUT_CMDLINE), cmdline, len + 1);
}

static void fill_e820(const struct boot_machine *machine, struct boot_params *params)
{
	struct e820_x86_map map;

	e820_x86_build(machine, &map);
	memcpy(params->e820_table, map.entries, map.count * sizeof(map.entries[0]));
	params->e820_entries = (__u8)map.count;
}

/* Writes the header in front of the tree, which has been written already. The seed comes next. */
static int write_dtb_node(uint32_t dtb_size, const struct guest_memory *mem)
{
	struct setup_data node = { .next = LAYOUT_RNG_SEED, .type = SETUP_DTB, .len = dtb_size };

	return guest_memory_write(mem, gpa(LAYOUT_SETUP_DATA), &node, sizeof(node));
}

/*
 * Each boot gets a seed of its own, because a kernel has few sources of entropy before its first
 * interrupts. Linux 6.0 and later read the seed and wipe it; older kernels skip the node. If the
 * host has no entropy, the node is empty.
 */
static int write_seed_node(const struct guest_memory *mem)
{
	struct setup_data node = { .type = SETUP_RNG_SEED };
	uint8_t seed[SEED_SIZE] = { 0 };
	int r;

	if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
		node.len = sizeof(seed);
	r = guest_memory_write(mem, gpa(LAYOUT_RNG_SEED), &node, sizeof(node));
	if (r == 0)
		r = guest_memory_write(mem, gpa(LAYOUT_RNG_SEED + sizeof(node)), seed,
				       sizeof(seed));
	explicit_bzero(seed, sizeof(seed));
	return r;
}

int boot_params_x86_write(const struct boot_machine *machine, const struct kernel_image *kernel,
			  const struct boot_report *report, const char *cmdline, uint32_t dtb_size,
			  const struct guest_memory *mem, struct error *err)
{
	struct boot_params params = { .hdr = kernel->header };
	int r;

	r = write_cmdline(cmdline, &kernel->header, mem, err);
	if (r == 0 && dtb_size)
		r = write_dtb_node(dtb_size, mem);
	if (r == 0)
		r = write_seed_node(mem);
	if (r < 0)
		goto fail;
	params.hdr.type_of_loader = LOADER_UNDEFINED;
	params.hdr.vid_mode = 0xffff; /* "normal" */
	params.hdr.cmd_line_ptr = LAYOUT_CMDLINE;
	/* Below 4 GiB, so the ext_ fields stay 0. */
	params.hdr.ramdisk_image = (__u32)report->initrd_start;
	params.hdr.ramdisk_size = (__u32)report->initrd_size;
	params.hdr.setup_data = dtb_size ? LAYOUT_SETUP_DATA : LAYOUT_RNG_SEED;
	params.acpi_rsdp_addr = dtb_size ? 0 : LAYOUT_ACPI;
	fill_e820(machine, &params);
	r = guest_memory_write(mem, gpa(LAYOUT_ZERO_PAGE), &params, sizeof(params));
fail:
	if (r == -EFAULT)
		error_set(err, EFAULT, "no RAM below 1 MiB for the boot parameters");
	return r;
}
