/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/mail_ring.h"

#include <stddef.h>
#include <string.h>

void mail_ring_init(struct mail_ring *r, uint8_t *bytes, uint32_t size)
{
	memset(r, 0, sizeof(*r));
	r->bytes = bytes;
	r->size = size;
}

static uint32_t whole(uint32_t len)
{
	return (uint32_t)sizeof(struct mail_head) + ((len + 7u) & ~7u);
}

static struct mail_head *head_at(const struct mail_ring *r, uint32_t at)
{
	return (struct mail_head *)(void *)(r->bytes + (at & (r->size - 1)));
}

static bool fits(struct mail_ring *r, uint32_t head, uint32_t need)
{
	if (r->size - (head - r->tail_seen) >= need)
		return true;
	/* acquire: what was read there was read before the tail moved on */
	r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
	return r->size - (head - r->tail_seen) >= need;
}

/* the bytes up to the end of the ring, where a message would not lie in one piece */
static uint32_t skip(const struct mail_ring *r, uint32_t head, uint32_t need)
{
	uint32_t left = r->size - (head & (r->size - 1));

	return need > left ? left : 0;
}

uint8_t *mail_ring_room(struct mail_ring *r, uint32_t len)
{
	/* relaxed: our own */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed), need, gap;

	if (len > r->size / 2)
		return NULL;
	need = whole(len);
	gap = skip(r, head, need);
	if (!fits(r, head, gap + need))
		return NULL;
	return (uint8_t *)(head_at(r, head + gap) + 1);
}

void mail_ring_push(struct mail_ring *r, uint16_t kind, uint16_t from, uint32_t len)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed), need = whole(len);
	uint32_t gap = skip(r, head, need);

	if (gap)
		head_at(r, head)->len = MAIL_SKIP;
	*head_at(r, head + gap) = (struct mail_head){len, kind, from};
	/* release: the message is complete before it is seen */
	atomic_store_explicit(&r->head, head + gap + need, memory_order_release);
}

const uint8_t *mail_ring_peek(struct mail_ring *r, struct mail_head *out)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	struct mail_head *h;

	/* acquire: the message was complete before the head moved on */
	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return NULL;
	h = head_at(r, tail);
	if (h->len == MAIL_SKIP) {
		tail += r->size - (tail & (r->size - 1));
		/* release: as in pop */
		atomic_store_explicit(&r->tail, tail, memory_order_release);
		h = head_at(r, tail);
	}
	*out = *h;
	return (const uint8_t *)(h + 1);
}

void mail_ring_pop(struct mail_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	/* release: we have read it before it may be overwritten */
	atomic_store_explicit(&r->tail, tail + whole(head_at(r, tail)->len), memory_order_release);
}

bool mail_ring_empty(const struct mail_ring *r)
{
	return atomic_load_explicit(&r->tail, memory_order_relaxed) ==
	       atomic_load_explicit(&r->head, memory_order_acquire);
}
