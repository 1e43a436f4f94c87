// SPDX-License-Identifier: Apache-2.0
/* Takes a state file apart. Start reading at check_file, then state_reader_begin and take. */
#include "vmm/base/state_reader.h"

#include "vmm/base/state_format.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The way out where bytes are missing or not as they were written. */
#define DAMAGED "it is damaged; take another copy, or save the VM again"
/* The way out where another mvmm wrote it. */
#define OTHER_MVMM "restore it with the mvmm that saved it, or with a newer one"

static const char *architecture_name(uint32_t machine, char text[32])
{
	if (machine == EM_X86_64)
		return "x86-64";
	if (machine == EM_AARCH64)
		return "arm64";
	snprintf(text, 32, "ELF machine %" PRIu32, machine);
	return text;
}

static int check_size(const struct state_reader *r, uint64_t size, struct error *err)
{
	if (size > r->size)
		return error_set(err, EINVAL,
				 "%s: has %zu bytes, and %" PRIu64
				 " were saved: it was truncated; take another copy, or save the VM "
				 "again",
				 r->what, r->size, size);
	if (size < r->size)
		return error_set(err, EINVAL, "%s: has %zu bytes, and %" PRIu64 " were saved: %s",
				 r->what, r->size, size, DAMAGED);
	return 0;
}

static int check_header(const struct state_reader *r, uint32_t *ret_sections, struct error *err)
{
	static const struct state_header mine = { .magic = STATE_MAGIC };
	char saved[32], own[32];
	struct state_header h;
	uint32_t sum;
	int ret;

	if (r->size < sizeof(h))
		return error_set(err, EINVAL,
				 "%s: has %zu bytes, fewer than any saved state; name the file "
				 "state of a snapshot",
				 r->what, r->size);
	memcpy(&h, r->file, sizeof(h));
	if (memcmp(h.magic, mine.magic, sizeof(h.magic)) != 0)
		return error_set(
			err, EINVAL,
			"%s: does not begin with \"%s\"; name the file state of a snapshot",
			r->what, STATE_MAGIC);
	if (le32_to_host(h.version) != STATE_VERSION)
		return error_set(err, ENOTSUP,
				 "%s: has format %" PRIu32 ", and this mvmm knows %d; %s", r->what,
				 le32_to_host(h.version), STATE_VERSION, OTHER_MVMM);
	ret = check_size(r, le64_to_host(h.size), err);
	if (ret < 0)
		return ret;
	sum = state_checksum(r->file, r->size);
	if (sum != le32_to_host(h.checksum))
		return error_set(err, EINVAL,
				 "%s: has checksum %08" PRIx32 ", and %08" PRIx32 " was saved: %s",
				 r->what, sum, le32_to_host(h.checksum), DAMAGED);
	if (le32_to_host(h.architecture) != STATE_ARCHITECTURE)
		return error_set(err, ENOTSUP,
				 "%s: is of a VM for %s, and this is %s; restore it on such a "
				 "machine",
				 r->what, architecture_name(le32_to_host(h.architecture), saved),
				 architecture_name(STATE_ARCHITECTURE, own));
	*ret_sections = le32_to_host(h.sections);
	return 0;
}

static bool is_name(const char name[STATE_NAME_MAX + 1])
{
	size_t len = strnlen(name, STATE_NAME_MAX + 1);

	if (!len || len > STATE_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!state_name_allows(name[i]))
			return false;
	for (size_t i = len; i <= STATE_NAME_MAX; i++)
		if (name[i])
			return false;
	return true;
}

static struct state_section *find_section(const struct state_reader *r, const char *name)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (strcmp(r->sections[i].name, name) == 0)
			return &r->sections[i];
	return NULL;
}

/* Adds the section at *@at, and moves that behind it. */
static int add_section(struct state_reader *r, size_t *at, struct error *err)
{
	const uint32_t number = r->count + 1;
	struct state_section_head head;
	uint64_t size;

	if (sizeof(head) > r->size - *at)
		return error_set(err, EINVAL,
				 "%s: has no room for section %" PRIu32 " at byte %zu: %s", r->what,
				 number, *at, DAMAGED);
	memcpy(&head, r->file + *at, sizeof(head));
	size = le64_to_host(head.size);
	if (!is_name(head.name))
		return error_set(err, EINVAL,
				 "%s: the name of section %" PRIu32
				 " at byte %zu is no printable name: %s",
				 r->what, number, *at, DAMAGED);
	if (find_section(r, head.name))
		return error_set(err, EINVAL, "%s: has two sections %s: %s", r->what, head.name,
				 DAMAGED);
	if (head.reserved)
		return error_set(err, ENOTSUP,
				 "%s: section %s uses a field that this mvmm does not know, "
				 "%" PRIu32 "; %s",
				 r->what, head.name, le32_to_host(head.reserved), OTHER_MVMM);
	if (size > r->size - *at - sizeof(head))
		return error_set(err, EINVAL,
				 "%s: section %s has %" PRIu64 " bytes, and %zu are there: %s",
				 r->what, head.name, size, r->size - *at - sizeof(head), DAMAGED);
	r->sections[r->count++] = (struct state_section){
		.name = (const char *)r->file + *at,
		.bytes = r->file + *at + sizeof(head),
		.size = (size_t)size,
		.version = le32_to_host(head.version),
	};
	*at += sizeof(head) + (size_t)size;
	return 0;
}

static int check_file(struct state_reader *r, struct error *err)
{
	size_t at = sizeof(struct state_header);
	uint32_t sections = 0;
	int ret = check_header(r, &sections, err);

	if (ret < 0)
		return ret;
	if (sections > STATE_MAX_SECTIONS)
		return error_set(err, ENOTSUP,
				 "%s: has %" PRIu32 " sections, and this mvmm takes at most %d; %s",
				 r->what, sections, STATE_MAX_SECTIONS, OTHER_MVMM);
	r->sections = calloc(sections ? sections : 1, sizeof(*r->sections));
	if (!r->sections)
		return error_system(err, ENOMEM, "%s", r->what);
	while (r->count < sections) {
		ret = add_section(r, &at, err);
		if (ret < 0)
			return ret;
	}
	if (at != r->size)
		return error_set(err, EINVAL, "%s: has %zu bytes behind its last section: %s",
				 r->what, r->size - at, DAMAGED);
	return 0;
}

/* Memory for a file of @size bytes. */
static int allocate(struct state_reader *r, const char *what, size_t size, struct error *err)
{
	if (size > STATE_MAX_SIZE)
		return error_set(err, ENOTSUP,
				 "%s: has %zu bytes, more than the %u of any saved state; name the "
				 "file state of a snapshot",
				 what, size, STATE_MAX_SIZE);
	*r = (struct state_reader){ .what = what, .file = malloc(size ? size : 1), .size = size };
	return r->file ? 0 : error_system(err, ENOMEM, "%s", what);
}

int state_reader_init(struct state_reader *reader, const char *what, const void *data, size_t size,
		      struct error *err)
{
	struct state_reader r;
	int ret = allocate(&r, what, size, err);

	if (ret < 0)
		return ret;
	if (size)
		memcpy(r.file, data, size);
	ret = check_file(&r, err);
	if (ret < 0)
		state_reader_fini(&r);
	else
		*reader = r;
	return ret;
}

/* Fewer bytes than there were a moment ago are a file that changes: the checks say so. */
static int read_file(struct state_reader *r, int fd, struct error *err)
{
	size_t at = 0;

	while (at < r->size) {
		ssize_t n = pread(fd, r->file + at, r->size - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_system(err, errno, "%s: cannot be read", r->what);
		if (n == 0)
			break;
		at += (size_t)n;
	}
	r->size = at;
	return check_file(r, err);
}

int state_reader_load(struct state_reader *reader, const char *what, int fd, struct error *err)
{
	struct state_reader r;
	struct stat st;
	int ret;

	if (fstat(fd, &st) < 0)
		return error_system(err, errno, "%s", what);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL,
				 "%s: is not a regular file; name the file state of a snapshot",
				 what);
	ret = allocate(&r, what, (size_t)st.st_size, err);
	if (ret < 0)
		return ret;
	ret = read_file(&r, fd, err);
	if (ret < 0)
		state_reader_fini(&r);
	else
		*reader = r;
	return ret;
}

void state_reader_fini(struct state_reader *r)
{
	free(r->sections);
	free(r->file);
	*r = (struct state_reader){ 0 };
}

const char *state_reader_name(const struct state_reader *r, uint32_t index)
{
	return index < r->count ? r->sections[index].name : NULL;
}

bool state_reader_has(const struct state_reader *r, const char *name)
{
	return find_section(r, name);
}

void state_reader_fail(struct state_reader *r, int code, const char *fmt, ...)
{
	char text[sizeof(r->error.text)];
	va_list args;

	if (r->failed)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (r->current)
		r->failed = error_set(&r->error, code, "%s: section %s: %s", r->what,
				      r->current->name, text);
	else
		r->failed = error_set(&r->error, code, "%s: %s", r->what, text);
}

uint32_t state_reader_begin(struct state_reader *r, const char *name, uint32_t newest)
{
	assert(!r->current);
	if (r->failed)
		return 0;
	r->current = find_section(r, name);
	r->at = 0;
	if (!r->current) {
		state_reader_fail(r, ENOENT, "has no section %s; %s", name, OTHER_MVMM);
		return 0;
	}
	r->current->was_read = true;
	if (r->current->version >= 1 && r->current->version <= newest)
		return r->current->version;
	state_reader_fail(r, ENOTSUP,
			  "has version %" PRIu32 ", and this mvmm knows up to %" PRIu32 "; %s",
			  r->current->version, newest, OTHER_MVMM);
	return 0;
}

size_t state_reader_left(const struct state_reader *r)
{
	return r->failed || !r->current ? 0 : r->current->size - r->at;
}

void state_reader_end(struct state_reader *r)
{
	size_t left = state_reader_left(r);

	assert(r->current || r->failed);
	if (left)
		state_reader_fail(r, EINVAL, "has %zu bytes behind byte %zu that nobody knows: %s",
				  left, r->at, DAMAGED);
	r->current = NULL;
}

/* The next @len bytes, or NULL. */
static const uint8_t *next_bytes(struct state_reader *r, size_t len)
{
	const uint8_t *bytes;

	assert(r->current || r->failed);
	if (r->failed)
		return NULL;
	if (len > state_reader_left(r)) {
		state_reader_fail(r, EINVAL,
				  "ends at byte %zu, and %zu were to follow byte %zu: %s",
				  r->current->size, len, r->at, DAMAGED);
		return NULL;
	}
	bytes = r->current->bytes + r->at;
	r->at += len;
	return bytes;
}

void state_reader_bytes(struct state_reader *r, void *ret_data, size_t len)
{
	const uint8_t *bytes = next_bytes(r, len);

	if (bytes)
		memcpy(ret_data, bytes, len);
	else
		memset(ret_data, 0, len);
}

uint8_t state_reader_u8(struct state_reader *r)
{
	uint8_t value;

	state_reader_bytes(r, &value, sizeof(value));
	return value;
}

uint16_t state_reader_u16(struct state_reader *r)
{
	__le16 wire;

	state_reader_bytes(r, &wire, sizeof(wire));
	return le16_to_host(wire);
}

uint32_t state_reader_u32(struct state_reader *r)
{
	__le32 wire;

	state_reader_bytes(r, &wire, sizeof(wire));
	return le32_to_host(wire);
}

uint64_t state_reader_u64(struct state_reader *r)
{
	__le64 wire;

	state_reader_bytes(r, &wire, sizeof(wire));
	return le64_to_host(wire);
}

bool state_reader_bool(struct state_reader *r)
{
	uint8_t value = state_reader_u8(r);

	if (value > 1)
		state_reader_fail(r, EINVAL, "byte %zu is %u, and may be 0 or 1: %s", r->at - 1,
				  value, DAMAGED);
	return value == 1;
}

uint32_t state_reader_count(struct state_reader *r, const char *things, uint32_t max)
{
	uint32_t count = state_reader_u32(r);

	if (count <= max)
		return count;
	state_reader_fail(r, EINVAL, "has %" PRIu32 " %s, and there can be %" PRIu32 ": %s", count,
			  things, max, DAMAGED);
	return 0;
}

void state_reader_string(struct state_reader *r, char *ret_text, size_t size)
{
	uint32_t len = state_reader_u32(r);
	const uint8_t *bytes;

	assert(size);
	ret_text[0] = '\0';
	if (len >= size)
		state_reader_fail(r, EINVAL,
				  "has %" PRIu32
				  " characters before byte %zu, and there can be %zu: %s",
				  len, r->at, size - 1, DAMAGED);
	bytes = next_bytes(r, len);
	if (!bytes)
		return;
	if (memchr(bytes, 0, len)) {
		state_reader_fail(r, EINVAL, "has a NUL in the text before byte %zu: %s", r->at,
				  DAMAGED);
		return;
	}
	memcpy(ret_text, bytes, len);
	ret_text[len] = '\0';
}

int state_reader_result(const struct state_reader *r, struct error *err)
{
	return r->failed ? error_set(err, -r->failed, "%s", r->error.text) : 0;
}

const char *state_reader_unread(const struct state_reader *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (!r->sections[i].was_read)
			return r->sections[i].name;
	return NULL;
}

int state_reader_finish(const struct state_reader *r, struct error *err)
{
	const char *unread = state_reader_unread(r);
	int ret = state_reader_result(r, err);

	if (ret < 0 || !unread)
		return ret;
	return error_set(err, ENOTSUP, "%s: has a section %s that this mvmm does not know; %s",
			 r->what, unread, OTHER_MVMM);
}
