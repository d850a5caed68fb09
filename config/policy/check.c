/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/check.h"

#include <stdio.h>

#include "config/policy/choice.h"
#include "config/policy/decide.h"

enum { SEVERITY_W, SEVERITY_E };

static const struct {
	const char *name;
	bool error;
	const char *what, *todo;
} finding_info[POLICY_FINDINGS] = {
#define X(name, severity, what, todo) {#name, SEVERITY_##severity, what, todo},
#include "config/policy/finding.def"
#undef X
};

struct checker {
	const struct policy_view *view;
	const struct policy_listing *listing;
	policy_finding_fn report;
	void *ctx;
	unsigned errors;
};

static const struct policy_name check_none = {"", 0};

static void check_say(struct checker *c, enum policy_finding_code code, struct policy_name where,
		      bool subtree, struct policy_name other)
{
	struct policy_finding f = {.code = (uint8_t)code,
				   .error = finding_info[code].error,
				   .subtree = subtree,
				   .where = where,
				   .other = other};

	c->errors += f.error;
	c->report(c->ctx, &f);
}

const char *policy_finding_name(unsigned code)
{
	return code < POLICY_FINDINGS ? finding_info[code].name : "UNKNOWN";
}

/* writes `text` with %s replaced; appends at *at */
static void finding_text(char *buf, size_t cap, size_t *at, const char *text, struct policy_name other)
{
	for (; *text; text++) {
		int n;

		if (text[0] == '%' && text[1] == 's') {
			n = snprintf(*at < cap ? buf + *at : NULL, *at < cap ? cap - *at : 0, "%.*s",
				     (int)other.len, other.ptr);
			*at += n > 0 ? (size_t)n : 0;
			text++;
			continue;
		}
		if (*at + 1 < cap)
			buf[*at] = *text;
		(*at)++;
	}
	if (cap)
		buf[*at < cap ? *at : cap - 1] = '\0';
}

int policy_finding_write(const struct policy_finding *f, char *buf, size_t cap)
{
	size_t at = 0;

	if (f->code >= POLICY_FINDINGS)
		return 0;
	if (f->where.len) {
		if (f->subtree)
			finding_text(buf, cap, &at, "*.", check_none);
		finding_text(buf, cap, &at, "%s", f->where);
		finding_text(buf, cap, &at, ": ", check_none);
	}
	finding_text(buf, cap, &at, finding_info[f->code].what, f->other);
	finding_text(buf, cap, &at, "; ", check_none);
	finding_text(buf, cap, &at, finding_info[f->code].todo, f->other);
	return (int)at;
}

static struct policy_name check_tail(struct policy_name name, uint16_t from)
{
	return (struct policy_name){name.ptr + from, name.len - from};
}

static int check_draft_each(const void *source, policy_domain_fn fn, void *ctx)
{
	return policy_draft_each_domain(source, fn, ctx);
}

static const struct policy_provider *check_draft_provider(const void *source, unsigned i)
{
	return policy_draft_provider_at(source, i);
}

static const struct policy_own_domain *check_draft_own(const void *source, unsigned i)
{
	return policy_draft_own_domain_at(source, i);
}

static const struct policy_route_set *check_draft_route(const void *source, unsigned i)
{
	return policy_draft_route_set_at(source, i);
}

struct policy_listing policy_draft_listing(const struct policy_draft *draft)
{
	return (struct policy_listing){.view = policy_draft_view(draft),
				       .each_domain = check_draft_each,
				       .provider_at = check_draft_provider,
				       .own_domain_at = check_draft_own,
				       .route_set_at = check_draft_route,
				       .source = draft};
}

/* ---- one domain entry ---- */

static void check_server(struct checker *c, struct policy_name where, bool subtree, struct policy_name host,
			 enum policy_finding_code is_provider)
{
	if (policy_name_check(host) != POLICY_NAME_OK) {
		check_say(c, POLICY_FINDING_BAD_SERVER, where, subtree, host);
		return;
	}
	if (c->view->ops->provider_by_fqdn(c->view, host))
		check_say(c, is_provider, where, subtree, host);
}

static const struct policy_partner *check_record(struct checker *c, struct policy_name name)
{
	struct policy_hit hit = {0};

	c->view->ops->domains(c->view, &name, 1, &hit);
	return hit.allow.entry ? c->view->ops->partner(c->view, hit.allow.entry->partner) : NULL;
}

static void check_via(struct checker *c, struct policy_name where, bool subtree,
		      const struct policy_partner *r)
{
	struct policy_name via = policy_str_get(r, r->size, r->via_domain), next = via;
	struct policy_hit hit = {0};
	struct policy_match match;
	const struct policy_partner *step;
	enum policy_standing standing;

	if (!via.len)
		return;
	if (policy_name_equal(via, where)) {
		check_say(c, POLICY_FINDING_VIA_SELF, where, subtree, via);
		return;
	}
	if (c->view->ops->own_domain(c->view, via))
		check_say(c, POLICY_FINDING_VIA_OURS, where, subtree, via);
	c->view->ops->domains(c->view, &via, 1, &hit);
	standing = policy_hit_resolve(&hit, &match);
	if (standing == POLICY_BLOCKED || standing == POLICY_HARD_BLOCKED)
		check_say(c, POLICY_FINDING_VIA_BLOCKED, where, subtree, via);
	for (unsigned steps = 0; steps < 32; steps++) {
		step = check_record(c, next);
		/* an entry that is its own V's entry (*.aol.com via aol.com) is no loop: V's via is V itself
		 */
		if (!step || step == r || step->via_domain.len == 0)
			break;
		next = policy_str_get(step, step->size, step->via_domain);
		if (policy_name_equal(next, where) || steps == 31) {
			check_say(c, POLICY_FINDING_VIA_LOOP, where, subtree, via);
			return;
		}
	}
	if (!policy_name_equal(next, via))
		check_say(c, POLICY_FINDING_VIA_CHAIN, where, subtree, via);
}

static bool check_hop_by_address(const struct policy_route_set *set)
{
	struct policy_hop hop;

	for (unsigned i = 0; policy_route_hop(set, i, &hop); i++)
		if (hop.flags & POLICY_HOP_IP)
			return true;
	return false;
}

static void check_partner(struct checker *c, struct policy_name where, bool subtree,
			  const struct policy_domain *e)
{
	const struct policy_partner *r = c->view->ops->partner(c->view, e->partner);
	const struct policy_route_set *set;
	uint8_t mode = e->identity_check ? e->identity_check : c->view->box->identity_check;

	if (e->partner && !r)
		check_say(c, POLICY_FINDING_NO_PARTNER_RECORD, where, subtree, check_none);
	if (e->type == POLICY_DOMAIN_SERVER && (!r || !r->proxy_fqdn.len))
		check_say(c, POLICY_FINDING_NO_SERVER, where, subtree, check_none);
	if (e->limit_class && !c->view->ops->limit_class(c->view, e->limit_class))
		check_say(c, POLICY_FINDING_NO_LIMIT_CLASS, where, subtree, check_none);
	if (e->identity_check == POLICY_IDENTITY_PINNED && (!r || !r->pins))
		check_say(c, POLICY_FINDING_NO_PIN, where, subtree, check_none);
	if (!r)
		return;
	if (r->pins && mode != POLICY_IDENTITY_PINNED)
		check_say(c, POLICY_FINDING_UNUSED_PIN, where, subtree, check_none);
	if (r->proxy_fqdn.len)
		check_server(c, where, subtree, policy_str_get(r, r->size, r->proxy_fqdn),
			     POLICY_FINDING_SERVER_IS_PROVIDER);
	for (unsigned i = 0; i < r->peer_names; i++)
		check_server(c, where, subtree, policy_partner_peer_name(r, i),
			     POLICY_FINDING_PEER_IS_PROVIDER);
	check_via(c, where, subtree, r);
	set = c->view->ops->route_set(c->view, r->route_set);
	if (r->route_set && !set)
		check_say(c, POLICY_FINDING_NO_ROUTE_SET, where, subtree, check_none);
	if (set && check_hop_by_address(set) && !r->peer_names)
		check_say(c, POLICY_FINDING_HOP_BY_ADDRESS, where, subtree, check_none);
}

static void check_entry(struct checker *c, struct policy_name name, const struct policy_domain *e)
{
	bool subtree = (e->flags & POLICY_DOMAIN_SUBTREE) != 0;
	bool allow = e->type == POLICY_DOMAIN_ALLOWED || e->type == POLICY_DOMAIN_SERVER;
	struct policy_hit hit = {0};

	if (policy_name_check(name) != POLICY_NAME_OK) {
		check_say(c, POLICY_FINDING_BAD_NAME, name, subtree, check_none);
		return;
	}
	if (!allow)
		return;
	if (c->view->ops->own_domain(c->view, name))
		check_say(c, POLICY_FINDING_OWN_ALLOWED, name, subtree, check_none);
	c->view->ops->domains(c->view, &name, 1, &hit);
	if (hit.hard.entry)
		check_say(c, POLICY_FINDING_OVERRIDDEN, name, subtree, check_tail(name, hit.hard.from));
	if (e->flags & POLICY_DOMAIN_EXCEPT) {
		if (!hit.block.entry)
			check_say(c, POLICY_FINDING_EXCEPT_USELESS, name, subtree, check_none);
	} else if (hit.block.entry) {
		check_say(c, hit.block.from ? POLICY_FINDING_BELOW_BLOCK : POLICY_FINDING_SAME_NAME, name,
			  subtree, check_tail(name, hit.block.from));
	}
	check_partner(c, name, subtree, e);
}

unsigned policy_check_domain(const struct policy_view *view, struct policy_name name,
			     const struct policy_domain *entry, policy_finding_fn report, void *ctx)
{
	struct checker c = {.view = view, .report = report, .ctx = ctx};

	check_entry(&c, name, entry);
	return c.errors;
}

static int check_each_domain(void *ctx, struct policy_name name, const struct policy_domain *entry)
{
	check_entry(ctx, name, entry);
	return 0;
}

/* ---- routes ---- */

static bool check_hop_same(const struct policy_route_set *set, const struct policy_hop *a,
			   const struct policy_hop *b)
{
	if (a->priority != b->priority || a->port != b->port || (a->flags ^ b->flags) & POLICY_HOP_IP)
		return false;
	if (a->flags & POLICY_HOP_IP)
		return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
	return policy_name_equal(policy_str_get(set, set->size, a->host),
				 policy_str_get(set, set->size, b->host));
}

static void check_hops(struct checker *c, struct policy_name where, bool subtree,
		       const struct policy_route_set *set)
{
	bool weightless = false, insecure = false;
	struct policy_hop hop, other;
	unsigned n = 0;

	for (; policy_route_hop(set, n, &hop); n++) {
		struct policy_name host = policy_str_get(set, set->size, hop.host);

		if (!(hop.flags & POLICY_HOP_IP) && policy_name_check(host) != POLICY_NAME_OK)
			check_say(c, POLICY_FINDING_BAD_SERVER, where, subtree, host);
		if (hop.priority == 0)
			check_say(c, POLICY_FINDING_ROUTE_PRIORITY, where, subtree, host);
		insecure |= (hop.flags & POLICY_HOP_INSECURE) != 0;
		for (unsigned k = 0; k < n && policy_route_hop(set, k, &other); k++) {
			if (check_hop_same(set, &hop, &other))
				check_say(c, POLICY_FINDING_ROUTE_TWICE, where, subtree, host);
			weightless |=
				hop.priority == other.priority && (hop.weight == 0) != (other.weight == 0);
		}
	}
	if (n == 0)
		check_say(c, POLICY_FINDING_ROUTE_EMPTY, where, subtree, check_none);
	if (weightless)
		check_say(c, POLICY_FINDING_ROUTE_WEIGHTLESS, where, subtree, check_none);
	if (insecure)
		check_say(c, POLICY_FINDING_ROUTE_INSECURE, where, subtree, check_none);
}

static void check_route(struct checker *c, const struct policy_route_set *set)
{
	struct policy_name where = policy_str_get(set, set->size, set->pattern);
	bool subtree = (set->flags & POLICY_ROUTE_SUBTREE) != 0, any = (set->flags & POLICY_ROUTE_ANY) != 0,
	     next;
	const struct policy_partner *r;
	struct policy_hit hit = {0};
	struct policy_match match;

	if (set->flags & POLICY_ROUTE_NAMED)
		where = policy_str_get(set, set->size, set->name);
	if (set->hops > POLICY_ROUTE_HOPS)
		check_say(c, POLICY_FINDING_ROUTE_HOPS, where, subtree, check_none);
	check_hops(c, where, subtree, set);
	if (any || (set->flags & POLICY_ROUTE_NAMED))
		return;
	if (policy_name_check(where) != POLICY_NAME_OK) {
		check_say(c, POLICY_FINDING_BAD_NAME, where, subtree, check_none);
		return;
	}
	if (policy_set_state(set, &next) == POLICY_SET_BLOCKED)
		check_say(c, POLICY_FINDING_ROUTE_BLOCKS, where, subtree, check_none);
	c->view->ops->domains(c->view, &where, 1, &hit);
	if (!subtree && policy_hit_resolve(&hit, &match) != POLICY_ALLOWED &&
	    !(c->view->box->flags & POLICY_BOX_DISCOVERY))
		check_say(c, POLICY_FINDING_ROUTE_NOBODY, where, subtree, check_none);
	r = hit.allow.entry ? c->view->ops->partner(c->view, hit.allow.entry->partner) : NULL;
	if (check_hop_by_address(set) && !(r && r->peer_names))
		check_say(c, POLICY_FINDING_HOP_BY_ADDRESS, where, subtree, check_none);
}

/* ---- providers, SIP domains, switches ---- */

static const struct policy_provider *check_provider_at(struct checker *c, unsigned i)
{
	return c->listing->provider_at(c->listing->source, i);
}

static void check_providers(struct checker *c)
{
	const struct policy_provider *p, *q;

	for (unsigned i = 0; (p = check_provider_at(c, i)); i++) {
		struct policy_name fqdn = policy_str_get(p, p->size, p->fqdn),
				   name = policy_str_get(p, p->size, p->name);

		if (p->verification == POLICY_VERIFY_DEFAULT)
			check_say(c, POLICY_FINDING_PROVIDER_VERIFICATION, fqdn, false, check_none);
		if (p->kind == POLICY_PROVIDER_DEFAULT_ROUTE)
			continue;
		if (c->view->box->flags & POLICY_BOX_DEFAULT_ROUTING)
			check_say(c, POLICY_FINDING_DEFAULT_PROVIDERS, check_none, false, fqdn);
		for (unsigned k = 0; k < i && (q = check_provider_at(c, k)); k++) {
			if (policy_name_equal(fqdn, policy_str_get(q, q->size, q->fqdn)))
				check_say(c, POLICY_FINDING_PROVIDER_FQDN, fqdn, false, check_none);
			if (policy_name_equal(name, policy_str_get(q, q->size, q->name)))
				check_say(c, POLICY_FINDING_PROVIDER_NAME, name, false, check_none);
		}
	}
}

/* how many providers share our address space */
static unsigned check_shared(struct checker *c)
{
	const struct policy_provider *p;
	unsigned n = 0;

	for (unsigned i = 0; (p = check_provider_at(c, i)); i++)
		n += (p->flags & POLICY_PROVIDER_SHARED) && (p->flags & POLICY_PROVIDER_ENABLED);
	return n;
}

static void check_own(struct checker *c, const struct policy_own_domain *own, unsigned shared)
{
	struct policy_name where = policy_str_get(own, own->size, own->name);
	const struct policy_identity *identity = c->view->ops->identity(c->view, own->identity);
	const struct policy_provider *p = c->view->ops->provider(c->view, own->shared_provider);
	struct policy_hit hit = {0};
	struct policy_match match;
	enum policy_standing standing;

	if (!own->inside_route && !(identity && identity->inside_route))
		check_say(c, POLICY_FINDING_NO_INSIDE, where, false, check_none);
	if (own->shared_provider && !(p && (p->flags & POLICY_PROVIDER_SHARED)))
		check_say(c, POLICY_FINDING_SHARED_WRONG, where, false,
			  p ? policy_str_get(p, p->size, p->fqdn) : check_none);
	if (!own->shared_provider && shared > 1)
		check_say(c, POLICY_FINDING_SHARED_TWO, where, false, check_none);
	c->view->ops->domains(c->view, &where, 1, &hit);
	standing = policy_hit_resolve(&hit, &match);
	if (standing == POLICY_BLOCKED || standing == POLICY_HARD_BLOCKED)
		check_say(c, POLICY_FINDING_OWN_BLOCKED, where, false, check_tail(where, match.from));
}

static int check_server_is_ours(void *ctx, struct policy_name name, const struct policy_domain *e)
{
	struct checker *c = ctx;
	const struct policy_partner *r = c->view->ops->partner(c->view, e->partner);
	const struct policy_own_domain *own;
	const struct policy_identity *identity;
	struct policy_name proxy;

	if (!r || !r->proxy_fqdn.len)
		return 0;
	proxy = policy_str_get(r, r->size, r->proxy_fqdn);
	for (unsigned i = 0; (own = c->listing->own_domain_at(c->listing->source, i)); i++) {
		identity = c->view->ops->identity(c->view, own->identity);
		if (!identity || !policy_name_equal(proxy, policy_str_get(identity, identity->size,
									  identity->public_fqdn)))
			continue;
		check_say(c, POLICY_FINDING_SERVER_IS_OURS, name, (e->flags & POLICY_DOMAIN_SUBTREE) != 0,
			  proxy);
		break;
	}
	return 0;
}

static void check_box(struct checker *c)
{
	const struct policy_box *box = c->view->box;
	const struct policy_provider *p = c->view->ops->provider(c->view, box->default_route);

	if (!(box->flags & POLICY_BOX_DEFAULT_ROUTING))
		return;
	if (box->flags & POLICY_BOX_DISCOVERY)
		check_say(c, POLICY_FINDING_DISCOVERY_ROUTING, check_none, false, check_none);
	if (!p || p->kind != POLICY_PROVIDER_DEFAULT_ROUTE)
		check_say(c, POLICY_FINDING_DEFAULT_NONE, check_none, false, check_none);
}

unsigned policy_check(const struct policy_listing *listing, policy_finding_fn report, void *ctx)
{
	struct checker c = {.view = listing->view, .listing = listing, .report = report, .ctx = ctx};
	const struct policy_own_domain *own;
	const struct policy_route_set *set;
	unsigned shared;

	check_box(&c);
	check_providers(&c);
	shared = check_shared(&c);
	for (unsigned i = 0; (own = listing->own_domain_at(listing->source, i)); i++)
		check_own(&c, own, shared);
	for (unsigned i = 0; (set = listing->route_set_at(listing->source, i)); i++)
		check_route(&c, set);
	listing->each_domain(listing->source, check_each_domain, &c);
	listing->each_domain(listing->source, check_server_is_ours, &c);
	return c.errors;
}
