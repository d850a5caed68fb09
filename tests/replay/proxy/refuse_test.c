/* SPDX-License-Identifier: BSD-3-Clause */
/* What does not pass: the status on the wire, what the inside and what partners are told, the event. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define SRV "; srv contoso.com sip.contoso.com=198.51.100.7"
#define IN(method, from, to, lines) \
	RIG_REQUEST(method, from, to, "sip.contoso.com:5061;branch=z9hG4bK-r", lines)

struct refusal_row {
	const char *what, *world, *peer, *request;
	unsigned status, ms_id, reason;
};

static const struct refusal_row inbound[] = {
	{"blocked", "block contoso.com" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com", ""), 403, 1027, POLICY_REASON_BLOCKED},
	{"emergency block", "allow contoso.com; hard contoso.com" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com", ""), 403, 1027, POLICY_REASON_HARD_BLOCKED},
	{"unlisted, discovery off", "federation on" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com", ""), 403, 1027, POLICY_REASON_UNKNOWN_DOMAIN},
	{"federation off", "federation off; allow contoso.com" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com", ""), 403, 1027, POLICY_REASON_FEDERATION_OFF},
	{"not our domain", "allow contoso.com" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@third.com", ""), 404, 1005, POLICY_REASON_NOT_OUR_DOMAIN},
	{"our own From", "allow contoso.com" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@ours.com", "b@ours.com", ""), 403, 1017, POLICY_REASON_FROM_OURS},
	{"user without the right", "allow contoso.com; user b@ours.com rights=-federation,-public" SRV,
	 "sip.contoso.com", IN("MESSAGE", "a@contoso.com", "b@ours.com", ""), 403, 1002,
	 POLICY_REASON_USER_FEDERATION},
	{"server's name", "allow contoso.com proxy=sip.contoso.com", "sip.evil.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com", ""), 504, 1010, POLICY_REASON_SERVER_NAME},
	{"target's name", "allow contoso.com check=lync" SRV, "sip.evil.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com", ""), 504, 1010, POLICY_REASON_TARGET_NAME},
	{"no SRV", "allow contoso.com; srv contoso.com nothing", "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com", ""), 504, 1008, POLICY_REASON_SRV_NOTHING},
	{"no target in the domain", "allow contoso.com; srv contoso.com sip.other.com=198.51.100.7",
	 "sip.other.com", IN("MESSAGE", "a@contoso.com", "b@ours.com", ""), 504, 1009,
	 POLICY_REASON_NO_SAME_DOMAIN},
	{"REGISTER", "allow contoso.com" SRV, "sip.contoso.com",
	 IN("REGISTER", "a@contoso.com", "b@ours.com", ""), 403, 1027, POLICY_REASON_METHOD},
	{"PUBLISH", "allow contoso.com" SRV, "sip.contoso.com",
	 IN("PUBLISH", "a@contoso.com", "b@ours.com", ""), 403, 1027, POLICY_REASON_METHOD},
	{"SERVICE", "allow contoso.com" SRV, "sip.contoso.com",
	 IN("SERVICE", "a@contoso.com", "b@ours.com", ""), 403, 1027, POLICY_REASON_METHOD},
	{"remote call control", "allow contoso.com" SRV, "sip.contoso.com",
	 IN("INFO", "a@contoso.com", "b@ours.com", "Content-Type: application/csta+xml\n") "<x/>", 403, 1027,
	 POLICY_REASON_RCC},
	{"foreign Route", "allow contoso.com" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com", "Route: <sip:inner.ours.com;lr>\n"), 504, 1007,
	 POLICY_REASON_ROUTE_FOREIGN},
	{"edge route from outside", "allow contoso.com" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com",
	    "Route: <sip:sip.third.com;transport=tls;lr>;ms-edge-route\n"),
	 504, 1007, POLICY_REASON_ROUTE_FOREIGN},
	{"forged signature", "allow contoso.com" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com",
	    "Route: <sip:sp1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@sip.ours.com:5061;transport=tls;lr>\n"),
	 481, 1004, POLICY_REASON_ROUTE_STALE},
	{"no pool", "own our.org no-route; allow contoso.com" SRV, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@our.org", ""), 504, 1007, POLICY_REASON_NO_INSIDE_ROUTE},
	{"loop", "allow contoso.com" SRV, "sip.contoso.com", NULL, 482, 0, POLICY_REASON_LOOP},
};

/* the request of "loop": one that we sent ourselves, with our Via in it */
static void send_loop(struct rig *r, unsigned partner)
{
	unsigned inner;
	char via[1024];

	rig_send(r, partner, "%s", IN("MESSAGE", "a@contoso.com", "b@ours.com", ""));
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	snprintf(via, sizeof(via), "%s", rig_field(rig_got(r, inner), "Via", 0));
	rig_send(
		r, partner,
		"MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS sip.contoso.com:5061;branch=z9hG4bK-again\n"
		"Via: %s\nMax-Forwards: 68\nFrom: <sip:a@contoso.com>;tag=f1\nTo: <sip:b@ours.com>\n"
		"Call-ID: call-1\nCSeq: 1 MESSAGE\nContent-Length: *\n\n",
		via);
}

static void one(const struct refusal_row *row, bool told)
{
	struct rig *r = rig_open(row->world, NULL);
	unsigned partner = rig_partner(r, row->peer);
	const struct exchange_event *e;
	const char *m;
	char want[16];

	print_message("%s\n", row->what);
	if (told) {
		policy_draft_box(r->world.draft)->flags |= POLICY_BOX_DIAGNOSTICS_OUT;
		rig_world(r, "");
	}
	if (row->request) {
		rig_send(r, partner, "%s", row->request);
		rig_none_opened(r);
	} else {
		send_loop(r, partner);
	}
	m = rig_got(r, partner);
	rig_is_status(m, row->status);
	assert_int_equal(rig_fields(m, "ms-diagnostics"), told && row->ms_id ? 1 : 0);
	if (told && row->ms_id) {
		snprintf(want, sizeof(want), "%u;", row->ms_id);
		assert_memory_equal(rig_field(m, "ms-diagnostics", 0), want, strlen(want));
	}
	assert_int_equal(rig_fields(m, "ms-edge-proxy-message-trust"), 0);
	assert_non_null(strstr(rig_field(m, "To", 0), ";tag="));
	e = rig_event(r, EXCHANGE_EVENT_REFUSED);
	assert_non_null(e);
	assert_int_equal(e->status, row->status);
	assert_int_equal(e->reason, row->reason);
	rig_quiet(r, partner);
	rig_close(r);
}

static void test_inbound(void **state)
{
	for (unsigned i = 0; i < sizeof(inbound) / sizeof(inbound[0]); i++) {
		one(&inbound[i], false);
		one(&inbound[i], true);
	}
}

/* the same in the other direction: the inside is always told */
static void test_outbound(void **state)
{
	static const struct refusal_row rows[] = {
		{"blocked", "block contoso.com" SRV, "pool.ours.com",
		 IN("MESSAGE", "b@ours.com", "a@contoso.com", ""), 403, 1027, POLICY_REASON_BLOCKED},
		{"From is not ours", "allow contoso.com" SRV, "pool.ours.com",
		 IN("MESSAGE", "b@third.com", "a@contoso.com", ""), 403, 1017, POLICY_REASON_FROM_NOT_OURS},
		{"user without the right",
		 "allow contoso.com; user b@ours.com rights=-federation,-public" SRV, "pool.ours.com",
		 IN("MESSAGE", "b@ours.com", "a@contoso.com", ""), 403, 1002, POLICY_REASON_USER_FEDERATION},
		{"user without the right to talk outside", "allow contoso.com" SRV, "pool.ours.com",
		 IN("MESSAGE", "b@ours.com", "a@contoso.com", "Sallyport-Rights: no-outside\n"), 403, 1012,
		 POLICY_REASON_USER_OUTSIDE},
		{"unlisted, discovery off", "federation on" SRV, "pool.ours.com",
		 IN("MESSAGE", "b@ours.com", "a@contoso.com", ""), 403, 1027, POLICY_REASON_UNKNOWN_DOMAIN},
		{"to ourselves", "federation on", "pool.ours.com",
		 IN("MESSAGE", "b@ours.com", "a@ours.net", ""), 403, 1017, POLICY_REASON_TO_OURS},
		{"remote call control", "allow contoso.com" SRV, "pool.ours.com",
		 IN("INVITE", "b@ours.com", "a@contoso.com", "Content-Type: application/csta+xml\n") "<x/>",
		 403, 1027, POLICY_REASON_RCC},
		{"REGISTER", "allow contoso.com" SRV, "pool.ours.com",
		 IN("REGISTER", "b@ours.com", "a@contoso.com", ""), 403, 1027, POLICY_REASON_METHOD},
		{"target without address", "allow contoso.com; srv contoso.com sip.contoso.com=-",
		 "pool.ours.com", IN("MESSAGE", "b@ours.com", "a@contoso.com", ""), 504, 1014,
		 POLICY_REASON_NO_ADDRESS},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_open(rows[i].world, NULL);
		unsigned inner = rig_inner(r, rows[i].peer);
		const char *m;
		char want[16];

		print_message("%s\n", rows[i].what);
		rig_send(r, inner, "%s", rows[i].request);
		m = rig_got(r, inner);
		rig_is_status(m, rows[i].status);
		snprintf(want, sizeof(want), "%u;", rows[i].ms_id);
		assert_memory_equal(rig_field(m, "ms-diagnostics", 0), want, strlen(want));
		assert_non_null(strstr(rig_field(m, "ms-edge-proxy-message-trust", 0), "EdgeProxyGenerated"));
		assert_int_equal(rig_event(r, EXCHANGE_EVENT_REFUSED)->reason, rows[i].reason);
		rig_none_opened(r);
		rig_close(r);
	}
}

/* no policy, no federation */
static void test_no_policy(void **state)
{
	struct rig *r = rig_open("allow contoso.com" SRV, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com");
	const char *m;

	r->no_policy = true;
	rig_send(r, partner, "%s", IN("MESSAGE", "a@contoso.com", "b@ours.com", ""));
	m = rig_got(r, partner);
	rig_is_status(m, 503);
	assert_int_equal(rig_fields(m, "Retry-After"), 1);
	rig_close(r);
}

/* what is no SIP, or not quite (section 16.3) */
static void test_malformed(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
		bool closes;
	} rows[] = {
		{"MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: "
		 "<sip:a@contoso.com>;tag=1\n"
		 "To: <sip:b@ours.com>\nCall-ID: 1\nCSeq: 1 INVITE\nContent-Length: *\n\n",
		 400, false},
		{"MESSAGE http://ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>\nCall-ID: 1\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n",
		 416, false},
		{"MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nMax-Forwards: 0\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>\nCall-ID: 1\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n",
		 483, false},
		{"MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nProxy-Require: magic\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>\nCall-ID: 1\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n",
		 420, false},
		{"MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: "
		 "<sip:a@contoso.com>;tag=1\n"
		 "From: <sip:a@evil.com>;tag=1\nTo: <sip:b@ours.com>\nCall-ID: 1\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n",
		 400, false},
		{"MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: "
		 "<sip:a@contoso.com>;tag=1\n"
		 "To: <sip:b@ours.com>\nCall-ID: 1\nCSeq: 1 MESSAGE\nContent-Length: 4294967301\n\n",
		 413, true},
		{"MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: "
		 "<sip:a@contoso.com>;tag=1\n"
		 "To: <sip:b@ours.com>\nCall-ID: 1\nCSeq: 1 MESSAGE\nContent-Length: 0\nl: 5\n\n",
		 400, true},
		{"MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: "
		 "<sip:a@contoso.com>;tag=1\n"
		 "To: <sip:b@ours.com>\nCall-ID: 1\nCSeq: 1 MESSAGE\n\n",
		 400, true},
		{"MESSAGE sip:b@ours.com SIP/3.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: "
		 "<sip:a@contoso.com>;tag=1\n"
		 "To: <sip:b@ours.com>\nCall-ID: 1\nCSeq: 1 MESSAGE\nContent-Length: *\n\n",
		 505, false},
		{"GET / HTTP/1.1\nHost: x\n\n", 0, true},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_open("allow contoso.com" SRV, NULL);
		unsigned partner = rig_partner(r, "sip.contoso.com");

		print_message("row %u\n", i);
		rig_send(r, partner, "%s", rows[i].text);
		if (rows[i].status)
			rig_is_status(rig_got(r, partner), rows[i].status);
		rig_quiet(r, partner);
		assert_int_equal(r->link[partner].state, rows[i].closes ? RIG_CLOSED : RIG_UP);
		rig_none_opened(r);
		rig_close(r);
	}
}

/* what is never answered: nothing goes out, and each is counted */
static void test_silent(void **state)
{
	struct rig *r = rig_open("allow contoso.com" SRV, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com");

	rig_send(r, partner, "%s", IN("ACK", "a@contoso.com", "b@ours.com", ""));
	assert_int_equal(rig_drop(r, PROXY_DROP_stray_ack), 1);
	rig_send(r, partner,
		 "ACK sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nCall-ID: 1\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>;tag=2\n"
		 "CSeq: 1 ACK\nContent-Length: *\n\n");
	assert_int_equal(rig_drop(r, PROXY_DROP_ack_refused), 1);
	rig_send(r, partner,
		 "ACK sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nCall-ID: 1\n"
		 "CSeq: 1 ACK\nContent-Length: *\n\n");
	assert_int_equal(rig_drop(r, PROXY_DROP_malformed_ack), 1);
	rig_send(r, partner,
		 "SIP/2.0 200 OK\nVia: SIP/2.0/TLS sip.ours.com;branch=z9hG4bKxyz\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>;tag=2\nCall-ID: 1\n"
		 "CSeq: 1 MESSAGE\nContent-Length: *\n\n");
	assert_int_equal(rig_drop(r, PROXY_DROP_stray_response), 1);
	rig_send(r, partner,
		 "SIP/2.0 200 OK\nVia: SIP/2.0/TLS sip.ours.com;branch=z9hG4bKxyz\nCall-ID: 1\n"
		 "CSeq: 1 MESSAGE\nContent-Length: *\n\n");
	assert_int_equal(rig_drop(r, PROXY_DROP_malformed_response), 1);
	rig_quiet(r, partner);
	rig_close(r);
}

/* a connection that for a minute brought nothing but refusals is closed */
static void test_close_refused(void **state)
{
	struct rig *r = rig_open("block contoso.com" SRV, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com");

	for (unsigned i = 0; i < 7; i++) {
		rig_send(r, partner,
			 RIG_REQUEST("MESSAGE", "a@contoso.com", "b@ours.com",
				     "sip.contoso.com:5061;branch=z9hG4bK-%u", ""),
			 i);
		rig_is_status(rig_got(r, partner), 403);
		if (i < 6)
			assert_int_equal(r->link[partner].state, RIG_UP);
		rig_wait(r, 10100);
	}
	assert_int_equal(r->link[partner].state, RIG_CLOSED);
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_closed_refusals), 1);
	rig_close(r);
}

static void test_revoked(void **state)
{
	struct rig *r = rig_open("allow contoso.com" SRV, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com");

	proxy_link_revoked(r->proxy, r->link[partner].conn);
	rig_send(r, partner, "%s", IN("MESSAGE", "a@contoso.com", "b@ours.com", ""));
	rig_is_status(rig_got(r, partner), 504);
	assert_int_equal(rig_event(r, EXCHANGE_EVENT_REFUSED)->reason, POLICY_REASON_REVOKED);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inbound),	  cmocka_unit_test(test_outbound),
		cmocka_unit_test(test_no_policy), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_silent),	  cmocka_unit_test(test_close_refused),
		cmocka_unit_test(test_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
