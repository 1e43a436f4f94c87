// SPDX-License-Identifier: Apache-2.0
/* Writes and compares the id of a memory file. */
#include "vmm/snapshot/memory_id.h"

#include "vmm/base/file_write.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SECTION "memory-id"
#define VERSION 1

struct stamp {
	char magic[16];
	struct memory_id id;
};

static const struct stamp blank = { .magic = "mvmm memory" };

static uint64_t stamp_offset(const struct memory_table *table)
{
	return table->file_size - LAYOUT_PAGE;
}

void memory_id_reserve(struct memory_table *table)
{
	table->file_size += LAYOUT_PAGE;
}

int memory_id_save(int fd, const struct memory_table *table, struct state_writer *writer,
		   const char *what, struct error *err)
{
	struct stamp stamp = blank;

	if (getrandom(&stamp.id, sizeof(stamp.id), 0) != sizeof(stamp.id))
		return error_system(err, errno, "%s: random numbers", what);
	state_writer_begin(writer, SECTION, VERSION);
	state_writer_bytes(writer, &stamp.id, sizeof(stamp.id));
	state_writer_end(writer);
	return file_write_at(fd, stamp_offset(table), &stamp, sizeof(stamp), what, err);
}

int memory_id_check(int fd, const struct memory_table *table, struct state_reader *reader,
		    const char *what, struct error *err)
{
	struct stamp wanted = blank, found = { 0 };
	int ret;

	state_reader_begin(reader, SECTION, VERSION);
	state_reader_bytes(reader, &wanted.id, sizeof(wanted.id));
	state_reader_end(reader);
	if (table->file_size < LAYOUT_PAGE)
		state_reader_fail(reader, EINVAL, "there is no memory: save the VM again");
	ret = state_reader_result(reader, err);
	if (ret < 0)
		return ret;
	if (pread(fd, &found, sizeof(found), (off_t)stamp_offset(table)) < 0)
		return error_system(err, errno, "%s: cannot read", what);
	if (memcmp(&found, &wanted, sizeof(wanted)) != 0)
		return error_set(
			err, EINVAL,
			"%s: is not the memory of this state, but of another snapshot; take "
			"both files from one directory",
			what);
	return 0;
}
