/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a virtio device as its driver sees it, in a state file: the registers, and each
 * queue. They go into the open section and come out of it in this order.
 *
 * No chain is saved. A chain that the device has taken and not given back at the moment of the save
 * is one that it never took: devices give chains back in the order in which they took them, so the
 * entry of the avail ring that is next is the one with the number of the used ring's next. What a
 * device has begun to do with such a chain is its own to save, as virtio-console does.
 */
#pragma once

#include "devices/virtio/virtio_mmio.h"
#include "vmm/base/state_reader.h"
#include "vmm/base/state_writer.h"

/* On the event loop's thread; nothing of the device changes. */
void virtio_mmio_save(const struct virtio_mmio *mmio, struct state_writer *writer);

/*
 * Brings the device to that state, from any other: it is reset first. The bytes are hostile; what
 * no driver can bring a device to fails @reader, and the device is as after a reset then. Guest
 * memory must be known, but not its contents. Nothing of the rings is looked at, and no interrupt
 * is made before virtio_mmio_restored. No vCPU runs.
 */
void virtio_mmio_load(struct virtio_mmio *mmio, struct state_reader *reader);
