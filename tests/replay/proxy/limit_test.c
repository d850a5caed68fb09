/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits of discovered partners (federation rules, section 1.5) on the wire. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define SRV   "srv contoso.com sip.contoso.com=198.51.100.7"
#define WORLD "discovery on; limit-discovered 1; " SRV

static unsigned serial;

static void message(struct rig *r, unsigned partner, const char *user)
{
	serial++;
	rig_send(r, partner,
		 "MESSAGE sip:%s@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-l%u\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:%s@ours.com>\nCall-ID: l%u\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n",
		 user, serial, user, serial);
}

/* takes and answers all that came inside: how many */
static unsigned answer_all(struct rig *r, unsigned inner, unsigned status)
{
	static char request[8192];
	unsigned n = 0;

	while (r->link[inner].out_at < r->link[inner].out_len) {
		snprintf(request, sizeof(request), "%s", rig_got(r, inner));
		rig_answer(r, inner, request, status, "t", "");
		n++;
	}
	return n;
}

static unsigned start(struct rig *r, unsigned *partner)
{
	unsigned inner;

	*partner = rig_partner(r, "sip.contoso.com");
	message(r, *partner, "b");
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	assert_int_equal(answer_all(r, inner, 200), 1);
	rig_is_status(rig_got(r, *partner), 200);
	return inner;
}

static void test_rate(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner, inner = start(r, &partner), ok = 0, busy = 0;
	const char *m;

	for (unsigned i = 0; i < 200; i++)
		message(r, partner, "b");
	/* the burst passes, what is beyond waits, not answered at once */
	assert_in_range(answer_all(r, inner, 200), 38, 40);
	assert_int_equal(proxy_stats_get(r->proxy)->parked, 64);
	rig_wait(r, 2500);
	ok = answer_all(r, inner, 200);
	assert_in_range(ok, 38, 52);
	ok = 0;
	while (r->link[partner].out_at < r->link[partner].out_len) {
		m = rig_got(r, partner);
		if (strncmp(m, "SIP/2.0 503", 11) == 0) {
			assert_string_equal(rig_field(m, "Retry-After", 0), "5");
			busy++;
		} else {
			rig_is_status(m, 200);
			ok++;
		}
	}
	assert_int_equal(ok + busy, 200);
	assert_in_range(ok, 76, 92);
	assert_non_null(rig_event(r, EXCHANGE_EVENT_LIMIT));
	rig_close(r);
}

/* an allowed one has no such limits, and an allow lifts them */
static void test_allowed(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner, inner = start(r, &partner);

	for (unsigned i = 0; i < 60; i++)
		message(r, partner, "b");
	assert_in_range(answer_all(r, inner, 200), 38, 40);
	rig_world(r, "allow contoso.com");
	for (unsigned i = 0; i < 200; i++)
		message(r, partner, "b");
	assert_int_equal(answer_all(r, inner, 200), 200);
	rig_close(r);
}

static void test_enumeration(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner, inner = start(r, &partner), refused = 0;
	char user[32];
	const char *m;

	for (unsigned i = 0; i < 1010; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		message(r, partner, user);
		rig_wait(r, 60);
		answer_all(r, inner, 200);
		m = rig_got(r, partner);
		if (strncmp(m, "SIP/2.0 403", 11) == 0)
			refused++;
	}
	/* b and 999 others were the thousand */
	assert_int_equal(refused, 11);
	assert_non_null(rig_event(r, EXCHANGE_EVENT_WATCH));
	/* whom it knew already it may still talk to */
	message(r, partner, "u7");
	assert_int_equal(answer_all(r, inner, 200), 1);
	rig_close(r);
}

static void inside_of(struct rig *r, unsigned partner, const char *routes, const char *uri)
{
	serial++;
	rig_send(r, partner,
		 "MESSAGE sip:%s SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-l%u\n%sFrom: "
		 "<sip:a@contoso.com>;tag=a\n"
		 "To: <sip:%s>;tag=t\nCall-ID: call\nCSeq: %u MESSAGE\nContent-Length: *\n\n",
		 uri, serial, routes, uri, serial);
}

/* One dialog is no way around: whom it addresses anew counts as new. Whom it was begun with, and a Contact at
 * a host, are never held. */
static void test_dialog(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner, inner = start(r, &partner), refused = 0, passed = 0;
	static char routes[4096], invite[8192];
	char uri[64];
	const char *m;

	rig_send(r, partner,
		 "INVITE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-i\n"
		 "From: <sip:a@contoso.com>;tag=a\nTo: <sip:b@ours.com>\nCall-ID: call\nCSeq: 1 INVITE\n"
		 "Contact: <sip:a@h.contoso.com>\nContent-Length: *\n\n");
	snprintf(invite, sizeof(invite), "%s", rig_got(r, inner));
	rig_answer(r, inner, invite, 200, "t", "Contact: <sip:u77@pc.ours.com>\n");
	rig_is_status(rig_got(r, partner), 100);
	m = rig_got(r, partner);
	rig_is_status(m, 200);
	snprintf(routes, sizeof(routes), "Route: %s\nRoute: %s\n", rig_field(m, "Record-Route", 1),
		 rig_field(m, "Record-Route", 0));
	for (unsigned i = 0; i < 1010; i++) {
		snprintf(uri, sizeof(uri), "u%u@ours.com", i);
		inside_of(r, partner, routes, uri);
		rig_wait(r, 60);
		answer_all(r, inner, 200);
		refused += strncmp(rig_got(r, partner), "SIP/2.0 403", 11) == 0;
	}
	assert_int_equal(refused, 11);
	rig_wait(r, 5000);
	for (unsigned i = 0; i < 200; i++)
		inside_of(r, partner, routes, i % 2 ? "b@ours.com" : "u77@pc.ours.com");
	for (unsigned i = 0; i < 20; i++) {
		passed += answer_all(r, inner, 200);
		rig_wait(r, 10);
	}
	assert_int_equal(passed, 200);
	rig_close(r);
}

/* what control kept of a peer counts after a restart */
static void test_restart(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner, inner = start(r, &partner);
	struct policy_watch kept;
	char user[32];

	for (unsigned i = 0; i < 1002; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		message(r, partner, user);
		rig_wait(r, 60);
		answer_all(r, inner, 200);
	}
	kept = r->watch;
	assert_true(kept.why & POLICY_WATCH_URIS);
	assert_int_equal(kept.uris, 1000);
	rig_close(r);
	r = rig_open(WORLD, NULL);
	r->kept = kept;
	partner = rig_partner(r, "sip.contoso.com");
	message(r, partner, "somebody-new");
	rig_none_opened(r);
	rig_is_status(rig_got(r, partner), 403);
	rig_close(r);
}

static void test_suspicion(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner, inner = start(r, &partner), passed = 0;

	for (unsigned i = 0; i < 60; i++) {
		message(r, partner, "b");
		answer_all(r, inner, 404);
		rig_wait(r, 60);
	}
	assert_non_null(rig_event(r, EXCHANGE_EVENT_SUSPICIOUS));
	/* one a second now */
	for (unsigned i = 0; i < 100; i++) {
		message(r, partner, "b");
		rig_wait(r, 100);
		passed += answer_all(r, inner, 200);
	}
	assert_in_range(passed, 5, 15);
	rig_close(r);
}

/* what policy refuses counts too, though no limit let it pass */
static void test_suspicion_refused(void **state)
{
	struct rig *r = rig_open(WORLD "; block evil.com", NULL);
	unsigned partner, inner = start(r, &partner), passed = 0;

	for (unsigned i = 0; i < 60; i++) {
		serial++;
		rig_send(r, partner,
			 "MESSAGE sip:u%u@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-l%u\n"
			 "From: <sip:a@evil.com>;tag=1\nTo: <sip:u%u@ours.com>\nCall-ID: l%u\n"
			 "CSeq: 1 MESSAGE\nContent-Length: *\n\n",
			 i, serial, i, serial);
		rig_is_status(rig_got(r, partner), 403);
		rig_wait(r, 60);
	}
	assert_non_null(rig_event(r, EXCHANGE_EVENT_SUSPICIOUS));
	for (unsigned i = 0; i < 100; i++) {
		message(r, partner, "b");
		rig_wait(r, 100);
		passed += answer_all(r, inner, 200);
	}
	assert_in_range(passed, 5, 15);
	rig_close(r);
}

/* addresses that are tried and refused before they would get inside are tried nevertheless */
static void test_enumeration_refused(void **state)
{
	struct rig *r = rig_open(WORLD "; user secret@ours.com rights=-federation", NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), inner;
	char user[32];

	/* not one that its class was learnt from before */
	for (unsigned i = 0; i < 1010; i++) {
		serial++;
		snprintf(user, sizeof(user), "u%u", i);
		rig_send(r, partner,
			 "MESSAGE sip:%s@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-l%u\n"
			 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:secret@ours.com>\nCall-ID: l%u\n"
			 "CSeq: 1 MESSAGE\nContent-Length: *\n\n",
			 user, serial, serial);
		rig_is_status(rig_got(r, partner), 403);
		rig_wait(r, 20);
	}
	assert_int_equal(r->watch.uris, 1000);
	assert_true(r->watch.why & POLICY_WATCH_URIS);
	assert_string_equal(r->watch.domains, "contoso.com");
	rig_wait(r, 700000);
	/* who was tried may be reached, and nobody else */
	message(r, partner, "u7");
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	assert_int_equal(answer_all(r, inner, 200), 1);
	rig_is_status(rig_got(r, partner), 200);
	message(r, partner, "somebody-new");
	assert_int_equal(answer_all(r, inner, 200), 0);
	rig_is_status(rig_got(r, partner), 403);
	rig_close(r);
}

/* neither an allowed partner nor anybody's request to nobody of ours is counted */
static void test_not_tried(void **state)
{
	struct rig *r =
		rig_open("discovery on; limit-discovered 1; allow fabrikam.com proxy=sip.fabrikam.com; " SRV
			 "; user secret@ours.com rights=-federation",
			 NULL);
	unsigned partner = rig_partner(r, "sip.fabrikam.com"), other = rig_partner(r, "sip.contoso.com");

	for (unsigned i = 0; i < 1200; i++) {
		serial++;
		rig_send(r, partner,
			 "MESSAGE sip:u%u@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-l%u\n"
			 "From: <sip:a@fabrikam.com>;tag=1\nTo: <sip:secret@ours.com>\nCall-ID: l%u\n"
			 "CSeq: 1 MESSAGE\nContent-Length: *\n\n",
			 i, serial, serial);
		rig_is_status(rig_got(r, partner), 403);
		rig_send(r, other,
			 "MESSAGE sip:u%u@elsewhere.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-l%u\n"
			 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:u@elsewhere.com>\nCall-ID: l%u\n"
			 "CSeq: 1 MESSAGE\nContent-Length: *\n\n",
			 i, serial, serial);
		rig_is_status(rig_got(r, other), 404);
	}
	assert_int_equal(r->watch.uris, 0);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_enumeration),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_suspicion),
		cmocka_unit_test(test_suspicion_refused),
		cmocka_unit_test(test_enumeration_refused),
		cmocka_unit_test(test_not_tried),
		cmocka_unit_test(test_dialog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
