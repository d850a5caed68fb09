/* SPDX-License-Identifier: BSD-3-Clause */
/* §1.2 in-dialog requests and responses: the peer is the one whom our signed route names; no new SRV lookup;
 * blocks, switches, allows and revocation are those of this very generation, so that a commit cuts live
 * dialogs. */
#include "config/policy/judge.h"

/* so that clients end cleanly what is cut */
static bool dialog_ends(const struct policy_facts *f)
{
	return f->method == POLICY_METHOD_BYE || f->method == POLICY_METHOD_CANCEL;
}

static bool dialog_route(struct judge *j)
{
	const struct policy_facts *f = j->facts;

	if (f->message == POLICY_RESPONSE)
		return f->stored ? judge_pass(j, POLICY_RULE_ROUTE, j->domain)
				 : judge_refuse(j, POLICY_RULE_ROUTE, POLICY_REASON_DIALOG_PEER, j->domain);
	switch (f->route) {
	case POLICY_ROUTE_OURS:
	case POLICY_ROUTE_EDGE:
		if (f->stored && (f->route == POLICY_ROUTE_OURS || f->direction == POLICY_OUTBOUND))
			return judge_pass(j, POLICY_RULE_ROUTE, j->domain);
		return judge_refuse(j, POLICY_RULE_ROUTE, POLICY_REASON_ROUTE_FOREIGN, j->domain);
	case POLICY_ROUTE_NONE:
		return judge_refuse(j, POLICY_RULE_ROUTE, POLICY_REASON_ROUTE_MISSING, j->domain);
	default:
		return judge_route_set(j);
	}
}

/* the identity signed into the route must equal N's match */
static bool dialog_peer(struct judge *j, const struct policy_domain *entry)
{
	const struct policy_stored *s = j->facts->stored;
	const struct policy_peer *peer = j->facts->peer;
	const struct policy_provider *p = judge_provider_enabled(j, s->identity);
	struct policy_name found;

	if (s->by_key) {
		if (!peer->has_spki || memcmp(peer->spki, s->spki, POLICY_SPKI_LEN) != 0)
			return judge_refuse(j, POLICY_RULE_DIALOG, POLICY_REASON_DIALOG_PEER, s->domain);
		/* whom nothing but the pin lets in must still be pinned by this very partner (a clearing
		 * house: by somebody, which judge_peer() saw) */
		if (!peer->certificate && s->type != POLICY_TYPE_CLEARING &&
		    !(entry && judge_key_pinned(j, j->view->ops->partner(j->view, entry->partner))))
			return judge_refuse(j, POLICY_RULE_DIALOG, POLICY_REASON_PIN_MISMATCH, s->domain);
		return judge_pass(j, POLICY_RULE_DIALOG, s->domain);
	}
	/* names that were not proven are no names (there are none), and a dialog by name is not his; of a
	 * next hop without TLS the name is what we called */
	if (!peer->certificate && !peer->insecure)
		return judge_refuse(j, POLICY_RULE_DIALOG, POLICY_REASON_DIALOG_PEER, s->identity);
	found = judge_peer_name(j, s->identity, p && (p->flags & POLICY_PROVIDER_CERT_WILDCARD));
	if (!found.len)
		return judge_refuse(j, POLICY_RULE_DIALOG, POLICY_REASON_DIALOG_PEER, s->identity);
	return judge_pass(j, POLICY_RULE_DIALOG, s->identity);
}

/* does what admitted the dialog still stand? Discovery off stops new dialogs only. */
static bool dialog_stands(struct judge *j)
{
	const struct policy_stored *s = j->facts->stored;
	const struct policy_provider *p = NULL;
	bool stands;

	switch (s->type) {
	case POLICY_TYPE_HOSTING:
	case POLICY_TYPE_PUBLIC:
	case POLICY_TYPE_SHARED:
		p = judge_provider_enabled(j, s->identity);
		break;
	case POLICY_TYPE_DEFAULT:
		p = j->view->ops->provider(j->view, j->view->box->default_route);
		if (p && (!judge_box(j, POLICY_BOX_DEFAULT_ROUTING) || !(p->flags & POLICY_PROVIDER_ENABLED)))
			p = NULL;
		break;
	default:
		break;
	}
	switch (s->type) {
	case POLICY_TYPE_DISCOVERED:
		stands = true;
		break;
	case POLICY_TYPE_ALLOWED:
		/* with discovery on, the domain that lost its allow would be let in again */
		stands = s->discovered || judge_listed(j);
		break;
	case POLICY_TYPE_HOSTING:
		stands = p && (s->discovered || judge_listed(j));
		break;
	case POLICY_TYPE_PUBLIC:
		stands = p && p->kind == POLICY_PROVIDER_PUBLIC;
		break;
	case POLICY_TYPE_SHARED:
		stands = p && (p->flags & POLICY_PROVIDER_SHARED);
		break;
	case POLICY_TYPE_DEFAULT:
		stands = p && (s->discovered || (p->flags & POLICY_PROVIDER_IS_PUBLIC) || judge_listed(j));
		break;
	default: /* direct, clearing */
		stands = s->discovered || j->standing == POLICY_ALLOWED;
		break;
	}
	j->partner.provider = p;
	if (!stands)
		return judge_refuse(j, POLICY_RULE_ALLOW_STANDS, POLICY_REASON_ALLOW_REMOVED, j->domain);
	return judge_pass(j, POLICY_RULE_ALLOW_STANDS, j->domain);
}

/* block list, switches and allows as they are now */
static bool dialog_uncut(struct judge *j)
{
	struct policy_match match;

	if (!judge_blocked(j))
		return false;
	/* the other domain outside, where the headers name one: the far end of a clearing house, a redirected
	 * call */
	switch (policy_hit_resolve(&j->answers->hit[1], &match)) {
	case POLICY_BLOCKED:
		return judge_refuse(j, POLICY_RULE_BLOCK, POLICY_REASON_BLOCKED, j->domain);
	case POLICY_HARD_BLOCKED:
		return judge_refuse(j, POLICY_RULE_BLOCK, POLICY_REASON_HARD_BLOCKED, j->domain);
	default:
		break;
	}
	return judge_federation_on(j) && dialog_stands(j);
}

/* how the sender is marked and what may stay, by the settings that hold now */
static void dialog_settings(struct judge *j, const struct policy_domain *entry)
{
	const struct policy_stored *s = j->facts->stored;
	const struct policy_provider *p = j->partner.provider;
	struct policy_verdict *v = j->verdict;

	if (j->standing == POLICY_ALLOWED)
		judge_partner_of_entry(j, entry);
	else
		judge_partner_of_discovery(j);
	if (p)
		judge_partner_of_provider(j, p, s->type);
	j->partner.type = s->type;
	judge_settings(j);
	v->flags = (uint16_t)(v->flags & ~POLICY_VERDICT_DISCOVERED);
	if (s->discovered)
		v->flags |= POLICY_VERDICT_DISCOVERED;
	if (s->by_key)
		v->flags |= POLICY_VERDICT_BY_KEY;
	v->identity = s->identity;
	v->route = (struct policy_route){.way = POLICY_WAY_STORED, .domain = s->domain};
	if ((j->partner.flags & POLICY_DOMAIN_TRUST_PAI) && judge_pai_good(j))
		v->flags |= POLICY_VERDICT_KEEP_PAI;
	if (j->facts->split == POLICY_SPLIT_GOOD && p && (p->flags & POLICY_PROVIDER_SHARED))
		v->flags |= POLICY_VERDICT_KEEP_SPLIT;
	if (j->facts->direction == POLICY_INBOUND)
		judge_verification(j); /* what began unmarked and was let in goes on as unverified */
	else if (judge_box(j, POLICY_BOX_MARK_OUTGOING))
		v->flags |= POLICY_VERDICT_MARK_OUTGOING;
}

/* our end: From of what we send and of responses that come back, To of the rest */
static const struct policy_own_domain *dialog_own(const struct judge *j)
{
	const struct policy_facts *f = j->facts;
	bool from = (f->direction == POLICY_OUTBOUND) != (f->message == POLICY_RESPONSE);

	return j->view->ops->own_domain(j->view, from ? f->from_domain : f->to_domain);
}

/* What is signed is the dialog and its peer, not whom the R-URI leads to: where that is an address of ours
 * and not a Contact at some host, §1.7 holds as it did for the first request, or one dialog with somebody who
 * may would open the door to all who may not. ACK passes: what it acknowledges did. */
static bool dialog_access(struct judge *j)
{
	const struct policy_facts *f = j->facts;
	const struct policy_own_domain *to = j->own;
	bool may;

	if (f->method == POLICY_METHOD_ACK || dialog_ends(f) || !f->ruri_user.len)
		return true;
	j->own = j->view->ops->own_domain(j->view, f->ruri_domain);
	may = !j->own || judge_access_type(j);
	j->own = to;
	return may;
}

/* Our pool sends a request where its R-URI says. Who is in a dialog may reach whom he is in it with, at the
 * host that one named, and our SIP domains; not what else the pool can reach. A BYE is no exception: with a
 * body of the sender's own making it opens the same connections. */
static bool dialog_target(struct judge *j)
{
	const struct policy_facts *f = j->facts;

	if (judge_box(j, POLICY_BOX_ANY_CONTACT))
		return true;
	if (f->ruri_strange && !j->view->ops->own_domain(j->view, f->ruri_domain))
		return judge_refuse(j, POLICY_RULE_DIALOG_TARGET, POLICY_REASON_DIALOG_TARGET,
				    f->ruri_domain);
	return judge_pass(j, POLICY_RULE_DIALOG_TARGET, f->ruri_domain);
}

void judge_dialog(struct judge *j)
{
	const struct policy_facts *f = j->facts;
	bool request = f->message == POLICY_IN_DIALOG, inbound = f->direction == POLICY_INBOUND;
	struct policy_match match;

	if (!(inbound ? judge_peer(j) : judge_internal(j)))
		return;
	if ((request && !judge_method(j)) || !dialog_route(j))
		return;
	j->domain = f->stored->domain;
	j->verdict->domain = j->domain;
	j->standing = policy_hit_resolve(&j->answers->hit[0], &match);
	j->own = dialog_own(j);
	if (inbound && !dialog_peer(j, match.entry))
		return;
	if (request && inbound && !policy_name_equal(f->from_domain, j->domain)) {
		judge_refuse(j, POLICY_RULE_DIALOG_DOMAIN, POLICY_REASON_DIALOG_DOMAIN, f->from_domain);
		return;
	}
	if (request && !inbound && !j->own) {
		judge_refuse(j, POLICY_RULE_ORIGIN, POLICY_REASON_FROM_NOT_OURS, f->from_domain);
		return;
	}
	if (!dialog_ends(f) && !dialog_uncut(j))
		return;
	if (request && inbound && !dialog_target(j))
		return;
	dialog_settings(j, match.entry);
	if (request && inbound && !dialog_access(j))
		return;
	/* a chat does not become a call by a re-INVITE */
	if (request && !judge_service(j))
		return;
	judge_accept(j);
}
