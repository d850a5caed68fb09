/* SPDX-License-Identifier: BSD-3-Clause */
/* Our public keys of X25519 against libcrypto's. */
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

static void same(const uint8_t private[32])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, 32);
	uint8_t ours[32], theirs[32];
	size_t n = sizeof(theirs);

	assert_int_equal(EVP_PKEY_get_raw_public_key(key, theirs, &n), 1);
	tls_x25519_public(&table, private, ours);
	assert_memory_equal(ours, theirs, 32);
	EVP_PKEY_free(key);
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
	uint8_t out[32];

	for (unsigned i = 0; i < 2; i++) {
		tls_x25519_public(&table, private[i], out);
		assert_memory_equal(out, public[i], 32);
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

/* a peer's key of small order makes no secret (RFC 7748 6.1) */
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
	EVP_PKEY_free(ours);
	EVP_PKEY_free(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),   cmocka_unit_test(digits),	    cmocka_unit_test(at_random),
		cmocka_unit_test(agreement), cmocka_unit_test(small_order),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
