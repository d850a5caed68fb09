/* SPDX-License-Identifier: BSD-3-Clause */
/* The scoreboard. A SACK block marks only entries that it covers whole; what is sent is never cut or merged
 * because of one, so hostile blocks make no work beyond looking, and that is limited for each ACK. */
#include "dataplane/tcp/recovery.h"

void tcp_sent_mark_lost(struct tcp_active *a, struct tcp_sent *s)
{
	uint32_t space = tcp_sent_space(s);

	if (s->flags & TCP_SENT_REXMIT) {
		/* the retransmission got lost as well */
		s->flags &= (uint8_t)~TCP_SENT_REXMIT;
		a->rexmit -= space;
	}
	if (!(s->flags & TCP_SENT_LOST)) {
		s->flags |= TCP_SENT_LOST;
		a->lost += space;
	}
}

void tcp_sent_unmark(struct tcp_active *a)
{
	for (uint32_t i = a->head; i != a->next; i++)
		tcp_sent_at(a, i)->flags &= (uint8_t) ~(TCP_SENT_LOST | TCP_SENT_REXMIT);
	a->lost = a->rexmit = 0;
}

/* the first sent entry that begins at or behind seq */
static uint32_t find(const struct tcp_active *a, uint32_t seq)
{
	uint32_t lo = 0, hi = a->next - a->head;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (seq_lt(tcp_sent_at(a, a->head + mid)->seq, seq))
			lo = mid + 1;
		else
			hi = mid;
	}
	return a->head + lo;
}

static void mark(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, struct tcp_sent *s,
		 const struct tcp_segment *seg, struct tcp_round *r)
{
	uint32_t space = tcp_sent_space(s);

	tcp_rack_delivered(st, c, a, s, seg);
	if (s->flags & TCP_SENT_LOST)
		a->lost -= space;
	if (s->flags & TCP_SENT_REXMIT)
		a->rexmit -= space;
	s->flags = (uint8_t)((s->flags & ~(TCP_SENT_LOST | TCP_SENT_REXMIT)) | TCP_SENT_SACKED);
	a->sacked += space;
	a->sacked_segs++;
	r->delivered += space;
	r->sacked = true;
}

/* RFC 2883 section 4: the first block lies below the ACK or inside of the second block */
static bool is_dsack(const struct tcp_segment *s)
{
	const struct tcp_block *b = s->opt.sack;

	return seq_le(b[0].end, s->ack) ||
	       (s->opt.n_sack > 1 && seq_ge(b[0].start, b[1].start) && seq_le(b[0].end, b[1].end));
}

void tcp_sack_input(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a,
		    const struct tcp_segment *s, struct tcp_round *r)
{
	unsigned first = 0;

	if (is_dsack(s)) {
		TCP_COUNT(st, dsack_in);
		r->dsack = true;
		first = 1;
	}
	for (unsigned k = first; k < s->opt.n_sack; k++) {
		const struct tcp_block *b = &s->opt.sack[k];

		TCP_COUNT(st, sack_blocks);
		if (seq_ge(b->start, b->end) || seq_lt(b->start, s->ack) || seq_gt(b->end, c->snd_nxt))
			continue;
		for (uint32_t i = find(a, b->start); i != a->next; i++) {
			struct tcp_sent *e = tcp_sent_at(a, i);

			if (++r->steps > TCP_SACK_STEPS_MAX) {
				TCP_COUNT(st, sack_limited);
				break;
			}
			if (seq_gt(tcp_sent_end(e), b->end))
				break;
			if (!(e->flags & TCP_SENT_SACKED))
				mark(st, c, a, e, s, r);
		}
	}
	TCP_ADD(st, sack_steps, r->steps);
}
