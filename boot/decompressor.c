// SPDX-License-Identifier: Apache-2.0
/* A thin layer over libarchive's raw format: one compressed stream in, its contents out. */
#include "boot/decompressor.h"

#include "boot/archive_api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_BYTES 0x10000

struct decompressor {
	struct archive_api api;
	struct archive *archive; /* owned */
	int fd;			 /* borrowed */
	uint64_t off, left;	 /* of the compressed data */
	uint8_t input[INPUT_BYTES];
};

/* libarchive's callback. After a failed read the data ends early, which libarchive reports. */
static la_ssize_t read_input(struct archive *archive, void *data, const void **buffer)
{
	struct decompressor *d = data;
	size_t len = d->left < sizeof(d->input) ? (size_t)d->left : sizeof(d->input);
	ssize_t n = pread(d->fd, d->input, len, (off_t)d->off);

	if (n < 0)
		n = 0;
	d->off += (uint64_t)n;
	d->left -= (uint64_t)n;
	*buffer = d->input;
	return n;
}

static int damaged(struct decompressor *d, struct error *err)
{
	const char *why = d->api.error_string(d->archive);

	return error_set(err, EINVAL, "cannot decompress it (%s)",
			 why ? why : "libarchive gives no reason");
}

/* Not read_support_filter_all, because it may run programs. */
static int open_archive(struct decompressor *d, struct error *err)
{
	const struct archive_api *api = &d->api;
	struct archive_entry *entry;
	struct archive *a = d->archive;

	api->read_support_filter_bzip2(a);
	api->read_support_filter_gzip(a);
	api->read_support_filter_lz4(a);
	api->read_support_filter_lzma(a);
	api->read_support_filter_xz(a);
	api->read_support_filter_zstd(a);
	api->read_support_format_raw(a);
	if (api->read_open(a, d, NULL, read_input, NULL) != ARCHIVE_OK ||
	    api->read_next_header(a, &entry) != ARCHIVE_OK)
		return damaged(d, err);
	/* If no filter matches, libarchive would return the bytes unchanged. */
	if (api->filter_code(a, 0) == ARCHIVE_FILTER_NONE)
		return error_set(err, EINVAL,
				 "it is compressed in a format that mvmm does not know");
	return 0;
}

int decompressor_new(int fd, uint64_t off, uint64_t len, struct decompressor **ret_d,
		     struct error *err)
{
	struct decompressor *d = malloc(sizeof(*d));
	int r;

	if (!d)
		return error_set(err, ENOMEM, "out of memory");
	d->archive = NULL;
	d->fd = fd;
	d->off = off;
	d->left = len;
	r = archive_api_open(&d->api, err);
	if (r < 0) {
		free(d);
		return r;
	}
	d->archive = d->api.read_new();
	r = d->archive ? open_archive(d, err) : error_set(err, ENOMEM, "out of memory");
	if (r < 0) {
		decompressor_free(d);
		return r;
	}
	*ret_d = d;
	return 0;
}

void decompressor_free(struct decompressor *d)
{
	if (!d)
		return;
	if (d->archive)
		d->api.read_free(d->archive);
	archive_api_close(&d->api);
	free(d);
}

ssize_t decompressor_read(struct decompressor *d, void *buf, size_t cap, struct error *err)
{
	la_ssize_t n = d->api.read_data(d->archive, buf, cap);

	return n < 0 ? damaged(d, err) : n;
}
