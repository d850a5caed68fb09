/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/facts_from.h"

#include "dataplane/proxy/header_rules.h"
#include "tests/unit/proxy/rules_fixture.h"

static struct rules_message t;
static struct facts_from made;
static struct policy_facts *const f = &made.facts;
static const struct policy_peer peer;

#define TOP	"Via: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\nMax-Forwards: 9\r\nCall-ID: c@h\r\n"
#define MESSAGE "MESSAGE sip:Bob@Ours.Com. SIP/2.0\r\n" TOP "CSeq: 1 MESSAGE\r\n"
#define PEOPLE	"From: <sip:alice@fabrikam.test>;tag=f\r\nTo: <sip:b@ours.com>\r\n"
#define ODD	"From: <sip:Al%69ce@Fabrikam.TEST>;tag=f\r\nTo: <sips:b%40b;phone-context=x@ours.com>\r\n"

static enum policy_reason facts(uint8_t direction, const char *head, const char *body)
{
	struct facts_in in = {.m = NULL, .direction = direction, .peer = &peer, .now_ns = 5};

	rules_read(&t, head, body);
	in.m = t.m;
	in.core = &t.core;
	memset(&made, 0xee, sizeof(made));
	return facts_from_message(&in, &made);
}

static void names(void **state)
{
	assert_int_equal(facts(POLICY_INBOUND, MESSAGE ODD, "hi"), POLICY_REASON_ACCEPTED);
	assert_int_equal(f->direction, POLICY_INBOUND);
	assert_int_equal(f->message, POLICY_REQUEST);
	assert_int_equal(f->method, POLICY_METHOD_MESSAGE);
	assert_int_equal(f->service, POLICY_SERVICE_IM);
	assert_int_equal(f->route, POLICY_ROUTE_NONE);
	assert_int_equal(f->mark, POLICY_MARK_NONE);
	assert_int_equal(f->split, POLICY_SPLIT_ABSENT);
	rules_name(f->from_user, "alice");
	rules_name(f->from_domain, "fabrikam.test");
	rules_name(f->to_user, "b@b");
	rules_name(f->to_domain, "ours.com");
	rules_name(f->ruri_user, "bob");
	rules_name(f->ruri_domain, "ours.com");
	assert_true(f->peer == &peer && f->now_ns == 5 && f->pais == 0);
	/* addresses, other schemes, names that policy does not take: no domain */
	facts(POLICY_INBOUND,
	      "MESSAGE tel:+1234 SIP/2.0\r\n" TOP
	      "CSeq: 1 MESSAGE\r\nFrom: <sip:a@10.0.0.1>;tag=f\r\nTo: <urn:service:sos>;tag=t\r\n",
	      "");
	assert_int_equal(f->message, POLICY_IN_DIALOG);
	assert_int_equal(f->from_domain.len + f->to_domain.len + f->ruri_domain.len, 0);
	rules_name(f->from_user, "a");
	assert_int_equal(f->to_user.len + f->ruri_user.len, 0);
}

/* a user part that no record can have asks the wider scopes; it is not cut into another's */
static void long_user(void **state)
{
	char head[2000], user[FACTS_USER_MAX + 40];

	memset(user, 'a', sizeof(user));
	user[FACTS_USER_MAX] = '\0';
	for (unsigned i = 0; i < 3; i++) {
		snprintf(head, sizeof(head),
			 "MESSAGE sip:%s@ours.com SIP/2.0\r\n" TOP "CSeq: 1 MESSAGE\r\n" PEOPLE, user);
		facts(POLICY_INBOUND, head, "");
		assert_int_equal(f->ruri_user.len, i == 0 ? FACTS_USER_MAX : 0);
		user[FACTS_USER_MAX + i] = 'a';
		user[FACTS_USER_MAX + i + 1] = '\0';
	}
}

static void pai(void **state)
{
	facts(POLICY_INBOUND, MESSAGE PEOPLE "p-asserted-identity: \"x\" <sip:a@Fabrikam.test>, <tel:+1>\r\n",
	      "");
	assert_int_equal(f->pais, 1);
	rules_name(f->pai[0], "fabrikam.test");
	facts(POLICY_INBOUND,
	      MESSAGE PEOPLE "P-Asserted-Identity: <tel:+1>\r\nP-Asserted-Identity: <sip:a@b.test>\r\n"
			     "P-Asserted-Identity: <sip:a@1.2.3.4>\r\n",
	      "");
	assert_int_equal(f->pais, 2);
	rules_name(f->pai[0], "b.test");
	assert_int_equal(f->pai[1].len, 0);
	facts(POLICY_INBOUND,
	      MESSAGE PEOPLE "P-Asserted-Identity: <sip:a@a.test>,<sip:a@b.test>,<sip:a@c.test>,"
			     "<sip:a@d.test>\r\n",
	      "");
	assert_int_equal(f->pais, 3);
	/* only one telephone number goes unjudged */
	facts(POLICY_INBOUND, MESSAGE PEOPLE "P-Asserted-Identity: <tel:+1>,<tel:+2>\r\n", "");
	assert_int_equal(f->pais, 1);
	assert_int_equal(f->pai[0].len, 0);
}

static void marks(void **state)
{
	static const struct {
		const char *lines;
		uint8_t mark;
	} row[] = {
		{"ms-asserted-verification-level: ms-source-verified-user=verified\r\n",
		 POLICY_MARK_VERIFIED},
		{"MS-Asserted-Verification-LEVEL :\r\n  MS-source-verified-user = Verified \r\n",
		 POLICY_MARK_VERIFIED},
		{"ms-asserted-verification-level: ms-source-verified-user=unverified\r\n",
		 POLICY_MARK_UNVERIFIED},
		{"ms-asserted-verification-level: ms-source-verified-user=verifiedx\r\n",
		 POLICY_MARK_UNVERIFIED},
		{"ms-asserted-verification-level: ms-source-verified-user=verified, "
		 "ms-source-verified-user=unverified\r\n",
		 POLICY_MARK_UNVERIFIED},
		{"ms-asserted-verification-level: ms-source-verified-user=unverified\r\n"
		 "ms-asserted-verification-level: ms-source-verified-user=verified\r\n",
		 POLICY_MARK_UNVERIFIED},
		{"ms-asserted-verification-level: verified\r\n", POLICY_MARK_NONE},
		{"ms-asserted-verification-level:\r\n", POLICY_MARK_NONE},
		/* the trust header of an outsider says nothing */
		{"ms-edge-proxy-message-trust: ms-source-verified-user=verified\r\n", POLICY_MARK_NONE},
	};
	static const struct {
		const char *lines;
		uint8_t split;
	} split[] = {
		{"ms-split-domain-info: ms-traffic-type=SplitIntra\r\n", POLICY_SPLIT_GOOD},
		{"ms-split-domain-info: ms-traffic-type=SplitInter\r\n", POLICY_SPLIT_WRONG},
		{"ms-split-domain-info:\r\n", POLICY_SPLIT_WRONG},
		{"ms-split-domain-info: ms-traffic-type=SplitIntra;ms-traffic-type=SplitIntra\r\n",
		 POLICY_SPLIT_WRONG},
		{"ms-split-domain-info: ms-traffic-type=SplitIntra\r\nms-split-domain-info: "
		 "ms-traffic-type=SplitIntra\r\n",
		 POLICY_SPLIT_WRONG},
	};
	char head[2000];

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		snprintf(head, sizeof(head), MESSAGE PEOPLE "%s", row[i].lines);
		facts(POLICY_INBOUND, head, "");
		if (f->mark != row[i].mark)
			fail_msg("mark %u: %s", f->mark, row[i].lines);
	}
	for (unsigned i = 0; i < sizeof(split) / sizeof(split[0]); i++) {
		snprintf(head, sizeof(head), MESSAGE PEOPLE "%s", split[i].lines);
		facts(POLICY_INBOUND, head, "");
		if (f->split != split[i].split)
			fail_msg("split %u: %s", f->split, split[i].lines);
	}
}

/* what our own server says of its user counts from inside only, and denial wins */
static void rights(void **state)
{
	static const char lines[] =
		MESSAGE PEOPLE "sallyport-rights: Federation, no-public\r\nSALLYPORT-RIGHTS: "
			       "outside;no-outside;unknown\r\n";

	facts(POLICY_OUTBOUND, lines, "");
	assert_int_equal(f->inner.stated,
			 POLICY_RIGHT_FEDERATION | POLICY_RIGHT_PUBLIC | POLICY_RIGHT_OUTSIDE);
	assert_int_equal(f->inner.granted, POLICY_RIGHT_FEDERATION);
	facts(POLICY_INBOUND, lines, "");
	assert_int_equal(f->inner.stated, 0);
}

#define SDP "Content-Type: application/sdp\r\n"

static void services(void **state)
{
	static const struct {
		const char *method, *lines, *body;
		uint8_t service;
	} row[] = {
		{"INVITE", "c: Application/SDP\r\n", "v=0\r\nm=audio 1 RTP/AVP 0\r\n", POLICY_SERVICE_CALLS},
		{"INVITE", SDP, "v=0\r\nm=message 5060 sip null\r\n", POLICY_SERVICE_IM},
		{"INVITE", SDP, "m=x-ms-message 5060 sip null\n", POLICY_SERVICE_IM},
		{"INVITE", SDP, "v=0\nm=message 1 x\nm=video 1 x\n",
		 POLICY_SERVICE_IM | POLICY_SERVICE_CALLS},
		{"INVITE", SDP, "v=0\rm=audio 1 x\r", POLICY_SERVICE_CALLS},
		{"INVITE", SDP, "m=messages 1 x\r\n", POLICY_SERVICE_CALLS},
		{"INVITE", SDP, "v=0\r\n", POLICY_SERVICE_CALLS},
		{"INVITE", "", "", POLICY_SERVICE_CALLS},
		{"INVITE", SDP "e: gzip\r\n", "m=message 1 x\r\n", POLICY_SERVICE_CALLS},
		{"INVITE", "Content-Type: application/pkcs7-mime\r\n", "m=message 1 x\r\n",
		 POLICY_SERVICE_CALLS},
		{"INVITE", "Content-Type: multipart/alternative;boundary=x\r\n",
		 "--x\r\nContent-Type: application/sdp\r\n\r\nm=message 1 x\r\n--x--\r\n", POLICY_SERVICE_IM},
		{"INVITE", "Content-Type: multipart/mixed;boundary=x\r\n",
		 "--x\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\nbT0=\r\n"
		 "--x\r\n\r\nm=message 1 x\r\n--x--\r\n",
		 POLICY_SERVICE_IM | POLICY_SERVICE_CALLS},
		{"MESSAGE", "", "x", POLICY_SERVICE_IM},
		{"SUBSCRIBE", "Event: presence\r\n", "", POLICY_SERVICE_PRESENCE},
		{"NOTIFY", "o: Presence.winfo;id=1\r\n", "", POLICY_SERVICE_PRESENCE},
		{"SUBSCRIBE", "Event: presences\r\n", "", 0},
		{"SUBSCRIBE", "Event: conference\r\n", "", 0},
		{"SUBSCRIBE", "", "", 0},
		{"BENOTIFY", "Event: vnd-microsoft-provisioning\r\n", "", POLICY_SERVICE_PRESENCE},
		{"REFER", "", "", POLICY_SERVICE_CALLS},
		{"UPDATE", "", "", 0},
		{"UPDATE", SDP, "m=message 1 x\r\nm=audio 1 x\r\n", POLICY_SERVICE_IM | POLICY_SERVICE_CALLS},
		{"PRACK", SDP, "m=message 1 x\r\n", POLICY_SERVICE_IM},
		{"OPTIONS", "", "", 0},
		{"FOO", "", "", 0},
	};
	char head[2000];

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		snprintf(head, sizeof(head), "%s sip:b@ours.com SIP/2.0\r\n" TOP "CSeq: 1 %s\r\n" PEOPLE "%s",
			 row[i].method, row[i].method, row[i].lines);
		assert_int_equal(facts(POLICY_INBOUND, head, row[i].body), POLICY_REASON_ACCEPTED);
		if (f->service != row[i].service)
			fail_msg("row %u: service %u", i, f->service);
	}
}

/* remote call control crosses in neither direction, however it is written */
static void rcc(void **state)
{
	static const struct {
		const char *lines, *body;
		bool refused;
	} row[] = {
		{"Content-Type: application/csta+xml\r\n", "<x/>", true},
		{"c :\r\n\tApplication/CSTA+XML ; charset=utf-8\r\n", "", true},
		{"Content-Type: multipart/mixed;boundary=x\r\n",
		 "--x\r\ncontent-TYPE :\r\n application/csta+xml\r\n\r\n<x/>\r\n--x--\r\n", true},
		{"Content-Type: multipart/mixed;boundary=x\r\n",
		 "--x\r\nc:application/csta+xml\r\n\r\n<x/>\r\n--x--\r\n", true},
		{"Content-Type: multipart/mixed;boundary=x\r\n",
		 "--x\r\nContent-Type: text/plain\r\n\r\napplication/csta+xml\r\n--x--\r\n", false},
		{"Content-Type: text/plain\r\n", "c: application/csta+xml", false},
	};
	char head[2000];

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (uint8_t side = 0; side < 2; side++) {
			snprintf(head, sizeof(head),
				 "INFO sip:b@ours.com SIP/2.0\r\n" TOP "CSeq: 1 INFO\r\n" PEOPLE "%s",
				 row[i].lines);
			assert_int_equal(facts(side, head, row[i].body),
					 row[i].refused ? POLICY_REASON_RCC : POLICY_REASON_ACCEPTED);
		}
}

static void responses(void **state)
{
	static const char head[] =
		"SIP/2.0 404 No\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\nCall-ID: c\r\nFrom: "
		"<sip:a@ours.com>;tag=1\r\nTo: <sip:b@fabrikam.test>;tag=2\r\nCSeq: 7 BYE\r\n";
	static const struct policy_stored stored = {.type = POLICY_TYPE_DIRECT};
	struct facts_in in = {.direction = POLICY_INBOUND, .peer = &peer, .stored = &stored};

	rules_read(&t, head, "");
	in.m = t.m;
	in.core = &t.core;
	assert_int_equal(facts_from_message(&in, &made), POLICY_REASON_ACCEPTED);
	assert_int_equal(f->message, POLICY_RESPONSE);
	assert_int_equal(f->method, POLICY_METHOD_BYE);
	assert_true(f->stored == &stored);
	assert_int_equal(f->service, 0);
	rules_name(f->from_domain, "ours.com");
	rules_name(f->to_domain, "fabrikam.test");
}

/* what the Route told */
static void route(void **state)
{
	static struct route_found found;
	struct facts_in in = {.direction = POLICY_OUTBOUND, .peer = &peer, .route = &found};
	struct sip_nameaddr na;
	const struct sip_header *h;

	rules_read(&t,
		   "BYE sip:sp1.x@edge.ours.com SIP/2.0\r\n" TOP "CSeq: 1 BYE\r\n" PEOPLE
		   "Contact: <sip:Target@Far.Test>\r\n",
		   "");
	in.m = t.m;
	in.core = &t.core;
	found.state = POLICY_ROUTE_OURS;
	found.has_entry = true;
	facts_from_message(&in, &made);
	assert_int_equal(f->route, POLICY_ROUTE_OURS);
	assert_true(f->stored == &found.entry.stored);
	/* a bad signature stores nothing */
	found.state = POLICY_ROUTE_STALE;
	facts_from_message(&in, &made);
	assert_null(f->stored);
	found.state = POLICY_ROUTE_EDGE;
	found.edge = N("edge.fabrikam.test");
	facts_from_message(&in, &made);
	rules_name(f->edge_route, "edge.fabrikam.test");
	assert_true(f->stored == &found.entry.stored);
	/* a strict router's target counts, not our own entry in the Request-URI */
	h = sip_msg_first(t.m, SIP_HDR_CONTACT);
	assert_true(sip_nameaddr_one(t.m, h, &na));
	found.strict = true;
	found.target = na.uri;
	facts_from_message(&in, &made);
	rules_name(f->ruri_domain, "far.test");
	rules_name(f->ruri_user, "target");
}

static void methods(void **state)
{
	for (unsigned i = 0; i < SIP_METHOD_COUNT; i++) {
		enum policy_method m = facts_method(i);

		assert_true(m < POLICY_METHODS);
		for (unsigned k = 0; k < i; k++)
			assert_true(m == POLICY_METHOD_OTHER || facts_method(k) != m);
	}
	assert_int_equal(facts_method(SIP_METHOD_REGISTER), POLICY_METHOD_REGISTER);
	assert_int_equal(facts_method(SIP_METHOD_PUBLISH), POLICY_METHOD_PUBLISH);
	assert_int_equal(facts_method(SIP_METHOD_SERVICE), POLICY_METHOD_SERVICE);
	assert_int_equal(facts_method(99), POLICY_METHOD_OTHER);
}

static int close_all(void **state)
{
	rules_free(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),   cmocka_unit_test(long_user), cmocka_unit_test(pai),
		cmocka_unit_test(marks),   cmocka_unit_test(rights),	cmocka_unit_test(services),
		cmocka_unit_test(rcc),	   cmocka_unit_test(responses), cmocka_unit_test(route),
		cmocka_unit_test(methods),
	};

	return cmocka_run_group_tests(tests, NULL, close_all);
}
