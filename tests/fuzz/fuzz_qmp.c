// SPDX-License-Identifier: Apache-2.0
// Covers: vmm/control/qmp.c vmm/control/qmp_commands.c vmm/control/qmp_events.c
// Covers: vmm/base/json_text.c vmm/control/qmp_types.c vmm/control/json_stream.c
// vmm/control/control_connection.c
/*
 * Any bytes from a QMP client. It gets JSON objects, one a line, whatever it sends, and when it is
 * gone nothing of it is left.
 */
#include "vmm/control/qmp.h"

#include "tests/fuzz/client.h"
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

static int serve(struct client *c)
{
	return qmp_serve(&c->vm.monitor, &c->clients, &c->loop, c->fd, c->fd, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct client *c = client_run(data, size, serve);
	const char *at = c->output, *end = c->output + c->output_len, *newline;

	/* The last line is cut where the client was dropped. */
	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		size_t len = (size_t)(newline - at);
		json_t *value = json_loadb(at, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

		fuzz_check(len && at[len - 1] == '\r');
		fuzz_check(json_is_object(value), "%.*s", (int)len, at);
		json_decref(value);
		at = newline + 1;
	}
	return 0;
}
