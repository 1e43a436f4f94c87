/* SPDX-License-Identifier: Apache-2.0 */
/* The packets of a guest's driver of the socket device, for all targets that have one. */
#pragma once

#include "tests/fuzz/device.h"

#define VSOCK_REQUEST_CID 3 /* the guest's */

/*
 * device.h's request: a packet between a few ports, so that packets meet connections: 1 to 4 of the
 * guest's, 52, 53 and the first two that we choose of the host's.
 */
unsigned vsock_request(struct fuzz_input *in, unsigned queue, uint8_t *bytes, unsigned size);

/* device.h's answered: a packet has a header, and nothing is written to one of the guest's. */
void vsock_request_answered(const struct device_answer *answer);
