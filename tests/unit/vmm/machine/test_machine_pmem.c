// SPDX-License-Identifier: Apache-2.0
/* Memory devices of a planned machine: files opened and placed, at the start and at run time. */
#include "vmm/machine/machine_pmem.h"

#include "tests/support/config_fixture.h"
#include "tests/support/driver.h"
#include "vmm/kvm/phys_bits_x86.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite(machine_pmem, .timeout = 10);

static struct machine machine;
static struct config config;
static struct error err;
static char dir[] = "/tmp/mvmm-test-XXXXXX";

static void make_file(const char *name, off_t size)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	cr_assert(fd >= 0);
	check_eq(ftruncate(fd, size), 0);
	close(fd);
}

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	check_eq(chdir(dir), 0);
	make_file("a", 4 << 20);
	make_file("b", 3000001);
	check_eq(link("a", "link"), 0);
}

static void teardown(void)
{
	machine_fini_pmem(&machine);
	machine_fini_pmem(&machine);
	config_fini(&config);
	unlink("a");
	unlink("b");
	unlink("c");
	unlink("link");
	check_eq(chdir("/"), 0);
	check_eq(rmdir(dir), 0);
}

static int plan(const char *line)
{
	config = fixture_config(line);
	return machine_plan_pmem(&machine, &config, &err);
}

static void planned(const char *line)
{
	check_eq(plan(line), 0, "%s", err.text);
}

static void refused(const char *line, const char *text)
{
	cr_assert(plan(line) < 0, "%s", line);
	check_str(err.text, text);
}

static int plug(const char *line)
{
	struct memory_device device;
	struct keyval list[10];
	char text[200];
	int n;

	snprintf(text, sizeof(text), "%s", line);
	n = keyval_parse(text, KEYVAL_QEMU, "--x", "driver", list, 10, &err);
	cr_assert(n > 0);
	n = memory_device_parse(&device, list, (unsigned)n, &err);
	return n < 0 ? n : machine_plug_pmem(&machine, &device, &err);
}

Test(machine_pmem, places_and_describes, .init = setup, .fini = teardown)
{
	planned("-m 8G -p a,id=x -p b --numa node=0,cpus=0,memory=8G");
	check_eq(machine.n_pmem, 2);
	check_eq(machine.pmem[0].start.value, 0x240000000);
	check_str(machine.pmem[0].id, "x");
	check_eq(machine.pmem[0].named, true);
	check_str(machine.pmem[0].memdev, "mem1");
	check_eq(machine.pmem[1].start.value, 0x240400000);
	check_str(machine.pmem[1].id, "pmem1");
	check_eq(machine.pmem[1].named, false);
	check_eq(machine.boot.pmem[1].start, 0x240400000);
	check_eq(machine.boot.pmem[1].size, 4 << 20, "what Linux can map, not the file's size");
	check_eq(machine.boot.n_devices, 2);
	check_eq(machine.boot.devices[1].addr, LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_SIZE);
	check_eq(machine.boot.devices[1].gsi, LAYOUT_VIRTIO_GSI + 1);
}

/* What suits QEMU's 4 KiB is rounded up to what Linux can map. */
Test(machine_pmem, alignment_of_linux, .init = setup, .fini = teardown)
{
	planned("-p b,align=4K -p a,align=1G");
	check_eq(machine.pmem[0].start.value, 0x100000000);
	check_eq(machine.pmem[1].start.value, 0x140000000);
}

Test(machine_pmem, misaligned_for_linux, .init = setup, .fini = teardown)
{
	refused("-p a,addr=0x100001000,align=4K",
		"--pmem a: address must be aligned to 0x200000 bytes");
}

Test(machine_pmem, texts_name_the_option, .init = setup, .fini = teardown)
{
	refused("-m 1G,maxmem=1G -p a",
		"--pmem a: memory devices (e.g. for memory hotplug) are not enabled, please "
		"specify the maxmem option");
	check_eq(machine.n_pmem, 0);
}

Test(machine_pmem, texts_name_the_device, .init = setup, .fini = teardown)
{
	refused("-p a,id=x --object memory-backend-file,id=m,mem-path=b,size=2M --device "
		"virtio-pmem,memdev=m,memaddr=0x100200000",
		"--device virtio-pmem,memdev=m,memaddr=0x100200000: address range conflicts with "
		"memory device id='x'");
	check_eq(machine.n_pmem, 1);
}

Test(machine_pmem, texts_name_the_object, .init = setup, .fini = teardown)
{
	refused("--object memory-backend-file,id=m,mem-path=none,size=2M --device "
		"virtio-pmem,memdev=m",
		"--object none: no such file; create it (truncate -s 2097152 none), or say "
		"share=on and readonly=off to have it created");
}

/*
 * bad input: Backing file: an image of 8 TiB or more, which is too large for a memory slot of KVM
 * -> refused
 */
Test(machine_pmem, larger_than_a_memory_slot, .init = setup, .fini = teardown)
{
	char line[64], path[32];

	driver_temp_file("/dev/shm", 1ULL << 43, path);
	snprintf(line, sizeof(line), "-p %s", path);
	cr_assert(plan(line) < 0);
	unlink(path);
	check_contains(err.text, path);
	check_contains(err.text, "device too big: its 0x80000000000 bytes are more than the "
				 "0x7ffffe00000 that KVM takes");
}

/*
 * bad input: Command line: more RAM than the guest's physical addresses reach -> refused with
 * QEMU's text
 */
Test(machine_pmem, ram_beyond_the_address_width)
{
	struct config c = { .memory = 1ULL << 60, .cpus = 1, .topology = { 1, 1, 1 } };

	check_eq(machine_plan_pmem(&machine, &c, &err), -EINVAL);
	check_contains(err.text, "--memory: Address space limit 0x");
	check_contains(err.text, " phys-bits too low (");
}

/*
 * bad input: Backing file: a disk whose end would lie beyond the physical addresses of the
 * processor -> refused with QEMU's text, which names the file
 */
Test(machine_pmem, disk_beyond_the_address_width, .init = setup, .fini = teardown)
{
	uint64_t end = 1ULL << phys_bits();
	char line[64];

	snprintf(line, sizeof(line), "-p a,addr=0x%llx", (unsigned long long)end - (2 << 20));
	cr_assert(plan(line) < 0);
	check_contains(err.text, "--pmem a: Address space limit 0x");
	check_contains(err.text, " phys-bits too low (");
	machine_fini_pmem(&machine);
	/* 2 MiB lower it fits. */
	snprintf(line, sizeof(line), "-p a,addr=0x%llx", (unsigned long long)end - (4 << 20));
	planned(line);
}

/* bad input: Sharing: one file for two disks of a VM, under different names -> refused */
Test(machine_pmem, one_file_for_two, .init = setup, .fini = teardown)
{
	refused("-p a,id=x -p link",
		"--pmem link: the disk 'x' uses the same file; give "
		"each disk its own file, or give both readonly=on or share=off");
}

/* bad input: Sharing: one file for two disks of a VM, one of which only reads -> refused */
Test(machine_pmem, one_file_for_a_writer_and_a_reader, .init = setup, .fini = teardown)
{
	refused("-p a,share=off -p a",
		"--pmem a: the disk 'pmem0' uses the same file; give "
		"each disk its own file, or give both readonly=on or share=off");
}

Test(machine_pmem, one_file_for_a_reader_of_what_another_writes, .init = setup, .fini = teardown)
{
	refused("-p a -p a,readonly=on",
		"--pmem a: the disk 'pmem0' uses the same file; give "
		"each disk its own file, or give both readonly=on or share=off");
}

Test(machine_pmem, one_file_for_readers, .init = setup, .fini = teardown)
{
	planned("-p a,readonly=on -p a,share=off -p link,readonly=on,share=off");
	check_eq(machine.n_pmem, 3);
}

/*
 * bad input: Launcher: two descriptors of one file for two disks, or one descriptor for both ->
 * refused
 */
Test(machine_pmem, one_descriptor_for_two, .init = setup, .fini = teardown)
{
	char line[64], text[160];
	int a = open("a", O_RDWR), b = open("link", O_RDWR), c = open("a", O_RDWR);

	snprintf(line, sizeof(line), "-p fd:%d,id=x -p fd:%d", a, b);
	snprintf(text, sizeof(text),
		 "--pmem fd:%d: the disk 'x' uses the same file; give "
		 "each disk its own file, or give both readonly=on or share=off",
		 b);
	refused(line, text);
	machine_fini_pmem(&machine);
	config_fini(&config);
	snprintf(line, sizeof(line), "-p fd:%d,share=off -p fd:%d,share=off", c, c);
	snprintf(text, sizeof(text),
		 "--pmem fd:%d: is given twice, or was not open when mvmm was started; give each "
		 "use a descriptor of its own",
		 c);
	refused(line, text);
}

Test(machine_pmem, tells_the_files_it_has, .init = setup, .fini = teardown)
{
	char text[16];
	int fd = open("link", O_RDONLY);

	snprintf(text, sizeof(text), "fd:%d", fd);
	planned("-p a");
	cr_assert(machine_uses_file(&machine, "a"));
	cr_assert(machine_uses_file(&machine, "./link"));
	cr_assert(machine_uses_file(&machine, text));
	cr_assert_not(machine_uses_file(&machine, "b"));
	cr_assert_not(machine_uses_file(&machine, "missing"));
	close(fd);
}

#define OBJECT "--object memory-backend-file,id=m,mem-path=c,size=4M,share=on "

Test(machine_pmem, plugs_at_run_time, .init = setup, .fini = teardown)
{
	planned("-m 1G,maxmem=2G -p a,id=x " OBJECT);
	check_eq(plug("virtio-pmem,memdev=m,id=nv1"), 0, "%s", err.text);
	check_eq(machine.n_pmem, 2);
	check_eq(machine.pmem[1].start.value, 0x100400000);
	check_str(machine.pmem[1].id, "nv1");
	check_str(machine.pmem[1].memdev, "m");
	check_eq(machine.pmem[1].backing.share, true);
	check_eq(machine.boot.n_devices, 2);
	machine_unplug_pmem(&machine);
	check_eq(machine.n_pmem, 1);
	check_eq(machine.boot.n_devices, 1);
	check_eq(machine.placement.n_devices, 1);
	/* All of it is free again. */
	check_eq(plug("virtio-pmem,memdev=m"), 0, "%s", err.text);
	check_str(machine.pmem[1].id, "pmem1");
	check_eq(machine.pmem[1].named, false);
	check_eq(machine.pmem[1].start.value, 0x100400000);
}

/* Somebody who reads "b", as another mvmm would. */
static int read_b(void)
{
	struct pmem_backing_options opt = { .path = "b", .readonly = true, .share = true };
	struct pmem_backing other;
	int ret = pmem_backing_open(&other, &opt, NULL);

	if (ret == 0)
		pmem_backing_close(&other);
	return ret;
}

Test(machine_pmem, locks_what_it_plugs, .init = setup, .fini = teardown)
{
	planned("-m 1G,maxmem=2G -p a,id=x "
		"--object memory-backend-file,id=m,mem-path=b,size=2M,share=on");
	check_eq(read_b(), 0);
	check_eq(plug("virtio-pmem,memdev=m"), 0, "%s", err.text);
	check_eq(read_b(), -EBUSY);
	machine_unplug_pmem(&machine);
	check_eq(read_b(), 0);
	/* One that fails for another reason keeps no lock either. */
	check_eq(plug("virtio-pmem,memdev=m,memaddr=0x100000000"), -EINVAL);
	check_eq(read_b(), 0);
}

/*
 * bad input: Sharing: device_add of an image that another process has open -> refused, and nothing
 * has changed
 */
Test(machine_pmem, plugs_nothing_that_is_locked, .init = setup, .fini = teardown)
{
	struct flock lock = { .l_type = F_RDLCK };
	int fd = open("b", O_RDONLY);

	check_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	planned("-m 1G,maxmem=2G -p a,id=x "
		"--object memory-backend-file,id=m,mem-path=b,size=2M,share=on "
		"--object memory-backend-file,id=n,mem-path=b,size=2M,share=on,lock=off");
	check_eq(plug("virtio-pmem,memdev=m"), -EBUSY);
	check_str(err.text,
		  "memory-backend-file b: another process reads it; use readonly=on or "
		  "share=off here, too, or end that process (for lock=off see the manual)");
	check_eq(machine.n_pmem, 1);
	driver_log_capture();
	check_eq(plug("virtio-pmem,memdev=n"), 0, "%s", err.text);
	check_contains(driver_log_text(), "memory-backend-file b: lock=off: the file is not "
					  "locked");
	close(fd);
}

Test(machine_pmem, lock_off_is_told, .init = setup, .fini = teardown)
{
	driver_log_capture();
	planned("-p a");
	check_str(driver_log_text(), "");
	machine_fini_pmem(&machine);
	config_fini(&config);
	planned("-p a,lock=off");
	check_contains(driver_log_text(), "--pmem a: lock=off: the file is not locked; other "
					  "processes");
}

Test(machine_pmem, plug_refusals, .init = setup, .fini = teardown)
{
	static const struct {
		const char *line, *text;
		int code;
	} cases[] = {
		{ "virtio-pmem,memdev=none", "Device 'none' not found", ENODEV },
		{ "virtio-pmem,memdev=mem1", "can't use already busy memdev: mem1", EBUSY },
		{ "virtio-pmem,memdev=m,id=x", "Duplicate device ID 'x'", EINVAL },
		{ "virtio-pmem", "'memdev' property must be set", EINVAL },
		{ "virtio-pmem,memdev=m,memaddr=0x100000000",
		  "address range conflicts with memory device id='x'", EINVAL },
		{ "virtio-pmem,memdev=m,node=1",
		  "'node' property has value '1', which exceeds the number of numa nodes: 1",
		  EINVAL },
	};

	planned("-m 1G,maxmem=2G -p a,id=x " OBJECT);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_eq(plug(cases[i].line), -cases[i].code, "%s", cases[i].line);
		check_str(err.text, cases[i].text);
		check_eq(machine.n_pmem, 1);
	}
	/* None of them has taken the backend. */
	check_eq(plug("virtio-pmem,memdev=m"), 0, "%s", err.text);
}

Test(machine_pmem, plug_needs_maxmem, .init = setup, .fini = teardown)
{
	planned("-p a " OBJECT);
	check_eq(plug("virtio-pmem,memdev=m"), -ENOSPC);
	check_str(err.text, "memory devices (e.g. for memory hotplug) are not enabled, please "
			    "specify the maxmem option");
}

Test(machine_pmem, plug_needs_a_slot, .init = setup, .fini = teardown)
{
	static char line[2048] = "-m 1G,maxmem=2G " OBJECT;

	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++)
		strcat(line, "-pa,readonly=on ");
	planned(line);
	check_eq(plug("virtio-pmem,memdev=m"), -EBUSY);
	check_str(err.text, "no virtio slot is free: all 19 are in use");
}
