/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's ends of the guest's sockets, as UNIX sockets in Firecracker's convention. A client
 * that connects to the socket at PATH and writes "CONNECT <port>\n" within ten seconds is connected
 * to that port of the guest, and first reads "OK <port of the host>\n". A guest's connection to the
 * host's port N goes to the socket at PATH_N. Everything is bounded, and nothing waits for a peer.
 */
#pragma once

#include "devices/virtio/vsock.h"
#include "vmm/base/error.h"
#include "vmm/base/event_loop.h"
#include "vmm/host/listener.h"

#include <stdbool.h>
#include <sys/un.h>

/* The longest line, "CONNECT 4294967295\n". */
#define VSOCK_UNIX_LINE 19
/* The longest PATH, since "_4294967295" is appended to it. */
#define VSOCK_UNIX_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1 - 11)
/* Clients that have not yet sent their CONNECT line. */
#define VSOCK_UNIX_MAX_CLIENTS 32
/* How long one of them may take for it, so that silent ones do not keep others out for ever. */
#define VSOCK_UNIX_GREETING_NS (10 * NS_PER_S)
#define VSOCK_UNIX_CHANNELS (VSOCK_MAX_CONNECTIONS + 2 * VSOCK_UNIX_MAX_CLIENTS)

struct vsock_unix_channel {
	struct vsock_stream stream;
	struct vsock_unix *side;
	int fd;		  /* owned; 0: free */
	unsigned polling; /* VSOCK_READABLE, ...: polls in flight */
	bool greeting;	  /* its CONNECT line is being read */
	bool closed;	  /* and freed when the polls have ended */
	char line[VSOCK_UNIX_LINE + 1];
	unsigned line_len;
	struct event_op readable, writable, hangup;
	struct event_timer patience; /* armed while greeting */
};

struct vsock_unix {
	struct vsock_host host;
	struct vsock *vsock;	 /* borrowed */
	struct event_loop *loop; /* borrowed */
	struct listener listener;
	/* PATH as seen after --chroot. */
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	unsigned n_clients;
	struct log_limit limit;
	bool logged_no_driver; /* since the last connection that was possible */
	struct vsock_unix_channel channels[VSOCK_UNIX_CHANNELS];
};

/*
 * Listens at @path, of at most VSOCK_UNIX_PATH_MAX bytes, for the guest of @vsock. @chroot is the
 * root directory after the VM's start, or NULL. @path must be below it, because the guest's
 * connections go there. -errno with @err set.
 */
int vsock_unix_init(struct vsock_unix *side, struct vsock *vsock, struct event_loop *loop,
		    const char *path, const char *chroot, struct error *err);

/* After the event loop's end and vsock_fini. Removes the socket's file; takes a zeroed one. */
void vsock_unix_fini(struct vsock_unix *side);
