/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/proxy_self.h"

#include "config/policy/source.h"
#include "dataplane/proxy/proxy_conn.h"

enum { OWN_FAMILY = 1, OWN_ADDRESS = 2, OWN_IDENTITY = 4 };

static int take_identity(void *ctx, const void *record)
{
	const struct policy_identity *identity = record;
	struct policy_name fqdn = policy_str_get(identity, identity->size, identity->public_fqdn);
	struct proxy_self *s = ctx;

	if (s->names_n == PROXY_SELF_MAX || fqdn.len > PROXY_SELF_TEXT - s->used)
		return 1;
	if (!fqdn.len)
		return 0;
	memcpy(s->text + s->used, fqdn.ptr, fqdn.len);
	s->identity[s->names_n] = identity->id;
	s->names[s->names_n++] = (struct policy_name){s->text + s->used, fqdn.len};
	s->used += fqdn.len;
	return 0;
}

static int take_listener(void *ctx, const void *record)
{
	static const struct base_addr any6, any4 = {.b = {[10] = 0xff, [11] = 0xff}};
	const struct policy_listener *listener = record;
	struct proxy_self *s = ctx;
	struct proxy_self_listener *l = &s->listener[s->listeners_n];

	if (s->listeners_n == PROXY_SELF_MAX)
		return 1;
	if (listener->protocol != POLICY_PROTOCOL_SIP && listener->protocol != POLICY_PROTOCOL_SIP_TCP)
		return 0;
	l->plain = listener->protocol == POLICY_PROTOCOL_SIP_TCP;
	l->identity = listener->identity;
	memcpy(l->ip.b, listener->ip, sizeof(l->ip.b));
	l->port = listener->port;
	l->side = listener->side;
	l->any = base_addr_equal(&l->ip, &any4) || base_addr_equal(&l->ip, &any6);
	proxy_address_text(&l->ip, l->host);
	if (!l->any)
		s->addrs[s->addrs_n++] = l->ip;
	s->listeners_n++;
	return 0;
}

void proxy_self_refresh(struct proxy *p)
{
	struct proxy_self *s = p->self;

	if (!p->view || (s->known && s->view == p->view && s->generation == p->view->generation))
		return;
	s->known = true;
	s->view = p->view;
	s->generation = p->view->generation;
	s->names_n = s->listeners_n = s->addrs_n = 0;
	s->used = 0;
	policy_small_each(p->view, POLICY_SMALL_IDENTITIES, take_identity, s);
	policy_small_each(p->view, POLICY_SMALL_LISTENERS, take_listener, s);
	p->trust_epoch++;
}

/* How near it is to the peer: of this identity first, then on the very address that he reaches, then of his
 * family. */
static unsigned fitness(const struct proxy_self_listener *l, uint32_t identity, const struct base_addr *local)
{
	unsigned fit = l->identity == identity ? OWN_IDENTITY : 0;

	if (local && base_addr_equal(&l->ip, local))
		fit += OWN_ADDRESS;
	else if (local && base_addr_is_v4(&l->ip) == base_addr_is_v4(local))
		fit += OWN_FAMILY;
	return fit;
}

static const struct proxy_self_listener *listener_of(const struct proxy_self *s, uint8_t side, bool plain,
						     uint32_t identity, const struct base_addr *local)
{
	uint8_t want = side == LINK_EXTERNAL ? POLICY_SIDE_EXTERNAL : POLICY_SIDE_INTERNAL;
	const struct proxy_self_listener *best = NULL;
	unsigned fit, most = 0;

	for (unsigned i = 0; i < s->listeners_n; i++) {
		const struct proxy_self_listener *l = &s->listener[i];

		if (l->side != want || l->plain != plain || (plain && l->identity != identity))
			continue;
		fit = fitness(l, identity, local);
		if (best && fit <= most)
			continue;
		best = l;
		most = fit;
		if (fit == (local ? OWN_IDENTITY + OWN_ADDRESS : OWN_IDENTITY))
			break;
	}
	return best;
}

struct proxy_face proxy_self_face(const struct proxy *p, uint8_t side, uint32_t identity,
				  const struct proxy_conn *c)
{
	const struct base_addr *local = c && c->side == side ? &c->local : NULL;
	const struct proxy_self_listener *l = NULL;
	struct proxy_face f;

	if (local && !c->secure)
		l = listener_of(p->self, side, true, identity, local);
	if (!l)
		l = listener_of(p->self, side, false, identity, local);
	f = (struct proxy_face){{"", 0}, l && l->port ? l->port : 5061, l && l->plain};
	if (side == LINK_EXTERNAL)
		for (unsigned i = 0; i < p->self->names_n; i++)
			if (p->self->identity[i] == identity)
				f.host = p->self->names[i];
	if (!f.host.len && l && !l->any)
		f.host = policy_name_of(l->host);
	if (!f.host.len && c && c->side == side)
		f.host = policy_name_of(c->local_text);
	if (!f.host.len && p->self->names_n)
		f.host = p->self->names[0];
	if (!f.host.len)
		f.host = policy_name_of("sallyport.invalid");
	return f;
}

void proxy_self_route(const struct proxy *p, const struct proxy_conn *c, struct route_self *out)
{
	struct proxy_self *s = p->self;

	/* the address that this very peer reached counts too: listeners may be on every address */
	s->addrs[s->addrs_n < PROXY_SELF_MAX ? s->addrs_n : PROXY_SELF_MAX - 1] = c->local;
	*out = (struct route_self){.names = s->names,
				   .names_n = s->names_n,
				   .side = c->side == LINK_EXTERNAL ? POLICY_INBOUND : POLICY_OUTBOUND,
				   .own_identity = c->side == LINK_EXTERNAL ? c->identity : 0,
				   .now_s = (uint32_t)p->wall_s,
				   .addrs = s->addrs,
				   .addrs_n = s->addrs_n < PROXY_SELF_MAX ? s->addrs_n + 1 : PROXY_SELF_MAX};
}

bool proxy_self_is(const struct proxy *p, const struct proxy_conn *c, const struct sip_msg *m,
		   const struct sip_host *host)
{
	struct route_self self;

	proxy_self_route(p, c, &self);
	return route_is_self(&self, m, host);
}

bool proxy_self_trusts(struct proxy *p, struct proxy_conn *c)
{
	if (c->side != LINK_INTERNAL || !p->view)
		return false;
	if (c->trust_epoch == p->trust_epoch)
		return c->peer.trusted_internal;
	c->trust_epoch = p->trust_epoch;
	/* plain TCP is only where the operator says so, still: to a next hop, or with who may connect so */
	c->peer.trusted_internal =
		c->peer.insecure &&
		((!c->plain_in && c->peer.names_n &&
		  policy_any_hop_is_insecure(p->view, c->peer.names[0], c->remote.b, c->remote_port)) ||
		 policy_source_admitted(p->view, c->identity, c->remote.b));
	for (unsigned i = 0; i < c->peer.names_n && c->secure && !c->peer.trusted_internal; i++)
		c->peer.trusted_internal =
			policy_small_named(p->view, POLICY_SMALL_INNER, c->peer.names[i]) != NULL;
	return c->peer.trusted_internal;
}
