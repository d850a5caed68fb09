/* SPDX-License-Identifier: BSD-3-Clause */
/* A reader that remembers what it found says at every moment what one without a memory says: over random
 * commits, blocks, sleeps, and for names that take each other's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/policy/pack.h"
#include "config/policy/writer_internal.h"
#include "tests/unit/segment/rig.h"

enum { NAMES = 40, ROUNDS = 1500 };

static struct policy_memo memo;
static char text[NAMES][80];

static void same(const struct policy_view *with, const struct policy_view *without, struct policy_name name)
{
	struct policy_name two[2] = {name, {"", 0}};
	struct policy_hit a[2], b[2];

	memset(a, 0xee, sizeof(a));
	with->ops->domains(with, two, 2, a);
	without->ops->domains(without, two, 2, b);
	for (unsigned i = 0; i < 2; i++) {
		assert_ptr_equal(a[i].allow.entry, b[i].allow.entry);
		assert_ptr_equal(a[i].block.entry, b[i].block.entry);
		assert_ptr_equal(a[i].hard.entry, b[i].hard.entry);
		assert_int_equal(a[i].allow.entry ? a[i].allow.from : 0,
				 b[i].allow.entry ? b[i].allow.from : 0);
	}
	assert_ptr_equal(with->ops->own_domain(with, name), without->ops->own_domain(without, name));
}

static void own_domains(struct policy_txn *txn, unsigned first, unsigned n)
{
	uint32_t buf[8][64];
	const void *records[8];

	for (unsigned i = 0; i < n; i++) {
		struct policy_own_domain d = {.identity = 1};

		assert_true(policy_pack_own_domain(&d, rig_name(text[(first + i) % NAMES]), buf[i],
						   sizeof(buf[i])) > 0);
		records[i] = buf[i];
	}
	assert_int_equal(policy_txn_small(txn, POLICY_SMALL_OWN_DOMAINS, records, n), 0);
}

static void change(struct rig *rig, uint64_t *rnd)
{
	const char *name = text[rig_random(rnd) % NAMES];
	bool subtree = rig_random(rnd) & 1;
	struct policy_txn *txn;

	switch (rig_random(rnd) % 8) {
	case 0:
		assert_int_equal(policy_writer_block(rig->w, rig_name(name), subtree), 0);
		return;
	case 1:
		assert_int_equal(policy_writer_unblock(rig->w, rig_name(name), subtree), 0);
		return;
	default:
		break;
	}
	txn = policy_txn_begin(rig->w, false);
	switch (rig_random(rnd) % 4) {
	case 0:
		assert_int_equal(rig_del(txn, rig->w, name, subtree), 0);
		break;
	case 1:
		own_domains(txn, (unsigned)(rig_random(rnd) % NAMES), 1 + (unsigned)(rig_random(rnd) % 8));
		break;
	default:
		assert_int_equal(rig_put(txn, rig->w, name,
					 rig_random(rnd) & 1 ? POLICY_DOMAIN_ALLOWED : POLICY_DOMAIN_BLOCKED,
					 subtree ? POLICY_DOMAIN_SUBTREE : 0, 1),
				 0);
	}
	assert_int_equal(rig_commit(txn, rig->w), 0);
}

static void names_make(void)
{
	static const char *const tops[] = {"test", "example.org", "a-long-name-of-an-enterprise.example.com"};

	/* some of one letter that differs, some too short or too long to be remembered, some below others */
	for (unsigned i = 0; i < NAMES; i++)
		snprintf(text[i], sizeof(text[i]), "%s%c%s%s", i % 5 == 4 ? "sub." : "", 'a' + (int)i / 3,
			 i % 7 == 6 ? "" : ".", i % 7 == 6 ? "" : tops[i % 3]);
	strcpy(text[0], "test");
	strcpy(text[1], "x");
	strcpy(text[2], "abc");
}

static void as_without(void **state)
{
	struct policy_reader with, without;
	const struct policy_view *a, *b;
	uint64_t rnd = 20261121;
	struct rig rig;

	names_make();
	rig_init(&rig);
	policy_reader_init(&with, &rig.seg, 0);
	policy_reader_init(&without, &rig.seg, 1);
	policy_reader_remember(&with, &memo);
	assert_non_null(policy_reader_wake(&with));
	assert_non_null(policy_reader_wake(&without));
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (rig_random(&rnd) % 4 == 0)
			change(&rig, &rnd);
		/* what is dead is given free meanwhile */
		policy_writer_step(rig.w, POLICY_WRITER_UNITS);
		if (rig_random(&rnd) % 16 == 0) {
			policy_reader_sleep(&with);
			for (unsigned k = rig_random(&rnd) % 3; k; k--)
				change(&rig, &rnd);
			policy_writer_step(rig.w, POLICY_WRITER_UNITS);
			a = policy_reader_wake(&with);
		} else {
			a = policy_reader_burst(&with);
		}
		assert_int_equal(segment_poll(&rig.seg), 0);
		b = policy_reader_burst(&without);
		assert_int_equal(a->generation, b->generation);
		for (unsigned k = 0; k < NAMES; k++)
			same(a, b, rig_name(text[(k * 7 + i) % NAMES]));
	}
	policy_reader_sleep(&with);
	policy_reader_sleep(&without);
	rig_fini(&rig);
}

/* is it known under this name? */
static bool knows(enum policy_memo_kind kind, struct policy_name name)
{
	bool mine;
	const struct policy_memo_slot *s = policy_memo_at(&memo, name, &mine);

	return mine && policy_memo_knows(s, kind);
}

/* More names than there are slots: whoever meets others in his set is told his own. */
static void crowded(void **state)
{
	enum { MEET = POLICY_MEMO_WAYS + 2 };
	struct policy_name shown[MEET];
	struct policy_reader with, without;
	const struct policy_view *a, *b;
	struct policy_memo_slot *set;
	struct policy_txn *txn;
	unsigned met = 1;
	struct rig rig;
	char name[MEET][32];

	rig_init(&rig);
	txn = policy_txn_begin(rig.w, false);
	for (unsigned i = 0; i < 2000; i += 2) {
		snprintf(name[0], sizeof(name[0]), "n%u.example.net", i);
		assert_int_equal(rig_put(txn, rig.w, name[0], POLICY_DOMAIN_ALLOWED, 0, 1), 0);
	}
	assert_int_equal(rig_commit(txn, rig.w), 0);
	assert_int_equal(segment_poll(&rig.seg), 0);
	policy_reader_init(&with, &rig.seg, 0);
	policy_reader_init(&without, &rig.seg, 1);
	policy_reader_remember(&with, &memo);
	a = policy_reader_wake(&with);
	b = policy_reader_wake(&without);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 2000; i++) {
			snprintf(name[0], sizeof(name[0]), "n%u.example.net", i);
			same(a, b, rig_name(name[0]));
		}
	/* more of one set than it has slots, by turns: known in the end are as many as there is room for */
	strcpy(name[0], "n0.example.net");
	shown[0] = rig_name(name[0]);
	set = policy_memo_set(&memo, shown[0]);
	for (unsigned i = 1; i < 60000 && met < MEET; i++) {
		snprintf(name[met], sizeof(name[met]), "n%u.example.net", i);
		shown[met] = rig_name(name[met]);
		met += policy_memo_set(&memo, shown[met]) == set;
	}
	assert_int_equal(met, MEET);
	for (unsigned k = 0; k < 6 * MEET; k++)
		same(a, b, shown[k % MEET]);
	met = 0;
	for (unsigned k = 0; k < MEET; k++)
		met += knows(POLICY_MEMO_DOMAIN, shown[k]);
	assert_in_range(met, 1, POLICY_MEMO_WAYS);
	/* two have their places beside each other */
	policy_memo_forget(&memo);
	for (unsigned k = 0; k < 4; k++)
		same(a, b, shown[k & 1]);
	assert_true(knows(POLICY_MEMO_DOMAIN, shown[0]) && knows(POLICY_MEMO_DOMAIN, shown[1]));
	policy_reader_sleep(&with);
	policy_reader_sleep(&without);
	rig_fini(&rig);
}

/* the memory is used: what was asked for is found in it, until something is published */
static void remembers(void **state)
{
	struct policy_name name = rig_name("contoso.example");
	const struct policy_view *view;
	struct policy_reader r;
	const struct policy_memo_slot *s;
	struct policy_hit hit;
	struct rig rig;
	bool mine;

	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	policy_reader_remember(&r, &memo);
	view = policy_reader_wake(&r);
	assert_false(knows(POLICY_MEMO_DOMAIN, name));
	view->ops->domains(view, &name, 1, &hit);
	assert_true(knows(POLICY_MEMO_DOMAIN, name));
	assert_false(knows(POLICY_MEMO_OWN, name));
	s = policy_memo_at(&memo, name, &mine);
	assert_null(s->found[POLICY_MEMO_DOMAIN]);
	/* both kinds of one name have one slot, which is where a caller is told to look */
	assert_null(view->ops->own_domain(view, name));
	assert_true(knows(POLICY_MEMO_DOMAIN, name) && knows(POLICY_MEMO_OWN, name));
	assert_ptr_equal(policy_memo_at(&memo, name, &mine), s);
	assert_in_range((uintptr_t)s - (uintptr_t)view->ops->near(view, name), 0,
			(POLICY_MEMO_WAYS - 1) * sizeof(*s));
	assert_int_equal(policy_writer_block(rig.w, name, false), 0);
	view = policy_reader_burst(&r);
	assert_false(knows(POLICY_MEMO_DOMAIN, name) || knows(POLICY_MEMO_OWN, name));
	view->ops->domains(view, &name, 1, &hit);
	assert_non_null(hit.hard.entry);
	/* what blocks is not remembered */
	assert_false(knows(POLICY_MEMO_DOMAIN, name));
	/* nor are names that are too short or too long for a slot; they are found all the same */
	assert_null(policy_memo_at(&memo, rig_name("abc"), &mine));
	assert_null(policy_memo_set(&memo, rig_name("a-name-of-more-than-36-octets.example")));
	assert_non_null(policy_memo_set(&memo, rig_name("a-name-that-has-just-36-octs.example")));
	policy_reader_sleep(&r);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_without),
		cmocka_unit_test(crowded),
		cmocka_unit_test(remembers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
