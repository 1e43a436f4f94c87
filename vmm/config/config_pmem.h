/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and its devices on the command line; for the table in config.c. */
#pragma once

#include "vmm/config/config_options.h"

extern const struct property config_memory_properties[], config_pmem_properties[];

/* --memory, --pmem, --object, --device. -errno with @err set. */
int config_set_memory(struct config *config, const struct config_keys *keys, struct error *err);
int config_add_pmem(struct config *config, const struct config_keys *keys, struct error *err);
int config_add_object(struct config *config, const struct config_keys *keys, struct error *err);
int config_add_device(struct config *config, const struct config_keys *keys, struct error *err);

/* Whether RAM, maxmem and slots can be together. -EINVAL with @err set. */
int config_check_memory(const struct config *config, struct error *err);

/* Fills @pmem from the arguments of its device and of its backend; paths are borrowed. */
void config_pmem_take_device(struct config_pmem *pmem, const struct memory_device *device);
void config_pmem_take_backend(struct config_pmem *pmem, const struct memory_backend *backend);

/*
 * When all options are known, gives each device its backend, and a name if it has none: the n-th is
 * pmemN, or has the next number that is free. -errno with @err set.
 */
int config_finish_pmem(struct config *config, struct error *err);

void config_fini_pmem(struct config *config);
