/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/sip_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "dataplane/sip/sip_build.h"
#include "tests/unit/sip/sip_torture.h"

static struct sip_msg *m, *n;
static char out[16384];
static const struct sip_limits lim = {SIP_HEAD_MAX, SIP_HEADERS_MAX, SIP_BODY_MAX};

static const char invite[] =
	"INVITE sip:b@contoso.test SIP/2.0\r\nv: SIP/2.0/TLS a.test;branch=z9hG4bKa, SIP/2.0/TLS "
	"z.test\r\nt: sip:b@contoso.test\r\n"
	"FROM: \"A\"\r\n <sip:a@fabrikam.test>;tag=1\r\ni: c@fabrikam.test\r\nCSeq: 7 INVITE\r\nVia: "
	"SIP/2.0/TLS y.test\r\nMax-Forwards: 70\r\n"
	"Route: <sip:r.test;lr>\r\nRecord-Route: <sip:rr.test;lr>\r\nTimestamp: 54\r\nl: 0\r\n\r\n";

static void index_into(struct sip_msg *to, const char *text, size_t len)
{
	assert_int_equal(sip_msg_index(to, sip_kernel_choose(), &lim, (const uint8_t *)text, (uint32_t)len),
			 SIP_REASON_OK);
}

/* RFC 3261 section 8.2.6.2 */
static void response(void **state)
{
	static const char *const lines[] = {"ms-diagnostics: 1027;reason=\"x\"", "Retry-After: 5"};
	struct sip_response r = {
		.status = 403, .to_tag = "ours", .received = "192.0.2.3", .lines = lines, .lines_n = 2};
	int len;

	index_into(m, invite, sizeof(invite) - 1);
	len = sip_build_response(m, &r, out, sizeof(out));
	assert_true(len > 0);
	out[len] = '\0';
	assert_string_equal(out,
			    "SIP/2.0 403 Forbidden\r\nVia: SIP/2.0/TLS "
			    "a.test;branch=z9hG4bKa;received=192.0.2.3, SIP/2.0/TLS z.test\r\n"
			    "Via: SIP/2.0/TLS y.test\r\nFrom: \"A\"\r\n <sip:a@fabrikam.test>;tag=1\r\nTo: "
			    "sip:b@contoso.test;tag=ours\r\nCall-ID: c@fabrikam.test\r\nCSeq: 7 "
			    "INVITE\r\nms-diagnostics: "
			    "1027;reason=\"x\"\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n");
	for (int size = 0; size < len; size++)
		assert_int_equal(sip_build_response(m, &r, out, (uint32_t)size), -ENOSPC);
	/* a 100 has no tag of ours, and the timestamp (section 8.2.6.1) */
	r = (struct sip_response){.status = 100, .to_tag = "ours", .record_route = true};
	len = sip_build_response(m, &r, out, sizeof(out));
	out[len] = '\0';
	assert_null(strstr(out, "ours"));
	assert_non_null(strstr(out, "\r\nTimestamp: 54\r\n"));
	assert_non_null(strstr(out, "\r\nRecord-Route: <sip:rr.test;lr>\r\n"));
}

/* RFC 3261 section 18.2.1, RFC 3581 section 4: where a request came from is for us to say */
static void source(void **state)
{
	static const struct {
		const char *via, *received;
		unsigned rport;
		const char *want;
	} cases[] = {
		{"a.test;branch=z9hG4bKa", "192.0.2.3", 0, "a.test;branch=z9hG4bKa;received=192.0.2.3"},
		{"a.test;received=6.6.6.6;branch=z9hG4bKa", "192.0.2.3", 0,
		 "a.test;received=192.0.2.3;branch=z9hG4bKa"},
		{"a.test;ReceiveD = [2001:db8::6] ;x", "2001:db8::3", 0, "a.test;ReceiveD = 2001:db8::3 ;x"},
		{"a.test;rport;branch=z9hG4bKa", "192.0.2.3", 4711,
		 "a.test;rport=4711;branch=z9hG4bKa;received=192.0.2.3"},
		{"a.test;rport", "192.0.2.3", 4711, "a.test;rport=4711;received=192.0.2.3"},
		{"a.test;rport=666;received=6.6.6.6", "192.0.2.3", 4711,
		 "a.test;rport=4711;received=192.0.2.3"},
		{"a.test;received=6.6.6.6;RPORT = 666", "192.0.2.3", 4711,
		 "a.test;received=192.0.2.3;RPORT = 4711"},
		{"a.test;received=6.6.6.6;rport", NULL, 4711, "a.test;received=6.6.6.6;rport=4711"},
		{"a.test;branch=z9hG4bKa", "192.0.2.3", 4711, "a.test;branch=z9hG4bKa;received=192.0.2.3"},
		{"a.test;x=\";received=1.1.1.1;rport\";rport=5;y , SIP/2.0/TCP b.test;received=6.6.6.6",
		 "192.0.2.3", 4711,
		 "a.test;x=\";received=1.1.1.1;rport\";rport=4711;y;received=192.0.2.3 , SIP/2.0/TCP "
		 "b.test;received=6.6.6.6"},
		{"a.test;received=6.6.6.6", NULL, 0, "a.test;received=6.6.6.6"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sip_response r = {
			.status = 403, .received = cases[i].received, .rport = cases[i].rport};
		char request[512], want[512];
		int len = snprintf(request, sizeof(request),
				   "INVITE sip:b@contoso.test SIP/2.0\r\nv: SIP/2.0/TLS %s\r\n\r\n",
				   cases[i].via);

		index_into(m, request, (size_t)len);
		len = sip_build_response(m, &r, out, sizeof(out));
		assert_true(len > 0);
		out[len] = '\0';
		snprintf(want, sizeof(want),
			 "SIP/2.0 403 Forbidden\r\nVia: SIP/2.0/TLS %s\r\nContent-Length: 0\r\n\r\n",
			 cases[i].want);
		assert_string_equal(out, want);
	}
}

/* every refusal that answers can be built from what was refused, and is a response that we would take */
static void refusals(void **state)
{
	static char bytes[8192];
	struct sip_core core;
	unsigned built = 0;

	for (size_t i = 0; i < sip_torture_n; i++) {
		const struct sip_torture *t = &sip_torture_set[i];
		const struct sip_reason_info *why = &sip_reason_infos[t->verdict];
		struct sip_response r = {.status = why->status, .to_tag = "x"};
		size_t len = sip_torture_bytes(t, bytes, sizeof(bytes));
		struct sip_frame f = {0};
		int k;

		if (why->status == 0)
			continue;
		sip_frame_next(&f, m, sip_kernel_choose(), &lim, (uint8_t *)bytes, len);
		k = sip_build_response(m, &r, out, sizeof(out));
		if (m->response || t->verdict == SIP_REASON_MISSING_VIA) {
			assert_int_equal(k, -EINVAL);
			continue;
		}
		assert_true(k > 0);
		f = (struct sip_frame){0};
		assert_int_equal(
			sip_frame_next(&f, n, sip_kernel_choose(), &lim, (uint8_t *)out, (size_t)k).what ==
					SIP_FRAME_MESSAGE ||
				t->verdict == SIP_REASON_CONTROL,
			true);
		if (t->verdict == SIP_REASON_VERSION || t->verdict == SIP_REASON_URI_SCHEME)
			assert_int_equal(sip_validate(n, NULL, &core), SIP_REASON_OK);
		built++;
	}
	assert_true(built > 60);
}

static void hop_by_hop(void **state)
{
	static const char refused[] = "SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/TLS "
				      "a.test;branch=z9hG4bKa\r\nTo: sip:b@contoso.test;tag=their\r\n\r\n";
	struct sip_core core;
	int len;

	index_into(m, invite, sizeof(invite) - 1);
	len = sip_build_cancel(m, out, sizeof(out));
	assert_true(len > 0);
	out[len] = '\0';
	/* section 9.1 */
	assert_string_equal(out, "CANCEL sip:b@contoso.test SIP/2.0\r\nVia: SIP/2.0/TLS "
				 "a.test;branch=z9hG4bKa\r\nMax-Forwards: 70\r\nRoute: "
				 "<sip:r.test;lr>\r\nFrom: \"A\"\r\n <sip:a@fabrikam.test>;tag=1\r\nTo: "
				 "sip:b@contoso.test\r\nCall-ID: "
				 "c@fabrikam.test\r\nCSeq: 7 CANCEL\r\nContent-Length: 0\r\n\r\n");
	index_into(n, refused, sizeof(refused) - 1);
	len = sip_build_ack(m, n, out, sizeof(out));
	assert_true(len > 0);
	out[len] = '\0';
	/* section 17.1.1.3: To as in the response */
	assert_non_null(strstr(out, "\r\nTo: sip:b@contoso.test;tag=their\r\n"));
	assert_non_null(strstr(out, "\r\nCSeq: 7 ACK\r\n"));
	index_into(n, out, (size_t)len);
	assert_int_equal(sip_validate(n, NULL, &core), SIP_REASON_OK);
}

static void ping(void **state)
{
	static const char *const lines[] = {"Accept: application/sdp"};
	const struct sip_ping p = {.uri = "sip:pool.contoso.test:5061;transport=tls",
				   .via = "SIP/2.0/TLS edge.contoso.test:5061;branch=z9hG4bKp",
				   .from = "<sip:edge.contoso.test>;tag=1",
				   .call_id = "1@edge.contoso.test",
				   .cseq = 4294967,
				   .lines = lines,
				   .lines_n = 1};
	struct sip_frame f = {0};
	struct sip_core core;
	int len = sip_build_options(&p, out, sizeof(out));

	assert_true(len > 0);
	assert_int_equal(
		sip_frame_next(&f, m, sip_kernel_choose(), &lim, (uint8_t *)out, (size_t)len).consumed, len);
	assert_int_equal(sip_validate(m, NULL, &core), SIP_REASON_OK);
	assert_int_equal(m->method, SIP_METHOD_OPTIONS);
	assert_int_equal(core.max_forwards, 70);
	assert_int_equal(core.cseq.number, 4294967);
}

/* section 8.2.2.3 */
static void unsupported(void **state)
{
	static const char *const known[] = {"privacy"};
	const struct sip_validate_rules rules = {known, 1, false};
	static const char text[] =
		"OPTIONS sip:b@c.test SIP/2.0\r\nProxy-Require: foo, Privacy\r\nProxy-Require: bar\r\n\r\n";
	char list[32];

	index_into(m, text, sizeof(text) - 1);
	assert_int_equal(sip_unsupported_list(m, &rules, list, sizeof(list)), 8);
	assert_string_equal(list, "foo, bar");
	assert_int_equal(sip_unsupported_list(m, &rules, list, 8), 3);
}

static int setup(void **state)
{
	m = sip_fixture_msg();
	n = sip_fixture_msg();
	return 0;
}

static int teardown(void **state)
{
	free(m);
	free(n);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(response), cmocka_unit_test(source),
					   cmocka_unit_test(refusals), cmocka_unit_test(hop_by_hop),
					   cmocka_unit_test(ping),     cmocka_unit_test(unsupported)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
