/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/conn.h"

#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/reasm.h"
#include "dataplane/tcp/timers.h"

enum { WARM = 16 /* connections whose memory is called for at a time */ };

uint32_t tcp_conn_hash(const struct tcp_stack *st, const struct base_addr *remote,
		       const struct base_addr *local, uint16_t remote_port, uint16_t local_port)
{
	const uint64_t key[5] = {remote->q[0], remote->q[1], local->q[0], local->q[1],
				 remote_port | (uint64_t)local_port << 16};
	uint64_t h = siphash13(&st->secrets.table, key, 36);

	return (uint32_t)(h ^ h >> 32);
}

static inline bool is_tuple(const struct tcp_conn *c, const struct base_addr *remote,
			    const struct base_addr *local, uint16_t remote_port, uint16_t local_port)
{
	return c->remote_port == remote_port && c->local_port == local_port &&
	       base_addr_equal(&c->remote, remote) && base_addr_equal(&c->local, local);
}

struct tcp_conn *tcp_conn_find(struct tcp_stack *st, uint32_t hash, const struct base_addr *remote,
			       const struct base_addr *local, uint16_t remote_port, uint16_t local_port)
{
	struct tcp_table_walk w;
	uint32_t i = tcp_table_first(&st->table, hash, &w);

	while (i != TABLE_NONE) {
		struct tcp_conn *c = tcp_conn_at(st, i);

		if (c->hash == hash && is_tuple(c, remote, local, remote_port, local_port))
			return c;
		i = tcp_table_next(&st->table, &w);
	}
	TCP_ADD(st, table_steps, w.steps);
	return NULL;
}

struct tcp_conn *tcp_conn_by_id(struct tcp_stack *st, uint64_t id)
{
	uint32_t i = (uint32_t)id;
	struct tcp_conn *c;

	if (i >= st->conns.touched)
		return NULL;
	c = tcp_conn_at(st, i);
	if (c->generation != (uint32_t)(id >> 32) || (c->flags & (TCP_F_DETACHED | TCP_F_DEAD)) ||
	    c->state == TCP_CLOSED)
		return NULL;
	return c;
}

/* ---- TIME-WAIT queue ---- */

static void tw_add(struct tcp_stack *st, struct tcp_conn *c)
{
	uint32_t i = tcp_conn_index(st, c);

	c->tw_next = BASE_POOL_NONE;
	c->tw_prev = st->tw_tail;
	if (st->tw_tail != BASE_POOL_NONE)
		tcp_conn_at(st, st->tw_tail)->tw_next = i;
	else
		st->tw_head = i;
	st->tw_tail = i;
	st->stats->in_time_wait++;
}

static void tw_del(struct tcp_stack *st, struct tcp_conn *c)
{
	if (c->tw_prev != BASE_POOL_NONE)
		tcp_conn_at(st, c->tw_prev)->tw_next = c->tw_next;
	else
		st->tw_head = c->tw_next;
	if (c->tw_next != BASE_POOL_NONE)
		tcp_conn_at(st, c->tw_next)->tw_prev = c->tw_prev;
	else
		st->tw_tail = c->tw_prev;
	st->stats->in_time_wait--;
}

static bool tw_evict(struct tcp_stack *st)
{
	if (st->tw_head == BASE_POOL_NONE)
		return false;
	TCP_COUNT(st, time_wait_evicted);
	tcp_conn_end(st, tcp_conn_at(st, st->tw_head), TCP_END_CLOSED);
	return true;
}

/* ---- birth and death ---- */

struct tcp_conn *tcp_conn_new(struct tcp_stack *st, uint32_t hash, const struct base_addr *remote,
			      const struct base_addr *local, uint16_t remote_port, uint16_t local_port)
{
	struct tcp_conn *c;
	uint32_t i, prefix, generation;

	if (!tcp_account_open(&st->account, remote, &prefix)) {
		TCP_DISCARD(st, prefix_full);
		return NULL;
	}
	i = base_pool_get(&st->conns);
	if (i == BASE_POOL_NONE && tw_evict(st))
		i = base_pool_get(&st->conns);
	if (i == BASE_POOL_NONE)
		goto full;
	if (!tcp_table_add(&st->table, hash, i)) {
		/* the slot was never shown: its generation may stay */
		base_pool_put(&st->conns, i);
		goto full;
	}
	c = tcp_conn_at(st, i);
	generation = c->generation ? c->generation : 1;
	*c = (struct tcp_conn){
		.remote = *remote,
		.local = *local,
		.remote_port = remote_port,
		.local_port = local_port,
		.hash = hash,
		.generation = generation,
		.flags = TCP_F_DETACHED | TCP_F_IN_TABLE,
		.active = BASE_POOL_NONE,
		.reasm = BASE_POOL_NONE,
		.ready_next = BASE_POOL_NONE,
		.prefix = prefix,
		.ssthresh_kept = 0xffff,
		.last_rx_tick = st->tick,
		.challenged = (uint16_t)((st->tick >> 8) - 0x8000),
	};
	wheel_link_init(&c->timer);
	st->stats->connections++;
	return c;
full:
	tcp_account_close(&st->account, prefix);
	TCP_DISCARD(st, connections_full);
	return NULL;
}

/* leaves the half-open count */
static void tcp_conn_not_half_open(struct tcp_stack *st, struct tcp_conn *c)
{
	if (!(c->flags & TCP_F_HALF_OPEN))
		return;
	c->flags &= ~TCP_F_HALF_OPEN;
	st->stats->half_open--;
	st->account.prefixes[c->prefix].half_open--;
}

static void release(struct tcp_stack *st, struct tcp_conn *c)
{
	if (++c->generation == 0)
		c->generation = 1;
	if (c->flags & TCP_F_READY) {
		c->flags |= TCP_F_DEAD;
		return;
	}
	base_pool_put(&st->conns, tcp_conn_index(st, c));
}

/* whatever it holds beyond itself */
static void strip(struct tcp_stack *st, struct tcp_conn *c)
{
	tcp_rx_free(st, c);
	tcp_active_put(st, c);
}

void tcp_conn_end(struct tcp_stack *st, struct tcp_conn *c, enum tcp_end end)
{
	if (c->state == TCP_CLOSED && !(c->flags & TCP_F_IN_TABLE))
		return;
	if (c->state == TCP_TIME_WAIT && (c->flags & TCP_F_DETACHED))
		tw_del(st, c);
	else
		strip(st, c);
	tcp_conn_not_half_open(st, c);
	wheel_disarm(&st->wheel, tcp_conn_index(st, c));
	c->due_rtx = c->due_ack = c->due_idle = c->due_user = 0;
	tcp_table_del(&st->table, c->hash, tcp_conn_index(st, c));
	c->flags &= ~TCP_F_IN_TABLE;
	tcp_account_close(&st->account, c->prefix);
	st->stats->connections--;
	TCP_COUNT(st, closed);
	c->state = TCP_CLOSED;
	if (c->flags & TCP_F_DETACHED) {
		release(st, c);
		return;
	}
	/* a connection that reached TIME-WAIT with its event still to come ended in order */
	if (!(c->flags & TCP_F_EV_END))
		c->end = end;
	c->flags |= TCP_F_EV_END;
	tcp_conn_ready(st, c);
}

static void time_wait_detach(struct tcp_stack *st, struct tcp_conn *c)
{
	strip(st, c);
	c->flags |= TCP_F_DETACHED;
	tw_add(st, c);
	if (st->stats->in_time_wait > st->config.time_wait)
		tw_evict(st);
}

void tcp_conn_time_wait(struct tcp_stack *st, struct tcp_conn *c)
{
	c->state = TCP_TIME_WAIT;
	TCP_COUNT(st, time_wait);
	c->due_rtx = c->due_user = 0;
	c->timer_kind = TCP_TIMER_NONE;
	c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.time_wait_ms));
	tcp_timer_update(st, c);
	if (c->flags & TCP_F_DETACHED) {
		/* an accept that was never delivered has no one to tell */
		c->flags &= ~TCP_F_EV_ACCEPT;
		time_wait_detach(st, c);
		return;
	}
	c->end = TCP_END_CLOSED;
	c->flags |= TCP_F_EV_END;
	tcp_conn_ready(st, c);
}

void tcp_conn_establish(struct tcp_stack *st, struct tcp_conn *c)
{
	tcp_conn_not_half_open(st, c);
	c->state = TCP_ESTABLISHED;
	c->retries = 0;
	c->due_rtx = 0;
	c->timer_kind = TCP_TIMER_NONE;
	c->due_idle =
		st->config.keepalive_idle_ms ? tcp_due(st, tcp_ticks_ms(st->config.keepalive_idle_ms)) : 0;
	if (c->flags & TCP_F_ACTIVE_OPEN) {
		TCP_COUNT(st, connected);
		c->flags |= TCP_F_EV_CONNECTED;
	} else {
		TCP_COUNT(st, accepted);
		c->flags |= TCP_F_EV_ACCEPT;
	}
	tcp_timer_update(st, c);
	tcp_conn_ready(st, c);
}

/* ---- the ready list ---- */

void tcp_conn_ready(struct tcp_stack *st, struct tcp_conn *c)
{
	uint32_t i = tcp_conn_index(st, c);

	if (c->flags & TCP_F_READY)
		return;
	c->flags |= TCP_F_READY;
	c->ready_next = BASE_POOL_NONE;
	if (st->ready_tail != BASE_POOL_NONE)
		tcp_conn_at(st, st->ready_tail)->ready_next = i;
	else
		st->ready_head = i;
	st->ready_tail = i;
}

/* false: c may be gone */
static bool deliver_accept(struct tcp_stack *st, struct tcp_conn *c)
{
	const struct tcp_app *app = tcp_app_of(st, c);
	struct net_tuple t = {c->local, c->remote, c->local_port, c->remote_port};

	c->flags &= ~(TCP_F_EV_ACCEPT | TCP_F_DETACHED);
	c->user = app->ops->accept ? app->ops->accept(app->ctx, tcp_conn_id(st, c), &t) : NULL;
	if (c->user)
		return true;
	TCP_DISCARD(st, refused);
	c->flags |= TCP_F_DETACHED;
	if (c->state == TCP_CLOSED) {
		/* the handler aborted it as well: it waits on the ready list */
		c->flags &= ~TCP_F_EV_END;
		release(st, c);
		return false;
	}
	tcp_output_reset(st, c);
	tcp_conn_end(st, c, TCP_END_ABORTED);
	return false;
}

/* Takes event `ev` off and says whether it is to be delivered: an upper layer that closed wants no more of
 * them. */
static inline bool takes(struct tcp_conn *c, uint32_t ev)
{
	bool is = (c->flags & ev) && !(c->flags & TCP_F_CLOSED) && c->state != TCP_CLOSED;

	c->flags &= ~ev;
	return is;
}

static void deliver_end(struct tcp_stack *st, struct tcp_conn *c)
{
	const struct tcp_ops *ops = tcp_app_of(st, c)->ops;
	bool wait = c->state == TCP_TIME_WAIT;

	c->flags &= ~TCP_F_EV_END;
	if (ops->closed)
		ops->closed(c->user, tcp_conn_id(st, c), c->end);
	c->user = NULL;
	if (wait && c->state == TCP_TIME_WAIT) {
		time_wait_detach(st, c);
		return;
	}
	c->flags |= TCP_F_DETACHED;
	release(st, c);
}

static void deliver(struct tcp_stack *st, struct tcp_conn *c)
{
	const struct tcp_ops *ops;
	uint64_t id;

	if ((c->flags & TCP_F_EV_ACCEPT) && !deliver_accept(st, c))
		return;
	ops = tcp_app_of(st, c)->ops;
	id = tcp_conn_id(st, c);
	if (c->flags &
	    (TCP_F_EV_CONNECTED | TCP_F_EV_READ | TCP_F_EV_EOF | TCP_F_EV_WRITE | TCP_F_EV_DEADLINE)) {
		if (takes(c, TCP_F_EV_CONNECTED) && ops->connected)
			ops->connected(c->user, id);
		if (takes(c, TCP_F_EV_READ) && ops->readable)
			ops->readable(c->user, id);
		if (takes(c, TCP_F_EV_EOF) && ops->eof)
			ops->eof(c->user, id);
		if (takes(c, TCP_F_EV_WRITE) && ops->writable)
			ops->writable(c->user, id);
		if (takes(c, TCP_F_EV_DEADLINE) && ops->deadline)
			ops->deadline(c->user, id);
	}
	if (c->state != TCP_CLOSED) {
		tcp_rx_settle(st, c);
		if (c->state != TCP_CLOSED)
			tcp_output(st, c);
	}
	if ((c->flags & TCP_F_EV_END) && !(c->flags & TCP_F_DETACHED))
		deliver_end(st, c);
}

/* Of a thousand busy connections hardly one has its session in a cache: that of the next few is called for
 * while there are others to do. How many were seen to; they are the first of the list. */
static unsigned warm_ready(struct tcp_stack *st)
{
	struct {
		void (*warm)(void *user, unsigned step);
		void *user;
	} w[WARM];
	uint32_t i = st->ready_head;
	unsigned n = 0, seen = 0;

	for (; i != BASE_POOL_NONE && seen < WARM; seen++) {
		const struct tcp_conn *c = tcp_conn_at(st, i);

		i = c->ready_next;
		if ((c->flags & (TCP_F_EV_READ | TCP_F_EV_ACCEPT | TCP_F_DETACHED | TCP_F_DEAD)) !=
			    TCP_F_EV_READ ||
		    !c->user)
			continue;
		w[n].warm = tcp_app_of(st, c)->ops->warm;
		w[n].user = c->user;
		n += w[n].warm != NULL;
	}
	/* alone it would wait for each step */
	for (unsigned step = 0; n > 1 && step < TCP_WARM_STEPS; step++)
		for (unsigned k = 0; k < n; k++)
			w[k].warm(w[k].user, step);
	return seen;
}

unsigned tcp_conn_run_ready(struct tcp_stack *st)
{
	unsigned n = 0, warm = 0;

	while (st->ready_head != BASE_POOL_NONE) {
		uint32_t i = st->ready_head;
		struct tcp_conn *c = tcp_conn_at(st, i);

		if (warm == 0)
			warm = warm_ready(st);
		warm--;
		st->ready_head = c->ready_next;
		if (st->ready_head == BASE_POOL_NONE)
			st->ready_tail = BASE_POOL_NONE;
		else
			__builtin_prefetch(tcp_conn_at(st, st->ready_head));
		c->flags &= ~TCP_F_READY;
		if (c->flags & TCP_F_DEAD)
			base_pool_put(&st->conns, i);
		else
			deliver(st, c);
		n++;
	}
	st->stats->held_bytes = st->account.bytes;
	st->stats->held_peak = st->account.peak;
	return n;
}
