/* SPDX-License-Identifier: BSD-3-Clause */
/* Our X25519 against libcrypto's, with each kernel that this CPU runs. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "dataplane/base/rng.h"
#include "dataplane/tls/core.h"
#include "dataplane/tls/x25519.h"
#include "tests/unit/tls/kit.h"

static struct kit_side side;
static struct tls_x25519 table;

static int setup(void **state)
{
	kit_side_init(&side, NULL);
	tls_x25519_init(&table);
	return 0;
}

static int teardown(void **state)
{
	kit_side_fini(&side);
	return 0;
}

/* the one after this that the CPU runs; the last has no name */
static const struct tls_x25519_kernel *kernel_next(const struct tls_x25519_kernel *k)
{
	k = k ? k + 1 : tls_x25519_kernels;
	while (k->runs && !k->runs())
		k++;
	return k;
}

/* this key beside the seven before it: each takes each lane in turn, and the others are others each time */
static void same_of_eight(const struct tls_x25519_kernel *k, const uint8_t private[32],
			  const uint8_t public[32])
{
	static uint8_t keys[TLS_X25519_BATCH][32], right[TLS_X25519_BATCH][32];
	static unsigned at, n;
	uint8_t ours[TLS_X25519_BATCH][32];

	memcpy(keys[at], private, 32);
	memcpy(right[at], public, 32);
	at = (at + 3) % TLS_X25519_BATCH;
	if (++n < TLS_X25519_BATCH)
		return;
	k->publics(&table, (const uint8_t(*)[32])keys, ours);
	assert_memory_equal(ours, right, sizeof(ours));
}

static void same(const uint8_t private[32])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, 32);
	uint8_t ours[32], theirs[32];
	size_t n = sizeof(theirs);

	assert_int_equal(EVP_PKEY_get_raw_public_key(key, theirs, &n), 1);
	for (const struct tls_x25519_kernel *k = kernel_next(NULL); k->name; k = kernel_next(k)) {
		k->public(&table, private, ours);
		assert_memory_equal(ours, theirs, 32);
		if (k->publics)
			same_of_eight(k, private, theirs);
	}
	EVP_PKEY_free(key);
}

/* the secret that libcrypto finds, or none if it finds none */
static void same_secret(const uint8_t private[32], const uint8_t public[32])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, 32);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, public, 32);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	uint8_t ours[32], theirs[32];
	size_t n = sizeof(theirs);
	bool good;

	assert_int_equal(EVP_PKEY_derive_init(c), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(c, peer), 1);
	good = EVP_PKEY_derive(c, theirs, &n) == 1;
	for (const struct tls_x25519_kernel *k = kernel_next(NULL); k->name; k = kernel_next(k)) {
		if (!k->agree)
			continue;
		assert_int_equal(k->agree(private, public, ours), good);
		if (good)
			assert_memory_equal(ours, theirs, 32);
	}
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(key);
	EVP_PKEY_free(peer);
}

/* RFC 7748 6.1 */
static void vectors(void **state)
{
	static const uint8_t private[2][32] = {
		{0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
		 0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0,
		 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a},
		{0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f,
		 0x8b, 0x83, 0x80, 0x0e, 0xe6, 0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18,
		 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27, 0xff, 0x88, 0xe0, 0xeb},
	};
	static const uint8_t public[2][32] = {
		{0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d,
		 0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38,
		 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a},
		{0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61,
		 0xc2, 0xec, 0xe4, 0x35, 0x37, 0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78,
		 0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f},
	};
	static const uint8_t secret[32] = {0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b,
					   0xf4, 0x80, 0x35, 0x0f, 0x25, 0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1,
					   0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c, 0x1e, 0x16, 0x17, 0x42};
	uint8_t out[32];

	for (const struct tls_x25519_kernel *k = kernel_next(NULL); k->name; k = kernel_next(k)) {
		for (unsigned i = 0; i < 2; i++) {
			k->public(&table, private[i], out);
			assert_memory_equal(out, public[i], 32);
			if (!k->agree)
				continue;
			assert_true(k->agree(private[i], public[1 - i], out));
			assert_memory_equal(out, secret, 32);
		}
	}
}

/* RFC 7748 5.2: a thousand agreements, each with what the ones before gave */
static void iterated(void **state)
{
	static const uint8_t after[32] = {0x68, 0x4c, 0xf5, 0x9b, 0xa8, 0x33, 0x09, 0x55, 0x28, 0x00, 0xef,
					  0x56, 0x6f, 0x2f, 0x4d, 0x3c, 0x1c, 0x38, 0x87, 0xc4, 0x93, 0x60,
					  0xe3, 0x87, 0x5f, 0x2e, 0xb9, 0x4d, 0x99, 0x53, 0x2c, 0x51};

	for (const struct tls_x25519_kernel *k = kernel_next(NULL); k->name; k = kernel_next(k)) {
		uint8_t key[32] = {9}, u[32] = {9}, out[32];

		for (unsigned i = 0; i < 1000 && k->agree; i++) {
			assert_true(k->agree(key, u, out));
			memcpy(u, key, 32);
			memcpy(key, out, 32);
		}
		if (k->agree)
			assert_memory_equal(key, after, 32);
	}
}

/* points that a peer may make up: of small order, not below 2^255 - 19, with the highest bit, at the ends of
 * limbs; on the curve or on its twist */
static void odd_points(void **state)
{
	static const uint8_t small[][32] = {
		{0},
		{1},
		{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
		 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
		 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
		{0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
		 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
		 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
	};
	uint8_t key[32], u[32];
	struct base_rng r;

	base_rng_seed(&r, 7748);
	for (unsigned i = 0; i < 2000; i++) {
		for (unsigned k = 0; k < 32; k++) {
			key[k] = (uint8_t)base_rng_next(&r);
			u[k] = (uint8_t)base_rng_next(&r);
		}
		if (i < 4) {
			memcpy(u, small[i], 32);
		} else if (i < 4 + 40) { /* 2^255 - 20 to 2^255 - 1 and, with the bit, beyond */
			memset(u, 0xff, 32);
			u[0] = (uint8_t)(0xec + (i - 4) / 2);
			u[31] = i % 2 ? 0xff : 0x7f;
		} else if (i < 400) { /* runs of ones and of zeros */
			memset(u, i % 2 ? 0xff : 0, 32);
			u[i % 32] = (uint8_t)base_rng_next(&r);
			u[i / 2 % 32] ^= (uint8_t)(1 << i % 8);
		}
		same_secret(key, u);
	}
}

/* every digit in every place, alone and with all the others at an end of their range */
static void digits(void **state)
{
	static const uint8_t around[] = {0x00, 0xff, 0x88, 0x77, 0x80, 0x08};
	uint8_t key[32];

	for (unsigned a = 0; a < sizeof(around); a++) {
		for (unsigned place = 0; place < 64; place++) {
			for (unsigned digit = 0; digit < 16; digit++) {
				unsigned shift = place % 2 * 4;

				memset(key, around[a], sizeof(key));
				key[place / 2] =
					(uint8_t)((key[place / 2] & ~(15u << shift)) | digit << shift);
				same(key);
			}
		}
	}
}

static void at_random(void **state)
{
	struct base_rng r;
	uint8_t key[32];
	unsigned n = getenv("SALLYPORT_TEST_LONG") ? 1000000 : 3000;

	base_rng_seed(&r, 25519);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < sizeof(key); k++)
			key[k] = (uint8_t)base_rng_next(&r);
		same(key);
		if (i < 3000 || i % 10 == 0) {
			uint8_t u[32];

			for (unsigned k = 0; k < sizeof(u); k++)
				u[k] = (uint8_t)base_rng_next(&r);
			same_secret(key, u);
		}
	}
}

static EVP_PKEY *made(OSSL_LIB_CTX *lib)
{
	return EVP_PKEY_Q_keygen(lib, NULL, "X25519");
}

static void agree(EVP_PKEY *ours, EVP_PKEY *theirs, uint8_t out[32])
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(side.core->lib, ours, NULL);
	size_t n = 32;

	assert_int_equal(EVP_PKEY_derive_init(c), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(c, theirs), 1);
	assert_int_equal(EVP_PKEY_derive(c, out, &n), 1);
	assert_int_equal(n, 32);
	EVP_PKEY_CTX_free(c);
}

/* keys that our provider makes, against a peer with libcrypto's own */
static void agreement(void **state)
{
	uint8_t before[32] = {0};

	for (unsigned i = 0; i < 50; i++) {
		EVP_PKEY *ours = made(side.core->lib), *theirs, *peer = made(NULL), *here;
		uint8_t private[32], public[32], secret[2][32];
		size_t n = 32;
		EVP_PKEY_CTX *c;

		assert_int_equal(EVP_PKEY_get_raw_private_key(ours, private, &n), 1);
		assert_int_equal(n, 32);
		/* clamped, and no two alike */
		assert_int_equal(private[0] & 7, 0);
		assert_int_equal(private[31] >> 6, 1);
		assert_memory_not_equal(private, before, 32);
		memcpy(before, private, 32);
		same(private);
		assert_int_equal(EVP_PKEY_get_raw_public_key(ours, public, &n), 1);
		theirs = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, public, 32);
		assert_int_equal(EVP_PKEY_get_raw_public_key(peer, public, &n), 1);
		here = EVP_PKEY_new_raw_public_key_ex(side.core->lib, "X25519", NULL, public, 32);
		agree(ours, here, secret[0]);
		c = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
		assert_int_equal(EVP_PKEY_derive_init(c), 1);
		assert_int_equal(EVP_PKEY_derive_set_peer(c, theirs), 1);
		assert_int_equal(EVP_PKEY_derive(c, secret[1], &n), 1);
		assert_memory_equal(secret[0], secret[1], 32);
		EVP_PKEY_CTX_free(c);
		EVP_PKEY_free(ours);
		EVP_PKEY_free(theirs);
		EVP_PKEY_free(peer);
		EVP_PKEY_free(here);
	}
}

/* a peer's key of small order makes no secret (RFC 7748 6.1), nor does half of an agreement */
static void small_order(void **state)
{
	uint8_t public[32] = {1}, secret[32];
	EVP_PKEY *ours = made(side.core->lib);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(side.core->lib, "X25519", NULL, public, 32);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(side.core->lib, ours, NULL);
	size_t n = 32;

	assert_int_equal(EVP_PKEY_derive_init(c), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(c, peer), 1);
	assert_int_not_equal(EVP_PKEY_derive(c, secret, &n), 1);
	EVP_PKEY_CTX_free(c);
	/* a public key alone agrees with nobody, and nobody is no peer */
	c = EVP_PKEY_CTX_new_from_pkey(side.core->lib, peer, NULL);
	assert_int_not_equal(EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive(c, secret, &n) == 1, 1);
	EVP_PKEY_CTX_free(c);
	c = EVP_PKEY_CTX_new_from_pkey(side.core->lib, ours, NULL);
	assert_int_equal(EVP_PKEY_derive_init(c), 1);
	assert_int_not_equal(EVP_PKEY_derive(c, secret, &n), 1);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(peer);
	/* and none is written where there is no room for it */
	peer = made(NULL);
	assert_int_equal(EVP_PKEY_get_raw_public_key(peer, public, &n), 1);
	EVP_PKEY_free(peer);
	peer = EVP_PKEY_new_raw_public_key_ex(side.core->lib, "X25519", NULL, public, 32);
	c = EVP_PKEY_CTX_new_from_pkey(side.core->lib, ours, NULL);
	assert_int_equal(EVP_PKEY_derive_init(c), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(c, peer), 1);
	n = sizeof(secret) - 1;
	assert_int_not_equal(EVP_PKEY_derive(c, secret, &n), 1);
	n = sizeof(secret);
	assert_int_equal(EVP_PKEY_derive(c, secret, &n), 1);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(ours);
	EVP_PKEY_free(peer);
}

/* whoever wants none of ours gets none of it */
static void switched_off(void **state)
{
	struct tls_core_config config;
	struct kit_side plain;

	for (unsigned off = 0; off < 2; off++) {
		EVP_KEYMGMT *keys;
		EVP_KEYEXCH *exchange;

		kit_config(&config);
		assert_false(config.libcrypto_x25519);
		config.libcrypto_x25519 = off;
		kit_side_init(&plain, &config);
		keys = EVP_KEYMGMT_fetch(plain.core->lib, "X25519", NULL);
		exchange = EVP_KEYEXCH_fetch(plain.core->lib, "X25519", NULL);
		assert_string_equal(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(keys)),
				    off ? "plain" : "edge");
		assert_string_equal(OSSL_PROVIDER_get0_name(EVP_KEYEXCH_get0_provider(exchange)),
				    off ? "plain" : "edge");
		EVP_KEYMGMT_free(keys);
		EVP_KEYEXCH_free(exchange);
		kit_side_fini(&plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iterated),	cmocka_unit_test(odd_points),  cmocka_unit_test(vectors),
		cmocka_unit_test(digits),	cmocka_unit_test(at_random),   cmocka_unit_test(agreement),
		cmocka_unit_test(switched_off), cmocka_unit_test(small_order),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
