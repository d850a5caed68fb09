/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/exchange/ring.h"

#include <errno.h>
#include <string.h>

static struct ring_slot *slot_at(const struct ring_head *head, uint32_t slots, uint32_t slot_bytes,
				 uint64_t n)
{
	return (struct ring_slot *)((uintptr_t)(head + 1) + (n & (slots - 1)) * slot_bytes);
}

/* how far the consumer has come, believed only when it is possible */
static uint64_t tail_of(const struct ring_producer *p, uint64_t head)
{
	uint64_t tail;

	if (!p->tail || __atomic_load_n(&p->tail->session, __ATOMIC_ACQUIRE) != p->session)
		return p->tail_seen;
	/* acquire: it has read what it freed */
	tail = __atomic_load_n(&p->tail->tail, __ATOMIC_ACQUIRE);
	return tail <= head && tail >= p->tail_seen ? tail : p->tail_seen;
}

enum ring_result ring_produce(struct ring_producer *p, uint32_t kind, const void *data, uint32_t len)
{
	/* nobody else writes it */
	uint64_t head = __atomic_load_n(&p->head->head, __ATOMIC_RELAXED);
	struct ring_slot *slot;

	if (len > p->slot_bytes - sizeof(*slot)) {
		__atomic_store_n(&p->head->drops, p->head->drops + 1, __ATOMIC_RELAXED);
		return RING_TOO_LARGE;
	}
	if (head - p->tail_seen >= p->slots) {
		p->tail_seen = tail_of(p, head);
		if (head - p->tail_seen >= p->slots) {
			__atomic_store_n(&p->head->drops, p->head->drops + 1, __ATOMIC_RELAXED);
			return RING_FULL;
		}
	}
	slot = slot_at(p->head, p->slots, p->slot_bytes, head);
	slot->len = len;
	slot->kind = kind;
	memcpy(slot->data, data, len);
	/* release: the message is complete */
	__atomic_store_n(&p->head->head, head + 1, __ATOMIC_RELEASE);
	return RING_OK;
}

uint64_t ring_waiting(const struct ring_consumer *c)
{
	uint64_t n = __atomic_load_n(&c->head->head, __ATOMIC_ACQUIRE) - c->at;

	return n > c->slots ? 0 : n;
}

int ring_consume(struct ring_consumer *c, uint32_t *kind, void *buf, uint32_t cap)
{
	uint64_t head = __atomic_load_n(&c->head->head, __ATOMIC_ACQUIRE);
	const struct ring_slot *slot;
	uint32_t len;

	if (head == c->at)
		return 0;
	if (head - c->at > c->slots) {
		c->damaged++;
		c->at = head;
		__atomic_store_n(&c->tail->tail, c->at, __ATOMIC_RELEASE);
		return 0;
	}
	slot = slot_at(c->head, c->slots, c->slot_bytes, c->at);
	/* once: the page is the other side's */
	len = __atomic_load_n(&slot->len, __ATOMIC_RELAXED);
	*kind = __atomic_load_n(&slot->kind, __ATOMIC_RELAXED);
	c->at++;
	if (len > c->slot_bytes - sizeof(*slot) || len > cap) {
		c->damaged += len > c->slot_bytes - sizeof(*slot);
		__atomic_store_n(&c->tail->tail, c->at, __ATOMIC_RELEASE);
		return -EMSGSIZE;
	}
	memcpy(buf, slot->data, len);
	/* release: it is read, the slot may be written again */
	__atomic_store_n(&c->tail->tail, c->at, __ATOMIC_RELEASE);
	return (int)len;
}
