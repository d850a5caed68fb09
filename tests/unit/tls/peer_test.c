/* SPDX-License-Identifier: BSD-3-Clause */
/* Which names a certificate gives its holder, and which usages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "dataplane/tls/peer.h"

struct want {
	const char *what, *cn, *san, *eku;
	const char *names[4]; /* in order of the certificate */
	unsigned refused;
	bool from_cn;
	uint8_t eku_bits;
};

static const struct want table[] = {
	{"RFC 5922 7.1: a DNS name",
	 "other.test",
	 "DNS:sip.fabrikam.test",
	 NULL,
	 {"sip.fabrikam.test"},
	 0,
	 false,
	 16},
	{"case and trailing dot do not count",
	 "x",
	 "DNS:SIP.Fabrikam.TEST.",
	 NULL,
	 {"sip.fabrikam.test"},
	 0,
	 false,
	 16},
	{"host of a sip: URI", "x.test", "URI:sip:fabrikam.test", NULL, {"fabrikam.test"}, 0, false, 16},
	{"a URI with a user is no domain identity, and the CN is then asked",
	 "cn.test",
	 "URI:sip:alice@fabrikam.test",
	 NULL,
	 {"cn.test"},
	 1,
	 true,
	 16},
	{"a URI of another scheme is none",
	 "cn.test",
	 "URI:https://fabrikam.test",
	 NULL,
	 {"cn.test"},
	 1,
	 true,
	 16},
	{"a SAN identity silences the CN, even when refused",
	 "cn.test",
	 "DNS:bad_name.test",
	 NULL,
	 {NULL},
	 1,
	 false,
	 16},
	{"CN alone", "edge.fabrikam.test", NULL, NULL, {"edge.fabrikam.test"}, 0, true, 16},
	{"CN that is no domain", "Fabrikam Ltd", NULL, NULL, {NULL}, 1, false, 16},
	{"SAN of a kind that SIP ignores: the CN counts",
	 "cn.test",
	 "email:a@b.test",
	 NULL,
	 {"cn.test"},
	 0,
	 true,
	 16},
	{"an address is no name", "cn.test", "DNS:198.18.0.1", NULL, {NULL}, 1, false, 16},
	{"wildcard is kept for policy to judge",
	 "x",
	 "DNS:*.fabrikam.test",
	 NULL,
	 {"*.fabrikam.test"},
	 0,
	 false,
	 16},
	{"a star elsewhere is refused", "x", "DNS:a*.fabrikam.test", NULL, {NULL}, 1, false, 16},
	{"twice the same is once", "x", "DNS:a.test,URI:sip:A.test", NULL, {"a.test"}, 0, false, 16},
	{"several, in order",
	 "x",
	 "DNS:sip.a.test,URI:sips:b.test,DNS:c.test",
	 NULL,
	 {"sip.a.test", "b.test", "c.test"},
	 0,
	 false,
	 16},
	{"serverAuth only", "a.test", NULL, "serverAuth", {"a.test"}, 0, true, POLICY_EKU_SERVER},
	{"both",
	 "a.test",
	 NULL,
	 "serverAuth,clientAuth",
	 {"a.test"},
	 0,
	 true,
	 POLICY_EKU_SERVER | POLICY_EKU_CLIENT},
	{"RFC 5924", "a.test", NULL, "1.3.6.1.5.5.7.3.20", {"a.test"}, 0, true, POLICY_EKU_SIP_DOMAIN},
	{"any", "a.test", NULL, "anyExtendedKeyUsage", {"a.test"}, 0, true, POLICY_EKU_ANY_USAGE},
	{"unrelated usage gives nothing", "a.test", NULL, "codeSigning", {"a.test"}, 0, true, 0},
};

static X509 *make(const char *cn, const char *san, const char *eku)
{
	X509 *x = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_NAME *name = X509_get_subject_name(x);
	X509V3_CTX ctx;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (unsigned i = 0; i < 2; i++) {
		const char *value = i ? eku : san;
		X509_EXTENSION *e;

		if (!value)
			continue;
		e = X509V3_EXT_conf_nid(NULL, &ctx, i ? NID_ext_key_usage : NID_subject_alt_name, value);
		assert_non_null(e);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	X509_sign(x, key, EVP_sha256());
	EVP_PKEY_free(key);
	return x;
}

static void names_and_usages(void **state)
{
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct want *w = &table[i];
		X509 *x = make(w->cn, w->san, w->eku);
		struct tls_peer p;
		unsigned n = 0;

		assert_int_equal(tls_peer_read(x, &p), 0);
		while (n < 4 && w->names[n])
			n++;
		if (p.names != n || p.names_refused != w->refused || p.from_cn != w->from_cn ||
		    p.eku != w->eku_bits)
			fail_msg("%s: %u names, %u refused, cn %d, eku %u", w->what, p.names, p.names_refused,
				 p.from_cn, p.eku);
		for (unsigned k = 0; k < n; k++) {
			struct policy_name got = tls_peer_name(&p, k);

			if (got.len != strlen(w->names[k]) || memcmp(got.ptr, w->names[k], got.len))
				fail_msg("%s: name %u is %.*s", w->what, k, (int)got.len, got.ptr);
		}
		X509_free(x);
	}
}

/* CVE-2009-2408's shape: what follows the NUL must not be what policy sees */
static void nul_inside(void **state)
{
	static const char evil[] = "good.test\0.evil.test";
	X509 *x = make("x", NULL, NULL);
	GENERAL_NAMES *san = GENERAL_NAMES_new();
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();
	struct tls_peer p;

	ASN1_STRING_set(s, evil, sizeof(evil) - 1);
	GENERAL_NAME_set0_value(g, GEN_DNS, s);
	sk_GENERAL_NAME_push(san, g);
	assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, san, 0, 0), 1);
	GENERAL_NAMES_free(san);
	assert_int_equal(tls_peer_read(x, &p), 0);
	assert_int_equal(p.names, 0);
	assert_int_equal(p.names_refused, 1);
	X509_free(x);
}

/* more names than are looked at: counted, never out of bounds */
static void many_names(void **state)
{
	char san[16384];
	size_t at = 0;
	struct tls_peer p;
	X509 *x;

	for (unsigned i = 0; i < 400; i++)
		at += (size_t)snprintf(san + at, sizeof(san) - at, "%sDNS:n%u.some-long-domain.test",
				       i ? "," : "", i);
	x = make("x", san, NULL);
	assert_int_equal(tls_peer_read(x, &p), 0);
	assert_int_equal(p.names, TLS_PEER_NAMES);
	assert_int_equal(p.names_cut, 255); /* 336, saturated */
	X509_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_usages), cmocka_unit_test(nul_inside),
					   cmocka_unit_test(many_names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
