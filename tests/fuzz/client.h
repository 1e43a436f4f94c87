/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the control plane for the fuzz targets: what it sends is the input, cut into reads at
 * each byte 0xff; how it reads its answers is the input's first byte. Behind it is
 * tests/support/fake_vm.h.
 */
#pragma once

#include "tests/support/fake_vm.h"
#include "vmm/control/control_connection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the first byte. */
#define CLIENT_SLOW_STOP 1 /* the VM pauses some time after it was asked to */
#define CLIENT_SHORT 2	   /* takes its output in pieces */
#define CLIENT_NEVER_READS 4
#define CLIENT_REFUSED 8   /* the VM refuses what it is asked */
#define CLIENT_TERMINAL 16 /* for HMP */
#define CLIENT_VANISHES 32 /* writes to it fail at the end */

struct client {
	struct fake_vm vm;
	struct control_clients clients;
	struct event_loop loop;
	int fd; /* the served end */
	uint8_t how;
	unsigned stops; /* of the VM's pauses, those that are over */
	bool stopping;
	char *output; /* all that was written to the client; owned, and there until the next run */
	size_t output_len;
};

/*
 * Connects by @serve, which calls qmp_serve or hmp_serve, sends everything, and leaves. The session
 * must then be gone.
 */
struct client *client_run(const uint8_t *data, size_t size, int (*serve)(struct client *client));
