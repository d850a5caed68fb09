/* SPDX-License-Identifier: BSD-3-Clause */
/* One message of each partner type and the policy that it needs, for measuring decide(). The policy comes as
 * a draft: a bench judges by its view, or puts the same entries into a segment and judges by that one. */
#ifndef BENCH_POLICY_DECIDE_CASE_H
#define BENCH_POLICY_DECIDE_CASE_H

#include "config/policy/decide.h"
#include "config/policy/draft.h"

struct decide_case {
	const char *name; /* of the metric: decide_ns/direct … */
	uint8_t action;	  /* enum policy_action that is right */
	uint8_t type;	  /* enum policy_partner_type that is right */
	struct policy_facts facts;
	struct policy_peer peer;
	struct policy_stored stored;
	struct policy_name peer_name;
};

#define DECIDE_CASES 12u

/* Fills cases[] and adds what they need to the draft. Returns how many there are; 0 when there is no memory.
 */
unsigned decide_cases_make(struct policy_draft *draft, struct decide_case cases[DECIDE_CASES]);

/* Judges `c` n times, in bursts of 32. Returns how many verdicts were wrong. */
uint64_t decide_case_run(const struct policy_view *view, const struct decide_case *c, uint64_t n);

#endif
