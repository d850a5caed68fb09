/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "dataplane/worker/edge_link.h"

static struct edge_listener *find(struct edge *e, const struct edge_listen *l)
{
	for (unsigned i = 0; i < EDGE_LISTENER_SLOTS; i++) {
		struct edge_listener *s = &e->listeners[i];

		/* Of the other side, or with TLS, it is another listener: a half-open connection must not
		 * change. */
		if (s->on && s->port == l->port && s->side == l->side && s->plain == l->plain &&
		    base_addr_equal(&s->ip, &l->ip))
			return s;
	}
	return NULL;
}

static bool wanted(const struct edge_config *c, const struct edge_listener *s)
{
	for (unsigned i = 0; i < c->n_listens; i++)
		if (s->port == c->listens[i].port && s->side == c->listens[i].side &&
		    s->plain == c->listens[i].plain && base_addr_equal(&s->ip, &c->listens[i].ip))
			return true;
	return false;
}

static struct edge_listener *slot(struct edge *e)
{
	for (unsigned i = 0; i < EDGE_LISTENER_SLOTS; i++)
		if (!e->listeners[i].on && e->now_ns >= e->listeners[i].free_ns)
			return &e->listeners[i];
	return NULL;
}

/* Without TLS: on an address of an internal port, whatever the policy says; frames to it come in over that
 * port alone (net/ is a host of the strong model). */
static bool inside(const struct edge *e, const struct base_addr *ip)
{
	int port = net_port_of(e->worker->shared, ip);

	return port >= 0 && net_port_side(e->worker->shared, (unsigned)port) == NET_INTERNAL;
}

static bool begin(struct edge *e, const struct edge_listen *l)
{
	struct edge_listener *s = slot(e);

	if (!s)
		return false;
	s->edge = e;
	s->ip = l->ip;
	s->port = l->port;
	s->side = l->side;
	s->plain = l->plain;
	s->identity_id = l->identity_id;
	if (l->plain) {
		s->on = inside(e, &l->ip) && !edge_plain_listen(s);
		return s->on;
	}
	s->tls = (struct tls_tcp_listener){.tls = &e->tls,
					   .profile = l->profile,
					   .identity = l->identity,
					   .ops = &edge_secure_ops,
					   .accept = edge_secure_accept,
					   .ctx = s};
	if (tls_tcp_listen(&s->tls, &s->ip, s->port))
		return false;
	s->on = true;
	return true;
}

void edge_listen_follow(struct edge *e)
{
	const struct edge_config *c = e->config;

	for (unsigned i = 0; i < EDGE_LISTENER_SLOTS; i++) {
		struct edge_listener *s = &e->listeners[i];

		if (!s->on || wanted(c, s))
			continue;
		tcp_unlisten(e->tcp.stack, &s->ip, s->port);
		s->on = false;
		s->free_ns = e->now_ns + EDGE_LINGER_S * UINT64_C(1000000000);
		e->counters[EDGE_COUNTER_listeners]--;
	}
	for (unsigned i = 0; i < c->n_listens; i++) {
		struct edge_listener *s = find(e, &c->listens[i]);

		if (s) {
			s->tls.profile = c->listens[i].profile;
			s->tls.identity = c->listens[i].identity;
			s->identity_id = c->listens[i].identity_id;
		} else if (begin(e, &c->listens[i])) {
			e->counters[EDGE_COUNTER_listeners]++;
		} else {
			e->counters[EDGE_COUNTER_listen_failed]++;
		}
	}
}
