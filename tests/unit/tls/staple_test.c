/* SPDX-License-Identifier: BSD-3-Clause */
/* OCSP responses that we staple (RFC 6066 8), and which profiles shut peers without elliptic curves out. */
#include "tests/unit/tls/kit.h"

/* libssl hands a response through as it is: what it says is the client's to judge */
static const char ec_response[] = "response for the EC certificate";
static const char rsa_response[] = "response for the RSA certificate";

static struct {
	struct kit_cert ca, ec, rsa;
} w;

static int setup(void **state)
{
	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.ec = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test"});
	w.rsa = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test", .key = KIT_RSA});
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.ec);
	kit_cert_free(&w.rsa);
	return 0;
}

static void world(struct kit_side *s, bool responses)
{
	struct tls_pair ec = {kit_blob(w.ec.pem), kit_blob(w.ec.key_pem), {0}};
	struct tls_pair rsa = {kit_blob(w.rsa.pem), kit_blob(w.rsa.key_pem), {0}};
	struct tls_identity_spec id = {.name = "edge"};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};

	if (responses) {
		ec.ocsp = kit_blob(ec_response);
		rsa.ocsp = kit_blob(rsa_response);
	}
	id.server[0] = ec;
	id.server[1] = rsa;
	p.trust = kit_blob(w.ca.pem);
	p.revocation = TLS_REVOCATION_OFF;
	p.anonymous = true;
	kit_world(s, &spec);
}

/* what a client got, "" when nothing */
static void visit(struct kit_side *s, int version, const char *algorithms, bool asks, const char *expect)
{
	struct kit_foreign_ask ask = {.trust = w.ca.pem, .version = version};
	struct kit_foreign f;
	unsigned char *got = NULL;
	long len;

	kit_side_reset(s);
	kit_openssl(&f, &ask);
	assert_int_equal(SSL_set1_sigalgs_list(f.ssl, algorithms), 1);
	if (asks)
		SSL_set_tlsext_status_type(f.ssl, TLSEXT_STATUSTYPE_ocsp);
	kit_accept(s, 0);
	kit_pump(s, &f);
	assert_int_equal(s->app.ready, 1);
	assert_true(f.done);
	len = SSL_get_tlsext_status_ocsp_resp(f.ssl, &got);
	assert_int_equal(len < 0 ? 0 : len, strlen(expect));
	if (len > 0)
		assert_memory_equal(got, expect, strlen(expect));
	kit_foreign_free(&f);
}

static void stapled(void **state)
{
	/* of the two signatures of a peer of 1.3, each of our certificates makes one */
	static const char ec[] = "ECDSA+SHA256", rsa[] = "RSA-PSS+SHA256";

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct kit_side s;

		kit_side_init(&s, NULL);
		world(&s, true);
		/* each certificate its own; nothing unasked */
		visit(&s, version, ec, true, ec_response);
		visit(&s, version, rsa, true, rsa_response);
		visit(&s, version, ec, false, "");
		world(&s, false);
		visit(&s, version, ec, true, "");
		kit_side_fini(&s);
	}
}

static void needs_ec(void **state)
{
	struct tls_profile_spec p = tls_profile_modern;

	assert_true(tls_profile_needs_ec(&p));
	assert_false(tls_profile_needs_ec(&tls_profile_compat));
	p.suites_12 = "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256";
	assert_false(tls_profile_needs_ec(&p));
	p.suites_12 = "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA";
	assert_false(tls_profile_needs_ec(&p));
	/* suites that are taken out again do not help */
	p.suites_12 = "ECDHE-RSA-AES128-GCM-SHA256:!AES128-SHA:-DHE-RSA-AES128-GCM-SHA256";
	assert_true(tls_profile_needs_ec(&p));
	/* such a peer does not know TLS 1.3 */
	p = tls_profile_compat;
	p.version_min = TLS1_3_VERSION;
	assert_true(tls_profile_needs_ec(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(stapled), cmocka_unit_test(needs_ec)};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
