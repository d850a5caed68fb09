/* SPDX-License-Identifier: BSD-3-Clause */
/* What the bench measures must be right before it is fast. */
#include "bench/policy/decide_case.h"
#include "tests/unit/policy/row.h"

static void test_cases(void **state)
{
	struct decide_case cases[DECIDE_CASES];
	struct policy_draft *draft = policy_draft_new();
	unsigned n;

	assert_non_null(draft);
	n = decide_cases_make(draft, cases);
	assert_int_equal(n, DECIDE_CASES);
	for (unsigned i = 0; i < n; i++)
		if (decide_case_run(policy_draft_view(draft), &cases[i], 100))
			fail_msg("%s: wrong verdict", cases[i].name);
	policy_draft_free(draft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

	return cmocka_run_group_tests_name("policy decide cases", tests, NULL, NULL);
}
