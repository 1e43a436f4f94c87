// SPDX-License-Identifier: Apache-2.0
/* A machine as it is planned: its devices, its command line, and configurations that cannot be. */
#include "vmm/machine/machine.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/config_fixture.h"
#include "tests/support/open_descriptors.h"

TestSuite(machine, .timeout = 20);

static struct machine machine;
static struct config config;
static struct error err;
static char dir[32];
static unsigned descriptors;

static void setup(void)
{
	struct fixture_bzimage kernel = fixture_bzimage();

	fixture_directory(dir);
	check_eq(chdir(dir), 0);
	fixture_named_file("k", &kernel, sizeof(kernel), sizeof(kernel));
	fixture_named_file("a", "", 0, 4 << 20);
	fixture_named_file("b", "", 0, 4 << 20);
	fixture_named_file("i", "initrd", 6, 6);
	descriptors = open_descriptors();
}

/* Takes down what there is, and all that it had open. */
static void fini_machine(void)
{
	machine_fini(&machine);
	machine_fini(&machine);
	config_fini(&config);
	machine = (struct machine){ 0 };
	check_eq(open_descriptors(), descriptors);
}

static void teardown(void)
{
	check_eq(chdir("/"), 0);
	fixture_remove(dir);
}

static const char *cmdline(const char *line)
{
	static char text[MACHINE_CMDLINE_MAX];

	config = fixture_config(line);
	check_eq(machine_plan(&machine, &config, &err), 0, "%s: %s", line, err.text);
	snprintf(text, sizeof(text), "%s", machine.cmdline);
	fini_machine();
	return text;
}

/* Which disk is the root, if any. */
Test(machine, root_on_the_command_line, .init = setup, .fini = teardown)
{
	static const struct {
		const char *line, *root; /* NULL: nothing is said of it */
	} cases[] = {
		{ "--platform dt -p a -p b", "root=/dev/pmem0" },
		{ "--platform dt -p a -p b,root=on", "root=/dev/pmem1" },
		{ "--platform dt -p a,root=off -p b", NULL },
		{ "--platform dt", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *text = cmdline(cases[i].line);

		if (cases[i].root)
			check_contains(text, cases[i].root);
		else
			cr_assert(strstr(text, "root=") == NULL, "%s: %s", cases[i].line, text);
		cr_assert(text[0] && text[strlen(text) - 1] != ' ', "\"%s\"", text);
	}
	check_contains(cmdline("--platform dt -p a --append root=/dev/vda"), "root=/dev/vda");
	cr_assert(strstr(cmdline("--platform dt -p a --append root=/dev/vda"), "pmem") == NULL);
}

/* Disks have slots from the first one up, others from the last one down. */
Test(machine, slots, .init = setup, .fini = teardown)
{
	unsigned disks = 0, others = 0;

	config = fixture_config(
		"--platform acpi -p a --rng --vsock s --serial null -c 3 -m 64M --initrd i");
	check_eq(machine_plan(&machine, &config, &err), 0, "%s", err.text);
	for (unsigned i = 0; i < machine.boot.n_devices; i++) {
		const struct boot_device *d = &machine.boot.devices[i];
		uint64_t slot = (d->addr - LAYOUT_VIRTIO_BASE) / LAYOUT_VIRTIO_SIZE;

		if (d->kind != BOOT_DEVICE_VIRTIO_MMIO)
			continue;
		if (strcmp(d->what, "virtio-pmem") == 0)
			check_eq(slot, disks++);
		else
			check_eq(slot, LAYOUT_VIRTIO_SLOTS - ++others);
	}
	check_eq(disks, 1);
	check_eq(others, 2);
	check_eq(machine.n_devices, 2);
	check_eq(machine.boot.cpus, 3);
	check_eq(machine.boot.ram_size, 64 << 20);
	check_eq(machine.boot.platform, BOOT_PLATFORM_ACPI);
	check_eq(machine.source.initrd.size, 6);
	check_str(machine.source.cmdline, machine.cmdline);
	fini_machine();
}

static void refused(const char *line, const char *text)
{
	config = fixture_config(line);
	cr_assert(machine_plan(&machine, &config, &err) < 0, "%s", line);
	check_contains(err.text, text);
	fini_machine();
}

/*
 * bad input: Command line: more devices than there are virtio slots -> refused; the error names a
 * way out
 */
Test(machine, configurations_that_cannot_be, .init = setup, .fini = teardown)
{
	char line[512] = "--rng";

	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d%u", i);
		fixture_named_file(name, "", 0, 2 << 20);
		strcat(strcat(line, " -p "), name);
	}
	refused(line, "virtio-rng: no virtio slot is free: all ");
	check_contains(err.text, " are in use; leave this device or a disk out");
	refused("-p none", "none");
	refused("-p a --initrd none", "--initrd 'none': cannot open: No such file");
	check_eq(unlink("k"), 0);
	refused("-p a", "--kernel 'k': cannot open: No such file");
}
