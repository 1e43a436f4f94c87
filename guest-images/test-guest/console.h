/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-console (VIRTIO 1.3, section 5.3): the tests of it. */
#ifndef TEST_GUEST_CONSOLE_H
#define TEST_GUEST_CONSOLE_H

/* Says something on the first console device and repeats the line that it hears. */
const char *console_echo(void);

/* Writes much by the serial port and by virtio-console, and prints how long each took. */
const char *console_bulk(void);

#endif
