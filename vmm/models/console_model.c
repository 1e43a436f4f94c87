// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/console.
/* --console: hvc0. The VM owns its console, as that of the serial port. */
#include "vmm/base/container_of.h"
#include "vmm/console/virtio_port.h"
#include "vmm/models/device_model.h"

static unsigned count(const struct config *config)
{
	return config->console.given;
}

static int init(struct device *device, const struct device_host *host, struct error *err)
{
	virtio_port_init(host->port, host->console, host->loop, host->memory);
	device->virtio = &host->port->virtio.virtio;
	return 0;
}

static void save(const struct device *device, struct state_writer *writer)
{
	virtio_console_save(container_of(device->virtio, struct virtio_console, virtio), writer);
}

static void load(struct device *device, const struct config *config, struct state_reader *reader)
{
	virtio_console_load(container_of(device->virtio, struct virtio_console, virtio), reader);
}

const struct device_model console_model = {
	.name = "virtio-console",
	.id = "console",
	.size = 1, /* the port has its state */
	.count = count,
	.init = init,
	.save = save,
	.load = load,
};
