/* SPDX-License-Identifier: Apache-2.0 */
/* The ACPI table that says which node has which processors and memory (System Resource Affinity).
 */
#pragma once

#include "boot/boot.h"
#include "boot/numa.h"

/* What comes behind the header: 12 reserved bytes, then 16 for a processor and 40 for a range. */
#define SRAT_MAX (12 + BOOT_MAX_CPUS * 16 + NUMA_MAX_RANGES * 40)

/* Writes that to @buf, which has SRAT_MAX bytes, and returns how many they are. */
size_t srat_x86_write(const struct boot_machine *machine, void *buf);
