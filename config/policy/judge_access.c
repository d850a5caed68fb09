/* SPDX-License-Identifier: BSD-3-Clause */
/* §1.7 external-access policy: user, then site, then SIP domain, then global; for each right the most
 * specific scope that speaks of it decides. */
#include "config/policy/judge.h"

static void access_scope(struct policy_rights *sum, struct policy_rights scope)
{
	uint8_t news = scope.stated & (uint8_t)~sum->stated;

	sum->stated |= news;
	sum->granted |= scope.granted & news;
}

static uint8_t access_rights(const struct judge *j, const struct policy_user *user,
			     const struct policy_own_domain *own)
{
	struct policy_rights sum = {0, 0};
	const struct policy_site *site;

	if (user) {
		access_scope(&sum, user->rights);
		site = j->view->ops->site(j->view, user->site);
		if (site)
			access_scope(&sum, site->rights);
	}
	if (own)
		access_scope(&sum, own->rights);
	access_scope(&sum, j->view->box->rights);
	return sum.granted;
}

/* What all of our users who take part may do. Inbound these are R-URI and To: a To that has the right does
 * not open the door to the one to whom the R-URI really leads. */
static uint8_t access_of_message(const struct judge *j)
{
	const struct policy_facts *f = j->facts;
	uint8_t rights = access_rights(j, j->answers->user[0], j->own);

	if (f->direction == POLICY_INBOUND &&
	    !(policy_name_equal(f->to_user, f->ruri_user) && policy_name_equal(f->to_domain, f->ruri_domain)))
		rights &= access_rights(j, j->answers->user[1],
					j->view->ops->own_domain(j->view, f->to_domain));
	/* a bit from the internal server can only tighten */
	if (f->direction == POLICY_OUTBOUND)
		rights &= (uint8_t) ~(f->inner.stated & ~f->inner.granted);
	return rights;
}

static struct policy_name access_subject(const struct judge *j)
{
	return j->facts->direction == POLICY_INBOUND ? j->facts->to_user : j->facts->from_user;
}

bool judge_access_any(struct judge *j)
{
	const struct policy_facts *f = j->facts;
	uint8_t denied = (uint8_t)(f->inner.stated & ~f->inner.granted);

	/* between two domains outside (clearing house) no user of ours takes part */
	if (!j->own)
		return true;
	if (f->direction == POLICY_OUTBOUND && (denied & POLICY_RIGHT_OUTSIDE))
		return judge_refuse(j, POLICY_RULE_ACCESS, POLICY_REASON_USER_OUTSIDE, access_subject(j));
	if (!(access_of_message(j) & (POLICY_RIGHT_FEDERATION | POLICY_RIGHT_PUBLIC)))
		return judge_refuse(j, POLICY_RULE_ACCESS, POLICY_REASON_USER_FEDERATION, access_subject(j));
	return true;
}

bool judge_access_type(struct judge *j)
{
	uint8_t rights;
	bool is_public = judge_source_of_type(j->partner.type, j->partner.provider) == POLICY_SOURCE_PUBLIC;

	/* the shared address space is our own people: §1.7 speaks of partners */
	if (!j->own || j->partner.type == POLICY_TYPE_SHARED)
		return true;
	rights = access_of_message(j);
	if (is_public && !(rights & POLICY_RIGHT_PUBLIC))
		return judge_refuse(j, POLICY_RULE_ACCESS, POLICY_REASON_USER_PUBLIC, access_subject(j));
	if (!is_public && !(rights & POLICY_RIGHT_FEDERATION))
		return judge_refuse(j, POLICY_RULE_ACCESS, POLICY_REASON_USER_FEDERATION, access_subject(j));
	return judge_pass(j, POLICY_RULE_ACCESS, access_subject(j));
}
