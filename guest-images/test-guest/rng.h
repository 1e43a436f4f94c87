/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-rng (VIRTIO 1.3, section 5.4): the test of it. */
#ifndef TEST_GUEST_RNG_H
#define TEST_GUEST_RNG_H

/* Asks the first entropy device several times. Returns NULL, or what is wrong. */
const char *rng_check(void);

#endif
