/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_output.h"

#include "dataplane/tcp/rto.h"
#include "dataplane/tcp/timers.h"

void tcp_sent_free(struct tcp_stack *st, struct tcp_conn *c, struct tcp_sent *s)
{
	if (!s->m)
		return;
	tcp_account_refund(&st->account, c->prefix, tcp_truesize(s->m));
	rte_pktmbuf_free_seg(s->m);
	s->m = NULL;
}

void tcp_output_queue(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, struct rte_mbuf *m,
		      uint16_t off, uint32_t len)
{
	struct tcp_sent *last = a->tail == a->next ? NULL : tcp_sent_at(a, a->tail - 1);
	uint32_t seq = last ? tcp_sent_end(last) : c->snd_nxt;
	struct tcp_sent *s;

	/* What waits anyway may wait together: a small piece joins the one before it where that has room. */
	if (last && last->m && last->len + len <= c->mss && rte_mbuf_refcnt_read(last->m) == 1 &&
	    RTE_MBUF_DIRECT(last->m) && (uint32_t)last->off + last->len + len <= last->m->buf_len &&
	    len <= 512) {
		memcpy((uint8_t *)last->m->buf_addr + last->off + last->len, (uint8_t *)m->buf_addr + off,
		       len);
		last->len = (uint16_t)(last->len + len);
		a->queued += len;
		tcp_account_refund(&st->account, c->prefix, tcp_truesize(m));
		rte_pktmbuf_free_seg(m);
		return;
	}
	while (len) {
		uint32_t n = len > c->mss ? c->mss : len;

		s = tcp_sent_at(a, a->tail++);
		*s = (struct tcp_sent){.m = m, .seq = seq, .len = (uint16_t)n, .off = off};
		seq += n;
		off = (uint16_t)(off + n);
		len -= n;
		a->queued += n;
		if (len) {
			/* another entry, another reference, another charge: the buffer stays as long as any
			 */
			rte_mbuf_refcnt_update(m, 1);
			st->account.bytes += tcp_truesize(m);
			st->account.prefixes[c->prefix].bytes += tcp_truesize(m);
		}
	}
}

/* Cuts entry `i`, which is not yet sent, after `n` bytes. False: the ring is full. */
static bool split(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, uint32_t i, uint32_t n)
{
	struct tcp_sent *s, *rest;

	if (!tcp_active_room(st, a))
		return false;
	for (uint32_t k = a->tail; k != i; k--)
		*tcp_sent_at(a, k) = *tcp_sent_at(a, k - 1);
	a->tail++;
	s = tcp_sent_at(a, i);
	rest = tcp_sent_at(a, i + 1);
	s->len = (uint16_t)n;
	rest->seq += n;
	rest->off = (uint16_t)(rest->off + n);
	rest->len = (uint16_t)(rest->len - n);
	rte_mbuf_refcnt_update(s->m, 1);
	st->account.bytes += tcp_truesize(s->m);
	st->account.prefixes[c->prefix].bytes += tcp_truesize(s->m);
	return true;
}

/* The mbuf to send for bytes [skip, skip + n) of an entry: its own when nobody else has it, else a copy. */
static struct rte_mbuf *payload(struct tcp_stack *st, const struct tcp_sent *s, uint32_t skip, uint32_t n)
{
	struct rte_mbuf *m = s->m;

	/* refcnt 1: the last transmission has left the NIC and no other entry shares the buffer, so what lies
	 * before the payload may be overwritten with headers */
	if (m && skip == 0 && n == s->len && rte_mbuf_refcnt_read(m) == 1 && RTE_MBUF_DIRECT(m) &&
	    s->off >= TCP_TX_ROOM) {
		m->data_off = s->off;
		m->data_len = s->len;
		m->pkt_len = s->len;
		m->next = NULL;
		m->nb_segs = 1;
		m->ol_flags = 0;
		m->tx_offload = 0;
		rte_mbuf_refcnt_update(m, 1);
		return m;
	}
	m = tcp_emit_alloc(st);
	if (m && s->m) {
		memcpy(rte_pktmbuf_mtod(m, uint8_t *), (uint8_t *)s->m->buf_addr + s->off + skip, n);
		m->data_len = (uint16_t)n;
		m->pkt_len = n;
		TCP_COUNT(st, rexmit_copied);
	}
	return m;
}

static bool transmit(struct tcp_stack *st, struct tcp_conn *c, struct tcp_sent *s, bool first)
{
	uint32_t skip = 0;
	uint8_t tos = first && (c->flags & TCP_F_ECN) ? TCP_TOS_ECT0 : 0;

	/* more than one round only when the MSS shrank after it was queued */
	do {
		uint32_t n = s->len - skip > c->mss ? c->mss : s->len - skip;
		struct rte_mbuf *m = payload(st, s, skip, n);
		uint8_t flags = TCP_ACK;

		if (!m)
			return false;
		if (skip + n == s->len) {
			flags |= (s->flags & TCP_SENT_PUSH) ? TCP_PSH : 0;
			flags |= (s->flags & TCP_SENT_FIN) ? TCP_FIN : 0;
		}
		if (first && (c->flags & TCP_F_CWR)) {
			flags |= TCP_CWR;
			c->flags &= ~TCP_F_CWR;
		}
		tcp_emit(st, c, m, s->seq + skip, flags, c->mss - n, tos);
		skip += n;
	} while (skip < s->len);
	s->xmit_us = st->us;
	if (s->xmits < 255)
		s->xmits++;
	return true;
}

bool tcp_output_again(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, uint32_t i)
{
	struct tcp_sent *s = tcp_sent_at(a, i);
	uint32_t space = tcp_sent_space(s);

	if (!transmit(st, c, s, false))
		return false;
	TCP_COUNT(st, rexmit);
	if (!(s->flags & TCP_SENT_REXMIT))
		a->rexmit += space;
	s->flags |= TCP_SENT_REXMIT | TCP_SENT_EVER;
	a->prr_out += space;
	a->undo_rexmits++;
	if (a->rexmit_ts == 0 || seq_gt(tcp_sent_end(s), a->rexmit_high))
		a->rexmit_high = tcp_sent_end(s);
	if (a->rexmit_ts == 0)
		a->rexmit_ts = st->ts + st->secrets.timestamp_offset;
	return true;
}

static void fin_sent(struct tcp_conn *c)
{
	c->flags |= TCP_F_FIN_SENT;
	c->snd_nxt++;
	c->state = c->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT_1;
}

static bool may_fin(const struct tcp_conn *c)
{
	return (c->flags & (TCP_F_FIN_QUEUED | TCP_F_FIN_SENT)) == TCP_F_FIN_QUEUED &&
	       (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT);
}

/* What has joined the train leaves, together or alone. It counts as sent already: what finds no buffer now is
 * lost like a frame on the wire, and repaired like one. */
static void depart(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, struct tcp_train *t)
{
	if (t->n < 2 || !tcp_train_leave(st, c, a, t))
		for (uint32_t i = 0; i < t->n; i++)
			transmit(st, c, tcp_sent_at(a, t->first + i), true);
	t->n = 0;
}

/* the entry at `next`, whole; `t` is NULL when it must leave at once */
static bool send_next(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, struct tcp_train *t)
{
	struct tcp_sent *s = tcp_sent_at(a, a->next);
	bool last = a->next + 1 == a->tail, fin = last && may_fin(c);

	if (last)
		s->flags |= TCP_SENT_PUSH;
	if (fin)
		s->flags |= TCP_SENT_FIN;
	if (t && t->n && !tcp_train_joins(c, t, s))
		depart(st, c, a, t);
	if (t && tcp_train_joins(c, t, s)) {
		tcp_train_join(c, t, s, a->next);
	} else if (!transmit(st, c, s, true)) {
		s->flags &= (uint8_t)~TCP_SENT_FIN;
		return false;
	}
	a->next++;
	c->snd_nxt += s->len;
	TCP_ADD(st, bytes_out, s->len);
	if (fin)
		fin_sent(c);
	if (a->ca_state == TCP_CA_RECOVERY)
		a->prr_out += tcp_sent_space(s);
	return true;
}

/* Makes the entry at `next` fit the MSS and the peer's window, cutting it if that is worth a segment
 * (sender's side of silly window avoidance, RFC 9293 3.8.6.2.1). False: not now. */
static bool fit_next(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	struct tcp_sent *s = tcp_sent_at(a, a->next);
	uint32_t edge = c->snd_una + c->snd_wnd, room = edge - c->snd_nxt, half;

	if (s->len > c->mss && !split(st, c, a, a->next, c->mss))
		return false;
	if (seq_ge(c->snd_nxt, edge))
		return false;
	if (s->len <= room)
		return true;
	half = ((uint32_t)c->max_wnd << tcp_snd_scale(c)) / 2;
	return room >= (half < c->mss ? half : c->mss) && split(st, c, a, a->next, room);
}

bool tcp_output_next(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	return a->next != a->tail && fit_next(st, c, a) && send_next(st, c, a, NULL);
}

void tcp_output_window_probe(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	struct tcp_sent *s = tcp_sent_at(a, a->next);
	uint32_t edge = c->snd_una + c->snd_wnd, n = seq_lt(c->snd_nxt, edge) ? edge - c->snd_nxt : 0;
	struct tcp_sent one = *s;
	struct rte_mbuf *m;

	TCP_COUNT(st, window_probes);
	if (n > 0 && s->len > n) {
		/* the override timeout: the window is too small to please, but it is all there is */
		if (split(st, c, a, a->next, n) && send_next(st, c, a, NULL))
			return;
	} else if (n > 0) {
		if (send_next(st, c, a, NULL))
			return;
	}
	/* one byte of what comes next; snd_nxt does not move, the ACK tells whether it was taken */
	one.flags = 0;
	m = payload(st, &one, 0, 1);
	if (!m)
		return;
	c->flags |= TCP_F_PROBING;
	tcp_emit(st, c, m, c->snd_nxt, TCP_ACK | TCP_PSH, TCP_OPTIONS_MAX, 0);
}

/* RFC 6675 NextSeg rule 1: lost and not yet repaired, in order */
static uint32_t send_lost(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	uint32_t sent = 0;

	if (a->lost == 0 || a->frto == 2)
		return 0;
	for (uint32_t i = a->head; i != a->next; i++) {
		struct tcp_sent *s = tcp_sent_at(a, i);
		uint32_t pipe;

		if ((s->flags & (TCP_SENT_LOST | TCP_SENT_REXMIT | TCP_SENT_SACKED)) != TCP_SENT_LOST)
			continue;
		pipe = tcp_pipe(c, a);
		if (pipe && pipe + tcp_sent_space(s) > a->cwnd)
			break;
		if (!tcp_output_again(st, c, a, i))
			break;
		sent++;
	}
	return sent;
}

static uint32_t send_new(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	uint32_t sent = 0, cwnd = a->cwnd, pipe;
	struct tcp_train t = {.on = a->tail - a->next > 1 && st->env.tso && c->reasm == BASE_POOL_NONE &&
				    st->env.tso(st->env.ctx, &c->local)};

	/* Limited transmit (RFC 3042) needs no rule of its own: a duplicate ACK takes a segment out of the
	 * pipe. */
	a->cwnd_limited = false;
	while (a->next != a->tail) {
		struct tcp_sent *s;

		if (!fit_next(st, c, a))
			break;
		s = tcp_sent_at(a, a->next);
		pipe = tcp_pipe(c, a);
		if (a->frto == 2 ? sent >= 2 : pipe && pipe + s->len > cwnd) {
			a->cwnd_limited = true;
			break;
		}
		if (st->config.nagle && s->len < c->mss && c->snd_nxt != c->snd_una &&
		    !(c->flags & TCP_F_FIN_QUEUED))
			break;
		if (!send_next(st, c, a, &t))
			break;
		sent++;
	}
	depart(st, c, a, &t);
	/* in slow start half a window in use is use enough, else the last round would not count */
	pipe = tcp_pipe(c, a);
	if (pipe >= a->cwnd || (a->cwnd < a->ssthresh && 2 * pipe > a->cwnd))
		a->cwnd_limited = true;
	return sent;
}

static bool send_fin(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	struct tcp_sent *s;

	if (!may_fin(c))
		return false;
	if (!a) {
		fin_sent(c);
		tcp_emit_fin(st, c);
		c->retries = 0;
		c->timer_kind = TCP_TIMER_RTO;
		c->due_rtx = tcp_due_us(st, tcp_rto_us(st, c, 0));
		return true;
	}
	if (a->next != a->tail || !tcp_active_room(st, a))
		return false;
	s = tcp_sent_at(a, a->tail);
	*s = (struct tcp_sent){.seq = c->snd_nxt, .flags = TCP_SENT_FIN};
	if (!transmit(st, c, s, true))
		return false;
	a->tail++;
	a->next++;
	fin_sent(c);
	return true;
}

static void persist(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	if (c->timer_kind == TCP_TIMER_PERSIST && c->due_rtx)
		return;
	c->timer_kind = TCP_TIMER_PERSIST;
	c->retries = 0;
	c->due_rtx = tcp_due_us(st, tcp_rto_us(st, c, 0));
	if (!a->first_rto_tick)
		a->first_rto_tick = st->tick ? st->tick : 1;
}

void tcp_output(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_active *a = tcp_active_of(st, c);
	uint32_t sent = 0;

	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED) {
		if (c->snd_nxt == c->snd_una) {
			c->snd_nxt++;
			c->srtt_us = st->us; /* when it went, until there is a sample */
			tcp_emit_syn(st, c);
			c->timer_kind = TCP_TIMER_RTO;
			c->due_rtx = tcp_due_us(st, tcp_rto_us(st, c, 0));
			tcp_timer_update(st, c);
		}
		return;
	}
	if (c->state < TCP_ESTABLISHED)
		return;
	if (c->state != TCP_TIME_WAIT) {
		if (a) {
			sent = send_lost(st, c, a);
			sent += send_new(st, c, a);
		}
		if (send_fin(st, c, a))
			sent++;
		if (a && c->snd_nxt == c->snd_una && a->next != a->tail)
			persist(st, c, a);
		else if (a && sent)
			tcp_timer_rexmit(st, c, a);
	}
	if (c->rcv_nxt != c->last_ack_sent || (c->flags & TCP_F_ACK_NOW)) {
		if ((c->flags & TCP_F_ACK_NOW) || c->unacked_segs >= 2)
			tcp_emit_ack(st, c);
		else if (!c->due_ack)
			c->due_ack = tcp_due(st, tcp_ticks_ms(st->config.delayed_ack_ms));
	}
	tcp_timer_update(st, c);
}
