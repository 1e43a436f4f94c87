// SPDX-License-Identifier: Apache-2.0
/* Plans a machine. Start reading at machine_plan. */
#include "vmm/machine/machine.h"

#include "boot/cmdline.h"
#include "boot/kernel_probe.h"
#include "boot/root_disk.h"
#include "vmm/base/log.h"
#include "vmm/machine/confined_search.h"
#include "vmm/machine/machine_pmem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void add_device(struct boot_machine *boot, struct boot_device device)
{
	boot->devices[boot->n_devices++] = device;
}

/* The index of the root disk, or -1 if no disk is to be it. */
static int root_index(const struct config *config)
{
	for (unsigned i = 0; i < config->n_pmem; i++)
		if (config->pmem[i].root == CONFIG_ROOT_ON)
			return (int)i;
	return config->n_pmem && config->pmem[0].root == CONFIG_ROOT_DEFAULT ? 0 : -1;
}

static void report_root(const char *path, const struct root_disk *disk)
{
	if (disk->is)
		log_warning("%s: is %s", path, disk->is);
	else if (!disk->fs)
		log_info("%s: mvmm does not know the file system; give rootfstype= in --append if "
			 "the kernel does not find it either",
			 path);
	else if (!disk->dax)
		log_info("%s: is mounted without DAX: %s", path, disk->no_dax);
	if (disk->others)
		log_warning(
			"%s: %u partitions may be the root, and partition %u is taken, which is "
			"the largest; name another one with root= in --append",
			path, disk->others + 1, disk->partition);
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
		return error_system(err, -ret, "--pmem %s: cannot read", backing->path);
	report_root(backing->path, &disk);
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

/* Opens them once for all readers, because a passed descriptor can be taken only once. */
static int open_sources(struct machine *m, const struct config *config, struct error *err)
{
	int ret = input_file_open(&m->source.kernel, "--kernel", config->kernel, err);

	if (ret == 0 && config->initrd)
		ret = input_file_open(&m->source.initrd, "--initrd", config->initrd, err);
	return ret;
}

/* Chooses the platform that the kernel can read, unless the user has. */
static int plan_platform(struct machine *m, const struct config *config, struct error *err)
{
	struct confined_search confined;
	struct kernel_probe probe;
	int ret;

	m->boot.platform = config->platform;
	if (config->platform == BOOT_PLATFORM_AUTO) {
		confined_search_init(&confined, &config->sandbox);
		ret = kernel_probe(&m->source.kernel, &confined.searcher, &probe, err);
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

static int plan_device(struct machine *m, const struct config *config,
		       const struct device_model *model, unsigned index, struct error *err)
{
	struct machine_device *device = &m->devices[m->n_devices];
	int ret;

	if (m->n_pmem + m->n_devices == LAYOUT_VIRTIO_SLOTS)
		return error_set(
			err, EINVAL,
			"%s: no virtio slot is free: all %d are in use; leave this device or a "
			"disk out",
			model->name, LAYOUT_VIRTIO_SLOTS);
	add_device(&m->boot,
		   boot_virtio_device(LAYOUT_VIRTIO_SLOTS - 1 - m->n_devices, model->name));
	ret = model->open ? model->open(config, index, err) : 0;
	if (ret < 0)
		return ret;
	*device = (struct machine_device){ model, index, ret };
	m->n_devices++;
	return 0;
}

static int plan_devices(struct machine *m, const struct config *config, struct error *err)
{
	int ret = 0;

	for (const struct device_model *const *model = device_models; *model; model++)
		for (unsigned i = 0; i < (*model)->count(config) && ret == 0; i++)
			ret = plan_device(m, config, *model, i, err);
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
	boot->topology = config->topology;
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
		ret = plan_devices(machine, config, err);
	/* A restored guest runs already. */
	if (ret == 0 && config->restore.where) {
		boot->platform = config->platform;
		return 0;
	}
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

void machine_keep_disks(struct machine *machine)
{
	for (unsigned i = 0; i < machine->n_pmem; i++)
		pmem_backing_keep(&machine->pmem[i].backing);
}

void machine_fini(struct machine *machine)
{
	machine_fini_pmem(machine);
	for (unsigned i = 0; i < machine->n_devices; i++)
		if (machine->devices[i].fd)
			close(machine->devices[i].fd);
	machine->n_devices = 0;
	input_file_close(&machine->source.kernel);
	input_file_close(&machine->source.initrd);
}
