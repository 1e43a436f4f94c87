// SPDX-License-Identifier: Apache-2.0
// Covers: vmm/control/hmp.c vmm/control/hmp_info.c vmm/control/hmp_line.c vmm/control/hmp_session.c
/* Any keys typed at the monitor for people, on a terminal and not. */
#include "vmm/control/hmp_session.h"

#include "tests/fuzz/client.h"
#include "tests/fuzz/fuzz.h"

static int serve(struct client *c)
{
	return hmp_serve(&c->vm.monitor, &c->clients, &c->loop, c->fd, c->fd, false,
			 c->how & CLIENT_TERMINAL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct client *c = client_run(data, size, serve);

	/* A terminal in raw mode needs both at the end of a line. */
	for (size_t i = 0; i < c->output_len; i++)
		fuzz_check(c->output[i] != '\n' || (i && c->output[i - 1] == '\r'));
	return 0;
}
