// SPDX-License-Identifier: Apache-2.0
/* The plan as --dry-run prints it, and the dumps of device tree and ACPI tables. */
#include "vmm/machine/machine_show.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/config_fixture.h"
#include "tests/support/open_descriptors.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

TestSuite(machine_show, .timeout = 20);

static struct machine machine;
static struct config config;
static struct error err;
static char dir[32];

static void setup(void)
{
	struct fixture_bzimage kernel = fixture_bzimage();

	fixture_directory(dir);
	check_eq(chdir(dir), 0);
	fixture_named_file("k", &kernel, sizeof(kernel), sizeof(kernel));
	fixture_named_file("a", "", 0, 4 << 20);
	fixture_named_file("odd", "", 0, 3000001);
}

static void teardown(void)
{
	machine_fini(&machine);
	machine_fini(&machine);
	config_fini(&config);
	check_eq(chdir("/"), 0);
	fixture_remove(dir);
}

static void plan(const char *line)
{
	config = fixture_config(line);
	check_eq(machine_plan(&machine, &config, &err), 0, "%s", err.text);
}

static const char *shown(void)
{
	static char *text;
	size_t len;
	FILE *out;

	free(text);
	out = open_memstream(&text, &len);

	machine_show_plan(&machine, out);
	fclose(out);
	return text;
}

Test(machine_show, device_tree, .init = setup, .fini = teardown)
{
	const char *text;

	plan("-m 64M -c 3 -p a,readonly=on -p odd,share=off,id=x --platform dt --serial null "
	     "--append abc");
	text = shown();
	check_eq(strncmp(text, "memory map (e820):\n  000000000000-", 33), 0);
	check_contains(text, "\npersistent memory:\n"
			     "  000100000000-0001003fffff  /dev/pmem0  pmem0: a, 4194304 bytes, "
			     "read-only\n"
			     "  000100400000-0001007fffff  /dev/pmem1  x: odd, 3000001 bytes, "
			     "private\n"
			     "devices, by device tree:\n");
	check_contains(text,
		       "\n  0000000003f8-0000000003ff  serial port (16550), ports, interrupt 4\n");
	check_contains(text,
		       "\n  0000d0000000-0000d0000fff  virtio-mmio, virtio-pmem, interrupt 5\n");
	check_contains(text,
		       "\n  0000d0001000-0000d0001fff  virtio-mmio, virtio-pmem, interrupt 6\n");
	check_contains(text, "  power-off and reset");
	check_contains(text, "  exit status\n");
	check_contains(text, "  pvpanic\n");
	check_contains(text, "\nvCPUs: 3 (sockets: 1, cores: 3, threads: 1)\ncommand line: ");
	check_eq(strcmp(text + strlen(text) - 5, " abc\n"), 0);
	cr_assert(strstr(text, "NUMA") == NULL);
	cr_assert(strstr(text, "watchdog") == NULL);
	cr_assert(strstr(text, "for memory devices") == NULL);
}

Test(machine_show, all_there_is, .init = setup, .fini = teardown)
{
	const char *text;

	plan("-m 64M,maxmem=1G -c 5 --numa node=0,cpus=0-2,cpus=4,memory=16M "
	     "--numa node=1,cpus=3,memory=48M --numa node=2,memory=0 -p a,node=1 --rng --watchdog "
	     "--platform acpi --serial null");
	text = shown();
	check_contains(text, "  /dev/pmem0  pmem0: a, 4194304 bytes, node 1\n");
	check_contains(text, "  for memory devices, 4194304 of 1006632960 bytes in use\n");
	check_contains(text, "\nNUMA nodes:\n"
			     "  node 0, vCPUs: 0-2,4\n"
			     "  node 1, vCPUs: 3\n"
			     "  node 2, vCPUs: none\n");
	check_contains(text, "  node 0, RAM\n");
	check_contains(text, "  node 1, RAM\n");
	check_contains(text, "\n  000100000000-0001003fffff  node 1, pmem\n");
	check_contains(text, "\ndevices, by ACPI:\n");
	check_contains(text, "  watchdog\n");
	check_contains(text, "  virtio-mmio, virtio-rng, interrupt ");
}

/* The largest set of vCPUs, whose last one is the last bit of its word. */
Test(machine_show, thirty_two_vcpus, .init = setup, .fini = teardown)
{
	plan("-m 64M -c 32,sockets=2,threads=4 --numa node=0,cpus=0-31,memory=64M -p a --platform acpi --serial null");
	check_contains(shown(), "  node 0, vCPUs: 0-31\n");
	check_contains(shown(), "\nvCPUs: 32 (sockets: 2, cores: 4, threads: 4)\n");
}

static uint32_t read_word(const char *path, off_t off)
{
	uint32_t word = 0;
	int fd = open(path, O_RDONLY);

	check_eq(pread(fd, &word, sizeof(word), off), sizeof(word), "%s", path);
	close(fd);
	return word;
}

static off_t size_of(const char *path)
{
	struct stat st;

	check_eq(stat(path, &st), 0, "%s", path);
	return st.st_size;
}

Test(machine_show, dumps_the_device_tree, .init = setup, .fini = teardown)
{
	int fd = memfd_create("tree", 0), mine = dup(fd);
	char where[16], path[32];

	plan("-m 64M -p a --platform dt --serial null");
	fixture_named_file("tree", "", 0, 1 << 20);
	check_eq(machine_show_dtb(&machine, "tree", &err), 0, "%s", err.text);
	check_eq(be32toh(read_word("tree", 0)), 0xd00dfeed);
	check_eq(be32toh(read_word("tree", 4)), size_of("tree"), "what was there is gone");
	snprintf(where, sizeof(where), "fd:%d", fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mine);
	check_eq(machine_show_dtb(&machine, where, &err), 0, "%s", err.text);
	check_eq(size_of(path), size_of("tree"));
	check_eq(fcntl(fd, F_GETFD), -1, "it was taken");
}

Test(machine_show, dumps_the_tables, .init = setup, .fini = teardown)
{
	plan("-m 64M -p a --platform acpi --serial null");
	check_eq(machine_show_acpi(&machine, "tables", &err), 0, "%s", err.text);
	check_eq(read_word("tables/apic.dat", 4), size_of("tables/apic.dat"));
	check_eq(read_word("tables/dsdt.dat", 4), size_of("tables/dsdt.dat"));
	/* And into a directory that is there, over what is in it. */
	fixture_named_file("tables/apic.dat", "", 0, 1 << 20);
	check_eq(machine_show_acpi(&machine, "tables", &err), 0, "%s", err.text);
	check_eq(read_word("tables/apic.dat", 4), size_of("tables/apic.dat"));
}

static void tree_refused(const char *path, int code, const char *text)
{
	check_eq(machine_show_dtb(&machine, path, &err), -code, "%s", path);
	check_str(err.text, text);
}

static void tables_refused(const char *path, int code, const char *text)
{
	check_eq(machine_show_acpi(&machine, path, &err), -code, "%s", path);
	check_str(err.text, text);
}

/*
 * bad input: Command line: --dump-dtb or --dump-acpi to a place that cannot be written -> an error
 * that names the place
 */
Test(machine_show, places_where_nothing_can_be_written, .init = setup, .fini = teardown)
{
	struct rlimit none = { 0, RLIM_INFINITY };
	unsigned before;

	plan("-m 64M -p a --platform acpi --serial null");
	before = open_descriptors();
	tree_refused("none/tree", ENOENT,
		     "--dump-dtb: cannot write none/tree: No such file or directory");
	tree_refused("/dev/full", ENOSPC,
		     "--dump-dtb: cannot write /dev/full: No space left on device");
	tables_refused("none/tables", ENOENT,
		       "--dump-acpi none/tables: cannot make the directory: No such file or "
		       "directory");
	tables_refused("a", ENOTDIR, "--dump-acpi a: Not a directory");
	check_eq(mkdir("tables", 0700), 0);
	check_eq(mkdir("tables/apic.dat", 0700), 0);
	tables_refused("tables", EISDIR,
		       "--dump-acpi: cannot write tables/apic.dat: Is a directory");
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	tree_refused("tree", EFBIG, "--dump-dtb: cannot write tree: File too large");
	check_eq(open_descriptors(), before);
}
