/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/aead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <intel-ipsec-mb.h>
#include <openssl/evp.h>

#include "dataplane/tls/kdf.h"

enum { WAYS = 2, HUGE_PAGE = 2 << 20 };

struct tls_aead_key {
	uint64_t id; /* 0: empty */
	uint8_t alg;
	bool recent; /* the way that was used last stays */
	uint8_t iv[TLS_NONCE_LEN];
	uint8_t raw[TLS_KEY_MAX];	      /* ChaCha20 and EVP need no more than this */
	_Alignas(64) struct gcm_key_data gcm; /* the header aligns it only when LINUX is defined */
};

struct tls_aead {
	IMB_MGR *mb;
	bool evp;
	unsigned set_mask;
	struct tls_aead_key *keys;
	EVP_CIPHER_CTX *cipher_ctx;
	EVP_CIPHER *ciphers[4]; /* by enum tls_aead_alg; fetched once, a fetch takes locks */
	struct tls_aead_stats stats;
};

static int fetch_ciphers(struct tls_aead *a)
{
	static const char *const names[4] = {NULL, "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};

	a->cipher_ctx = EVP_CIPHER_CTX_new();
	if (!a->cipher_ctx)
		return -ENOMEM;
	for (unsigned i = 1; i < 4; i++) {
		a->ciphers[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
		if (!a->ciphers[i])
			return -ENOTSUP;
	}
	return 0;
}

struct tls_aead *tls_aead_create(enum tls_aead_engine engine, unsigned cached_keys)
{
	struct tls_aead *a = calloc(1, sizeof(*a)); /* layers: cold, before the worker runs */
	unsigned sets = 1;
	size_t bytes, align;
	int err = ENOMEM;

	if (!a)
		return NULL;
	while (sets * WAYS < cached_keys)
		sets *= 2;
	a->set_mask = sets - 1;
	a->mb = alloc_mb_mgr(0);
	if (!a->mb)
		goto fail;
	init_mb_mgr_auto(a->mb, NULL);
	/* the library emulates AES where the CPU lacks it, slower than libcrypto's and not constant in time
	 */
	a->evp = engine == TLS_AEAD_EVP ||
		 (engine == TLS_AEAD_BEST && (a->mb->features & IMB_FEATURE_AESNI) != IMB_FEATURE_AESNI);
	if (engine == TLS_AEAD_IPSEC_MB && (a->mb->features & IMB_FEATURE_AESNI) != IMB_FEATURE_AESNI) {
		err = ENOTSUP;
		goto fail;
	}
	if (a->evp) {
		err = -fetch_ciphers(a);
		if (err)
			goto fail;
		err = ENOMEM;
	}
	bytes = (size_t)sets * WAYS * sizeof(*a->keys);
	align = bytes < 2 * HUGE_PAGE ? 64 : HUGE_PAGE;
	bytes = (bytes + align - 1) & ~(align - 1); /* C17 wants a multiple */
	a->keys = aligned_alloc(align, bytes);
	if (!a->keys)
		goto fail;
	/* each record goes to another place in them; the kernel's refusal changes nothing else */
	if (bytes >= 2 * HUGE_PAGE)
		madvise(a->keys, bytes, MADV_HUGEPAGE);
	memset(a->keys, 0, bytes);
	return a;
fail:
	tls_aead_destroy(a);
	errno = err;
	return NULL;
}

void tls_aead_destroy(struct tls_aead *a)
{
	if (!a)
		return;
	if (a->keys)
		tls_wipe(a->keys, ((size_t)a->set_mask + 1) * WAYS * sizeof(*a->keys));
	free(a->keys);
	for (unsigned i = 1; i < 4; i++)
		EVP_CIPHER_free(a->ciphers[i]);
	EVP_CIPHER_CTX_free(a->cipher_ctx);
	if (a->mb)
		free_mb_mgr(a->mb);
	free(a);
}

struct IMB_MGR *tls_aead_mb(struct tls_aead *a)
{
	return a->mb;
}

enum tls_aead_engine tls_aead_engine_get(const struct tls_aead *a)
{
	return a->evp ? TLS_AEAD_EVP : TLS_AEAD_IPSEC_MB;
}

const struct tls_aead_stats *tls_aead_stats_get(const struct tls_aead *a)
{
	return &a->stats;
}

const uint8_t *tls_aead_iv(const struct tls_aead_key *key)
{
	return key->iv;
}

static struct tls_aead_key *key_set(const struct tls_aead *a, uint64_t id)
{
	uint64_t h = id * 0x9e3779b97f4a7c15u;

	return &a->keys[(size_t)((h >> 40) & a->set_mask) * WAYS];
}

static void key_expand(struct tls_aead *a, struct tls_aead_key *k, tls_key_derive_fn derive, void *ctx)
{
	struct tls_raw_key raw;

	derive(ctx, &raw);
	memcpy(k->iv, raw.iv, sizeof(k->iv));
	if (a->evp || k->alg == TLS_AEAD_CHACHA20_POLY1305)
		memcpy(k->raw, raw.key, sizeof(k->raw));
	else if (k->alg == TLS_AEAD_AES128_GCM)
		IMB_AES128_GCM_PRE(a->mb, raw.key, &k->gcm);
	else
		IMB_AES256_GCM_PRE(a->mb, raw.key, &k->gcm);
	tls_wipe(&raw, sizeof(raw));
}

const struct tls_aead_key *tls_aead_key_get(struct tls_aead *a, enum tls_aead_alg alg, uint64_t id,
					    tls_key_derive_fn derive, void *ctx)
{
	struct tls_aead_key *set = key_set(a, id), *k;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].id == id && set[i].alg == alg) {
			set[i].recent = true;
			set[!i].recent = false;
			a->stats.hits++;
			return &set[i];
		}
	}
	a->stats.misses++;
	k = set[0].recent ? &set[1] : &set[0];
	k->id = id;
	k->alg = (uint8_t)alg;
	k->recent = true;
	set[k == set].recent = false;
	key_expand(a, k, derive, ctx);
	return k;
}

void tls_aead_key_warm(const struct tls_aead *a, uint64_t id, unsigned step)
{
	const struct tls_aead_key *set = key_set(a, id);

	for (unsigned i = 0; i < WAYS; i++) {
		if (step == 0)
			__builtin_prefetch(&set[i], 1);
		else if (set[i].id == id)
			for (size_t at = 0; at < sizeof(set[i].gcm); at += 64)
				__builtin_prefetch((const uint8_t *)&set[i].gcm + at);
	}
}

void tls_aead_key_drop(struct tls_aead *a, uint64_t id)
{
	struct tls_aead_key *set = key_set(a, id);

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].id == id)
			tls_wipe(&set[i], sizeof(set[i]));
	}
}

static void evp_seal(struct tls_aead *a, const struct tls_aead_key *k, const uint8_t *nonce,
		     const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len, uint8_t *tag)
{
	EVP_CIPHER_CTX *c = a->cipher_ctx;
	uint8_t nothing[16];
	int n;

	EVP_EncryptInit_ex2(c, a->ciphers[k->alg], k->raw, nonce, NULL);
	EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_len);
	EVP_EncryptUpdate(c, data, &n, data, (int)len);
	EVP_EncryptFinal_ex(c, nothing, &n);
	EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TLS_TAG_LEN, tag);
}

static bool evp_open(struct tls_aead *a, const struct tls_aead_key *k, const uint8_t *nonce,
		     const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len, const uint8_t *tag)
{
	EVP_CIPHER_CTX *c = a->cipher_ctx;
	uint8_t nothing[16];
	int n;

	return EVP_DecryptInit_ex2(c, a->ciphers[k->alg], k->raw, nonce, NULL) > 0 &&
	       EVP_DecryptUpdate(c, NULL, &n, aad, (int)aad_len) > 0 &&
	       EVP_DecryptUpdate(c, data, &n, data, (int)len) > 0 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TLS_TAG_LEN, (void *)(uintptr_t)tag) > 0 &&
	       EVP_DecryptFinal_ex(c, nothing, &n) > 0;
}

void tls_aead_seal_apart(struct tls_aead *a, const struct tls_aead_key *k, const uint8_t nonce[TLS_NONCE_LEN],
			 const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len,
			 uint8_t tag[TLS_TAG_LEN])
{
	_Alignas(64) struct gcm_context_data gcm;
	_Alignas(64) struct chacha20_poly1305_context_data chacha;

	a->stats.sealed++;
	if (a->evp) {
		evp_seal(a, k, nonce, aad, aad_len, data, len, tag);
	} else if (k->alg == TLS_AEAD_AES128_GCM) {
		IMB_AES128_GCM_ENC(a->mb, &k->gcm, &gcm, data, data, len, nonce, aad, aad_len, tag,
				   TLS_TAG_LEN);
	} else if (k->alg == TLS_AEAD_AES256_GCM) {
		IMB_AES256_GCM_ENC(a->mb, &k->gcm, &gcm, data, data, len, nonce, aad, aad_len, tag,
				   TLS_TAG_LEN);
	} else {
		IMB_CHACHA20_POLY1305_INIT(a->mb, k->raw, &chacha, nonce, aad, aad_len);
		IMB_CHACHA20_POLY1305_ENC_UPDATE(a->mb, k->raw, &chacha, data, data, len);
		IMB_CHACHA20_POLY1305_ENC_FINALIZE(a->mb, &chacha, tag, TLS_TAG_LEN);
	}
}

void tls_aead_seal(struct tls_aead *a, const struct tls_aead_key *k, const uint8_t nonce[TLS_NONCE_LEN],
		   const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len)
{
	tls_aead_seal_apart(a, k, nonce, aad, aad_len, data, len, data + len);
}

static bool tag_equal(const uint8_t *x, const uint8_t *y)
{
	uint64_t p[2], q[2];

	memcpy(p, x, 16);
	memcpy(q, y, 16);
	return ((p[0] ^ q[0]) | (p[1] ^ q[1])) == 0;
}

bool tls_aead_open_apart(struct tls_aead *a, const struct tls_aead_key *k, const uint8_t nonce[TLS_NONCE_LEN],
			 const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len,
			 const uint8_t expected[TLS_TAG_LEN])
{
	_Alignas(64) struct gcm_context_data gcm;
	_Alignas(64) struct chacha20_poly1305_context_data chacha;
	uint8_t tag[TLS_TAG_LEN];
	bool good;

	if (a->evp) {
		good = evp_open(a, k, nonce, aad, aad_len, data, len, expected);
	} else {
		if (k->alg == TLS_AEAD_AES128_GCM) {
			IMB_AES128_GCM_DEC(a->mb, &k->gcm, &gcm, data, data, len, nonce, aad, aad_len, tag,
					   TLS_TAG_LEN);
		} else if (k->alg == TLS_AEAD_AES256_GCM) {
			IMB_AES256_GCM_DEC(a->mb, &k->gcm, &gcm, data, data, len, nonce, aad, aad_len, tag,
					   TLS_TAG_LEN);
		} else {
			IMB_CHACHA20_POLY1305_INIT(a->mb, k->raw, &chacha, nonce, aad, aad_len);
			IMB_CHACHA20_POLY1305_DEC_UPDATE(a->mb, k->raw, &chacha, data, data, len);
			IMB_CHACHA20_POLY1305_DEC_FINALIZE(a->mb, &chacha, tag, TLS_TAG_LEN);
		}
		good = tag_equal(tag, expected);
	}
	if (!good) {
		memset(data, 0, len);
		a->stats.forged++;
		return false;
	}
	a->stats.opened++;
	return true;
}

bool tls_aead_open(struct tls_aead *a, const struct tls_aead_key *k, const uint8_t nonce[TLS_NONCE_LEN],
		   const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len)
{
	return tls_aead_open_apart(a, k, nonce, aad, aad_len, data, len, data + len);
}
