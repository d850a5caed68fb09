/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/refusal.h"

#include <errno.h>

#include "tests/unit/proxy/rules_fixture.h"
#include "tests/unit/sip/sip_torture.h"

static struct rules_message t;
static char out[REFUSAL_MAX + 1];

#define REQUEST(method)                                                                                  \
	method " sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\nVia: SIP/2.0/TLS " \
	       "i.test;branch=z9hG4bKy\r\nFrom: <sip:a@fabrikam.test>;tag=f\r\nTo: <sip:b@ours.com>\r\n" \
	       "Call-ID: c@h\r\nCSeq: 1 " method "\r\n"

static struct refusal base(uint8_t side)
{
	return (struct refusal){.side = side, .edge = N("sip.ours.com"), .tag_key = {1, 2}};
}

static const char *built(const struct refusal *r)
{
	int n = refusal_build(t.m, r, out, REFUSAL_MAX);

	if (n <= 0)
		fail_msg("refusal_build: %d", n);
	out[n] = '\0';
	return out;
}

static void verdict_of(struct policy_verdict *v, enum policy_reason reason)
{
	*v = (struct policy_verdict){.action = POLICY_REFUSE,
				     .reason = (uint8_t)reason,
				     .domain = N("fabrikam.test"),
				     .detail = N("sip.other.test"),
				     .identity = N("edge.fabrikam.test")};
}

/* whole, toward the inside */
static void whole(void **state)
{
	struct refusal r = base(POLICY_OUTBOUND);
	struct policy_verdict v;
	char tag[17], want[2000];

	verdict_of(&v, POLICY_REASON_NO_SAME_DOMAIN);
	r.verdict = &v;
	r.received = "192.0.2.7";
	rules_read(&t, REQUEST("MESSAGE"), "hi");
	refusal_tag(&r.tag_key, t.m, NULL, tag);
	snprintf(
		want, sizeof(want),
		"SIP/2.0 504 Server Time-out\r\nVia: SIP/2.0/TLS "
		"h.test;branch=z9hG4bKx;received=192.0.2.7\r\nVia: SIP/2.0/TLS i.test;branch=z9hG4bKy\r\n"
		"From: <sip:a@fabrikam.test>;tag=f\r\nTo: <sip:b@ours.com>;tag=%s\r\nCall-ID: c@h\r\n"
		"CSeq: 1 MESSAGE\r\nms-edge-proxy-message-trust: ms-source-type=EdgeProxyGenerated;"
		"ms-ep-fqdn=sip.ours.com;ms-source-verified-user=verified\r\nms-diagnostics: "
		"1009;reason=\"No match for domain in DNS SRV "
		"results\";domain=\"fabrikam.test\";fqdn1=\"sip.other.test:5061\";source=\"sip.ours.com\"\r\n"
		"Reason: SIP;cause=504;text=\"the domain was resolved by DNS SRV but none of the FQDNs is "
		"in the same domain\";sallyport=405\r\nContent-Length: 0\r\n\r\n",
		tag);
	assert_string_equal(built(&r), want);
}

/* toward partners nothing is told, unless the switch is on; the trust header never */
static void partners(void **state)
{
	struct policy_verdict v;

	rules_read(&t, REQUEST("INVITE"), "");
	for (unsigned reason = POLICY_REASON_NEED_DNS + 1; reason < POLICY_REASONS; reason++) {
		const struct policy_reason_info *info = policy_reason_info(reason);
		char status[40];

		verdict_of(&v, reason);
		for (unsigned own = 0; own < 2; own++) {
			struct refusal r = base(POLICY_INBOUND);

			if (own)
				r.reason = reason;
			else
				r.verdict = &v;
			snprintf(status, sizeof(status), "SIP/2.0 %u ", info->status);
			built(&r);
			assert_memory_equal(out, status, strlen(status));
			assert_int_equal(rules_count(out, "ms-"), 0);
			assert_int_equal(rules_count(out, "\r\nReason:"), 0);
			assert_int_equal(rules_count(out, ";tag="), 2);
			r.diagnostics_out = true;
			built(&r);
			snprintf(status, sizeof(status), "ms-diagnostics: %u;reason=\"", info->ms_id);
			assert_int_equal(rules_count(out, status), info->ms_id != 0);
			snprintf(status, sizeof(status), "\";sallyport=%u\r\n", info->id);
			assert_int_equal(rules_count(out, status), 1);
			assert_int_equal(rules_count(out, "ms-edge-proxy-message-trust"), 0);
			r.side = POLICY_OUTBOUND;
			r.diagnostics_out = false;
			built(&r);
			assert_int_equal(rules_count(out, status), 1);
			assert_int_equal(rules_count(out, "ms-source-type=EdgeProxyGenerated"), 1);
			assert_int_equal(rules_count(out, "source=\"sip.ours.com\""), info->ms_id != 0);
		}
	}
}

/* What was read of a request before spares reading it again, and changes no byte of any answer. */
static void known(void **state)
{
	static const char *const requests[] = {
		REQUEST("INVITE"),
		"MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h.test;received=1.2.3.4,SIP/2.0/TLS x\r\n"
		"From: <sip:a@x.test>\r\nTo: <sip:b@ours.com>;tag=mine\r\nCall-ID: c@h\r\nCSeq: 7 "
		"MESSAGE\r\n",
		"MESSAGE sip:b@ours.com SIP/2.0\r\nv: SIP/2.0/TLS h.test;rport;branch=z9hG4bKq\r\nv: "
		"SIP/2.0/TLS y;branch=a\r\nf: \"tag=no\" <sip:a@x.test>;x;tag=f\r\nt: b "
		"<sip:b@ours.com>\r\ni:  c@h  \r\nCSeq:  7  MESSAGE\r\n",
	};
	static const struct sip_validate_rules rules = {0};
	char without[REFUSAL_MAX], a[17], b[17];

	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct refusal r = base(POLICY_OUTBOUND);
		struct sip_core core;

		rules_read(&t, requests[i], "body");
		assert_int_equal(sip_validate(t.m, &rules, &core), SIP_REASON_OK);
		refusal_tag(&r.tag_key, t.m, NULL, a);
		refusal_tag(&r.tag_key, t.m, &core, b);
		assert_string_equal(a, b);
		r.status = 404;
		r.received = "192.0.2.77";
		built(&r);
		strcpy(without, out);
		r.core = &core;
		built(&r);
		assert_string_equal(without, out);
	}
}

/* the same request, the same tag (RFC 3261 section 8.2.7); a To that has one keeps it */
static void tags(void **state)
{
	struct siphash_key key = {1, 2}, other = {1, 3};
	char a[17], b[17];
	struct refusal r = base(POLICY_INBOUND);

	rules_read(&t, REQUEST("INVITE"), "");
	refusal_tag(&key, t.m, NULL, a);
	rules_read(&t, REQUEST("INVITE") "X: y\r\n", "other body");
	refusal_tag(&key, t.m, NULL, b);
	assert_string_equal(a, b);
	refusal_tag(&other, t.m, NULL, b);
	assert_string_not_equal(a, b);
	rules_read(&t,
		   "INVITE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKz\r\nFrom: "
		   "<sip:a@x.test>;tag=f\r\nTo: <sip:b@ours.com>;tag=mine\r\nCall-ID: c@h\r\nCSeq: 1 "
		   "INVITE\r\n",
		   "");
	refusal_tag(&key, t.m, NULL, b);
	assert_string_not_equal(a, b);
	r.status = 481;
	built(&r);
	assert_int_equal(rules_count(out, ";tag=mine\r\n"), 1);
	assert_int_equal(rules_count(out, ";tag="), 2);
}

static void silent(void **state)
{
	struct refusal r = base(POLICY_OUTBOUND);

	r.reason = POLICY_REASON_BLOCKED;
	rules_read(&t, REQUEST("ACK"), "");
	assert_int_equal(refusal_build(t.m, &r, out, REFUSAL_MAX), 0);
	rules_read(&t, REQUEST("BENOTIFY"), "");
	assert_int_equal(refusal_build(t.m, &r, out, REFUSAL_MAX), 0);
	rules_read(&t,
		   "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\nFrom: "
		   "<sip:a@x.test>;tag=f\r\nTo: <sip:b@ours.com>;tag=t\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n",
		   "");
	assert_int_equal(refusal_build(t.m, &r, out, REFUSAL_MAX), 0);
}

/* fields that go with a status */
static void statuses(void **state)
{
	struct sip_validate_rules rules = {0};
	struct refusal r = base(POLICY_INBOUND);

	rules_read(&t, REQUEST("OPTIONS"), "");
	r.status = 200;
	built(&r);
	assert_int_equal(rules_count(out, "\r\nAllow: INVITE, "), 1);
	assert_int_equal(rules_count(out, "\r\nAccept: "), 1);
	assert_int_equal(rules_count(out, "\r\nSupported: \r\n"), 1);
	assert_int_equal(rules_count(out, "\r\nReason:") + rules_count(out, "ms-"), 0);
	r.status = 0;
	r.reason = POLICY_REASON_NEGOTIATE;
	rules_read(&t, REQUEST("NEGOTIATE"), "");
	assert_int_equal(rules_count(built(&r), "SIP/2.0 405 Method Not Allowed\r\n"), 1);
	assert_int_equal(rules_count(out, "\r\nAllow: "), 1);
	r.reason = POLICY_REASON_RATE;
	r.retry_after_s = 5;
	assert_int_equal(rules_count(built(&r), "SIP/2.0 503 Service Unavailable\r\n"), 1);
	assert_int_equal(rules_count(out, "\r\nRetry-After: 5\r\n"), 1);
	r = base(POLICY_INBOUND);
	r.status = 100;
	assert_int_equal(rules_count(built(&r), "SIP/2.0 100 Trying\r\n"), 1);
	assert_int_equal(rules_count(out, ";tag="), 1);
	r.side = POLICY_OUTBOUND;
	assert_int_equal(rules_count(built(&r), "ms-"), 0);
	/* RFC 3261 section 16.3 item 5 */
	r = base(POLICY_INBOUND);
	free(t.bytes);
	t.bytes = NULL;
	{
		static const char head[] =
			REQUEST("INVITE") "Proxy-Require: foo, bar\r\nContent-Length: 0\r\n\r\n";

		assert_int_equal(sip_msg_index(t.m, sip_kernel_choose(), &SIP_LIMITS_DEFAULT,
					       (const uint8_t *)head, sizeof(head) - 1),
				 SIP_REASON_OK);
		r.sip_reason = sip_validate(t.m, &rules, &t.core);
		r.rules = &rules;
		assert_int_equal(r.sip_reason, SIP_REASON_PROXY_REQUIRE);
		assert_int_equal(rules_count(built(&r), "SIP/2.0 420 Bad Extension\r\n"), 1);
		assert_int_equal(rules_count(out, "\r\nUnsupported: foo, bar\r\n"), 1);
		r.side = POLICY_OUTBOUND;
		assert_int_equal(rules_count(built(&r), ";sallyport=PROXY_REQUIRE\r\n"), 1);
	}
}

static void attributes(void **state)
{
	struct refusal r = base(POLICY_OUTBOUND);
	char value[1024];
	uint32_t n;

	r.reason = POLICY_REASON_TLS;
	r.domain = N("fabrikam.test");
	r.peer = N("sip.fabrikam.test");
	r.detail = 10060;
	n = refusal_diagnostics_write(&r, value, sizeof(value));
	value[n] = '\0';
	assert_string_equal(value,
			    "1047;reason=\"Failed to complete TLS negotiation with a federated peer "
			    "server\";WinsockFailureCode=\"10060\";Domain=\"fabrikam.test\";PeerServer="
			    "\"sip.fabrikam.test\";source=\"sip.ours.com\"");
	for (uint32_t size = 0; size < n; size++)
		assert_int_equal(refusal_diagnostics_write(&r, value, size), 0);
	r.reason = POLICY_REASON_NEXT_HOP_NAME;
	r.peer = N("x\"y");
	n = refusal_diagnostics_write(&r, value, sizeof(value));
	value[n] = '\0';
	assert_null(strstr(value, "tls-target"));
	assert_non_null(strstr(value, "HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\""));
	r = base(POLICY_OUTBOUND);
	assert_int_equal(refusal_reason_write(&r, value, sizeof(value)), 0);
	assert_int_equal(refusal_diagnostics_write(&r, value, sizeof(value)), 0);
	/* texts go between quotes as they are */
	for (unsigned i = 0; i < POLICY_REASONS; i++)
		assert_null(strpbrk(policy_reason_info(i)->text, "\"\\"));
	for (unsigned i = 0; i < SIP_REASON_COUNT; i++)
		assert_null(strpbrk(sip_reason_infos[i].text, "\"\\"));
}

/* every malformed message of the torture set that must be answered is, and the answer is well-formed */
static void malformed(void **state)
{
	struct sip_msg *again = sip_fixture_msg();
	unsigned answered = 0;
	char bytes[8192];

	for (size_t i = 0; i < sip_torture_n; i++) {
		size_t n = sip_torture_bytes(&sip_torture_set[i], bytes, sizeof(bytes));
		uint8_t *copy = sip_fixture_copy(bytes, n);
		struct refusal r = base(POLICY_OUTBOUND);
		int len;

		r.sip_reason =
			sip_msg_index(t.m, sip_kernel_choose(), &SIP_LIMITS_DEFAULT, copy, (uint32_t)n);
		if (r.sip_reason == SIP_REASON_OK)
			r.sip_reason = sip_validate(t.m, NULL, &t.core);
		if (r.sip_reason != SIP_REASON_OK &&
		    (sip_reason_infos[r.sip_reason].action == SIP_ACTION_ANSWER ||
		     sip_reason_infos[r.sip_reason].action == SIP_ACTION_ANSWER_CLOSE)) {
			len = refusal_build(t.m, &r, out, REFUSAL_MAX);
			if (len > 0) {
				answered++;
				assert_int_equal(sip_msg_index(again, sip_kernel_choose(),
							       &SIP_LIMITS_DEFAULT, (uint8_t *)out,
							       (uint32_t)len),
						 SIP_REASON_OK);
				assert_int_equal(again->status, sip_reason_infos[r.sip_reason].status);
			} else {
				assert_true(len == 0 || len == -EINVAL);
			}
		}
		free(copy);
	}
	assert_in_range(answered, 30, sip_torture_n);
	free(again);
}

static int close_all(void **state)
{
	rules_free(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),      cmocka_unit_test(partners),  cmocka_unit_test(known),
		cmocka_unit_test(tags),	      cmocka_unit_test(silent),	   cmocka_unit_test(statuses),
		cmocka_unit_test(attributes), cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, close_all);
}
