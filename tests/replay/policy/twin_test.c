/* SPDX-License-Identifier: BSD-3-Clause */
/* One policy, two homes: what a draft in plain memory and the shared segment say of the same message must be
 * the same, for random policies that replace each other by commits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/policy/choice.h"
#include "config/policy/fact.h"
#include "tests/unit/policy/row.h"
#include "tests/unit/policy/world_random.h"
#include "tests/unit/segment/rig.h"

struct twin {
	struct rig rig;
	struct policy_reader reader;
	struct policy_txn *txn;
	const struct policy_view *draft;
	bool removing;
};

/* what needs memory that is not there yet is asked again after a step */
#define UNTIL_DONE(t, call)                                  \
	do {                                                 \
		int error_;                                  \
		while ((error_ = (call)) == -EAGAIN) {       \
			segment_poll(&(t)->rig.seg);         \
			policy_reader_burst(&(t)->reader);   \
			policy_writer_step((t)->rig.w, 512); \
		}                                            \
		assert_int_equal(error_, 0);                 \
	} while (0)

static int put_domain(void *ctx, struct policy_name name, const struct policy_domain *e)
{
	struct twin *t = ctx;

	if (t->removing)
		UNTIL_DONE(t, policy_txn_del_domain(t->txn, name, policy_domain_slot(e)));
	else
		UNTIL_DONE(t, policy_txn_put_domain(t->txn, name, e,
						    t->draft->ops->partner(t->draft, e->partner),
						    (struct policy_name){"", 0}));
	return 0;
}

static int put_user(void *ctx, struct policy_address address, const struct policy_user *user)
{
	struct twin *t = ctx;

	if (t->removing)
		UNTIL_DONE(t, policy_txn_del_user(t->txn, address));
	else
		UNTIL_DONE(t, policy_txn_put_user(t->txn, address, user, (struct policy_name){"", 0}));
	return 0;
}

static int put_dns(void *ctx, struct policy_name name, const struct policy_dns *dns)
{
	struct twin *t = ctx;

	if (t->removing)
		UNTIL_DONE(t, policy_fact_del(t->rig.w, dns->kind, name.ptr, name.len));
	else
		UNTIL_DONE(t, policy_fact_put_dns(t->rig.w, name, dns, 0));
	return 0;
}

/* all records of one kind that have ids */
#define PUT_SMALL(t, which, next)                                               \
	do {                                                                    \
		const void *records_[64];                                       \
		unsigned n_ = 0;                                                \
		while (n_ < 64 && (records_[n_] = (next)))                      \
			n_++;                                                   \
		UNTIL_DONE(t, policy_txn_small((t)->txn, which, records_, n_)); \
	} while (0)

static void put_all(struct twin *t, const struct world *w, bool removing)
{
	const struct policy_view *v = w->view;
	const void *box = v->box;

	t->draft = v;
	t->removing = removing;
	policy_draft_each_domain(w->draft, put_domain, t);
	policy_draft_each_user(w->draft, put_user, t);
	policy_draft_each_dns(w->draft, put_dns, t);
	if (removing)
		return;
	UNTIL_DONE(t, policy_txn_small(t->txn, POLICY_SMALL_BOX, &box, 1));
	PUT_SMALL(t, POLICY_SMALL_SITES, v->ops->site(v, n_ + 1));
	PUT_SMALL(t, POLICY_SMALL_OWN_DOMAINS, policy_draft_own_domain_at(w->draft, n_));
	PUT_SMALL(t, POLICY_SMALL_IDENTITIES, v->ops->identity(v, n_ + 1));
	PUT_SMALL(t, POLICY_SMALL_PROVIDERS, v->ops->provider(v, n_ + 1));
	PUT_SMALL(t, POLICY_SMALL_ROUTES, v->ops->route_set(v, n_ + 1));
	PUT_SMALL(t, POLICY_SMALL_PINS, v->ops->small_at(v, POLICY_SMALL_PINS, n_));
}

static bool same(struct policy_name a, struct policy_name b)
{
	return policy_name_equal(a, b);
}

/* partner ids are the home's own; everything else is the policy's */
static bool verdicts_same(const struct policy_verdict *a, const struct policy_verdict *b)
{
	bool asks = a->asks == b->asks;

	for (unsigned i = 0; asks && i < a->asks; i++)
		asks = a->ask[i].kind == b->ask[i].kind && same(a->ask[i].name, b->ask[i].name);
	return asks && a->action == b->action && a->reason == b->reason && a->rule == b->rule &&
	       a->type == b->type && a->source == b->source && a->mark == b->mark && a->eku == b->eku &&
	       a->limit_class == b->limit_class && a->tls_profile == b->tls_profile && a->flags == b->flags &&
	       a->own_identity == b->own_identity && (a->partner != 0) == (b->partner != 0) &&
	       a->provider == b->provider && same(a->domain, b->domain) && same(a->identity, b->identity) &&
	       same(a->detail, b->detail) && a->route.way == b->route.way &&
	       same(a->route.host, b->route.host) && a->route.nth == b->route.nth &&
	       (a->route.set ? a->route.set->hops : 0) == (b->route.set ? b->route.set->hops : 0);
}

static void compare(struct twin *t, const struct world *w, const char *world, const char *message)
{
	struct policy_target ours[6], theirs[6];
	struct policy_shortfall s;
	struct policy_verdict a, b;
	struct message m;
	unsigned n, k;

	message_read(&m, message);
	policy_decide(w->view, &m.facts, &a, NULL);
	policy_decide(policy_reader_burst(&t->reader), &m.facts, &b, NULL);
	if (!verdicts_same(&a, &b)) {
		char x[600], y[600];

		verdict_print(&a, x, sizeof(x));
		verdict_print(&b, y, sizeof(y));
		fail_msg("world   %s\n  message %s\n  draft   %s\n  segment %s", world, message, x, y);
	}
	if (a.action != POLICY_ACCEPT)
		return;
	n = policy_targets(w->view, &a.route, m.facts.peer, WORLD_NOW_NS, 3, ours, 6, &s);
	k = policy_targets(&t->reader.live.view, &b.route, m.facts.peer, WORLD_NOW_NS, 3, theirs, 6, &s);
	assert_int_equal(n, k);
	for (unsigned i = 0; i < n; i++) {
		assert_memory_equal(ours[i].ip, theirs[i].ip, sizeof(ours[i].ip));
		assert_string_equal(ours[i].name, theirs[i].name);
		assert_int_equal(ours[i].port, theirs[i].port);
		assert_int_equal(ours[i].tier, theirs[i].tier);
	}
}

static void test_twin(void **state)
{
	static const char *const names[] = {"contoso.com", "eu.contoso.com", "a.eu.contoso.com",
					    "fabrikam.com", "aol.com"};
	const char *more = getenv("SALLYPORT_TEST_LONG");
	unsigned worlds = more && *more == '1' ? 20000 : 3000;
	char text[2048], message[512];
	struct world w, old;
	struct twin t;
	struct base_rng r;

	memset(&t, 0, sizeof(t));
	rig_init(&t.rig);
	assert_int_equal(policy_reader_init(&t.reader, &t.rig.seg, 0), 0);
	policy_reader_wake(&t.reader);
	base_rng_seed(&r, 8);
	for (unsigned i = 0; i < worlds; i++) {
		world_random(&r, text, sizeof(text));
		world_open(&w, world_base);
		world_add(&w, text);
		for (unsigned k = 0; k < 5; k++) {
			struct policy_ask ask = {policy_name_of(names[k]), POLICY_DNS_FEDERATION};

			if (base_rng_below(&r, 3))
				answer_random(&r, &w, &ask);
		}
		world_add(&w, "host gw.x.net 192.0.2.77");
		t.txn = policy_txn_begin(t.rig.w, false);
		assert_non_null(t.txn);
		if (i) {
			put_all(&t, &old, true);
			world_close(&old);
		}
		put_all(&t, &w, false);
		UNTIL_DONE(&t, policy_txn_commit(t.txn));
		for (unsigned k = 0; k < 40; k++) {
			message_random(&r, message, sizeof(message));
			compare(&t, &w, text, message);
		}
		old = w;
	}
	world_close(&old);
	policy_reader_sleep(&t.reader);
	rig_fini(&t.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_twin)};

	return cmocka_run_group_tests_name("policy twin", tests, NULL, NULL);
}
