/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's ends of the guest's sockets, as UNIX sockets in Firecracker's convention. Who connects
 * to the socket at PATH and writes "CONNECT <port>\n" is connected to that port of the guest's, and
 * reads "OK <port of the host's>\n" first. The guest's connections to the host's port N go to the
 * socket at PATH_N. Everything is bounded, and nothing waits for a peer.
 */
#ifndef MVMM_VMM_VSOCK_UNIX_H
#define MVMM_VMM_VSOCK_UNIX_H

#include "devices/virtio/vsock.h"
#include "vmm/base/error.h"
#include "vmm/base/event_loop.h"
#include "vmm/host/listener.h"

#include <stdbool.h>
#include <sys/un.h>

/* The longest line, "CONNECT 4294967295\n". */
#define VSOCK_UNIX_LINE 19
/* PATH, when "_4294967295" comes behind it. */
#define VSOCK_UNIX_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1 - 11)
/* Clients that have not yet said which port they want. */
#define VSOCK_UNIX_MAX_CLIENTS 32
#define VSOCK_UNIX_CHANNELS (VSOCK_MAX_CONNECTIONS + 2 * VSOCK_UNIX_MAX_CLIENTS)

struct vsock_unix_channel {
	struct vsock_stream stream;
	struct vsock_unix *side;
	int fd;		  /* owned; 0: free */
	unsigned polling; /* VSOCK_READABLE, ...: polls in flight */
	bool greeting;	  /* its line is being read */
	bool closed;	  /* and freed when the polls have ended */
	char line[VSOCK_UNIX_LINE + 1];
	unsigned line_len;
	struct event_op readable, writable, hangup;
};

struct vsock_unix {
	struct vsock_host host;
	struct vsock *vsock;	 /* borrowed */
	struct event_loop *loop; /* borrowed */
	struct control_socket socket;
	/* PATH as it is reached once the root directory is what --chroot says. */
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	unsigned n_clients;
	struct log_limit limit;
	struct vsock_unix_channel channels[VSOCK_UNIX_CHANNELS];
};

/*
 * Listens at @path, of at most VSOCK_UNIX_PATH_MAX bytes, for the guest of @vsock. @chroot: the
 * root directory from the VM's start on, or NULL; @path must be below it, since that is where the
 * guest's connections go. -errno with @err set.
 */
int vsock_unix_init(struct vsock_unix *side, struct vsock *vsock, struct event_loop *loop,
		    const char *path, const char *chroot, struct error *err);

/* After the event loop's end and vsock_fini. Removes the socket; takes a zeroed one. */
void vsock_unix_fini(struct vsock_unix *side);

#endif
