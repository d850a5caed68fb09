/* SPDX-License-Identifier: BSD-3-Clause */
/* Our provider against libcrypto's default one: the same secrets, the same keys, nothing accepted that the
 * other refuses. */
#include <stdio.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "dataplane/base/rng.h"
#include "dataplane/tls/core.h"
#include "tests/unit/tls/kit.h"

static struct kit_side side;

static int setup(void **state)
{
	kit_side_init(&side, NULL);
	return 0;
}

static int teardown(void **state)
{
	kit_side_fini(&side);
	return 0;
}

static void fill(struct base_rng *r, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)base_rng_next(r);
}

/* ---- TLS13-KDF ---- */

static int derive(OSSL_LIB_CTX *lib, const OSSL_PARAM *params, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(lib, "TLS13-KDF", NULL);
	EVP_KDF_CTX *c = EVP_KDF_CTX_new(kdf);
	int good = EVP_KDF_derive(c, out, len, params);

	assert_string_equal(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)), lib ? "edge" : "default");
	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
	return good;
}

static void kdf_agrees(void **state)
{
	struct base_rng r;

	base_rng_seed(&r, 7);
	for (unsigned i = 0; i < 200; i++) {
		static char names[2][8] = {"SHA256", "SHA384"};
		uint8_t key[1024], salt[48], label[24], data[48], ours[48] = {0}, theirs[48] = {1};
		size_t hash = i % 2 ? 48 : 32, n = hash;
		int mode = i % 4 < 2 ? EVP_KDF_HKDF_MODE_EXTRACT_ONLY : EVP_KDF_HKDF_MODE_EXPAND_ONLY;
		OSSL_PARAM p[8], *at = p;

		fill(&r, key, sizeof(key));
		fill(&r, salt, sizeof(salt));
		fill(&r, label, sizeof(label));
		fill(&r, data, sizeof(data));
		*at++ = OSSL_PARAM_construct_int("mode", &mode);
		*at++ = OSSL_PARAM_construct_utf8_string("digest", names[i % 2], 0);
		*at++ = OSSL_PARAM_construct_octet_string("prefix", (char[]){"tls13 "}, 6);
		if (mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) {
			/* no secret, one of X25519, of ffdhe3072, of ffdhe8192 */
			static const size_t lens[4] = {0, 32, 384, 1024};

			if (lens[i / 8 % 4])
				*at++ = OSSL_PARAM_construct_octet_string("key", key, lens[i / 8 % 4]);
			if (i / 4 % 2)
				*at++ = OSSL_PARAM_construct_octet_string("salt", salt, hash);
			*at++ = OSSL_PARAM_construct_octet_string("label", (char[]){"derived"}, 7);
		} else {
			*at++ = OSSL_PARAM_construct_octet_string("key", key, hash);
			*at++ = OSSL_PARAM_construct_octet_string("label", label, i / 4 % 25);
			if (i / 8 % 2)
				*at++ = OSSL_PARAM_construct_octet_string("data", data, hash);
			n = 1 + base_rng_below(&r, (uint32_t)hash);
		}
		*at = OSSL_PARAM_construct_end();
		assert_int_equal(derive(NULL, p, theirs, n), 1);
		assert_int_equal(derive(side.core->lib, p, ours, n), 1);
		assert_memory_equal(ours, theirs, n);
	}
}

static void kdf_refuses(void **state)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY, both = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
	uint8_t key[64] = {0}, out[64];
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_int("mode", &mode),
		OSSL_PARAM_construct_utf8_string("digest", (char[]){"SHA512"}, 0),
		OSSL_PARAM_construct_octet_string("key", key, 32),
		OSSL_PARAM_construct_end(),
	};

	assert_int_equal(derive(side.core->lib, p, out, 32), 0);
	p[1] = OSSL_PARAM_construct_utf8_string("digest", (char[]){"SHA256"}, 0);
	assert_int_equal(derive(side.core->lib, p, out, 32), 1);
	assert_int_equal(derive(side.core->lib, p, out, 33), 0); /* more than one round */
	p[0] = OSSL_PARAM_construct_int("mode", &both);
	assert_int_equal(derive(side.core->lib, p, out, 32), 0);
	p[0] = OSSL_PARAM_construct_int("mode", &mode);
	p[2] = OSSL_PARAM_construct_octet_string("key", key, 31);
	assert_int_equal(derive(side.core->lib, p, out, 32), 0);
}

/* ---- public keys of certificates ---- */

static EVP_PKEY *read_key(OSSL_LIB_CTX *lib, const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	EVP_PKEY *key = d2i_PUBKEY_ex(NULL, &p, (long)len, lib, NULL);

	if (key && p != der + len) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static int der_of(EVP_PKEY *key, uint8_t der[1024])
{
	uint8_t *p = der;

	assert_in_range(i2d_PUBKEY(key, NULL), 1, 1024);
	return i2d_PUBKEY(key, &p);
}

static void keys_agree(void **state)
{
	static const char *const curves[] = {"P-256", "P-384", "P-521"};

	for (unsigned i = 0; i < 40; i++) {
		EVP_PKEY *key, *ours, *theirs;
		uint8_t der[1024], sig[256], text[3] = "abc";
		size_t sig_len = sizeof(sig);
		EVP_MD_CTX *c = EVP_MD_CTX_new();
		int len;

		key = i % 5 < 3	   ? EVP_EC_gen(curves[i % 5])
		      : i % 5 == 3 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
				   : EVP_RSA_gen(1024);
		if (i % 5 < 3 && i > 20)
			assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"),
					 1);
		len = der_of(key, der);
		theirs = read_key(NULL, der, (size_t)len);
		/* the second time it was read before */
		for (unsigned again = 0; again < 2; again++) {
			ours = read_key(side.core->lib, der, (size_t)len);
			assert_non_null(ours);
			assert_int_equal(EVP_PKEY_eq(ours, theirs), 1);
			if (again == 0)
				EVP_PKEY_free(ours);
		}
		assert_int_equal(
			EVP_DigestSignInit_ex(c, NULL, i % 5 == 3 ? NULL : "SHA256", NULL, NULL, key, NULL),
			1);
		assert_int_equal(EVP_DigestSign(c, sig, &sig_len, text, 3), 1);
		for (unsigned bad = 0; bad < 2; bad++) {
			EVP_MD_CTX_reset(c);
			text[0] ^= (uint8_t)bad;
			assert_int_equal(EVP_DigestVerifyInit_ex(c, NULL, i % 5 == 3 ? NULL : "SHA256",
								 side.core->lib, NULL, ours, NULL),
					 1);
			assert_int_equal(EVP_DigestVerify(c, sig, sig_len, text, 3) == 1, !bad);
		}
		EVP_MD_CTX_free(c);
		EVP_PKEY_free(ours);
		EVP_PKEY_free(theirs);
		EVP_PKEY_free(key);
	}
}

/* each bit of the encoding turned over, each length cut off: what we take, libcrypto takes, as the same key
 */
static void damaged_keys(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	uint8_t der[1024];
	int len = der_of(key, der);
	unsigned taken = 0;

	for (int i = 0; i < len * 8 + len; i++) {
		EVP_PKEY *ours, *theirs;
		uint8_t bad[1024];
		int n = i < len * 8 ? len : i - len * 8;

		memcpy(bad, der, sizeof(bad));
		if (i < len * 8)
			bad[i / 8] ^= (uint8_t)(1 << i % 8);
		ours = read_key(side.core->lib, bad, (size_t)n);
		theirs = read_key(NULL, bad, (size_t)n);
		if (ours) {
			taken++;
			assert_non_null(theirs);
			assert_int_equal(EVP_PKEY_eq(ours, theirs), 1);
		}
		EVP_PKEY_free(ours);
		EVP_PKEY_free(theirs);
	}
	assert_true(taken < 16);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kdf_agrees),
		cmocka_unit_test(kdf_refuses),
		cmocka_unit_test(keys_agree),
		cmocka_unit_test(damaged_keys),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
