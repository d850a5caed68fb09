/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/conn.h"

#include <errno.h>

#include "dataplane/tcp/handshake.h"
#include "dataplane/tcp/pmtu.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/reasm.h"
#include "dataplane/tcp/rto.h"
#include "dataplane/tcp/timers.h"

enum { PORT_TRIES_MAX = 8192, RING_RESERVE = 4 };

static int app_index(struct tcp_stack *st, const struct tcp_ops *ops, void *ctx)
{
	for (unsigned i = 0; i < st->n_apps; i++)
		if (st->apps[i].ops == ops && st->apps[i].ctx == ctx)
			return (int)i;
	if (st->n_apps == TCP_APPS_MAX)
		return -ENOSPC;
	st->apps[st->n_apps] = (struct tcp_app){ops, ctx};
	return (int)st->n_apps++;
}

static struct tcp_listener *listener(struct tcp_stack *st, const struct base_addr *local, uint16_t port)
{
	for (unsigned i = 0; i < st->n_listeners; i++) {
		struct tcp_listener *l = &st->listeners[i];

		if (l->used && l->port == port && l->any == !local &&
		    (!local || base_addr_equal(local, &l->local)))
			return l;
	}
	return NULL;
}

int tcp_listen(struct tcp_stack *st, const struct base_addr *local, uint16_t port, const struct tcp_ops *ops,
	       void *ctx)
{
	struct tcp_listener *l = NULL;
	int app;

	if (listener(st, local, port))
		return -EADDRINUSE;
	for (unsigned i = 0; i < st->n_listeners && !l; i++)
		if (!st->listeners[i].used)
			l = &st->listeners[i];
	if (!l && st->n_listeners == TCP_LISTENERS_MAX)
		return -ENOSPC;
	app = app_index(st, ops, ctx);
	if (app < 0)
		return app;
	if (!l)
		l = &st->listeners[st->n_listeners++];
	*l = (struct tcp_listener){.used = true, .any = !local, .port = port, .app = (uint8_t)app};
	if (local)
		l->local = *local;
	return 0;
}

void tcp_unlisten(struct tcp_stack *st, const struct base_addr *local, uint16_t port)
{
	struct tcp_listener *l = listener(st, local, port);

	if (l)
		l->used = false;
}

/* RFC 6056: a random start, then the first port that is free and whose answers come to this core */
static int choose_port(struct tcp_stack *st, struct net_tuple *t, uint32_t *hash)
{
	uint32_t range = (uint32_t)st->config.port_last - st->config.port_first + 1;
	uint32_t start = base_rng_below(&st->rng, range),
		 tries = range < PORT_TRIES_MAX ? range : PORT_TRIES_MAX;

	for (uint32_t i = 0; i < tries; i++) {
		t->local_port = (uint16_t)(st->config.port_first + (start + i) % range);
		if (st->env.owns && !st->env.owns(st->env.ctx, t))
			continue;
		*hash = tcp_conn_hash(st, &t->remote, &t->local, t->remote_port, t->local_port);
		if (!tcp_conn_find(st, *hash, &t->remote, &t->local, t->remote_port, t->local_port))
			return 0;
	}
	return -EADDRNOTAVAIL;
}

int tcp_connect(struct tcp_stack *st, const struct net_tuple *tuple, const struct tcp_ops *ops, void *user,
		uint64_t *id)
{
	struct net_tuple t = *tuple;
	uint32_t hash;
	struct tcp_conn *c;
	int app = app_index(st, ops, NULL);

	if (app < 0)
		return app;
	if (t.local_port == 0) {
		int err = choose_port(st, &t, &hash);

		if (err)
			return err;
	} else {
		hash = tcp_conn_hash(st, &t.remote, &t.local, t.remote_port, t.local_port);
		if (tcp_conn_find(st, hash, &t.remote, &t.local, t.remote_port, t.local_port))
			return -EADDRINUSE;
	}
	c = tcp_conn_new(st, hash, &t.remote, &t.local, t.remote_port, t.local_port);
	if (!c)
		return -ENOBUFS;
	c->app = (uint8_t)app;
	c->user = user;
	c->flags &= ~TCP_F_DETACHED;
	tcp_handshake_connect(st, c);
	*id = tcp_conn_id(st, c);
	return 0;
}

unsigned tcp_flush(struct tcp_stack *st, uint64_t now_ns)
{
	tcp_stack_clock(st, now_ns);
	return st->ready_head == BASE_POOL_NONE ? 0 : tcp_conn_run_ready(st);
}

/* ---- receiving ---- */

unsigned tcp_peek(struct tcp_stack *st, uint64_t id, struct tcp_view *views, unsigned max)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);
	unsigned n = 0;

	if (!c)
		return 0;
	for (struct rte_mbuf *m = c->rx_head; m && n < max; m = m->next)
		views[n++] = (struct tcp_view){rte_pktmbuf_mtod(m, uint8_t *), m->data_len};
	return n;
}

uint32_t tcp_readable(struct tcp_stack *st, uint64_t id)
{
	const struct tcp_conn *c = tcp_conn_by_id(st, id);

	return c ? c->held : 0;
}

void tcp_consume(struct tcp_stack *st, uint64_t id, uint32_t len)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);

	if (c)
		tcp_rx_consume(st, c, len);
}

uint32_t tcp_copy(struct tcp_stack *st, uint64_t id, uint32_t offset, void *to, uint32_t len)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);
	uint32_t done = 0;

	if (!c)
		return 0;
	for (struct rte_mbuf *m = c->rx_head; m && done < len; m = m->next) {
		uint32_t n;

		if (offset >= m->data_len) {
			offset -= m->data_len;
			continue;
		}
		n = m->data_len - offset < len - done ? m->data_len - offset : len - done;
		memcpy((uint8_t *)to + done, rte_pktmbuf_mtod_offset(m, uint8_t *, offset), n);
		done += n;
		offset = 0;
	}
	return done;
}

/* ---- sending ---- */

struct rte_mbuf *tcp_alloc(struct tcp_stack *st)
{
	return tcp_emit_alloc(st);
}

static uint32_t entries_for(const struct tcp_conn *c, const struct rte_mbuf *m)
{
	uint32_t n = 0;

	for (; m; m = m->next)
		n += (m->data_len + c->mss - 1u) / c->mss;
	/* an empty one asks whether one more would be taken */
	return n ? n : 1;
}

/* makes the ring large enough for `n` more with a reserve for cutting */
static bool has_entries(struct tcp_stack *st, struct tcp_active *a, uint32_t n)
{
	if (a->tail - a->head + n + RING_RESERVE <= a->mask + 1)
		return true;
	if (a->big != BASE_POOL_NONE)
		return false;
	return tcp_active_grow(st, a) && a->tail - a->head + n + RING_RESERVE <= a->mask + 1;
}

/* `writable` is to come */
static void refused(struct tcp_stack *st, struct tcp_conn *c)
{
	c->flags |= TCP_F_WANT_WRITE;
	/* nothing of ours in flight will call back, so the clock must */
	if (c->active == BASE_POOL_NONE && !c->due_ack) {
		c->due_ack = tcp_due(st, tcp_ticks_ms(10));
		tcp_timer_update(st, c);
	}
}

int tcp_send(struct tcp_stack *st, uint64_t id, struct rte_mbuf *m)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);
	uint32_t n, charge = 0;
	struct tcp_active *a;

	if (!c)
		return -ENOTCONN;
	if (c->state == TCP_TIME_WAIT || (c->flags & (TCP_F_FIN_QUEUED | TCP_F_CLOSED)))
		return -EPIPE;
	for (const struct rte_mbuf *p = m; p; p = p->next) {
		if (p->data_len > TCP_MBUF_PAYLOAD_MAX)
			return -EINVAL;
		charge += tcp_truesize(p);
	}
	/* one that never rests tries the full size again as well */
	if (c->flags & TCP_F_BLACKHOLE)
		tcp_pmtu_age(st, c);
	a = tcp_active_get(st, c);
	n = entries_for(c, m);
	if (!a || a->queued >= st->config.snd_buffer || !has_entries(st, a, n))
		goto again;
	if (!tcp_account_charge(&st->account, c->prefix, charge))
		goto again;
	while (m) {
		struct rte_mbuf *next = m->next;

		m->next = NULL;
		m->nb_segs = 1;
		if (m->data_len) {
			tcp_output_queue(st, c, a, m, m->data_off, m->data_len);
		} else {
			tcp_account_refund(&st->account, c->prefix, tcp_truesize(m));
			rte_pktmbuf_free_seg(m);
		}
		m = next;
	}
	if (a->head == a->tail)
		tcp_active_put(st, c);
	tcp_conn_ready(st, c);
	return 0;
again:
	if (a && a->head == a->tail)
		tcp_active_put(st, c);
	refused(st, c);
	return -EAGAIN;
}

uint32_t tcp_ask(struct tcp_stack *st, uint64_t id)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);
	struct tcp_active *a;
	bool room;

	if (!c || c->state == TCP_TIME_WAIT || (c->flags & (TCP_F_FIN_QUEUED | TCP_F_CLOSED)))
		return 0;
	a = tcp_active_of(st, c);
	room = a ? a->queued < st->config.snd_buffer && has_entries(st, a, 1)
		 : st->actives.used < st->actives.capacity;
	if (!room || !tcp_account_room(&st->account, c->prefix,
				       rte_pktmbuf_data_room_size(st->env.tx_pool) +
					       (uint32_t)sizeof(struct rte_mbuf))) {
		refused(st, c);
		return 0;
	}
	return st->config.snd_buffer - (a ? a->queued : 0);
}

void tcp_warm(struct tcp_stack *st, uint64_t id)
{
	const uint8_t *c = (const uint8_t *)tcp_conn_at(st, (uint32_t)id);

	for (size_t at = 0; at < sizeof(struct tcp_conn); at += 64)
		__builtin_prefetch(c + at, 1);
}

uint32_t tcp_room(struct tcp_stack *st, uint64_t id)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);
	const struct tcp_active *a = c ? tcp_active_of(st, c) : NULL;

	if (!c || (c->flags & (TCP_F_FIN_QUEUED | TCP_F_CLOSED)))
		return 0;
	if (!a)
		return st->config.snd_buffer;
	return a->queued < st->config.snd_buffer ? st->config.snd_buffer - a->queued : 0;
}

uint32_t tcp_unacked(struct tcp_stack *st, uint64_t id)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);
	const struct tcp_active *a = c ? tcp_active_of(st, c) : NULL;

	return a ? a->queued : 0;
}

uint32_t tcp_stuck_ms(struct tcp_stack *st, uint64_t id)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);
	const struct tcp_active *a = c ? tcp_active_of(st, c) : NULL;

	if (!a || !a->first_rto_tick)
		return 0;
	return (uint32_t)(((uint64_t)(st->tick - a->first_rto_tick) << TCP_TICK_SHIFT) / 1000000);
}

uint16_t tcp_mss(struct tcp_stack *st, uint64_t id)
{
	const struct tcp_conn *c = tcp_conn_by_id(st, id);

	return c ? c->mss : 0;
}

/* ---- ending ---- */

int tcp_shutdown(struct tcp_stack *st, uint64_t id)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);

	if (!c)
		return -ENOTCONN;
	c->flags |= TCP_F_FIN_QUEUED;
	tcp_conn_ready(st, c);
	return 0;
}

void tcp_close(struct tcp_stack *st, uint64_t id)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);

	if (!c || c->state == TCP_TIME_WAIT || (c->flags & TCP_F_CLOSED))
		return;
	if (c->state == TCP_SYN_SENT) {
		tcp_conn_end(st, c, TCP_END_ABORTED);
		return;
	}
	/* RFC 9293 3.10.4, RFC 2525 2.17: who throws data away must not look as if it had been read */
	if (c->held) {
		tcp_output_reset(st, c);
		tcp_conn_end(st, c, TCP_END_DATA_LOST);
		return;
	}
	tcp_rx_free(st, c);
	c->flags |= TCP_F_FIN_QUEUED | TCP_F_CLOSED;
	if (c->state == TCP_FIN_WAIT_2) {
		c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.fin_wait_ms));
		tcp_timer_update(st, c);
	}
	tcp_conn_ready(st, c);
}

void tcp_abort(struct tcp_stack *st, uint64_t id)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);

	if (!c)
		return;
	if (c->state >= TCP_SYN_RECEIVED && c->state != TCP_TIME_WAIT)
		tcp_output_reset(st, c);
	tcp_conn_end(st, c, TCP_END_ABORTED);
}

void tcp_deadline(struct tcp_stack *st, uint64_t id, uint64_t at_ns)
{
	struct tcp_conn *c = tcp_conn_by_id(st, id);
	uint64_t ticks;

	if (!c || c->state == TCP_TIME_WAIT)
		return;
	if (at_ns == 0) {
		c->due_user = 0;
		return;
	}
	ticks = at_ns > st->now ? (at_ns - st->now + (1u << TCP_TICK_SHIFT) - 1) >> TCP_TICK_SHIFT : 1;
	c->due_user = tcp_due(st, ticks > 1u << 30 ? 1u << 30 : (uint32_t)ticks);
	tcp_timer_update(st, c);
}

/* ---- looking ---- */

void *tcp_user(struct tcp_stack *st, uint64_t id)
{
	const struct tcp_conn *c = tcp_conn_by_id(st, id);

	return c ? c->user : NULL;
}

bool tcp_tuple(struct tcp_stack *st, uint64_t id, struct net_tuple *tuple)
{
	const struct tcp_conn *c = tcp_conn_by_id(st, id);

	if (c)
		*tuple = (struct net_tuple){c->local, c->remote, c->local_port, c->remote_port};
	return c;
}

struct tcp_info tcp_info(struct tcp_stack *st, uint64_t id)
{
	const struct tcp_conn *c = tcp_conn_by_id(st, id);
	const struct tcp_active *a = c ? tcp_active_of(st, c) : NULL;

	if (!c)
		return (struct tcp_info){0};
	return (struct tcp_info){
		.state = c->state,
		.snd_una = c->snd_una,
		.snd_nxt = c->snd_nxt,
		.snd_wnd = c->snd_wnd,
		.rcv_nxt = c->rcv_nxt,
		.rcv_wnd = seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0,
		.cwnd = a ? a->cwnd : (uint32_t)c->cwnd_kept * c->mss,
		.ssthresh = a ? a->ssthresh : (uint32_t)c->ssthresh_kept * c->mss,
		.in_flight = a ? tcp_pipe(c, a) : c->snd_nxt - c->snd_una,
		.srtt_us = (uint32_t)(((uint64_t)(c->srtt_us >> 3) << TCP_US_SHIFT) / 1000),
		.rttvar_us = (uint32_t)(((uint64_t)(c->rttvar_us >> 2) << TCP_US_SHIFT) / 1000),
		.rto_us = (uint32_t)(((uint64_t)tcp_rto_us(st, c, c->retries) << TCP_US_SHIFT) / 1000),
		.mss = c->mss,
		.snd_scale = (uint8_t)tcp_snd_scale(c),
		.rcv_scale = (uint8_t)tcp_rcv_scale(c),
		.sack = c->flags & TCP_F_SACK,
		.timestamps = c->flags & TCP_F_TS,
		.ecn = c->flags & TCP_F_ECN,
		.recovering = a && a->ca_state != TCP_CA_OPEN,
	};
}
