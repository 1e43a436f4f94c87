/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-vsock (VIRTIO 1.3, section 5.10): tests of the socket device. The host's ends are played
 * by tests/e2e/vsock. Each returns NULL, or what is wrong.
 */
#ifndef TEST_GUEST_VSOCK_H
#define TEST_GUEST_VSOCK_H

/* Connects to port=, where an echo server listens, and half-closes. */
const char *vsock_connect(void);

/* Waits for a connection to port=, and is the echo server. */
const char *vsock_serve(void);

/* Nobody listens at port=. */
const char *vsock_refused(void);

/* The host at port= does not read until all credit is used up. */
const char *vsock_credit(void);

/* Sends more than there is credit for. */
const char *vsock_overrun(void);

/* The host at port= sends a few words and dies. */
const char *vsock_peer_death(void);

/* Sends a few words to port= and leaves at once. */
const char *vsock_last_words(void);

/* Resets the device with a connection to port= open; the next one works. */
const char *vsock_reset(void);

/* A packet that is shorter than its header breaks the device, until it is reset. */
const char *vsock_short_packet(void);

#endif
