/* SPDX-License-Identifier: BSD-3-Clause */
/* Random policies and random messages: what must hold for all of them. Seeded; SALLYPORT_TEST_LONG=1 runs
 * more. */
#include <stdlib.h>
#include <string.h>

#include "config/policy/choice.h"
#include "tests/unit/policy/row.h"
#include "tests/unit/policy/world_random.h"

static bool same(struct policy_name a, struct policy_name b)
{
	return policy_name_equal(a, b);
}

static bool verdicts_same(const struct policy_verdict *a, const struct policy_verdict *b)
{
	return a->action == b->action && a->reason == b->reason && a->rule == b->rule && a->type == b->type &&
	       a->source == b->source && a->mark == b->mark && a->eku == b->eku &&
	       a->limit_class == b->limit_class && a->tls_profile == b->tls_profile && a->asks == b->asks &&
	       a->flags == b->flags && a->own_identity == b->own_identity && a->partner == b->partner &&
	       a->provider == b->provider && same(a->domain, b->domain) && same(a->identity, b->identity) &&
	       same(a->detail, b->detail) && a->route.way == b->route.way && a->route.set == b->route.set &&
	       same(a->route.host, b->route.host);
}

/* ---- an oracle for the lists, written from the sentence in 1.3 and over the entries as they were said ----
 */

struct oracle {
	struct policy_name name;
	bool hard, blocked, allowed;
	int block, allow; /* length of the longest, × 2, + 1 when exact */
	bool except;
};

static int oracle_entry(void *ctx, struct policy_name name, const struct policy_domain *e)
{
	struct oracle *o = ctx;
	bool subtree = (e->flags & POLICY_DOMAIN_SUBTREE) != 0;
	int rank = (int)name.len * 2 + !subtree;

	if (!(subtree ? policy_name_below(o->name, name) : same(o->name, name)))
		return 0;
	if (e->type == POLICY_DOMAIN_HARD)
		o->hard = true;
	else if (e->type == POLICY_DOMAIN_BLOCKED)
		o->block = rank > o->block ? rank : o->block;
	else if (rank > o->allow) {
		o->allow = rank;
		o->except = (e->flags & POLICY_DOMAIN_EXCEPT) != 0;
	}
	return 0;
}

static struct oracle oracle_of(const struct world *w, struct policy_name name)
{
	struct oracle o = {.name = name};

	policy_draft_each_domain(w->draft, oracle_entry, &o);
	o.blocked = o.hard || (o.block && !(o.allow > o.block && o.except));
	o.allowed = !o.blocked && o.allow;
	return o;
}

static void must(bool holds, const char *what, const char *world, const char *message,
		 const struct policy_verdict *v)
{
	char got[600];

	if (holds)
		return;
	verdict_print(v, got, sizeof(got));
	fail_msg("%s\n  world   %s\n  message %s\n  got     %s", what, world, message, got);
}

static void judge_one(struct base_rng *r, unsigned *seen)
{
	static const uint8_t outcome[] = {POLICY_ACCEPTED, POLICY_REFUSED, POLICY_REFUSED, POLICY_ASKED};
	struct policy_verdict v, traced, burst[3];
	const struct policy_facts *facts[3];
	struct policy_target targets[4];
	struct policy_shortfall s;
	struct policy_trace trace;
	struct message m;
	struct oracle o;
	struct world w;
	char world[2048], message[512];
	bool accept, fresh, ends, in;
	unsigned rounds = 0;

	world_random(r, world, sizeof(world));
	message_random(r, message, sizeof(message));
	world_open(&w, world_base);
	world_add(&w, world); /* what the draft refuses (a slot taken twice) is simply not there */
	message_read(&m, message);
#define MUST(x, what) must(x, what, world, message, &v)
	for (;;) {
		policy_decide(w.view, &m.facts, &v, NULL);
		policy_decide(w.view, &m.facts, &traced, &trace);
		MUST(verdicts_same(&v, &traced), "a trace changes nothing");
		MUST(trace.n && !trace.lost, "the trace is whole");
		MUST(trace.line[trace.n - 1].rule == v.rule &&
			     trace.line[trace.n - 1].outcome == outcome[v.action],
		     "the last rule of the trace is the verdict");
		facts[0] = facts[1] = facts[2] = &m.facts;
		policy_decide_burst(w.view, facts, 3, burst);
		MUST(verdicts_same(&v, &burst[0]) && verdicts_same(&v, &burst[2]),
		     "a burst judges as one does");
		if (v.action != POLICY_ASK)
			break;
		MUST(v.asks >= 1 && v.asks <= POLICY_ASKS && v.ask[0].name.len, "a question has a name");
		MUST(++rounds < 24, "questions come to an end");
		for (unsigned i = 0; i < v.asks; i++)
			answer_random(r, &w, &v.ask[i]);
	}
	seen[v.reason]++;
	accept = v.action == POLICY_ACCEPT;
	fresh = m.facts.message == POLICY_REQUEST;
	in = m.facts.direction == POLICY_INBOUND;
	ends = !fresh && (m.facts.method == POLICY_METHOD_BYE || m.facts.method == POLICY_METHOD_CANCEL);
	o = oracle_of(&w, v.domain);

	MUST(!accept || v.asks == 0 || (v.flags & POLICY_VERDICT_REFRESH),
	     "an accepted message leaves no question behind");
	MUST(!accept || m.peer.certificate ||
		     (m.peer.pinned_only && m.peer.has_spki && in &&
		      (fresh ? (v.flags & POLICY_VERDICT_BY_KEY) != 0 : m.stored.by_key)),
	     "no certificate, no way but that of a pinned key");
	MUST(!accept || !m.peer.revoked, "revoked, no way");
	MUST(!accept || ends || !o.blocked, "what is blocked does not pass");
	MUST(!accept || ends || (w.view->box->flags & POLICY_BOX_FEDERATION),
	     "federation off, nothing passes");
	MUST(!accept || m.facts.message == POLICY_RESPONSE || m.facts.method != POLICY_METHOD_REGISTER,
	     "REGISTER does not pass");
	MUST(!accept || in || m.peer.trusted_internal, "inside, only our servers are heard");
	MUST(!accept || v.type != POLICY_TYPE_NONE, "an accepted message has a type");
	MUST(!accept || !in || v.mark != POLICY_MARK_NONE, "what goes inside is marked");
	MUST((v.action != POLICY_REFUSE) ||
		     (m.facts.message != POLICY_RESPONSE && m.facts.method != POLICY_METHOD_ACK),
	     "what cannot be answered is dropped");
	MUST(accept || v.action == POLICY_ASK || policy_reason_info(v.reason)->status >= 400,
	     "a refusal has a status");
	if (fresh && accept) {
		bool listed = o.allowed || (w.view->box->flags & POLICY_BOX_DISCOVERY);

		MUST(listed || v.type == POLICY_TYPE_PUBLIC || v.type == POLICY_TYPE_SHARED ||
			     (v.type == POLICY_TYPE_DEFAULT && v.source == POLICY_SOURCE_PUBLIC),
		     "somebody unlisted passes through a public provider only");
		MUST((v.type == POLICY_TYPE_SHARED) ==
			     (w.view->ops->own_domain(w.view, in ? m.facts.from_domain
								 : m.facts.ruri_domain) != NULL),
		     "our own domain outside is in the shared address space");
		MUST(policy_targets(w.view, &v.route, m.facts.peer, WORLD_NOW_NS, base_rng_next(r), targets,
				    4, &s) > 0,
		     "there is somewhere to go");
		MUST(!in || v.identity.len || (v.flags & POLICY_VERDICT_BY_KEY),
		     "an accepted peer is known by something");
		MUST(v.type != POLICY_TYPE_DISCOVERED || (v.flags & POLICY_VERDICT_DISCOVERED) ||
			     w.view->ops->own_domain(w.view, m.facts.ruri_domain) == NULL,
		     "who came by discovery is remembered so");
	}
	world_close(&w);
}

static void test_random(void **state)
{
	const char *more = getenv("SALLYPORT_TEST_LONG");
	unsigned n = more && *more == '1' ? 2000000 : 60000;
	unsigned seen[POLICY_REASONS] = {0}, reasons = 0;
	struct base_rng r;

	base_rng_seed(&r, 5);
	for (unsigned i = 0; i < n; i++)
		judge_one(&r, seen);
	/* the random worlds are worth something only if they come by nearly every rule; the tables have them
	 * all */
	for (unsigned i = 0; i < POLICY_REASONS; i++)
		reasons += seen[i] != 0;
	assert_in_range(reasons, 42, POLICY_REASONS);
	assert_in_range(seen[POLICY_REASON_ACCEPTED], n / 20, n / 2);
}

/* the lists alone, against the oracle, with far more entries */
static void test_lists(void **state)
{
	static const char *const labels[] = {"a", "b", "c"};
	const char *more = getenv("SALLYPORT_TEST_LONG");
	unsigned n = more && *more == '1' ? 200000 : 4000;
	struct base_rng r;

	base_rng_seed(&r, 6);
	for (unsigned i = 0; i < n; i++) {
		struct world w;

		world_open(&w, "");
		for (unsigned k = base_rng_below(&r, 12); k; k--) {
			static const char *const kinds[] = {"allow", "allow", "block", "hard"};
			const char *kind = base_rng_below(&r, 20) ? kinds[base_rng_below(&r, 3)] : kinds[3];
			char text[128];

			snprintf(text, sizeof(text), "%s %s", kind, base_rng_below(&r, 2) ? "*." : "");
			for (unsigned d = base_rng_below(&r, 3); d; d--)
				snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s.",
					 labels[base_rng_below(&r, 3)]);
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "com%s",
				 base_rng_below(&r, 3) ? "" : " except");
			world_add(&w, text);
		}
		for (unsigned k = 0; k < 20; k++) {
			struct policy_name name;
			struct policy_match match;
			struct policy_hit hit;
			struct oracle o;
			enum policy_standing got, want;
			char text[64] = "";

			for (unsigned d = base_rng_below(&r, 4); d; d--)
				snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s.",
					 labels[base_rng_below(&r, 3)]);
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "com");
			name = policy_name_of(text);
			w.view->ops->domains(w.view, &name, 1, &hit);
			got = policy_hit_resolve(&hit, &match);
			o = oracle_of(&w, name);
			want = o.hard	   ? POLICY_HARD_BLOCKED
			       : o.blocked ? POLICY_BLOCKED
			       : o.allowed ? POLICY_ALLOWED
					   : POLICY_UNLISTED;
			assert_int_equal(got, want);
			assert_true((match.entry != NULL) == (want != POLICY_UNLISTED));
		}
		world_close(&w);
	}
}

/* tables that must agree: ids are unique, texts are there, statuses are SIP's */
static void test_tables(void **state)
{
	for (unsigned i = 0; i < POLICY_REASONS; i++) {
		const struct policy_reason_info *a = policy_reason_info(i);

		assert_true(a->id && a->text[0] && a->status >= 100 && a->status < 700);
		assert_true((a->ms_id != 0) == (a->ms_text[0] != '\0'));
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(policy_reason_info(k)->id, a->id);
	}
	assert_string_equal(policy_reason_info(9999)->name, "UNKNOWN");
	for (unsigned i = 0; i < POLICY_RULES; i++)
		assert_true(policy_rule_info(i)->section[0] && policy_rule_info(i)->text[0]);
	assert_ptr_equal(policy_rule_info(9999), policy_rule_info(POLICY_RULE_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests_name("policy property", tests, NULL, NULL);
}
