/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables over a segment against a plain model: puts, deletes, blocks, staged beside plain transactions,
 * aborts, growth, generations that wrap, pinned readers, takeover after a clean and after a torn end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/policy/fact.h"
#include "config/policy/overlay.h"
#include "config/policy/writer_internal.h"
#include "tests/unit/segment/rig.h"

enum { NAMES = 3000, FEW = 200 };

static void name_of(char out[64], unsigned i)
{
	static const char *const tops[] = {"com", "example.org", "co.uk", "sip.de"};

	if (i % 3 == 0)
		snprintf(out, 64, "host%u.partner%u.%s", i % 7, i / 21, tops[i % 4]);
	else if (i % 3 == 1)
		snprintf(out, 64, "partner%u.%s", i / 4, tops[i % 4]);
	else
		snprintf(out, 64, "a-rather-long-label-for-a-partner-%u.%s", i, tops[i % 4]);
}

/* mark[i][slot]: limit_class of the entry, 0: none */
struct model {
	uint8_t mark[NAMES][4];
};

static const uint8_t slot_type[4] = {POLICY_DOMAIN_ALLOWED, POLICY_DOMAIN_ALLOWED, POLICY_DOMAIN_HARD,
				     POLICY_DOMAIN_HARD};

static uint8_t slot_flags(unsigned slot)
{
	return slot & 1 ? POLICY_DOMAIN_SUBTREE : 0;
}

/* the first n names */
static void check_names(const struct policy_view *view, const struct model *m, unsigned n)
{
	const struct policy_reader_view *rv = (const struct policy_reader_view *)view;
	struct table_view t = rv->domains;

	for (unsigned i = 0; i < n; i++) {
		char text[64];

		name_of(text, i);
		for (unsigned slot = 0; slot < 4; slot++) {
			const struct table_entry *e = table_domain_get(&t, rig_name(text), slot);

			if ((e ? e->domain.limit_class : 0) != m->mark[i][slot])
				fail_msg("%s slot %u: %u, model %u", text, slot,
					 e ? e->domain.limit_class : 0, m->mark[i][slot]);
		}
	}
	assert_int_equal(t.damaged, 0);
}

static void check_view(const struct policy_view *view, const struct model *m)
{
	check_names(view, m, NAMES);
}

static void change(struct policy_txn *txn, struct policy_writer *w, struct model *m, uint64_t *rnd)
{
	unsigned i = (unsigned)(rig_random(rnd) % NAMES), slot = (unsigned)(rig_random(rnd) % 4);
	char text[64];

	name_of(text, i);
	if (rig_random(rnd) % 3) {
		uint8_t mark = (uint8_t)(1 + rig_random(rnd) % 255);

		assert_int_equal(rig_put(txn, w, text, slot_type[slot], slot_flags(slot), mark), 0);
		m->mark[i][slot] = mark;
	} else {
		assert_int_equal(rig_del(txn, w, text, slot), 0);
		m->mark[i][slot] = 0;
	}
}

static void random_commits(void **state)
{
	static struct model m, before;
	struct policy_reader r, held;
	uint64_t rnd = 42;
	struct rig rig;

	memset(&m, 0, sizeof(m));
	rig_init(&rig);
	assert_int_equal(policy_reader_init(&r, &rig.seg, 0), 0);
	assert_int_equal(policy_reader_init(&held, &rig.seg, 1), 0);
	policy_reader_wake(&r);
	for (unsigned round = 0; round < 60; round++) {
		const struct policy_view *view;
		struct policy_txn *txn;

		if (round % 10 == 3) {
			before = m;
			policy_reader_wake(&held);
		}
		txn = policy_txn_begin(rig.w, round % 2);
		assert_non_null(txn);
		for (unsigned n = 0; n < 400; n++)
			change(txn, rig.w, &m, &rnd);
		assert_int_equal(rig_commit(txn, rig.w), 0);
		for (unsigned n = 0; n < 20; n++)
			policy_writer_step(rig.w, POLICY_WRITER_UNITS);
		segment_poll(&rig.seg);
		view = policy_reader_burst(&r);
		assert_non_null(view);
		check_view(view, &m);
		if (round % 10 == 6) {
			/* three commits later the pinned generation still answers as it did */
			check_view(&held.live.view, &before);
			policy_reader_sleep(&held);
		}
	}
	policy_reader_sleep(&r);
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	rig_fini(&rig);
}

/* nothing leaks: the same names written again and again need no more memory */
static void memory_returns(void **state)
{
	struct policy_writer_stats a, b;
	struct rig rig;

	rig_init(&rig);
	for (unsigned round = 0; round < 40; round++) {
		struct policy_txn *txn = policy_txn_begin(rig.w, true);

		for (unsigned i = 0; i < 2000; i++) {
			char text[64];

			name_of(text, i);
			if (round % 2)
				assert_int_equal(rig_del(txn, rig.w, text, 0), 0);
			else
				assert_int_equal(rig_put(txn, rig.w, text, POLICY_DOMAIN_ALLOWED, 0, 1), 0);
		}
		assert_int_equal(rig_commit(txn, rig.w), 0);
		assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
		segment_poll(&rig.seg);
		policy_writer_stats(rig.w, round < 20 ? &a : &b);
	}
	assert_int_equal(a.free_bytes, b.free_bytes);
	assert_int_equal(b.domains, 0);
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		/* overflow buckets stay until the index grows; a root and a facts directory are in use, maybe
		 * of one class */
		if (c != HEAP_BUCKET && rig.w->heap.cls[c].used > 2)
			fail_msg("class %u: %llu objects in use", c,
				 (unsigned long long)rig.w->heap.cls[c].used);
	rig_fini(&rig);
}

static void staged_beside_plain(void **state)
{
	static struct model m;
	struct policy_reader r;
	uint64_t rnd = 7;
	struct rig rig;

	memset(&m, 0, sizeof(m));
	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	policy_reader_wake(&r);
	for (unsigned round = 0; round < 40; round++) {
		struct policy_txn *bulk = policy_txn_begin(rig.w, true);
		struct model bulk_model = m;
		static bool touched[NAMES][4];
		bool abort = round % 5 == 4;

		memset(touched, 0, sizeof(touched));
		for (unsigned n = 0; n < 300; n++) {
			struct policy_txn *txn;

			/* the staged one: what plain commits touched stays theirs */
			unsigned i = (unsigned)(rig_random(&rnd) % FEW),
				 slot = (unsigned)(rig_random(&rnd) % 2);
			uint8_t mark = rig_random(&rnd) % 4 ? (uint8_t)(1 + rig_random(&rnd) % 255) : 0;
			char text[64];

			name_of(text, i);
			if (mark)
				assert_int_equal(
					rig_put(bulk, rig.w, text, slot_type[slot], slot_flags(slot), mark),
					0);
			else
				assert_int_equal(rig_del(bulk, rig.w, text, slot), 0);
			if (!touched[i][slot])
				bulk_model.mark[i][slot] = mark;
			if (n % 3)
				continue;
			txn = policy_txn_begin(rig.w, false);
			assert_non_null(txn);
			i = (unsigned)(rig_random(&rnd) % FEW);
			slot = (unsigned)(rig_random(&rnd) % 2);
			mark = rig_random(&rnd) % 4 ? (uint8_t)(1 + rig_random(&rnd) % 255) : 0;
			name_of(text, i);
			if (mark)
				assert_int_equal(
					rig_put(txn, rig.w, text, slot_type[slot], slot_flags(slot), mark),
					0);
			else
				assert_int_equal(rig_del(txn, rig.w, text, slot), 0);
			if (n % 9 == 0) {
				policy_txn_abort(txn);
			} else {
				bool had = m.mark[i][slot] || bulk_model.mark[i][slot] || mark;

				assert_int_equal(rig_commit(txn, rig.w), 0);
				m.mark[i][slot] = mark;
				/* a delete of what neither has leaves no trace, and hinders nothing */
				if (had) {
					touched[i][slot] = true;
					bulk_model.mark[i][slot] = mark;
				}
			}
			policy_writer_step(rig.w, 64);
			check_names(policy_reader_burst(&r), &m, FEW);
		}
		if (abort) {
			policy_txn_abort(bulk);
		} else {
			assert_int_equal(rig_commit(bulk, rig.w), 0);
			m = bulk_model;
		}
		check_view(policy_reader_burst(&r), &m);
		policy_writer_step(rig.w, POLICY_WRITER_UNITS);
		segment_poll(&rig.seg);
	}
	policy_reader_sleep(&r);
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	rig_fini(&rig);
}

static void generations_wrap(void **state)
{
	static struct model m;
	struct policy_reader r;
	uint64_t rnd = 3;
	struct rig rig;

	memset(&m, 0, sizeof(m));
	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	policy_reader_wake(&r);
	rig.w->sweep_every = 1 << 20;
	for (unsigned round = 0; round < 2200; round++) {
		/* a staged commit takes 2^22 numbers: 1024 of them are once around */
		struct policy_txn *txn = policy_txn_begin(rig.w, true);

		assert_non_null(txn);
		for (unsigned n = 0; n < 3; n++)
			change(txn, rig.w, &m, &rnd);
		assert_int_equal(rig_commit(txn, rig.w), 0);
		policy_reader_burst(&r);
		for (unsigned n = 0; n < 20 && policy_writer_step(rig.w, 4 * POLICY_WRITER_UNITS) == 1; n++)
			policy_reader_burst(&r);
		if (round % 64 == 0)
			check_view(policy_reader_burst(&r), &m);
	}
	check_view(policy_reader_burst(&r), &m);
	policy_reader_sleep(&r);
	rig_fini(&rig);
}

static void takeover(void **state)
{
	static struct model m;
	uint64_t rnd = 11;
	struct rig rig;

	memset(&m, 0, sizeof(m));
	rig_init(&rig);
	for (unsigned round = 0; round < 30; round++) {
		enum segment_refusal why;
		struct policy_txn *txn = policy_txn_begin(rig.w, round % 2);
		struct policy_reader r;
		struct model torn = m;

		for (unsigned n = 0; n < 300; n++)
			change(txn, rig.w, &m, &rnd);
		assert_int_equal(rig_commit(txn, rig.w), 0);
		torn = m;
		for (unsigned n = 0; n < round % 7; n++)
			policy_writer_step(rig.w, 100);
		/* a writer that dies with two transactions under way: its private memory is just gone */
		txn = policy_txn_begin(rig.w, true);
		for (unsigned n = 0; n < 100; n++)
			change(txn, rig.w, &torn, &rnd);
		txn = policy_txn_begin(rig.w, false);
		for (unsigned n = 0; n < 50; n++)
			change(txn, rig.w, &torn, &rnd);
		rig.w->plain.open = rig.w->staged.open = false;
		policy_vec_free(&rig.w->plain.births);
		policy_vec_free(&rig.w->plain.deaths);
		policy_vec_free(&rig.w->plain.prior);
		policy_vec_free(&rig.w->plain.theirs);
		policy_vec_free(&rig.w->staged.births);
		policy_vec_free(&rig.w->staged.deaths);
		policy_vec_free(&rig.w->staged.prior);
		policy_vec_free(&rig.w->staged.theirs);
		policy_writer_close(rig.w);
		rig.w = NULL;
		assert_int_equal(policy_writer_open(&rig.w, &rig.cfg, &why), 0);
		segment_poll(&rig.seg);
		assert_int_equal(policy_reader_validate(&rig.seg, 3), SEGMENT_REFUSED_none);
		policy_reader_init(&r, &rig.seg, 0);
		check_view(policy_reader_wake(&r), &m);
		policy_reader_sleep(&r);
	}
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	rig_fini(&rig);
}

static void users_and_small(void **state)
{
	struct policy_address a = {rig_name("alice"), rig_name("contoso.com")};
	struct policy_address b = {rig_name("bob"), rig_name("contoso.com")};
	struct policy_user u = {.rights = {3, 1}, .site = 9};
	const struct policy_user *found[2];
	struct policy_address both[2];
	struct {
		struct policy_own_domain d;
		char text[12];
	} own = {{.size = sizeof(own), .identity = 5}, "contoso.com"};
	struct {
		struct policy_route_set r;
		char text[12];
	} routes[4];
	const void *records[4];
	struct policy_box box = {.size = sizeof(box), .flags = POLICY_BOX_FEDERATION};
	const struct policy_view *view;
	struct policy_txn *txn;
	struct policy_reader r;
	struct rig rig;

	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	view = policy_reader_wake(&r);
	assert_int_equal(view->box->flags, 0);
	txn = policy_txn_begin(rig.w, false);
	assert_int_equal(policy_txn_put_user(txn, a, &u, rig_name("a@example.org")), 0);
	own.d.name = (struct policy_str){sizeof(own.d), 11};
	records[0] = &own;
	assert_int_equal(policy_txn_small(txn, POLICY_SMALL_OWN_DOMAINS, records, 1), 0);
	records[0] = &box;
	assert_int_equal(policy_txn_small(txn, POLICY_SMALL_BOX, records, 1), 0);
	memset(routes, 0, sizeof(routes));
	for (unsigned i = 0; i < 4; i++) {
		static const uint16_t flags[4] = {POLICY_ROUTE_ANY, POLICY_ROUTE_SUBTREE, 0,
						  POLICY_ROUTE_NAMED};

		routes[i].r.size = sizeof(routes[i]);
		routes[i].r.id = i + 1;
		routes[i].r.flags = flags[i];
		memcpy(routes[i].text, "fabrikam.com", 12);
		if (i == 1 || i == 2)
			routes[i].r.pattern = (struct policy_str){sizeof(routes[i].r), 12};
		records[i] = &routes[i];
	}
	assert_int_equal(policy_txn_small(txn, POLICY_SMALL_ROUTES, records, 4), 0);
	assert_int_equal(rig_commit(txn, rig.w), 0);

	view = policy_reader_burst(&r);
	both[0] = a;
	both[1] = b;
	view->ops->users(view, both, 2, found);
	assert_non_null(found[0]);
	assert_int_equal(found[0]->site, 9);
	assert_int_equal(policy_view_string(view, found[0]->email).len, 13);
	assert_null(found[1]);
	assert_int_equal(view->box->flags, POLICY_BOX_FEDERATION);
	assert_int_equal(view->ops->own_domain(view, rig_name("contoso.com"))->identity, 5);
	assert_null(view->ops->own_domain(view, rig_name("contoso.co")));
	assert_int_equal(view->ops->route_by_name(view, rig_name("fabrikam.com"), 0)->id, 3);
	assert_int_equal(view->ops->route_by_name(view, rig_name("fabrikam.com"), 1)->id, 2);
	assert_int_equal(view->ops->route_by_name(view, rig_name("fabrikam.com"), 2)->id, 1);
	assert_null(view->ops->route_by_name(view, rig_name("fabrikam.com"), 3));
	assert_int_equal(view->ops->route_by_name(view, rig_name("a.b.fabrikam.com"), 0)->id, 2);
	assert_int_equal(view->ops->route_by_name(view, rig_name("elsewhere.net"), 0)->id, 1);
	assert_int_equal(view->ops->route_set(view, 4)->id, 4);
	assert_null(view->ops->route_set(view, 5));

	txn = policy_txn_begin(rig.w, false);
	assert_int_equal(policy_txn_del_user(txn, a), 0);
	assert_int_equal(rig_commit(txn, rig.w), 0);
	view = policy_reader_burst(&r);
	view->ops->users(view, both, 2, found);
	assert_null(found[0]);
	policy_reader_sleep(&r);
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	rig_fini(&rig);
}

static void facts(void **state)
{
	struct policy_dns answer = {.kind = POLICY_DNS_FEDERATION, .state = POLICY_DNS_OK};
	enum segment_refusal why;
	struct policy_reader r;
	const struct policy_view *view;
	unsigned accepted = 0;
	struct rig rig;
	char text[64];

	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	view = policy_reader_wake(&r);
	for (unsigned i = 0; i < 500; i++) {
		name_of(text, i);
		answer.expires_ns = i + 1;
		assert_int_equal(policy_fact_put_dns(rig.w, rig_name(text), &answer, 0), 0);
		policy_writer_step(rig.w, 64);
		policy_reader_burst(&r);
		assert_int_equal(
			view->ops->dns(view, rig_name(text), POLICY_DNS_FEDERATION, NULL)->expires_ns, i + 1);
		assert_null(view->ops->dns(view, rig_name(text), POLICY_DNS_HOST, NULL));
	}
	assert_in_range(policy_fact_count(rig.w), 32, 64);
	/* one asker cannot have them all */
	for (unsigned i = 1000; i < 1100; i++) {
		name_of(text, i);
		accepted += policy_fact_put_dns(rig.w, rig_name(text), &answer, 77) == 0;
	}
	assert_int_equal(accepted, 5);
	name_of(text, 499);
	policy_writer_close(rig.w);
	assert_int_equal(policy_writer_open(&rig.w, &rig.cfg, &why), 0);
	policy_reader_burst(&r);
	assert_non_null(view->ops->dns(view, rig_name(text), POLICY_DNS_FEDERATION, NULL));
	assert_int_equal(policy_fact_put_dns(rig.w, rig_name("new.example.org"), &answer, 77), -EDQUOT);
	assert_int_equal(policy_fact_del(rig.w, POLICY_DNS_FEDERATION, text, (uint32_t)strlen(text)), 0);
	policy_reader_burst(&r);
	assert_null(view->ops->dns(view, rig_name(text), POLICY_DNS_FEDERATION, NULL));
	policy_reader_sleep(&r);
	rig_fini(&rig);
}

static void shadow(void **state)
{
	struct policy_domain block = {.type = POLICY_DOMAIN_BLOCKED, .flags = POLICY_DOMAIN_SUBTREE};
	struct policy_box box = {.size = sizeof(box), .flags = POLICY_BOX_DISCOVERY};
	struct policy_name names[2] = {rig_name("a.contoso.com"), rig_name("fabrikam.com")};
	const void *records[1] = {&box};
	const struct policy_view *live, *candidate;
	struct policy_hit hits[2];
	struct policy_overlay *o;
	struct policy_txn *txn;
	struct policy_reader r;
	struct rig rig;
	int err;

	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	policy_reader_wake(&r);
	assert_null(policy_reader_shadow(&r));
	txn = policy_txn_begin(rig.w, false);
	rig_put(txn, rig.w, "contoso.com", POLICY_DOMAIN_ALLOWED, POLICY_DOMAIN_SUBTREE, 1);
	rig_put(txn, rig.w, "fabrikam.com", POLICY_DOMAIN_ALLOWED, 0, 2);
	assert_int_equal(rig_commit(txn, rig.w), 0);
	for (unsigned round = 0; round < 3; round++) {
		o = policy_overlay_begin(rig.w, 10, 10, &err);
		assert_non_null(o);
		assert_int_equal(policy_overlay_domain(o, rig_name("contoso.com"), 1, &block, NULL), 0);
		assert_int_equal(policy_overlay_domain(o, rig_name("fabrikam.com"), 0, NULL, NULL), 0);
		assert_int_equal(policy_overlay_small(o, POLICY_SMALL_BOX, records, 1), 0);
		if (round == 2) {
			policy_overlay_abort(o);
			break;
		}
		assert_int_equal(policy_overlay_publish(o), 0);
	}
	live = policy_reader_burst(&r);
	candidate = policy_reader_shadow(&r);
	assert_non_null(candidate);
	live->ops->domains(live, names, 2, hits);
	assert_int_equal(hits[0].allow.entry->limit_class, 1);
	assert_int_equal(hits[1].allow.entry->limit_class, 2);
	candidate->ops->domains(candidate, names, 2, hits);
	assert_null(hits[0].allow.entry);
	assert_non_null(hits[0].block.entry);
	assert_null(hits[1].allow.entry);
	assert_int_equal(live->box->flags, 0);
	assert_int_equal(candidate->box->flags, POLICY_BOX_DISCOVERY);
	policy_overlay_withdraw(rig.w);
	policy_reader_burst(&r);
	assert_null(policy_reader_shadow(&r));
	policy_reader_sleep(&r);
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	rig_fini(&rig);
}

/* a live process whose worker is silent: commits stop at the budget, emergencies do not */
static void silent_reader(void **state)
{
	struct policy_reader r;
	struct policy_name name = rig_name("evil.example.org");
	struct policy_hit hit;
	const struct policy_view *view;
	struct rig rig;
	int err = 0;

	rig_dir(&rig);
	rig.cfg.limbo_bytes = 48 * 100;
	assert_int_equal(policy_writer_create(&rig.w, &rig.cfg, NULL), 0);
	assert_int_equal(policy_writer_publish(rig.w), 0);
	assert_int_equal(segment_attach(&rig.seg, rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, NULL), 0);
	policy_reader_init(&r, &rig.seg, 0);
	policy_reader_wake(&r);
	for (unsigned i = 0; i < 1000 && !err; i++) {
		struct policy_txn *txn = policy_txn_begin(rig.w, false);
		char text[64];

		name_of(text, i % 10);
		err = policy_txn_put_domain(txn, rig_name(text),
					    &(struct policy_domain){.type = POLICY_DOMAIN_ALLOWED}, NULL,
					    rig_name(""));
		if (err)
			policy_txn_abort(txn);
		else
			assert_int_equal(policy_txn_commit(txn), 0);
		policy_writer_step(rig.w, POLICY_WRITER_UNITS);
	}
	assert_int_equal(err, -EBUSY);
	assert_int_equal(policy_writer_block(rig.w, name, true), 0);
	view = policy_reader_burst(&r);
	view->ops->domains(view, &name, 1, &hit);
	assert_non_null(hit.hard.entry);
	assert_int_equal(policy_writer_unblock(rig.w, name, true), 0);
	view = policy_reader_burst(&r);
	view->ops->domains(view, &name, 1, &hit);
	assert_null(hit.hard.entry);
	/* awake again: all of it comes back, two grace periods later */
	for (unsigned i = 0; i < 20; i++) {
		policy_writer_step(rig.w, POLICY_WRITER_UNITS);
		policy_reader_burst(&r);
	}
	assert_int_equal(rig.w->limbo.items, 0);
	/* a dead process pins nothing, however it died */
	segment_close(&rig.seg);
	memset(&rig.seg, 0, sizeof(rig.seg));
	assert_int_equal(policy_writer_unblock(rig.w, name, true), 0);
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_commits),
		cmocka_unit_test(memory_returns),
		cmocka_unit_test(staged_beside_plain),
		cmocka_unit_test(generations_wrap),
		cmocka_unit_test(takeover),
		cmocka_unit_test(users_and_small),
		cmocka_unit_test(facts),
		cmocka_unit_test(shadow),
		cmocka_unit_test(silent_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
