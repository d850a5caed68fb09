/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/proxy_shadow.h"

#include "config/policy/decide.h"
#include "dataplane/proxy/proxy_event.h"

static bool refuses(const struct policy_verdict *v)
{
	return v->action == POLICY_REFUSE || v->action == POLICY_DROP;
}

void proxy_shadow_judge(struct proxy *p, const struct proxy_passing *r)
{
	struct policy_verdict other;

	memset(&other, 0, offsetof(struct policy_verdict, text));
	policy_decide(p->candidate, &r->facts.facts, &other, NULL);
	PROXY_COUNT(p, shadow_judged);
	if (!policy_verdict_differs(&r->verdict, &other))
		return;
	PROXY_COUNT(p, shadow_differs);
	if (other.action == POLICY_ASK)
		/* Nobody asks for it: a question is an effect. What comes after the answer is not known. */
		PROXY_COUNT(p, shadow_would_ask);
	else if (r->verdict.action == POLICY_ACCEPT && refuses(&other))
		PROXY_COUNT(p, shadow_would_refuse);
	else if (refuses(&r->verdict) && other.action == POLICY_ACCEPT)
		PROXY_COUNT(p, shadow_would_accept);
	proxy_event_shadow(p, r->c, &r->verdict, &other, false);
}

void proxy_shadow_judge_answer(struct proxy *p, const struct proxy_conn *c, const struct proxy_passing *r)
{
	struct policy_verdict other;

	memset(&other, 0, offsetof(struct policy_verdict, text));
	policy_decide(p->candidate, &r->facts.facts, &other, NULL);
	PROXY_COUNT(p, shadow_answers);
	if (!policy_verdict_differs(&r->verdict, &other))
		return;
	PROXY_COUNT(p, shadow_answers_differ);
	proxy_event_shadow(p, c, &r->verdict, &other, true);
}

void proxy_shadow(struct proxy *p, const struct policy_view *candidate)
{
	p->candidate = candidate;
}
