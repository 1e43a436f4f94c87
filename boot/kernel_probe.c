// SPDX-License-Identifier: Apache-2.0
/*
 * Searches a kernel for the strings of its device tree and ACPI code. Start reading at
 * kernel_probe, at the end; platform_cache.c keeps the answers.
 */
#include "boot/kernel_probe.h"

#include "boot/bzimage_x86.h"
#include "boot/decompressor.h"
#include "boot/input_file.h"
#include "boot/kernel_file.h"
#include "boot/platform_cache.h"
#include "vmm/base/clock.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Far more than any kernel unpacks to; a compressed file of zeroes must not keep us for ever. */
#define UNPACKED_MAX (512ull << 20)
#define CHUNK 0x40000

enum marker { MARKER_LAPIC, MARKER_FLAT_TREE, MARKER_POWEROFF, MARKER_ACPI, MARKERS };

/*
 * Each string is in the kernel if and only if the code is: arch/x86/kernel/devicetree.c
 * (CONFIG_OF), the part of drivers/of/fdt.c under CONFIG_OF_EARLY_FLATTREE, without which the tree
 * behind setup_data is never looked at, syscon-poweroff.c, and ACPICA.
 */
static const char *const markers[MARKERS] = {
	[MARKER_LAPIC] = "intel,ce4100-lapic",
	[MARKER_FLAT_TREE] = "OF: fdt: Machine model: ",
	[MARKER_POWEROFF] = "syscon-poweroff",
	[MARKER_ACPI] = "ACPI BIOS Error",
};

#define MARKER_MAX 32

struct search {
	bool found[MARKERS];
	uint64_t bytes; /* searched so far */
	size_t kept;	/* bytes at the start of buf that were searched already */
	uint8_t buf[MARKER_MAX + CHUNK];
};

static bool reads_tree(const struct search *s)
{
	return s->found[MARKER_LAPIC] && s->found[MARKER_FLAT_TREE];
}

/* Searches @len new bytes behind the kept ones, then keeps as many as a marker could straddle. */
static void search_chunk(struct search *s, size_t len)
{
	size_t have = s->kept + len;

	for (unsigned i = 0; i < MARKERS; i++)
		if (!s->found[i] && memmem(s->buf, have, markers[i], strlen(markers[i])))
			s->found[i] = true;
	s->bytes += len;
	s->kept = have < MARKER_MAX ? have : MARKER_MAX;
	memmove(s->buf, s->buf + have - s->kept, s->kept);
}

/* The kernel reads a tree and can power off by it. Nothing else could change the answer. */
static bool decided(const struct search *s)
{
	return reads_tree(s) && s->found[MARKER_POWEROFF];
}

static int search_elf(const struct input_file *file, struct search *s, struct error *err)
{
	uint64_t end = file->size < UNPACKED_MAX ? file->size : UNPACKED_MAX;
	int r;

	while (s->bytes < end && !decided(s)) {
		size_t len = end - s->bytes < CHUNK ? (size_t)(end - s->bytes) : CHUNK;

		r = input_file_read(file, s->bytes, s->buf + s->kept, len, err);
		if (r < 0)
			return r;
		search_chunk(s, len);
	}
	return 0;
}

/* Finds the compressed kernel, without the length that the kernel's build appends to it. */
static int find_payload(const struct input_file *file, uint64_t *ret_off, uint64_t *ret_len,
			struct error *err)
{
	struct setup_header header;
	uint64_t setup_size;
	uint8_t magic[2];
	uint64_t len;
	int r;

	r = bzimage_x86_read_header(file, &header, &setup_size, err);
	if (r < 0)
		return r;
	len = header.payload_length;
	if (len < 8)
		return error_set(err, EINVAL,
				 "its header says that the payload has %u bytes, fewer than 8",
				 header.payload_length);
	r = input_file_read(file, setup_size + header.payload_offset, magic, sizeof(magic), err);
	if (r < 0)
		return r;
	/* Four bytes behind every format but gzip, which has them itself (scripts/Makefile.lib). */
	if (magic[0] != 0x1f || magic[1] != 0x8b)
		len -= 4;
	*ret_off = setup_size + header.payload_offset;
	*ret_len = len;
	return 0;
}

static int search_bzimage(const struct input_file *file, struct search *s, struct error *err)
{
	struct decompressor *d;
	uint64_t off = 0, len = 0;
	ssize_t n;
	int r;

	r = find_payload(file, &off, &len, err);
	if (r < 0)
		return r;
	r = decompressor_new(file->fd, off, len, &d, err);
	if (r < 0)
		return r;
	do {
		n = decompressor_read(d, s->buf + s->kept, CHUNK, err);
		if (n > 0)
			search_chunk(s, (size_t)n);
	} while (n > 0 && !decided(s) && s->bytes < UNPACKED_MAX);
	decompressor_free(d);
	return n < 0 ? (int)n : 0;
}

static void decide(const struct search *s, struct kernel_probe *probe)
{
	const char *why;

	probe->platform = BOOT_PLATFORM_ACPI;
	if (!s->found[MARKER_LAPIC]) {
		why = "has no device tree support (CONFIG_OF)";
	} else if (!reads_tree(s)) {
		why = "takes no device tree from a loader (CONFIG_OF_EARLY_FLATTREE)";
	} else if (!s->found[MARKER_POWEROFF] && s->found[MARKER_ACPI]) {
		/* It would boot, but poweroff would leave the VM hanging. */
		why = "cannot power off by a device tree (CONFIG_POWER_RESET_SYSCON_POWEROFF)";
	} else {
		why = "has device tree support";
		probe->platform = BOOT_PLATFORM_DT;
	}
	snprintf(probe->reason, sizeof(probe->reason), "the kernel %s", why);
}

int kernel_search(const struct input_file *file, struct kernel_probe *probe, struct error *err)
{
	enum kernel_format format;
	struct search *s;
	int r;

	r = kernel_file_identify(file, &format, err);
	if (r < 0)
		return r;
	s = malloc(sizeof(*s));
	if (!s)
		return error_set(err, ENOMEM, "out of memory");
	memset(s->found, 0, sizeof(s->found));
	s->bytes = 0;
	s->kept = 0;
	r = format == KERNEL_ELF ? search_elf(file, s, err) : search_bzimage(file, s, err);
	/* What was found before the data turned out damaged still counts. */
	if (r == 0 || decided(s)) {
		decide(s, probe);
		r = 0;
	}
	probe->searched = s->bytes;
	free(s);
	return r;
}

static int search(const struct input_file *file, struct kernel_searcher *searcher,
		  struct kernel_probe *probe, struct error *err)
{
	const uint64_t start_ns = clock_now_ns(CLOCK_MONOTONIC);
	int r;

	log_info("looking inside %s for device tree support, once for this kernel", file->path);
	r = searcher ? searcher->search(searcher, file, probe, err)
		     : kernel_search(file, probe, err);
	log_info("searched %" PRIu64 " MiB of it in %.1f s", probe->searched >> 20,
		 (double)(clock_now_ns(CLOCK_MONOTONIC) - start_ns) / NS_PER_S);
	return r;
}

static int probe_file(const struct input_file *file, struct kernel_searcher *searcher,
		      struct kernel_probe *probe, struct error *err)
{
	enum kernel_format format;
	struct platform_cache cache;
	struct error why = { 0 };
	int r;

	r = kernel_file_identify(file, &format, err);
	if (r < 0)
		return r;
	platform_cache_init(&cache, file);
	if (platform_cache_get(&cache, &probe->platform)) {
		probe->cached = true;
		snprintf(probe->reason, sizeof(probe->reason),
			 "known from an earlier start (%.200s)", cache.path);
		return 0;
	}
	r = search(file, searcher, probe, &why);
	if (r < 0) {
		/* The cache does not keep this, because another start may have the library, or the
		 * memory. */
		probe->platform = BOOT_PLATFORM_ACPI;
		snprintf(probe->reason, sizeof(probe->reason),
			 "cannot look inside the kernel: %.200s", why.text);
		return 0;
	}
	platform_cache_put(&cache, probe->platform);
	return 0;
}

int kernel_probe(const struct input_file *file, struct kernel_searcher *searcher,
		 struct kernel_probe *ret_probe, struct error *err)
{
	struct kernel_probe probe = { .cached = false };
	int r = probe_file(file, searcher, &probe, err);

	if (r == 0)
		*ret_probe = probe;
	return r;
}
