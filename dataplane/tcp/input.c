/* SPDX-License-Identifier: BSD-3-Clause */
/* Arriving segments, in the order of checks of RFC 9293 section 3.10.7. */
#include "dataplane/tcp/conn.h"

#include "dataplane/tcp/handshake.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/reasm.h"
#include "dataplane/tcp/recovery.h"
#include "dataplane/tcp/rto.h"
#include "dataplane/tcp/timers.h"

enum {
	/* RFC 7323 5.5 wants it before 24 days are over; our tick, which this is counted in, wraps after 13
	 */
	PAWS_IDLE_S = 10 * 24 * 3600,
};

/* a segment, where it came from, and which flow it is */
struct arrival {
	struct net_packet *p;
	struct tcp_segment s;
	uint32_t hash;
	uint32_t likely; /* the connection, by its hash alone */
};

static void drop(struct arrival *v)
{
	rte_pktmbuf_free(v->s.m);
}

/* ---- sequence number, timestamp ---- */

static bool acceptable(const struct tcp_conn *c, const struct tcp_segment *s)
{
	uint32_t space = s->len + ((s->flags & TCP_SYN) ? 1 : 0) + ((s->flags & TCP_FIN) ? 1 : 0);
	uint32_t wnd = seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0;

	if (space == 0)
		return wnd == 0 ? s->seq == c->rcv_nxt : s->seq - c->rcv_nxt < wnd;
	if (wnd == 0)
		/* the text cannot be taken, but RST, ACK and URG of a segment at the edge can (3.10.7.4) */
		return s->seq == c->rcv_nxt;
	return s->seq - c->rcv_nxt < wnd || s->seq + space - 1 - c->rcv_nxt < wnd ||
	       /* it begins before and ends behind */
	       (seq_lt(s->seq, c->rcv_nxt) && seq_gt(s->seq + space, c->rcv_nxt));
}

/* RFC 7323 5.3 R1; true: too old. Not for RST. */
static bool paws_rejects(const struct tcp_stack *st, const struct tcp_conn *c, const struct tcp_segment *s)
{
	if (!seq_lt(s->opt.ts_val, c->ts_recent))
		return false;
	return st->tick - c->last_rx_tick <
	       (uint32_t)(((uint64_t)PAWS_IDLE_S * 1000000000u) >> TCP_TICK_SHIFT);
}

/* An answer to what should not have come. Segments without text get one per half second only: two confused
 * ends could else talk for ever. */
static void answer_unacceptable(struct tcp_stack *st, struct tcp_conn *c, const struct tcp_segment *s)
{
	if (s->len && seq_le(s->seq + s->len, c->rcv_nxt))
		tcp_emit_dsack(st, c, s->seq, s->seq + s->len);
	else if (s->len || (s->flags & TCP_FIN))
		tcp_emit_ack(st, c);
	else
		tcp_emit_challenge(st, c);
}

/* ---- TIME-WAIT ---- */

/* True: the SYN begins a new connection and c is gone (RFC 6191, RFC 9293 3.10.7.4). */
static bool time_wait_reuse(struct tcp_stack *st, struct tcp_conn *c, const struct tcp_segment *s,
			    uint32_t *iss_floor)
{
	bool newer = (c->flags & TCP_F_TS) && s->opt.has_ts
			     ? seq_gt(s->opt.ts_val, c->ts_recent) ||
				       (s->opt.ts_val == c->ts_recent && seq_gt(s->seq, c->rcv_nxt))
			     : seq_gt(s->seq, c->rcv_nxt);

	if (!newer || !(c->flags & TCP_F_DETACHED))
		return false;
	TCP_COUNT(st, time_wait_reused);
	*iss_floor = c->snd_nxt + 65535;
	if (*iss_floor == 0)
		*iss_floor = 1;
	tcp_conn_end(st, c, TCP_END_CLOSED);
	return true;
}

static void time_wait_input(struct tcp_stack *st, struct tcp_conn *c, struct arrival *v)
{
	struct tcp_segment *s = &v->s;
	uint32_t iss_floor = 0;

	if ((s->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && time_wait_reuse(st, c, s, &iss_floor)) {
		tcp_listen_input(st, v->p, s, v->hash, iss_floor);
		drop(v);
		return;
	}
	TCP_DISCARD(st, time_wait);
	/* RFC 1337: a RST may be an old one and must not end the quiet time */
	if (s->flags & TCP_RST) {
		drop(v);
		return;
	}
	if ((s->flags & TCP_FIN) && s->seq + s->len + 1 == c->rcv_nxt) {
		tcp_emit_ack(st, c);
		c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.time_wait_ms));
		tcp_timer_update(st, c);
	} else {
		tcp_emit_challenge(st, c);
	}
	drop(v);
}

/* ---- the ACK field ---- */

/* RFC 5961 section 5 */
static bool ack_acceptable(const struct tcp_conn *c, const struct tcp_segment *s)
{
	uint32_t window = (uint32_t)c->max_wnd << tcp_snd_scale(c);

	/* a probe's byte is beyond snd_nxt as long as nobody has said that it was taken */
	return seq_ge(s->ack, c->snd_una - window) &&
	       seq_le(s->ack, c->snd_nxt + ((c->flags & TCP_F_PROBING) ? 1 : 0));
}

/* SYN-RECEIVED: false when it is not acknowledged */
static bool syn_acked(struct tcp_stack *st, struct tcp_conn *c, struct arrival *v)
{
	struct tcp_segment *s = &v->s;

	if (seq_le(s->ack, c->snd_una) || seq_gt(s->ack, c->snd_nxt)) {
		TCP_DISCARD(st, half_open_ack);
		tcp_emit_reset_for(st, v->p, s);
		return false;
	}
	tcp_rtt_handshake(st, c, s);
	c->snd_una = s->ack;
	c->snd_wnd = (uint32_t)s->window << tcp_snd_scale(c);
	c->snd_wl1 = s->seq;
	c->snd_wl2 = s->ack;
	c->max_wnd = s->window;
	tcp_conn_establish(st, c);
	return true;
}

/* ---- RST, SYN ---- */

static void reset_input(struct tcp_stack *st, struct tcp_conn *c, const struct tcp_segment *s)
{
	/* RFC 5961 3.2: exact or challenged, half-open connections included */
	if (s->seq != c->rcv_nxt) {
		TCP_DISCARD(st, rst_challenged);
		tcp_emit_challenge(st, c);
		return;
	}
	TCP_COUNT(st, resets_in);
	tcp_conn_end(st, c,
		     c->state == TCP_SYN_RECEIVED && (c->flags & TCP_F_ACTIVE_OPEN) ? TCP_END_REFUSED
										    : TCP_END_RESET);
}

static void ecn_input(struct tcp_stack *st, struct tcp_conn *c, const struct arrival *v)
{
	if ((v->s.flags & TCP_CWR) && v->s.len)
		c->flags &= ~TCP_F_ECE;
	if (v->p->ecn == 3 && v->s.len) {
		TCP_COUNT(st, ecn_ce);
		c->flags |= TCP_F_ECE;
		/* RFC 3168 leaves it open, but news of congestion is not worth delaying */
		c->flags |= TCP_F_ACK_NOW;
		tcp_conn_ready(st, c);
	}
}

/* False: dropped, v is spent. */
static bool check_sequence(struct tcp_stack *st, struct tcp_conn *c, struct arrival *v)
{
	struct tcp_segment *s = &v->s;

	if ((c->flags & TCP_F_TS) && !(s->flags & TCP_RST)) {
		if (!s->opt.has_ts) {
			TCP_DISCARD(st, no_timestamp);
			drop(v);
			return false;
		}
		if (paws_rejects(st, c, s)) {
			TCP_DISCARD(st, paws);
			answer_unacceptable(st, c, s);
			drop(v);
			return false;
		}
	}
	if (acceptable(c, s))
		return true;
	TCP_DISCARD(st, out_of_window);
	if (!(s->flags & TCP_RST)) {
		if (c->state == TCP_SYN_RECEIVED && (s->flags & TCP_SYN) && s->seq + 1 == c->rcv_nxt) {
			/* The peer has not seen our answer. It must measure from the SYN that we answer now,
			 * or its first RTO is as long as all of its attempts (RFC 7323 4.3). */
			if (c->flags & TCP_F_TS)
				c->ts_recent = s->opt.ts_val;
			tcp_emit_syn(st, c);
		} else {
			answer_unacceptable(st, c, s);
		}
	}
	drop(v);
	return false;
}

static void segment_input(struct tcp_stack *st, struct tcp_conn *c, struct arrival *v)
{
	struct tcp_segment *s = &v->s;

	/* the other half of a simultaneous open (RFC 9293 figure 7): its SYN lies before the window, its ACK
	 * counts */
	if (unlikely(c->state == TCP_SYN_RECEIVED &&
		     (s->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK) &&
		     (c->flags & TCP_F_ACTIVE_OPEN) && s->seq + 1 == c->rcv_nxt)) {
		if (syn_acked(st, c, v))
			c->flags |= TCP_F_ACK_NOW;
		drop(v);
		return;
	}
	/* first: sequence number; PAWS goes before it (RFC 7323 5.3) */
	if (!check_sequence(st, c, v))
		return;
	/* second: RST */
	if (unlikely(s->flags & TCP_RST)) {
		reset_input(st, c, s);
		drop(v);
		return;
	}
	/* fourth: SYN (RFC 5961 4.2) */
	if (unlikely(s->flags & TCP_SYN)) {
		TCP_DISCARD(st, syn_challenged);
		tcp_emit_challenge(st, c);
		drop(v);
		return;
	}
	/* fifth: ACK */
	if (unlikely(!(s->flags & TCP_ACK))) {
		TCP_DISCARD(st, no_ack);
		drop(v);
		return;
	}
	if (c->state == TCP_SYN_RECEIVED) {
		if (!syn_acked(st, c, v)) {
			drop(v);
			return;
		}
	} else if (unlikely(!ack_acceptable(c, s))) {
		TCP_DISCARD(st, ack_challenged);
		tcp_emit_challenge(st, c);
		drop(v);
		return;
	}
	/* Only now is it known to be the peer's. Before its ACK was judged, a guess in the window would have
	 * been enough to put a timestamp here that makes everything of the peer's look old. */
	c->last_rx_tick = st->tick;
	if (unlikely(c->flags & TCP_F_KEEPALIVE)) {
		c->flags &= ~TCP_F_KEEPALIVE;
		c->probes = 0;
	}
	/* RFC 7323 4.3: the window's left edge lies in it */
	if ((c->flags & TCP_F_TS) && seq_le(s->seq, c->last_ack_sent) && seq_ge(s->opt.ts_val, c->ts_recent))
		c->ts_recent = s->opt.ts_val;
	if (!tcp_ack_input(st, c, s)) {
		drop(v);
		return;
	}
	if (c->flags & TCP_F_ECN)
		ecn_input(st, c, v);
	/* sixth: urgent data is data. Seventh and eighth: text and FIN */
	if (s->len == 0 && !(s->flags & TCP_FIN)) {
		drop(v);
		return;
	}
	if (c->state == TCP_ESTABLISHED || c->state == TCP_FIN_WAIT_1 || c->state == TCP_FIN_WAIT_2) {
		tcp_rx_input(st, c, s);
		return;
	}
	/* behind the peer's FIN there is nothing to say; a FIN that comes again was acknowledged as
	 * unacceptable */
	TCP_DISCARD(st, data_after_fin);
	drop(v);
}

/* ---- bursts ---- */

static bool sane_flags(uint8_t flags)
{
	if (!(flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)))
		return false;
	return !(flags & TCP_SYN) || !(flags & (TCP_FIN | TCP_RST));
}

/* A buffer that somebody else looks at as well must not be changed: it is replaced. */
static struct rte_mbuf *own(struct tcp_stack *st, struct rte_mbuf *m)
{
	struct rte_mbuf *copy;

	if (likely(rte_mbuf_refcnt_read(m) == 1 && RTE_MBUF_DIRECT(m)))
		return m;
	copy = rte_pktmbuf_copy(m, st->env.tx_pool, 0, UINT32_MAX);
	rte_pktmbuf_free(m);
	if (!copy)
		TCP_DISCARD(st, no_mbuf);
	return copy;
}

/* false: dropped */
static bool parse(struct tcp_stack *st, struct net_packet *p, struct arrival *v)
{
	enum tcp_header_result r;

	TCP_COUNT(st, segments_in);
	v->p = p;
	v->s.m = own(st, p->m);
	if (!v->s.m)
		return false;
	r = tcp_header_parse(&v->s, rte_pktmbuf_mtod(v->s.m, uint8_t *), v->s.m->data_len, v->s.m->pkt_len);
	if (unlikely(r != TCP_HEADER_OK)) {
		if (r == TCP_HEADER_MALFORMED)
			TCP_DISCARD(st, malformed);
		else
			TCP_DISCARD(st, bad_option);
		drop(v);
		return false;
	}
	if (unlikely(!sane_flags(v->s.flags))) {
		TCP_DISCARD(st, bad_flags);
		drop(v);
		return false;
	}
	v->s.ecn = p->ecn;
	v->hash = tcp_conn_hash(st, &p->src, &p->dst, v->s.sport, v->s.dport);
	tcp_table_prefetch(&st->table, v->hash);
	return true;
}

/* the likely connection's cache lines, on their way while the burst's other hashes are made */
static void warm(struct tcp_stack *st, struct arrival *v)
{
	struct tcp_table_walk w;
	uint32_t i = v->likely = tcp_table_first(&st->table, v->hash, &w);

	if (i == TABLE_NONE)
		return;
	__builtin_prefetch(tcp_conn_at(st, i), 1);
	__builtin_prefetch((uint8_t *)tcp_conn_at(st, i) + 64, 1);
	/* what an ACK frees is charged to the prefix, which stands there too */
	__builtin_prefetch((uint8_t *)tcp_conn_at(st, i) + 128, 1);
}

/* What the ACK will free is found by three steps, each by the one before: the block of what is in flight, its
 * oldest entry, the buffer. */
static void warm_sent(struct tcp_stack *st, const struct arrival *v, unsigned step)
{
	const struct tcp_active *a =
		v->likely == TABLE_NONE ? NULL : tcp_active_of(st, tcp_conn_at(st, v->likely));
	const struct tcp_sent *s;

	if (!a)
		return;
	if (step == 0) {
		__builtin_prefetch(a, 1);
		__builtin_prefetch((const uint8_t *)a + 64, 1);
		__builtin_prefetch((const uint8_t *)a + 128, 1);
		return;
	}
	if (a->head == a->next)
		return;
	s = tcp_sent_at(a, a->head);
	if (step == 1) {
		__builtin_prefetch(s, 1);
	} else if (s->m) {
		__builtin_prefetch(s->m, 1);
		__builtin_prefetch((const uint8_t *)s->m + 64, 1);
	}
}

static void demux(struct tcp_stack *st, struct arrival *v)
{
	struct tcp_segment *s = &v->s;
	struct tcp_conn *c = tcp_conn_find(st, v->hash, &v->p->src, &v->p->dst, s->sport, s->dport);

	rte_pktmbuf_adj(s->m, s->header_len);
	if (unlikely(!c)) {
		c = tcp_listen_input(st, v->p, s, v->hash, 0);
		if (c)
			segment_input(st, c, v);
		else
			drop(v);
		return;
	}
	switch (c->state) {
	case TCP_SYN_SENT:
		tcp_syn_sent_input(st, c, v->p, s);
		drop(v);
		break;
	case TCP_TIME_WAIT:
		time_wait_input(st, c, v);
		break;
	default:
		segment_input(st, c, v);
	}
}

void tcp_input(void *stack, struct net_packet *packets, unsigned n, uint64_t now_ns)
{
	struct tcp_stack *st = stack;
	struct arrival v[NET_BURST];

	tcp_stack_clock(st, now_ns);
	while (n) {
		unsigned take = n > NET_BURST ? NET_BURST : n, k = 0;

		/* Three passes, so that memory answers for the whole burst at a time: of a million
		 * connections none is in a cache. Asking and using closer together was measured, and is
		 * slower. */
		for (unsigned i = 0; i < take; i++)
			k += parse(st, &packets[i], &v[k]);
		for (unsigned i = 0; i < k; i++)
			warm(st, &v[i]);
		for (unsigned step = 0; k > 1 && step < 3; step++)
			for (unsigned i = 0; i < k; i++)
				warm_sent(st, &v[i], step);
		for (unsigned i = 0; i < k; i++)
			demux(st, &v[i]);
		packets += take;
		n -= take;
	}
	tcp_conn_run_ready(st);
}
