/* SPDX-License-Identifier: BSD-3-Clause */
/* §1.2 outbound, §2: the first way that exists: a static route that names the domain, the partner's server,
 * SRV, the clearing house's static route, its SRV, the default route. What exists is used; its failure is not
 * a reason to try a way further down, so that an answer from DNS never overrules what the operator wrote. */
#include "config/policy/choice.h"
#include "config/policy/judge.h"

enum route_found {
	ROUTE_NO,      /* does not exist: on to the next */
	ROUTE_YES,     /* verdict.route says it */
	ROUTE_DECIDED, /* refused or asked: the verdict is written */
};

static enum route_found route_done(bool go_on)
{
	(void)go_on;
	return ROUTE_DECIDED;
}

/* a set of hops that serves `name`; *next says whether a shorter pattern may be asked */
static enum route_found route_set(struct judge *j, enum policy_rule rule, struct policy_name name,
				  const struct policy_route_set *set, uint16_t nth, bool *next)
{
	switch (policy_set_state(set, next)) {
	case POLICY_SET_USABLE:
		j->verdict->route = (struct policy_route){
			.way = POLICY_WAY_STATIC, .domain = name, .set = set, .nth = nth, .port = 0};
		judge_pass(j, rule, name);
		return ROUTE_YES;
	case POLICY_SET_BLOCKED:
		/* a blocked route closes the domain; slipping past it to SRV would be a leak */
		return route_done(judge_refuse(j, rule, POLICY_REASON_ROUTE_BLOCKED, name));
	case POLICY_SET_DOWN:
		if (!*next)
			return route_done(judge_refuse(j, rule, POLICY_REASON_ROUTE_DOWN, name));
		break;
	case POLICY_SET_EMPTY:
		break;
	}
	judge_no_match(j, rule, name);
	return ROUTE_NO;
}

/* static(name): its own set, then patterns that name at least one label */
static enum route_found route_static(struct judge *j, enum policy_rule rule, struct policy_name name,
				     const struct policy_partner *record)
{
	const struct policy_route_set *set =
		record ? j->view->ops->route_set(j->view, record->route_set) : NULL;
	enum route_found found;
	bool next = true;

	if (set) {
		found = route_set(j, rule, name, set, UINT16_MAX, &next);
		if (found != ROUTE_NO)
			return found;
	}
	for (uint16_t nth = 0; next && nth < UINT16_MAX; nth++) {
		set = j->view->ops->route_by_name(j->view, name, nth);
		if (!set || (set->flags & POLICY_ROUTE_ANY))
			break;
		found = route_set(j, rule, name, set, nth, &next);
		if (found != ROUTE_NO)
			return found;
	}
	return ROUTE_NO;
}

/* The pattern ".*". Blocked or out of service it is as if it were not there: that is how it is shipped. */
static enum route_found route_any(struct judge *j, struct policy_name name)
{
	bool next;

	for (uint16_t nth = 0; nth < UINT16_MAX; nth++) {
		const struct policy_route_set *set = j->view->ops->route_by_name(j->view, name, nth);

		if (!set)
			break;
		if (!(set->flags & POLICY_ROUTE_ANY) || policy_set_state(set, &next) != POLICY_SET_USABLE)
			continue;
		j->verdict->route = (struct policy_route){
			.way = POLICY_WAY_STATIC, .domain = name, .set = set, .nth = nth};
		judge_pass(j, POLICY_RULE_DEFAULT, name);
		return ROUTE_YES;
	}
	judge_no_match(j, POLICY_RULE_DEFAULT, name);
	return ROUTE_NO;
}

static void route_expect(struct judge *j)
{
	struct policy_verdict *v = j->verdict;

	if (j->partner.identity_check == POLICY_IDENTITY_PINNED)
		v->flags |= POLICY_VERDICT_EXPECT_PIN;
	else if (v->route.way == POLICY_WAY_SRV && !v->route.host.len) {
		if (j->partner.identity_check == POLICY_IDENTITY_RFC5922)
			v->flags |= POLICY_VERDICT_EXPECT_ONLY_DOMAIN;
		else if (j->partner.identity_check == POLICY_IDENTITY_EITHER)
			v->flags |= POLICY_VERDICT_EXPECT_DOMAIN;
	}
}

/* SRV(domain). `why` gets the reason when there is none: the chain may still end well further down. */
static enum route_found route_srv(struct judge *j, enum policy_rule rule, struct policy_name domain,
				  bool provider, enum policy_reason *why)
{
	const struct policy_dns *dns;
	struct policy_dns_walk walk;
	struct policy_name target;
	struct policy_route *route = &j->verdict->route;

	if (judge_box(j, POLICY_BOX_DEFAULT_ROUTING))
		return ROUTE_NO;
	dns = judge_dns(j, domain, POLICY_DNS_FEDERATION);
	if (!dns)
		return route_done(judge_ask(j, rule, domain, POLICY_DNS_FEDERATION));
	if (dns->state != POLICY_DNS_OK) {
		*why = judge_dns_reason(dns);
		judge_no_match(j, rule, domain);
		return ROUTE_NO;
	}
	*route = (struct policy_route){
		.way = POLICY_WAY_SRV, .domain = domain, .identity_check = j->partner.identity_check};
	walk = policy_dns_walk(j->view, domain, dns);
	while (provider && policy_dns_next(&walk, &target)) {
		const struct policy_provider *p = judge_provider_enabled(j, target);
		bool is_public = p && p->kind == POLICY_PROVIDER_PUBLIC;

		/* a hosting provider serves only whom we allow or discover; a public one anybody */
		if (!p || (!is_public && !judge_listed(j)))
			continue;
		judge_partner_of_provider(j, p, is_public ? POLICY_TYPE_PUBLIC : POLICY_TYPE_HOSTING);
		route->host = policy_str_get(p, p->size, p->fqdn);
		return judge_pass(j, POLICY_RULE_PROVIDER, route->host) ? ROUTE_YES : ROUTE_NO;
	}
	/* what cannot be seen may be a provider, whose rules come first */
	if (walk.incomplete &&
	    (judge_box(j, POLICY_BOX_PUBLIC_PROVIDER) || judge_box(j, POLICY_BOX_HOSTING_PROVIDER)))
		return route_done(judge_ask_parts(j, rule, domain));
	judge_pass(j, rule, domain);
	return ROUTE_YES;
}

/* for via-domain V of D */
static enum route_found route_via(struct judge *j, enum policy_reason *why)
{
	const struct policy_partner *r = j->partner.record, *via_record;
	struct policy_name via = r ? policy_str_get(r, r->size, r->via_domain) : (struct policy_name){"", 0};
	struct policy_match allow;
	enum route_found found;
	uint8_t mode;

	if (!via.len)
		return ROUTE_NO;
	if (judge_name_blocked(j, via, &allow)) {
		judge_no_match(j, POLICY_RULE_VIA_ROUTE, via);
		return ROUTE_NO;
	}
	via_record = allow.entry ? j->view->ops->partner(j->view, allow.entry->partner) : NULL;
	/* the next hop is V's: it is known by V's mode, keys, peer-names and wildcards, not by D's */
	mode = allow.entry ? allow.entry->identity_check : 0;
	if (!mode)
		mode = j->view->box->identity_check ? j->view->box->identity_check : POLICY_IDENTITY_EITHER;
	j->partner.identity_check = mode;
	found = route_static(j, POLICY_RULE_VIA_ROUTE, via, via_record);
	if (found == ROUTE_NO)
		found = route_srv(j, POLICY_RULE_VIA_ROUTE, via, false, why);
	if (found != ROUTE_YES)
		return found;
	j->partner.type = POLICY_TYPE_CLEARING;
	j->partner.record = via_record;
	j->partner.record_at = 0;
	j->partner.flags &= (uint8_t)~POLICY_DOMAIN_CERT_WILDCARD;
	if (allow.entry) {
		j->partner.record_at = via_record ? allow.entry->partner : 0;
		j->partner.flags |= allow.entry->flags & POLICY_DOMAIN_CERT_WILDCARD;
	}
	return found;
}

static enum route_found route_default(struct judge *j)
{
	const struct policy_provider *p = j->view->ops->provider(j->view, j->view->box->default_route);

	if (!judge_box(j, POLICY_BOX_DEFAULT_ROUTING) || !p || !(p->flags & POLICY_PROVIDER_ENABLED))
		return ROUTE_NO;
	judge_partner_of_provider(j, p, POLICY_TYPE_DEFAULT);
	j->verdict->route = (struct policy_route){.way = POLICY_WAY_SERVER,
						  .domain = j->domain,
						  .host = policy_str_get(p, p->size, p->fqdn),
						  .port = p->port};
	return judge_pass(j, POLICY_RULE_DEFAULT, j->verdict->route.host) ? ROUTE_YES : ROUTE_NO;
}

/* there must be an address to go to, and not the one where the message came from */
bool judge_route_reaches(struct judge *j)
{
	struct policy_route *route = &j->verdict->route;
	struct policy_shortfall s;
	struct policy_name name = route->host.len ? route->host : route->domain;

	if (j->facts->route == POLICY_ROUTE_EDGE)
		route->only = j->facts->edge_route;
	if (policy_targets(j->view, route, j->facts->peer, j->facts->now_ns, 0, NULL, 1, &s)) {
		for (unsigned i = 0; i < s.asks; i++)
			if (judge_want(j, s.ask[i].name, s.ask[i].kind))
				j->verdict->flags |= POLICY_VERDICT_REFRESH;
		if (route->only.len)
			judge_pass(j, POLICY_RULE_EDGE_ROUTE, route->only);
		return judge_pass(j, POLICY_RULE_ADDRESS, name);
	}
	if (s.unknown && s.asks)
		return judge_ask(j, POLICY_RULE_ADDRESS, s.ask[0].name, s.ask[0].kind);
	if (s.looped)
		return judge_refuse(j, POLICY_RULE_LOOP, POLICY_REASON_LOOP, name);
	if (s.unresolved)
		return judge_refuse(j, POLICY_RULE_ADDRESS, POLICY_REASON_NO_ADDRESS,
				    s.failed.len ? s.failed : name);
	if (route->only.len)
		return judge_refuse(j, POLICY_RULE_EDGE_ROUTE, POLICY_REASON_EDGE_ROUTE, route->only);
	if (route->way == POLICY_WAY_SRV) {
		if (route->identity_check == POLICY_IDENTITY_DNSSEC)
			return judge_refuse(j, POLICY_RULE_SECURE, POLICY_REASON_NOT_SECURE, name);
		return judge_refuse(j, POLICY_RULE_SAME_DOMAIN, POLICY_REASON_NO_SAME_DOMAIN, name);
	}
	return judge_refuse(j, POLICY_RULE_ADDRESS, POLICY_REASON_ROUTE_DOWN, name);
}

bool judge_route(struct judge *j)
{
	const struct policy_partner *r = j->partner.record;
	enum policy_reason why = POLICY_REASON_NO_ROUTE;
	uint8_t listed_type = j->standing == POLICY_ALLOWED ? POLICY_TYPE_ALLOWED : POLICY_TYPE_DISCOVERED;
	enum route_found found = route_static(j, POLICY_RULE_STATIC, j->domain, r);

	if (found == ROUTE_YES && !j->partner.type)
		j->partner.type = j->standing == POLICY_ALLOWED ? POLICY_TYPE_DIRECT : POLICY_TYPE_DISCOVERED;
	if (found == ROUTE_NO && r && r->proxy_fqdn.len) {
		j->partner.type = POLICY_TYPE_DIRECT;
		j->verdict->route = (struct policy_route){.way = POLICY_WAY_SERVER,
							  .domain = j->domain,
							  .host = policy_str_get(r, r->size, r->proxy_fqdn),
							  .port = r->proxy_port};
		judge_pass(j, POLICY_RULE_PROXY, j->verdict->route.host);
		found = ROUTE_YES;
	}
	if (found == ROUTE_NO) {
		found = route_srv(j, POLICY_RULE_SRV, j->domain, true, &why);
		if (found == ROUTE_YES && !j->partner.type)
			j->partner.type = listed_type;
	}
	if (found == ROUTE_NO)
		found = route_via(j, &why);
	if (found == ROUTE_NO) {
		found = route_any(j, j->domain);
		if (found == ROUTE_YES && !j->partner.type)
			j->partner.type = listed_type;
	}
	if (found == ROUTE_NO)
		found = route_default(j);
	if (found == ROUTE_NO)
		return judge_refuse(j, POLICY_RULE_DEFAULT, why, j->domain);
	if (found == ROUTE_DECIDED)
		return false;
	route_expect(j);
	return judge_route_reaches(j);
}

bool judge_route_inside(struct judge *j)
{
	const struct policy_own_domain *own = j->own;
	const struct policy_identity *identity = j->view->ops->identity(j->view, own->identity);
	uint32_t id = own->inside_route ? own->inside_route : identity ? identity->inside_route : 0;
	const struct policy_route_set *set = j->view->ops->route_set(j->view, id);
	struct policy_name name = policy_str_get(own, own->size, own->name);
	struct policy_shortfall s;
	bool next;

	if (!set || policy_set_state(set, &next) == POLICY_SET_EMPTY)
		return judge_refuse(j, POLICY_RULE_INSIDE, POLICY_REASON_NO_INSIDE_ROUTE, name);
	if (policy_set_state(set, &next) != POLICY_SET_USABLE)
		return judge_refuse(j, POLICY_RULE_INSIDE, POLICY_REASON_ROUTE_DOWN, name);
	j->verdict->route = (struct policy_route){
		.way = POLICY_WAY_INSIDE, .domain = name, .set = set, .nth = UINT16_MAX};
	if (!policy_targets(j->view, &j->verdict->route, NULL, j->facts->now_ns, 0, NULL, 1, &s)) {
		if (s.unknown && s.asks)
			return judge_ask(j, POLICY_RULE_INSIDE, s.ask[0].name, s.ask[0].kind);
		return judge_refuse(j, POLICY_RULE_INSIDE, POLICY_REASON_NO_ADDRESS,
				    s.failed.len ? s.failed : name);
	}
	for (unsigned i = 0; i < s.asks; i++)
		if (judge_want(j, s.ask[i].name, s.ask[i].kind))
			j->verdict->flags |= POLICY_VERDICT_REFRESH;
	return judge_pass(j, POLICY_RULE_INSIDE, name);
}
