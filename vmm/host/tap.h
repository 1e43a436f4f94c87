/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taps: network interfaces of the host whose other end is a descriptor. This file knows their
 * ioctls; devices/virtio/net.h moves the frames.
 */
#pragma once

#include "vmm/base/error.h"

#include <stdint.h>

/*
 * Opens the tap that @where names, an existing interface or fd:N, for frames with a struct
 * virtio_net_hdr_v1 before them, and non-blocking. Returns the descriptor, which the caller closes,
 * or -errno with @err set, which begins with "--net tap=".
 */
int tap_open(const char *where, struct error *err);

/*
 * Sets which frames the reader accepts, by the VIRTIO_NET_F_GUEST_* bits of @features: frames
 * without a checksum, and frames that are still to be segmented. -errno of TUNSETOFFLOAD.
 */
int tap_set_offloads(int fd, uint64_t features);
