/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of virtio-net, with a peer of the caller's on the other end of its tap. */
#ifndef TEST_GUEST_NET_H
#define TEST_GUEST_NET_H

/* Sends count= frames of all sizes, each of which the peer has to send back. */
const char *net_echo(void);

/* Sends count= frames, with the ring always full. */
const char *net_flood(void);

/* Flushes the first pmem device count= times while frames come, and gives their buffers back. */
const char *net_storm(void);

#endif
