/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/recovery.h"

#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/rto.h"
#include "dataplane/tcp/timers.h"

enum { AHEAD = 4 /* buffers that are called for before they are freed */ };

/* RFC 9293 3.10.7.4: only from segments not older than the one that set it. True when it changed. */
static bool window_update(struct tcp_conn *c, const struct tcp_segment *s)
{
	uint32_t wnd = (uint32_t)s->window << tcp_snd_scale(c);
	bool changed;

	if (!(seq_lt(c->snd_wl1, s->seq) || (c->snd_wl1 == s->seq && seq_le(c->snd_wl2, s->ack))))
		return false;
	changed = wnd != c->snd_wnd;
	c->snd_wnd = wnd;
	c->snd_wl1 = s->seq;
	c->snd_wl2 = s->ack;
	if (s->window > c->max_wnd)
		c->max_wnd = s->window;
	return changed;
}

/* Karn (RFC 6298 section 3): a segment that was sent again is a sample only if the timestamp shows that its
 * last transmission is what the peer has seen. An ACK that got lost and came again later would else be a
 * sample of minutes. */
static bool tells_rtt(const struct tcp_stack *st, const struct tcp_conn *c, const struct tcp_sent *s,
		      const struct tcp_segment *seg)
{
	uint64_t sent_ns = st->now - ((uint64_t)(st->us - s->xmit_us) << TCP_US_SHIFT);
	uint32_t sent_ts = (uint32_t)(sent_ns >> TCP_TS_SHIFT) + st->secrets.timestamp_offset;

	if (!(s->flags & TCP_SENT_EVER))
		return true;
	return (c->flags & TCP_F_TS) && seg->opt.has_ts && seq_ge(seg->opt.ts_ecr, sent_ts);
}

/* The buffer of the entry at i, of which what is freed lies in the first lines; nobody has touched it since
 * it was sent. */
static inline void warm(const struct tcp_active *a, uint32_t i)
{
	const struct rte_mbuf *m = tcp_sent_at(a, i)->m;

	/* behind `next` stands what was freed long ago, and NULL is an address like any other here */
	__builtin_prefetch(m, 1);
	__builtin_prefetch((const void *)((uintptr_t)m + 64), 1);
}

/* Takes what is acknowledged off the front of the queue. */
static void pop(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, const struct tcp_segment *seg,
		struct tcp_round *r)
{
	bool first = true;

	/* one segment may acknowledge many, of which the first was called for with the burst (input.c) */
	for (uint32_t i = 1; i < AHEAD && a->next - a->head > i; i++)
		warm(a, a->head + i);
	while (a->head != a->next) {
		struct tcp_sent *s = tcp_sent_at(a, a->head);
		uint32_t space = tcp_sent_space(s), part;

		if (seq_le(seg->ack, s->seq))
			break;
		if (a->next - a->head > AHEAD)
			warm(a, a->head + AHEAD);
		if (first && (s->flags & TCP_SENT_EVER))
			r->rexmit_acked = true;
		part = seq_ge(seg->ack, s->seq + space) ? space : seg->ack - s->seq;
		if (!(s->flags & TCP_SENT_SACKED)) {
			r->delivered += part;
			tcp_rack_delivered(st, c, a, s, seg);
			if (!(s->flags & TCP_SENT_EVER))
				r->original_acked = true;
			if (first && tells_rtt(st, c, s, seg))
				r->rtt_us = st->us - s->xmit_us ? st->us - s->xmit_us : 1;
		} else {
			a->sacked -= part;
		}
		if (s->flags & TCP_SENT_LOST)
			a->lost -= part;
		if (s->flags & TCP_SENT_REXMIT)
			a->rexmit -= part;
		first = false;
		if (part < space) {
			s->seq += part;
			s->off = (uint16_t)(s->off + part);
			s->len = (uint16_t)(s->len - part);
			a->queued -= part;
			break;
		}
		a->queued -= s->len;
		if (s->flags & TCP_SENT_SACKED)
			a->sacked_segs--;
		tcp_sent_free(st, c, s);
		a->head++;
	}
}

/* peers without SACK: each duplicate ACK stands for a segment that has left the network */
static void count_duplicate(struct tcp_conn *c, struct tcp_active *a, struct tcp_round *r)
{
	uint32_t flight = c->snd_nxt - c->snd_una;

	if (a->dupacks < 255)
		a->dupacks++;
	if (a->sacked + c->mss + a->lost <= flight) {
		a->sacked += c->mss;
		r->delivered += c->mss;
	}
}

static void ecn_echo(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	/* once per window (RFC 3168 6.1.2) */
	if (a->ca_state != TCP_CA_OPEN || (a->ecn_reduced && seq_lt(c->snd_una, a->ecn_recover)))
		return;
	TCP_COUNT(st, ecn_reduced);
	tcp_cc_reduce(st, c, a);
	a->undo_ok = false;
	a->cwnd = a->ssthresh;
	a->ecn_reduced = true;
	a->ecn_recover = c->snd_nxt;
	c->flags |= TCP_F_CWR;
}

/* our FIN has been acknowledged; false: the connection has ended */
static bool fin_acked(struct tcp_stack *st, struct tcp_conn *c)
{
	c->due_rtx = 0;
	c->timer_kind = TCP_TIMER_NONE;
	if (c->state == TCP_FIN_WAIT_1) {
		c->state = TCP_FIN_WAIT_2;
		/* RFC 9293 leaves it open how long a peer may take; one that we no longer read from gets a
		 * limit */
		if (c->flags & TCP_F_CLOSED) {
			c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.fin_wait_ms));
			tcp_timer_update(st, c);
		}
	} else if (c->state == TCP_CLOSING) {
		tcp_conn_time_wait(st, c);
	} else if (c->state == TCP_LAST_ACK) {
		tcp_conn_end(st, c, TCP_END_CLOSED);
		return false;
	}
	return true;
}

static void probe_taken(struct tcp_conn *c, struct tcp_active *a)
{
	struct tcp_sent *s = tcp_sent_at(a, a->next);

	/* the byte that the probe carried was accepted: it is sent and acknowledged at once */
	s->seq++;
	s->off++;
	s->len--;
	a->queued--;
	c->snd_nxt++;
	c->snd_una++;
}

/* the probe's entry may be empty now */
static void probe_settle(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	struct tcp_sent *s = tcp_sent_at(a, a->next);

	if (s->len)
		return;
	tcp_sent_free(st, c, s);
	a->next++;
	a->head++;
}

static void active_ack(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a,
		       const struct tcp_segment *s, bool window_changed)
{
	struct tcp_round r = {0};
	uint32_t wait = 0;
	bool sack = c->flags & TCP_F_SACK;

	if (sack && s->opt.n_sack)
		tcp_sack_input(st, c, a, s, &r);
	if (seq_gt(s->ack, c->snd_una)) {
		r.acked = s->ack - c->snd_una;
		pop(st, c, a, s, &r);
		c->snd_una = s->ack;
		c->retries = 0;
		a->first_rto_tick = 0;
		a->dupacks = 0;
		if (!sack) {
			/* duplicate ACKs have counted some of it already */
			uint32_t known = a->sacked < r.acked ? a->sacked : r.acked;

			a->sacked -= known;
			r.delivered = r.delivered > known ? r.delivered - known : 0;
		}
	} else if (!sack && s->len == 0 && !(s->flags & (TCP_SYN | TCP_FIN)) && !window_changed &&
		   c->snd_nxt != c->snd_una && s->ack == c->snd_una) {
		count_duplicate(c, a, &r);
	}
	if (r.rtt_us)
		tcp_rtt_sample(c, r.rtt_us);
	if (a->head != a->next) {
		if (sack && (r.delivered || a->sacked || a->ca_state != TCP_CA_OPEN)) {
			tcp_rack_dsack(c, a, &r);
			wait = tcp_rack_detect(st, c, a, &r);
		}
		if (a->tlp_out)
			tcp_tlp_ack(st, c, a, s, &r);
	}
	tcp_recovery_ack(st, c, a, s, &r);
	if ((s->flags & TCP_ECE) && (c->flags & TCP_F_ECN))
		ecn_echo(st, c, a);
	if (a->head == a->tail) {
		c->due_rtx = 0;
		c->timer_kind = TCP_TIMER_NONE;
		tcp_active_put(st, c);
	} else if (r.acked || r.sacked) {
		c->due_rtx = 0;
		if (wait) {
			c->timer_kind = TCP_TIMER_REO;
			c->due_rtx = tcp_due_us(st, wait);
			tcp_timer_update(st, c);
		} else if (a->head != a->next) {
			tcp_timer_rexmit(st, c, a);
		}
	}
}

bool tcp_ack_input(struct tcp_stack *st, struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_active *a = tcp_active_of(st, c);
	bool changed;

	if (seq_lt(s->ack, c->snd_una))
		return true;
	changed = window_update(c, s);
	if (c->flags & TCP_F_PROBING) {
		c->flags &= ~TCP_F_PROBING;
		if (a && s->ack == c->snd_nxt + 1 && a->next != a->tail) {
			probe_taken(c, a);
			probe_settle(st, c, a);
		}
	}
	if (a) {
		if (c->timer_kind == TCP_TIMER_PERSIST) {
			/* an answer is a sign of life, whatever the window */
			if (c->snd_wnd || a->head == a->tail) {
				c->due_rtx = 0;
				c->timer_kind = TCP_TIMER_NONE;
				a->first_rto_tick = 0;
			}
			c->retries = c->snd_wnd ? 0 : c->retries;
		}
		active_ack(st, c, a, s, changed);
		a = tcp_active_of(st, c);
	} else if (seq_gt(s->ack, c->snd_una)) {
		c->snd_una = s->ack;
		c->retries = 0;
	}
	if ((c->flags & TCP_F_WANT_WRITE) && (!a || a->queued < st->config.snd_buffer / 2)) {
		c->flags = (c->flags & ~TCP_F_WANT_WRITE) | TCP_F_EV_WRITE;
		tcp_conn_ready(st, c);
	}
	if ((c->flags & TCP_F_FIN_SENT) && c->snd_una == c->snd_nxt)
		return fin_acked(st, c);
	if (a || (c->flags & TCP_F_FIN_QUEUED))
		tcp_conn_ready(st, c);
	return true;
}
