/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_output.h"

#include "dataplane/tcp/reasm.h"
#include "dataplane/tcp/timers.h"

struct rte_mbuf *tcp_emit_alloc(struct tcp_stack *st)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(st->env.tx_pool);

	if (!m) {
		TCP_DISCARD(st, no_mbuf);
		return NULL;
	}
	m->data_off = TCP_HEADROOM;
	return m;
}

static void put_header(struct tcp_stack *st, struct rte_mbuf *m, const struct tcp_segment *s)
{
	unsigned hl = tcp_header_len(&s->opt);

	m->data_off = (uint16_t)(m->data_off - hl);
	m->data_len = (uint16_t)(m->data_len + hl);
	m->pkt_len += hl;
	m->l4_len = hl;
	tcp_header_write(rte_pktmbuf_mtod(m, uint8_t *), s, hl);
	TCP_COUNT(st, segments_out);
}

static void put_sack(struct tcp_stack *st, struct tcp_conn *c, struct tcp_options *o, uint32_t space_left)
{
	unsigned max = TCP_SACK_BLOCKS_MAX;

	if (space_left < 12)
		return;
	if ((space_left - 4) / 8 < max)
		max = (space_left - 4) / 8;
	o->n_sack = (uint8_t)tcp_rx_sack_blocks(st, c, o->sack, max);
}

/* everything in a segment that the connection's state decides */
static void describe(struct tcp_stack *st, struct tcp_conn *c, struct tcp_segment *s, uint32_t seq,
		     uint8_t flags)
{
	s->sport = c->local_port;
	s->dport = c->remote_port;
	s->seq = seq;
	s->flags = flags | ((c->flags & TCP_F_ECE) ? TCP_ECE : 0);
	s->ack = (flags & TCP_ACK) ? c->rcv_nxt : 0;
	s->window = tcp_rx_window(st, c);
	s->opt.has_mss = s->opt.has_scale = s->opt.has_sack_ok = false;
	s->opt.n_sack = 0;
	s->opt.has_ts = c->flags & TCP_F_TS;
	s->opt.ts_val = st->ts + st->secrets.timestamp_offset;
	s->opt.ts_ecr = c->ts_recent;
}

static void acknowledged(struct tcp_conn *c)
{
	c->flags &= ~TCP_F_ACK_NOW;
	c->last_ack_sent = c->rcv_nxt;
	c->unacked_segs = 0;
	c->due_ack = 0;
}

void tcp_emit(struct tcp_stack *st, struct tcp_conn *c, struct rte_mbuf *m, uint32_t seq, uint8_t flags,
	      uint32_t space_left, uint8_t tos)
{
	struct tcp_segment s;

	describe(st, c, &s, seq, flags);
	if (c->reasm != BASE_POOL_NONE && (c->flags & TCP_F_SACK))
		put_sack(st, c, &s.opt, space_left);
	put_header(st, m, &s);
	acknowledged(c);
	st->env.output(st->env.ctx, m, &c->local, &c->remote, tos, st->now);
}

void tcp_emit_ack(struct tcp_stack *st, struct tcp_conn *c)
{
	struct rte_mbuf *m = tcp_emit_alloc(st);

	if (!m) {
		/* the delayed-ACK timer tries again */
		c->due_ack = tcp_due(st, 8);
		tcp_timer_update(st, c);
		return;
	}
	TCP_COUNT(st, acks_out);
	tcp_emit(st, c, m, c->snd_nxt, TCP_ACK, TCP_OPTIONS_MAX, 0);
}

void tcp_emit_dsack(struct tcp_stack *st, struct tcp_conn *c, uint32_t start, uint32_t end)
{
	struct tcp_segment s;
	struct tcp_block more[TCP_SACK_BLOCKS_MAX];
	unsigned n = 0;
	struct rte_mbuf *m;

	if (!(c->flags & TCP_F_SACK)) {
		tcp_emit_ack(st, c);
		return;
	}
	m = tcp_emit_alloc(st);
	if (!m)
		return;
	describe(st, c, &s, c->snd_nxt, TCP_ACK);
	if (c->reasm != BASE_POOL_NONE)
		n = tcp_rx_sack_blocks(st, c, more, TCP_SACK_BLOCKS_MAX - 1);
	s.opt.sack[0] = (struct tcp_block){start, end};
	memcpy(&s.opt.sack[1], more, n * sizeof(more[0]));
	s.opt.n_sack = (uint8_t)(n + 1);
	put_header(st, m, &s);
	acknowledged(c);
	TCP_COUNT(st, acks_out);
	TCP_COUNT(st, dsack_out);
	st->env.output(st->env.ctx, m, &c->local, &c->remote, 0, st->now);
}

void tcp_emit_challenge(struct tcp_stack *st, struct tcp_conn *c)
{
	uint16_t now = (uint16_t)(st->tick >> 8); /* 67 ms */

	if ((uint16_t)(now - c->challenged) < 8) {
		TCP_COUNT(st, challenge_limited);
		return;
	}
	c->challenged = now;
	TCP_COUNT(st, challenge_acks);
	if (c->state == TCP_SYN_RECEIVED)
		tcp_emit_syn(st, c);
	else
		tcp_emit_ack(st, c);
}

uint16_t tcp_emit_mss(struct tcp_stack *st, const struct base_addr *local, const struct base_addr *remote)
{
	uint16_t mtu = st->env.path_mtu ? st->env.path_mtu(st->env.ctx, local, remote, st->now) : 0;
	uint16_t headers = base_addr_is_v4(remote) ? 40 : 60;

	if (mtu == 0)
		mtu = 1500;
	return mtu < TCP_MSS_MIN + headers ? TCP_MSS_MIN : (uint16_t)(mtu - headers);
}

void tcp_emit_syn(struct tcp_stack *st, struct tcp_conn *c)
{
	struct rte_mbuf *m = tcp_emit_alloc(st);
	bool answer = c->state == TCP_SYN_RECEIVED;
	struct tcp_segment s;

	if (!m)
		return;
	describe(st, c, &s, c->snd_una, TCP_SYN | (answer ? TCP_ACK : 0));
	s.flags &= (uint8_t)~TCP_ECE;
	if (c->flags & TCP_F_ECN)
		s.flags |= answer ? TCP_ECE : TCP_ECE | TCP_CWR;
	s.opt.has_mss = true;
	s.opt.mss = tcp_emit_mss(st, &c->local, &c->remote);
	s.opt.has_sack_ok = c->flags & TCP_F_SACK;
	s.opt.has_scale = c->flags & TCP_F_WS;
	s.opt.scale = (uint8_t)tcp_rcv_scale(c);
	/* the window of a SYN is never scaled (RFC 7323 2.2) */
	s.window = (uint16_t)(c->rcv_adv - c->rcv_nxt > 65535 || !answer ? 65535 : c->rcv_adv - c->rcv_nxt);
	put_header(st, m, &s);
	if (answer)
		acknowledged(c);
	st->env.output(st->env.ctx, m, &c->local, &c->remote, 0, st->now);
}

void tcp_emit_fin(struct tcp_stack *st, struct tcp_conn *c)
{
	struct rte_mbuf *m = tcp_emit_alloc(st);

	if (m)
		tcp_emit(st, c, m, c->snd_nxt - 1, TCP_FIN | TCP_ACK, TCP_OPTIONS_MAX, 0);
}

void tcp_emit_probe(struct tcp_stack *st, struct tcp_conn *c)
{
	struct rte_mbuf *m = tcp_emit_alloc(st);

	if (m)
		tcp_emit(st, c, m, c->snd_una - 1, TCP_ACK, TCP_OPTIONS_MAX, 0);
}

void tcp_output_reset(struct tcp_stack *st, struct tcp_conn *c)
{
	struct rte_mbuf *m = tcp_emit_alloc(st);

	if (!m)
		return;
	TCP_COUNT(st, resets_out);
	tcp_emit(st, c, m, c->snd_nxt, TCP_RST | TCP_ACK, 0, 0);
}

void tcp_emit_raw(struct tcp_stack *st, const struct base_addr *local, const struct base_addr *remote,
		  const struct tcp_segment *s)
{
	struct rte_mbuf *m = tcp_emit_alloc(st);

	if (!m)
		return;
	put_header(st, m, s);
	st->env.output(st->env.ctx, m, local, remote, 0, st->now);
}

static bool take_token(struct tcp_bucket *b, uint32_t per_s, uint64_t now)
{
	uint64_t most = (uint64_t)per_s * 1000; /* a second's worth, in thousandths */
	uint64_t grown = b->tokens_milli + (now - b->last_ns) / 1000 * per_s / 1000;

	if (now - b->last_ns > 1000000000u)
		grown = most;
	/* time too short to have earned anything must not be forgotten */
	if (grown != b->tokens_milli) {
		b->last_ns = now;
		b->tokens_milli = (uint32_t)(grown > most ? most : grown);
	}
	if (b->tokens_milli < 1000)
		return false;
	b->tokens_milli -= 1000;
	return true;
}

void tcp_emit_reset_for(struct tcp_stack *st, const struct net_packet *p, const struct tcp_segment *s)
{
	struct tcp_segment r = {.sport = s->dport, .dport = s->sport};

	if (!take_token(&st->rst_bucket, st->config.rst_per_s, st->now)) {
		TCP_DISCARD(st, rst_limited);
		return;
	}
	if (s->flags & TCP_ACK) {
		r.seq = s->ack;
		r.flags = TCP_RST;
	} else {
		r.ack = s->seq + s->len + ((s->flags & TCP_SYN) ? 1 : 0) + ((s->flags & TCP_FIN) ? 1 : 0);
		r.flags = TCP_RST | TCP_ACK;
	}
	TCP_COUNT(st, resets_out);
	tcp_emit_raw(st, &p->dst, &p->src, &r);
}
