/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/recovery.h"

#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/rto.h"
#include "dataplane/tcp/timers.h"

/* An answer to a retransmission of an earlier recovery is older than those of this one and would look like an
 * answer to an original (Eifel): as long as such are on their way, the oldest one counts. */
static void forget_rexmits(const struct tcp_conn *c, struct tcp_active *a)
{
	if (!a->rexmit_ts || seq_lt(c->snd_una, a->rexmit_high))
		return;
	a->rexmit_ts = 0;
	a->undo_rexmits = 0;
}

static void begin(struct tcp_conn *c, struct tcp_active *a)
{
	a->recover = c->snd_nxt;
	a->frto = 0;
	forget_rexmits(c, a);
}

static void tcp_recovery_enter(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	TCP_COUNT(st, recoveries);
	begin(c, a);
	a->prr_base = c->snd_nxt - c->snd_una;
	tcp_cc_reduce(st, c, a);
	a->ca_state = TCP_CA_RECOVERY;
	a->prr_delivered = a->prr_out = 0;
	if (a->rack_reo_persist && --a->rack_reo_persist == 0)
		a->rack_reo_mult = 1;
}

/* RFC 6937 with the SafeACK rule of its successor */
static void prr(struct tcp_conn *c, struct tcp_active *a, const struct tcp_round *r)
{
	uint32_t pipe = tcp_pipe(c, a), mss = c->mss;
	int64_t send;

	a->prr_delivered += r->delivered;
	if (pipe > a->ssthresh) {
		uint32_t base = a->prr_base ? a->prr_base : 1;

		send = (int64_t)(((uint64_t)a->prr_delivered * a->ssthresh + base - 1) / base) - a->prr_out;
	} else {
		int64_t spare = (int64_t)a->prr_delivered - a->prr_out;

		if (r->acked && !r->lost)
			send = (spare > r->delivered ? spare : r->delivered) + mss;
		else
			send = spare > (int64_t)r->delivered ? spare : r->delivered;
		if (send > (int64_t)a->ssthresh - pipe)
			send = (int64_t)a->ssthresh - pipe;
	}
	if (a->prr_out == 0 && send < (int64_t)mss)
		send = mss; /* the fast retransmission itself */
	a->cwnd = pipe + (uint32_t)(send > 0 ? send : 0);
}

static void leave(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, const struct tcp_round *r)
{
	if (a->ca_state == TCP_CA_RECOVERY)
		a->cwnd = a->ssthresh;
	a->ca_state = TCP_CA_OPEN;
	a->dupacks = 0;
	a->frto = 0;
	forget_rexmits(c, a);
	/* What is still missing was sent after the window had been lowered: news of congestion (RFC 6675
	 * section 5), though it was found and perhaps sent again before this recovery ended. */
	if (a->lost && (c->flags & TCP_F_SACK)) {
		tcp_recovery_enter(st, c, a);
		prr(c, a, r);
	}
}

static void undo(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	tcp_sent_unmark(a);
	tcp_cc_undo(st, c, a);
	a->ca_state = TCP_CA_OPEN;
	a->dupacks = 0;
}

/* The ACK answers the original, not the retransmission: RFC 3522 by timestamps, RFC 2883 by duplicates
 * reported. */
static bool is_spurious(const struct tcp_conn *c, const struct tcp_active *a, const struct tcp_segment *s,
			const struct tcp_round *r)
{
	if (!a->undo_ok)
		return false;
	if (r->rexmit_acked && (c->flags & TCP_F_TS) && s->opt.has_ts && s->opt.ts_ecr && a->rexmit_ts &&
	    seq_lt(s->opt.ts_ecr, a->rexmit_ts))
		return true;
	return r->dsack && a->undo_rexmits == 0 && a->rexmit_ts;
}

/* RFC 5682 section 2, for peers without timestamps */
static bool frto_spurious(struct tcp_active *a, struct tcp_conn *c, const struct tcp_round *r)
{
	if (a->frto == 0)
		return false;
	if (r->acked == 0) {
		a->frto = 0;
		return false;
	}
	if (a->frto == 1) {
		/* step 2b: new data instead of more repairs, if there is any */
		a->frto = seq_lt(c->snd_una, a->recover) && a->next != a->tail ? 2 : 0;
		return false;
	}
	a->frto = 0;
	return r->original_acked;
}

void tcp_recovery_ack(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a,
		      const struct tcp_segment *s, struct tcp_round *r)
{
	bool sack = c->flags & TCP_F_SACK;

	if (r->dsack && a->undo_rexmits)
		a->undo_rexmits--;
	if (a->ca_state != TCP_CA_OPEN &&
	    (is_spurious(c, a, s, r) ||
	     (a->ca_state == TCP_CA_LOSS && frto_spurious(a, c, r) && a->undo_ok))) {
		undo(st, c, a);
		return;
	}
	switch (a->ca_state) {
	case TCP_CA_OPEN:
		if (r->lost || (!sack && a->dupacks >= 3 && seq_ge(c->snd_una, a->recover))) {
			if (!sack && a->next != a->head)
				tcp_sent_mark_lost(a, tcp_sent_at(a, a->head));
			tcp_recovery_enter(st, c, a);
			prr(c, a, r);
		} else if (r->acked) {
			tcp_cc_acked(st, c, a, r->acked);
		}
		break;
	case TCP_CA_RECOVERY:
		if (r->acked && seq_ge(c->snd_una, a->recover)) {
			leave(st, c, a, r);
			break;
		}
		if (sack || !r->acked || a->next == a->head) {
			prr(c, a, r);
			break;
		}
		/* RFC 6582 3.2 step 4: a partial ACK names the next hole, and it is filled whatever the
		 * window */
		tcp_sent_mark_lost(a, tcp_sent_at(a, a->head));
		prr(c, a, r);
		if (a->cwnd < tcp_pipe(c, a) + c->mss)
			a->cwnd = tcp_pipe(c, a) + c->mss;
		break;
	default:
		if (r->acked && seq_ge(c->snd_una, a->recover)) {
			tcp_cc_acked(st, c, a, r->acked);
			leave(st, c, a, r);
			break;
		}
		if (r->acked) {
			a->cwnd_limited = true;
			tcp_cc_acked(st, c, a, r->acked);
		}
	}
}

void tcp_recovery_timeout(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	bool again = a->ca_state == TCP_CA_LOSS && c->retries > 0, renege;

	TCP_COUNT(st, rto);
	if (!a->first_rto_tick)
		a->first_rto_tick = st->tick ? st->tick : 1;
	if (a->head == a->next)
		return;
	/* RFC 5681 3.1: ssthresh falls at the first timeout of a segment only */
	if (!again) {
		uint32_t undo_cwnd = a->undo_cwnd, undo_ssthresh = a->undo_ssthresh;
		bool in_recovery = a->ca_state == TCP_CA_RECOVERY;

		begin(c, a);
		tcp_cc_reduce(st, c, a);
		if (in_recovery) {
			a->undo_cwnd = undo_cwnd;
			a->undo_ssthresh = undo_ssthresh;
		}
		a->frto = (c->flags & TCP_F_TS) ? 0 : 1;
	} else {
		a->frto = 0;
		a->undo_ok = false;
	}
	a->ca_state = TCP_CA_LOSS;
	a->cwnd = c->mss;
	a->dupacks = 0;
	a->tlp_out = false;
	/* a peer that drops what it SACKed (RFC 2018 section 8) has the first one SACKed and does not
	 * acknowledge it */
	renege = tcp_sent_at(a, a->head)->flags & TCP_SENT_SACKED;
	for (uint32_t i = a->head; i != a->next; i++) {
		struct tcp_sent *s = tcp_sent_at(a, i);

		if (renege)
			s->flags &= (uint8_t)~TCP_SENT_SACKED;
		if (!(s->flags & TCP_SENT_SACKED))
			tcp_sent_mark_lost(a, s);
	}
	if (renege || !(c->flags & TCP_F_SACK))
		a->sacked = a->sacked_segs = 0;
}
