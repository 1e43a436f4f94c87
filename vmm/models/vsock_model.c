// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/vsock.
/* --vsock: sockets between guest and host. */
#include "devices/virtio/vsock.h"
#include "vmm/base/container_of.h"
#include "vmm/host/vsock_unix.h"
#include "vmm/models/device_model.h"

struct state {
	struct vsock vsock;
	struct vsock_unix host;
	uint8_t buffers[VSOCK_BUFFERS];
};

static unsigned count(const struct config *config)
{
	return config->vsock_path != NULL;
}

static int init(struct device *device, const struct device_host *host, struct error *err)
{
	const struct config *config = host->config;
	struct state *s = device->state;

	vsock_init(&s->vsock, config->vsock_cid, &s->host.host, host->loop, host->memory,
		   s->buffers);
	device->virtio = &s->vsock.virtio;
	return error_blame_option(err,
				  vsock_unix_init(&s->host, &s->vsock, host->loop,
						  config->vsock_path, config->sandbox.chroot, err));
}

/* Connections are not saved, so there is no save. */
static void load(struct device *device, const struct config *config, struct state_reader *reader)
{
	vsock_loaded(container_of(device->virtio, struct vsock, virtio));
}

static void fini(struct device *device)
{
	struct state *s = device->state;

	vsock_fini(&s->vsock);
	vsock_unix_fini(&s->host);
}

static bool file(const struct device *device, struct kept_file *ret_file)
{
	const struct state *s = device->state;

	return listener_file(&s->host.listener, ret_file);
}

static const struct device_counter counters[] = {
	{ "connections", offsetof(struct state, vsock.counters.connections) },
	{ "refused", offsetof(struct state, vsock.counters.refused) },
	{ "received-bytes", offsetof(struct state, vsock.counters.received_bytes) },
	{ "sent-bytes", offsetof(struct state, vsock.counters.sent_bytes) },
	{ NULL, 0 },
};

const struct device_model vsock_model = {
	.name = "virtio-vsock",
	.id = "vsock",
	.connects = true,
	.size = sizeof(struct state),
	.count = count,
	.init = init,
	.load = load,
	.fini = fini,
	.file = file,
	.counters = counters,
};
