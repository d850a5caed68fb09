/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/judge.h"

static void decide_user(struct policy_keys *keys, unsigned i, struct policy_name user,
			struct policy_name domain)
{
	keys->user[i] = (struct policy_address){user, domain};
}

/* of what comes in: whom the R-URI leads to, and who To says it is, if that is somebody else */
static void decide_callees(struct policy_keys *keys, const struct policy_facts *f)
{
	decide_user(keys, 0, f->ruri_user, f->ruri_domain);
	if (!policy_name_equal(f->to_user, f->ruri_user) || !policy_name_equal(f->to_domain, f->ruri_domain))
		decide_user(keys, 1, f->to_user, f->to_domain);
}

/* a domain of From or To that is neither the dialog's nor ours */
static struct policy_name decide_other_domain(const struct policy_view *view, const struct policy_facts *f)
{
	const struct policy_name header[2] = {f->from_domain, f->to_domain};

	for (unsigned i = 0; i < 2; i++)
		if (header[i].len && !policy_name_equal(header[i], f->stored->domain) &&
		    !view->ops->own_domain(view, header[i]))
			return header[i];
	return (struct policy_name){"", 0};
}

void policy_keys_gather(const struct policy_view *view, const struct policy_facts *facts,
			struct policy_keys *keys)
{
	const struct policy_name none = {"", 0};

	*keys = (struct policy_keys){{none, none}, {{none, none}, {none, none}}};
	if (facts->message != POLICY_REQUEST) {
		if (!facts->stored)
			return;
		keys->domain[0] = facts->stored->domain;
		keys->domain[1] = decide_other_domain(view, facts);
		if (facts->message == POLICY_IN_DIALOG && facts->direction == POLICY_INBOUND)
			decide_callees(keys, facts);
		return;
	}
	if (facts->direction == POLICY_OUTBOUND) {
		keys->domain[0] = facts->ruri_domain;
		decide_user(keys, 0, facts->from_user, facts->from_domain);
		return;
	}
	keys->domain[0] = facts->from_domain;
	if (view->box->flags & POLICY_BOX_CLEARING_HOUSE)
		keys->domain[1] = facts->ruri_domain;
	decide_callees(keys, facts);
}

void policy_judge(const struct policy_view *view, const struct policy_facts *facts,
		  const struct policy_answers *answers, struct policy_verdict *verdict,
		  struct policy_trace *trace)
{
	bool inbound = facts->direction == POLICY_INBOUND;
	struct policy_dns scratch; /* not cleared: a kilobyte that few judgements touch */
	struct policy_match match;
	struct judge j = {.view = view,
			  .facts = facts,
			  .answers = answers,
			  .verdict = verdict,
			  .trace = trace,
			  .domain = inbound ? facts->from_domain : facts->ruri_domain,
			  .standing = policy_hit_resolve(&answers->hit[0], &match),
			  .scratch = &scratch};

	memset(verdict, 0, offsetof(struct policy_verdict, text));
	if (trace)
		trace->n = trace->lost = trace->used = 0;

	verdict->domain = j.domain;
	verdict->near[0] = match.entry;
	verdict->near[2] = view->ops->near ? view->ops->near(view, j.domain) : NULL;
	if (facts->message != POLICY_REQUEST) {
		judge_dialog(&j);
		return;
	}
	if (j.standing == POLICY_ALLOWED)
		judge_partner_of_entry(&j, match.entry);
	else
		judge_partner_of_discovery(&j);
	if (!inbound) {
		judge_outbound(&j);
		return;
	}
	/* a refusal too counts toward the limits under which the sender would be (§1.5) */
	if (j.standing == POLICY_ALLOWED ||
	    (j.standing == POLICY_UNLISTED && judge_box(&j, POLICY_BOX_DISCOVERY)))
		verdict->limit_class = j.partner.limit_class;
	judge_inbound(&j);
}

void policy_decide(const struct policy_view *view, const struct policy_facts *facts,
		   struct policy_verdict *verdict, struct policy_trace *trace)
{
	struct policy_answers answers = {0};
	struct policy_keys keys;

	policy_keys_gather(view, facts, &keys);
	view->ops->domains(view, keys.domain, 2, answers.hit);
	view->ops->users(view, keys.user, 2, answers.user);
	policy_judge(view, facts, &answers, verdict, trace);
}

/* Keys of a burst, those that are there one behind the other, so that no look-up is spent on an empty one. */
struct decide_burst {
	struct policy_name domain[2 * POLICY_BURST];
	struct policy_address user[2 * POLICY_BURST];
	struct policy_hit hit[2 * POLICY_BURST];
	const struct policy_user *found[2 * POLICY_BURST];
	uint8_t domain_of[2 * POLICY_BURST]; /* message × 2 + which */
	uint8_t user_of[2 * POLICY_BURST];
	unsigned domains, users;
};

static void decide_collect(struct decide_burst *b, const struct policy_keys *keys, unsigned message)
{
	for (unsigned k = 0; k < 2; k++) {
		if (keys->domain[k].len) {
			b->domain_of[b->domains] = (uint8_t)(message * 2 + k);
			b->domain[b->domains++] = keys->domain[k];
		}
		if (keys->user[k].user.len) {
			b->user_of[b->users] = (uint8_t)(message * 2 + k);
			b->user[b->users++] = keys->user[k];
		}
	}
}

void policy_decide_burst(const struct policy_view *view, const struct policy_facts *const *facts, unsigned n,
			 struct policy_verdict *verdicts)
{
	struct policy_answers answers[POLICY_BURST];
	struct policy_keys keys;
	struct decide_burst b;

	if (n > POLICY_BURST)
		n = POLICY_BURST;
	b.domains = b.users = 0;
	for (unsigned i = 0; i < n; i++) {
		policy_keys_gather(view, facts[i], &keys);
		decide_collect(&b, &keys, i);
	}
	memset(answers, 0, n * sizeof(answers[0]));
	for (unsigned at = 0, part; at < b.domains; at += part) {
		part = b.domains - at < POLICY_BURST ? b.domains - at : POLICY_BURST;
		view->ops->domains(view, &b.domain[at], part, &b.hit[at]);
	}
	for (unsigned at = 0, part; at < b.users; at += part) {
		part = b.users - at < POLICY_BURST ? b.users - at : POLICY_BURST;
		view->ops->users(view, &b.user[at], part, &b.found[at]);
	}
	for (unsigned k = 0; k < b.domains; k++)
		answers[b.domain_of[k] / 2].hit[b.domain_of[k] % 2] = b.hit[k];
	for (unsigned k = 0; k < b.users; k++)
		answers[b.user_of[k] / 2].user[b.user_of[k] % 2] = b.found[k];
	for (unsigned i = 0; i < n; i++)
		policy_judge(view, facts[i], &answers[i], &verdicts[i], NULL);
}
