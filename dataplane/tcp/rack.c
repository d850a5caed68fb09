/* SPDX-License-Identifier: BSD-3-Clause */
/* RACK-TLP, RFC 8985: a segment is lost when one that was sent sufficiently later has been delivered. */
#include "dataplane/tcp/recovery.h"

#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/rto.h"

enum {
	DUP_THRESH = 3,
	REO_MULT_MAX = 20,	    /* windows beyond an RTT are cut by srtt anyway */
	REO_PERSIST = 16,	    /* recoveries that a widened window lasts */
	DELAYED_ACK_WORST_MS = 200, /* RFC 8985 7.2: what the peer may hold an ACK back */
};

/* 6.2 step 2: sent later, ties by sequence number */
static bool sent_after(uint32_t t1, uint32_t seq1, uint32_t t2, uint32_t seq2)
{
	return seq_gt(t1, t2) || (t1 == t2 && seq_gt(seq1, seq2));
}

void tcp_rack_delivered(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a,
			const struct tcp_sent *s, const struct tcp_segment *seg)
{
	uint32_t rtt = st->us - s->xmit_us, end = tcp_sent_end(s);

	if (rtt == 0)
		rtt = 1;
	if (s->flags & TCP_SENT_EVER) {
		/* which of its transmissions was it? (step 2) */
		if ((c->flags & TCP_F_TS) && seg->opt.has_ts && seg->opt.ts_ecr &&
		    seq_lt(seg->opt.ts_ecr,
			   (uint32_t)((st->now - ((uint64_t)rtt << TCP_US_SHIFT)) >> TCP_TS_SHIFT) +
				   st->secrets.timestamp_offset))
			return;
		if (a->rack_min_rtt_us && rtt < a->rack_min_rtt_us)
			return;
	} else {
		if (!a->rack_min_rtt_us || rtt < a->rack_min_rtt_us)
			a->rack_min_rtt_us = rtt;
		/* step 3 */
		if (seq_lt(end, a->rack_fack))
			a->reo_seen = true;
	}
	if (seq_gt(end, a->rack_fack))
		a->rack_fack = end;
	a->rack_rtt_us = rtt;
	if (!a->rtt_seen || sent_after(s->xmit_us, end, a->rack_xmit_us, a->rack_end)) {
		a->rtt_seen = true;
		a->rack_xmit_us = s->xmit_us;
		a->rack_end = end;
	}
}

/* step 4 */
static uint32_t reo_window(const struct tcp_conn *c, const struct tcp_active *a)
{
	uint32_t w, srtt = c->srtt_us >> 3;

	if (!a->reo_seen && (a->ca_state != TCP_CA_OPEN || a->sacked_segs >= DUP_THRESH))
		return 0;
	w = a->rack_min_rtt_us / 4 * a->rack_reo_mult;
	return w < srtt ? w : srtt;
}

void tcp_rack_dsack(struct tcp_conn *c, struct tcp_active *a, const struct tcp_round *r)
{
	/* once per round trip: a duplicate says that the window was too narrow */
	if (r->dsack && !a->round_dsack) {
		a->round_dsack = true;
		a->rack_round_end = c->snd_nxt;
		if (a->rack_reo_mult < REO_MULT_MAX)
			a->rack_reo_mult++;
		a->rack_reo_persist = REO_PERSIST;
	} else if (a->round_dsack && seq_ge(c->snd_una, a->rack_round_end)) {
		a->round_dsack = false;
	}
}

uint32_t tcp_rack_detect(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, struct tcp_round *r)
{
	uint32_t wait = 0, reo;

	if (!a->rtt_seen)
		return 0;
	reo = reo_window(c, a);
	for (uint32_t i = a->head; i != a->next; i++) {
		struct tcp_sent *s = tcp_sent_at(a, i);
		int32_t left;

		if (++r->steps > TCP_SACK_STEPS_MAX) {
			TCP_COUNT(st, sack_limited);
			break;
		}
		TCP_COUNT(st, sack_steps);
		if (!sent_after(a->rack_xmit_us, a->rack_end, s->xmit_us, tcp_sent_end(s))) {
			/* what was sent once, and too late, is followed by later ones only */
			if (!(s->flags & TCP_SENT_EVER))
				break;
			continue;
		}
		if ((s->flags & TCP_SENT_SACKED) ||
		    (s->flags & (TCP_SENT_LOST | TCP_SENT_REXMIT)) == TCP_SENT_LOST)
			continue;
		left = (int32_t)(s->xmit_us + a->rack_rtt_us + reo - st->us);
		if (left <= 0) {
			tcp_sent_mark_lost(a, s);
			r->lost += tcp_sent_space(s);
		} else if ((uint32_t)left > wait) {
			wait = (uint32_t)left;
		}
	}
	return wait;
}

/* ---- tail loss probe, section 7 ---- */

uint32_t tcp_tlp_timeout(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	uint32_t srtt = c->srtt_us >> 3, pto, rto = tcp_rto_us(st, c, 0);

	if (!(c->flags & TCP_F_SACK) || a->ca_state != TCP_CA_OPEN || a->sacked_segs || a->tlp_out ||
	    !(c->flags & TCP_F_HAS_RTT) || c->retries)
		return 0;
	pto = 2 * srtt;
	if (a->next - a->head == 1)
		pto += tcp_us_ms(DELAYED_ACK_WORST_MS);
	else
		pto += tcp_us_ms(2); /* the peer's timer granularity */
	return pto < rto ? pto : 0;
}

void tcp_tlp_fire(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	if (a->next == a->head)
		return;
	TCP_COUNT(st, tlp);
	a->tlp_out = true;
	if (tcp_output_next(st, c, a)) {
		a->tlp_rexmit = false;
	} else {
		struct tcp_sent *last = tcp_sent_at(a, a->next - 1);
		uint32_t space = tcp_sent_space(last);
		bool was = last->flags & TCP_SENT_REXMIT;

		if (tcp_output_again(st, c, a, a->next - 1)) {
			/* a probe is not a repair: it takes no place in the pipe and no part in undoing */
			a->tlp_rexmit = true;
			if (!was) {
				last->flags &= (uint8_t)~TCP_SENT_REXMIT;
				a->rexmit -= space;
			}
			a->undo_rexmits--;
		}
	}
	a->tlp_end = c->snd_nxt;
}

void tcp_tlp_ack(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, const struct tcp_segment *s,
		 const struct tcp_round *r)
{
	if (!a->tlp_out || seq_lt(s->ack, a->tlp_end))
		return;
	if (!a->tlp_rexmit || r->dsack) {
		a->tlp_out = false; /* everything came, and the probe too */
	} else if (seq_gt(s->ack, a->tlp_end)) {
		/* 7.4.2: the probe repaired a loss, and loss is loss */
		a->tlp_out = false;
		if (a->ca_state == TCP_CA_OPEN) {
			tcp_cc_reduce(st, c, a);
			a->undo_ok = false;
			a->cwnd = a->ssthresh;
		}
	} else if (r->acked == 0 && !r->sacked && s->len == 0) {
		a->tlp_out = false; /* a duplicate ACK: both copies arrived */
	}
}
