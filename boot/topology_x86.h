/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC ids. An id has a field for the thread, one for the core and one for the socket, and
 * CPUID tells how wide they are (Intel SDM volume 3, section 9.9; AMD APM volume 3, appendix E). A
 * field whose number is no power of two leaves ids unused. ACPI, device tree, CPUID and KVM all
 * have to name the same ids.
 */
#pragma once

#include "boot/boot.h"

/* The width of the field for the thread. */
unsigned topology_x86_core_shift(const struct boot_topology *topology);

/* The width of the fields for thread and core together. */
unsigned topology_x86_socket_shift(const struct boot_topology *topology);

/* The id of vCPU @cpu. It is below 128, because a field is less than twice as large as it must be.
 */
unsigned topology_x86_apic_id(const struct boot_topology *topology, unsigned cpu);
