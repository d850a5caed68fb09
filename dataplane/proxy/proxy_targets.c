/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an accepted request goes: the targets of the verdict's route; inside a dialog those that its signed
 * routes name, among what policy gives. What the sender wrote into Route may choose, never add. */
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_message.h"

uint8_t proxy_leaves(const struct proxy_passing *r)
{
	const struct policy_facts *f = &r->facts.facts;

	if (f->direction == POLICY_OUTBOUND || (r->verdict.flags & POLICY_VERDICT_EXTERNAL))
		return LINK_EXTERNAL;
	/* a dialog through the clearing house: both ends are outside */
	if (f->message == POLICY_IN_DIALOG && r->route.has_far && r->route.far.side == POLICY_INBOUND)
		return LINK_EXTERNAL;
	return LINK_INTERNAL;
}

uint32_t proxy_identity(const struct proxy_passing *r)
{
	if (r->verdict.own_identity)
		return r->verdict.own_identity;
	if (r->route.has_entry && r->route.entry.own_identity)
		return r->route.entry.own_identity;
	return r->c->identity;
}

static void from_route(struct proxy *p, struct proxy_passing *r, const struct policy_route *route,
		       uint64_t seed)
{
	struct policy_shortfall more;
	unsigned n = r->targets_n;

	n += policy_targets(p->view, route, r->back ? NULL : &r->c->peer, p->now_ns, seed, r->targets + n,
			    PROXY_TARGETS - n, &more);
	r->targets_n = n;
	r->domain = route->domain;
	for (unsigned i = 0; i < more.asks && r->shortfall.asks < POLICY_ASKS; i++)
		r->shortfall.ask[r->shortfall.asks++] = more.ask[i];
	r->shortfall.looped = (uint16_t)(r->shortfall.looped + more.looped);
	r->shortfall.other = (uint16_t)(r->shortfall.other + more.other);
	r->shortfall.unresolved = (uint16_t)(r->shortfall.unresolved + more.unresolved);
	r->shortfall.down = (uint16_t)(r->shortfall.down + more.down);
	r->shortfall.unknown = (uint16_t)(r->shortfall.unknown + more.unknown);
}

/* the server that had the first request of the dialog comes first */
static void prefer_hop(struct proxy_passing *r)
{
	if (!r->route.has_far || !(r->route.far.flags & ROUTE_ENTRY_HOP))
		return;
	for (unsigned i = 1; i < r->targets_n; i++) {
		struct policy_target t = r->targets[i];

		if (memcmp(t.ip, r->route.far.hop.b, 16) != 0 || t.port != r->route.far.port)
			continue;
		memmove(&r->targets[1], &r->targets[0], i * sizeof(t));
		r->targets[0] = t;
		return;
	}
}

/* to our pool: the member that has the dialog first */
static void dialog_inside(struct proxy *p, struct proxy_passing *r, uint64_t seed)
{
	const struct policy_own_domain *own = p->view->ops->own_domain(p->view, r->facts.facts.to_domain);
	const struct policy_identity *identity =
		p->view->ops->identity(p->view, own ? own->identity : proxy_identity(r));
	uint32_t id = own && own->inside_route ? own->inside_route : identity ? identity->inside_route : 0;
	struct policy_route route = {.way = POLICY_WAY_INSIDE,
				     .nth = UINT16_MAX,
				     .domain = r->facts.facts.to_domain,
				     .set = p->view->ops->route_set(p->view, id)};

	if (!route.set)
		return;
	from_route(p, r, &route, seed);
	prefer_hop(r);
}

static void expect_stored(struct proxy_passing *r, struct policy_name name)
{
	for (unsigned i = 0; i < r->targets_n; i++) {
		r->targets[i].name_len = (uint8_t)name.len;
		memcpy(r->targets[i].name, name.ptr, name.len);
		r->targets[i].name[name.len] = '\0';
	}
}

static bool is_address(struct policy_name name, const struct base_addr *ip)
{
	char text[PROXY_ADDRESS_TEXT];

	proxy_address_text(ip, text);
	return policy_name_equal(name, policy_name_of(text));
}

/* to the partner: the server that had the first request, else the one that the signed route names */
static void dialog_outside(struct proxy *p, struct proxy_passing *r, uint64_t seed)
{
	const struct route_entry *far = &r->route.far;
	const struct policy_stored *stored = r->facts.facts.stored;
	const struct policy_partner *partner = p->view->ops->partner(p->view, r->verdict.partner);
	struct policy_route route = {.domain = stored->domain};
	/* a wildcard tells who it was, and is no name to ask DNS or a server for */
	bool wild = stored->identity.len && stored->identity.ptr[0] == '*';
	struct policy_name server = stored->identity;

	if (wild)
		server = partner ? policy_str_get(partner, partner->size, partner->proxy_fqdn)
				 : (struct policy_name){"", 0};
	if (stored->by_key)
		r->verdict.flags |= POLICY_VERDICT_EXPECT_PIN;
	if (!wild && r->route.has_far && (far->flags & ROUTE_ENTRY_HOP)) {
		struct policy_target *t = &r->targets[r->targets_n++];

		memset(t, 0, offsetof(struct policy_target, name));
		memcpy(t->ip, far->hop.b, sizeof(t->ip));
		t->port = far->port;
		t->insecure = policy_hop_is_insecure(p->view, stored->domain, partner, stored->identity,
						     far->hop.b, far->port);
		/* a hop that is named by its address is asked for no name */
		if (!(t->insecure && is_address(stored->identity, &far->hop)))
			t->name_len = (uint8_t)stored->identity.len;
		if (t->name_len)
			memcpy(t->name, stored->identity.ptr, stored->identity.len);
		r->domain = stored->domain;
	}
	if (stored->type != POLICY_TYPE_DIRECT && !r->targets_n) {
		route.way = POLICY_WAY_SRV;
		route.identity_check = stored->by_key ? POLICY_IDENTITY_PINNED
				       : wild	      ? POLICY_IDENTITY_LYNC
						      : POLICY_IDENTITY_RFC5922;
		from_route(p, r, &route, seed);
		/* whichever server it is, it must show the name that the dialog began with: that of one
		 * server, or the domain's own */
		if (!stored->by_key && !wild && stored->identity.len)
			expect_stored(r, stored->identity);
	}
	if (!r->targets_n && !r->shortfall.asks && server.len) {
		route = (struct policy_route){.way = POLICY_WAY_SERVER,
					      .domain = stored->domain,
					      .host = server,
					      .port = partner ? partner->proxy_port : 0};
		from_route(p, r, &route, seed);
	}
	if (wild)
		prefer_hop(r);
}

void proxy_targets(struct proxy *p, struct proxy_passing *r, uint64_t seed)
{
	r->targets_n = 0;
	r->domain = (struct policy_name){"", 0};
	memset(&r->shortfall, 0, sizeof(r->shortfall));
	if (r->verdict.route.way != POLICY_WAY_STORED)
		from_route(p, r, &r->verdict.route, seed);
	else if (proxy_leaves(r) == LINK_INTERNAL)
		dialog_inside(p, r, seed);
	else
		dialog_outside(p, r, seed);
	backoff_order(&p->backoff, r->targets, r->targets_n, proxy_identity(r), p->now_ns);
}

void proxy_targets_back(struct proxy *p, struct proxy_passing *r, const struct policy_stored *stored,
			struct policy_name own, uint32_t partner, uint32_t identity)
{
	memset(&r->verdict, 0, offsetof(struct policy_verdict, text));
	memset(&r->shortfall, 0, sizeof(r->shortfall));
	r->verdict.partner = partner;
	r->verdict.own_identity = identity;
	r->route.has_entry = r->route.has_far = false;
	r->facts.facts.stored = stored;
	r->facts.facts.to_domain = own;
	r->domain = (struct policy_name){"", 0};
	r->targets_n = 0;
	r->back = true;
	if (stored)
		dialog_outside(p, r, base_rng_next(&p->rng));
	else
		dialog_inside(p, r, base_rng_next(&p->rng));
	r->back = false;
	backoff_order(&p->backoff, r->targets, r->targets_n, identity, p->now_ns);
}
