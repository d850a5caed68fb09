/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/edge_link.h"

#include <errno.h>
#include <string.h>

#include "dataplane/tls/peer.h"

/* ---- life ---- */

struct edge_link *edge_link_new(struct edge *e, enum policy_side side, const struct net_tuple *tuple)
{
	uint32_t i = base_pool_get(&e->links), generation;
	struct edge_link *l;

	if (i == BASE_POOL_NONE) {
		e->counters[EDGE_COUNTER_refused_links]++;
		return NULL;
	}
	l = base_pool_at(&e->links, i);
	generation = l->generation + 1;
	memset(l, 0, sizeof(*l));
	l->generation = generation;
	l->edge = e;
	l->side = (uint8_t)side;
	l->local = tuple->local;
	l->remote = tuple->remote;
	l->local_port = tuple->local_port;
	l->remote_port = tuple->remote_port;
	e->counters[EDGE_COUNTER_links]++;
	return l;
}

void edge_link_free(struct edge_link *l)
{
	struct edge *e = l->edge;

	l->generation++;
	e->counters[EDGE_COUNTER_links]--;
	/* one that waits in the list of those to resume leaves the pool there */
	l->gone = true;
	if (!l->resuming)
		base_pool_put(&e->links, base_pool_index(&e->links, l));
}

static uint64_t id_of(const struct edge_link *l)
{
	return (uint64_t)l->generation << 32 | base_pool_index(&l->edge->links, l);
}

static struct edge_link *link_of(struct edge *e, uint64_t id)
{
	uint32_t i = (uint32_t)id, generation = (uint32_t)(id >> 32);
	struct edge_link *l;

	if (i >= e->links.touched || !(generation & 1))
		return NULL;
	l = base_pool_at(&e->links, i);
	return l->generation == generation ? l : NULL;
}

/* ---- upward ---- */

bool edge_link_up(struct edge_link *l, struct link_facts *facts)
{
	static const uint8_t ready[2][2] = {
		{EDGE_COUNTER_accepted_external, EDGE_COUNTER_accepted_internal},
		{EDGE_COUNTER_opened_external, EDGE_COUNTER_opened_internal},
	};
	struct edge *e = l->edge;

	l->up = true;
	facts->side = l->side == POLICY_SIDE_EXTERNAL ? LINK_EXTERNAL : LINK_INTERNAL;
	facts->outgoing = l->outgoing;
	facts->local = l->local;
	facts->remote = l->remote;
	facts->local_port = l->local_port;
	facts->remote_port = l->remote_port;
	e->counters[ready[l->outgoing][facts->side]]++;
	if (l->outgoing)
		proxy_link_up(e->proxy, l->conn, facts);
	else
		l->conn = proxy_link_accepted(e->proxy, id_of(l), facts);
	return l->conn != LINK_NONE;
}

void edge_link_lost(struct edge_link *l, enum link_end end, const char *why)
{
	uint64_t conn = l->conn;

	l->conn = LINK_NONE;
	if (conn)
		proxy_link_closed(l->edge->proxy, conn, end, why);
}

void edge_link_closed(struct edge_link *l, enum link_end end, const char *why)
{
	edge_link_lost(l, end, why);
	edge_link_free(l);
}

/* ---- downward ---- */

/* the place of an identity on a side; one that is not named is the first */
static int place_of(const struct edge_config *c, uint32_t id, enum policy_side side)
{
	for (unsigned i = 0; i < TLS_IDENTITIES_MAX; i++)
		if (c->identities[i].id && c->identities[i].side == side &&
		    (!id || c->identities[i].id == id))
			return (int)i;
	return -1;
}

/* an address of the identity where it has one of this family, else the one nearest to the peer */
static int source(const struct edge *e, int identity, enum policy_side side, const struct base_addr *to,
		  struct base_addr *from)
{
	enum net_side where = side == POLICY_SIDE_EXTERNAL ? NET_EXTERNAL : NET_INTERNAL;

	for (unsigned i = 0; e->config && i < e->config->n_listens; i++) {
		const struct edge_listen *l = &e->config->listens[i];
		int port;

		if (l->side != side || l->identity != identity ||
		    base_addr_is_v4(&l->ip) != base_addr_is_v4(to))
			continue;
		port = net_port_of(e->worker->shared, &l->ip);
		if (port >= 0 && net_port_side(e->worker->shared, (unsigned)port) == where) {
			*from = l->ip;
			return 0;
		}
	}
	return net_source_for(e->worker->shared, where, to, from);
}

int edge_link_source(const struct edge *e, uint32_t identity, enum policy_side side,
		     const struct base_addr *to, struct base_addr *from)
{
	return source(e, place_of(e->config, identity, side), side, to, from);
}

static int link_connect(void *ctx, const struct link_connect *to, uint64_t conn, uint64_t *id)
{
	struct edge *e = ctx;
	enum policy_side side = to->side == LINK_EXTERNAL ? POLICY_SIDE_EXTERNAL : POLICY_SIDE_INTERNAL;
	struct net_tuple tuple = {.remote = to->ip, .remote_port = to->port};
	struct edge_link *l;
	int err;

	if (!e->config)
		return -ENOENT;
	err = edge_link_source(e, to->identity, side, &to->ip, &tuple.local);
	if (err)
		return err;
	l = edge_link_new(e, side, &tuple);
	if (!l)
		return -ENFILE;
	l->outgoing = true;
	l->conn = conn;
	l->plain = to->insecure;
	l->identity_id = to->identity;
	err = to->insecure ? edge_plain_connect(l, &tuple) : edge_secure_connect(l, to, &tuple);
	if (err) {
		edge_link_free(l);
		return err;
	}
	*id = id_of(l);
	return 0;
}

static int link_reserve(void *ctx, uint64_t id, struct link_out *out)
{
	struct edge *e = ctx;
	struct edge_link *l = link_of(e, id);
	struct tls_out t;
	int err;

	if (!l)
		return -ENOTCONN;
	if (l->plain)
		return edge_plain_reserve(l, out);
	/* What libssl takes in part cannot be given back: such a session is for send() alone. */
	if (!tls_commits_whole(e->tls.core, l->below))
		return -EAGAIN;
	err = tls_reserve(e->tls.core, l->below, &t);
	if (err)
		return err;
	out->handle[0] = (uintptr_t)t.buffer.handle;
	out->handle[1] = (uintptr_t)t.buffer.data;
	out->data = t.data;
	out->room = t.room;
	e->reserved_room = t.buffer.room;
	return 0;
}

static int link_commit(void *ctx, uint64_t id, struct link_out *out, uint32_t len)
{
	struct edge *e = ctx;
	struct edge_link *l = link_of(e, id);
	struct tls_out t = {.buffer = {.handle = (void *)out->handle[0],
				       .data = (uint8_t *)out->handle[1],
				       .room = e->reserved_room},
			    .data = out->data,
			    .room = out->room};

	if (l && l->plain)
		return edge_plain_commit(l, out, len);
	return tls_commit(e->tls.core, l ? l->below : TLS_ID_NONE, &t, len);
}

static int64_t link_send(void *ctx, uint64_t id, const void *data, size_t len)
{
	struct edge *e = ctx;
	struct edge_link *l = link_of(e, id);

	if (!l)
		return -ENOTCONN;
	return l->plain ? edge_plain_send(l, data, len) : tls_send(e->tls.core, l->below, data, len);
}

static struct policy_name link_peer_name(void *ctx, uint64_t id, unsigned i)
{
	struct edge *e = ctx;
	struct edge_link *l = link_of(e, id);
	const struct tls_peer *peer =
		l && !l->plain && !l->pinned ? tls_peer_get(e->tls.core, l->below) : NULL;

	return peer && i < peer->names ? tls_peer_name(peer, i) : (struct policy_name){"", 0};
}

/* Events never come from inside of a call: it is put into a list. */
static void link_resume(void *ctx, uint64_t id)
{
	struct edge *e = ctx;
	struct edge_link *l = link_of(e, id);

	if (!l || l->resuming)
		return;
	l->resuming = true;
	l->resume_next = e->resume_head;
	e->resume_head = base_pool_index(&e->links, l);
}

unsigned edge_link_turn(struct edge *e)
{
	uint32_t i = e->resume_head;
	unsigned n = 0;

	/* those that ask again meanwhile come next turn */
	e->resume_head = BASE_POOL_NONE;
	while (i != BASE_POOL_NONE) {
		struct edge_link *l = base_pool_at(&e->links, i);

		i = l->resume_next;
		l->resuming = false;
		n++;
		if (l->gone)
			base_pool_put(&e->links, base_pool_index(&e->links, l));
		else if (l->plain)
			edge_plain_resume(l);
		else
			tls_resume(e->tls.core, l->below);
	}
	return n;
}

static void link_warm(void *ctx, uint64_t id, unsigned step)
{
	struct edge *e = ctx;
	const struct edge_link *l = base_pool_at(&e->links, (uint32_t)id);

	if (step == 0) {
		__builtin_prefetch(l);
		__builtin_prefetch((const uint8_t *)l + sizeof(*l) - 1);
		return;
	}
	l = link_of(e, id);
	if (l && !l->plain)
		tls_warm(e->tls.core, l->below, step - 1);
}

static uint32_t link_stuck(void *ctx, uint64_t id)
{
	struct edge *e = ctx;
	struct edge_link *l = link_of(e, id);

	if (!l)
		return 0;
	return l->plain ? tcp_stuck_ms(e->tcp.stack, l->below) : tls_tcp_stuck_ms(&e->tls, l->below);
}

static void link_close(void *ctx, uint64_t id)
{
	struct edge *e = ctx;
	struct edge_link *l = link_of(e, id);

	if (l && l->plain)
		tcp_close(e->tcp.stack, l->below);
	else if (l)
		tls_close(e->tls.core, l->below);
}

static void link_abort(void *ctx, uint64_t id)
{
	struct edge *e = ctx;
	struct edge_link *l = link_of(e, id);

	if (l && l->plain)
		tcp_abort(e->tcp.stack, l->below);
	else if (l)
		tls_abort(e->tls.core, l->below);
}

const struct link_ops edge_links = {
	.connect = link_connect,
	.reserve = link_reserve,
	.commit = link_commit,
	.send = link_send,
	.peer_name = link_peer_name,
	.resume = link_resume,
	.warm = link_warm,
	.close = link_close,
	.abort = link_abort,
	.stuck = link_stuck,
};
