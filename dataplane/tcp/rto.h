/* SPDX-License-Identifier: BSD-3-Clause */
/* Round-trip time and the retransmission timeout, RFC 6298. "us" are 1024 ns throughout. */
#ifndef DATAPLANE_TCP_RTO_H
#define DATAPLANE_TCP_RTO_H

#include "dataplane/tcp/conn.h"

static inline void tcp_rtt_sample(struct tcp_conn *c, uint32_t rtt_us)
{
	if (rtt_us == 0)
		rtt_us = 1;
	if (rtt_us > 60u << 20)
		return;
	if (!(c->flags & TCP_F_HAS_RTT)) {
		c->flags |= TCP_F_HAS_RTT;
		c->srtt_us = rtt_us << 3;
		c->rttvar_us = rtt_us << 1; /* R/2, scaled by 4 */
		return;
	}
	/* beta 1/4, alpha 1/8 (2.3) */
	int32_t err = (int32_t)(rtt_us - (c->srtt_us >> 3));

	c->srtt_us = (uint32_t)((int32_t)c->srtt_us + err);
	if (err < 0)
		err = -err;
	c->rttvar_us = (uint32_t)((int32_t)c->rttvar_us + err - (int32_t)(c->rttvar_us >> 2));
}

/* The handshake is a sample (srtt_us held the time until now). If its segment was repeated, the echoed
 * timestamp says when the one that was seen had left; more than a second may as well be the peer's own
 * repetition. */
static inline void tcp_rtt_handshake(struct tcp_stack *st, struct tcp_conn *c, const struct tcp_segment *s)
{
	uint32_t sent = c->srtt_us, ts = st->ts + st->secrets.timestamp_offset - s->opt.ts_ecr;

	c->srtt_us = 0;
	if (c->retries == 0)
		tcp_rtt_sample(c, st->us - sent);
	else if ((c->flags & TCP_F_TS) && s->opt.has_ts && ts < 900)
		tcp_rtt_sample(c, (ts ? ts : 1) << (TCP_TS_SHIFT - TCP_US_SHIFT));
}

/* with `backoffs` doublings (5.5), between the configured bounds */
static inline uint32_t tcp_rto_us(const struct tcp_stack *st, const struct tcp_conn *c, unsigned backoffs)
{
	uint32_t min = tcp_us_ms(st->config.rto_min_ms), max = tcp_us_ms(st->config.rto_max_ms);
	uint64_t rto;

	if (c->flags & TCP_F_HAS_RTT) {
		uint32_t var = c->rttvar_us; /* = 4 * RTTVAR */

		/* the variance has a floor so that a steady path does not time out on one delayed ACK */
		rto = (c->srtt_us >> 3) + (var > min ? var : min);
	} else {
		rto = tcp_us_ms(st->config.rto_initial_ms);
	}
	rto <<= backoffs > 16 ? 16 : backoffs;
	return rto > max ? max : (uint32_t)rto;
}

#endif
