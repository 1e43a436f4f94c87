// SPDX-License-Identifier: Apache-2.0
/* Places of --pmem devices, and --object with --device. */
#include "tests/support/config_fixture.h"

TestSuite(config_pmem, .timeout = 10);

#define OBJECT "--object memory-backend-file,id=mem1,share=on,mem-path=test.img,size=4G "

Test(config_pmem, place)
{
	struct config c =
		fixture_config("-p a,addr=0x240000000,align=1G -p b,addr=9G -p c,align=4096");

	check_eq(c.pmem[0].fixed, true);
	check_eq(c.pmem[0].addr, 0x240000000);
	check_eq(c.pmem[0].align, 1 << 30);
	check_eq(c.pmem[1].fixed, true);
	check_eq(c.pmem[1].addr, 9ULL << 30);
	check_eq(c.pmem[2].fixed, false);
	check_eq(c.pmem[2].align, 4096);
	check_eq(c.pmem[2].node, 0);
	config_fini(&c);
}

/* Every key at once is allowed. */
Test(config_pmem, all_keys)
{
	struct config c = fixture_config("-p file=a,size=1M,id=x,readonly=on,share=on,root=off,"
					 "lock=off,addr=4G,align=2M,node=0");

	check_eq(c.n_pmem, 1);
	check_eq(c.pmem[0].unlocked, true);
	check_eq(c.backends.list[0].unlocked, true);
	config_fini(&c);
}

Test(config_pmem, object_and_device)
{
	struct config c = fixture_config(OBJECT "--device virtio-pmem,memdev=mem1,id=nv1");

	check_eq(c.n_pmem, 1);
	check_str(c.pmem[0].file, "test.img");
	check_eq(c.pmem[0].unlocked, false);
	check_eq(c.pmem[0].size, 4ULL << 30);
	check_eq(c.pmem[0].share, true);
	check_eq(c.pmem[0].readonly, false);
	check_str(c.pmem[0].id, "nv1");
	check_eq(c.pmem[0].named, true);
	check_str(c.pmem[0].memdev, "mem1");
	config_fini(&c);
	config_fini(&c);
}

/* Devices have the order of the command line; an object may come after its device. */
Test(config_pmem, order)
{
	struct config c = fixture_config(
		"-p a --device virtio-pmem-pci,memdev=m,memaddr=0x100000000 -p b --object "
		"memory-backend-file,id=m,mem-path=c,size=1M,readonly=on,align=1G,lock=off");

	check_eq(c.n_pmem, 3);
	check_str(c.pmem[0].file, "a");
	check_str(c.pmem[1].file, "c");
	check_str(c.pmem[2].file, "b");
	check_eq(c.pmem[1].share, false, "as with QEMU");
	check_eq(c.pmem[1].readonly, true);
	check_eq(c.pmem[1].unlocked, true);
	check_eq(c.pmem[0].unlocked, false);
	check_eq(c.pmem[1].align, 1 << 30);
	check_eq(c.pmem[1].addr, 1ULL << 32);
	check_str(c.pmem[1].id, "pmem1");
	check_eq(c.pmem[1].named, false);
	config_fini(&c);
}

Test(config_pmem, prealloc)
{
	struct config c = fixture_config(
		"-p a,prealloc=on -p b,prealloc=off "
		"--object memory-backend-file,id=m,mem-path=c,size=4M,share=on,prealloc "
		"--device virtio-pmem,memdev=m");

	check_eq(c.pmem[0].prealloc, true);
	check_eq(c.pmem[1].prealloc, false);
	check_eq(c.pmem[2].prealloc, true);
	config_fini(&c);
}

/* The first --pmem is backed by mem1, as the device of QEMU's examples. */
Test(config_pmem, backends_of_files)
{
	struct config c = fixture_config("-p a,id=nv1 -p b");

	check_str(c.pmem[0].memdev, "mem1");
	check_str(c.pmem[1].memdev, "mem2");
	check_eq(c.backends.n, 2);
	check_eq(c.backends.list[0].busy, true);
	check_str(c.backends.list[0].path, "a");
	config_fini(&c);
	c = fixture_config("-p a " OBJECT);
	check_str(c.pmem[0].memdev, "mem2");
	check_eq(memory_backends_find(&c.backends, "mem1")->busy, false);
	config_fini(&c);
}

Test(config_pmem, refusals)
{
	static const struct fixture_refusal cases[] = {
		{ "-p a,addr=x", "--pmem addr=x: must be an address such as 0x240000000 or 9G" },
		{ "-p a,addr=0x", "--pmem addr=0x: must be an address such as 0x240000000 or 9G" },
		{ "-p a,addr=0x10000000000000000",
		  "--pmem addr=0x10000000000000000: must be an address such as 0x240000000 or "
		  "9G" },
		{ "-p a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,k=11,l=12,m=13",
		  "--pmem: m=13: too many keys" },
		{ "-p a,lock=no", "--pmem lock=no: must be on or off" },
		{ "-p a,prealloc=yes", "--pmem prealloc=yes: must be on or off" },
		{ "-p a,prealloc=on,share=off",
		  "--pmem a: prealloc=on needs share=on and readonly=off, because otherwise no "
		  "store reaches the file; give these, or leave prealloc=on out" },
		{ "-p a,prealloc=on,readonly=on",
		  "--pmem a: prealloc=on needs share=on and readonly=off, because otherwise no "
		  "store reaches the file; give these, or leave prealloc=on out" },
		{ "--object memory-backend-file,id=m,mem-path=b,size=4M,prealloc=on --device "
		  "virtio-pmem,memdev=m",
		  "--object m: prealloc=on needs share=on and readonly=off, because otherwise no "
		  "store reaches the file; give these, or leave prealloc=on out" },
		{ "--object memory-backend-file,id=m,mem-path=b,size=4M,share=on,prealloc=on",
		  "--object m: prealloc=on allocates before the guest starts, but no --device uses "
		  "this object; add a --device, or leave prealloc=on out" },
		{ "-p a,align=x", "--pmem align=x: must be a size such as 2M or 1G" },
		{ "-p a,align=3M", "--pmem align=3M: alignment 0x300000 must be a power of two" },
		{ "-p a,align=1024",
		  "--pmem align=1024: alignment 0x400 must be multiples of page size 0x1000" },
		{ "-p a,node=x", "--pmem node=x: must be the number of a --numa node" },
		{ "-p a,node=1",
		  "--pmem a: 'node' property has value '1', which exceeds the number of numa "
		  "nodes: 1" },
		{ OBJECT "--device virtio-pmem,memdev=mem1,node=3",
		  "--device virtio-pmem,memdev=mem1,node=3: 'node' property has value '3', which "
		  "exceeds the number of numa nodes: 1" },
		{ OBJECT OBJECT,
		  "--object memory-backend-file,id=mem1,share=on,mem-path=test.img,size=4G: "
		  "Duplicate ID 'mem1' for object" },
		{ "--object memory-backend-ram,id=mem1",
		  "--object memory-backend-ram,id=mem1: Parameter 'qom-type' does not accept "
		  "value 'memory-backend-ram'" },
		{ "--object memory-backend-file,id=",
		  "--object: 'id' has no value; say key=value" },
		{ OBJECT "--device virtio-pmem,memdev=mem1,id=a --device "
			 "virtio-pmem,memdev=mem1,id=b",
		  "--device virtio-pmem,memdev=mem1,id=b: can't use already busy memdev: mem1" },
		{ "-p x,id=a --device virtio-pmem,memdev=mem1,id=a",
		  "--device virtio-pmem,memdev=mem1,id=a: Duplicate ID 'a' for device" },
		{ "--device virtio-pmem,memdev=mem9",
		  "--device virtio-pmem,memdev=mem9: Device 'mem9' not found" },
		{ "--device virtio-blk,drive=a",
		  "--device virtio-blk,drive=a: 'virtio-blk' is not a valid device model name" },
		/* That of a --pmem is busy: the names are made up after the objects. */
		{ "-p x --device virtio-pmem,memdev=mem1",
		  "--device virtio-pmem,memdev=mem1: can't use already busy memdev: mem1" },
	};

	fixture_refusals(cases, ARRAY_SIZE(cases));
}

Test(config_pmem, devices_count_as_disks)
{
	struct config c;
	struct error err;
	char line[1024] = OBJECT;

	for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS - 1; i++)
		strcat(line, "-pd ");
	strcat(line, "--device virtio-pmem,memdev=mem1 ");
	c = fixture_config(line);
	check_eq(c.n_pmem, LAYOUT_VIRTIO_SLOTS);
	config_fini(&c);
	strcat(line, "--device virtio-pmem,memdev=mem2");
	cr_assert(fixture_parse(&c, line, &err) < 0);
	check_str(err.text, "--device virtio-pmem,memdev=mem2: there can be at most 19 devices");
	config_fini(&c);
}
