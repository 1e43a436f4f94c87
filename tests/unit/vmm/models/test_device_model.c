// SPDX-License-Identifier: Apache-2.0
/* What all models have in common, with models made for it. */
#include "vmm/models/device_model.h"

#include "tests/support/check.h"

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
