/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and its devices on the command line; for the table in config.c. */
#ifndef MVMM_VMM_CONFIG_PMEM_H
#define MVMM_VMM_CONFIG_PMEM_H

#include "vmm/config/config.h"

/* --memory, --pmem, --object, --device: each takes what follows it. -errno with @err set. */
int config_set_memory(struct config *config, const char *value, struct error *err);
int config_add_pmem(struct config *config, const char *value, struct error *err);
int config_add_object(struct config *config, const char *value, struct error *err);
int config_add_device(struct config *config, const char *value, struct error *err);

/* Puts into @pmem what the arguments of its device, and of its backend, say; paths are borrowed. */
void config_pmem_take_device(struct config_pmem *pmem, const struct memory_device *device);
void config_pmem_take_backend(struct config_pmem *pmem, const struct memory_backend *backend);

/*
 * Once all options are known: gives each device its backend, and a name if it has none: the n-th is
 * pmemN, or has the next number that nobody took. -errno with @err set.
 */
int config_finish_pmem(struct config *config, struct error *err);

/* Frees the devices and backends. */
void config_fini_pmem(struct config *config);

#endif
