// SPDX-License-Identifier: Apache-2.0
/* Prints and dumps a planned machine. */
#include "vmm/machine/machine_show.h"

#include "boot/acpi_x86.h"
#include "boot/devicetree.h"
#include "boot/e820_x86.h"
#include "boot/numa.h"
#include "vmm/base/file_argument.h"
#include "vmm/base/file_write.h"
#include "vmm/base/log.h"
#include "vmm/kvm/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_range(FILE *out, uint64_t start, uint64_t size)
{
	fprintf(out, "  %012" PRIx64 "-%012" PRIx64 "  ", start, start + size - 1);
}

static void print_memory(const struct machine *m, FILE *out)
{
	struct e820_x86_map map;

	e820_x86_build(&m->boot, &map);
	fprintf(out, "memory map (e820):\n");
	for (unsigned i = 0; i < map.count; i++) {
		print_range(out, map.entries[i].addr, map.entries[i].size);
		fprintf(out, "%s\n", e820_x86_type_name(map.entries[i].type));
	}
}

/* Without control characters, which a terminal would obey. */
static void print_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		char c = *text;

		log_make_printable(&c, 1);
		fputc(c, out);
	}
}

static void print_pmem(const struct machine *m, unsigned n, FILE *out)
{
	const struct machine_pmem *pmem = &m->pmem[n];
	const struct pmem_backing *b = &pmem->backing;

	print_range(out, pmem->start.value, b->size);
	fprintf(out, "/dev/pmem%u  %s: ", n, pmem->id);
	print_text(b->path, out);
	fprintf(out, ", %" PRIu64 " bytes%s%s", b->file_size, b->readonly ? ", read-only" : "",
		b->share ? "" : ", private");
	if (m->boot.n_nodes)
		fprintf(out, ", node %u", pmem->node);
	fprintf(out, "\n");
}

/* "0-2,4" */
static void print_cpus(uint32_t cpus, FILE *out)
{
	const char *separator = "";

	for (unsigned first = 0; first < BOOT_MAX_CPUS; first++) {
		unsigned last = first;

		if (!(cpus & 1u << first))
			continue;
		while (last + 1 < BOOT_MAX_CPUS && cpus & 1u << (last + 1))
			last++;
		fprintf(out, "%s%u", separator, first);
		if (last > first)
			fprintf(out, "-%u", last);
		separator = ",";
		first = last;
	}
}

static void print_nodes(const struct boot_machine *boot, FILE *out)
{
	struct numa_range ranges[NUMA_MAX_RANGES];
	unsigned n = numa_ranges(boot, ranges);

	if (boot->n_nodes)
		fprintf(out, "NUMA nodes:\n");
	for (unsigned i = 0; i < boot->n_nodes; i++) {
		fprintf(out, "  node %u, vCPUs: ", i);
		print_cpus(boot->nodes[i].cpus, out);
		fprintf(out, "%s\n", boot->nodes[i].cpus ? "" : "none");
	}
	for (unsigned i = 0; i < n; i++) {
		print_range(out, ranges[i].start, ranges[i].size);
		fprintf(out, "node %u, %s\n", ranges[i].node, ranges[i].pmem ? "pmem" : "RAM");
	}
}

static void print_device(const struct boot_device *device, FILE *out)
{
	static const char *const names[] = {
		[BOOT_DEVICE_VIRTIO_MMIO] = "virtio-mmio",
		[BOOT_DEVICE_SERIAL] = "serial port (16550)",
		[BOOT_DEVICE_POWER] = "power-off and reset",
		[BOOT_DEVICE_EXIT] = "exit status",
		[BOOT_DEVICE_PANIC] = "pvpanic",
		[BOOT_DEVICE_WATCHDOG] = "watchdog",
	};

	print_range(out, device->addr, device->size);
	fprintf(out, "%s", names[device->kind]);
	if (device->what)
		fprintf(out, ", %s", device->what);
	if (device->kind == BOOT_DEVICE_SERIAL)
		fprintf(out, ", ports");
	if (device->gsi)
		fprintf(out, ", interrupt %u", device->gsi);
	fprintf(out, "\n");
}

static void print_topology(const struct boot_machine *boot, FILE *out)
{
	const struct boot_topology *t = &boot->topology;

	fprintf(out, "vCPUs: %u (sockets: %u, cores: %u, threads: %u)\n", boot->cpus, t->sockets,
		t->cores, t->threads);
}

void machine_show_plan(const struct machine *m, FILE *out)
{
	print_memory(m, out);
	fprintf(out, "persistent memory:\n");
	for (unsigned i = 0; i < m->n_pmem; i++)
		print_pmem(m, i, out);
	if (m->placement.size) {
		print_range(out, m->placement.base, m->placement.size);
		fprintf(out, "for memory devices, %" PRIu64 " of %" PRIu64 " bytes in use\n",
			placement_used(&m->placement), m->placement.space);
	}
	print_nodes(&m->boot, out);
	fprintf(out, "devices, by %s:\n",
		m->boot.platform == BOOT_PLATFORM_DT ? "device tree" : "ACPI");
	for (unsigned i = 0; i < m->boot.n_devices; i++)
		print_device(&m->boot.devices[i], out);
	print_topology(&m->boot, out);
	fprintf(out, "command line: ");
	print_text(m->cmdline, out);
	fprintf(out, "\n");
}

/* How long to wait for the reader of a pipe. */
#define PATIENCE_MS 5000

/* Writes @data to @fd and closes it; a negative @fd is the error of opening @path. */
static int write_file(int fd, const char *option, const char *path, const char *data, size_t size,
		      struct error *err)
{
	int ret = fd < 0 ? fd : file_write_patiently(fd, data, size, PATIENCE_MS);

	if (fd >= 0 && close(fd) < 0 && ret == 0)
		ret = -errno;
	if (ret == -ENXIO || ret == -ETIMEDOUT)
		return error_set(err, -ret, "%s: cannot write %s: nobody reads it", option, path);
	return ret ? error_system(err, -ret, "%s: cannot write %s", option, path) : 0;
}

static int make_file(int dir_fd, const char *name)
{
	/* O_NONBLOCK: a FIFO that nobody reads is an error (ENXIO), and not waited for. */
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);

	return fd < 0 ? -errno : fd;
}

static int write_tree(const char *path, const void *data, size_t size, struct error *err)
{
	int fd;

	if (!file_argument_is_fd(path))
		return write_file(make_file(AT_FDCWD, path), "--dump-dtb", path, data, size, err);
	fd = file_argument_take("--dump-dtb", path, O_WRONLY, err);
	return fd < 0 ? fd : write_file(fd, "--dump-dtb", path, data, size, err);
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
		ret = write_tree(path, buf, size, err);
	free(buf);
	return ret;
}

/* Opens the directory, and makes it if it is missing. */
static int open_directory(const char *dir, struct error *err)
{
	int fd;

	if (file_argument_is_fd(dir))
		return file_argument_take("--dump-acpi", dir, O_RDONLY, err);
	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		return error_system(err, errno, "--dump-acpi %s: cannot make the directory", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_system(err, errno, "--dump-acpi %s", dir) : fd;
}

static int write_tables(const struct acpi_x86_tables *tables, const char *base, const char *dir,
			struct error *err)
{
	int dir_fd = open_directory(dir, err), ret = 0;

	if (dir_fd < 0)
		return dir_fd;
	for (unsigned i = 0; i < tables->count && ret == 0; i++) {
		char path[PATH_MAX + 16], name[16];

		snprintf(name, sizeof(name), "%s.dat", tables->table[i].name);
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		ret = write_file(make_file(dir_fd, name), "--dump-acpi", path,
				 base + tables->table[i].offset, tables->table[i].size, err);
	}
	close(dir_fd);
	return ret;
}

int machine_show_load(const struct machine *machine, struct error *err)
{
	struct guest_memory memory = { 0 };
	struct boot_report report;
	struct boot_entry entry;
	struct ram ram;
	int ret = ram_init(&ram, machine->boot.ram_size, false, &memory, err);

	if (ret < 0)
		return ret;
	ret = boot_load(&machine->boot, &machine->source, &memory, &entry, &report, err);
	ram_fini(&ram);
	return ret;
}

int machine_show_acpi(const struct machine *machine, const char *dir, struct error *err)
{
	struct acpi_x86_tables tables;
	char *buf = calloc(1, LAYOUT_ACPI_MAX);
	int ret;

	if (!buf)
		return error_set(err, ENOMEM, "--dump-acpi %s: out of memory", dir);
	ret = acpi_x86_build(&machine->boot, buf, LAYOUT_ACPI_MAX, &tables, err);
	if (ret == 0)
		ret = write_tables(&tables, buf, dir, err);
	free(buf);
	return ret;
}
