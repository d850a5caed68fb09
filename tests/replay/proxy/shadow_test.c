/* SPDX-License-Identifier: BSD-3-Clause */
/* A candidate beside the policy in force: it judges each new request once, is counted and told, and whatever
 * it says nothing else changes. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define SRV   "; srv contoso.com sip.contoso.com=198.51.100.7; host sip.contoso.com 198.51.100.7"
#define ALLOW "allow contoso.com" SRV

struct trial {
	struct rig *r;
	struct world candidate;
	unsigned partner, n;
};

static void begin(struct trial *t, const char *live, const char *candidate, unsigned cores)
{
	memset(t, 0, sizeof(*t));
	t->r = rig_open_cores(live, cores);
	world_open(&t->candidate, world_base);
	world_add(&t->candidate, candidate);
	assert_int_equal(t->candidate.error, 0);
	t->r->candidate = t->candidate.view;
	t->partner = rig_partner(t->r, "sip.contoso.com");
}

static void end(struct trial *t)
{
	rig_close(t->r);
	world_close(&t->candidate);
}

static void message(struct trial *t)
{
	rig_send(t->r, t->partner,
		 "MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-t%u\nMax-Forwards: 70\n"
		 "From: <sip:a@contoso.com>;tag=f\nTo: <sip:b@ours.com>\nCall-ID: t%u\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\nhello",
		 t->n, t->n);
	t->n++;
}

static void counts(const struct trial *t, unsigned judged, unsigned refuse, unsigned accept, unsigned ask)
{
	assert_int_equal(rig_count(t->r, PROXY_COUNTER_shadow_judged), judged);
	assert_int_equal(rig_count(t->r, PROXY_COUNTER_shadow_differs), refuse + accept + ask);
	assert_int_equal(rig_count(t->r, PROXY_COUNTER_shadow_would_refuse), refuse);
	assert_int_equal(rig_count(t->r, PROXY_COUNTER_shadow_would_accept), accept);
	assert_int_equal(rig_count(t->r, PROXY_COUNTER_shadow_would_ask), ask);
}

static void told(const struct exchange_event *e, unsigned status, unsigned reason, const char *text)
{
	assert_non_null(e);
	assert_int_equal(e->status, status);
	assert_int_equal(e->reason, reason);
	assert_int_not_equal(e->rule, 0);
	assert_int_equal(e->side, POLICY_SIDE_EXTERNAL);
	assert_int_equal(e->domain_len, strlen("contoso.com"));
	assert_memory_equal(e->domain, "contoso.com", e->domain_len);
	assert_int_equal(e->peer_len, strlen("sip.contoso.com"));
	assert_int_equal(e->text_len, strlen(text));
	assert_memory_equal(e->text, text, e->text_len);
}

/* what it refuses passes, there and back */
static void test_would_refuse(void **state)
{
	static char text[4096];
	struct trial t;
	unsigned inner;

	begin(&t, ALLOW, "block contoso.com" SRV, 1);
	message(&t);
	inner = rig_opened(t.r);
	rig_up(t.r, inner, "pool.ours.com");
	snprintf(text, sizeof(text), "%s", rig_got(t.r, inner));
	rig_is_request(text, "MESSAGE");
	/* a repeat is absorbed, and not judged */
	t.n = 0;
	message(&t);
	rig_quiet(t.r, inner);
	told(rig_event(t.r, EXCHANGE_EVENT_SHADOW), 200, POLICY_REASON_ACCEPTED,
	     "accepted, would be refused: 403 reason 321 BLOCKED, rule 1.2.6 BLOCK");
	rig_answer(t.r, inner, text, 200, "x", "");
	rig_is_status(rig_got(t.r, t.partner), 200);
	/* once, although it waited for the link */
	counts(&t, 1, 1, 0, 0);
	assert_null(rig_event(t.r, EXCHANGE_EVENT_REFUSED));
	assert_int_equal(rig_count(t.r, PROXY_COUNTER_refused), 0);
	/* without a candidate nothing is judged */
	t.r->candidate = NULL;
	message(&t);
	rig_is_request(rig_got(t.r, inner), "MESSAGE");
	counts(&t, 1, 1, 0, 0);
	end(&t);
}

/* the answers of those whom we asked: To-domain's side */
static void test_answers(void **state)
{
	static char text[4096];
	struct trial t;
	unsigned inner, out;

	begin(&t, ALLOW, "block contoso.com" SRV, 1);
	inner = rig_inner(t.r, "pool.ours.com");
	rig_send(t.r, inner,
		 "MESSAGE sip:a@contoso.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-o\nMax-Forwards: 70\n"
		 "From: <sip:b@ours.com>;tag=f\nTo: <sip:a@contoso.com>\nCall-ID: o\nCSeq: 1 MESSAGE\n"
		 "Content-Length: 0\n\n");
	out = rig_opened(t.r);
	rig_up(t.r, out, "sip.contoso.com");
	snprintf(text, sizeof(text), "%s", rig_got(t.r, out));
	assert_int_equal(rig_count(t.r, PROXY_COUNTER_shadow_answers), 0);
	rig_answer(t.r, out, text, 200, "x", "");
	rig_is_status(rig_got(t.r, inner), 200);
	assert_int_equal(rig_count(t.r, PROXY_COUNTER_shadow_answers), 1);
	assert_int_equal(rig_count(t.r, PROXY_COUNTER_shadow_answers_differ), 1);
	told(rig_event(t.r, EXCHANGE_EVENT_SHADOW), 200, POLICY_REASON_ACCEPTED,
	     "an answer accepted, would be refused: 403 reason 321 BLOCKED, rule 1.2.6 BLOCK");
	counts(&t, 1, 1, 0, 0);
	end(&t);
	/* one who would let it pass says nothing */
	begin(&t, ALLOW, ALLOW, 1);
	message(&t);
	inner = rig_opened(t.r);
	rig_up(t.r, inner, "pool.ours.com");
	snprintf(text, sizeof(text), "%s", rig_got(t.r, inner));
	rig_answer(t.r, inner, text, 200, "x", "");
	rig_is_status(rig_got(t.r, t.partner), 200);
	assert_int_equal(rig_count(t.r, PROXY_COUNTER_shadow_answers), 1);
	assert_int_equal(rig_count(t.r, PROXY_COUNTER_shadow_answers_differ), 0);
	assert_null(rig_event(t.r, EXCHANGE_EVENT_SHADOW));
	end(&t);
}

static void test_would_accept(void **state)
{
	struct trial t;

	begin(&t, "block contoso.com" SRV, ALLOW, 1);
	message(&t);
	rig_is_status(rig_got(t.r, t.partner), 403);
	rig_none_opened(t.r);
	counts(&t, 1, 0, 1, 0);
	told(rig_event(t.r, EXCHANGE_EVENT_SHADOW), 403, POLICY_REASON_BLOCKED,
	     "refused, would be accepted, rule 1.2.9 ACCEPT");
	end(&t);
}

static void test_other_reason(void **state)
{
	struct trial t;

	begin(&t, "block contoso.com" SRV, "hard contoso.com" SRV, 1);
	message(&t);
	rig_is_status(rig_got(t.r, t.partner), 403);
	assert_int_equal(rig_count(t.r, PROXY_COUNTER_shadow_differs), 1);
	assert_int_equal(rig_count(t.r, PROXY_COUNTER_shadow_would_refuse), 0);
	told(rig_event(t.r, EXCHANGE_EVENT_SHADOW), 403, POLICY_REASON_BLOCKED,
	     "refused, would be for another reason: 403 reason 322 HARD_BLOCKED, rule 1.2.6 BLOCK");
	end(&t);
}

static void test_same(void **state)
{
	struct trial t;
	unsigned inner;

	begin(&t, ALLOW, ALLOW "; block fabrikam.com", 1);
	message(&t);
	inner = rig_opened(t.r);
	rig_up(t.r, inner, "pool.ours.com");
	rig_is_request(rig_got(t.r, inner), "MESSAGE");
	counts(&t, 1, 0, 0, 0);
	assert_null(rig_event(t.r, EXCHANGE_EVENT_SHADOW));
	end(&t);
}

/* a question is an effect */
static void test_asks_nothing(void **state)
{
	struct trial t;

	begin(&t, ALLOW, "allow contoso.com check=lync", 1);
	message(&t);
	rig_up(t.r, rig_opened(t.r), "pool.ours.com");
	counts(&t, 1, 0, 0, 1);
	assert_int_equal(t.r->asks_n, 0);
	told(rig_event(t.r, EXCHANGE_EVENT_SHADOW), 200, POLICY_REASON_ACCEPTED,
	     "accepted, would wait for DNS, rule 1.3 SRV");
	end(&t);
}

/* not before the policy in force has made up its mind */
static void test_after_dns(void **state)
{
	struct trial t;
	unsigned inner;

	begin(&t, "allow contoso.com check=lync", "block contoso.com", 1);
	message(&t);
	rig_wait(t.r, 200);
	assert_int_equal(t.r->asks_n, 1);
	counts(&t, 0, 0, 0, 0);
	rig_world(t.r, "srv contoso.com sip.contoso.com=198.51.100.7");
	rig_wait(t.r, 1000);
	inner = rig_opened(t.r);
	rig_up(t.r, inner, "pool.ours.com");
	rig_is_request(rig_got(t.r, inner), "MESSAGE");
	counts(&t, 1, 1, 0, 0);
	end(&t);
}

static void test_bounded(void **state)
{
	struct trial t;
	unsigned events;

	begin(&t, "block contoso.com" SRV, ALLOW, 1);
	rig_wait(t.r, 1100);
	events = t.r->events_n;
	for (unsigned i = 0; i < 40; i++) {
		message(&t);
		rig_is_status(rig_got(t.r, t.partner), 403);
	}
	/* 40 of the refusals, and these */
	assert_int_equal(t.r->events_n - events, 40 + 10);
	counts(&t, 40, 0, 40, 0);
	rig_wait(t.r, 1100);
	message(&t);
	rig_is_status(rig_got(t.r, t.partner), 403);
	assert_int_equal(rig_event(t.r, EXCHANGE_EVENT_SHADOW)->count, 31);
	end(&t);
}

/* where it came, and not once more where it goes on */
static void test_cores(void **state)
{
	struct trial t;

	begin(&t, ALLOW, "block contoso.com" SRV, 4);
	policy_draft_box(t.r->world.draft)->connections_per_partner = 1;
	rig_world(t.r, "");
	for (unsigned i = 0; i < 8; i++) {
		t.r->accept_at = i % 4;
		t.partner = rig_partner(t.r, "sip.contoso.com");
		message(&t);
	}
	rig_up(t.r, rig_opened(t.r), "pool.ours.com");
	assert_true(rig_count(t.r, PROXY_COUNTER_crossed) > 0);
	counts(&t, 8, 8, 0, 0);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_would_refuse), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_would_accept), cmocka_unit_test(test_other_reason),
		cmocka_unit_test(test_same),	     cmocka_unit_test(test_asks_nothing),
		cmocka_unit_test(test_after_dns),    cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_cores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
