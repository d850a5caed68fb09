/* SPDX-License-Identifier: BSD-3-Clause */
/* §1.3 which entry decides for a name; §1.2.6 blocks and the switches of federation. */
#include "config/policy/judge.h"

enum policy_standing policy_hit_resolve(const struct policy_hit *hit, struct policy_match *match)
{
	const struct policy_match *allow = &hit->allow, *block = &hit->block;
	bool allow_longer;

	/* an emergency block beats everything, `except` too */
	if (hit->hard.entry) {
		*match = hit->hard;
		return POLICY_HARD_BLOCKED;
	}
	if (!block->entry) {
		*match = *allow;
		return allow->entry ? POLICY_ALLOWED : POLICY_UNLISTED;
	}
	/* a block beats every allow at or below it, unless that says `except`: then the longer match decides,
	 * and at one length the exact one is the longer */
	allow_longer = allow->entry &&
		       (allow->from < block->from ||
			(allow->from == block->from && !(allow->entry->flags & POLICY_DOMAIN_SUBTREE) &&
			 (block->entry->flags & POLICY_DOMAIN_SUBTREE)));
	if (allow_longer && (allow->entry->flags & POLICY_DOMAIN_EXCEPT)) {
		*match = *allow;
		return POLICY_ALLOWED;
	}
	*match = *block;
	return POLICY_BLOCKED;
}

bool judge_blocked(struct judge *j)
{
	if (j->standing == POLICY_HARD_BLOCKED)
		return judge_refuse(j, POLICY_RULE_BLOCK, POLICY_REASON_HARD_BLOCKED, j->domain);
	if (j->standing == POLICY_BLOCKED)
		return judge_refuse(j, POLICY_RULE_BLOCK, POLICY_REASON_BLOCKED, j->domain);
	return judge_pass(j, POLICY_RULE_BLOCK, j->domain);
}

bool judge_name_blocked(struct judge *j, struct policy_name name, struct policy_match *allow)
{
	struct policy_hit hit = {0};
	struct policy_match match;
	enum policy_standing standing;

	j->view->ops->domains(j->view, &name, 1, &hit);
	standing = policy_hit_resolve(&hit, &match);
	if (allow)
		*allow = standing == POLICY_ALLOWED ? match : (struct policy_match){0};
	return standing == POLICY_BLOCKED || standing == POLICY_HARD_BLOCKED;
}

bool judge_federation_on(struct judge *j)
{
	const struct policy_own_domain *own = j->own;
	const struct policy_identity *identity;

	if (!judge_box(j, POLICY_BOX_FEDERATION))
		return judge_refuse(j, POLICY_RULE_FEDERATION, POLICY_REASON_FEDERATION_OFF, j->domain);
	if (own) {
		identity = j->view->ops->identity(j->view, own->identity);
		if ((own->flags & POLICY_OWN_NO_FEDERATION) ||
		    (identity && (identity->flags & POLICY_OWN_NO_FEDERATION)))
			return judge_refuse(j, POLICY_RULE_FEDERATION, POLICY_REASON_FEDERATION_OFF_HERE,
					    policy_str_get(own, own->size, own->name));
	}
	return judge_pass(j, POLICY_RULE_FEDERATION, j->domain);
}

static uint8_t judge_or(uint8_t own, uint8_t box, uint8_t builtin)
{
	return own ? own : box ? box : builtin;
}

void judge_partner_of_entry(struct judge *j, const struct policy_domain *entry)
{
	const struct policy_box *box = j->view->box;

	j->partner = (struct judge_partner){
		.verification =
			judge_or(entry->verification, box->allowed_verification, POLICY_VERIFY_SOURCE),
		.identity_check =
			judge_or(entry->identity_check, box->identity_check, POLICY_IDENTITY_EITHER),
		.eku = judge_or(entry->eku, box->eku, POLICY_EKU_ACCEPT_SERVERAUTH),
		.services = entry->services,
		.limit_class = entry->limit_class,
		.tls_profile = entry->tls_profile,
		.flags = entry->flags,
		.entry = entry,
		.record = j->view->ops->partner(j->view, entry->partner),
	};
	j->verdict->near[1] = j->partner.record;
}

void judge_partner_of_discovery(struct judge *j)
{
	const struct policy_box *box = j->view->box;

	j->partner = (struct judge_partner){
		.verification = judge_or(0, box->discovered_verification, POLICY_VERIFY_SOURCE),
		.identity_check = judge_or(0, box->identity_check, POLICY_IDENTITY_EITHER),
		.eku = judge_or(0, box->eku, POLICY_EKU_ACCEPT_SERVERAUTH),
		.services = box->discovered_services,
		.limit_class = box->discovered_limit_class,
	};
	/* there is no key to compare with for somebody whom nobody listed */
	if (j->partner.identity_check == POLICY_IDENTITY_PINNED)
		j->partner.identity_check = POLICY_IDENTITY_LYNC;
}

/* D's own entry, when there is one, stays known (comment, services); the provider's settings decide the rest
 */
void judge_partner_of_provider(struct judge *j, const struct policy_provider *provider, uint8_t type)
{
	struct judge_partner *p = &j->partner;
	uint8_t services = p->entry ? p->services : POLICY_SERVICE_ALL;

	p->type = type;
	p->provider = provider;
	/* Microsoft's two defaults contradict each other, so ours has to be said; unsaid means the careful
	 * one */
	p->verification = judge_or(provider->verification, 0, POLICY_VERIFY_SOURCE);
	p->eku = judge_or(provider->eku, j->view->box->eku, POLICY_EKU_ACCEPT_SERVERAUTH);
	p->services = provider->services & services;
	p->limit_class = provider->limit_class;
	p->tls_profile = provider->tls_profile;
	p->flags =
		(uint8_t)((provider->flags & POLICY_PROVIDER_TRUST_PAI ? POLICY_DOMAIN_TRUST_PAI : 0) |
			  (provider->flags & POLICY_PROVIDER_CERT_WILDCARD ? POLICY_DOMAIN_CERT_WILDCARD
									   : 0) |
			  (provider->flags & POLICY_PROVIDER_REJECT_UNMARKED ? POLICY_DOMAIN_REJECT_UNMARKED
									     : 0));
}
