/* SPDX-License-Identifier: BSD-3-Clause */
/* decide(): facts about a message and its peer in, verdict out. Pure: no I/O, no clock, no allocation, no
 * state. The dataplane calls it per message, `explain` calls it with a trace; both get the same verdict.
 *
 * A burst goes in two phases so that the misses of all its lookups overlap: policy_decide_burst() gathers the
 * keys of all messages, has them looked up together, then judges one by one. */
#ifndef CONFIG_POLICY_DECIDE_H
#define CONFIG_POLICY_DECIDE_H

#include "config/policy/facts.h"
#include "config/policy/verdict.h"
#include "config/policy/view.h"

/* What a message needs from the big tables. Empty names are not looked up. */
struct policy_keys {
	struct policy_name domain[2];  /* the partner's; a second one that must not be blocked either */
	struct policy_address user[2]; /* ours: To and R-URI inbound, From outbound */
};

struct policy_answers {
	struct policy_hit hit[2];
	const struct policy_user *user[2];
};

void policy_keys_gather(const struct policy_view *view, const struct policy_facts *facts,
			struct policy_keys *keys);

/* The judgement itself. `answers` are those of policy_keys_gather()'s keys in this very generation. `trace`
 * may be NULL; it never changes the verdict. */
void policy_judge(const struct policy_view *view, const struct policy_facts *facts,
		  const struct policy_answers *answers, struct policy_verdict *verdict,
		  struct policy_trace *trace);

/* one message: gather, look up, judge */
void policy_decide(const struct policy_view *view, const struct policy_facts *facts,
		   struct policy_verdict *verdict, struct policy_trace *trace);

/* n messages, n ≤ POLICY_BURST, by one generation */
void policy_decide_burst(const struct policy_view *view, const struct policy_facts *const *facts, unsigned n,
			 struct policy_verdict *verdicts);

enum policy_standing {
	POLICY_UNLISTED,
	POLICY_ALLOWED,
	POLICY_BLOCKED,
	POLICY_HARD_BLOCKED,
};

/* Section 1.3: which entry decides for a name. *match gets it (entry NULL when unlisted). */
enum policy_standing policy_hit_resolve(const struct policy_hit *hit, struct policy_match *match);

#endif
