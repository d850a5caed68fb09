/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/pmtu.h"

#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/recovery.h"

enum { BLACKHOLE_AGE_SHIFT = 18, BLACKHOLE_MSS = 1200 };

static uint16_t headers(const struct tcp_conn *c)
{
	return (uint16_t)((base_addr_is_v4(&c->remote) ? 40 : 60) +
			  ((c->flags & TCP_F_TS) ? TCP_TIMESTAMP_LEN : 0));
}

/* what every path carries (RFC 791 with RFC 9293 3.7.1; RFC 8200) */
static uint16_t mss_floor(const struct tcp_conn *c)
{
	return (uint16_t)((base_addr_is_v4(&c->remote) ? TCP_MSS_MIN + 40 : 1280) - headers(c));
}

void tcp_pmtu_init(struct tcp_stack *st, struct tcp_conn *c, uint16_t peer_mss)
{
	uint16_t own = tcp_emit_mss(st, &c->local, &c->remote);

	if (peer_mss == 0)
		peer_mss = base_addr_is_v4(&c->remote) ? 536 : 1220;
	if (peer_mss < TCP_MSS_MIN)
		peer_mss = TCP_MSS_MIN;
	if (own < peer_mss)
		peer_mss = own;
	if (c->flags & TCP_F_TS)
		peer_mss = (uint16_t)(peer_mss - TCP_TIMESTAMP_LEN);
	c->mss = c->mss_max = peer_mss;
}

/* what was sent too large is sent again at once, smaller, and not as a sign of congestion */
static void shrink(struct tcp_stack *st, struct tcp_conn *c, uint16_t mss)
{
	struct tcp_active *a = tcp_active_of(st, c);

	if (a && a->cwnd < mss)
		a->cwnd = mss;
	c->mss = mss;
	if (!a)
		return;
	for (uint32_t i = a->head; i != a->next; i++) {
		struct tcp_sent *s = tcp_sent_at(a, i);

		if (s->len > mss && !(s->flags & TCP_SENT_SACKED))
			tcp_sent_mark_lost(a, s);
	}
	tcp_conn_ready(st, c);
}

void tcp_pmtu_blackhole(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	uint16_t floor = mss_floor(c), mss;

	if (tcp_sent_at(a, a->head)->len <= floor || c->mss <= floor)
		return;
	mss = c->mss > BLACKHOLE_MSS && floor < BLACKHOLE_MSS ? BLACKHOLE_MSS : floor;
	TCP_COUNT(st, blackholes);
	c->flags |= TCP_F_BLACKHOLE;
	c->blackhole_age = st->tick >> BLACKHOLE_AGE_SHIFT & 0xff;
	shrink(st, c, mss);
}

void tcp_pmtu_age(struct tcp_stack *st, struct tcp_conn *c)
{
	uint32_t age = ((st->tick >> BLACKHOLE_AGE_SHIFT) - c->blackhole_age) & 0xff;

	if (age <= tcp_ticks_ms(st->config.blackhole_raise_ms) >> BLACKHOLE_AGE_SHIFT)
		return;
	TCP_COUNT(st, pmtu_raised);
	c->flags &= ~TCP_F_BLACKHOLE;
	c->mss = c->mss_max;
}

bool tcp_icmp_error(void *stack, const struct net_icmp_error *e, uint64_t now_ns)
{
	struct tcp_stack *st = stack;
	const struct net_tuple *t = &e->tuple;
	uint32_t hash = tcp_conn_hash(st, &t->remote, &t->local, t->remote_port, t->local_port), mss;
	struct tcp_conn *c = tcp_conn_find(st, hash, &t->remote, &t->local, t->remote_port, t->local_port);

	tcp_stack_clock(st, now_ns);
	/* RFC 5927 4.1: only about what is in flight */
	if (!c || c->state == TCP_TIME_WAIT || seq_lt(e->seq, c->snd_una) || seq_ge(e->seq, c->snd_nxt))
		return false;
	switch (e->kind) {
	case NET_ERROR_TOO_BIG:
		mss = e->mtu > headers(c) ? e->mtu - headers(c) : 0;
		if (mss < mss_floor(c))
			mss = mss_floor(c);
		if (mss < c->mss) {
			TCP_COUNT(st, pmtu_reduced);
			c->mss_max = (uint16_t)mss;
			shrink(st, c, (uint16_t)mss);
		}
		break;
	case NET_ERROR_REFUSED:
	case NET_ERROR_UNREACHABLE:
		/* RFC 5461: hard only while connecting, where the upper layer has other targets to try */
		if (c->state == TCP_SYN_SENT)
			tcp_conn_end(st, c,
				     e->kind == NET_ERROR_REFUSED ? TCP_END_REFUSED : TCP_END_UNREACHABLE);
		break;
	}
	return true;
}
