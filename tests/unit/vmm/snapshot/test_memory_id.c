// SPDX-License-Identifier: Apache-2.0
#include "vmm/snapshot/memory_id.h"

#include "tests/support/check.h"
#include "vmm/base/layout.h"
#include "vmm/base/state_format.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(memory_id, .timeout = 30);

struct saved {
	struct memory_table table;
	int fd;
	struct state_writer writer;
};

static struct error err;

static struct saved save(void)
{
	struct saved s = { .fd = memfd_create("memory", MFD_CLOEXEC) };

	check_eq(memory_table_add(&s.table, gpa(0), LAYOUT_PAGE), 0);
	memory_id_reserve(&s.table);
	check_eq(s.table.file_size, 2 * LAYOUT_PAGE);
	check_eq(ftruncate(s.fd, (off_t)s.table.file_size), 0);
	state_writer_init(&s.writer, STATE_MAX_SIZE);
	check_eq(memory_id_save(s.fd, &s.table, &s.writer, "vm-save", &err), 0);
	check_eq(state_writer_finish(&s.writer, &err), 0);
	return s;
}

static int check(int fd, const struct saved *state)
{
	struct state_reader r;
	int ret;

	err = (struct error){ 0 };
	check_eq(state_reader_init(&r, "state", state->writer.file.data, state->writer.file.len,
				   &err),
		 0);
	ret = memory_id_check(fd, &state->table, &r, "--restore x: memory", &err);
	state_reader_fini(&r);
	return ret;
}

/*
 * bad input: Snapshots: state and memory that belong to different snapshots -> status 35, and the
 * error says so
 */
Test(memory_id, tells_snapshots_apart)
{
	struct saved one = save(), two = save();
	uint8_t byte = 1;

	check_eq(check(one.fd, &one), 0, "%s", err.text);
	check_eq(check(two.fd, &two), 0);
	check_eq(check(one.fd, &two), -EINVAL);
	check_contains(err.text, "--restore x: memory: is not the memory of this state");
	check_eq(lseek(one.fd, 0, SEEK_END), 2 * LAYOUT_PAGE, "the file has kept its size");
	/* The magic counts, too. */
	check_eq(pwrite(one.fd, &byte, 1, LAYOUT_PAGE), 1);
	check_eq(check(one.fd, &one), -EINVAL);
	state_writer_fini(&one.writer);
	state_writer_fini(&two.writer);
}

Test(memory_id, no_memory)
{
	struct saved one = save();

	one.table.file_size = 0;
	check_eq(check(one.fd, &one), -EINVAL);
	check_contains(err.text, "there is no memory");
	state_writer_fini(&one.writer);
}

Test(memory_id, failures)
{
	struct saved one = save();
	struct state_writer w;

	check_eq(check(-1, &one), -EBADF);
	state_writer_init(&w, STATE_MAX_SIZE);
	check_eq(memory_id_save(-1, &one.table, &w, "vm-save", &err), -EBADF);
	check_contains(err.text, "vm-save");
	state_writer_fini(&w);
	state_writer_fini(&one.writer);
}
