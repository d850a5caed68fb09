/* SPDX-License-Identifier: BSD-3-Clause */
/* The listener without TLS: inside alone, for who is named alone, and dialogs come back over it. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com proxy=sip.contoso.com; host sip.contoso.com 198.51.100.7"
#define POOL  "10.0.0.9"

static const char message_out[] =
	RIG_REQUEST("MESSAGE", "b@ours.com", "a@contoso.com", "10.0.0.9:5060;branch=z9hG4bK-m%u;rport", "");

static struct rig *open_plain(void)
{
	struct rig *r = rig_open(WORLD, NULL);

	rig_pool_insecure(r);
	rig_listen_plain(r, NULL, 0);
	return r;
}

/* the routes of a dialog as its two ends keep them */
struct dialog {
	char first[2048], second[2048]; /* as they stand in Record-Route */
};

static void routes_of(const char *m, struct dialog *d)
{
	char *comma;

	snprintf(d->first, sizeof(d->first), "%s", rig_field(m, "Record-Route", 0));
	snprintf(d->second, sizeof(d->second), "%s", rig_field(m, "Record-Route", 1));
	comma = strchr(d->first, ',');
	if (comma) {
		snprintf(d->second, sizeof(d->second), "%s", comma + 1);
		*comma = '\0';
	}
}

static void test_request(void **state)
{
	static char sent[8192];
	struct rig *r = open_plain();
	unsigned pool = rig_plain(r, LINK_INTERNAL, POOL, 40123), out;
	const char *m;

	assert_int_not_equal(pool, RIG_REFUSED);
	assert_non_null(strstr(rig_event(r, EXCHANGE_EVENT_PEER_UP)->text, "accepted, without TLS"));
	rig_send(r, pool, message_out, 1);
	out = rig_opened(r);
	assert_false(r->link[out].to.insecure);
	rig_up(r, out, "sip.contoso.com");
	m = rig_got(r, out);
	rig_is_request(m, "MESSAGE");
	assert_non_null(strstr(rig_field(m, "Via", 1), ";received=10.0.0.9"));
	assert_non_null(strstr(rig_field(m, "Via", 1), ";rport=40123"));
	snprintf(sent, sizeof(sent), "%s", m);
	rig_answer(r, out, sent, 200, "t", "");
	rig_is_status(rig_got(r, pool), 200);
	rig_close(r);
}

/* nobody whom no prefix covers and who is no next hop; nobody outside */
static void test_strangers(void **state)
{
	struct rig *r = open_plain();

	assert_int_equal(rig_plain(r, LINK_INTERNAL, "10.0.0.10", 40123), RIG_REFUSED);
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_refused_source), 1);
	assert_int_equal(rig_event(r, EXCHANGE_EVENT_REFUSED)->reason, POLICY_REASON_INTERNAL_UNTRUSTED);
	assert_null(rig_event(r, EXCHANGE_EVENT_PEER_UP));
	assert_int_equal(rig_plain(r, LINK_EXTERNAL, POOL, 40123), RIG_REFUSED);
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_refused_source), 2);
	rig_close(r);

	/* the next hop of a route outside is nobody inside */
	r = rig_open(WORLD "; route contoso.com 198.51.100.9:5060!insecure", NULL);
	rig_listen_plain(r, "10.1.0.0", 16);
	assert_int_equal(rig_plain(r, LINK_INTERNAL, "198.51.100.9", 5060), RIG_REFUSED);
	/* nor is a next hop with TLS */
	assert_int_equal(rig_plain(r, LINK_INTERNAL, POOL, 5060), RIG_REFUSED);
	assert_int_not_equal(rig_plain(r, LINK_INTERNAL, "10.1.255.1", 5060), RIG_REFUSED);
	assert_int_equal(rig_plain(r, LINK_INTERNAL, "10.2.0.1", 5060), RIG_REFUSED);
	rig_close(r);

	/* without a listener nobody at all */
	r = rig_open(WORLD, NULL);
	rig_pool_insecure(r);
	assert_int_equal(rig_plain(r, LINK_INTERNAL, POOL, 40123), RIG_REFUSED);
	rig_close(r);
}

/* the bits of a prefix that are no whole byte */
static void test_prefix(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);

	rig_listen_plain(r, "10.1.32.77", 19);
	assert_int_not_equal(rig_plain(r, LINK_INTERNAL, "10.1.63.255", 1024), RIG_REFUSED);
	assert_int_not_equal(rig_plain(r, LINK_INTERNAL, "10.1.32.0", 1024), RIG_REFUSED);
	assert_int_equal(rig_plain(r, LINK_INTERNAL, "10.1.64.0", 1024), RIG_REFUSED);
	assert_int_equal(rig_plain(r, LINK_INTERNAL, "10.1.31.255", 1024), RIG_REFUSED);
	rig_close(r);
}

/* a call from outside: its BYE comes back over a connection that the pool opens for it */
static void test_call_in(void **state)
{
	static char sent[8192];
	static struct dialog d;
	struct rig *r = open_plain();
	unsigned partner = rig_partner(r, "sip.contoso.com"), hop, pool, out;
	const char *m;

	rig_send(r, partner,
		 "INVITE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-i\nMax-Forwards: 70\n"
		 "From: <sip:a@contoso.com>;tag=a\nTo: <sip:b@ours.com>\nCall-ID: in\nCSeq: 1 INVITE\n"
		 "Contact: <sip:a@198.51.100.7;transport=tls>\nContent-Length: 0\n\n");
	rig_is_status(rig_got(r, partner), 100);
	hop = rig_opened(r);
	assert_true(r->link[hop].to.insecure);
	rig_up(r, hop, "");
	m = rig_got(r, hop);
	rig_is_request(m, "INVITE");
	assert_non_null(strstr(rig_field(m, "Via", 0), "SIP/2.0/TCP 10.0.0.2:5060;"));
	snprintf(sent, sizeof(sent), "%s", m);
	routes_of(sent, &d);
	assert_non_null(strstr(d.first, "@10.0.0.2:5060;transport=tcp;lr>"));
	assert_non_null(strstr(d.second, ":5061;transport=tls;lr>"));
	rig_answer(r, hop, sent, 200, "uas", "Contact: <sip:b@10.0.0.9;transport=tcp>\n");
	rig_is_status(rig_got(r, partner), 200);
	rig_end(r, hop, LINK_END_CLOSED);
	pool = rig_plain(r, LINK_INTERNAL, POOL, 40777);
	rig_send(r, pool,
		 "BYE sip:a@198.51.100.7;transport=tls SIP/2.0\nVia: SIP/2.0/TCP p;branch=z9hG4bK-k\n"
		 "Route: %s, %s\nMax-Forwards: 70\nFrom: <sip:b@ours.com>;tag=uas\n"
		 "To: <sip:a@contoso.com>;tag=a\nCall-ID: in\nCSeq: 1 BYE\nContent-Length: 0\n\n",
		 d.first, d.second);
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	m = rig_got(r, out);
	rig_is_request(m, "BYE");
	assert_int_equal(rig_fields(m, "Route"), 0);
	snprintf(sent, sizeof(sent), "%s", m);
	rig_answer(r, out, sent, 200, "x", "");
	rig_is_status(rig_got(r, pool), 200);
	assert_int_equal(rig_count(r, PROXY_COUNTER_refused), 0);
	rig_close(r);
}

/* a call of ours, begun over such a connection; the partner's BYE goes to the pool */
static void test_call_out(void **state)
{
	static char sent[8192];
	static struct dialog d;
	struct rig *r = open_plain();
	unsigned pool = rig_plain(r, LINK_INTERNAL, POOL, 40123), out, hop;
	const char *m;

	rig_send(r, pool,
		 "INVITE sip:a@contoso.com SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bK-o\n"
		 "Max-Forwards: 70\nFrom: <sip:b@ours.com>;tag=b\nTo: <sip:a@contoso.com>\n"
		 "Call-ID: out\nCSeq: 1 INVITE\nContact: <sip:b@10.0.0.9;transport=tcp>\n"
		 "Content-Length: 0\n\n");
	rig_is_status(rig_got(r, pool), 100);
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	snprintf(sent, sizeof(sent), "%s", rig_got(r, out));
	routes_of(sent, &d);
	assert_non_null(strstr(d.first, ":5061;transport=tls;lr>"));
	assert_non_null(strstr(d.second, "@10.0.0.2:5060;transport=tcp;lr>"));
	rig_answer(r, out, sent, 200, "uas", "Contact: <sip:a@198.51.100.7;transport=tls>\n");
	rig_is_status(rig_got(r, pool), 200);
	rig_send(r, pool,
		 "ACK sip:a@198.51.100.7;transport=tls SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bK-a\n"
		 "Route: %s, %s\nMax-Forwards: 70\nFrom: <sip:b@ours.com>;tag=b\n"
		 "To: <sip:a@contoso.com>;tag=uas\nCall-ID: out\nCSeq: 1 ACK\nContent-Length: 0\n\n",
		 d.second, d.first);
	rig_is_request(rig_got(r, out), "ACK");
	rig_end(r, pool, LINK_END_CLOSED);
	rig_send(r, out,
		 "BYE sip:b@10.0.0.9;transport=tcp SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-y\n"
		 "Route: %s, %s\nMax-Forwards: 70\nFrom: <sip:a@contoso.com>;tag=uas\n"
		 "To: <sip:b@ours.com>;tag=b\nCall-ID: out\nCSeq: 1 BYE\nContent-Length: 0\n\n",
		 d.first, d.second);
	hop = rig_opened(r);
	assert_true(r->link[hop].to.insecure);
	rig_up(r, hop, "");
	m = rig_got(r, hop);
	rig_is_request(m, "BYE");
	snprintf(sent, sizeof(sent), "%s", m);
	rig_answer(r, hop, sent, 200, "x", "");
	rig_is_status(rig_got(r, out), 200);
	rig_close(r);
}

/* what is sips: is not told to come without TLS */
static void test_sips(void **state)
{
	static struct dialog d;
	struct rig *r = open_plain();
	unsigned pool = rig_plain(r, LINK_INTERNAL, POOL, 40123), out;

	rig_send(r, pool,
		 "INVITE sips:a@contoso.com SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bK-o\n"
		 "Max-Forwards: 70\nFrom: <sip:b@ours.com>;tag=b\nTo: <sips:a@contoso.com>\n"
		 "Call-ID: out\nCSeq: 1 INVITE\nContact: <sips:b@10.0.0.9>\nContent-Length: 0\n\n");
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	routes_of(rig_got(r, out), &d);
	assert_non_null(strstr(d.second, "<sips:sp1."));
	assert_non_null(strstr(d.second, "@10.0.0.2:5061;lr>"));
	rig_close(r);
}

/* a draft has no word for it: in place */
static void forget_prefix(struct rig *r)
{
	const struct policy_listener *l;

	for (unsigned i = 0; (l = r->world.view->ops->small_at(r->world.view, POLICY_SMALL_LISTENERS, i));
	     i++)
		if (l->protocol == POLICY_PROTOCOL_SIP_TCP)
			((struct policy_listener *)(uintptr_t)l)->size = sizeof(*l);
	rig_world(r, "");
}

/* who is named no more is refused at once, and cut off within the second */
static void test_taken_back(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned pool;

	rig_listen_plain(r, "10.1.2.3", 32);
	pool = rig_plain(r, LINK_INTERNAL, "10.1.2.3", 5060);
	assert_int_not_equal(pool, RIG_REFUSED);
	rig_wait(r, 2000);
	assert_int_equal(r->link[pool].state, RIG_UP);
	forget_prefix(r);
	rig_send(r, pool, message_out, 1);
	rig_is_status(rig_got(r, pool), 403);
	rig_none_opened(r);
	rig_wait(r, 1000);
	assert_int_equal(r->link[pool].state, RIG_CLOSED);
	assert_non_null(strstr(rig_event(r, EXCHANGE_EVENT_CUT)->text, "without TLS any more"));
	rig_close(r);
}

/* RFC 3261 section 18.2.2: its connection is gone, another one of the same address takes the answer */
static void test_answer_moves(void **state)
{
	static char sent[8192];
	struct rig *r = open_plain();
	unsigned pool = rig_plain(r, LINK_INTERNAL, POOL, 40123), other, out;

	rig_send(r, pool, message_out, 1);
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	snprintf(sent, sizeof(sent), "%s", rig_got(r, out));
	other = rig_plain(r, LINK_INTERNAL, POOL, 40124);
	rig_end(r, pool, LINK_END_RESET);
	rig_answer(r, out, sent, 200, "t", "");
	rig_is_status(rig_got(r, other), 200);
	assert_int_equal(rig_count(r, PROXY_COUNTER_moved), 1);
	rig_close(r);
}

/* ... or there is none, and one is opened to where its Via says, though no policy names that port */
static void test_answer_returns(void **state)
{
	static char sent[8192];
	struct rig *r = rig_open(WORLD, NULL);
	unsigned pool, back, out;

	rig_listen_plain(r, "10.1.0.0", 16);
	pool = rig_plain(r, LINK_INTERNAL, "10.1.2.3", 40123);
	rig_send(r, pool,
		 RIG_REQUEST("MESSAGE", "b@ours.com", "a@contoso.com", "10.1.2.3:5099;branch=z9hG4bK-m", ""));
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	snprintf(sent, sizeof(sent), "%s", rig_got(r, out));
	rig_end(r, pool, LINK_END_RESET);
	back = rig_opened(r);
	assert_true(r->link[back].to.insecure);
	assert_int_equal(r->link[back].to.port, 5099);
	rig_up(r, back, "");
	rig_answer(r, out, sent, 200, "t", "");
	rig_is_status(rig_got(r, back), 200);
	rig_close(r);
}

/* it arrives on one core and goes on at another */
static void test_crosses(void **state)
{
	static char sent[8192];
	struct rig *r = rig_open_cores(WORLD, 4);
	unsigned pool[4], out, n = 0;

	policy_draft_box(r->world.draft)->connections_per_partner = 1;
	rig_pool_insecure(r);
	rig_listen_plain(r, NULL, 0);
	for (unsigned i = 0; i < 4; i++) {
		r->accept_at = i;
		pool[i] = rig_plain(r, LINK_INTERNAL, POOL, (uint16_t)(40000 + i));
		assert_int_not_equal(pool[i], RIG_REFUSED);
		rig_send(r, pool[i], message_out, i);
	}
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	rig_none_opened(r);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(sent, sizeof(sent), "%s", rig_got(r, out));
		rig_answer(r, out, sent, 200, "t", "");
	}
	for (unsigned i = 0; i < 4; i++) {
		rig_is_status(rig_got(r, pool[i]), 200);
		n++;
	}
	assert_int_equal(n, 4);
	assert_int_equal(rig_count(r, PROXY_COUNTER_refused), 0);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),	       cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_prefix),	       cmocka_unit_test(test_call_in),
		cmocka_unit_test(test_call_out),       cmocka_unit_test(test_sips),
		cmocka_unit_test(test_taken_back),     cmocka_unit_test(test_answer_moves),
		cmocka_unit_test(test_answer_returns), cmocka_unit_test(test_crosses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
