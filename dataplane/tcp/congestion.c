/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/congestion.h"

#include "dataplane/tcp/rto.h"

void tcp_cc_start(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	uint32_t iw = tcp_cc_initial_window(c->mss);

	a->ssthresh =
		c->ssthresh_kept == 0xffff ? TCP_SSTHRESH_UNLIMITED : (uint32_t)c->ssthresh_kept * c->mss;
	a->cwnd = c->cwnd_kept ? (uint32_t)c->cwnd_kept * c->mss : iw;
	/* a SYN that had to be repeated says that the path loses: RFC 5681 3.1 */
	if (c->flags & TCP_F_SYN_RETRIED) {
		c->flags &= ~TCP_F_SYN_RETRIED;
		a->cwnd = c->mss;
	}
	if (a->cwnd > iw && (st->tick - c->last_rx_tick) << TCP_TICK_US_SHIFT > tcp_rto_us(st, c, 0)) {
		/* the path may have changed meanwhile; ssthresh remembers where it was */
		if (a->ssthresh < a->cwnd / 4 * 3)
			a->ssthresh = a->cwnd / 4 * 3;
		a->cwnd = iw;
	}
}

void tcp_cc_keep(struct tcp_conn *c, const struct tcp_active *a)
{
	uint32_t w = a->cwnd / c->mss, s = a->ssthresh / c->mss;

	c->cwnd_kept = (uint16_t)(w > 0xfffe ? 0xfffe : w < 1 ? 1 : w);
	c->ssthresh_kept = a->ssthresh >= TCP_SSTHRESH_UNLIMITED || s >= 0xffff ? 0xffff : (uint16_t)s;
}

/* RFC 5681 3.1 with byte counting: one MSS per window */
static void newreno_acked(struct tcp_conn *c, struct tcp_active *a, uint32_t bytes)
{
	a->ack_credit += bytes;
	if (a->ack_credit >= a->cwnd) {
		a->ack_credit -= a->cwnd;
		a->cwnd += c->mss;
	}
}

void tcp_cc_acked(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, uint32_t bytes)
{
	/* a window that the sender does not fill says nothing about the path (RFC 7661, RFC 9438 4.2) */
	if (!a->cwnd_limited)
		return;
	if (a->cwnd < a->ssthresh) {
		/* RFC 3465 with the L of RFC 9406; after a timeout one segment per ACK at most (RFC 5681 3.1)
		 */
		uint32_t most = (a->ca_state == TCP_CA_LOSS ? 1u : 8u) * c->mss;
		uint32_t grow = bytes < most ? bytes : most, room = a->ssthresh - a->cwnd;

		if (grow <= room) {
			a->cwnd += grow;
			return;
		}
		a->cwnd += room;
		bytes = grow - room;
	}
	if (st->config.congestion == TCP_CUBIC)
		tcp_cubic_acked(st, c, a, bytes);
	else
		newreno_acked(c, a, bytes);
	if (a->cwnd > 1u << 30)
		a->cwnd = 1u << 30;
}

void tcp_cc_reduce(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	uint32_t flight = c->snd_nxt - c->snd_una, two = 2u * c->mss;

	a->undo_cwnd = a->cwnd;
	a->undo_ssthresh = a->ssthresh;
	a->undo_ok = true;
	a->ack_credit = 0;
	if (st->config.congestion == TCP_CUBIC) {
		tcp_cubic_reduce(st, c, a);
		return;
	}
	a->ssthresh = flight / 2 > two ? flight / 2 : two;
}

void tcp_cc_undo(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	TCP_COUNT(st, spurious);
	if (a->cwnd < a->undo_cwnd)
		a->cwnd = a->undo_cwnd;
	if (a->ssthresh < a->undo_ssthresh)
		a->ssthresh = a->undo_ssthresh;
	a->undo_ok = false;
	a->cubic_epoch = false;
	a->frto = 0;
}
