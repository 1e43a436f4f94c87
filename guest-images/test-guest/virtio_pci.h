/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over PCI (VIRTIO 1.3, section 4.1), for comparisons with QEMU, whose virtio-pmem knows
 * nothing else. A device looks like one on virtio-mmio: the driver names registers by their
 * virtio-mmio offsets, and they are looked up here.
 */
#pragma once

#include "virtio_mmio.h"

/* Finds the @index-th virtio device on bus 0. False if there are not that many. */
bool virtio_pci_probe(unsigned index, struct virtio_mmio *ret_device);

/* Routes the device's interrupt, a PCI interrupt pin: QEMU's virtio-pmem has no MSI-X. */
void virtio_pci_route(struct virtio_mmio *device, uint32_t apic_id);

uint32_t virtio_pci_read(const struct virtio_mmio *device, unsigned offset);
void virtio_pci_write(const struct virtio_mmio *device, unsigned offset, uint32_t value);
