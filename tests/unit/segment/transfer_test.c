/* SPDX-License-Identifier: BSD-3-Clause */
/* A policy in a segment is judged as the same policy in plain memory: every partner type, and random policies
 * with random messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/policy/decide_case.h"
#include "config/policy/transfer.h"
#include "tests/unit/segment/rig.h"

static void types(void **state)
{
	static struct decide_case cases[DECIDE_CASES];
	struct policy_draft *draft = policy_draft_new();
	const struct policy_view *view;
	struct policy_reader r;
	struct policy_txn *txn;
	struct rig rig;
	unsigned n;

	assert_non_null(draft);
	n = decide_cases_make(draft, cases);
	assert_true(n > 5);
	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	for (unsigned staged = 0; staged < 2; staged++) {
		txn = policy_txn_begin(rig.w, staged);
		assert_int_equal(policy_transfer(txn, rig.w, draft, NULL, NULL), 0);
		assert_int_equal(rig_commit(txn, rig.w), 0);
		assert_int_equal(policy_transfer_dns(rig.w, draft), 0);
		view = policy_reader_wake(&r);
		for (unsigned i = 0; i < n; i++) {
			struct policy_verdict plain, shared;

			policy_decide(policy_draft_view(draft), &cases[i].facts, &plain, NULL);
			policy_decide(view, &cases[i].facts, &shared, NULL);
			if (policy_verdict_differs(&plain, &shared) || shared.action != cases[i].action)
				fail_msg("%s: %u/%u in the segment, %u/%u in the draft", cases[i].name,
					 shared.action, shared.reason, plain.action, plain.reason);
			assert_int_equal(decide_case_run(view, &cases[i], 64), 0);
		}
		policy_reader_sleep(&r);
	}
	assert_int_equal(policy_writer_settle(rig.w, 5000), 0);
	assert_int_equal(policy_reader_validate(&rig.seg, 1), SEGMENT_REFUSED_none);
	policy_draft_free(draft);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(types)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
