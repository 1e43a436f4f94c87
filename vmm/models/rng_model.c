// SPDX-License-Identifier: Apache-2.0
// Tested by tests/unit/vmm/vm/test_vm_monitor.c.
/* --rng: the host's entropy. */
#include "devices/virtio/rng.h"
#include "vmm/models/device_model.h"

static unsigned count(const struct config *config)
{
	return config->rng;
}

static int init(struct device *device, const struct device_host *host, struct error *err)
{
	struct rng *rng = device->state;

	rng_init(rng, host->memory);
	device->virtio = &rng->virtio;
	return 0;
}

static const struct device_counter counters[] = {
	{ "bytes", offsetof(struct rng, bytes) },
	{ NULL, 0 },
};

const struct device_model rng_model = {
	.name = "virtio-rng",
	.id = "rng",
	.size = sizeof(struct rng),
	.count = count,
	.init = init,
	.counters = counters,
};
