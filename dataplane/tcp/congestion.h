/* SPDX-License-Identifier: BSD-3-Clause */
/* The congestion window: slow start (RFC 5681, IW10 by RFC 6928), then NewReno or CUBIC (RFC 9438). Loss
 * detection and recovery call in here; nothing here knows about segments. */
#ifndef DATAPLANE_TCP_CONGESTION_H
#define DATAPLANE_TCP_CONGESTION_H

#include "dataplane/tcp/conn.h"

enum { TCP_SSTHRESH_UNLIMITED = 0x7fffffff };

static inline uint32_t tcp_cc_initial_window(uint32_t mss)
{
	uint32_t two = 2 * mss, cap = two > 14600 ? two : 14600, ten = 10 * mss;

	return ten < cap ? ten : cap;
}

/* of a fresh active block: what the connection kept, or the restart window after an idle time (RFC 5681 4.1)
 */
void tcp_cc_start(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);
/* what to keep when the block goes */
void tcp_cc_keep(struct tcp_conn *c, const struct tcp_active *a);
/* new data was acknowledged outside of fast recovery */
void tcp_cc_acked(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, uint32_t bytes);
/* A congestion event: remembers what is needed to undo it and lowers ssthresh; cwnd is the caller's. */
void tcp_cc_reduce(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);
/* the event was none */
void tcp_cc_undo(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);

void tcp_cubic_reduce(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);
void tcp_cubic_acked(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, uint32_t bytes);

#endif
