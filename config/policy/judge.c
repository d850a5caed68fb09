/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/judge.h"

/* a name inside of *j->scratch dies with the judgement */
static bool judge_fleeting(const struct judge *j, struct policy_name name)
{
	uintptr_t at = (uintptr_t)name.ptr, scratch = (uintptr_t)j->scratch;

	return at >= scratch && at < scratch + sizeof(*j->scratch);
}

static void judge_note(struct judge *j, enum policy_rule rule, enum policy_outcome outcome,
		       struct policy_name subject)
{
	struct policy_trace *t = j->trace;

	if (!t)
		return;
	if (t->n == POLICY_TRACE_LINES) {
		t->n--;
		t->lost++;
	}
	if (judge_fleeting(j, subject)) {
		if (subject.len > sizeof(t->text) - t->used)
			subject.len = 0;
		memcpy(t->text + t->used, subject.ptr, subject.len);
		subject.ptr = t->text + t->used;
		t->used += (uint16_t)subject.len;
	}
	t->line[t->n++] = (struct policy_trace_line){(uint8_t)rule, (uint8_t)outcome, subject};
}

/* the same name, where it outlives the judgement */
static struct policy_name judge_keep(struct judge *j, struct policy_name name)
{
	if (!judge_fleeting(j, name) || name.len > POLICY_NAME_MAX)
		return name;
	memcpy(j->verdict->text, name.ptr, name.len);
	return (struct policy_name){j->verdict->text, name.len};
}

/* RFC 3261 section 8.2: ACK is never answered; [MS-SIP] BENOTIFY neither; a response has no answer */
static bool judge_unanswerable(const struct policy_facts *f)
{
	return f->message == POLICY_RESPONSE || f->method == POLICY_METHOD_ACK ||
	       f->method == POLICY_METHOD_BENOTIFY;
}

bool judge_refuse(struct judge *j, enum policy_rule rule, enum policy_reason reason,
		  struct policy_name subject)
{
	struct policy_verdict *v = j->verdict;

	v->action = judge_unanswerable(j->facts) ? POLICY_DROP : POLICY_REFUSE;
	v->reason = (uint8_t)reason;
	v->rule = (uint8_t)rule;
	v->detail = judge_keep(j, subject);
	if (j->facts->direction == POLICY_INBOUND && j->facts->peer->names_n)
		v->identity = j->facts->peer->names[0];
	v->asks = 0;
	v->flags = 0;
	judge_note(j, rule, POLICY_REFUSED, subject);
	return false;
}

bool judge_accept(struct judge *j)
{
	struct policy_verdict *v = j->verdict;

	v->action = POLICY_ACCEPT;
	v->reason = POLICY_REASON_ACCEPTED;
	v->rule = POLICY_RULE_ACCEPT;
	v->detail = v->domain;
	/* a question that another way in has answered meanwhile */
	if (!(v->flags & POLICY_VERDICT_REFRESH))
		v->asks = 0;
	judge_note(j, POLICY_RULE_ACCEPT, POLICY_ACCEPTED, v->domain);
	return false;
}

bool judge_want(struct judge *j, struct policy_name name, enum policy_dns_kind kind)
{
	struct policy_verdict *v = j->verdict;

	for (unsigned i = 0; i < v->asks; i++)
		if (v->ask[i].kind == kind && policy_name_equal(v->ask[i].name, name))
			return true;
	if (v->asks == POLICY_ASKS)
		return false;
	v->ask[v->asks++] = (struct policy_ask){name, (uint8_t)kind};
	return true;
}

bool judge_ask(struct judge *j, enum policy_rule rule, struct policy_name name, enum policy_dns_kind kind)
{
	struct policy_verdict *v = j->verdict;

	/* what was merely past its TTL may wait; this may not */
	if (!judge_want(j, name, kind))
		v->ask[0] = (struct policy_ask){name, (uint8_t)kind};
	v->action = POLICY_ASK;
	v->reason = POLICY_REASON_NEED_DNS;
	v->rule = (uint8_t)rule;
	v->detail = name;
	v->flags = 0;
	judge_note(j, rule, POLICY_ASKED, name);
	return false;
}

bool judge_pass(struct judge *j, enum policy_rule rule, struct policy_name subject)
{
	judge_note(j, rule, POLICY_PASSED, subject);
	return true;
}

bool judge_no_match(struct judge *j, enum policy_rule rule, struct policy_name subject)
{
	judge_note(j, rule, POLICY_NO_MATCH, subject);
	return false;
}
