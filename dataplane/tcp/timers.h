/* SPDX-License-Identifier: BSD-3-Clause */
/* One wheel link per connection, armed for the earliest of its deadlines. */
#ifndef DATAPLANE_TCP_TIMERS_H
#define DATAPLANE_TCP_TIMERS_H

#include "dataplane/tcp/conn.h"

/* the deadline `ticks` from now; never 0, which means none */
static inline uint32_t tcp_due(const struct tcp_stack *st, uint32_t ticks)
{
	uint32_t d = st->tick + (ticks ? ticks : 1);

	return d ? d : 1;
}

static inline uint32_t tcp_due_us(const struct tcp_stack *st, uint32_t us)
{
	return tcp_due(st, (us + (1u << TCP_TICK_US_SHIFT) - 1) >> TCP_TICK_US_SHIFT);
}

static inline uint32_t tcp_due_earlier(uint32_t a, uint32_t b)
{
	if (!a)
		return b;
	return b && (int32_t)(b - a) < 0 ? b : a;
}

/* Arms for the earliest deadline, if that is earlier than what is armed: a later one costs nothing until the
 * old one fires and finds nothing due. */
static inline void tcp_timer_update(struct tcp_stack *st, struct tcp_conn *c)
{
	uint32_t due = tcp_due_earlier(tcp_due_earlier(c->due_rtx, c->due_ack),
				       tcp_due_earlier(c->due_idle, c->due_user));

	if (due && (!wheel_is_armed(&c->timer) || (int32_t)(due - c->timer.due) < 0))
		wheel_arm(&st->wheel, tcp_conn_index(st, c), due);
}

/* Chooses among RTO, TLP and RACK's timer for what is in flight now. */
void tcp_timer_rexmit(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);

#endif
