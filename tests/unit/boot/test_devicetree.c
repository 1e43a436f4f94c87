// SPDX-License-Identifier: Apache-2.0
/* The device tree, read back by libfdt and by dtc. */
#include "boot/devicetree.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>
#include <libfdt.h>

static struct error err;
static uint64_t tree[DEVICETREE_MAX / 8];

static uint32_t build(const struct boot_machine *machine)
{
	uint32_t size;
	int r = devicetree_build(machine, tree, sizeof(tree), &size, &err);

	cr_assert_eq(r, 0, "%s", err.text);
	cr_assert_eq(fdt_check_full(tree, size), 0);
	return size;
}

static uint32_t cell(const char *path, const char *name, int index)
{
	int node = fdt_path_offset(tree, path);
	const fdt32_t *p;
	int len;

	cr_assert(node >= 0, "no node %s", path);
	p = fdt_getprop(tree, node, name, &len);
	cr_assert(p && len >= 4 * (index + 1), "%s has no %s", path, name);
	return fdt32_to_cpu(p[index]);
}

static unsigned count_compatible(const char *compatible)
{
	unsigned n = 0;

	for (int node = fdt_node_offset_by_compatible(tree, -1, compatible); node >= 0;
	     node = fdt_node_offset_by_compatible(tree, node, compatible))
		n++;
	return n;
}

Test(devicetree, describes_each_device_once)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_DT, 2, 3);

	build(&machine);
	cr_assert_eq(count_compatible("virtio,mmio"), 3);
	cr_assert_eq(count_compatible("pnpPNP,501"), 1);
	cr_assert_eq(count_compatible("intel,ce4100-lapic"), 1);
	cr_assert_eq(count_compatible("intel,ce4100-ioapic"), 1);
	cr_assert_eq(cell("/virtio_mmio@d0002000", "reg", 1), 0xd0002000);
	cr_assert_eq(cell("/virtio_mmio@d0002000", "reg", 3), 0x1000);
	cr_assert_eq(cell("/virtio_mmio@d0002000", "interrupts", 0), LAYOUT_VIRTIO_GSI + 2);
	cr_assert_eq(cell("/virtio_mmio@d0002000", "interrupts", 1), 3, "rising edge");
	cr_assert_eq(cell("/", "interrupt-parent", 0),
		     cell("/interrupt-controller@fec00000", "phandle", 0));
	cr_assert_eq(cell("/isa@0/serial@i3f8", "reg", 1), 0x3f8);
	cr_assert_eq(cell("/isa@0/serial@i3f8", "interrupts", 0), LAYOUT_SERIAL_GSI);
	cr_assert_eq(cell("/cpus/cpu@1", "reg", 0), 1);
	cr_assert(fdt_path_offset(tree, "/cpus/cpu@2") < 0);
}

Test(devicetree, powers_off_by_the_layouts_registers)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_DT, 1, 0);

	build(&machine);
	cr_assert_eq(cell("/syscon-poweroff", "regmap", 0), cell("/power@d0100000", "phandle", 0));
	cr_assert_eq(cell("/syscon-poweroff", "offset", 0), LAYOUT_POWER_SLEEP_CONTROL);
	cr_assert_eq(cell("/syscon-poweroff", "value", 0), LAYOUT_POWER_OFF_VALUE);
	cr_assert_eq(cell("/syscon-reboot", "offset", 0), LAYOUT_POWER_RESET);
	cr_assert_eq(cell("/syscon-reboot", "value", 0), LAYOUT_POWER_RESET_VALUE);
	cr_assert_eq(cell("/power@d0100000", "reg-io-width", 0), 1);
	cr_assert_eq(cell("/exit@d0102000", "reg", 1), LAYOUT_EXIT_BASE);
	cr_assert_eq(cell("/exit@d0102000", "reg", 3), LAYOUT_EXIT_SIZE);
	cr_assert_eq(cell("/pvpanic-mmio@d0101000", "reg", 1), LAYOUT_PANIC_BASE);
	cr_assert_eq(cell("/pvpanic-mmio@d0101000", "reg", 3), LAYOUT_PANIC_SIZE);
}

Test(devicetree, describes_the_watchdog_that_is_there)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_DT, 1, 0);

	build(&machine);
	cr_assert_eq(count_compatible("mvmm,watchdog"), 0);
	machine.devices[machine.n_devices++] = (struct boot_device){
		.kind = BOOT_DEVICE_WATCHDOG,
		.addr = LAYOUT_WATCHDOG_BASE,
		.size = LAYOUT_WATCHDOG_SIZE,
	};
	build(&machine);
	cr_assert_eq(cell("/watchdog@d0103000", "reg", 1), LAYOUT_WATCHDOG_BASE);
	cr_assert_eq(cell("/watchdog@d0103000", "reg", 3), LAYOUT_WATCHDOG_SIZE);
}

Test(devicetree, describes_the_generation_id)
{
	struct boot_machine machine = fixture_machine(BOOT_PLATFORM_DT, 1, LAYOUT_VIRTIO_SLOTS);

	build(&machine);
	cr_assert_eq(count_compatible("microsoft,vmgenid"), 1);
	cr_assert_eq(cell("/rng@d0013000", "reg", 1), LAYOUT_VMGENID_BASE);
	cr_assert_eq(cell("/rng@d0013000", "reg", 3), LAYOUT_VMGENID_SIZE);
	cr_assert_eq(cell("/rng@d0013000", "interrupts", 0), LAYOUT_VMGENID_GSI);
	cr_assert_eq(cell("/rng@d0013000", "interrupts", 1), 3, "rising edge");
}

Test(devicetree, dtc_has_nothing_to_say)
{
	const struct {
		unsigned cpus, slots;
	} sizes[] = { { 1, 0 }, { 4, 2 }, { BOOT_MAX_CPUS, LAYOUT_VIRTIO_SLOTS } };
	char output[FIXTURE_OUTPUT];

	for (unsigned i = 0; i < 3; i++) {
		struct boot_machine machine =
			fixture_machine(BOOT_PLATFORM_DT, sizes[i].cpus, sizes[i].slots);
		uint32_t size = build(&machine);
		struct fixture_file f = fixture_file(tree, size);

		FIXTURE_RUN(output, "dtc", "-I", "dtb", "-O", "dts", "-o", "/dev/null", f.path);
		cr_assert_str_eq(output, "", "%s", output);
	}
}

Test(devicetree, fits_or_says_so)
{
	struct boot_machine machine =
		fixture_machine(BOOT_PLATFORM_DT, BOOT_MAX_CPUS, LAYOUT_VIRTIO_SLOTS);
	uint32_t whole = build(&machine);
	uint32_t size = 42;

	cr_assert(whole < sizeof(tree));
	for (size_t cap = 0; cap < whole; cap += 64) {
		cr_assert_eq(devicetree_build(&machine, tree, cap, &size, &err), -E2BIG);
		cr_assert_eq(size, 42);
	}
}
