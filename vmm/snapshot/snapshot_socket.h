/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot on its way from one mvmm to another (vm-fork): one message with the descriptors of its
 * files, through a Unix socket.
 */
#pragma once

#include "vmm/base/error.h"
#include "vmm/snapshot/snapshot_files.h"

/*
 * Sends copies of the descriptors to whoever has, or will have, the other end of @socket_fd;
 * @own_fd is -1 if there is none. Does not wait. -EPIPE: nobody has the other end. -EAGAIN: it is
 * full of what nobody has read. -ENOTSOCK; -EAFNOSUPPORT: it is no Unix socket; or other -errno of
 * sendmsg(2).
 */
int snapshot_socket_send(int socket_fd, int state_fd, int memory_fd, int own_fd);

/*
 * Waits for such a message, and fills @files, whose memory file is locked then. @what begins
 * messages. -errno with @err set: also for the end of the connection, and for anything else than
 * that message. snapshot_files_fini in any case.
 */
int snapshot_socket_receive(int socket_fd, struct snapshot_files *files, const char *what,
			    struct error *err);
