// SPDX-License-Identifier: Apache-2.0
/* Prints and dumps a planned machine. */
#include "vmm/machine_show.h"

#include "boot/acpi.h"
#include "boot/devicetree.h"
#include "boot/e820.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_range(FILE *out, uint64_t start, uint64_t size)
{
	fprintf(out, "  %012" PRIx64 "-%012" PRIx64 "  ", start, start + size - 1);
}

static void print_memory(const struct machine *m, FILE *out)
{
	struct e820_map map;

	e820_build(&m->boot, &map);
	fprintf(out, "memory map (e820):\n");
	for (unsigned i = 0; i < map.count; i++) {
		print_range(out, map.entries[i].addr, map.entries[i].size);
		fprintf(out, "%s\n", e820_type_name(map.entries[i].type));
	}
}

static void print_pmem(const struct machine_pmem *pmem, unsigned n, FILE *out)
{
	const struct pmem_backing *b = &pmem->backing;

	print_range(out, pmem->start.value, b->size);
	fprintf(out, "/dev/pmem%u  %s: %s, %" PRIu64 " bytes%s%s\n", n, pmem->id, b->path,
		b->file_size, b->readonly ? ", read-only" : "", b->share ? "" : ", private");
}

static void print_device(const struct boot_device *device, FILE *out)
{
	static const char *const names[] = {
		[BOOT_DEVICE_VIRTIO_MMIO] = "virtio-mmio",
		[BOOT_DEVICE_SERIAL] = "serial port (16550)",
		[BOOT_DEVICE_POWER] = "power-off and reset",
	};

	print_range(out, device->addr, device->size);
	fprintf(out, "%s", names[device->kind]);
	if (device->kind == BOOT_DEVICE_SERIAL)
		fprintf(out, ", ports");
	if (device->gsi)
		fprintf(out, ", interrupt %u", device->gsi);
	fprintf(out, "\n");
}

void machine_show_plan(const struct machine *m, FILE *out)
{
	print_memory(m, out);
	fprintf(out, "persistent memory:\n");
	for (unsigned i = 0; i < m->n_pmem; i++)
		print_pmem(&m->pmem[i], i, out);
	fprintf(out, "devices, by %s:\n",
		m->boot.platform == BOOT_PLATFORM_DT ? "device tree" : "ACPI");
	for (unsigned i = 0; i < m->boot.n_devices; i++)
		print_device(&m->boot.devices[i], out);
	fprintf(out, "vCPUs: %u\ncommand line: %s\n", m->boot.cpus, m->cmdline);
}

static int write_file(const char *option, const char *path, const void *data, size_t size,
		      struct error *err)
{
	FILE *f = fopen(path, "we");
	bool ok = f && fwrite(data, 1, size, f) == size;

	if (f && fclose(f) != 0)
		ok = false;
	if (ok)
		return 0;
	return error_set(err, errno ? errno : EIO, "%s: cannot write %s: %s", option, path,
			 strerror(errno ? errno : EIO));
}

int machine_show_dtb(const struct machine *machine, const char *path, struct error *err)
{
	void *buf = calloc(1, DEVICETREE_MAX);
	uint32_t size;
	int ret;

	if (!buf)
		return error_set(err, ENOMEM, "--dump-dtb %s: out of memory", path);
	ret = devicetree_build(&machine->boot, buf, DEVICETREE_MAX, &size, err);
	if (ret == 0)
		ret = write_file("--dump-dtb", path, buf, size, err);
	free(buf);
	return ret;
}

static int write_tables(const struct acpi_tables *tables, const char *base, const char *dir,
			struct error *err)
{
	int ret = 0;

	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		return error_set(err, errno, "--dump-acpi %s: cannot make the directory: %s", dir,
				 strerror(errno));
	for (unsigned i = 0; i < ACPI_TABLES && ret == 0; i++) {
		char *path;

		if (asprintf(&path, "%s/%s.dat", dir, tables->table[i].name) < 0)
			return error_set(err, ENOMEM, "--dump-acpi %s: out of memory", dir);
		ret = write_file("--dump-acpi", path, base + tables->table[i].offset,
				 tables->table[i].size, err);
		free(path);
	}
	return ret;
}

int machine_show_acpi(const struct machine *machine, const char *dir, struct error *err)
{
	struct acpi_tables tables;
	char *buf = calloc(1, LAYOUT_ACPI_MAX);
	int ret;

	if (!buf)
		return error_set(err, ENOMEM, "--dump-acpi %s: out of memory", dir);
	ret = acpi_build(&machine->boot, buf, LAYOUT_ACPI_MAX, &tables, err);
	if (ret == 0)
		ret = write_tables(&tables, buf, dir, err);
	free(buf);
	return ret;
}
