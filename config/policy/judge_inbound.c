/* SPDX-License-Identifier: BSD-3-Clause */
/* §1.2 inbound request on the external side, step by step. */
#include "config/policy/judge.h"

bool judge_peer(struct judge *j)
{
	const struct policy_peer *peer = j->facts->peer;
	struct policy_name name = peer->names_n ? peer->names[0] : (struct policy_name){"", 0};

	if (!peer->certificate)
		return judge_refuse(j, POLICY_RULE_PEER, POLICY_REASON_NO_CERTIFICATE, name);
	if (peer->revoked)
		return judge_refuse(j, POLICY_RULE_PEER, POLICY_REASON_REVOKED, name);
	return judge_pass(j, POLICY_RULE_PEER, name);
}

bool judge_method(struct judge *j)
{
	switch (j->facts->method) {
	case POLICY_METHOD_REGISTER:
	case POLICY_METHOD_PUBLISH:
	case POLICY_METHOD_SERVICE:
		return judge_refuse(j, POLICY_RULE_METHOD, POLICY_REASON_METHOD, j->domain);
	default:
		return judge_pass(j, POLICY_RULE_METHOD, j->domain);
	}
}

bool judge_route_set(struct judge *j)
{
	switch (j->facts->route) {
	case POLICY_ROUTE_NONE:
	case POLICY_ROUTE_OURS:
		break;
	case POLICY_ROUTE_STALE:
		return judge_refuse(j, POLICY_RULE_ROUTE, POLICY_REASON_ROUTE_STALE, j->domain);
	case POLICY_ROUTE_EDGE:
		/* only our own servers name a next hop */
		if (j->facts->direction == POLICY_OUTBOUND && j->facts->edge_route.len)
			break;
		return judge_refuse(j, POLICY_RULE_ROUTE, POLICY_REASON_ROUTE_FOREIGN, j->facts->edge_route);
	default:
		return judge_refuse(j, POLICY_RULE_ROUTE, POLICY_REASON_ROUTE_FOREIGN, j->domain);
	}
	return judge_pass(j, POLICY_RULE_ROUTE, j->domain);
}

/* 1.2.4; with a clearing house j->own stays NULL when the R-URI leads outside */
static bool inbound_destination(struct judge *j)
{
	const struct policy_facts *f = j->facts;
	bool clearing = judge_box(j, POLICY_BOX_CLEARING_HOUSE);
	bool to_ours = policy_name_equal(f->to_domain, f->ruri_domain) ||
		       j->view->ops->own_domain(j->view, f->to_domain) != NULL;

	j->own = j->view->ops->own_domain(j->view, f->ruri_domain);
	if ((!j->own || !to_ours) && !clearing)
		return judge_refuse(j, POLICY_RULE_DESTINATION, POLICY_REASON_NOT_OUR_DOMAIN,
				    j->own ? f->to_domain : f->ruri_domain);
	if (!f->ruri_domain.len)
		return judge_refuse(j, POLICY_RULE_DESTINATION, POLICY_REASON_TO_INVALID, f->ruri_domain);
	return judge_pass(j, POLICY_RULE_DESTINATION, f->ruri_domain);
}

bool judge_shared(struct judge *j, const struct policy_own_domain *own)
{
	const struct policy_box *box = j->view->box;
	uint32_t id = own->shared_provider ? own->shared_provider : box->shared_provider;
	const struct policy_provider *p = j->view->ops->provider(j->view, id);
	bool inbound = j->facts->direction == POLICY_INBOUND;
	struct policy_name fqdn, found;

	if (!p || !(p->flags & POLICY_PROVIDER_ENABLED) || !(p->flags & POLICY_PROVIDER_SHARED))
		return judge_refuse(j, POLICY_RULE_SHARED,
				    inbound ? POLICY_REASON_FROM_OURS : POLICY_REASON_TO_OURS, j->domain);
	fqdn = policy_str_get(p, p->size, p->fqdn);
	if (inbound) {
		found = judge_peer_name(j, fqdn, (p->flags & POLICY_PROVIDER_CERT_WILDCARD) != 0);
		if (!found.len)
			return judge_refuse(j, POLICY_RULE_SHARED, POLICY_REASON_FROM_OURS, j->domain);
	}
	/* §1.8: the hop across the shared space is marked, and made once */
	if (j->facts->shared_hop)
		return judge_refuse(j, POLICY_RULE_SHARED, POLICY_REASON_SHARED_TWICE, j->domain);
	j->verdict->identity = fqdn;
	j->verdict->flags |= POLICY_VERDICT_SHARED_HOP;
	judge_partner_of_provider(j, p, POLICY_TYPE_SHARED);
	return judge_pass(j, POLICY_RULE_SHARED, fqdn);
}

/* From the admitted D on to D2 outside: every rule for sending to D2 holds. */
static bool judge_clearing(struct judge *j)
{
	struct policy_verdict *v = j->verdict;
	struct policy_verdict in = *v;
	struct policy_match match;

	v->flags = (uint16_t)(v->flags & ~POLICY_VERDICT_CERT_WILDCARD);
	if (policy_name_equal(j->domain, j->facts->ruri_domain))
		return judge_refuse(j, POLICY_RULE_CLEARING, POLICY_REASON_CLEARING_SAME, j->domain);
	/* out of the shared address space: our own people, whose rights (§1.7) the way through here would
	 * skip */
	if (j->partner.type == POLICY_TYPE_SHARED)
		return judge_refuse(j, POLICY_RULE_CLEARING, POLICY_REASON_CLEARING_OURS, j->domain);
	judge_pass(j, POLICY_RULE_CLEARING, j->facts->ruri_domain);
	j->domain = j->facts->ruri_domain;
	j->standing = policy_hit_resolve(&j->answers->hit[1], &match);
	if (!judge_blocked(j))
		return false;
	if (j->standing == POLICY_ALLOWED)
		judge_partner_of_entry(j, match.entry);
	else
		judge_partner_of_discovery(j);
	if (!judge_send_to(j))
		return false;
	/* limits, marks and what is signed are the sender's; how the next hop is known (certificate, key,
	 * TLS) is D2's */
	v->flags |= (uint16_t)(in.flags & ~POLICY_VERDICT_CERT_WILDCARD) | POLICY_VERDICT_EXTERNAL;
	if (j->partner.flags & POLICY_DOMAIN_CERT_WILDCARD)
		v->flags |= POLICY_VERDICT_CERT_WILDCARD;
	v->partner = j->partner.record ? j->partner.record->id : 0;
	v->eku = j->partner.eku;
	v->tls_profile = j->partner.tls_profile;
	return true;
}

void judge_inbound(struct judge *j)
{
	const struct policy_own_domain *from_own;
	bool admitted;

	/* 1 */
	if (!judge_peer(j))
		return;
	/* 2, 3 */
	if (!judge_method(j) || !judge_route_set(j))
		return;
	/* 4 */
	if (!inbound_destination(j))
		return;
	/* 5 */
	if (!j->domain.len) {
		judge_refuse(j, POLICY_RULE_ORIGIN, POLICY_REASON_FROM_INVALID, j->domain);
		return;
	}
	from_own = j->view->ops->own_domain(j->view, j->domain);
	if (from_own && !judge_shared(j, from_own))
		return;
	if (!from_own)
		judge_pass(j, POLICY_RULE_ORIGIN, j->domain);
	/* 5a, as far as it can be told before the type */
	if (!from_own && !judge_access_any(j))
		return;
	/* 6 */
	if (!judge_blocked(j) || !judge_federation_on(j))
		return;
	/* 7, 8, 8a, 8b */
	admitted = from_own || judge_identify(j);
	if (!admitted)
		return;
	/* 5a, 9 */
	if (!judge_admitted(j))
		return;
	if (!(j->own ? judge_route_inside(j) : judge_clearing(j)))
		return;
	judge_accept(j);
}
