// SPDX-License-Identifier: Apache-2.0
/* Plans a machine. Start reading at machine_plan. */
#include "vmm/machine/machine.h"

#include "boot/cmdline.h"
#include "boot/kernel_probe.h"
#include "boot/root_disk.h"
#include "vmm/base/log.h"
#include "vmm/host/tap.h"
#include "vmm/machine/machine_pmem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void add_device(struct boot_machine *boot, struct boot_device device)
{
	boot->devices[boot->n_devices++] = device;
}

/* The index of the root disk, or -1 where no disk is to be it. */
static int root_index(const struct config *config)
{
	for (unsigned i = 0; i < config->n_pmem; i++)
		if (config->pmem[i].root == CONFIG_ROOT_ON)
			return (int)i;
	return config->n_pmem && config->pmem[0].root == CONFIG_ROOT_DEFAULT ? 0 : -1;
}

static int plan_root(const struct machine *m, const struct config *config,
		     char args[ROOT_DISK_ARGS_MAX], struct error *err)
{
	int i = root_index(config), ret;
	const struct pmem_backing *backing;
	struct root_disk disk;

	args[0] = '\0';
	if (i < 0 || (config->append && cmdline_has(config->append, "root=")))
		return 0;
	backing = &m->pmem[i].backing;
	ret = root_disk_probe(backing->fd, backing->file_size, &disk);
	if (ret < 0)
		return error_set(err, -ret, "--pmem %s: cannot read: %s", backing->path,
				 strerror(-ret));
	if (!disk.fs)
		log_info("%s: no file system was recognised; name one in --append if the kernel "
			 "does not find it either",
			 backing->path);
	root_disk_args(&disk, (unsigned)i, backing->readonly, args);
	return 0;
}

static int plan_cmdline(struct machine *m, const struct config *config, struct error *err)
{
	char root[ROOT_DISK_ARGS_MAX];
	struct cmdline_parts parts = {
		.platform = m->boot.platform,
		.serial = config->serial.n > 0,
		.hvc = config->console.n > 0,
		.root = root,
		.append = config->append,
	};
	int ret = plan_root(m, config, root, err);

	if (ret < 0)
		return ret;
	if (!root[0])
		parts.root = NULL;
	return cmdline_build(&parts, m->cmdline, sizeof(m->cmdline), err);
}

/* Once for all who read them: a descriptor that was passed to us can be taken only once. */
static int open_sources(struct machine *m, const struct config *config, struct error *err)
{
	int ret = input_file_open(&m->source.kernel, "--kernel", config->kernel, err);

	if (ret == 0 && config->initrd)
		ret = input_file_open(&m->source.initrd, "--initrd", config->initrd, err);
	return ret;
}

/* What the kernel can read, where the user leaves it to us. */
static int plan_platform(struct machine *m, const struct config *config, struct error *err)
{
	struct kernel_probe probe;
	int ret;

	m->boot.platform = config->platform;
	if (config->platform == BOOT_PLATFORM_AUTO) {
		ret = kernel_probe(&m->source.kernel, &probe, err);
		if (ret < 0)
			return ret;
		log_info("%s: %s", config->kernel, probe.reason);
		m->boot.platform = probe.platform;
	}
	if (m->boot.n_nodes && m->boot.platform == BOOT_PLATFORM_DT)
		log_warning("--numa: Linux on x86 reads nodes from ACPI tables only; use "
			    "--platform acpi if the kernel can");
	return 0;
}

static int plan_extra(struct machine *m, const char *what, struct error *err)
{
	if (m->n_pmem + m->n_extras == LAYOUT_VIRTIO_SLOTS)
		return error_set(err, EINVAL,
				 "%s: no virtio slot is free: all %d are in use; give it "
				 "up, or a disk",
				 what, LAYOUT_VIRTIO_SLOTS);
	add_device(&m->boot, boot_virtio_device(LAYOUT_VIRTIO_SLOTS - 1 - m->n_extras, what));
	m->n_extras++;
	return 0;
}

static int plan_net(struct machine *m, const struct config_net *net, struct error *err)
{
	int ret = plan_extra(m, "virtio-net", err), fd;

	if (ret < 0)
		return ret;
	fd = tap_open(net->tap, err);
	if (fd < 0)
		return fd;
	m->taps[m->n_taps++] = fd;
	return 0;
}

/* In the order in which vm_extras.c makes them. */
static int plan_extras(struct machine *m, const struct config *config, struct error *err)
{
	int ret = config->rng ? plan_extra(m, "virtio-rng", err) : 0;

	if (config->vsock_path && ret == 0)
		ret = plan_extra(m, "virtio-vsock", err);
	if (config->console.given && ret == 0)
		ret = plan_extra(m, "virtio-console", err);
	for (unsigned i = 0; i < config->n_nets && ret == 0; i++)
		ret = plan_net(m, &config->nets[i], err);
	return ret;
}

static void plan_nodes(struct boot_machine *boot, const struct config *config)
{
	memcpy(boot->nodes, config->nodes, sizeof(boot->nodes));
	boot->n_nodes = (unsigned)__builtin_popcount(config->numa_seen);
}

int machine_plan(struct machine *machine, const struct config *config, struct error *err)
{
	struct boot_machine *boot = &machine->boot;
	int ret;

	boot->ram_size = config->memory;
	boot->cpus = config->cpus;
	add_device(boot, (struct boot_device){ .kind = BOOT_DEVICE_SERIAL,
					       .addr = LAYOUT_SERIAL_PORT,
					       .size = LAYOUT_SERIAL_PORTS,
					       .gsi = LAYOUT_SERIAL_GSI });
	add_device(boot, (struct boot_device){ .kind = BOOT_DEVICE_POWER,
					       .addr = LAYOUT_POWER_BASE,
					       .size = LAYOUT_POWER_SIZE,
					       .gsi = LAYOUT_POWER_GSI });
	add_device(boot, (struct boot_device){ .kind = BOOT_DEVICE_EXIT,
					       .addr = LAYOUT_EXIT_BASE,
					       .size = LAYOUT_EXIT_SIZE });
	add_device(boot, (struct boot_device){ .kind = BOOT_DEVICE_PANIC,
					       .addr = LAYOUT_PANIC_BASE,
					       .size = LAYOUT_PANIC_SIZE });
	if (config->watchdog)
		add_device(boot, (struct boot_device){ .kind = BOOT_DEVICE_WATCHDOG,
						       .addr = LAYOUT_WATCHDOG_BASE,
						       .size = LAYOUT_WATCHDOG_SIZE });
	plan_nodes(boot, config);
	ret = machine_plan_pmem(machine, config, err);
	if (ret == 0)
		ret = plan_extras(machine, config, err);
	if (ret == 0)
		ret = open_sources(machine, config, err);
	if (ret == 0)
		ret = plan_platform(machine, config, err);
	if (ret == 0)
		ret = plan_cmdline(machine, config, err);
	if (ret < 0)
		return ret;
	machine->source.cmdline = machine->cmdline;
	return 0;
}

void machine_fini(struct machine *machine)
{
	machine_fini_pmem(machine);
	for (unsigned i = 0; i < machine->n_taps; i++)
		close(machine->taps[i]);
	machine->n_taps = 0;
	input_file_close(&machine->source.kernel);
	input_file_close(&machine->source.initrd);
}
