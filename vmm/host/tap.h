/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taps: network interfaces of the host whose other end is a descriptor. This file knows their
 * ioctls, devices/virtio/net.h moves the frames.
 */
#ifndef MVMM_VMM_TAP_H
#define MVMM_VMM_TAP_H

#include "vmm/base/error.h"

#include <stdint.h>

/*
 * Opens the tap that @where names, an interface that exists, or fd:N, and sets it up for frames
 * behind a struct virtio_net_hdr_v1, without blocking. The descriptor, which is the caller's, or
 * -errno with @err set, which begins with "--net tap=".
 */
int tap_open(const char *where, struct error *err);

/*
 * What frames its reader takes, by the VIRTIO_NET_F_GUEST_* bits of @features: ones without a
 * checksum, ones that are still to be segmented. -errno of TUNSETOFFLOAD.
 */
int tap_set_offloads(int fd, uint64_t features);

#endif
