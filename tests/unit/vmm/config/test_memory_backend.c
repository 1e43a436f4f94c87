// SPDX-License-Identifier: Apache-2.0
/* Backends and devices as QEMU's users spell them, with QEMU's texts for what is wrong. */
#include "vmm/config/memory_backend.h"

#include "tests/support/check.h"

#include <errno.h>
#include <stdio.h>

static struct memory_backends set;
static struct error err;

static int parse(const char *line, const char *implied, char text[512], struct keyval list[20])
{
	snprintf(text, 512, "%s", line);
	return keyval_parse(text, KEYVAL_QEMU, "--x", implied, list, 20, &err);
}

static int add_object(const char *line)
{
	struct memory_backend b;
	struct keyval list[20];
	char text[512];
	int n = parse(line, "qom-type", text, list);

	cr_assert(n > 0, "%s", err.text);
	n = memory_backend_parse(&b, list, (unsigned)n, &err);
	return n < 0 ? n : memory_backends_add(&set, &b, &err);
}

static int device(const char *line, struct memory_device *ret)
{
	struct keyval list[20];
	char text[512];
	int n = parse(line, "driver", text, list);

	cr_assert(n > 0, "%s", err.text);
	return memory_device_parse(ret, list, (unsigned)n, &err);
}

Test(memory_backend, as_in_the_announcement_of_virtio_pmem)
{
	struct memory_backend *b;

	check_eq(add_object("memory-backend-file,id=mem1,share,mem-path=test.img,size=4G,share"), 0,
		 "%s", err.text);
	b = memory_backends_find(&set, "mem1");
	cr_assert(b);
	check_str(b->path, "test.img");
	check_eq(b->size, 4ULL << 30);
	check_eq(b->share, true);
	check_eq(b->readonly, false);
	check_eq(b->busy, false);
	memory_backends_fini(&set);
	memory_backends_fini(&set);
}

/* share=off is QEMU's default too; the last of several values counts. */
Test(memory_backend, defaults_and_repetition)
{
	check_eq(add_object("memory-backend-file,id=a,mem-path=x,size=1M"), 0, "%s", err.text);
	check_eq(set.list[0].share, false);
	check_eq(set.list[0].align, 0);
	check_eq(set.list[0].unlocked, false);
	check_eq(add_object(
			 "qom-type=memory-backend-file,size=4K,id=b,share=on,share=off,mem-path=y,"
			 "mem-path=z,size=2M,readonly=yes,align=2M,lock=no"),
		 0, "%s", err.text);
	check_eq(set.list[1].share, false);
	check_eq(set.list[1].readonly, true);
	check_eq(set.list[1].unlocked, true);
	check_eq(set.list[1].size, 2 << 20);
	check_eq(set.list[1].align, 2 << 20);
	check_str(set.list[1].path, "z");
	memory_backends_fini(&set);
}

Test(memory_backend, refusals)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "id=a,mem-path=x,size=1M", "Parameter 'qom-type' is missing" },
		{ "nosuch,id=a", "Parameter 'qom-type' does not accept value 'nosuch'" },
		{ "memory-backend-file,mem-path=x,size=1M", "Parameter 'id' is missing" },
		{ "memory-backend-file,id=a,size=1M", "Parameter 'mem-path' is missing" },
		{ "memory-backend-file,id=a,mem-path=x", "Parameter 'size' is missing" },
		{ "memory-backend-file,id=a,mem-path=x,size=1M,foo=1",
		  "Parameter 'foo' is unexpected" },
		{ "memory-backend-file,id=1a,mem-path=x,size=1M",
		  "Parameter 'id' expects an identifier" },
		{ "memory-backend-file,id=a/b,mem-path=x,size=1M",
		  "Parameter 'id' expects an identifier" },
		{ "memory-backend-file,id=a2345678901234567890123456789012,mem-path=x,size=1M",
		  "Parameter 'id' expects an identifier" },
		{ "memory-backend-file,id=a,mem-path=x,size=x",
		  "Parameter 'size' expects a size value" },
		{ "memory-backend-file,id=a,mem-path=x,size=0",
		  "property 'size' of memory-backend-file doesn't take value '0'" },
		{ "memory-backend-file,id=a,mem-path=x,size=4",
		  "memory size 0x4 must be equal to or larger than page size 0x1000; a number "
		  "without a suffix is in bytes" },
		{ "memory-backend-file,id=a,mem-path=x,size=1M,share=maybe",
		  "Parameter 'share' expects 'on' or 'off'" },
		{ "memory-backend-file,id=a,mem-path=x,size=1M,align=x",
		  "Parameter 'align' expects a size value" },
		{ "memory-backend-file,id=a,mem-path=x,size=1M,align=3M",
		  "alignment 0x300000 must be a power of two" },
		{ "memory-backend-file,id=a,mem-path=x,size=1M,align=1k",
		  "alignment 0x400 must be multiples of page size 0x1000" },
		{ "memory-backend-file,id=a,mem-path=x,size=1M,align=2T",
		  "alignment 0x20000000000 must be at most 0x10000000000" },
		{ "memory-backend-file,id=mem1,mem-path=x,size=1M",
		  "attempt to add duplicate property 'mem1' to object (type 'container')" },
	};

	check_eq(add_object("memory-backend-file,id=mem1,mem-path=x,size=1M"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_eq(add_object(cases[i].line), -EINVAL, "%s", cases[i].line);
		check_str(err.text, cases[i].text);
		check_eq(set.n, 1);
	}
	memory_backends_fini(&set);
}

Test(memory_backend, one_device_each)
{
	struct memory_backend *b = NULL;

	check_eq(add_object("memory-backend-file,id=mem1,mem-path=x,size=1M"), 0);
	check_eq(add_object("memory-backend-file,id=mem2,mem-path=y,size=1M"), 0);
	check_eq(memory_backends_claim(&set, "mem2", &b, &err), 0);
	check_str(b->path, "y");
	check_eq(memory_backends_claim(&set, "mem2", &b, &err), -EBUSY);
	check_str(err.text, "can't use already busy memdev: mem2");
	check_eq(memory_backends_claim(&set, "mem9", &b, &err), -ENODEV);
	check_str(err.text, "Device 'mem9' not found");
	check_eq(memory_backends_remove(&set, "mem2", &err), -EBUSY);
	check_str(err.text, "object 'mem2' is in use, can not be deleted");
	check_eq(memory_backends_remove(&set, "mem9", &err), -ENODEV);
	check_str(err.text, "object 'mem9' not found");
	check_eq(memory_backends_remove(&set, "mem1", &err), 0);
	check_eq(set.n, 1);
	check_str(set.list[0].id, "mem2");
	check_str(set.list[0].path, "y");
	memory_backends_fini(&set);
}

Test(memory_backend, made_up_names_are_free)
{
	char path[] = "f";
	struct memory_backend b = { .path = path };

	check_eq(add_object("memory-backend-file,id=mem1,mem-path=x,size=1M"), 0);
	check_eq(memory_backends_add_copy(&set, &b, 1, &err), 0);
	check_str(set.list[1].id, "mem2");
	check_str(set.list[1].path, "f");
	cr_assert(set.list[1].path != path);
	strcpy(b.id, "named");
	check_eq(memory_backends_add_copy(&set, &b, 1, &err), 0);
	check_str(set.list[2].id, "named");
	memory_backends_fini(&set);
}

Test(memory_backend, only_so_many)
{
	char path[] = "f";
	struct memory_backend b = { .path = path };

	for (unsigned i = 0; i < MEMORY_BACKENDS_MAX; i++)
		check_eq(memory_backends_add_copy(&set, &b, 1, &err), 0);
	check_eq(add_object("memory-backend-file,id=a,mem-path=x,size=1M"), -ENOSPC);
	check_contains(err.text, "at most 40");
	memory_backends_fini(&set);
}

Test(memory_device, arguments)
{
	struct memory_device d;

	check_eq(device("virtio-pmem,memdev=mem1", &d), 0, "%s", err.text);
	check_str(d.id, "");
	check_str(d.memdev, "mem1");
	check_eq(d.fixed, false);
	check_eq(d.node, 0);
	check_eq(device("virtio-pmem-pci,id=nv1,memaddr=0x240000000,memdev=mem1,node=2", &d), 0);
	check_str(d.id, "nv1");
	check_eq(d.fixed, true);
	check_eq(d.addr, 0x240000000);
	check_eq(d.node, 2);
	/* QEMU's "not set". */
	check_eq(device("virtio-pmem,memdev=mem1,memaddr=0", &d), 0);
	check_eq(d.fixed, false);
}

Test(memory_device, refusals)
{
	static const struct {
		const char *line, *text;
		int code;
	} cases[] = {
		{ "id=a,memdev=m", "Parameter 'driver' is missing", EINVAL },
		{ "nosuch,id=a", "'nosuch' is not a valid device model name", EINVAL },
		{ "virtio-pmem,id=a", "'memdev' property must be set", EINVAL },
		{ "virtio-pmem-pci,memdev=m,foo=1", "Property 'virtio-pmem-pci.foo' not found",
		  EINVAL },
		{ "virtio-pmem,memdev=m,id=3nv", "Parameter 'id' expects an identifier", EINVAL },
		{ "virtio-pmem,memdev=m,memaddr=x", "Parameter 'memaddr' expects integer", EINVAL },
		{ "virtio-pmem,memdev=m,node=x", "Parameter 'node' expects a NUMA node's number",
		  EINVAL },
		{ "virtio-pmem,memdev=m,node=4294967296",
		  "Parameter 'node' expects a NUMA node's number", EINVAL },
		{ "virtio-pmem,memdev=m2345678901234567890123456789012",
		  "Device 'm2345678901234567890123456789012' not found", ENODEV },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct memory_device d = { .node = 42 };

		check_eq(device(cases[i].line, &d), -cases[i].code, "%s", cases[i].line);
		check_str(err.text, cases[i].text);
		check_eq(d.node, 42);
	}
}
