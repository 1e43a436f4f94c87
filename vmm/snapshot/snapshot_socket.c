// SPDX-License-Identifier: Apache-2.0
/* Passes the files of a snapshot through a socket. */
#include "vmm/snapshot/snapshot_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FILES 3 /* state, memory and own pages, in this order */
#define VERSION 1

static const char magic[8] = { 'm', 'v', 'm', 'm', 'f', 'o', 'r', 'k' };

/* What comes with the descriptors, in the host's byte order, since it never leaves the host. */
struct head {
	char magic[sizeof(magic)];
	uint32_t version;
	uint32_t files;
};

struct message {
	struct head head;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MAX_FILES * sizeof(int))];
	struct iovec iov;
	struct msghdr msg;
};

static void prepare(struct message *m, size_t control)
{
	m->iov = (struct iovec){ &m->head, sizeof(m->head) };
	m->msg = (struct msghdr){
		.msg_iov = &m->iov,
		.msg_iovlen = 1,
		.msg_control = m->control,
		.msg_controllen = control,
	};
}

/* To another kind of socket Linux sends the bytes, and drops the descriptors without a word. */
static int check_is_unix(int socket_fd)
{
	int domain;
	socklen_t len = sizeof(domain);

	if (getsockopt(socket_fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -errno;
	return domain == AF_UNIX ? 0 : -EAFNOSUPPORT;
}

int snapshot_socket_send(int socket_fd, int state_fd, int memory_fd, int own_fd)
{
	const int fds[MAX_FILES] = { state_fd, memory_fd, own_fd };
	const uint32_t n = own_fd < 0 ? 2 : 3;
	struct message m = { .head = { .version = VERSION, .files = n } };
	struct cmsghdr *header;
	int ret = check_is_unix(socket_fd);

	if (ret < 0)
		return ret;
	memcpy(m.head.magic, magic, sizeof(magic));
	prepare(&m, CMSG_SPACE(n * sizeof(int)));
	header = CMSG_FIRSTHDR(&m.msg);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(header), fds, n * sizeof(int));
	return sendmsg(socket_fd, &m.msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* Moves the descriptors of the message to @ret_fds; returns how many there are. */
static uint32_t take(struct message *m, int ret_fds[MAX_FILES])
{
	struct cmsghdr *header = CMSG_FIRSTHDR(&m->msg);
	size_t size;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return 0;
	size = header->cmsg_len - CMSG_LEN(0);
	memcpy(ret_fds, CMSG_DATA(header), size);
	return (uint32_t)(size / sizeof(int));
}

static bool is_expected(const struct message *m, ssize_t len, uint32_t n)
{
	return len == sizeof(m->head) && !(m->msg.msg_flags & MSG_CTRUNC) &&
	       memcmp(m->head.magic, magic, sizeof(magic)) == 0 && m->head.version == VERSION &&
	       m->head.files == n && n >= 2;
}

int snapshot_socket_receive(int socket_fd, struct snapshot_files *files, const char *what,
			    struct error *err)
{
	struct message m = { 0 };
	int fds[MAX_FILES] = { 0 };
	uint32_t n;
	ssize_t len;

	*files = (struct snapshot_files){ 0 };
	do {
		prepare(&m, sizeof(m.control));
		len = recvmsg(socket_fd, &m.msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return error_system(err, errno, "%s: cannot be read", what);
	if (len == 0)
		return error_set(err, EPIPE,
				 "%s: the other end was closed before a vm-fork; start another one",
				 what);
	n = take(&m, fds);
	if (!is_expected(&m, len, n)) {
		for (uint32_t i = 0; i < n; i++)
			close(fds[i]);
		return error_set(err, EPROTO,
				 "%s: what came is not of a vm-fork of this version of mvmm", what);
	}
	return snapshot_files_take_forked(files, fds[0], fds[1], fds[2], what, err);
}
