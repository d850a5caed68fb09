/* SPDX-License-Identifier: BSD-3-Clause */
/* A policy in a segment is judged as the same policy in plain memory: every partner type, and random policies
 * with random messages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	assert_int_equal(policy_reader_validate(&rig.seg, 1), SEGMENT_REFUSED_none);
	policy_draft_free(draft);
	rig_fini(&rig);
}

static int collect(void *ctx, const void *record)
{
	uint32_t **at = ctx, id;

	memcpy(&id, (const char *)record + 4, sizeof(id));
	*(*at)++ = id;
	return 0;
}

/* what no message asks for is read the same through either view */
static void small_tables(void **state)
{
	struct policy_draft *draft = policy_draft_new();
	const struct policy_view *views[2];
	struct policy_identity identity = {.server_certificate = {1, 2}};
	struct policy_listener l = {.identity = 1, .port = 5061, .side = POLICY_SIDE_INTERNAL};
	_Alignas(8) uint8_t buf[512];
	struct policy_reader r;
	struct policy_txn *txn;
	struct rig rig;
	const char hash[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	int n;

	for (unsigned i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "cert%u", i);
		n = policy_pack_certificate(&(struct policy_certificate){0}, rig_name(name), rig_name(hash),
					    rig_name(hash + i), rig_name(""), buf, sizeof(buf));
		assert_true(n > 0);
		assert_int_equal(policy_draft_small(draft, POLICY_SMALL_CERTIFICATES, buf), i + 1);
		l.port = (uint16_t)(5061 + i);
		assert_true(policy_pack_listener(&l, buf, sizeof(buf)) > 0);
		assert_int_equal(policy_draft_small(draft, POLICY_SMALL_LISTENERS, buf), i + 1);
	}
	assert_true(policy_pack_trust(&(struct policy_trust){0}, rig_name("lab"), rig_name(hash),
				      rig_name(""), buf, sizeof(buf)) > 0);
	assert_int_equal(policy_draft_small(draft, POLICY_SMALL_TRUSTS, buf), 1);
	assert_true(policy_pack_inner(&(struct policy_inner){.server = 1}, rig_name("fe.ours.com"), buf,
				      sizeof(buf)) > 0);
	assert_int_equal(policy_draft_small(draft, POLICY_SMALL_INNER, buf), 1);
	assert_true(policy_pack_secret(&(struct policy_secret){.kind = 1, .slot = 2}, rig_name(hash), buf,
				       sizeof(buf)) > 0);
	assert_int_equal(policy_draft_small(draft, POLICY_SMALL_SECRETS, buf), 1);
	/* what decide() reads has ways of its own into a draft */
	assert_int_equal(policy_draft_small(draft, POLICY_SMALL_SITES, buf), -EINVAL);
	assert_int_equal(policy_draft_small(draft, POLICY_SMALL_REVISION, buf), -EINVAL);
	assert_int_equal(policy_draft_identity(draft, &identity, rig_name("edge"), rig_name("sip.ours.com")),
			 1);
	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	txn = policy_txn_begin(rig.w, false);
	assert_int_equal(policy_transfer(txn, rig.w, draft, NULL, NULL), 0);
	assert_int_equal(rig_commit(txn, rig.w), 0);
	views[0] = policy_draft_view(draft);
	views[1] = policy_reader_wake(&r);
	for (unsigned v = 0; v < 2; v++) {
		const struct policy_certificate *c =
			policy_small_named(views[v], POLICY_SMALL_CERTIFICATES, rig_name("cert1"));
		const struct policy_identity *i =
			policy_small_named(views[v], POLICY_SMALL_IDENTITIES, rig_name("sip.ours.com"));
		const struct policy_listener *last =
			policy_small_with_id(views[v], POLICY_SMALL_LISTENERS, 3);
		uint32_t ids[8] = {0}, *at = ids;

		assert_true(c && i && last);
		assert_int_equal(c->id, 2);
		assert_int_equal(c->key.len, 63);
		assert_int_equal(i->server_certificate[1], 2);
		assert_int_equal(last->port, 5063);
		assert_int_equal(policy_small_each(views[v], POLICY_SMALL_CERTIFICATES, collect, &at), 0);
		assert_int_equal(at - ids, 3);
		assert_int_equal(ids[2], 3);
		assert_non_null(policy_small_named(views[v], POLICY_SMALL_INNER, rig_name("fe.ours.com")));
		assert_null(policy_small_named(views[v], POLICY_SMALL_INNER, rig_name("fe2.ours.com")));
		assert_null(policy_small_with_id(views[v], POLICY_SMALL_TRUSTS, 0));
		assert_null(policy_small_with_id(views[v], POLICY_SMALL_TRUSTS, 2));
		assert_null(policy_small_with_id(views[v], POLICY_SMALLS, 1));
		at = ids;
		assert_int_equal(policy_small_each(views[v], POLICY_SMALL_SPARE, collect, &at), 0);
		assert_true(at == ids);
	}
	policy_reader_sleep(&r);
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(types), cmocka_unit_test(small_tables),
					   cmocka_unit_test(random_policies)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
