/* SPDX-License-Identifier: BSD-3-Clause */
/* Bare TCP as a link: for next hops of which the operator said insecure, and for who connects to a listener
 * inside that is insecure; whom it lets in the proxy knows. */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "dataplane/worker/edge_link.h"

enum { RETRY_NS = 20000000 };

static void on_connected(void *user, uint64_t id)
{
	struct edge_link *l = user;
	struct link_facts facts = {.identity = l->identity_id};
	struct net_tuple tuple;

	if (tcp_tuple(l->edge->tcp.stack, id, &tuple))
		l->local_port = tuple.local_port;
	edge_link_up(l, &facts);
}

static void *on_accept(void *listener, uint64_t id, const struct net_tuple *tuple)
{
	struct edge_listener *s = listener;
	struct edge_link *l = edge_link_new(s->edge, (enum policy_side)s->side, tuple);
	struct link_facts facts = {.identity = s->identity_id};

	if (!l)
		return NULL;
	l->plain = true;
	l->below = id;
	if (edge_link_up(l, &facts))
		return l;
	edge_link_free(l);
	return NULL;
}

static void on_readable(void *user, uint64_t id)
{
	struct edge_link *l = user;
	struct tcp_stack *st = l->edge->tcp.stack;
	struct tcp_view v;

	while (tcp_peek(st, id, &v, 1) && v.len) {
		uint32_t taken = proxy_link_data(l->edge->proxy, l->conn, v.data, v.len);

		l->edge->counters[EDGE_COUNTER_bytes_in] += taken;
		tcp_consume(st, id, taken);
		if (taken < v.len)
			return; /* the proxy resumes it */
	}
}

static void on_writable(void *user, uint64_t id)
{
	struct edge_link *l = user;

	proxy_link_writable(l->edge->proxy, l->conn);
}

static void on_eof(void *user, uint64_t id)
{
	struct edge_link *l = user;

	proxy_link_eof(l->edge->proxy, l->conn);
}

static void on_closed(void *user, uint64_t id, enum tcp_end end)
{
	static const uint8_t before_up[TCP_ENDS] = {
		[TCP_END_CLOSED] = LINK_END_REFUSED,	  [TCP_END_RESET] = LINK_END_REFUSED,
		[TCP_END_REFUSED] = LINK_END_REFUSED,	  [TCP_END_TIMEOUT] = LINK_END_UNREACHABLE,
		[TCP_END_STALLED] = LINK_END_UNREACHABLE, [TCP_END_UNREACHABLE] = LINK_END_UNREACHABLE,
		[TCP_END_DATA_LOST] = LINK_END_RESET,	  [TCP_END_ABORTED] = LINK_END_LOCAL,
		[TCP_END_LIMIT] = LINK_END_LOCAL,
	};
	struct edge_link *l = user;

	if (!l->up)
		edge_link_closed(l, (enum link_end)before_up[end], NULL);
	else
		edge_link_closed(l, end == TCP_END_CLOSED ? LINK_END_CLOSED : LINK_END_RESET, NULL);
}

static const struct tcp_ops ops = {
	.accept = on_accept,
	.connected = on_connected,
	.readable = on_readable,
	.writable = on_writable,
	.eof = on_eof,
	.deadline = on_writable,
	.closed = on_closed,
};

int edge_plain_listen(struct edge_listener *s)
{
	return tcp_listen(s->edge->tcp.stack, &s->ip, s->port, &ops, s);
}

int edge_plain_connect(struct edge_link *l, const struct net_tuple *tuple)
{
	return tcp_connect(l->edge->tcp.stack, tuple, &ops, l, &l->below);
}

/* No room: the stack says when there is some. No buffer: nobody does. */
static void look_again(struct edge_link *l)
{
	tcp_deadline(l->edge->tcp.stack, l->below, l->edge->now_ns + RETRY_NS);
}

int edge_plain_reserve(struct edge_link *l, struct link_out *out)
{
	struct tcp_stack *st = l->edge->tcp.stack;
	struct rte_mbuf *m = tcp_alloc(st);

	if (!m) {
		look_again(l);
		return -EAGAIN;
	}
	out->handle[0] = (uintptr_t)m;
	out->data = rte_pktmbuf_mtod(m, uint8_t *);
	out->room = rte_pktmbuf_tailroom(m);
	return 0;
}

static int queue(struct edge_link *l, struct rte_mbuf *m)
{
	int err = tcp_send(l->edge->tcp.stack, l->below, m);

	if (err)
		rte_pktmbuf_free(m);
	return err;
}

int edge_plain_commit(struct edge_link *l, struct link_out *out, uint32_t len)
{
	struct rte_mbuf *m = (struct rte_mbuf *)out->handle[0];

	if (!len) {
		rte_pktmbuf_free(m);
		return 0;
	}
	rte_pktmbuf_append(m, (uint16_t)len);
	return queue(l, m);
}

int64_t edge_plain_send(struct edge_link *l, const void *data, size_t len)
{
	size_t at = 0;

	while (at < len) {
		struct rte_mbuf *m = tcp_alloc(l->edge->tcp.stack);
		uint32_t n;
		int err;

		if (!m) {
			look_again(l);
			break;
		}
		n = rte_pktmbuf_tailroom(m);
		n = n < len - at ? n : (uint32_t)(len - at);
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), (const char *)data + at, n);
		err = queue(l, m);
		if (err == -EAGAIN)
			break;
		if (err)
			return err;
		at += n;
	}
	return (int64_t)at;
}

void edge_plain_resume(struct edge_link *l)
{
	on_readable(l, l->below);
}
