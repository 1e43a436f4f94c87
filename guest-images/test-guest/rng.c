// SPDX-License-Identifier: Apache-2.0
/* virtio-rng. Start reading at rng_check. */
#include "checks.h"

#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "virtio_mmio.h"

#include <linux/virtio_ids.h>
#include <stddef.h>

#define ROUNDS 8

static struct virtio_mmio device;
static struct virtqueue queue;
static uint64_t words[ROUNDS];

static const char *ask(uint64_t *word)
{
	uint32_t seen = device.used_interrupts;
	struct vring_used_elem elem;

	virtqueue_describe(&queue, 0, (uint64_t)word, sizeof(*word), VRING_DESC_F_WRITE, 0);
	virtqueue_offer(&queue, 0);
	virtio_mmio_write(&device, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	if (!interrupts_wait(&device.used_interrupts, seen))
		return "no interrupt";
	if (!virtqueue_take(&queue, &elem))
		return "an interrupt, but nothing used";
	return elem.len == sizeof(*word) ? NULL : fail("used length is %u", elem.len);
}

/* Asks the first entropy device several times. Returns NULL, or what is wrong. */
static const char *rng_check(void)
{
	const char *error = "there is no entropy device";

	if (virtio_mmio_find(VIRTIO_ID_RNG, &device))
		error = virtio_mmio_start(&device, 0, &queue, 1, VIRTQUEUE_MAX);
	for (unsigned i = 0; i < ROUNDS && !error; i++) {
		error = ask(&words[i]);
		barrier();
		for (unsigned n = 0; n <= i && !error; n++)
			if (words[i] == (n < i ? words[n] : 0))
				error = fail("word %u, 0x%lx, is not random", i, words[i]);
	}
	return error;
}

const struct check rng_checks[] = {
	{ "rng", .once = rng_check },
	{ 0 },
};
