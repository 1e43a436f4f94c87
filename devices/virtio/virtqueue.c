// SPDX-License-Identifier: Apache-2.0
/*
 * The split ring. All shared-memory ordering is in this file. Start reading at virtqueue_pop and
 * virtqueue_push.
 */
#include "devices/virtio/virtqueue.h"

#include "devices/virtio/virtqueue_fetch.h"
#include "vmm/base/endian.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void virtqueue_init(struct virtqueue *vq, const struct guest_memory *mem)
{
	*vq = (struct virtqueue){ .mem = mem };
}

/* Back to nothing but @setup. */
static void reset_to(struct virtqueue *vq, struct virtqueue_setup setup)
{
	if (vq->fetch)
		virtqueue_fetch_abandon(vq->fetch);
	*vq = (struct virtqueue){ .mem = vq->mem, .fetch = vq->fetch, .setup = setup };
}

void virtqueue_reset(struct virtqueue *vq)
{
	reset_to(vq, (struct virtqueue_setup){ 0 });
}

int virtqueue_enable(struct virtqueue *vq)
{
	const struct virtqueue_setup *s = &vq->setup;
	uint64_t size = s->size;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;

	if (!size || size > VIRTQUEUE_MAX_SIZE || (size & (size - 1)))
		return -EINVAL;
	if (s->desc % VRING_DESC_ALIGN_SIZE || s->driver % VRING_AVAIL_ALIGN_SIZE ||
	    s->device % VRING_USED_ALIGN_SIZE)
		return -EINVAL;
	desc = guest_memory_ram(vq->mem, gpa(s->desc), size * sizeof(*desc));
	avail = guest_memory_ram(vq->mem, gpa(s->driver),
				 sizeof(*avail) + size * sizeof(avail->ring[0]));
	used = guest_memory_ram(vq->mem, gpa(s->device),
				sizeof(*used) + size * sizeof(used->ring[0]));
	if (!desc || !avail || !used)
		return -EINVAL;
	virtqueue_disable(vq);
	vq->desc = desc;
	vq->avail = avail;
	vq->used = used;
	vq->ready = true;
	return 0;
}

void virtqueue_disable(struct virtqueue *vq)
{
	reset_to(vq, vq->setup);
}

/* The only accesses to the rings: atomic, in the ring's byte order, with the ordering named. */
static uint16_t load16(const __virtio16 *p, int order)
{
	return le16toh(__atomic_load_n((WIRE_CAST(const uint16_t) *)p, order));
}

static uint32_t load32(const __virtio32 *p)
{
	return le32toh(__atomic_load_n((WIRE_CAST(const uint32_t) *)p, __ATOMIC_RELAXED));
}

static uint64_t load64(const __virtio64 *p)
{
	return le64toh(__atomic_load_n((WIRE_CAST(const uint64_t) *)p, __ATOMIC_RELAXED));
}

static void store16(__virtio16 *p, uint16_t value, int order)
{
	__atomic_store_n((WIRE_CAST(uint16_t) *)p, htole16(value), order);
}

static void store32(__virtio32 *p, uint32_t value)
{
	__atomic_store_n((WIRE_CAST(uint32_t) *)p, htole32(value), __ATOMIC_RELAXED);
}

/* A private copy of a descriptor. */
struct descriptor {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/* The guest may change it between two reads, so each member is read once. */
static struct descriptor fetch(const struct vring_desc *d)
{
	return (struct descriptor){
		.addr = load64(&d->addr),
		.len = load32(&d->len),
		.flags = load16(&d->flags, __ATOMIC_RELAXED),
		.next = load16(&d->next, __ATOMIC_RELAXED),
	};
}

/* Adds one descriptor to the copy; returns NULL or what is wrong with it. */
static const char *add_buffer(const struct virtqueue *vq, struct virtqueue_chain *chain,
			      const struct descriptor *d)
{
	bool writable = d->flags & VRING_DESC_F_WRITE;
	uint32_t *total = writable ? &chain->writable_len : &chain->readable_len;
	bool in_file = false;

	if (d->flags & VRING_DESC_F_INDIRECT)
		return "indirect descriptor, which was not negotiated";
	if (!writable && chain->n_writable)
		return "readable descriptor behind a writable one";
	/* Section 2.7.5: a chain describes at most 2^32 bytes. */
	if (__builtin_add_overflow(*total, d->len, total))
		return "chain of more than 4 GiB";
	/* No byte to read or write: its address does not matter. */
	if (d->len && !guest_memory_valid(vq->mem, gpa(d->addr), d->len, writable, &in_file))
		return writable ? "buffer outside of writable guest memory"
				: "buffer outside of guest memory";
	chain->in_file |= in_file;
	chain->buffers[chain->n_readable + chain->n_writable] =
		(struct virtqueue_buffer){ gpa(d->addr), d->len };
	if (writable)
		chain->n_writable++;
	else
		chain->n_readable++;
	return NULL;
}

static const char *copy_chain(const struct virtqueue *vq, struct virtqueue_chain *chain)
{
	uint16_t i = chain->head;

	for (unsigned n = 0; n < vq->setup.size; n++) {
		struct descriptor d = fetch(&vq->desc[i]);
		const char *why = add_buffer(vq, chain, &d);

		if (why)
			return why;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return NULL;
		if (d.next >= vq->setup.size)
			return "next descriptor out of range";
		i = d.next;
	}
	return "descriptor chain longer than the queue";
}

static uint64_t *in_flight_word(struct virtqueue *vq, uint16_t head)
{
	return &vq->in_flight[head / 64];
}

/* virtqueue_pop, without the fetch of pages. */
static int pop(struct virtqueue *vq, struct virtqueue_chain *chain, const char **ret_why)
{
	/* Pairs with the driver's barrier between filling the ring and advancing avail->idx. */
	uint16_t avail_idx = load16(&vq->avail->idx, __ATOMIC_ACQUIRE);
	uint16_t pending = (uint16_t)(avail_idx - vq->last_avail);
	uint16_t head;
	const char *why;

	if (!pending)
		return 0;
	if (pending > vq->setup.size) {
		*ret_why = "avail index moved by more than the queue's size";
		return -EPROTO;
	}
	head = load16(&vq->avail->ring[vq->last_avail % vq->setup.size], __ATOMIC_RELAXED);
	if (head >= vq->setup.size) {
		*ret_why = "avail entry out of range";
		return -EPROTO;
	}
	if (*in_flight_word(vq, head) & 1ULL << head % 64) {
		*ret_why = "descriptor offered again while in flight";
		return -EPROTO;
	}
	chain->head = head;
	chain->n_readable = chain->n_writable = 0;
	chain->readable_len = chain->writable_len = 0;
	chain->in_file = false;
	why = copy_chain(vq, chain);
	if (why) {
		*ret_why = why;
		return -EPROTO;
	}
	vq->last_avail++;
	*in_flight_word(vq, head) |= 1ULL << head % 64;
	return 1;
}

int virtqueue_pop(struct virtqueue *vq, struct virtqueue_chain *chain, const char **ret_why)
{
	int ret;

	if (virtqueue_is_frozen(vq))
		return 0;
	if (vq->fetch && vq->fetch->state != VIRTQUEUE_FETCH_IDLE)
		return virtqueue_fetch_take(vq->fetch, chain);
	ret = pop(vq, chain, ret_why);
	if (ret == 1 && chain->in_file && vq->fetch &&
	    virtqueue_fetch_begin(vq->fetch, vq->mem, chain))
		return 0;
	return ret;
}

/* The part of @b behind the *@skip bytes that are still to be skipped. */
static struct virtqueue_buffer skip_bytes(struct virtqueue_buffer b, uint32_t *skip)
{
	uint32_t n = b.len < *skip ? b.len : *skip;

	*skip -= n;
	return (struct virtqueue_buffer){ gpa(b.addr.value + n), b.len - n };
}

int virtqueue_chain_read(const struct virtqueue *vq, const struct virtqueue_chain *chain,
			 uint32_t offset, void *buf, uint32_t len)
{
	uint8_t *out = buf;
	uint32_t done = 0;

	for (unsigned i = 0; i < chain->n_readable && done < len; i++) {
		struct virtqueue_buffer b = skip_bytes(chain->buffers[i], &offset);
		uint32_t n = b.len < len - done ? b.len : len - done;
		int ret = n ? guest_memory_read(vq->mem, b.addr, out + done, n) : 0;

		if (ret < 0)
			return ret;
		done += n;
	}
	return (int)done;
}

int virtqueue_chain_write(const struct virtqueue *vq, const struct virtqueue_chain *chain,
			  uint32_t offset, const void *buf, uint32_t len)
{
	const struct virtqueue_buffer *buffers = chain->buffers + chain->n_readable;
	const uint8_t *in = buf;
	uint32_t done = 0;

	for (unsigned i = 0; i < chain->n_writable && done < len; i++) {
		struct virtqueue_buffer b = skip_bytes(buffers[i], &offset);
		uint32_t n = b.len < len - done ? b.len : len - done;
		int ret = n ? guest_memory_write(vq->mem, b.addr, in + done, n) : 0;

		if (ret < 0)
			return ret;
		done += n;
	}
	return (int)done;
}

unsigned virtqueue_chain_iov(const struct virtqueue *vq, const struct virtqueue_chain *chain,
			     bool writable, uint32_t offset, struct iovec *iov)
{
	const struct virtqueue_buffer *buffers =
		chain->buffers + (writable ? chain->n_readable : 0);
	unsigned n = writable ? chain->n_writable : chain->n_readable, filled = 0;

	for (unsigned i = 0; i < n; i++) {
		struct virtqueue_buffer b = skip_bytes(buffers[i], &offset);
		void *host;

		if (!b.len)
			continue;
		host = guest_memory_host(vq->mem, b.addr, b.len, writable);
		/* The pop found it valid, and guest memory's regions do not change. */
		assert(host);
		iov[filled++] = (struct iovec){ host, b.len };
	}
	return filled;
}

void virtqueue_push(struct virtqueue *vq, uint16_t head, uint32_t written)
{
	struct vring_used_elem *elem = &vq->used->ring[vq->used_idx % vq->setup.size];

	store32(&elem->id, head);
	store32(&elem->len, written);
	vq->used_idx++;
	/* Pairs with the driver's barrier between reading used->idx and the entry (2.7.8.2). */
	store16(&vq->used->idx, vq->used_idx, __ATOMIC_RELEASE);
	*in_flight_word(vq, head) &= ~(1ULL << head % 64);
}

bool virtqueue_wants_interrupt(const struct virtqueue *vq)
{
	uint16_t flags;

	/*
	 * The driver clears the flag, then looks at used->idx; we advance used->idx, then look at
	 * the flag. With a full barrier on both sides at least one of us sees the other's store.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = load16(&vq->avail->flags, __ATOMIC_RELAXED);
	return !(flags & VRING_AVAIL_F_NO_INTERRUPT);
}
