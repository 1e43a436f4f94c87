// SPDX-License-Identifier: Apache-2.0
// Covers: vmm/base/state_reader.c
/*
 * Any bytes as a state file. The input begins with a byte that says whether size and checksum are
 * made right, and whether it comes as a file; and a program that says what is read of each section.
 * What is accepted is, byte for byte, what the writer makes of the same sections; what is refused
 * has a text that says why; after a failure all values are 0.
 */
#include "tests/fuzz/fuzz.h"
#include "vmm/base/state_format.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

#include <sys/mman.h>
#include <unistd.h>

#define WHAT "--restore x"
#define TEXT_MAX 16

/* In the place of the newest version of a section that is known. */
enum { UNREAD = 254, MISSING };

static void make_right(uint8_t *file, size_t size)
{
	struct state_header header;

	if (size < sizeof(header))
		return;
	memcpy(&header, file, sizeof(header));
	header.size = host_to_le64(size);
	memcpy(file, &header, sizeof(header));
	header.checksum = host_to_le32(state_checksum(file, size));
	memcpy(file, &header, sizeof(header));
}

static void check_error(const struct error *err)
{
	fuzz_check(memchr(err->text, 0, sizeof(err->text)));
	fuzz_check(strncmp(err->text, WHAT ": ", strlen(WHAT ": ")) == 0, "%s", err->text);
}

static void write_again(const struct state_reader *r, const uint8_t *file, size_t size)
{
	struct error err = { 0 };
	struct state_writer w;

	state_writer_init(&w, STATE_MAX_SIZE);
	for (uint32_t i = 0; i < r->count; i++) {
		const struct state_section *s = &r->sections[i];

		fuzz_check(s->size <= size && state_reader_has(r, s->name));
		/* No reader knows version 0, and no writer makes it. */
		if (!s->version) {
			state_writer_fini(&w);
			return;
		}
		state_writer_begin(&w, s->name, s->version);
		state_writer_bytes(&w, s->bytes, s->size);
		state_writer_end(&w);
	}
	fuzz_check(state_writer_finish(&w, &err) == 0, "%s", err.text);
	fuzz_check(w.file.len == size && memcmp(w.file.data, file, size) == 0);
	state_writer_fini(&w);
}

static void read_text(struct state_reader *r, size_t size)
{
	char text[TEXT_MAX + 1];

	memset(text, 'x', sizeof(text));
	state_reader_string(r, text, size);
	fuzz_check(strnlen(text, sizeof(text)) < size);
}

static void read_bytes(struct state_reader *r, size_t size)
{
	uint8_t bytes[TEXT_MAX];

	memset(bytes, 1, sizeof(bytes));
	state_reader_bytes(r, bytes, size);
	for (size_t i = 0; i < size && r->failed; i++)
		fuzz_check(bytes[i] == 0);
}

/* Returns the number that it read, if it is one. */
static uint64_t make_step(struct state_reader *r, uint8_t what)
{
	uint32_t argument = what >> 4;
	uint64_t value = 0;

	switch (what & 7) {
	case 0:
		return state_reader_u8(r);
	case 1:
		return state_reader_u16(r);
	case 2:
		return state_reader_u32(r);
	case 3:
		return state_reader_u64(r);
	case 4:
		return state_reader_bool(r);
	case 5:
		value = state_reader_count(r, "things", argument);
		fuzz_check(value <= argument);
		return value;
	case 6:
		read_text(r, argument + 1);
		return 0;
	default:
		read_bytes(r, argument);
		return 0;
	}
}

static void read_section(struct state_reader *r, const char *name, struct fuzz_input *program)
{
	uint8_t newest = fuzz_input_u8(program);
	uint32_t version;

	/* Left unread; or one that is probably not there. */
	if (newest == UNREAD)
		return;
	version = state_reader_begin(r, newest == MISSING ? "missing" : name, newest);
	fuzz_check(r->failed ? !version : version >= 1 && version <= newest);
	for (uint8_t n = fuzz_input_u8(program) & 31; n; n--) {
		size_t before = state_reader_left(r);
		uint64_t value = make_step(r, fuzz_input_u8(program));

		fuzz_check(state_reader_left(r) <= before);
		fuzz_check(!r->failed || (value == 0 && state_reader_left(r) == 0));
	}
	state_reader_end(r);
}

static void read_all(struct state_reader *r, struct fuzz_input *program)
{
	struct error err = { 0 };
	const char *name;

	for (uint32_t i = 0; (name = state_reader_name(r, i)) != NULL; i++)
		read_section(r, name, program);
	if (state_reader_finish(r, &err) < 0)
		check_error(&err);
	else
		fuzz_check(!state_reader_unread(r));
}

static int take_file(struct state_reader *r, const uint8_t *file, size_t len, struct error *err)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("state", MFD_CLOEXEC);
	fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0);
	fuzz_check(pwrite(fd, file, len, 0) == (ssize_t)len);
	return state_reader_load(r, WHAT, fd, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size }, program;
	uint8_t how = fuzz_input_u8(&in);
	struct state_reader reader;
	struct error err = { 0 };
	uint8_t *file;
	size_t len;

	program.left = fuzz_input_u8(&in);
	if (program.left >= in.left)
		return -1;
	program.bytes = in.bytes;
	len = in.left - program.left;
	file = malloc(len);
	fuzz_check(file);
	memcpy(file, in.bytes + program.left, len);
	if (how & 1)
		make_right(file, len);
	if ((how & 2 ? take_file(&reader, file, len, &err)
		     : state_reader_init(&reader, WHAT, file, len, &err)) == 0) {
		write_again(&reader, file, len);
		read_all(&reader, &program);
		state_reader_fini(&reader);
	} else {
		check_error(&err);
	}
	free(file);
	return 0;
}
