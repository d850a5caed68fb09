/* SPDX-License-Identifier: BSD-3-Clause */
/* Our provider's ciphers against libcrypto's: called as libssl calls them for records of TLS 1.3, of TLS 1.2,
 * and wrongly. */
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "dataplane/base/rng.h"
#include "dataplane/tls/core.h"
#include "tests/unit/tls/kit.h"

static struct kit_side side, other;

static int setup(void **state)
{
	kit_side_init(&side, NULL);
	kit_side_init(&other, NULL);
	return 0;
}

static int teardown(void **state)
{
	kit_side_fini(&side);
	kit_side_fini(&other);
	return 0;
}

static const char *const names[] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};

static void fill(struct base_rng *r, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)base_rng_next(r);
}

static EVP_CIPHER_CTX *begun(OSSL_LIB_CTX *lib, const char *name, const uint8_t *key, int seals)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(lib, name, NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	assert_string_equal(OSSL_PROVIDER_get0_name(EVP_CIPHER_get0_provider(cipher)),
			    lib ? "edge" : "default");
	assert_true(EVP_CipherInit_ex(c, cipher, NULL, NULL, NULL, seals));
	assert_true(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) > 0);
	assert_true(EVP_CipherInit_ex(c, NULL, NULL, key, NULL, -1));
	assert_int_equal(EVP_CIPHER_CTX_get_iv_length(c), 12);
	EVP_CIPHER_free(cipher);
	return c;
}

/* as libssl seals one record; the tag behind the text */
static void seal(EVP_CIPHER_CTX *c, const uint8_t *nonce, const uint8_t *head, size_t head_len, uint8_t *text,
		 int len)
{
	int n, more;

	assert_true(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 1));
	assert_true(EVP_CipherUpdate(c, NULL, &n, head, (int)head_len));
	assert_int_equal(n, head_len);
	assert_true(EVP_CipherUpdate(c, text, &n, text, len));
	assert_int_equal(n, len);
	assert_true(EVP_CipherFinal_ex(c, text + n, &more));
	assert_int_equal(more, 0);
	assert_true(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, text + len) > 0);
}

static bool open_(EVP_CIPHER_CTX *c, const uint8_t *nonce, const uint8_t *head, size_t head_len,
		  uint8_t *text, int len)
{
	int n, more;

	return EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 0) &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, text + len) > 0 &&
	       EVP_CipherUpdate(c, NULL, &n, head, (int)head_len) &&
	       EVP_CipherUpdate(c, text, &n, text, len) && EVP_CipherFinal_ex(c, text + n, &more);
}

/* every length of a record that matters; the same bytes from both, and each opens what the other sealed */
static void records_agree(void **state)
{
	static const int lens[] = {1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 600, 1024, 4097, 16385};
	static uint8_t text[16385], ours[16385 + 16], theirs[16385 + 16];
	struct base_rng r;

	base_rng_seed(&r, 13);
	for (unsigned a = 0; a < 3; a++) {
		uint8_t key[32], nonce[12], head[16];
		EVP_CIPHER_CTX *mine[2], *yours[2];

		fill(&r, key, sizeof(key));
		for (int seals = 0; seals < 2; seals++) {
			mine[seals] = begun(side.core->lib, names[a], key, seals);
			yours[seals] = begun(NULL, names[a], key, seals);
		}
		for (unsigned i = 0; i < 2 * sizeof(lens) / sizeof(lens[0]); i++) {
			int len = lens[i / 2];
			size_t head_len = i % 2 ? 5 : 13;

			fill(&r, nonce, sizeof(nonce));
			fill(&r, head, sizeof(head));
			fill(&r, text, (size_t)len);
			memcpy(ours, text, (size_t)len);
			memcpy(theirs, text, (size_t)len);
			seal(mine[1], nonce, head, head_len, ours, len);
			seal(yours[1], nonce, head, head_len, theirs, len);
			assert_memory_equal(ours, theirs, (size_t)len + 16);
			assert_true(open_(mine[0], nonce, head, head_len, theirs, len));
			assert_true(open_(yours[0], nonce, head, head_len, ours, len));
			assert_memory_equal(ours, text, (size_t)len);
			assert_memory_equal(theirs, text, (size_t)len);
		}
		for (unsigned i = 0; i < 2; i++) {
			EVP_CIPHER_CTX_free(mine[i]);
			EVP_CIPHER_CTX_free(yours[i]);
		}
	}
}

/* a bit of text, tag, header or nonce: refused, and nothing of the text stays behind */
static void damage(void **state)
{
	enum { LEN = 40 };
	struct base_rng r;

	base_rng_seed(&r, 17);
	for (unsigned a = 0; a < 3; a++) {
		uint8_t key[32], bytes[12 + 5 + LEN + 16], copy[sizeof(bytes)], zeros[LEN] = {0};
		EVP_CIPHER_CTX *to, *from;

		fill(&r, key, sizeof(key));
		to = begun(side.core->lib, names[a], key, 1);
		from = begun(side.core->lib, names[a], key, 0);
		fill(&r, bytes, sizeof(bytes));
		seal(to, bytes, bytes + 12, 5, bytes + 17, LEN);
		for (unsigned bit = 0; bit < sizeof(bytes) * 8; bit++) {
			memcpy(copy, bytes, sizeof(bytes));
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(open_(from, copy, copy + 12, 5, copy + 17, LEN));
			assert_memory_equal(copy + 17, zeros, LEN);
		}
		assert_true(open_(from, bytes, bytes + 12, 5, bytes + 17, LEN));
		EVP_CIPHER_CTX_free(to);
		EVP_CIPHER_CTX_free(from);
	}
}

/* a nonce serves once, a tag is given before the text, and nothing happens without a key */
static void refusals(void **state)
{
	uint8_t key[32] = {1}, nonce[12] = {2}, text[64] = {3}, tag[16];
	int n;

	for (unsigned a = 0; a < 3; a++) {
		EVP_CIPHER_CTX *c = begun(side.core->lib, names[a], key, 1);

		seal(c, nonce, key, 5, text, 32);
		assert_false(EVP_CipherUpdate(c, text, &n, text, 32));
		assert_false(EVP_CipherUpdate(c, NULL, &n, text, 5));
		assert_false(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, tag) > 0);
		assert_true(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 1));
		assert_false(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag) > 0); /* not yet */
		assert_false(EVP_CipherUpdate(c, NULL, &n, text, 17));
		assert_true(EVP_CipherUpdate(c, text, &n, text, 16));
		assert_false(EVP_CipherUpdate(c, text, &n, text, 16)); /* a record is one piece */
		EVP_CIPHER_CTX_free(c);

		c = begun(side.core->lib, names[a], key, 0);
		assert_true(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 0));
		assert_false(EVP_CipherUpdate(c, text, &n, text, 16)); /* no tag */
		EVP_CIPHER_CTX_free(c);

		c = begun(side.core->lib, names[a], NULL, 1);
		assert_true(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 1));
		assert_false(EVP_CipherUpdate(c, text, &n, text, 16)); /* no key */
		EVP_CIPHER_CTX_free(c);
	}
}

/* a key update: the context is reset and takes another key; what is left of the old one opens nothing */
static void keys_change(void **state)
{
	uint8_t key[2][32] = {{1}, {2}}, nonce[12] = {2}, text[48] = {3}, copy[48];

	for (unsigned a = 0; a < 3; a++) {
		EVP_CIPHER *cipher = EVP_CIPHER_fetch(side.core->lib, names[a], NULL);
		EVP_CIPHER_CTX *to = begun(side.core->lib, names[a], key[0], 1);
		EVP_CIPHER_CTX *from = begun(NULL, names[a], key[1], 0);

		seal(to, nonce, key[0], 5, text, 32);
		memcpy(copy, text, sizeof(copy));
		assert_false(open_(from, nonce, key[0], 5, copy, 32));
		EVP_CIPHER_CTX_reset(to);
		assert_true(EVP_CipherInit_ex(to, cipher, NULL, NULL, NULL, 1));
		assert_true(EVP_CIPHER_CTX_ctrl(to, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) > 0);
		assert_true(EVP_CipherInit_ex(to, NULL, NULL, key[1], NULL, -1));
		seal(to, nonce, key[0], 5, text, 32);
		assert_true(open_(from, nonce, key[0], 5, text, 32));
		/* and without a reset */
		assert_true(EVP_CipherInit_ex(to, NULL, NULL, key[0], NULL, -1));
		seal(to, nonce, key[0], 5, text, 32);
		memcpy(copy, text, sizeof(copy));
		assert_false(open_(from, nonce, key[0], 5, copy, 32));
		EVP_CIPHER_CTX_free(to);
		EVP_CIPHER_CTX_free(from);
		EVP_CIPHER_free(cipher);
	}
}

/* many contexts at once, more than the cache has room for: each keeps its own key */
static void many(void **state)
{
	enum { N = 3000 };
	static EVP_CIPHER_CTX *c[N];
	uint8_t key[32] = {0}, nonce[12] = {2}, text[2][48];

	for (unsigned i = 0; i < N; i++) {
		memcpy(key, &i, sizeof(i));
		c[i] = begun(side.core->lib, names[i % 3], key, 1);
	}
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < N; i++) {
			EVP_CIPHER_CTX *same;

			memcpy(key, &i, sizeof(i));
			same = begun(i % 2 ? other.core->lib : NULL, names[i % 3], key, 1);
			memset(text, (int)i, sizeof(text));
			seal(c[i], nonce, key, 5, text[0], 32);
			seal(same, nonce, key, 5, text[1], 32);
			assert_memory_equal(text[0], text[1], 48);
			EVP_CIPHER_CTX_free(same);
		}
	}
	for (unsigned i = 0; i < N; i++)
		EVP_CIPHER_CTX_free(c[i]);
}

/* TLS 1.2: the fixed part of the nonce, then header and record in one call; all of it is the default
 * provider's */
static void records_12(void **state)
{
	uint8_t key[32] = {5}, iv[12] = {6}, head[13] = {0, 0, 0, 0, 0, 0, 0, 1, 23, 3, 3, 0, 0};

	for (unsigned a = 0; a < 3; a++) {
		bool gcm = a < 2;
		int front = gcm ? 8 : 0, len = front + 100 + 16;
		uint8_t record[2][200] = {{0}};
		EVP_CIPHER_CTX *c[2];

		for (int seals = 1; seals >= 0; seals--) {
			EVP_CIPHER *cipher = EVP_CIPHER_fetch(seals ? side.core->lib : NULL, names[a], NULL);

			c[seals] = EVP_CIPHER_CTX_new();
			assert_true(EVP_CipherInit_ex(c[seals], cipher, NULL, key, gcm ? NULL : iv, seals));
			if (gcm)
				assert_true(EVP_CIPHER_CTX_ctrl(c[seals], EVP_CTRL_GCM_SET_IV_FIXED, 4, iv) >
					    0);
			head[11] = 0;
			head[12] = (uint8_t)(seals ? front + 100 : len);
			assert_int_equal(EVP_CIPHER_CTX_ctrl(c[seals], EVP_CTRL_AEAD_TLS1_AAD, 13, head), 16);
			if (seals)
				memset(record[0] + front, 7, 100);
			assert_true(EVP_Cipher(c[seals], record[0], record[0], (unsigned)len) > 0);
			EVP_CIPHER_free(cipher);
		}
		memset(record[1] + front, 7, 100);
		assert_memory_equal(record[0] + front, record[1] + front, 100);
		EVP_CIPHER_CTX_free(c[0]);
		EVP_CIPHER_CTX_free(c[1]);
	}
}

/* nonces of another length are the default provider's too */
static void long_nonce(void **state)
{
	uint8_t key[32] = {5}, nonce[16] = {6, 6, 6}, text[2][32] = {{0}};
	int n, more;

	for (unsigned i = 0; i < 2; i++) {
		EVP_CIPHER *cipher = EVP_CIPHER_fetch(i ? side.core->lib : NULL, names[0], NULL);
		EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

		assert_true(EVP_CipherInit_ex(c, cipher, NULL, key, NULL, 1));
		assert_true(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, 16, NULL) > 0);
		assert_true(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 1));
		assert_true(EVP_CipherUpdate(c, text[i], &n, text[i], 7));
		assert_true(EVP_CipherUpdate(c, text[i] + 7, &n, text[i] + 7, 9));
		assert_true(EVP_CipherFinal_ex(c, text[i] + 16, &more));
		assert_true(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, text[i] + 16) > 0);
		EVP_CIPHER_CTX_free(c);
		EVP_CIPHER_free(cipher);
	}
	assert_memory_equal(text[0], text[1], 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_agree), cmocka_unit_test(damage), cmocka_unit_test(refusals),
		cmocka_unit_test(keys_change),	 cmocka_unit_test(many),   cmocka_unit_test(records_12),
		cmocka_unit_test(long_nonce),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
