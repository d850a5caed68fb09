/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/timers.h"

#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/pmtu.h"
#include "dataplane/tcp/recovery.h"
#include "dataplane/tcp/rto.h"

enum { FIN_RETRIES = 8, BLACKHOLE_RETRIES = 3, HOLE_PATIENCE = 5 };

static bool reached(const struct tcp_stack *st, uint32_t due)
{
	return due && (int32_t)(st->tick - due) >= 0;
}

static void arm(struct tcp_stack *st, struct tcp_conn *c, enum tcp_timer_kind kind, uint32_t us)
{
	c->timer_kind = (uint8_t)kind;
	c->due_rtx = tcp_due_us(st, us);
	tcp_timer_update(st, c);
}

void tcp_timer_rexmit(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	uint32_t tlp;

	if (a->head == a->next)
		return;
	/* RFC 6298 5.1: one that runs is left alone; a probe is put off by new data (RFC 8985 7.2) */
	if (c->due_rtx && (c->timer_kind == TCP_TIMER_RTO || c->timer_kind == TCP_TIMER_REO))
		return;
	tlp = tcp_tlp_timeout(st, c, a);
	if (tlp)
		arm(st, c, TCP_TIMER_TLP, tlp);
	else
		arm(st, c, TCP_TIMER_RTO, tcp_rto_us(st, c, c->retries));
}

static bool give_up(struct tcp_stack *st, struct tcp_conn *c, enum tcp_end end)
{
	if (end == TCP_END_STALLED)
		TCP_COUNT(st, stalled);
	else
		TCP_COUNT(st, timeouts);
	if (c->state >= TCP_ESTABLISHED)
		tcp_output_reset(st, c);
	tcp_conn_end(st, c, end);
	return false;
}

static bool syn_timeout(struct tcp_stack *st, struct tcp_conn *c)
{
	bool half_open = c->state == TCP_SYN_RECEIVED;

	if (c->retries >= (half_open ? st->config.synack_retries : st->config.syn_retries)) {
		if (half_open)
			TCP_COUNT(st, half_open_expired);
		return give_up(st, c, TCP_END_TIMEOUT);
	}
	/* RFC 6928: one loss may be chance, two are the path */
	if (++c->retries > 1)
		c->flags |= TCP_F_SYN_RETRIED;
	/* RFC 3168 6.1.1.1: perhaps ECN is what was disliked */
	if (!half_open)
		c->flags &= ~TCP_F_ECN;
	tcp_emit_syn(st, c);
	arm(st, c, TCP_TIMER_RTO, tcp_rto_us(st, c, c->retries));
	return true;
}

static bool older(const struct tcp_stack *st, uint32_t tick, uint32_t ms)
{
	return tick && ms && st->tick - tick >= tcp_ticks_ms(ms);
}

static bool rto_timeout(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_active *a = tcp_active_of(st, c);

	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
		return syn_timeout(st, c);
	if (!a) {
		if (c->snd_una == c->snd_nxt)
			return true;
		if (c->retries++ >= FIN_RETRIES)
			return give_up(st, c, TCP_END_TIMEOUT);
		TCP_COUNT(st, rto);
		TCP_COUNT(st, rexmit);
		tcp_emit_fin(st, c);
		arm(st, c, TCP_TIMER_RTO, tcp_rto_us(st, c, c->retries));
		return true;
	}
	if (older(st, a->first_rto_tick, st->config.user_timeout_ms))
		return give_up(st, c, TCP_END_TIMEOUT);
	tcp_recovery_timeout(st, c, a);
	if (c->retries < 255)
		c->retries++;
	if (c->retries >= BLACKHOLE_RETRIES && a->head != a->next)
		tcp_pmtu_blackhole(st, c, a);
	arm(st, c, TCP_TIMER_RTO, tcp_rto_us(st, c, c->retries));
	tcp_conn_ready(st, c);
	return true;
}

static bool persist_timeout(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_active *a = tcp_active_of(st, c);

	if (!a || a->next == a->tail)
		return true;
	if (older(st, a->first_rto_tick, st->config.persist_timeout_ms))
		return give_up(st, c, TCP_END_STALLED);
	tcp_output_window_probe(st, c, a);
	if (c->snd_nxt != c->snd_una) {
		c->retries = 0;
		arm(st, c, TCP_TIMER_RTO, tcp_rto_us(st, c, 0));
		return true;
	}
	if (c->retries < 255)
		c->retries++;
	arm(st, c, TCP_TIMER_PERSIST, tcp_rto_us(st, c, c->retries));
	return true;
}

static void reo_timeout(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_active *a = tcp_active_of(st, c);
	struct tcp_round r = {0};
	struct tcp_segment none = {0};
	uint32_t wait;

	if (!a)
		return;
	TCP_COUNT(st, rack_timeouts);
	wait = tcp_rack_detect(st, c, a, &r);
	if (r.lost)
		tcp_recovery_ack(st, c, a, &none, &r);
	if (wait)
		arm(st, c, TCP_TIMER_REO, wait);
	else
		tcp_timer_rexmit(st, c, a);
	tcp_conn_ready(st, c);
}

/* false: the connection has ended */
static bool rtx_fire(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_active *a = tcp_active_of(st, c);

	c->due_rtx = 0;
	switch (c->timer_kind) {
	case TCP_TIMER_RTO:
		return rto_timeout(st, c);
	case TCP_TIMER_PERSIST:
		return persist_timeout(st, c);
	case TCP_TIMER_REO:
		reo_timeout(st, c);
		break;
	case TCP_TIMER_TLP:
		if (a) {
			tcp_tlp_fire(st, c, a);
			if (!c->due_rtx || c->timer_kind != TCP_TIMER_RTO)
				arm(st, c, TCP_TIMER_RTO, tcp_rto_us(st, c, 0));
		}
		break;
	default:
		break;
	}
	return true;
}

static bool keepalive(struct tcp_stack *st, struct tcp_conn *c)
{
	uint32_t idle = tcp_ticks_ms(st->config.keepalive_idle_ms), quiet = st->tick - c->last_rx_tick;

	if (!st->config.keepalive_idle_ms || c->state < TCP_ESTABLISHED || c->state > TCP_CLOSE_WAIT)
		return true;
	/* data in flight is probe enough */
	if (c->snd_nxt != c->snd_una || (quiet < idle && !(c->flags & TCP_F_KEEPALIVE))) {
		c->due_idle = tcp_due(st, quiet < idle ? idle - quiet : idle);
		return true;
	}
	if ((c->flags & TCP_F_KEEPALIVE) && c->probes >= st->config.keepalive_probes)
		return give_up(st, c, TCP_END_TIMEOUT);
	c->flags |= TCP_F_KEEPALIVE;
	c->probes++;
	TCP_COUNT(st, keepalives);
	tcp_emit_probe(st, c);
	c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.keepalive_interval_ms));
	return true;
}

/* Bytes waited in vain. A hole may be the path's doing: a sender that lost several in a row repeats itself
 * after up to a minute or two (RFC 6298 5.5), so it gets more time while there is memory to wait in. */
static bool held_timeout(struct tcp_stack *st, struct tcp_conn *c)
{
	if (c->reasm == BASE_POOL_NONE || st->account.bytes > st->account.bytes_max / 2 ||
	    c->probes >= HOLE_PATIENCE)
		return give_up(st, c, TCP_END_STALLED);
	c->probes++;
	c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.held_timeout_ms));
	return true;
}

static bool idle_fire(struct tcp_stack *st, struct tcp_conn *c)
{
	c->due_idle = 0;
	if (c->state == TCP_TIME_WAIT) {
		tcp_conn_end(st, c, TCP_END_CLOSED);
		return false;
	}
	if (c->flags & TCP_F_HELD)
		return held_timeout(st, c);
	if ((c->flags & TCP_F_CLOSED) && c->state == TCP_FIN_WAIT_2) {
		TCP_COUNT(st, timeouts);
		tcp_conn_end(st, c, TCP_END_TIMEOUT);
		return false;
	}
	return keepalive(st, c);
}

static void tcp_timer_fire(struct tcp_stack *st, struct tcp_conn *c)
{
	if (reached(st, c->due_user)) {
		c->due_user = 0;
		c->flags |= TCP_F_EV_DEADLINE;
		tcp_conn_ready(st, c);
	}
	if (reached(st, c->due_ack)) {
		c->due_ack = 0;
		if (c->rcv_nxt != c->last_ack_sent) {
			TCP_COUNT(st, delayed_acks);
			c->flags |= TCP_F_ACK_NOW;
			tcp_conn_ready(st, c);
		}
	}
	if (reached(st, c->due_rtx) && !rtx_fire(st, c))
		return;
	if (reached(st, c->due_idle) && !idle_fire(st, c))
		return;
	tcp_timer_update(st, c);
}

unsigned tcp_timers(struct tcp_stack *st, uint64_t now_ns, unsigned budget)
{
	unsigned n = 0;

	tcp_stack_clock(st, now_ns);
	while (n < budget) {
		uint32_t i = wheel_pop(&st->wheel, st->tick);

		if (i == WHEEL_NONE)
			break;
		tcp_timer_fire(st, tcp_conn_at(st, i));
		n++;
	}
	if (n)
		tcp_conn_run_ready(st);
	return n;
}

uint64_t tcp_idle_ns(const struct tcp_stack *st, uint64_t now_ns)
{
	uint32_t ticks = wheel_idle(&st->wheel, (uint32_t)(now_ns >> TCP_TICK_SHIFT));

	if (st->ready_head != BASE_POOL_NONE)
		return 0;
	return ticks == UINT32_MAX ? UINT64_MAX : (uint64_t)ticks << TCP_TICK_SHIFT;
}
