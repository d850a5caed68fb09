/* SPDX-License-Identifier: BSD-3-Clause */
/* What a partner that has a way in (or out) must still pass, and how its sender is marked: the user's right
 * by type, §1.8 EKU, services, asserted identities, split domain, §1.2.9 pin, §1.4 verification. */
#include "config/policy/judge.h"

bool policy_eku_fits(enum policy_eku_mode mode, unsigned eku_bits, bool peer_is_client)
{
	unsigned own = peer_is_client ? POLICY_EKU_CLIENT : POLICY_EKU_SERVER;

	/* RFC 5924 makes id-kp-sipDomain good in either role */
	own |= POLICY_EKU_SIP_DOMAIN | POLICY_EKU_ANY_USAGE | POLICY_EKU_ABSENT;
	if (mode == POLICY_EKU_ANY)
		return true;
	if (mode != POLICY_EKU_STRICT)
		own |= POLICY_EKU_SERVER;
	return (eku_bits & own) != 0;
}

uint8_t judge_source_of_type(uint8_t type, const struct policy_provider *provider)
{
	switch (type) {
	case POLICY_TYPE_DIRECT:
		return POLICY_SOURCE_DIRECT;
	case POLICY_TYPE_ALLOWED:
	case POLICY_TYPE_DISCOVERED:
		return POLICY_SOURCE_AUTO;
	case POLICY_TYPE_PUBLIC:
		return POLICY_SOURCE_PUBLIC;
	case POLICY_TYPE_DEFAULT:
		return provider && (provider->flags & POLICY_PROVIDER_IS_PUBLIC) ? POLICY_SOURCE_PUBLIC
										 : POLICY_SOURCE_AUTHORIZED;
	case POLICY_TYPE_HOSTING:
	case POLICY_TYPE_CLEARING:
	case POLICY_TYPE_SHARED:
		return POLICY_SOURCE_AUTHORIZED;
	default:
		return POLICY_SOURCE_NONE;
	}
}

void judge_settings(struct judge *j)
{
	const struct judge_partner *p = &j->partner;
	struct policy_verdict *v = j->verdict;
	const struct policy_identity *identity;

	v->type = p->type;
	v->source = judge_source_of_type(p->type, p->provider);
	v->eku = p->eku;
	v->limit_class = p->limit_class;
	v->tls_profile = p->tls_profile;
	v->partner = p->record ? p->record_at : 0;
	v->provider = p->provider ? p->provider->id : 0;
	v->own_identity = j->own ? j->own->identity : 0;
	if (!v->tls_profile) {
		identity = j->view->ops->identity(j->view, v->own_identity);
		v->tls_profile = identity ? identity->tls_profile : 0;
	}
	if (p->flags & POLICY_DOMAIN_CERT_WILDCARD)
		v->flags |= POLICY_VERDICT_CERT_WILDCARD;
	if (p->entry && (p->entry->flags & POLICY_DOMAIN_MONITOR))
		v->flags |= POLICY_VERDICT_MONITOR;
	/* what only discovery let in; a public provider and our own people need no list */
	if (j->standing == POLICY_UNLISTED && v->source != POLICY_SOURCE_PUBLIC &&
	    p->type != POLICY_TYPE_SHARED)
		v->flags |= POLICY_VERDICT_DISCOVERED;
}

static bool mark_eku(struct judge *j)
{
	const struct policy_peer *peer = j->facts->peer;
	struct policy_name name = j->verdict->identity;

	if (!policy_eku_fits(j->partner.eku, peer->eku, true))
		return judge_refuse(j, POLICY_RULE_EKU, POLICY_REASON_EKU, name);
	return judge_pass(j, POLICY_RULE_EKU, name);
}

bool judge_service(struct judge *j)
{
	if (j->facts->service & (uint8_t)~j->partner.services)
		return judge_refuse(j, POLICY_RULE_SERVICE, POLICY_REASON_SERVICE, j->domain);
	return judge_pass(j, POLICY_RULE_SERVICE, j->domain);
}

bool judge_pai_good(struct judge *j)
{
	const struct policy_facts *f = j->facts;
	struct policy_match allow;

	/* RFC 3325 section 9.1: at most two. Who asserts more asserts something that was not looked at. */
	if (f->pais > 2)
		return false;
	for (unsigned i = 0; i < f->pais; i++) {
		if (policy_name_equal(f->pai[i], j->domain))
			continue;
		/* another domain of the very same entry; a provider proves each domain by its own SRV, so no
		 */
		if (!f->pai[i].len || j->partner.provider || !j->partner.entry ||
		    judge_name_blocked(j, f->pai[i], &allow) || allow.entry != j->partner.entry)
			return false;
	}
	return true;
}

/* 1.2.5: from whom it is trusted a PAI must pass the test for the same partner; from others it is stripped */
static bool mark_pai(struct judge *j)
{
	const struct policy_facts *f = j->facts;
	bool trusted = (j->partner.flags & POLICY_DOMAIN_TRUST_PAI) != 0;

	if (!trusted)
		return true;
	if (f->direction == POLICY_INBOUND && !judge_pai_good(j))
		return judge_refuse(j, POLICY_RULE_PAI, POLICY_REASON_PAI, f->pai[f->pais > 1 ? 1 : 0]);
	j->verdict->flags |= POLICY_VERDICT_KEEP_PAI;
	return judge_pass(j, POLICY_RULE_PAI, j->domain);
}

static bool mark_split(struct judge *j)
{
	if (j->partner.type != POLICY_TYPE_SHARED &&
	    !(j->partner.provider && (j->partner.provider->flags & POLICY_PROVIDER_SHARED)))
		return true;
	if (j->facts->split == POLICY_SPLIT_WRONG)
		return judge_refuse(j, POLICY_RULE_SPLIT, POLICY_REASON_SPLIT_DOMAIN, j->domain);
	if (j->facts->split == POLICY_SPLIT_GOOD)
		j->verdict->flags |= POLICY_VERDICT_KEEP_SPLIT;
	return judge_pass(j, POLICY_RULE_SPLIT, j->domain);
}

/* 1.2.9: one connection, one kind of partner. When the policy itself moved the pinning domain to another
 * kind, the pin moves with it, so that a commit needs no reconnect. */
static bool mark_type(struct judge *j)
{
	const struct policy_peer *peer = j->facts->peer;

	if (peer->pin == j->verdict->source)
		return judge_pass(j, POLICY_RULE_TYPE, j->domain);
	if (peer->pin && !policy_name_equal(peer->pin_domain, j->domain))
		return judge_refuse(j, POLICY_RULE_TYPE, POLICY_REASON_INCOMPATIBLE_TYPE, j->domain);
	j->verdict->flags |= POLICY_VERDICT_REPIN;
	return judge_pass(j, POLICY_RULE_TYPE, j->domain);
}

bool judge_verification(struct judge *j)
{
	uint8_t mark = j->facts->mark;

	switch (j->partner.verification) {
	case POLICY_VERIFY_ALWAYS:
		mark = POLICY_MARK_VERIFIED;
		break;
	case POLICY_VERIFY_NEVER:
		mark = POLICY_MARK_UNVERIFIED;
		break;
	default:
		if (mark == POLICY_MARK_VERIFIED)
			break;
		j->verdict->mark = POLICY_MARK_UNVERIFIED;
		return mark == POLICY_MARK_UNVERIFIED ||
		       !((j->partner.flags & POLICY_DOMAIN_REJECT_UNMARKED) ||
			 judge_box(j, POLICY_BOX_REJECT_UNMARKED));
	}
	j->verdict->mark = mark;
	return true;
}

bool judge_admitted(struct judge *j)
{
	bool inbound = j->facts->direction == POLICY_INBOUND;

	judge_settings(j);
	if (!judge_access_type(j))
		return false;
	if (inbound && !mark_eku(j))
		return false;
	if (!judge_service(j) || !mark_pai(j) || !mark_split(j))
		return false;
	if (!inbound) {
		if (judge_box(j, POLICY_BOX_MARK_OUTGOING))
			j->verdict->flags |= POLICY_VERDICT_MARK_OUTGOING;
		return true;
	}
	if (!mark_type(j))
		return false;
	if (!judge_verification(j))
		return judge_refuse(j, POLICY_RULE_VERIFICATION, POLICY_REASON_UNMARKED, j->domain);
	return judge_pass(j, POLICY_RULE_VERIFICATION, j->domain);
}
