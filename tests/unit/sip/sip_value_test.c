/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/sip_fixture.h"

#include <stdio.h>

static struct sip_msg *m;
static char text[8192];

/* a message with these header lines, indexed */
static void given(const char *lines)
{
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	int n = snprintf(text, sizeof(text), "OPTIONS sip:b@contoso.test SIP/2.0\r\n%s\r\n", lines);

	assert_int_equal(sip_msg_index(m, sip_kernel_choose(), &lim, (uint8_t *)text, (uint32_t)n),
			 SIP_REASON_OK);
}

/* RFC 3261 section 20.42: order over fields and commas, white space, parameters */
static void vias(void **state)
{
	struct sip_iter it;
	struct sip_via v;

	given("Via: SIP/2.0/TLS a.test:5061;branch=z9hG4bK1;rport;alias , SIP / 2.0 / WSS [2001:db8::1] : 99 "
	      "; "
	      "x = \"a,b;c\" ;received=192.0.2.1;rport=5062\r\nSubject: x\r\nv: sip/2.0/udp "
	      "192.0.2.9;MADDR=m.test;TTL=7\r\n");
	it = sip_iter_start(m, SIP_HDR_VIA);
	assert_int_equal(sip_via_next(m, &it, &v), 1);
	sip_fixture_view(m, v.all, "SIP/2.0/TLS a.test:5061;branch=z9hG4bK1;rport;alias");
	sip_fixture_view(m, v.branch, "z9hG4bK1");
	assert_int_equal(v.transport, SIP_TRANSPORT_TLS);
	assert_int_equal(v.port, 5061);
	assert_int_equal(v.flags, SIP_VIA_BRANCH | SIP_VIA_COOKIE | SIP_VIA_RPORT | SIP_VIA_ALIAS);
	assert_int_equal(v.rport, 0);
	assert_int_equal(sip_via_next(m, &it, &v), 1);
	assert_int_equal(v.host.kind, SIP_HOST_IP6);
	assert_int_equal(v.port, 99);
	assert_int_equal(v.rport, 5062);
	sip_fixture_view(m, v.received, "192.0.2.1");
	sip_fixture_view(m, v.transport_text, "WSS");
	assert_int_equal(sip_via_next(m, &it, &v), 1);
	assert_int_equal(v.header, 2);
	assert_int_equal(v.transport, SIP_TRANSPORT_UDP);
	sip_fixture_view(m, v.maddr, "m.test");
	assert_int_equal(sip_via_next(m, &it, &v), 0);
}

static void bad_vias(void **state)
{
	static const char *const bad[] = {
		"",
		"SIP/2.0/TLS",
		"SIP/2.0/TLSa.test",
		"SIP/2.0 a.test",
		"/2.0/TLS a.test",
		"SIP/2.0/TLS a.test;",
		"SIP/2.0/TLS a.test,",
		",SIP/2.0/TLS a.test",
		"SIP/2.0/TLS a.test:",
		"SIP/2.0/TLS a.test:99999",
		"SIP/2.0/TLS a.test;branch",
		"SIP/2.0/TLS a.test;branch=",
		"SIP/2.0/TLS a.test;branch=\"x\"",
		"SIP/2.0/TLS a.test;rport=x",
		"SIP/2.0/TLS a.test;rport=0",
		"SIP/2.0/TLS a.test;rport=70000",
		"SIP/2.0/TLS a.test;received=x_y",
		"SIP/2.0/TLS a.test;received",
		"SIP/2.0/TLS a.test;ttl=256",
		"SIP/2.0/TLS a.test;ttl",
		"SIP/2.0/TLS a.test;rport;rport",
		"SIP/2.0/TLS a.test;received=1.2.3.4;Received=1.2.3.5",
		"SIP/2.0/TLS a.test b.test",
		"SIP/2.0/TLS a_b.test",
		"SIP/2.0/TLS a.test;x=\"y",
		"SIP/2.0/TLS a.test;x=y z",
		"SIP/2.0/TLS a.test;=x",
		"SIP/2.0/TLS a.test;x==y",
	};
	char line[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sip_iter it;
		struct sip_via v;
		int r;

		snprintf(line, sizeof(line), "Via: %s\r\n", bad[i]);
		given(line);
		it = sip_iter_start(m, SIP_HDR_VIA);
		while ((r = sip_via_next(m, &it, &v)) > 0)
			;
		if (r != -1)
			fail_msg("taken: %s", bad[i]);
	}
}

/* sections 20.10, 20.20, 20.34 */
static void addresses(void **state)
{
	struct sip_nameaddr na;
	struct sip_iter it;
	struct sip_view v;

	given("From: \"A \\\"B\\\" C\" <sip:ann@fabrikam.test;lr>;tag=1;x=\"q\"\r\nTo: "
	      "sip:ben@contoso.test;tag=zz ; a\r\n"
	      "Contact: Ann N <sip:a@b.test>;q=0.5;expires=60 , "
	      "<sip:c@d.test>;+sip.instance=\"<urn:uuid:0>\"\r\n");
	assert_true(sip_nameaddr_one(m, sip_msg_first(m, SIP_HDR_FROM), &na));
	sip_fixture_view(m, na.display, "\"A \\\"B\\\" C\"");
	sip_fixture_view(m, na.uri.all, "sip:ann@fabrikam.test;lr");
	sip_fixture_view(m, na.tag, "1");
	assert_true(na.uri.flags & SIP_URI_LR);
	assert_true(sip_param_find(m, na.params, "x", &v));
	sip_fixture_view(m, v, "\"q\"");
	/* without brackets the parameters are the field's (section 20.10) */
	assert_true(sip_nameaddr_one(m, sip_msg_first(m, SIP_HDR_TO), &na));
	sip_fixture_view(m, na.uri.all, "sip:ben@contoso.test");
	sip_fixture_view(m, na.tag, "zz");
	sip_fixture_view(m, na.all, "sip:ben@contoso.test;tag=zz ; a");
	it = sip_iter_start(m, SIP_HDR_CONTACT);
	assert_int_equal(sip_nameaddr_next(m, SIP_HDR_CONTACT, &it, &na), 1);
	sip_fixture_view(m, na.display, "Ann N");
	sip_fixture_view(m, na.expires, "60");
	assert_int_equal(sip_nameaddr_next(m, SIP_HDR_CONTACT, &it, &na), 1);
	sip_fixture_view(m, na.all, "<sip:c@d.test>;+sip.instance=\"<urn:uuid:0>\"");
	assert_int_equal(sip_nameaddr_next(m, SIP_HDR_CONTACT, &it, &na), 0);
}

static void bad_addresses(void **state)
{
	static const char *const bad[] = {
		"",
		"<",
		"<>",
		"<sip:a@b.test",
		"sip:a@b.test>",
		"\"x <sip:a@b.test>",
		"\"x\" sip:a@b.test",
		"\"x\"",
		"x",
		"x y",
		"a,b <sip:a@b.test>",
		"<sip:a@b.test>x",
		"<sip:a@b.test>;",
		"<sip:a@b.test>;tag",
		"<sip:a@b.test>;tag=",
		"<sip:a@b.test>;tag=\"x\"",
		"<sip:a@b.test>;tag=a;tag=b",
		"<sip:a@b.test>,<sip:c@d.test>",
		"<sip:a@b.test> <sip:c@d.test>",
		"< sip:a@b.test>",
		"<sip:a@b.test >",
		"sip:a@b.test?x=y",
		"sip:a@b.test,",
		"sip:a@b.test x",
		"\"a\x80\" <sip:a@b.test>",
		"\"a\" \"b\" <sip:a@b.test>",
		"a\"b\" <sip:a@b.test>",
		"<sip:a@b.test>;x=[::1",
		"*",
		"<sip:a@b.test>;tag=a b",
		"a: <sip:a@b.test>",
	};
	char line[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sip_nameaddr na;

		snprintf(line, sizeof(line), "From: %s\r\n", bad[i]);
		given(line);
		if (sip_nameaddr_one(m, sip_msg_first(m, SIP_HDR_FROM), &na))
			fail_msg("taken: %s", bad[i]);
	}
}

static void numbers(void **state)
{
	struct sip_cseq c;
	struct sip_rack r;
	uint32_t n;

	given("CSeq: 2147483647\r\n\tINVITE\r\nRAck: 776656 1 PRACK\r\nExpires: 4294967296\r\nRetry-After: "
	      "120 (a (b) "
	      "\\)) ;duration=60\r\nMax-Forwards: 0255\r\n");
	assert_true(sip_cseq_read(m, sip_msg_first(m, SIP_HDR_CSEQ), &c));
	assert_int_equal(c.number, 2147483647);
	assert_int_equal(c.method, SIP_METHOD_INVITE);
	assert_true(sip_rack_read(m, sip_msg_first(m, SIP_HDR_RACK), &r));
	assert_int_equal(r.response, 776656);
	assert_int_equal(r.cseq, 1);
	assert_int_equal(r.method, SIP_METHOD_PRACK);
	assert_true(sip_expires_read(m, sip_msg_first(m, SIP_HDR_EXPIRES), &n));
	assert_int_equal(n, UINT32_MAX);
	assert_true(sip_retry_after_read(m, sip_msg_first(m, SIP_HDR_RETRY_AFTER), &n));
	assert_int_equal(n, 120);
	assert_true(sip_number_read(m, sip_msg_first(m, SIP_HDR_MAX_FORWARDS), 255, &n));
	assert_int_equal(n, 255);
	given("CSeq: 2147483648 INVITE\r\n");
	assert_false(sip_cseq_read(m, sip_msg_first(m, SIP_HDR_CSEQ), &c));
	given("CSeq: 1 INVITE x\r\n");
	assert_false(sip_cseq_read(m, sip_msg_first(m, SIP_HDR_CSEQ), &c));
	given("CSeq: 1\r\n");
	assert_false(sip_cseq_read(m, sip_msg_first(m, SIP_HDR_CSEQ), &c));
	given("CSeq: 0000000000000000000000000000000001 INVITE\r\n");
	assert_true(sip_cseq_read(m, sip_msg_first(m, SIP_HDR_CSEQ), &c));
	assert_int_equal(c.number, 1);
}

static void tokens(void **state)
{
	static const char *const want[] = {"100rel", "timer", "x-y.z", "path"};
	struct sip_media_type t;
	struct sip_tagged tagged;
	struct sip_identity id;
	struct sip_iter it;
	struct sip_view v;
	unsigned n = 0;

	given("Supported: 100rel , timer\r\nk:\r\nk: x-y.z,\r\n path\r\nContent-Type: multipart / mixed "
	      ";boundary=\"a b\"\r\n"
	      "Event: presence;id=7\r\nReason: Q.850;cause=16;text=\"a, b\", SIP;cause=200\r\n"
	      "Identity: eyJ.e30.sig_-;info=<https://c.test/x.pem>;alg=ES256\r\n");
	it = sip_iter_start(m, SIP_HDR_SUPPORTED);
	while (sip_token_next(m, SIP_HDR_SUPPORTED, &it, &v) > 0)
		sip_fixture_view(m, v, want[n++]);
	assert_int_equal(n, 4);
	assert_true(sip_media_type_read(m, sip_msg_first(m, SIP_HDR_CONTENT_TYPE), &t));
	sip_fixture_view(m, t.subtype, "mixed");
	assert_true(sip_param_find(m, t.params, "boundary", &v));
	sip_fixture_view(m, v, "\"a b\"");
	assert_true(sip_tagged_read(m, sip_msg_first(m, SIP_HDR_EVENT), &tagged));
	sip_fixture_view(m, tagged.token, "presence");
	it = sip_iter_start(m, SIP_HDR_REASON);
	assert_int_equal(sip_tagged_next(m, &it, &tagged), 1);
	assert_true(sip_param_find(m, tagged.params, "text", &v));
	assert_int_equal(sip_tagged_next(m, &it, &tagged), 1);
	sip_fixture_view(m, tagged.token, "SIP");
	assert_int_equal(sip_tagged_next(m, &it, &tagged), 0);
	assert_true(sip_identity_read(m, sip_msg_first(m, SIP_HDR_IDENTITY), &id));
	sip_fixture_view(m, id.digest, "eyJ.e30.sig_-");
	sip_fixture_view(m, id.info, "https://c.test/x.pem");
}

/* every name and compact form, in any case, and nothing else */
static void names(void **state)
{
	char name[64];

	for (unsigned i = 1; i < SIP_HDR_COUNT; i++) {
		const struct sip_header_info *h = &sip_header_infos[i];
		size_t n = strlen(h->name);

		assert_int_equal(sip_header_lookup(h->name, n), i);
		for (size_t k = 0; k < n; k++) {
			memcpy(name, h->name, n + 1);
			name[k] ^= name[k] >= 'A' ? 0x20 : 0;
			assert_int_equal(sip_header_lookup(name, n), i);
			name[k] = '0';
			assert_int_not_equal(sip_header_lookup(name, n), i);
		}
		memcpy(name, h->name, n);
		name[n] = 's';
		assert_int_not_equal(sip_header_lookup(name, n + 1), i);
		/* "t" is To's own compact form */
		if (i != SIP_HDR_TO)
			assert_int_not_equal(sip_header_lookup(h->name, n - 1), i);
		if (h->compact) {
			name[0] = h->compact;
			assert_int_equal(sip_header_lookup(name, 1), i);
			name[0] = (char)(h->compact - 0x20);
			assert_int_equal(sip_header_lookup(name, 1), i);
		}
	}
	for (unsigned i = 1; i < SIP_METHOD_COUNT; i++) {
		assert_int_equal(sip_method_lookup(sip_method_texts[i], strlen(sip_method_texts[i])), i);
		memcpy(name, sip_method_texts[i], strlen(sip_method_texts[i]));
		name[0] |= 0x20;
		assert_int_equal(sip_method_lookup(name, strlen(sip_method_texts[i])), SIP_METHOD_OTHER);
	}
	assert_int_equal(sip_header_lookup("", 0), SIP_HDR_OTHER);
}

static int setup(void **state)
{
	m = sip_fixture_msg();
	return 0;
}

static int teardown(void **state)
{
	free(m);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vias),	cmocka_unit_test(bad_vias),
					   cmocka_unit_test(addresses), cmocka_unit_test(bad_addresses),
					   cmocka_unit_test(numbers),	cmocka_unit_test(tokens),
					   cmocka_unit_test(names)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
