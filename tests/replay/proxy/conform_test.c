/* SPDX-License-Identifier: BSD-3-Clause */
/* Corners of RFC 3261 that conformance suites look into: what is read of CANCEL and ACK, and what not;
 * requests to the box itself; which provisional answers count for timer C. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7"

/* of the one INVITE transaction that these tests have */
#define HOP(method, tag, lines)                                                       \
	method " sip:bob@ours.com SIP/2.0\n"                                          \
	       "Via: SIP/2.0/TLS sip.contoso.com:5061;branch=z9hG4bK-c1\n"            \
	       "From: <sip:alice@contoso.com>;tag=a\nTo: <sip:bob@ours.com>" tag "\n" \
	       "Call-ID: conform\nCSeq: 1 " method "\n" lines "Content-Length: *\n\n"

struct call {
	struct rig *r;
	unsigned from, to; /* links */
	char invite[8192]; /* as it left */
};

static void begin(struct call *c)
{
	c->r = rig_open(WORLD, NULL);
	c->from = rig_partner(c->r, "sip.contoso.com");
	rig_send(c->r, c->from, "%s", HOP("INVITE", "", "Max-Forwards: 7\n"));
	rig_is_status(rig_got(c->r, c->from), 100);
	c->to = rig_opened(c->r);
	rig_up(c->r, c->to, "pool.ours.com");
	snprintf(c->invite, sizeof(c->invite), "%s", rig_got(c->r, c->to));
	rig_is_request(c->invite, "INVITE");
}

/* what somebody wrote into a CANCEL that has no meaning there does not keep it from its INVITE: sections
 * 8.2.2.3 (Require, Proxy-Require), 16.10 (Max-Forwards), 9.1 (Route is the INVITE's) */
static void test_cancel(void **state)
{
	static const char *const rows[] = {"Max-Forwards: 0\n", "Max-Forwards: 70\nProxy-Require: magic\n",
					   "Require: magic\n", "Max-Forwards: 0\nRoute: <sip:evil.com;lr>\n"};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct call c;

		begin(&c);
		rig_answer(c.r, c.to, c.invite, 180, "uas", "");
		rig_is_status(rig_got(c.r, c.from), 180);
		rig_send(c.r, c.from, HOP("CANCEL", "", "%s"), rows[i]);
		rig_is_status(rig_got(c.r, c.from), 200);
		rig_is_request(rig_got(c.r, c.to), "CANCEL");
		rig_answer(c.r, c.to, c.invite, 487, "uas", "");
		rig_is_status(rig_got(c.r, c.from), 487);
		rig_close(c.r);
	}
}

/* and one that cancels nothing is told so, not how far it may go */
static void test_cancel_nothing(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com");

	rig_send(r, partner, "%s", HOP("CANCEL", "", "Max-Forwards: 0\n"));
	rig_is_status(rig_got(r, partner), 481);
	rig_send(r, partner, "%s", HOP("CANCEL", "", "Max-Forwards: 1\nProxy-Require: magic\n"));
	rig_is_status(rig_got(r, partner), 481);
	rig_close(r);
}

/* the ACK of a refusal ends the transaction whatever it says; that of a 2xx goes on, and only as far as it
 * may */
static void test_ack(void **state)
{
	static const char *const rows[] = {"Max-Forwards: 0\n", "Proxy-Require: magic\n", "Require: magic\n"};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct call c;

		begin(&c);
		rig_answer(c.r, c.to, c.invite, 486, "uas", "");
		rig_is_request(rig_got(c.r, c.to), "ACK");
		rig_is_status(rig_got(c.r, c.from), 486);
		rig_send(c.r, c.from, HOP("ACK", ";tag=uas", "%s"), rows[i]);
		assert_int_equal(rig_drop(c.r, PROXY_DROP_ack_absorbed), 1);
		assert_int_equal(proxy_stats_get(c.r->proxy)->servers, 0);
		rig_quiet(c.r, c.to);
		rig_quiet(c.r, c.from);
		rig_close(c.r);
	}
}

static void test_ack_ends(void **state)
{
	struct call c;

	begin(&c);
	rig_answer(c.r, c.to, c.invite, 200, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 200);
	rig_send(c.r, c.from, "%s", HOP("ACK", ";tag=uas", "Max-Forwards: 0\n"));
	assert_int_equal(rig_drop(c.r, PROXY_DROP_malformed_ack), 1);
	rig_quiet(c.r, c.to);
	rig_close(c.r);
}

/* section 8.2.2.3: the box answers for itself, and supports no extension that could be required of it */
static void test_require(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), inner;
	const char *m;

	rig_send(
		r, partner,
		"OPTIONS sip:sip.ours.com:5061 SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bKo\nMax-Forwards: 0\n"
		"From: <sip:contoso.com>;tag=1\nTo: <sip:sip.ours.com>\nCall-ID: o\nCSeq: 1 OPTIONS\n"
		"Require: magic, 100rel\nRequire: more\nContent-Length: *\n\n");
	m = rig_got(r, partner);
	rig_is_status(m, 420);
	assert_string_equal(rig_field(m, "Unsupported", 0), "magic, 100rel, more");
	/* of others it is none of our business */
	rig_send(r, partner, "%s", HOP("OPTIONS", "", "Require: magic\n"));
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	assert_string_equal(rig_field(rig_got(r, inner), "Require", 0), "magic");
	rig_close(r);
}

/* section 16.7 item 2: a 100 says that the next hop lives, not that anybody is being called */
static void test_timer_c(void **state)
{
	struct call c;

	begin(&c);
	for (unsigned s = 0; s < 180; s += 30) {
		rig_answer(c.r, c.to, c.invite, 100, "", "");
		rig_wait(c.r, 30000);
	}
	rig_quiet(c.r, c.to);
	rig_wait(c.r, 5100);
	rig_is_request(rig_got(c.r, c.to), "CANCEL");
	rig_answer(c.r, c.to, c.invite, 487, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 487);
	rig_close(c.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cancel),	cmocka_unit_test(test_cancel_nothing),
		cmocka_unit_test(test_ack),	cmocka_unit_test(test_ack_ends),
		cmocka_unit_test(test_require), cmocka_unit_test(test_timer_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
