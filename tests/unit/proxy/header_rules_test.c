/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/header_rules.h"

#include <errno.h>

#include "bench/sip_parse/sip_corpus.h"
#include "dataplane/base/rng.h"
#include "tests/unit/proxy/rules_fixture.h"

static struct rules_message t;
static struct policy_verdict verdict;
static char scratch[16384];

#define REQUEST                                                                                            \
	"MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\nMax-Forwards: 9\r\n" \
	"From: <sip:a@fabrikam.test>;tag=f\r\nTo: <sip:b@ours.com>\r\nCall-ID: c@h\r\nCSeq: 1 MESSAGE\r\n"
#define RESPONSE(status)                                                                             \
	"SIP/2.0 " status " X\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\nFrom: <sip:a@ours.com>;" \
	"tag=f\r\nTo: <sip:b@fabrikam.test>;tag=t\r\nCall-ID: c@h\r\nCSeq: 1 MESSAGE\r\n"

/* what arrives on one side and leaves on the other */
static const char *through(uint8_t arrived, bool leaves_external, bool diagnostics_out)
{
	struct header_rules r = {.edge = N("sip.ours.com"),
				 .diagnostics_out = diagnostics_out,
				 .arrived = arrived,
				 .leaves_external = leaves_external,
				 .verdict = &verdict,
				 .peer = N("sip.fabrikam.test"),
				 .max_forwards = t.core.max_forwards};
	struct sip_edit e;

	sip_edit_init(&e, t.m, scratch, sizeof(scratch));
	assert_int_equal(header_rules_apply(&e, &r), 0);
	return rules_emit(&e);
}

static void given(uint8_t source, uint8_t mark, unsigned flags)
{
	verdict = (struct policy_verdict){.type = POLICY_TYPE_DISCOVERED,
					  .source = source,
					  .mark = mark,
					  .flags = (uint16_t)flags,
					  .domain = N("fabrikam.test"),
					  .identity = N("sip.fabrikam.test")};
}

static void trust(void **state)
{
	rules_read(&t, REQUEST, "hi");
	given(POLICY_SOURCE_AUTO, POLICY_MARK_VERIFIED, 0);
	assert_string_equal(
		through(POLICY_INBOUND, false, false),
		"MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\n"
		"Max-Forwards: 8\r\nFrom: <sip:a@fabrikam.test>;tag=f\r\nTo: <sip:b@ours.com>\r\n"
		"Call-ID: c@h\r\nCSeq: 1 MESSAGE\r\nContent-Length: 2\r\n"
		"ms-edge-proxy-message-trust: ms-source-type=AutoFederation;ms-ep-fqdn=sip.ours.com;"
		"ms-source-verified-user=verified;ms-source-network=federation\r\n\r\nhi");
	given(POLICY_SOURCE_PUBLIC, POLICY_MARK_UNVERIFIED, 0);
	assert_non_null(strstr(through(POLICY_INBOUND, false, false),
			       "ms-source-type=AuthorizedServer;ms-ep-fqdn=sip.ours.com;"
			       "ms-source-verified-user=unverified;ms-source-network=publiccloud;"
			       "ms-remote-fqdn=sip.fabrikam.test\r\n"));
	given(POLICY_SOURCE_DIRECT, POLICY_MARK_VERIFIED, 0);
	assert_non_null(strstr(through(POLICY_INBOUND, false, false), "ms-source-type=DirectPartner;"));
	given(POLICY_SOURCE_AUTHORIZED, POLICY_MARK_VERIFIED, 0);
	assert_non_null(strstr(through(POLICY_INBOUND, false, false),
			       "ms-source-type=AuthorizedServer;ms-ep-fqdn=sip.ours.com;"
			       "ms-source-verified-user=verified;ms-source-network=federation\r\n"));
	/* a name that could break out is left out */
	given(POLICY_SOURCE_PUBLIC, POLICY_MARK_VERIFIED, 0);
	verdict.identity = N("*.fabrikam.test\r\nX: y");
	assert_null(strstr(through(POLICY_INBOUND, false, false), "ms-remote-fqdn"));
}

/* every spelling of a name that SIP allows, in every number and place: RFC 3261 sections 7.3.1 and 7.3.3 */
static const char *const spelling[] = {"%s: evil\r\n",
				       "%s : evil\r\n",
				       "%s\t \t: evil\r\n",
				       "%s:evil\r\n",
				       "%s:\r\n evil\r\n",
				       "%s: a\r\n\tb\r\n  evil\r\n",
				       "%s: a, evil,b\r\n",
				       "%s: \"evil\\\"\" <x>\r\n",
				       "%s:\r\n"};

static void cased(char *out, size_t size, const char *name, struct base_rng *r)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < size; i++) {
		bool letter = (name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z';

		out[i] = letter && base_rng_below(r, 2) ? (char)(name[i] ^ 0x20) : name[i];
	}
	out[i] = '\0';
}

/* header lines with `name` in random spellings among others that must stay */
static void spelt(char *head, size_t size, const char *name, struct base_rng *r)
{
	char one[80];
	size_t n = (size_t)snprintf(head, size, "%s", REQUEST);
	unsigned k = 1 + base_rng_below(r, 4);

	for (unsigned i = 0; i < k; i++) {
		cased(one, sizeof(one), name, r);
		n += (size_t)snprintf(head + n, size - n, "X-%s: stays%u\r\n%sZz: stays\r\n", one, i, "");
		n += (size_t)snprintf(head + n, size - n,
				      spelling[base_rng_below(r, sizeof(spelling) / sizeof(spelling[0]))],
				      one);
	}
}

/* a well-formed value where the validator would refuse another */
static void spelt_address(char *head, size_t size, const char *name, struct base_rng *r)
{
	static const char *const form[] = {"%s: <sip:evil@x.test>\r\n", "%s  :\r\n <sip:evil@x.test>\r\n",
					   "%s:sip:evil@x.test , <sip:evil@y.test>\r\n"};
	char one[80];
	size_t n = (size_t)snprintf(head, size, "%s", REQUEST);

	for (unsigned i = 0; i < 3; i++) {
		cased(one, sizeof(one), name, r);
		n += (size_t)snprintf(head + n, size - n, form[base_rng_below(r, 3)], one);
		n += (size_t)snprintf(head + n, size - n, "x%s: stays\r\n", one);
	}
}

struct strip_row {
	const char *name;
	bool address;  /* the validator reads it */
	bool in, out;  /* goes on the way in, on the way out */
	unsigned keep; /* verdict flag that keeps it */
};

static const struct strip_row strips[] = {
	{"ms-edge-proxy-message-trust", false, true, true, 0},
	{"P-Asserted-Identity", true, true, true, POLICY_VERDICT_KEEP_PAI},
	{"P-Asserted-Service", false, true, true, POLICY_VERDICT_KEEP_PAI},
	{"P-Preferred-Identity", true, true, true, 0},
	{"Remote-Party-ID", false, true, true, 0},
	{"ms-split-domain-info", false, true, true, POLICY_VERDICT_KEEP_SPLIT},
	{"ms-asserted-verification-level", false, true, true, 0},
	{HEADER_RIGHTS, false, true, true, 0},
	{"ms-diagnostics", false, false, true, 0},
	{"ms-diagnostics-public", false, false, false, 0},
	{"Identity", false, false, false, 0},
	{"Reason", false, false, false, 0},
	{"ms-client-diagnostics", false, false, false, 0},
};

static void strip_one(const struct strip_row *row, const char *head, uint8_t arrived, bool external,
		      unsigned flags)
{
	const char *out;
	bool goes = external ? row->out : row->in;

	rules_read(&t, head, "evil body");
	given(POLICY_SOURCE_AUTO, POLICY_MARK_UNVERIFIED, flags);
	out = through(arrived, external, false);
	if (row->keep && (flags & row->keep))
		goes = false;
	if (goes && rules_count(out, "evil") != 1)
		fail_msg("%s %s: %s", row->name, external ? "out" : "in", out);
	/* what is not named stays, all of it */
	if (!goes && rules_count(out, "evil") != rules_count((const char *)head, "evil") + 1)
		fail_msg("%s touched: %s", row->name, out);
	assert_int_equal(rules_count(out, "stays"), rules_count(head, "stays"));
}

static void strip(void **state)
{
	const char *more = getenv("SALLYPORT_TEST_LONG");
	unsigned rounds = more && *more == '1' ? 10000 : 1000;
	char head[4096];
	struct base_rng r;

	base_rng_seed(&r, 4);
	for (unsigned i = 0; i < rounds; i++)
		for (unsigned k = 0; k < sizeof(strips) / sizeof(strips[0]); k++) {
			const struct strip_row *row = &strips[k];

			if (row->address)
				spelt_address(head, sizeof(head), row->name, &r);
			else
				spelt(head, sizeof(head), row->name, &r);
			strip_one(row, head, POLICY_INBOUND, false, 0);
			strip_one(row, head, POLICY_OUTBOUND, true, 0);
			if (row->keep) {
				strip_one(row, head, POLICY_INBOUND, false, row->keep);
				strip_one(row, head, POLICY_OUTBOUND, true, row->keep);
			}
		}
}

/* the edge's own line is there once, whatever an outsider sent */
static void once(void **state)
{
	const char *out;

	rules_read(&t,
		   REQUEST "Ms-Edge-Proxy-Message-Trust: ms-source-type=DirectPartner\r\n"
			   "MS-EDGE-PROXY-MESSAGE-TRUST : ms-source-type=DirectPartner\r\n",
		   "");
	given(POLICY_SOURCE_AUTO, POLICY_MARK_UNVERIFIED, 0);
	out = through(POLICY_INBOUND, false, false);
	assert_int_equal(rules_count(out, "ms-edge-proxy-message-trust"), 1);
	assert_int_equal(rules_count(out, "DirectPartner"), 0);
	out = through(POLICY_OUTBOUND, true, true);
	assert_int_equal(rules_count(out, "ms-edge-proxy-message-trust"), 0);
}

static void mark_outgoing(void **state)
{
	static const char line[] = "ms-asserted-verification-level: ms-source-verified-user=verified\r\n";
	const char *out;

	rules_read(&t, REQUEST "ms-asserted-verification-level: ms-source-verified-user=unverified\r\n", "");
	given(POLICY_SOURCE_AUTO, 0, POLICY_VERDICT_MARK_OUTGOING);
	out = through(POLICY_OUTBOUND, true, false);
	assert_int_equal(rules_count(out, "ms-asserted-verification-level"), 1);
	assert_int_equal(rules_count(out, line), 1);
	given(POLICY_SOURCE_AUTO, 0, 0);
	assert_int_equal(rules_count(through(POLICY_OUTBOUND, true, false), "ms-asserted"), 0);
	/* a clearing house passes on its own finding, and trusts for nobody else */
	rules_read(&t, REQUEST "P-Asserted-Identity: <sip:a@fabrikam.test>\r\n", "");
	given(POLICY_SOURCE_AUTO, POLICY_MARK_VERIFIED, POLICY_VERDICT_KEEP_PAI | POLICY_VERDICT_EXTERNAL);
	out = through(POLICY_INBOUND, true, false);
	assert_int_equal(rules_count(out, line), 1);
	assert_int_equal(rules_count(out, "P-Asserted-Identity"), 0);
	assert_int_equal(rules_count(out, "ms-edge-proxy-message-trust"), 0);
	given(POLICY_SOURCE_AUTO, POLICY_MARK_UNVERIFIED, POLICY_VERDICT_EXTERNAL);
	assert_int_equal(rules_count(through(POLICY_INBOUND, true, false), "ms-asserted"), 0);
}

static void forwards(void **state)
{
	given(POLICY_SOURCE_AUTO, 0, 0);
	rules_read(&t, REQUEST, "");
	assert_non_null(strstr(through(POLICY_OUTBOUND, true, false), "Max-Forwards: 8\r\n"));
	rules_read(&t,
		   "MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\n"
		   "From: <sip:a@fabrikam.test>;tag=f\r\nTo: <sip:b@ours.com>\r\nCall-ID: c@h\r\nCSeq: 1 "
		   "MESSAGE\r\n",
		   "");
	assert_non_null(strstr(through(POLICY_OUTBOUND, true, false), "Max-Forwards: 70\r\n"));
	rules_read(&t, RESPONSE("200"), "");
	assert_null(strstr(through(POLICY_OUTBOUND, true, false), "Max-Forwards"));
}

/* Routes that are left in a request outside of a dialog are nobody's */
static void routes(void **state)
{
	given(POLICY_SOURCE_AUTO, 0, 0);
	rules_read(&t, REQUEST "Route: <sip:evil.test;lr>\r\nROUTE : <sip:evil.test;lr>\r\n", "");
	assert_int_equal(rules_count(through(POLICY_INBOUND, false, false), "evil"), 0);
	assert_int_equal(rules_count(through(POLICY_OUTBOUND, true, false), "evil"), 2);
	/* in a dialog what is behind ours is the route set */
	rules_read(&t,
		   "BYE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\nFrom: "
		   "<sip:a@fabrikam.test>;tag=f\r\nTo: <sip:b@ours.com>;tag=t\r\nCall-ID: c@h\r\nCSeq: 1 "
		   "BYE\r\nRoute: <sip:pool.test;lr>\r\n",
		   "");
	assert_int_equal(rules_count(through(POLICY_INBOUND, false, false), "pool.test"), 1);
}

static void unexplained(void **state)
{
	static const char want[] =
		"ms-diagnostics: 1034;reason=\"Previous hop federated peer did not report diagnostic "
		"information\";Domain=\"fabrikam.test\";PeerServer=\"sip.fabrikam.test\";source=\"sip.ours."
		"com\"\r\n";
	const char *out;

	given(POLICY_SOURCE_AUTO, POLICY_MARK_VERIFIED, 0);
	rules_read(&t, RESPONSE("486"), "");
	out = through(POLICY_INBOUND, false, false);
	assert_non_null(strstr(out, want));
	assert_memory_equal(out, "SIP/2.0 486 X\r\n", 15);
	assert_int_equal(rules_count(out, "ms-edge-proxy-message-trust"), 1);
	rules_read(&t, RESPONSE("404") "MS-Diagnostics: 1003;reason=\"x\"\r\n", "");
	out = through(POLICY_INBOUND, false, false);
	assert_int_equal(rules_count(out, "ms-diagnostics"), 1);
	assert_int_equal(rules_count(out, "1034"), 0);
	rules_read(&t, RESPONSE("200"), "");
	assert_int_equal(rules_count(through(POLICY_INBOUND, false, false), "ms-diagnostics"), 0);
	verdict.type = POLICY_TYPE_SHARED;
	rules_read(&t, RESPONSE("480"), "");
	assert_int_equal(rules_count(through(POLICY_INBOUND, false, false), "ms-diagnostics: 1036;"), 1);
	/* out: our servers' diagnostics stay here, unless the switch says otherwise; -public crosses */
	given(POLICY_SOURCE_AUTO, 0, 0);
	rules_read(&t, RESPONSE("404") "ms-diagnostics: 1003\r\nms-diagnostics-public: 1003\r\n", "");
	out = through(POLICY_OUTBOUND, true, false);
	assert_int_equal(rules_count(out, "ms-diagnostics:"), 0);
	assert_int_equal(rules_count(out, "ms-diagnostics-public:"), 1);
	assert_int_equal(rules_count(through(POLICY_OUTBOUND, true, true), "ms-diagnostics:"), 1);
}

/* RFC 8224: what is signed, and all that no rule names, leaves as it came, byte for byte */
static void fidelity(void **state)
{
	static const enum sip_header_id touched[] = {
		SIP_HDR_MAX_FORWARDS, SIP_HDR_P_ASSERTED_IDENTITY, SIP_HDR_MS_EDGE_PROXY_MESSAGE_TRUST,
		SIP_HDR_MS_ASSERTED_VERIFICATION_LEVEL, SIP_HDR_MS_DIAGNOSTICS};
	struct sip_msg *m = sip_fixture_msg();
	struct sip_corpus c;
	struct header_rules r = {.edge = N("sip.ours.com"), .verdict = &verdict, .max_forwards = 70};

	given(POLICY_SOURCE_AUTO, POLICY_MARK_VERIFIED, POLICY_VERDICT_MARK_OUTGOING);
	sip_corpus_make(&c, 300, 8);
	for (unsigned i = 0; i < 2 * c.n; i++) {
		const struct sip_corpus_message *one = &c.message[i / 2];
		const char *out, *p;
		struct sip_edit e;
		size_t out_len;

		assert_int_equal(sip_msg_index(m, sip_kernel_choose(), &SIP_LIMITS_DEFAULT,
					       (const uint8_t *)one->bytes, one->len),
				 SIP_REASON_OK);
		r.arrived = i % 2 ? POLICY_OUTBOUND : POLICY_INBOUND;
		r.leaves_external = i % 2;
		sip_edit_init(&e, m, scratch, sizeof(scratch));
		assert_int_equal(header_rules_apply(&e, &r), 0);
		out = rules_emit(&e);
		out_len = sip_edit_length(&e);
		/* the fields in order, but for those of the rules; then the body */
		p = out;
		for (unsigned k = 0; k < m->n_headers; k++) {
			const struct sip_header *h = &m->header[k];
			bool named = false;
			const char *at;

			for (unsigned x = 0; x < sizeof(touched) / sizeof(touched[0]); x++)
				named |= h->id == touched[x];
			if (named)
				continue;
			at = memmem(p, out_len - (size_t)(p - out), one->bytes + h->line, h->end - h->line);
			if (!at)
				fail_msg("%.*s is gone", (int)(h->end - h->line), one->bytes + h->line);
			p = at + (h->end - h->line);
		}
		assert_memory_equal(out + out_len - (one->len - m->head_len), one->bytes + m->head_len,
				    one->len - m->head_len);
	}
	sip_corpus_free(&c);
	free(m);
}

/* too many for the edit list, too little scratch: an error, never half of the rules */
static void room(void **state)
{
	char head[9000];
	size_t n = (size_t)snprintf(head, sizeof(head), "%s", REQUEST);
	struct header_rules r = {.edge = N("sip.ours.com"), .verdict = &verdict, .max_forwards = 70};
	struct sip_edit e;

	given(POLICY_SOURCE_AUTO, 0, 0);
	for (unsigned i = 0; i < 120; i++)
		n += (size_t)snprintf(head + n, sizeof(head) - n,
				      "Zz: y\r\nRemote-Party-ID: <sip:e@x.test>\r\n");
	rules_read(&t, head, "");
	sip_edit_init(&e, t.m, scratch, sizeof(scratch));
	assert_int_equal(header_rules_apply(&e, &r), -ENOSPC);
	rules_read(&t, REQUEST, "");
	for (uint32_t size = 0; size < 150; size += 10) {
		sip_edit_init(&e, t.m, scratch, size);
		assert_int_equal(header_rules_apply(&e, &r), -ENOSPC);
	}
}

static int close_all(void **state)
{
	rules_free(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trust),	 cmocka_unit_test(strip),    cmocka_unit_test(once),
		cmocka_unit_test(mark_outgoing), cmocka_unit_test(forwards), cmocka_unit_test(routes),
		cmocka_unit_test(unexplained),	 cmocka_unit_test(fidelity), cmocka_unit_test(room),
	};

	return cmocka_run_group_tests(tests, NULL, close_all);
}
