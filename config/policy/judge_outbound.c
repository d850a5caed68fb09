/* SPDX-License-Identifier: BSD-3-Clause */
/* §1.2 outbound request on the internal side, step by step. */
#include "config/policy/judge.h"

bool judge_internal(struct judge *j)
{
	const struct policy_peer *peer = j->facts->peer;
	struct policy_name name = peer->names_n ? peer->names[0] : (struct policy_name){"", 0};

	if (!(peer->certificate || peer->insecure) || peer->revoked || !peer->trusted_internal)
		return judge_refuse(j, POLICY_RULE_INTERNAL, POLICY_REASON_INTERNAL_UNTRUSTED, name);
	return judge_pass(j, POLICY_RULE_INTERNAL, name);
}

/* Nobody allowed D and discovery is off: only a public provider that serves it can still admit it. A static
 * route alone admits nobody. */
static bool outbound_public(struct judge *j)
{
	const struct policy_provider *p;
	const struct policy_dns *dns;
	struct policy_dns_walk walk;
	struct policy_name target;

	if (judge_box(j, POLICY_BOX_DEFAULT_ROUTING)) {
		p = j->view->ops->provider(j->view, j->view->box->default_route);
		if (p && (p->flags & POLICY_PROVIDER_ENABLED) && (p->flags & POLICY_PROVIDER_IS_PUBLIC)) {
			judge_partner_of_provider(j, p, POLICY_TYPE_DEFAULT);
			return judge_pass(j, POLICY_RULE_ADMITTED, j->domain);
		}
	} else if (judge_box(j, POLICY_BOX_PUBLIC_PROVIDER)) {
		dns = judge_dns(j, j->domain, POLICY_DNS_FEDERATION);
		if (!dns)
			return judge_ask(j, POLICY_RULE_ADMITTED, j->domain, POLICY_DNS_FEDERATION);
		walk = policy_dns_walk(j->view, j->domain, dns);
		while (dns->state == POLICY_DNS_OK && policy_dns_next(&walk, &target)) {
			p = judge_provider_enabled(j, target);
			if (p && p->kind == POLICY_PROVIDER_PUBLIC) {
				judge_partner_of_provider(j, p, POLICY_TYPE_PUBLIC);
				return judge_pass(j, POLICY_RULE_ADMITTED,
						  policy_str_get(p, p->size, p->fqdn));
			}
		}
		if (walk.incomplete)
			return judge_ask_parts(j, POLICY_RULE_ADMITTED, j->domain);
	}
	return judge_refuse(j, POLICY_RULE_ADMITTED, POLICY_REASON_UNKNOWN_DOMAIN, j->domain);
}

bool judge_send_to(struct judge *j)
{
	if (judge_listed(j))
		judge_pass(j, POLICY_RULE_ADMITTED, j->domain);
	else if (!outbound_public(j))
		return false;
	return judge_route(j);
}

/* our own domain, homed at the provider that shares the address space */
static bool outbound_shared(struct judge *j)
{
	const struct policy_own_domain *to_own = j->view->ops->own_domain(j->view, j->domain);
	const struct policy_provider *p;

	if (!judge_shared(j, to_own))
		return false;
	p = j->partner.provider;
	j->verdict->route = (struct policy_route){.way = POLICY_WAY_SERVER,
						  .domain = j->domain,
						  .host = policy_str_get(p, p->size, p->fqdn),
						  .port = p->port};
	return true;
}

void judge_outbound(struct judge *j)
{
	bool to_own;

	if (!judge_internal(j))
		return;
	if (!judge_method(j) || !judge_route_set(j))
		return;
	/* From must be our domain */
	j->own = j->view->ops->own_domain(j->view, j->facts->from_domain);
	if (!j->own) {
		judge_refuse(j, POLICY_RULE_ORIGIN, POLICY_REASON_FROM_NOT_OURS, j->facts->from_domain);
		return;
	}
	judge_pass(j, POLICY_RULE_ORIGIN, j->facts->from_domain);
	if (!j->domain.len) {
		judge_refuse(j, POLICY_RULE_DESTINATION, POLICY_REASON_TO_INVALID, j->facts->ruri_domain);
		return;
	}
	to_own = j->view->ops->own_domain(j->view, j->domain) != NULL;
	/* the user's rights, first step of the way out (§1.7) */
	if (!to_own && !judge_access_any(j))
		return;
	if (!judge_federation_on(j) || !judge_blocked(j))
		return;
	if (to_own ? !(outbound_shared(j) && judge_route_reaches(j)) : !judge_send_to(j))
		return;
	if (!judge_admitted(j))
		return;
	judge_accept(j);
}
