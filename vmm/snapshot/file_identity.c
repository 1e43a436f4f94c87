// SPDX-License-Identifier: Apache-2.0
#include "vmm/snapshot/file_identity.h"

#include <errno.h>
#include <sys/stat.h>

int file_identity_get(int fd, struct file_identity *ret_identity)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_identity = (struct file_identity){
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.mtime_s = (uint64_t)st.st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st.st_mtim.tv_nsec,
		.ctime_s = (uint64_t)st.st_ctim.tv_sec,
		.ctime_ns = (uint32_t)st.st_ctim.tv_nsec,
	};
	return 0;
}

void file_identity_save(const struct file_identity *identity, struct state_writer *writer)
{
	state_writer_u64(writer, identity->inode);
	state_writer_u64(writer, identity->size);
	state_writer_u64(writer, identity->mtime_s);
	state_writer_u32(writer, identity->mtime_ns);
	state_writer_u64(writer, identity->ctime_s);
	state_writer_u32(writer, identity->ctime_ns);
}

void file_identity_load(struct file_identity *ret_identity, struct state_reader *reader)
{
	ret_identity->inode = state_reader_u64(reader);
	ret_identity->size = state_reader_u64(reader);
	ret_identity->mtime_s = state_reader_u64(reader);
	ret_identity->mtime_ns = state_reader_u32(reader);
	ret_identity->ctime_s = state_reader_u64(reader);
	ret_identity->ctime_ns = state_reader_u32(reader);
}

const char *file_identity_differs(const struct file_identity *was, const struct file_identity *is)
{
	if (was->inode != is->inode)
		return "was replaced by another file";
	if (was->size != is->size || was->mtime_s != is->mtime_s || was->mtime_ns != is->mtime_ns)
		return "was changed";
	if (was->ctime_s != is->ctime_s || was->ctime_ns != is->ctime_ns)
		return "was changed, renamed or linked";
	return NULL;
}
