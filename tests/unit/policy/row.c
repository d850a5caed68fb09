/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "tests/unit/policy/row.h"

static void print_trace(const struct policy_trace *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		const struct policy_rule_info *r = policy_rule_info(t->line[i].rule);

		print_message("      %-14s %-10s %.*s (%s)\n", r->section,
			      policy_outcome_text(t->line[i].outcome), (int)t->line[i].subject.len,
			      t->line[i].subject.ptr, r->text);
	}
}

/* the last line of the trace is the verdict */
static bool trace_agrees(const struct policy_trace *t, const struct policy_verdict *v)
{
	static const uint8_t outcome[] = {[POLICY_ACCEPT] = POLICY_ACCEPTED,
					  [POLICY_REFUSE] = POLICY_REFUSED,
					  [POLICY_DROP] = POLICY_REFUSED,
					  [POLICY_ASK] = POLICY_ASKED};

	return t->n > 0 && t->lost == 0 && t->line[t->n - 1].rule == v->rule &&
	       t->line[t->n - 1].outcome == outcome[v->action];
}

void rows_judge(const struct row *rows, size_t n)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < n; i++) {
		struct policy_verdict plain, traced;
		struct policy_trace trace;
		struct message m;
		struct world w;
		char got[600], got_plain[600];

		world_open(&w, world_base);
		world_add(&w, rows[i].world);
		if (w.error)
			fail_msg("%s: the world is refused (%d)", rows[i].what, w.error);
		message_read(&m, rows[i].message);
		policy_decide(w.view, &m.facts, &plain, NULL);
		policy_decide(w.view, &m.facts, &traced, &trace);
		verdict_print(&plain, got_plain, sizeof(got_plain));
		verdict_print(&traced, got, sizeof(got));
		if (strcmp(got, rows[i].verdict) != 0 || strcmp(got, got_plain) != 0 ||
		    !trace_agrees(&trace, &traced)) {
			print_message(
				"  %s\n    world   %s\n    message %s\n    wanted  %s\n    got     %s%s%s\n",
				rows[i].what, rows[i].world, rows[i].message, rows[i].verdict, got,
				strcmp(got, got_plain) ? "; without trace: " : "",
				strcmp(got, got_plain) ? got_plain : "");
			print_trace(&trace);
			wrong++;
		}
		world_close(&w);
	}
	if (wrong)
		fail_msg("%u of %zu rows are wrong", wrong, n);
}
