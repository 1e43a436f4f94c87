// SPDX-License-Identifier: Apache-2.0
/* A state file as bytes, its limits, and what cannot be in one. */
#include "vmm/base/state_writer.h"

#include "tests/support/check.h"
#include "vmm/base/state_format.h"

#include <errno.h>
#include <stdio.h>

TestSuite(state_writer, .timeout = 10);

static struct state_writer w;
static struct error err;

static void setup(void)
{
	state_writer_init(&w, STATE_MAX_SIZE);
}

static void teardown(void)
{
	state_writer_fini(&w);
	state_writer_fini(&w);
}

#define HEADER_BYTES 40
#define HEAD_BYTES 64

/* Byte by byte: this is the format that a later mvmm has to read. */
Test(state_writer, layout, .init = setup, .fini = teardown)
{
	static const char head[] = "mvmm snapshot\0\0\0"
				   "\1\0\0\0"
				   "\x3e\0\0\0"
				   "\xc9\0\0\0\0\0\0\0"
				   "\2\0\0\0";
	static const char first[] = "\x12\x34\x12\x78\x56\x34\x12"
				    "\xef\xcd\xab\x89\x67\x45\x23\x01"
				    "\1"
				    "ab"
				    "\3\0\0\0xyz";
	const char *file;
	uint32_t sum;

	state_writer_begin(&w, "vcpu0", 3);
	state_writer_u8(&w, 0x12);
	state_writer_u16(&w, 0x1234);
	state_writer_u32(&w, 0x12345678);
	state_writer_u64(&w, 0x0123456789abcdef);
	state_writer_bool(&w, true);
	state_writer_bytes(&w, "ab", 2);
	state_writer_string(&w, "xyz");
	state_writer_end(&w);
	state_writer_begin(&w, "pmem:pmem0", 1);
	state_writer_u64(&w, 0);
	state_writer_end(&w);
	check_eq(state_writer_finish(&w, &err), 0, "%s", err.text);
	file = w.file.data;
	check_eq(w.file.len, HEADER_BYTES + HEAD_BYTES + 25 + HEAD_BYTES + 8);
	check_eq(memcmp(file, head, sizeof(head) - 1), 0);
	memcpy(&sum, file + 36, 4);
	check_eq(sum, state_checksum(file, w.file.len));
	check_str(file + HEADER_BYTES, "vcpu0");
	check_eq(memcmp(file + HEADER_BYTES + 48, "\3\0\0\0\0\0\0\0\x19\0\0\0\0\0\0\0", 16), 0);
	check_eq(memcmp(file + HEADER_BYTES + HEAD_BYTES, first, 25), 0);
	check_str(file + HEADER_BYTES + HEAD_BYTES + 25, "pmem:pmem0");
}

Test(state_writer, empty, .init = setup, .fini = teardown)
{
	check_eq(state_writer_finish(&w, &err), 0);
	check_eq(w.file.len, HEADER_BYTES);
}

/* The first failure stays, and later bytes and sections are ignored. */
Test(state_writer, limit)
{
	static const char much[1000];

	state_writer_init(&w, HEADER_BYTES + HEAD_BYTES + 1000);
	state_writer_begin(&w, "vcpu0", 1);
	state_writer_bytes(&w, much, 1000);
	state_writer_u8(&w, 0);
	state_writer_end(&w);
	state_writer_begin(&w, "vcpu0", 1);
	state_writer_end(&w);
	check_eq(state_writer_finish(&w, &err), -ENOSPC);
	check_str(err.text, "the state of the VM takes more than 1104 bytes in section vcpu0; "
			    "give the VM fewer devices");
	state_writer_fini(&w);
	state_writer_init(&w, HEADER_BYTES + HEAD_BYTES + 1000);
	state_writer_begin(&w, "vcpu0", 1);
	state_writer_bytes(&w, much, 1000);
	state_writer_end(&w);
	check_eq(state_writer_finish(&w, &err), 0);
	state_writer_fini(&w);
}

static int finish_with(const char *name)
{
	int ret;

	setup();
	state_writer_begin(&w, "other", 1);
	state_writer_u32(&w, 0);
	state_writer_end(&w);
	state_writer_begin(&w, name, 1);
	state_writer_end(&w);
	ret = state_writer_finish(&w, &err);
	teardown();
	return ret;
}

Test(state_writer, names)
{
	char name[STATE_NAME_MAX + 2];

	memset(name, 'x', sizeof(name));
	name[STATE_NAME_MAX] = '\0';
	check_eq(finish_with(name), 0);
	name[STATE_NAME_MAX] = 'x';
	name[STATE_NAME_MAX + 1] = '\0';
	check_eq(finish_with(name), -EINVAL);
	check_contains(err.text, "1 to 47 characters");
	check_eq(finish_with(""), -EINVAL);
	check_eq(finish_with("a b"), -EINVAL);
	check_eq(finish_with("a\x7f"), -EINVAL);
	check_eq(finish_with("\xc3\xa4"), -EINVAL);
	check_eq(finish_with("other"), -EEXIST);
	check_contains(err.text, "has a section other already");
	check_eq(finish_with("other2"), 0);
}

Test(state_writer, sections, .init = setup, .fini = teardown)
{
	char name[16];

	for (unsigned i = 0; i <= STATE_MAX_SECTIONS; i++) {
		check_eq(w.failed, 0);
		snprintf(name, sizeof(name), "n%u", i);
		state_writer_begin(&w, name, 1);
		state_writer_end(&w);
	}
	check_eq(state_writer_finish(&w, &err), -E2BIG);
	check_contains(err.text, "1024 sections before n1024");
}
