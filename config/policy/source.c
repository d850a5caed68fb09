/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/source.h"

#include <string.h>

const struct policy_prefix *policy_listener_prefix(const struct policy_listener *listener, unsigned n)
{
	size_t at = sizeof(*listener) + n * sizeof(struct policy_prefix);

	if (listener->protocol != POLICY_PROTOCOL_SIP_TCP ||
	    at + sizeof(struct policy_prefix) > listener->size)
		return NULL;
	return (const struct policy_prefix *)(const void *)((const uint8_t *)listener + at);
}

static bool covers(const struct policy_prefix *p, const uint8_t ip[16])
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	if (p->bits > 128 || memcmp(p->ip, ip, whole) != 0)
		return false;
	return !rest || ((p->ip[whole] ^ ip[whole]) >> (8 - rest)) == 0;
}

struct source_search {
	const struct policy_view *view;
	uint32_t identity;
	const uint8_t *ip;
	bool listens, admitted;
};

static int look_listener(void *ctx, const void *record)
{
	const struct policy_listener *l = record;
	struct source_search *s = ctx;
	const struct policy_prefix *p;

	if (l->protocol != POLICY_PROTOCOL_SIP_TCP || l->side != POLICY_SIDE_INTERNAL ||
	    l->identity != s->identity)
		return 0;
	s->listens = true;
	for (unsigned i = 0; !s->admitted && (p = policy_listener_prefix(l, i)); i++)
		s->admitted = covers(p, s->ip);
	return s->admitted;
}

static int look_domain(void *ctx, const void *record)
{
	const struct policy_own_domain *own = record;
	struct source_search *s = ctx;
	const struct policy_identity *identity;
	const struct policy_route_set *set;
	struct policy_hop hop;
	uint32_t id;

	if (own->identity != s->identity)
		return 0;
	identity = s->view->ops->identity(s->view, own->identity);
	id = own->inside_route ? own->inside_route : identity ? identity->inside_route : 0;
	set = s->view->ops->route_set(s->view, id);
	for (unsigned i = 0; set && !s->admitted && policy_route_hop(set, i, &hop); i++)
		s->admitted = (hop.flags & POLICY_HOP_INSECURE) && (hop.flags & POLICY_HOP_IP) &&
			      !(hop.flags & POLICY_HOP_BLOCK) && memcmp(hop.ip, s->ip, sizeof(hop.ip)) == 0;
	return s->admitted;
}

bool policy_source_admitted(const struct policy_view *view, uint32_t identity, const uint8_t ip[16])
{
	struct source_search s = {.view = view, .identity = identity, .ip = ip};

	policy_small_each(view, POLICY_SMALL_LISTENERS, look_listener, &s);
	if (s.listens && !s.admitted)
		policy_small_each(view, POLICY_SMALL_OWN_DOMAINS, look_domain, &s);
	return s.admitted;
}
