/* SPDX-License-Identifier: BSD-3-Clause */
/* The plain way of a request and its answer, in and out. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define MESSAGE_IN                                                                                           \
	RIG_REQUEST("MESSAGE", "alice@contoso.com", "bob@ours.com", "sip.contoso.com:5061;branch=z9hG4bK-1", \
		    "Content-Type: text/plain\nX-Odd:   spaced \n")                                          \
	"Hello"

static void test_in(void **state)
{
	struct rig *r = rig_open("allow contoso.com proxy=sip.contoso.com", NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), inner;
	char request[4096];
	const char *m;

	rig_send(r, partner, "%s", MESSAGE_IN);
	inner = rig_opened(r);
	assert_int_equal(r->link[inner].to.side, LINK_INTERNAL);
	assert_int_equal(r->link[inner].to.port, 5061);
	rig_quiet(r, partner);
	rig_up(r, inner, "pool.ours.com");
	m = rig_got(r, inner);
	rig_is_request(m, "MESSAGE");
	snprintf(request, sizeof(request), "%s", m);
	assert_int_equal(rig_fields(m, "Via"), 2);
	assert_non_null(strstr(rig_field(m, "Via", 0), "SIP/2.0/TLS 10.0.0.2:5061;branch=z9hG4bK"));
	assert_non_null(strstr(rig_field(m, "Via", 1), "sip.contoso.com:5061;branch=z9hG4bK-1"));
	assert_non_null(strstr(rig_field(m, "Via", 1), ";received=192.0.2.1"));
	assert_string_equal(rig_field(m, "Max-Forwards", 0), "69");
	assert_int_equal(rig_fields(m, "Record-Route"), 0);
	assert_int_equal(rig_fields(m, "ms-edge-proxy-message-trust"), 1);
	assert_non_null(strstr(m, "\nX-Odd:   spaced \n"));
	assert_non_null(strstr(m, "\n\nHello"));
	rig_answer(r, inner, request, 200, "t1", "");
	m = rig_got(r, partner);
	rig_is_status(m, 200);
	assert_int_equal(rig_fields(m, "Via"), 1);
	assert_non_null(strstr(rig_field(m, "Via", 0), "branch=z9hG4bK-1"));
	assert_string_equal(rig_field(m, "To", 0), "<sip:bob@ours.com>;tag=t1");
	rig_quiet(r, partner);
	rig_quiet(r, inner);
	rig_close(r);
}

/* wherever the stream is cut, the inside sees two messages where two were sent */
static void test_split(void **state)
{
	static const char two[] =
		"MESSAGE sip:bob@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS sip.contoso.com;branch=z9hG4bK-s1\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:a@contoso.com>;tag=f\r\nTo: <sip:bob@ours.com>\r\n"
		"Call-ID: s1\r\nCSeq: 1 MESSAGE\r\nContent-Length: 10\r\n\r\none\r\n\r\n\0..\r\n\r\n"
		"MESSAGE sip:bob@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS sip.contoso.com;branch=z9hG4bK-s2\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:a@contoso.com>;tag=f\r\nTo: <sip:bob@ours.com>\r\n"
		"Call-ID: s2\r\nCSeq: 1 MESSAGE\r\nContent-Length: 3\r\n\r\ntwo";
	uint32_t len = sizeof(two) - 1;

	for (uint32_t cut = 0; cut < len; cut++) {
		struct rig *r = rig_open("allow contoso.com proxy=sip.contoso.com", NULL);
		unsigned partner = rig_partner(r, "sip.contoso.com"), inner;
		const char *m;

		if (cut == 0) {
			rig_bytes(r, partner, two, len, 1);
		} else {
			rig_bytes(r, partner, two, cut, 0);
			rig_bytes(r, partner, two + cut, len - cut, 0);
		}
		inner = rig_opened(r);
		rig_up(r, inner, "pool.ours.com");
		for (unsigned i = 0; i < 2; i++) {
			m = rig_got(r, inner);
			assert_non_null(strstr(m, strstr(m, "Call-ID: s1") ? "\n\none\n\n" : "\n\ntwo"));
		}
		rig_quiet(r, inner);
		assert_int_equal(rig_count(r, PROXY_COUNTER_requests_in), 2);
		/* one ping between them, answered once */
		assert_memory_equal(r->link[partner].out, "\r\n", 2);
		assert_int_equal(r->link[partner].out_len, 2);
		rig_close(r);
	}
}

/* what the proxy need not touch arrives as it was */
static void test_fidelity(void **state)
{
	static const char head[] =
		"MESSAGE sip:bob@ours.com SIP/2.0\r\n"
		"v:SIP/2.0/TLS sip.contoso.com;branch=z9hG4bK-s1\r\n"
		"Max-Forwards: 70\r\nf : \"A, B\" "
		"<sip:a@contoso.com>;tag=f;x=\"y;z\"\r\nt:\t<sip:bob@ours.com>\r\n"
		"i:s1\r\nCSeq:1   MESSAGE\r\nX-Fold: one\r\n\ttwo\r\n  three\r\n"
		"Identity: \"c2lnbmVk\";info=<https://x>\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\n"
		"Subject:\r\nl:6\r\n\r\na\0b\r\nc";
	struct rig *r = rig_open("allow contoso.com proxy=sip.contoso.com", NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), inner;
	static const char *const kept[] = {
		"f : \"A, B\" <sip:a@contoso.com>;tag=f;x=\"y;z\"\r\nt:\t<sip:bob@ours.com>\r\ni:s1\r\n"
		"CSeq:1   MESSAGE\r\nX-Fold: one\r\n\ttwo\r\n  three\r\n"
		"Identity: \"c2lnbmVk\";info=<https://x>\r\nDate: Sat, 13 Nov 2010 23:29:00 "
		"GMT\r\nSubject:\r\n"
		"l:6\r\n",
	};
	struct rig_link *l;

	rig_bytes(r, partner, head, sizeof(head) - 1, 0);
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	l = &r->link[inner];
	for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_non_null(memmem(l->out, l->out_len, kept[i], strlen(kept[i])));
	assert_memory_equal(l->out + l->out_len - 10, "\r\n\r\na\0b\r\nc", 10);
	rig_close(r);
}

/* no spelling brings an inner header in */
static void test_smuggle(void **state)
{
	static const char *const spellings[] = {
		"ms-edge-proxy-message-trust: ms-source-type=InternetUser;EVIL\n",
		"MS-EDGE-PROXY-MESSAGE-TRUST: EVIL\n",
		"Ms-Edge-Proxy-Message-Trust : EVIL\n",
		"ms-edge-proxy-message-trust\t:\n EVIL\n",
		"P-Asserted-Identity: <sip:EVIL@ours.com>\n",
		"p-asserted-identity : <sip:EVIL@ours.com>\n",
		"P-Preferred-Identity:\n\t<sip:EVIL@ours.com>\n",
		"Remote-Party-ID: <sip:EVIL@ours.com>\n",
		"ms-split-domain-info: EVIL\n",
		"Sallyport-Rights: EVIL\n",
	};

	for (unsigned i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		struct rig *r = rig_open("allow contoso.com proxy=sip.contoso.com", NULL);
		unsigned partner = rig_partner(r, "sip.contoso.com"), inner;
		const char *m;

		print_message("%s", spellings[i]);
		rig_send(r, partner,
			 RIG_REQUEST("MESSAGE", "alice@contoso.com", "bob@ours.com",
				     "sip.contoso.com:5061;branch=z9hG4bK-1", "%s"),
			 spellings[i]);
		inner = rig_opened(r);
		rig_up(r, inner, "pool.ours.com");
		m = rig_got(r, inner);
		assert_null(strstr(m, "EVIL"));
		assert_int_equal(rig_fields(m, "ms-edge-proxy-message-trust"), 1);
		rig_close(r);
	}
}

static void test_options(void **state)
{
	struct rig *r = rig_open("federation off", NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com");
	const char *m;

	/* section 11: the box answers for itself, also when no further hop is allowed */
	rig_send(
		r, partner,
		"OPTIONS sip:sip.ours.com:5061 SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bKo\nMax-Forwards: 0\n"
		"From: <sip:contoso.com>;tag=1\nTo: <sip:sip.ours.com>\nCall-ID: o\nCSeq: 1 OPTIONS\n"
		"Content-Length: *\n\n");
	m = rig_got(r, partner);
	rig_is_status(m, 200);
	assert_int_equal(rig_fields(m, "Allow"), 1);
	rig_send(r, partner,
		 "NEGOTIATE sip:10.0.0.1:5061 SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bKn\nMax-Forwards: 0\n"
		 "From: <sip:contoso.com>;tag=1\nTo: <sip:sip.ours.com>\nCall-ID: n\nCSeq: 1 NEGOTIATE\n"
		 "Content-Length: *\n\n");
	rig_got(r, partner);
	rig_close(r);
}

/* a peer that does not read is not read either, and in the end cut off */
static void test_slow_reader(void **state)
{
	struct proxy_config config;
	struct rig *r;
	unsigned partner, n = 0;

	proxy_config_default(&config);
	config.conns = 16;
	config.transactions = 64;
	config.out_bytes = 8192;
	r = rig_open("block contoso.com", &config);
	partner = rig_partner(r, "sip.contoso.com");
	r->link[partner].room = 1000;
	for (unsigned i = 0; i < 60; i++)
		rig_send(r, partner,
			 RIG_REQUEST("MESSAGE", "a@contoso.com", "b@ours.com",
				     "sip.contoso.com:5061;branch=z9hG4bK-%u", ""),
			 i);
	/* far fewer were taken than were sent */
	assert_in_range(rig_count(r, PROXY_COUNTER_requests_in), 3, 20);
	assert_int_equal(r->link[partner].state, RIG_UP);
	r->link[partner].room = UINT32_MAX;
	proxy_begin(r->proxy, r->now_ns, 0, r->world.view);
	proxy_link_writable(r->proxy, r->link[partner].conn);
	proxy_end(r->proxy);
	rig_wait(r, 10);
	assert_int_equal(rig_count(r, PROXY_COUNTER_requests_in), 60);
	while (r->link[partner].out_at < r->link[partner].out_len) {
		rig_is_status(rig_got(r, partner), 403);
		n++;
	}
	assert_int_equal(n, 60);
	rig_close(r);
}

/* many in one piece: all are answered, though one turn takes only so many of one peer */
static void test_burst(void **state)
{
	static char wire[300000];
	struct rig *r = rig_open("block contoso.com", NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), n = 0;
	uint32_t len = 0;

	for (unsigned i = 0; i < 500; i++)
		len += (uint32_t)sprintf(
			wire + len,
			"MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-%u\r\n"
			"From: <sip:a@contoso.com>;tag=1\r\nTo: <sip:b@ours.com>\r\nCall-ID: %u\r\n"
			"CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
			i, i);
	rig_bytes(r, partner, wire, len, 0);
	while (r->link[partner].out_at < r->link[partner].out_len) {
		rig_is_status(rig_got(r, partner), 403);
		n++;
	}
	assert_int_equal(n, 500);
	/* and cut so that they wait in a buffer of the proxy */
	rig_bytes(r, partner, wire, 100, 0);
	rig_bytes(r, partner, wire + 100, len - 100, 0);
	assert_int_equal(rig_count(r, PROXY_COUNTER_requests_in), 1000);
	rig_close(r);
}

/* a large one, and one whose body is announced and never comes */
static void test_large(void **state)
{
	static char wire[1100000];
	struct rig *r = rig_open("allow contoso.com proxy=sip.contoso.com", NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), inner;
	int n = sprintf(wire, "MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-l\r\n"
			      "From: <sip:a@contoso.com>;tag=1\r\nTo: <sip:b@ours.com>\r\nCall-ID: l\r\n"
			      "CSeq: 1 MESSAGE\r\nContent-Length: 1000000\r\n\r\n");

	memset(wire + n, 'x', 1000000);
	rig_bytes(r, partner, wire, (uint32_t)n + 900000, 16000);
	rig_none_opened(r);
	rig_bytes(r, partner, wire + n + 900000, 100000, 16000);
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	assert_in_range(r->link[inner].out_len, 1000200, 1001500);
	rig_bytes(r, partner, wire, 5000, 0);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in),	 cmocka_unit_test(test_split),
		cmocka_unit_test(test_fidelity), cmocka_unit_test(test_smuggle),
		cmocka_unit_test(test_options),	 cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_burst),	 cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
