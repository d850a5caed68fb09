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
#include "tests/unit/policy/world.h"
#include "tests/unit/policy/world_random.h"
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

static void random_policies(void **state)
{
	const char *lng = getenv("SALLYPORT_TEST_LONG");
	unsigned worlds = lng && *lng == '1' ? 5000 : 150, accepted = 0, refused = 0;
	static char text[4096];
	struct base_rng rng;

	base_rng_seed(&rng, 77);
	for (unsigned i = 0; i < worlds; i++) {
		const struct policy_view *view;
		struct policy_reader r;
		struct policy_txn *txn;
		struct world w;
		struct rig rig;

		world_random(&rng, text, sizeof(text));
		world_open(&w, text);
		rig_init(&rig);
		policy_reader_init(&r, &rig.seg, 0);
		txn = policy_txn_begin(rig.w, i % 2);
		assert_int_equal(policy_transfer(txn, rig.w, w.draft, NULL, NULL), 0);
		assert_int_equal(rig_commit(txn, rig.w), 0);
		assert_int_equal(policy_transfer_dns(rig.w, w.draft), 0);
		view = policy_reader_wake(&r);
		for (unsigned k = 0; k < 40; k++) {
			struct policy_verdict plain, shared;
			struct message m;

			message_random(&rng, text, sizeof(text));
			message_read(&m, text);
			policy_decide(w.view, &m.facts, &plain, NULL);
			policy_decide(view, &m.facts, &shared, NULL);
			accepted += plain.action == POLICY_ACCEPT;
			refused += plain.action == POLICY_REFUSE;
			/* ids of partner records are places, and differ; what they say must not */
			if (plain.action != shared.action || plain.reason != shared.reason ||
			    plain.rule != shared.rule || plain.type != shared.type ||
			    plain.mark != shared.mark || plain.flags != shared.flags ||
			    plain.provider != shared.provider || plain.own_identity != shared.own_identity ||
			    plain.eku != shared.eku || plain.limit_class != shared.limit_class ||
			    plain.asks != shared.asks || plain.route.way != shared.route.way ||
			    plain.route.port != shared.route.port ||
			    !policy_name_equal(plain.identity, shared.identity) ||
			    !policy_name_equal(plain.route.host, shared.route.host) ||
			    !policy_name_equal(plain.detail, shared.detail) ||
			    (plain.route.set ? plain.route.set->id : 0) !=
				    (shared.route.set ? shared.route.set->id : 0))
				fail_msg("world %u, message \"%s\": %u/%u in the segment, %u/%u in the draft",
					 i, text, shared.action, shared.reason, plain.action, plain.reason);
		}
		policy_reader_sleep(&r);
		rig_fini(&rig);
		world_close(&w);
	}
	if (accepted < worlds / 10 || refused < worlds)
		fail_msg("%u accepted, %u refused: too few to mean anything", accepted, refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(types), cmocka_unit_test(random_policies)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
