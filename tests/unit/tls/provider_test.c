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

/* in a step of a handshake secrets are asked for again and again: the answers are the same, and nothing is
 * left of them afterwards */
static void kdf_in_a_step(void **state)
{
	static const uint8_t nothing[sizeof(side.core->providers.ours->schedules)];
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	uint8_t secrets[TLS_PROVIDER_SCHEDULES + 2][48];
	struct base_rng r;

	base_rng_seed(&r, 8);
	for (unsigned step = 0; step < 8; step++) {
		fill(&r, secrets[0], sizeof(secrets));
		tls_provider_step(side.core->providers.ours, true);
		for (unsigned i = 0; i < 64; i++) {
			uint8_t label[20], data[48], ours[48], theirs[48];
			bool long_hash = base_rng_below(&r, 2);
			size_t n = long_hash ? 48 : 32;
			OSSL_PARAM p[] = {
				OSSL_PARAM_construct_int("mode", &mode),
				OSSL_PARAM_construct_utf8_string(
					"digest", long_hash ? (char[]){"SHA384"} : (char[]){"SHA256"}, 0),
				OSSL_PARAM_construct_octet_string(
					"key", secrets[base_rng_below(&r, TLS_PROVIDER_SCHEDULES + 2)], n),
				OSSL_PARAM_construct_octet_string("label", label, base_rng_below(&r, 21)),
				OSSL_PARAM_construct_octet_string("data", data, base_rng_below(&r, 2) * n),
				OSSL_PARAM_construct_end(),
			};

			fill(&r, label, sizeof(label));
			fill(&r, data, sizeof(data));
			assert_int_equal(derive(NULL, p, theirs, n), 1);
			assert_int_equal(derive(side.core->lib, p, ours, n), 1);
			assert_memory_equal(ours, theirs, n);
		}
		assert_memory_not_equal(side.core->providers.ours->schedules, nothing, sizeof(nothing));
		tls_provider_step(side.core->providers.ours, false);
		assert_memory_equal(side.core->providers.ours->schedules, nothing, sizeof(nothing));
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

/* ---- HMAC ---- */

static EVP_MAC_CTX *mac_new(OSSL_LIB_CTX *lib, const char *hash, int *good)
{
	EVP_MAC *mac = EVP_MAC_fetch(lib, "HMAC", NULL);
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
	OSSL_PARAM p[] = {OSSL_PARAM_construct_utf8_string("digest", (char *)(uintptr_t)hash, 0),
			  OSSL_PARAM_construct_end()};

	assert_string_equal(OSSL_PROVIDER_get0_name(EVP_MAC_get0_provider(mac)), lib ? "edge" : "default");
	*good = EVP_MAC_CTX_set_params(c, p);
	EVP_MAC_free(mac);
	return c;
}

static EVP_MD_CTX *signer(OSSL_LIB_CTX *lib, const char *hash, const uint8_t *key, size_t len)
{
	EVP_PKEY *k = EVP_PKEY_new_raw_private_key_ex(lib, "HMAC", NULL, key, len);
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	assert_string_equal(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(k)), lib ? "edge" : "default");
	assert_int_equal(EVP_DigestSignInit_ex(c, NULL, hash, lib, NULL, k, NULL), 1);
	EVP_PKEY_free(k);
	return c;
}

/* as a signature: binders with the hashes of TLS 1.3, records of CBC suites with SHA-1 */
static void mac_signs(void **state)
{
	static const char *const hashes[] = {"SHA2-256", "SHA384", "SHA1", "SHA2-512"};
	static const size_t key_lens[] = {1, 20, 32, 48, 64, 65, 128, 129, 200};
	struct base_rng r;

	base_rng_seed(&r, 10);
	for (unsigned i = 0; i < 180; i++) {
		uint8_t key[200], text[300], out[3][64] = {0};
		size_t n[3], len = i % 3 ? sizeof(text) : base_rng_below(&r, 64);
		size_t cut = base_rng_below(&r, (uint32_t)len + 1);
		EVP_MD_CTX *c[3];

		fill(&r, key, sizeof(key));
		fill(&r, text, sizeof(text));
		c[0] = signer(NULL, hashes[i % 4], key, key_lens[i / 4 % 9]);
		c[1] = signer(side.core->lib, hashes[i % 4], key, key_lens[i / 4 % 9]);
		c[2] = EVP_MD_CTX_new();
		assert_int_equal(EVP_DigestSignUpdate(c[0], text, len), 1);
		assert_int_equal(EVP_DigestSignUpdate(c[1], text, cut), 1);
		/* CBC suites copy one context for each record */
		assert_int_equal(EVP_MD_CTX_copy_ex(c[2], c[1]), 1);
		for (unsigned k = 1; k < 3; k++)
			assert_int_equal(EVP_DigestSignUpdate(c[k], text + cut, len - cut), 1);
		assert_int_equal(EVP_DigestSignFinal(c[1], NULL, &n[1]), 1);
		assert_int_equal(n[1], EVP_MD_get_size(EVP_get_digestbyname(i % 4 == 0	 ? "SHA256"
									    : i % 4 == 1 ? "SHA384"
									    : i % 4 == 2 ? "SHA1"
											 : "SHA512")));
		for (unsigned k = 0; k < 3; k++) {
			n[k] = sizeof(out[k]);
			assert_int_equal(EVP_DigestSignFinal(c[k], out[k], &n[k]), 1);
			assert_int_equal(n[k], n[0]);
			assert_memory_equal(out[k], out[0], n[0]);
			EVP_MD_CTX_free(c[k]);
		}
	}
}

static void mac_agrees(void **state)
{
	static const size_t key_lens[] = {1, 32, 48, 64, 65, 128, 129, 200};
	struct base_rng r;

	base_rng_seed(&r, 9);
	for (unsigned i = 0; i < 200; i++) {
		const char *hash = i % 2 ? "SHA384" : "SHA2-256";
		uint8_t key[200], text[300], out[4][48] = {0};
		size_t n, cut = base_rng_below(&r, sizeof(text) + 1), key_len = key_lens[i / 2 % 8];
		int good[2];
		EVP_MAC_CTX *theirs = mac_new(NULL, hash, &good[0]);
		EVP_MAC_CTX *ours = mac_new(side.core->lib, hash, &good[1]), *copy;

		assert_true(good[0] && good[1]);
		fill(&r, key, sizeof(key));
		fill(&r, text, sizeof(text));
		assert_true(EVP_MAC_init(theirs, key, key_len, NULL));
		assert_true(EVP_MAC_update(theirs, text, sizeof(text)));
		assert_true(EVP_MAC_final(theirs, out[0], &n, sizeof(out[0])));
		assert_int_equal(n, i % 2 ? 48 : 32);
		/* in two pieces, the second half in a copy too; then again with the key that is there */
		assert_true(EVP_MAC_init(ours, key, key_len, NULL));
		assert_true(EVP_MAC_update(ours, text, cut));
		copy = EVP_MAC_CTX_dup(ours);
		assert_true(EVP_MAC_update(ours, text + cut, sizeof(text) - cut));
		assert_true(EVP_MAC_update(copy, text + cut, sizeof(text) - cut));
		assert_true(EVP_MAC_final(ours, out[1], &n, sizeof(out[1])));
		assert_true(EVP_MAC_final(copy, out[2], &n, sizeof(out[2])));
		assert_true(EVP_MAC_init(ours, NULL, 0, NULL));
		assert_true(EVP_MAC_update(ours, text, sizeof(text)));
		assert_true(EVP_MAC_final(ours, out[3], &n, sizeof(out[3])));
		for (unsigned k = 1; k < 4; k++)
			assert_memory_equal(out[k], out[0], sizeof(out[0]));
		EVP_MAC_CTX_free(copy);
		EVP_MAC_CTX_free(ours);
		EVP_MAC_CTX_free(theirs);
	}
}

static void mac_refuses(void **state)
{
	uint8_t key[32] = {1}, out[48];
	size_t n;
	int good;
	EVP_MAC_CTX *c = mac_new(side.core->lib, "SHA512", &good);

	assert_false(good); /* no hash of TLS 1.3 */
	assert_false(EVP_MAC_init(c, key, sizeof(key), NULL));
	EVP_MAC_CTX_free(c);
	c = mac_new(side.core->lib, "SHA256", &good);
	assert_true(good);
	assert_false(EVP_MAC_init(c, NULL, 0, NULL)); /* no key yet */
	assert_false(EVP_MAC_update(c, key, sizeof(key)));
	assert_true(EVP_MAC_init(c, key, sizeof(key), NULL));
	assert_false(EVP_MAC_final(c, out, &n, 31));
	EVP_MAC_CTX_free(c);
}

/* ---- ECDSA ---- */

/* both libraries' contexts get this key */
static EVP_PKEY *key_pair(const char *curve, EVP_PKEY **theirs)
{
	EVP_PKEY *ours = NULL;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(side.core->lib, "EC", NULL);
	OSSL_PARAM *params = NULL;

	*theirs = EVP_EC_gen(curve);
	assert_int_equal(EVP_PKEY_todata(*theirs, EVP_PKEY_KEYPAIR, &params), 1);
	assert_int_equal(EVP_PKEY_fromdata_init(c), 1);
	assert_int_equal(EVP_PKEY_fromdata(c, &ours, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(c);
	return ours;
}

static int verified(OSSL_LIB_CTX *lib, EVP_PKEY *key, const char *hash, const uint8_t *sig, size_t len,
		    const uint8_t *text, size_t text_len, bool pieces)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int good = EVP_DigestVerifyInit_ex(c, NULL, hash, lib, NULL, key, NULL);

	assert_int_equal(good, 1);
	if (pieces) {
		assert_int_equal(EVP_DigestVerifyUpdate(c, text, 1), 1);
		assert_int_equal(EVP_DigestVerifyUpdate(c, text + 1, text_len - 1), 1);
		good = EVP_DigestVerifyFinal(c, sig, len);
	} else {
		good = EVP_DigestVerify(c, sig, len, text, text_len);
	}
	EVP_MD_CTX_free(c);
	return good;
}

static void signatures_agree(void **state)
{
	static const char *const curves[] = {"P-256", "P-384", "P-521"};
	/* the last one goes the default provider's way */
	static const char *const hashes[] = {"SHA256", "SHA384", "SHA512"};
	struct base_rng r;

	base_rng_seed(&r, 11);
	for (unsigned i = 0; i < 36; i++) {
		const char *hash = hashes[i / 3 % 3];
		EVP_PKEY *theirs, *ours = key_pair(curves[i % 3], &theirs);
		EVP_MD_CTX *c = EVP_MD_CTX_new();
		bool pieces = i % 2;
		uint8_t text[100], sig[200];
		size_t len = 0;

		fill(&r, text, sizeof(text));
		assert_int_equal(EVP_DigestSignInit_ex(c, NULL, hash, side.core->lib, NULL, ours, NULL), 1);
		/* as libssl does: how long can it be, then the whole */
		assert_int_equal(EVP_DigestSign(c, NULL, &len, text, sizeof(text)), 1);
		assert_in_range(len, 64, sizeof(sig));
		if (pieces) {
			assert_int_equal(EVP_DigestSignUpdate(c, text, 40), 1);
			assert_int_equal(EVP_DigestSignUpdate(c, text + 40, sizeof(text) - 40), 1);
			assert_int_equal(EVP_DigestSignFinal(c, sig, &len), 1);
		} else {
			assert_int_equal(EVP_DigestSign(c, sig, &len, text, sizeof(text)), 1);
		}
		EVP_MD_CTX_free(c);
		for (unsigned k = 0; k < 2; k++) {
			OSSL_LIB_CTX *lib = k ? side.core->lib : NULL;
			EVP_PKEY *key = k ? ours : theirs;

			assert_int_equal(verified(lib, key, hash, sig, len, text, sizeof(text), pieces), 1);
			assert_int_not_equal(verified(lib, key, hashes[(i / 3 + 1) % 3], sig, len, text,
						      sizeof(text), pieces),
					     1);
			text[i] ^= 1;
			assert_int_not_equal(verified(lib, key, hash, sig, len, text, sizeof(text), pieces),
					     1);
			text[i] ^= 1;
			sig[len - 1] ^= 1;
			assert_int_not_equal(verified(lib, key, hash, sig, len, text, sizeof(text), pieces),
					     1);
			sig[len - 1] ^= 1;
		}
		EVP_PKEY_free(ours);
		EVP_PKEY_free(theirs);
	}
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
		cmocka_unit_test(kdf_agrees),	    cmocka_unit_test(kdf_refuses),
		cmocka_unit_test(kdf_in_a_step),    cmocka_unit_test(mac_signs),
		cmocka_unit_test(mac_agrees),	    cmocka_unit_test(mac_refuses),
		cmocka_unit_test(signatures_agree), cmocka_unit_test(keys_agree),
		cmocka_unit_test(damaged_keys),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
