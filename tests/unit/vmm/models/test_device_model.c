// SPDX-License-Identifier: Apache-2.0
/* What all models have in common, with models made for it. */
#include "vmm/models/device_model.h"

#include "devices/virtio/net.h"
#include "devices/virtio/virtio_console.h"
#include "devices/virtio/vsock.h"
#include "tests/support/check.h"
#include "tests/support/state_file.h"

#include <errno.h>

TestSuite(device_model, .timeout = 10);

struct state {
	uint64_t unused, first, second;
	bool made;
};

static const struct device_host host;
static unsigned finished;
static int init_result;

static int init(struct device *device, const struct device_host *given, struct error *err)
{
	struct state *s = device->state;

	check_eq(given, &host);
	cr_assert(!s->made && !s->first, "its state is zeroed");
	s->made = true;
	return init_result < 0 ? error_set(err, -init_result, "no") : 0;
}

static void fini(struct device *device)
{
	cr_assert(((struct state *)device->state)->made);
	finished++;
}

static const struct device_counter counters[] = {
	{ "first", offsetof(struct state, first) },
	{ "second", offsetof(struct state, second) },
	{ NULL, 0 },
};

static const struct device_model card = {
	.name = "virtio-card",
	.id = "card",
	.several = true,
	.size = sizeof(struct state),
	.init = init,
	.fini = fini,
	.counters = counters,
};

static const struct device_model only = {
	.name = "virtio-only",
	.id = "only",
	.size = sizeof(struct state),
	.init = init,
};

Test(device_model, ids)
{
	struct device device;
	struct error err;

	check_eq(device_init(&device, &card, 12, 7, &host, &err), 0);
	check_str(device.id, "card12");
	check_eq(device.index, 12);
	check_eq(device.fd, 7);
	device_fini(&device);
	check_eq(finished, 1);
	check_eq(device_init(&device, &only, 0, 0, &host, &err), 0);
	check_str(device.id, "only");
	device_fini(&device);
	check_eq(finished, 1, "this model has nothing to finish");
}

Test(device_model, counts_by_offset)
{
	struct device_counters c;
	struct device device;
	struct error err;
	struct state *s;

	check_eq(device_init(&device, &card, 1, 0, &host, &err), 0);
	s = device.state;
	s->first = 5;
	s->second = UINT64_MAX;
	cr_assert(device_count(&device, &c));
	check_str(c.id, "card1");
	check_eq(c.n, 2);
	check_str(c.list[0].name, "first");
	check_eq(c.list[0].value, 5);
	check_str(c.list[1].name, "second");
	check_eq(c.list[1].value, UINT64_MAX);
	device_fini(&device);
	check_eq(device_init(&device, &only, 0, 0, &host, &err), 0);
	cr_assert(!device_count(&device, &c), "it counts nothing");
	device_fini(&device);
}

Test(device_model, half_built_one_is_finished)
{
	struct device device = { 0 };
	struct error err = { 0 };

	init_result = -ENODEV;
	check_eq(device_init(&device, &card, 0, 0, &host, &err), -ENODEV);
	check_str(err.text, "no");
	device_fini(&device);
	check_eq(finished, 1);
	device_fini(&device);
	check_eq(finished, 1, "and once");
}

static struct state_file file;

/* Saves @from and loads it into @to, where the options are @config. */
static void save_and_load(const struct device *from, struct device *to, const struct config *config)
{
	state_file_save(&file);
	device_save(from, &file.writer);
	state_file_load(&file);
	device_load(to, config, &file.reader);
	check_eq(state_file_result(&file), 0, "%s", file.err.text);
	state_file_fini(&file);
}

Test(device_model, rng_has_nothing_to_save)
{
	struct device device = { .model = &rng_model };
	size_t len;

	state_file_save(&file);
	device_save(&device, &file.writer);
	state_file_bytes(&file, &len);
	check_eq(len, 0);
	save_and_load(&device, &device, NULL);
}

Test(device_model, a_cards_address_is_saved_unless_one_is_given)
{
	static const uint8_t mac[] = { 2, 3, 4, 5, 6, 7 };
	struct net net = { 0 }, other = { 0 };
	struct device from = { .model = &net_model, .state = &net };
	struct device to = { .model = &net_model, .index = 1, .state = &other };
	struct config config = { .nets[1].mac = { 4 } };

	memcpy(net.mac, mac, sizeof(mac));
	save_and_load(&from, &to, &config);
	check_eq(memcmp(other.mac, mac, sizeof(mac)), 0);
	config.nets[1].has_mac = true;
	save_and_load(&from, &to, &config);
	check_eq(other.mac[0], 4);
	check_eq(other.mac[1], 0);
}

Test(device_model, a_console_saves_what_it_has_sent)
{
	struct virtio_console console = { .sent = 7 };
	struct virtio_console other = { .queues[VIRTIO_CONSOLE_TRANSMIT].ready = true };
	struct device from = { .model = &console_model, .virtio = &console.virtio };
	struct device to = { .model = &console_model, .virtio = &other.virtio };

	save_and_load(&from, &to, NULL);
	check_eq(other.sent, 7);
}

Test(device_model, sockets_are_not_saved)
{
	static struct vsock vsock = { .queues[VSOCK_EVENT].ready = true };
	struct device device = { .model = &vsock_model, .virtio = &vsock.virtio };

	save_and_load(&device, &device, NULL);
	check_eq(vsock.event, VSOCK_EVENT_OWED);
}
