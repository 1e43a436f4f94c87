// SPDX-License-Identifier: Apache-2.0
/* Makes a state file. Start reading at state_writer_begin. */
#include "vmm/base/state_writer.h"

#include "vmm/base/state_format.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#define fail(writer, code, ...) ((writer)->failed = error_set(&(writer)->error, code, __VA_ARGS__))

static const char *section_name(const struct state_writer *w)
{
	return w->section ? w->file.data + w->section : "(header)";
}

static void append(struct state_writer *w, const void *data, size_t len)
{
	int ret;

	if (w->failed)
		return;
	ret = buffer_append(&w->file, data, len);
	if (ret == -ENOSPC)
		fail(w, ENOSPC,
		     "the state of the VM takes more than %zu bytes in section %s; give the VM "
		     "fewer devices",
		     w->file.limit, section_name(w));
	else if (ret < 0)
		fail(w, -ret,
		     "there is no memory for the state of the VM, %zu bytes until section %s; free "
		     "some",
		     w->file.len, section_name(w));
}

void state_writer_init(struct state_writer *w, size_t limit)
{
	const struct state_header header = { 0 };

	assert(limit && limit <= STATE_MAX_SIZE);
	*w = (struct state_writer){ .file.limit = limit };
	append(w, &header, sizeof(header));
}

void state_writer_fini(struct state_writer *w)
{
	buffer_fini(&w->file);
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!state_name_allows(name[i]))
			return false;
	return len && len <= STATE_NAME_MAX;
}

static bool has_section(const struct state_writer *w, const char *name)
{
	struct state_section_head head;

	for (size_t at = sizeof(struct state_header); at < w->file.len;
	     at += sizeof(head) + le64_to_host(head.size)) {
		memcpy(&head, w->file.data + at, sizeof(head));
		if (strcmp(head.name, name) == 0)
			return true;
	}
	return false;
}

void state_writer_begin(struct state_writer *w, const char *name, uint32_t version)
{
	struct state_section_head head = { .version = host_to_le32(version) };

	assert(!w->section && version);
	if (w->failed)
		return;
	if (!is_name(name))
		fail(w, EINVAL,
		     "a section of the state cannot have the name \"%s\": it may have 1 to %d "
		     "characters, no spaces, and ASCII only; give what it is of another id",
		     name, STATE_NAME_MAX);
	else if (has_section(w, name))
		fail(w, EEXIST,
		     "the state has a section %s already; give one of the two another id", name);
	else if (w->sections == STATE_MAX_SECTIONS)
		fail(w, E2BIG,
		     "the state has %d sections before %s, which is the most there can be; give "
		     "the VM fewer devices",
		     STATE_MAX_SECTIONS, name);
	if (w->failed)
		return;
	strcpy(head.name, name);
	w->section = w->file.len;
	w->sections++;
	append(w, &head, sizeof(head));
}

void state_writer_end(struct state_writer *w)
{
	const size_t field = w->section + offsetof(struct state_section_head, size);
	__le64 size;

	assert(w->section || w->failed);
	if (!w->failed) {
		size = host_to_le64(w->file.len - w->section - sizeof(struct state_section_head));
		memcpy(w->file.data + field, &size, sizeof(size));
	}
	w->section = 0;
}

void state_writer_u8(struct state_writer *w, uint8_t value)
{
	append(w, &value, sizeof(value));
}

void state_writer_u16(struct state_writer *w, uint16_t value)
{
	const __le16 wire = host_to_le16(value);

	append(w, &wire, sizeof(wire));
}

void state_writer_u32(struct state_writer *w, uint32_t value)
{
	const __le32 wire = host_to_le32(value);

	append(w, &wire, sizeof(wire));
}

void state_writer_u64(struct state_writer *w, uint64_t value)
{
	const __le64 wire = host_to_le64(value);

	append(w, &wire, sizeof(wire));
}

void state_writer_bool(struct state_writer *w, bool value)
{
	state_writer_u8(w, value);
}

void state_writer_bytes(struct state_writer *w, const void *data, size_t len)
{
	append(w, data, len);
}

void state_writer_string(struct state_writer *w, const char *text)
{
	size_t len = strlen(text);

	/* The limit makes the file fail long before this could be cut. */
	state_writer_u32(w, (uint32_t)len);
	append(w, text, len);
}

int state_writer_finish(struct state_writer *w, struct error *err)
{
	struct state_header header = {
		.magic = STATE_MAGIC,
		.version = host_to_le32(STATE_VERSION),
		.architecture = host_to_le32(STATE_ARCHITECTURE),
		.size = host_to_le64(w->file.len),
		.sections = host_to_le32(w->sections),
	};

	assert(!w->section);
	if (w->failed)
		return error_set(err, -w->failed, "%s", w->error.text);
	memcpy(w->file.data, &header, sizeof(header));
	header.checksum = host_to_le32(state_checksum(w->file.data, w->file.len));
	memcpy(w->file.data, &header, sizeof(header));
	return 0;
}
