// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/net.
/* --net: a network card on a tap of the host. */
#include "devices/virtio/net.h"
#include "vmm/base/log.h"
#include "vmm/host/tap.h"
#include "vmm/models/device_model.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static unsigned count(const struct config *config)
{
	return config->n_nets;
}

static int open_tap(const struct config *config, unsigned index, struct error *err)
{
	return tap_open(config->nets[index].tap, err);
}

static int set_offloads(struct net *net, uint64_t features)
{
	return tap_set_offloads(net->fd, features);
}

static const struct net_ops ops = { .set_offloads = set_offloads };

/* A random address, so that no other card on the network has it. */
static int make_mac(uint8_t *ret_mac, struct error *err)
{
	if (getrandom(ret_mac, ETH_ALEN, 0) != ETH_ALEN)
		return error_set(err, errno, "--net: cannot make a random address: %s; give mac=",
				 strerror(errno));
	ret_mac[0] = (ret_mac[0] & ~1) | 2; /* not multicast, locally administered */
	return 0;
}

static int init(struct device *device, const struct device_host *host, struct error *err)
{
	const struct config_net *config = &host->config->nets[device->index];
	struct net *net = device->state;
	uint8_t mac[ETH_ALEN];
	int ret = 0;

	memcpy(mac, config->mac, sizeof(mac));
	if (!config->has_mac)
		ret = make_mac(mac, err);
	if (ret < 0)
		return ret;
	net_init(net, device->id, &ops, device->fd, mac, host->loop, host->memory);
	device->virtio = &net->virtio;
	log_info("%s: %s, %02x:%02x:%02x:%02x:%02x:%02x", device->id, config->tap, mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return 0;
}

static void save(const struct device *device, struct state_writer *writer)
{
	net_save(device->state, writer);
}

static void load(struct device *device, const struct config *config, struct state_reader *reader)
{
	const struct config_net *given = &config->nets[device->index];
	struct net *net = device->state;

	net_load(net, reader);
	if (given->has_mac)
		memcpy(net->mac, given->mac, sizeof(net->mac));
}

static const struct device_counter counters[] = {
	{ "received", offsetof(struct net, counters.received) },
	{ "received-bytes", offsetof(struct net, counters.received_bytes) },
	{ "receive-dropped", offsetof(struct net, counters.receive_dropped) },
	{ "sent", offsetof(struct net, counters.sent) },
	{ "sent-bytes", offsetof(struct net, counters.sent_bytes) },
	{ "send-dropped", offsetof(struct net, counters.send_dropped) },
	{ NULL, 0 },
};

const struct device_model net_model = {
	.name = "virtio-net",
	.id = "net",
	.several = true,
	.size = sizeof(struct net),
	.count = count,
	.open = open_tap,
	.init = init,
	.save = save,
	.load = load,
	.counters = counters,
};
