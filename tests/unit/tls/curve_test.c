/* SPDX-License-Identifier: BSD-3-Clause */
/* Which version a server speaks with the certificates that it has: TLS 1.3 where one of them can sign there
 * (RFC 8446 4.2.3), else TLS 1.2, and never a handshake that fails over it. */
#include <openssl/ec.h>

#include "tests/unit/tls/kit.h"

/* NULL: none of that kind */
static void speaks(const char *curve, bool rsa, int version)
{
	struct kit_cert ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true}), certs[2] = {0};
	struct kit_cert holder = {.key = curve ? EVP_EC_gen(curve) : NULL};
	struct tls_identity_spec id = {.name = "edge"};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};
	struct kit_foreign_ask ask = {.trust = ca.pem};
	struct kit_foreign f;
	struct kit_side s;
	unsigned n = 0;

	kit_side_init(&s, NULL);
	if (curve)
		certs[n++] = kit_cert(
			&ca, (struct kit_ask){.cn = "us", .san = "DNS:us.test", .same_key = &holder});
	if (rsa)
		certs[n++] =
			kit_cert(&ca, (struct kit_ask){.cn = "us", .san = "DNS:us.test", .key = KIT_RSA});
	for (unsigned i = 0; i < n; i++)
		id.server[i] = (struct tls_pair){kit_blob(certs[i].pem), kit_blob(certs[i].key_pem), {0}};
	p.trust = kit_blob(ca.pem);
	p.revocation = TLS_REVOCATION_OFF;
	p.anonymous = true;
	kit_world(&s, &spec);
	kit_openssl(&f, &ask);
	/* as peers do that know this curve; libssl of today has it for TLS 1.2 alone */
	assert_int_equal(SSL_set1_groups_list(f.ssl, "X25519:P-256:P-384:P-521:brainpoolP256r1"), 1);
	kit_accept(&s, 0);
	kit_pump(&s, &f);
	assert_true(f.done);
	assert_int_equal(s.app.ready, 1);
	assert_int_equal(SSL_version(f.ssl), version);
	kit_foreign_free(&f);
	kit_side_fini(&s);
	EVP_PKEY_free(holder.key);
	kit_cert_free(&ca);
	for (unsigned i = 0; i < n; i++)
		kit_cert_free(&certs[i]);
}

static void curves(void **state)
{
	speaks("P-256", false, TLS1_3_VERSION);
	speaks("P-384", false, TLS1_3_VERSION);
	speaks("P-521", false, TLS1_3_VERSION);
	speaks(NULL, true, TLS1_3_VERSION);
	speaks("brainpoolP256r1", false, TLS1_2_VERSION);
	speaks("brainpoolP256r1", true, TLS1_3_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(curves)};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
