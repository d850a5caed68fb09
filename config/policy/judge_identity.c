/* SPDX-License-Identifier: BSD-3-Clause */
/* §1.2.7 to 8b and §1.3: which way in the peer has for the domain that it claims. */
#include "config/policy/judge.h"

/* one way in, tried */
enum identity_way {
	WAY_NO,
	WAY_YES,
	WAY_ASK, /* cannot be told before an answer comes; the question is in the verdict */
};

/* why the last way failed: the refusal, if no other way admits */
struct identity_failure {
	enum policy_rule rule;
	enum policy_reason reason;
	struct policy_name subject;
};

static enum identity_way identity_fail(struct judge *j, struct identity_failure *why, enum policy_rule rule,
				       enum policy_reason reason, struct policy_name subject)
{
	*why = (struct identity_failure){rule, reason, subject};
	judge_no_match(j, rule, subject);
	return WAY_NO;
}

struct policy_name judge_peer_name(const struct judge *j, struct policy_name host, bool wildcard)
{
	const struct policy_peer *peer = j->facts->peer;
	unsigned n = peer->names_n < POLICY_PEER_NAMES ? peer->names_n : POLICY_PEER_NAMES;

	for (unsigned i = 0; i < n; i++)
		if (policy_name_presented(peer->names[i], host, wildcard))
			return peer->names[i];
	return (struct policy_name){"", 0};
}

static bool identity_wildcard(const struct judge *j)
{
	return (j->partner.flags & POLICY_DOMAIN_CERT_WILDCARD) != 0;
}

/* `host` is named in the certificate: the peer is known by it */
static bool identity_match(struct judge *j, enum policy_rule rule, struct policy_name host, bool wildcard,
			   enum policy_partner_type type)
{
	struct policy_name found = judge_peer_name(j, host, wildcard);

	if (!found.len)
		return judge_no_match(j, rule, host);
	j->partner.type = (uint8_t)type;
	j->verdict->identity = found;
	return judge_pass(j, rule, host);
}

const struct policy_dns *judge_dns(struct judge *j, struct policy_name name, enum policy_dns_kind kind)
{
	const struct policy_dns *dns = j->view->ops->dns(j->view, name, kind, j->scratch);

	if (!dns || dns->state == POLICY_DNS_UNKNOWN)
		return NULL;
	if (j->facts->now_ns <= dns->expires_ns)
		return dns;
	/* a good answer past its TTL serves on while it is asked for again; a bad one is worth a wait */
	if (dns->state != POLICY_DNS_OK)
		return NULL;
	if (judge_want(j, name, kind))
		j->verdict->flags |= POLICY_VERDICT_REFRESH;
	return dns;
}

bool judge_ask_parts(struct judge *j, enum policy_rule rule, struct policy_name name)
{
	return judge_ask(j, rule, name, POLICY_DNS_FEDERATION);
}

enum policy_reason judge_dns_reason(const struct policy_dns *dns)
{
	if (dns->state == POLICY_DNS_FAILED)
		return POLICY_REASON_SRV_FAILED;
	return dns->state == POLICY_DNS_BOGUS ? POLICY_REASON_SRV_BOGUS : POLICY_REASON_SRV_NOTHING;
}

const struct policy_provider *judge_provider_enabled(const struct judge *j, struct policy_name fqdn)
{
	const struct policy_provider *p;

	if (!judge_box(j, POLICY_BOX_PUBLIC_PROVIDER) && !judge_box(j, POLICY_BOX_HOSTING_PROVIDER))
		return NULL;
	p = fqdn.len ? j->view->ops->provider_by_fqdn(j->view, fqdn) : NULL;
	if (!p || !(p->flags & POLICY_PROVIDER_ENABLED) || p->kind == POLICY_PROVIDER_DEFAULT_ROUTE)
		return NULL;
	return p;
}

/* which kinds of enabled provider the peer's certificate names, as bits 1 << kind; a wildcard may name any
 * public one */
static unsigned identity_provider_kinds(const struct judge *j)
{
	const struct policy_peer *peer = j->facts->peer;
	unsigned n = peer->names_n < POLICY_PEER_NAMES ? peer->names_n : POLICY_PEER_NAMES;
	unsigned kinds = 0;

	if (!judge_box(j, POLICY_BOX_PUBLIC_PROVIDER) && !judge_box(j, POLICY_BOX_HOSTING_PROVIDER))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		const struct policy_provider *p = judge_provider_enabled(j, peer->names[i]);

		if (p && p->kind <= POLICY_PROVIDER_DEFAULT_ROUTE) /* a damaged record may say anything */
			kinds |= 1u << p->kind;
		else if (peer->names[i].len && peer->names[i].ptr[0] == '*' &&
			 judge_box(j, POLICY_BOX_PUBLIC_PROVIDER))
			kinds |= 1u << POLICY_PROVIDER_PUBLIC;
	}
	return kinds;
}

bool judge_key_known(const struct judge *j)
{
	const struct policy_peer *peer = j->facts->peer;

	return peer->has_spki &&
	       policy_small_named(j->view, POLICY_SMALL_PINS,
				  (struct policy_name){(const char *)peer->spki, POLICY_SPKI_LEN});
}

bool judge_key_pinned(const struct judge *j, const struct policy_partner *record)
{
	const struct policy_peer *peer = j->facts->peer;
	const uint8_t *pin;

	if (!record || !peer->has_spki)
		return false;
	for (unsigned i = 0; (pin = policy_partner_pin(record, i)); i++)
		if (memcmp(pin, peer->spki, POLICY_SPKI_LEN) == 0)
			return true;
	return false;
}

/* identity-check pinned: the key is the identity; names and SRV are not asked */
static bool identity_pinned(struct judge *j)
{
	bool direct = j->partner.entry->type == POLICY_DOMAIN_SERVER;

	if (!judge_key_pinned(j, j->partner.record))
		return judge_refuse(j, POLICY_RULE_PIN, POLICY_REASON_PIN_MISMATCH, j->domain);
	j->partner.type = direct ? POLICY_TYPE_DIRECT : POLICY_TYPE_ALLOWED;
	j->verdict->flags |= POLICY_VERDICT_BY_KEY;
	if (j->facts->peer->names_n)
		j->verdict->identity = j->facts->peer->names[0];
	return judge_pass(j, POLICY_RULE_PIN, j->domain);
}

/* 1.2.7 */
static bool identity_server(struct judge *j)
{
	const struct policy_partner *r = j->partner.record;

	return r && r->proxy_fqdn.len &&
	       identity_match(j, POLICY_RULE_SERVER, policy_str_get(r, r->size, r->proxy_fqdn),
			      identity_wildcard(j), POLICY_TYPE_DIRECT);
}

/* 1.2.8a */
static bool identity_peer_name(struct judge *j, const struct policy_partner *r, enum policy_partner_type type)
{
	for (unsigned i = 0; r && i < r->peer_names; i++) {
		struct policy_name host = policy_partner_peer_name(r, i);

		if (host.len && identity_match(j, POLICY_RULE_PEER_NAME, host, identity_wildcard(j), type))
			return true;
	}
	return false;
}

/* Is an FQDN of this set named in the certificate? *longer says whether a less specific set may be asked. */
static bool identity_route_set(struct judge *j, const struct policy_route_set *set,
			       enum policy_partner_type type, bool *less_specific)
{
	struct policy_hop hop;

	*less_specific = true;
	for (unsigned i = 0; policy_route_hop(set, i, &hop); i++) {
		if (!(hop.flags & POLICY_HOP_LESS_SPECIFIC))
			*less_specific = false;
		/* a hop by IP or by SRV name is nobody's certificate name */
		if (hop.flags & (POLICY_HOP_BLOCK | POLICY_HOP_IP | POLICY_HOP_SRV))
			continue;
		if (identity_match(j, POLICY_RULE_STATIC_NAME, policy_str_get(set, set->size, hop.host),
				   identity_wildcard(j), type))
			return true;
	}
	return false;
}

/* 1.2.8b for `name`: its own route set, then the patterns that name at least one label. ".*" serves everybody
 * and so proves nothing about anybody. */
static bool identity_static(struct judge *j, struct policy_name name, const struct policy_partner *r,
			    enum policy_partner_type type)
{
	const struct policy_route_set *set = r ? j->view->ops->route_set(j->view, r->route_set) : NULL;
	bool less_specific = true;

	if (set && identity_route_set(j, set, type, &less_specific))
		return true;
	for (unsigned nth = 0; less_specific; nth++) {
		set = j->view->ops->route_by_name(j->view, name, nth);
		if (!set || (set->flags & POLICY_ROUTE_ANY))
			return false;
		if (identity_route_set(j, set, type, &less_specific))
			return true;
	}
	return false;
}

/* §1.3 lync: a target in the very domain, named in the certificate */
static bool identity_same_domain(struct judge *j, struct policy_dns_walk *walk, struct policy_name domain,
				 struct policy_name *same)
{
	struct policy_name target;

	while (policy_dns_next(walk, &target)) {
		if (!policy_name_equal(policy_name_parent(target), domain))
			continue;
		*same = target;
		if (judge_peer_name(j, target, identity_wildcard(j)).len)
			return true;
	}
	return false;
}

/* 1.2.8c: the clearing house that the operator named for D; by the rules for V, which must not be blocked */
static enum identity_way identity_via(struct judge *j)
{
	const struct policy_partner *r = j->partner.record, *via_record;
	struct policy_name via = r ? policy_str_get(r, r->size, r->via_domain) : (struct policy_name){"", 0};
	struct policy_name same = {"", 0};
	struct policy_match allow;
	const struct policy_dns *dns;
	struct policy_dns_walk walk;
	struct policy_name target;
	uint8_t mode = j->view->box->identity_check;

	if (!via.len)
		return WAY_NO;
	if (judge_name_blocked(j, via, &allow)) {
		judge_no_match(j, POLICY_RULE_VIA, via);
		return WAY_NO;
	}
	via_record = allow.entry ? j->view->ops->partner(j->view, allow.entry->partner) : NULL;
	if (allow.entry && allow.entry->identity_check)
		mode = allow.entry->identity_check;
	if (!mode)
		mode = POLICY_IDENTITY_EITHER;
	if (mode == POLICY_IDENTITY_PINNED) {
		if (!judge_key_pinned(j, via_record)) {
			judge_no_match(j, POLICY_RULE_VIA, via);
			return WAY_NO;
		}
		j->verdict->flags |= POLICY_VERDICT_BY_KEY;
		j->partner.type = POLICY_TYPE_CLEARING;
		return judge_pass(j, POLICY_RULE_VIA, via) ? WAY_YES : WAY_NO;
	}
	if (via_record && via_record->proxy_fqdn.len &&
	    identity_match(j, POLICY_RULE_VIA,
			   policy_str_get(via_record, via_record->size, via_record->proxy_fqdn),
			   identity_wildcard(j), POLICY_TYPE_CLEARING))
		return WAY_YES;
	if (identity_peer_name(j, via_record, POLICY_TYPE_CLEARING) ||
	    identity_static(j, via, via_record, POLICY_TYPE_CLEARING))
		return WAY_YES;
	if ((mode == POLICY_IDENTITY_RFC5922 || mode == POLICY_IDENTITY_EITHER) &&
	    identity_match(j, POLICY_RULE_VIA, via, identity_wildcard(j), POLICY_TYPE_CLEARING))
		return WAY_YES;
	if (mode == POLICY_IDENTITY_RFC5922 || judge_box(j, POLICY_BOX_DEFAULT_ROUTING))
		return WAY_NO;

	dns = judge_dns(j, via, POLICY_DNS_FEDERATION);
	if (!dns)
		return judge_want(j, via, POLICY_DNS_FEDERATION) ? WAY_ASK : WAY_NO;
	if (dns->state != POLICY_DNS_OK) {
		judge_no_match(j, POLICY_RULE_VIA, via);
		return WAY_NO;
	}
	walk = policy_dns_walk(j->view, via, dns);
	if (mode == POLICY_IDENTITY_DNSSEC) {
		while (dns->secure && policy_dns_next(&walk, &target))
			if (judge_peer_name(j, target, identity_wildcard(j)).len &&
			    identity_match(j, POLICY_RULE_VIA, target, identity_wildcard(j),
					   POLICY_TYPE_CLEARING))
				return WAY_YES;
	} else if (identity_same_domain(j, &walk, via, &same) &&
		   identity_match(j, POLICY_RULE_VIA, same, identity_wildcard(j), POLICY_TYPE_CLEARING)) {
		return WAY_YES;
	}
	return walk.incomplete && judge_want(j, via, POLICY_DNS_FEDERATION) ? WAY_ASK : WAY_NO;
}

/* UseDefaultRouting: no SRV at all; the one host behind which everybody is */
static enum identity_way identity_default_route(struct judge *j, struct identity_failure *why)
{
	const struct policy_provider *p = j->view->ops->provider(j->view, j->view->box->default_route);
	bool wildcard = identity_wildcard(j);
	uint8_t mode = j->partner.identity_check;

	if (p && (p->flags & POLICY_PROVIDER_ENABLED) &&
	    identity_match(j, POLICY_RULE_DEFAULT, policy_str_get(p, p->size, p->fqdn),
			   (p->flags & POLICY_PROVIDER_CERT_WILDCARD) != 0, POLICY_TYPE_DEFAULT)) {
		if (!(p->flags & POLICY_PROVIDER_IS_PUBLIC) && !judge_listed(j))
			return identity_fail(j, why, POLICY_RULE_LISTED, POLICY_REASON_UNKNOWN_DOMAIN,
					     j->domain);
		j->verdict->identity = policy_str_get(p, p->size, p->fqdn);
		judge_partner_of_provider(j, p, POLICY_TYPE_DEFAULT);
		return WAY_YES;
	}
	if (j->standing != POLICY_ALLOWED)
		return identity_fail(j, why, POLICY_RULE_LISTED, POLICY_REASON_UNKNOWN_DOMAIN, j->domain);
	if ((mode == POLICY_IDENTITY_RFC5922 || mode == POLICY_IDENTITY_EITHER) &&
	    identity_match(j, POLICY_RULE_DOMAIN_NAME, j->domain, wildcard, POLICY_TYPE_ALLOWED))
		return WAY_YES;
	return identity_fail(j, why, POLICY_RULE_DEFAULT, POLICY_REASON_NO_WAY_IN, j->domain);
}

/* 1.2.8a, first half: T = enabled provider FQDN ∈ N. *seen: the SRV points to a provider that is not this
 * peer. */
static enum identity_way identity_provider(struct judge *j, struct policy_dns_walk *walk,
					   struct identity_failure *why, bool *seen)
{
	struct policy_name target;

	while (policy_dns_next(walk, &target)) {
		const struct policy_provider *p = judge_provider_enabled(j, target);
		bool is_public;

		if (!p)
			continue;
		is_public = p->kind == POLICY_PROVIDER_PUBLIC;
		if (!identity_match(j, POLICY_RULE_PROVIDER, target,
				    (p->flags & POLICY_PROVIDER_CERT_WILDCARD) != 0,
				    is_public ? POLICY_TYPE_PUBLIC : POLICY_TYPE_HOSTING)) {
			*seen = true;
			continue;
		}
		/* since Lync 2010 a hosted domain must be allowed or discoverable too; a public one need not
		 */
		if (!is_public && !judge_listed(j))
			return identity_fail(j, why, POLICY_RULE_LISTED, POLICY_REASON_UNKNOWN_DOMAIN,
					     j->domain);
		/* the name that stands in the policy, so that a dialog finds the provider again */
		j->verdict->identity = policy_str_get(p, p->size, p->fqdn);
		judge_partner_of_provider(j, p, j->partner.type);
		return WAY_YES;
	}
	return WAY_NO;
}

/* §1.3: the modes, for a domain that is allowed or discoverable, on an answer that may be a failure */
static enum identity_way identity_mode(struct judge *j, const struct policy_dns *dns,
				       struct policy_dns_walk *walk, struct identity_failure *why)
{
	bool allowed = j->standing == POLICY_ALLOWED, ok = dns->state == POLICY_DNS_OK;
	enum policy_partner_type type = allowed ? POLICY_TYPE_ALLOWED : POLICY_TYPE_DISCOVERED;
	uint8_t mode = j->partner.identity_check;
	struct policy_name same = {"", 0}, first = j->domain, target;

	/* RFC 5922: the certificate names the domain. Somebody discovered must also be found in DNS. */
	if ((mode == POLICY_IDENTITY_RFC5922 || mode == POLICY_IDENTITY_EITHER) && (ok || allowed) &&
	    identity_match(j, POLICY_RULE_DOMAIN_NAME, j->domain, identity_wildcard(j), type))
		return WAY_YES;
	if (mode == POLICY_IDENTITY_RFC5922 && (ok || allowed))
		return identity_fail(j, why, POLICY_RULE_DOMAIN_NAME, POLICY_REASON_DOMAIN_NAME, j->domain);
	if (!ok)
		return identity_fail(j, why, POLICY_RULE_SRV, judge_dns_reason(dns), j->domain);
	judge_pass(j, POLICY_RULE_SRV, j->domain);
	if (policy_dns_count(dns))
		first = policy_dns_target_name(dns, 0);

	if (mode == POLICY_IDENTITY_DNSSEC) {
		if (!dns->secure)
			return identity_fail(j, why, POLICY_RULE_SECURE, POLICY_REASON_NOT_SECURE, first);
		judge_pass(j, POLICY_RULE_SECURE, j->domain);
		while (policy_dns_next(walk, &target))
			/* a hundred misses are one line of a trace */
			if (judge_peer_name(j, target, identity_wildcard(j)).len &&
			    identity_match(j, POLICY_RULE_TARGET_NAME, target, identity_wildcard(j), type))
				return WAY_YES;
		return identity_fail(j, why, POLICY_RULE_TARGET_NAME, POLICY_REASON_TARGET_NAME, first);
	}
	if (identity_same_domain(j, walk, j->domain, &same)) {
		judge_pass(j, POLICY_RULE_SAME_DOMAIN, same);
		if (identity_match(j, POLICY_RULE_TARGET_NAME, same, identity_wildcard(j), type))
			return WAY_YES;
	}
	if (!same.len)
		return identity_fail(j, why, POLICY_RULE_SAME_DOMAIN, POLICY_REASON_NO_SAME_DOMAIN, first);
	judge_pass(j, POLICY_RULE_SAME_DOMAIN, same);
	return identity_fail(j, why, POLICY_RULE_TARGET_NAME, POLICY_REASON_TARGET_NAME, same);
}

/* 1.2.8a and 8b */
static enum identity_way identity_srv(struct judge *j, struct identity_failure *why)
{
	bool listed = judge_listed(j), seen = false;
	unsigned kinds = identity_provider_kinds(j);
	uint8_t mode = j->partner.identity_check;
	const struct policy_dns *dns;
	struct policy_dns_walk walk;
	enum identity_way way;
	bool incomplete = false;

	/* DNS is asked only where an answer could admit: whoever claims random domains gets no lookups for
	 * them */
	if (!listed && !(kinds & (1u << POLICY_PROVIDER_PUBLIC)))
		return identity_fail(j, why, POLICY_RULE_LISTED, POLICY_REASON_UNKNOWN_DOMAIN, j->domain);
	dns = judge_dns(j, j->domain, POLICY_DNS_FEDERATION);
	if (!dns) {
		/* an allowed domain that its certificate names need not wait for DNS, unless the same
		 * certificate names a provider, whose rules would come first */
		if (j->standing == POLICY_ALLOWED && !kinds &&
		    (mode == POLICY_IDENTITY_RFC5922 || mode == POLICY_IDENTITY_EITHER) &&
		    identity_match(j, POLICY_RULE_DOMAIN_NAME, j->domain, identity_wildcard(j),
				   POLICY_TYPE_ALLOWED))
			return WAY_YES;
		judge_ask(j, POLICY_RULE_SRV, j->domain, POLICY_DNS_FEDERATION);
		return WAY_ASK;
	}
	if (dns->state == POLICY_DNS_OK) {
		why->reason = POLICY_REASON_ACCEPTED;
		walk = policy_dns_walk(j->view, j->domain, dns);
		way = identity_provider(j, &walk, why, &seen);
		if (way == WAY_YES || why->reason != POLICY_REASON_ACCEPTED)
			return way;
		/* a target that cannot be seen may be the provider that this certificate names */
		incomplete = walk.incomplete;
		if (incomplete && kinds) {
			judge_ask_parts(j, POLICY_RULE_PROVIDER, j->domain);
			return WAY_ASK;
		}
	}
	if (!listed)
		return kinds & (1u << POLICY_PROVIDER_PUBLIC)
			       ? identity_fail(j, why, POLICY_RULE_PROVIDER, POLICY_REASON_PROVIDER_MISMATCH,
					       j->domain)
			       : identity_fail(j, why, POLICY_RULE_LISTED, POLICY_REASON_UNKNOWN_DOMAIN,
					       j->domain);
	judge_pass(j, POLICY_RULE_LISTED, j->domain);
	walk = policy_dns_walk(j->view, j->domain, dns);
	way = identity_mode(j, dns, &walk, why);
	if (way == WAY_NO && (incomplete || walk.incomplete)) {
		judge_ask_parts(j, POLICY_RULE_SRV, j->domain);
		return WAY_ASK;
	}
	/* either this peer is a provider that the SRV does not name, or the SRV names a provider that this is
	 * not */
	if (way == WAY_NO && (kinds || (seen && why->reason == POLICY_REASON_NO_SAME_DOMAIN)))
		return identity_fail(j, why, POLICY_RULE_PROVIDER, POLICY_REASON_PROVIDER_MISMATCH,
				     j->domain);
	return way;
}

bool judge_identify(struct judge *j)
{
	struct identity_failure why = {POLICY_RULE_LISTED, POLICY_REASON_UNKNOWN_DOMAIN, j->domain};
	enum identity_way way, via = WAY_NO;
	const struct policy_partner *r = j->partner.record;

	if (j->standing == POLICY_ALLOWED) {
		if (j->partner.identity_check == POLICY_IDENTITY_PINNED)
			return identity_pinned(j);
		if (identity_server(j) || identity_peer_name(j, r, POLICY_TYPE_DIRECT) ||
		    identity_static(j, j->domain, r, POLICY_TYPE_DIRECT))
			return true;
		via = identity_via(j);
		if (via == WAY_YES)
			return true;
	}
	if (j->standing == POLICY_ALLOWED && j->partner.entry->type == POLICY_DOMAIN_SERVER)
		/* 1.2.7: no SRV for a partner whose server is told */
		way = identity_fail(j, &why, POLICY_RULE_SERVER, POLICY_REASON_SERVER_NAME,
				    r ? policy_str_get(r, r->size, r->proxy_fqdn) : j->domain);
	else if (judge_box(j, POLICY_BOX_DEFAULT_ROUTING))
		way = identity_default_route(j, &why);
	else
		way = identity_srv(j, &why);

	if (way == WAY_YES)
		return true;
	if (way == WAY_ASK)
		return false;
	if (via == WAY_ASK) {
		struct policy_name name = policy_str_get(r, r->size, r->via_domain);

		return judge_ask(j, POLICY_RULE_VIA, name, POLICY_DNS_FEDERATION);
	}
	return judge_refuse(j, why.rule, why.reason, why.subject);
}
