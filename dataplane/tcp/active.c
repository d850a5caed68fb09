/* SPDX-License-Identifier: BSD-3-Clause */
/* The active block: what a connection needs only while data is queued or in flight. */
#include "dataplane/tcp/conn.h"

#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/tcp_output.h"

struct tcp_active *tcp_active_get(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_active *a = tcp_active_of(st, c);
	uint32_t i;

	if (a)
		return a;
	i = base_pool_get(&st->actives);
	if (i == BASE_POOL_NONE)
		return NULL;
	a = base_pool_at(&st->actives, i);
	memset(a, 0, offsetof(struct tcp_active, small_ring));
	a->ring = a->small_ring;
	a->mask = TCP_RING_SMALL - 1;
	a->big = BASE_POOL_NONE;
	a->rack_reo_mult = 1;
	a->rack_end = a->rack_fack = a->recover = c->snd_una;
	c->active = i;
	tcp_cc_start(st, c, a);
	st->stats->active++;
	return a;
}

void tcp_active_put(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_active *a = tcp_active_of(st, c);

	if (!a)
		return;
	tcp_cc_keep(c, a);
	for (uint32_t i = a->head; i != a->tail; i++)
		tcp_sent_free(st, c, tcp_sent_at(a, i));
	if (a->big != BASE_POOL_NONE)
		base_pool_put(&st->rings, a->big);
	base_pool_put(&st->actives, c->active);
	c->active = BASE_POOL_NONE;
	st->stats->active--;
}

bool tcp_active_grow(struct tcp_stack *st, struct tcp_active *a)
{
	struct tcp_sent *ring;
	uint32_t i;

	if (a->big != BASE_POOL_NONE)
		return false;
	i = base_pool_get(&st->rings);
	if (i == BASE_POOL_NONE)
		return false;
	ring = base_pool_at(&st->rings, i);
	for (uint32_t k = a->head; k != a->tail; k++)
		ring[k & (TCP_RING_BIG - 1)] = *tcp_sent_at(a, k);
	a->ring = ring;
	a->mask = TCP_RING_BIG - 1;
	a->big = i;
	return true;
}

bool tcp_active_room(struct tcp_stack *st, struct tcp_active *a)
{
	return a->tail - a->head <= a->mask || tcp_active_grow(st, a);
}
