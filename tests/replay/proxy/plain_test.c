/* SPDX-License-Identifier: BSD-3-Clause */
/* Static routes of which the operator said `insecure`: TCP without TLS, outside and inside, and nothing else
 * than what is said. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD                                                                      \
	"allow contoso.com; host sip.contoso.com 198.51.100.7; route contoso.com " \
	"sip.contoso.com:5060!insecure"

static const char invite[] = "INVITE sip:alice@contoso.com SIP/2.0\n"
			     "Via: SIP/2.0/TLS 10.0.0.9:5061;branch=z9hG4bK-o1\n"
			     "Max-Forwards: 70\nFrom: <sip:bob@ours.com>;tag=b\nTo: <sip:alice@contoso.com>\n"
			     "Call-ID: call\nCSeq: 1 INVITE\nContact: <sip:bob@10.0.0.77;transport=tls>\n"
			     "Content-Length: *\n\n";

/* both entries may stand in one field */
static void both_entries(char routes[2][2048])
{
	char *comma = strchr(routes[0], ',');

	if (comma) {
		snprintf(routes[1], 2048, "%s", comma + 1);
		*comma = '\0';
	}
}

/* a call over the plain route: its INVITE as it left, and the Record-Route of the answer */
static unsigned call(struct rig *r, unsigned inner, char sent[8192], char routes[2][2048])
{
	unsigned out;
	const char *m;

	rig_send(r, inner, "%s", invite);
	rig_is_status(rig_got(r, inner), 100);
	out = rig_opened(r);
	assert_true(r->link[out].to.insecure);
	assert_int_equal(r->link[out].to.port, 5060);
	rig_up(r, out, "");
	m = rig_got(r, out);
	rig_is_request(m, "INVITE");
	snprintf(sent, 8192, "%s", m);
	assert_non_null(strstr(rig_field(sent, "Via", 0), "SIP/2.0/TCP "));
	rig_answer(r, out, sent, 200, "uas", "Contact: <sip:alice@198.51.100.7;transport=tcp>\n");
	m = rig_got(r, inner);
	rig_is_status(m, 200);
	for (unsigned i = 0; i < 2; i++)
		snprintf(routes[i], 2048, "%.*s", 2047, rig_field(m, "Record-Route", i));
	both_entries(routes);
	return out;
}

static void test_outside(void **state)
{
	static char sent[8192], routes[2][2048];
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out = call(r, inner, sent, routes);

	/* ours go on ... */
	rig_send(r, inner,
		 "BYE sip:alice@198.51.100.7;transport=tcp SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-b\n"
		 "Route: %s\nRoute: %s\nMax-Forwards: 70\nFrom: <sip:bob@ours.com>;tag=b\n"
		 "To: <sip:alice@contoso.com>;tag=uas\nCall-ID: call\nCSeq: 2 BYE\nContent-Length: 0\n\n",
		 routes[1], routes[0]);
	rig_none_opened(r);
	rig_is_request(rig_got(r, out), "BYE");
	/* ... and theirs, over what we opened */
	rig_send(r, out,
		 "INFO sip:bob@10.0.0.77;transport=tls SIP/2.0\nVia: SIP/2.0/TCP h;branch=z9hG4bK-i\n"
		 "Route: %s\nRoute: %s\nMax-Forwards: 70\nFrom: <sip:alice@contoso.com>;tag=uas\n"
		 "To: <sip:bob@ours.com>;tag=b\nCall-ID: call\nCSeq: 1 INFO\nContent-Length: 0\n\n",
		 routes[0], routes[1]);
	rig_up(r, rig_opened(r), "pool.ours.com");
	assert_int_equal(rig_count(r, PROXY_COUNTER_refused), 0);
	/* but nothing begins there */
	rig_send(r, out,
		 RIG_REQUEST("MESSAGE", "alice@contoso.com", "bob@ours.com", "h;branch=z9hG4bK-n", ""));
	rig_is_status(rig_got(r, out), 504);
	assert_int_equal(rig_event(r, EXCHANGE_EVENT_REFUSED)->reason, POLICY_REASON_NO_CERTIFICATE);
	rig_close(r);
}

static const char message_out[] =
	"MESSAGE sip:alice@contoso.com SIP/2.0\n"
	"Via: SIP/2.0/TLS 10.0.0.9:5061;branch=z9hG4bK-m%u\n"
	"Max-Forwards: 70\nFrom: <sip:bob@ours.com>;tag=b\nTo: <sip:alice@contoso.com>\n"
	"Call-ID: m%u\nCSeq: 1 MESSAGE\nContent-Length: *\n\n";

static void test_address(void **state)
{
	static char sent[8192];
	struct rig *r = rig_open("allow contoso.com; route contoso.com 198.51.100.7:5060!insecure", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;

	rig_send(r, inner, message_out, 1, 1);
	out = rig_opened(r);
	rig_up(r, out, "");
	snprintf(sent, sizeof(sent), "%s", rig_got(r, out));
	rig_answer(r, out, sent, 200, "t", "");
	rig_is_status(rig_got(r, inner), 200);
	rig_close(r);
}

/* a key that is pinned cannot be shown without TLS; and a route that does not say insecure is TLS */
static void test_not_said(void **state)
{
	struct rig *r = rig_open("allow contoso.com check=pinned pin=7; route contoso.com "
				 "198.51.100.7:5060!insecure",
				 NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;

	rig_send(r, inner, message_out, 1, 1);
	out = rig_opened(r);
	rig_up(r, out, "");
	rig_quiet(r, out);
	rig_is_status(rig_got(r, inner), 504);
	rig_close(r);
	r = rig_open(
		"allow contoso.com; host sip.contoso.com 198.51.100.7; route contoso.com sip.contoso.com",
		NULL);
	inner = rig_inner(r, "pool.ours.com");
	rig_send(r, inner, message_out, 1, 1);
	assert_false(r->link[rig_opened(r)].to.insecure);
	rig_close(r);
}

/* a draft has no word for it: in place */
static void forget_word(struct rig *r)
{
	const struct policy_view *view = r->world.view;
	const struct policy_route_set *set = view->ops->route_by_name(view, policy_name_of("contoso.com"), 0);
	uint8_t *at = (uint8_t *)(uintptr_t)set + set->hop_at;
	struct policy_hop hop;

	memcpy(&hop, at, sizeof(hop));
	hop.flags &= (uint16_t)~POLICY_HOP_INSECURE;
	memcpy(at, &hop, sizeof(hop));
	rig_world(r, "");
}

/* the operator takes the word back: what lives of it goes to TLS, or nowhere */
static void test_taken_back(void **state)
{
	static char sent[8192], routes[2][2048];
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out = call(r, inner, sent, routes), next;

	forget_word(r);
	rig_send(r, inner,
		 "BYE sip:alice@198.51.100.7;transport=tcp SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-b\n"
		 "Route: %s\nRoute: %s\nMax-Forwards: 70\nFrom: <sip:bob@ours.com>;tag=b\n"
		 "To: <sip:alice@contoso.com>;tag=uas\nCall-ID: call\nCSeq: 2 BYE\nContent-Length: 0\n\n",
		 routes[1], routes[0]);
	rig_quiet(r, out);
	next = rig_opened(r);
	assert_false(r->link[next].to.insecure);
	rig_close(r);
}

/* the pool without TLS, both ways over what we opened */
static void test_inside(void **state)
{
	static char sent[8192];
	struct rig *r =
		rig_open("own plain.test pool=pool.plain.test:5060!insecure; host pool.plain.test 10.0.0.50; "
			 "allow contoso.com proxy=sip.contoso.com; host sip.contoso.com 198.51.100.7",
			 NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), pool, out;

	rig_send(r, partner,
		 RIG_REQUEST("MESSAGE", "a@contoso.com", "b@plain.test", "h;branch=z9hG4bK-1", ""));
	pool = rig_opened(r);
	assert_true(r->link[pool].to.insecure);
	rig_up(r, pool, "");
	snprintf(sent, sizeof(sent), "%s", rig_got(r, pool));
	rig_answer(r, pool, sent, 200, "t", "");
	rig_is_status(rig_got(r, partner), 200);
	rig_send(r, pool, RIG_REQUEST("MESSAGE", "b@plain.test", "a@contoso.com", "h;branch=z9hG4bK-2", ""));
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	rig_is_request(rig_got(r, out), "MESSAGE");
	rig_close(r);
}

/* a call from outside to a pool without TLS: what both say in it keeps to the connection, and when that is
 * gone, to another one without TLS */
static void test_inside_call(void **state)
{
	static char sent[8192], routes[2][2048];
	struct rig *r =
		rig_open("allow contoso.com proxy=sip.contoso.com; host sip.contoso.com 198.51.100.7", NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), pool, again;
	const char *m;

	rig_pool_insecure(r);
	rig_send(r, partner,
		 "INVITE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-i\nMax-Forwards: 70\n"
		 "From: <sip:a@contoso.com>;tag=a\nTo: <sip:b@ours.com>\nCall-ID: in\nCSeq: 1 INVITE\n"
		 "Contact: <sip:a@198.51.100.7;transport=tls>\nContent-Length: 0\n\n");
	rig_is_status(rig_got(r, partner), 100);
	pool = rig_opened(r);
	assert_true(r->link[pool].to.insecure);
	rig_up(r, pool, "");
	m = rig_got(r, pool);
	rig_is_request(m, "INVITE");
	snprintf(sent, sizeof(sent), "%s", m);
	assert_non_null(strstr(rig_field(sent, "Via", 0), "SIP/2.0/TCP "));
	rig_answer(r, pool, sent, 200, "uas", "Contact: <sip:b@10.0.0.50;transport=tcp>\n");
	m = rig_got(r, partner);
	rig_is_status(m, 200);
	for (unsigned i = 0; i < 2; i++)
		snprintf(routes[i], 2048, "%.*s", 2047, rig_field(m, "Record-Route", i));
	both_entries(routes);
	/* theirs */
	rig_send(r, partner,
		 "INFO sip:b@10.0.0.50;transport=tcp SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-j\n"
		 "Route: %s\nRoute: %s\nMax-Forwards: 70\nFrom: <sip:a@contoso.com>;tag=a\n"
		 "To: <sip:b@ours.com>;tag=uas\nCall-ID: in\nCSeq: 2 INFO\nContent-Length: 0\n\n",
		 routes[1], routes[0]);
	rig_none_opened(r);
	rig_is_request(rig_got(r, pool), "INFO");
	/* ours */
	rig_send(r, pool,
		 "INFO sip:a@198.51.100.7;transport=tls SIP/2.0\nVia: SIP/2.0/TCP p;branch=z9hG4bK-k\n"
		 "Route: %s\nRoute: %s\nMax-Forwards: 70\nFrom: <sip:b@ours.com>;tag=uas\n"
		 "To: <sip:a@contoso.com>;tag=a\nCall-ID: in\nCSeq: 1 INFO\nContent-Length: 0\n\n",
		 routes[0], routes[1]);
	again = rig_opened(r);
	assert_false(r->link[again].to.insecure);
	rig_up(r, again, "sip.contoso.com");
	rig_is_request(rig_got(r, again), "INFO");
	/* theirs again, with the connection gone */
	rig_end(r, pool, LINK_END_CLOSED);
	rig_send(r, partner,
		 "BYE sip:b@10.0.0.50;transport=tcp SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-l\n"
		 "Route: %s\nRoute: %s\nMax-Forwards: 70\nFrom: <sip:a@contoso.com>;tag=a\n"
		 "To: <sip:b@ours.com>;tag=uas\nCall-ID: in\nCSeq: 3 BYE\nContent-Length: 0\n\n",
		 routes[1], routes[0]);
	again = rig_opened(r);
	assert_true(r->link[again].to.insecure);
	rig_up(r, again, "");
	rig_is_request(rig_got(r, again), "BYE");
	assert_int_equal(rig_count(r, PROXY_COUNTER_refused), 0);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outside),	 cmocka_unit_test(test_address),
		cmocka_unit_test(test_not_said), cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_inside),	 cmocka_unit_test(test_inside_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
