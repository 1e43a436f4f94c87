// SPDX-License-Identifier: Apache-2.0
/* Lists the models; makes, saves, counts and frees a device of any model. */
#include "vmm/models/device_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The order in which devices get their slots, from the last slot down; guests see it. */
const struct device_model *const device_models[] = {
	&rng_model, &vsock_model, &console_model, &net_model, NULL,
};

int device_init(struct device *device, const struct device_model *model, unsigned index, int fd,
		const struct device_host *host, struct error *err)
{
	*device = (struct device){ .model = model, .index = index, .fd = fd };
	snprintf(device->id, sizeof(device->id), model->several ? "%s%u" : "%s", model->id, index);
	device->state = calloc(1, model->size);
	if (!device->state)
		return error_set(err, ENOMEM, "%s: out of memory", device->id);
	return model->init(device, host, err);
}

void device_fini(struct device *device)
{
	if (device->state && device->model->fini)
		device->model->fini(device);
	free(device->state);
	*device = (struct device){ 0 };
}

void device_save(const struct device *device, struct state_writer *writer)
{
	if (device->model->save)
		device->model->save(device, writer);
}

void device_load(struct device *device, const struct config *config, struct state_reader *reader)
{
	if (device->model->load)
		device->model->load(device, config, reader);
}

bool device_count(const struct device *device, struct device_counters *ret_counters)
{
	if (!device->model->counters)
		return false;
	device_counters_read(ret_counters, device->id, device->model->counters, device->state);
	return true;
}
