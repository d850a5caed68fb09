/* SPDX-License-Identifier: BSD-3-Clause */
/* The AEAD ciphers of TLS 1.3 for libssl's own records: handshakes, and sessions that stay with it. A context
 * is a key and little more: what AES and GHASH need expanded is in the core's cache (aead.h), made when a
 * record comes. Of the four keys of a handshake two never see one, for the session leaves libssl first.
 *
 * Taken are the calls that a record of TLS 1.3 makes (one nonce of 12 bytes, header, text, tag of 16). For
 * everything else, TLS 1.2 above all, the default provider's cipher comes in, and stays. */
#include "dataplane/tls/provider.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "dataplane/tls/aead.h"
#include "dataplane/tls/kdf.h"

enum { AAD_MAX = 16 };

struct cipher {
	struct tls_provider *p;
	void *theirs; /* NULL: ours */
	uint64_t id;  /* of the key, in the cache */
	uint8_t alg, aad_len;
	bool seals, have_key, have_nonce, have_tag, done, good;
	uint8_t key[TLS_KEY_MAX], nonce[TLS_NONCE_LEN], tag[TLS_TAG_LEN], aad[AAD_MAX];
};

static const struct tls_cipher *theirs_of(const struct cipher *c)
{
	return &c->p->ciphers[c->alg];
}

static void *cipher_new(void *provider, enum tls_aead_alg alg)
{
	struct cipher *c = OPENSSL_zalloc(sizeof(*c));

	if (!c)
		return NULL;
	c->p = provider;
	c->alg = (uint8_t)alg;
	return c;
}

static void *aes128_new(void *provider)
{
	return cipher_new(provider, TLS_AEAD_AES128_GCM);
}

static void *aes256_new(void *provider)
{
	return cipher_new(provider, TLS_AEAD_AES256_GCM);
}

static void *chacha_new(void *provider)
{
	return cipher_new(provider, TLS_AEAD_CHACHA20_POLY1305);
}

static void key_forget(struct cipher *c)
{
	if (c->id)
		tls_aead_key_drop(c->p->aead, c->id);
	c->id = 0;
	tls_wipe(c->key, sizeof(c->key));
	c->have_key = false;
}

static void cipher_free(void *ctx)
{
	struct cipher *c = ctx;

	if (!c)
		return;
	if (c->theirs)
		theirs_of(c)->freectx(c->theirs);
	key_forget(c);
	OPENSSL_clear_free(c, sizeof(*c));
}

static void *cipher_dup(void *ctx)
{
	const struct cipher *c = ctx;
	struct cipher *copy = OPENSSL_memdup(c, sizeof(*c));

	if (!copy)
		return NULL;
	copy->id = 0;
	if (!c->theirs)
		return copy;
	copy->theirs = theirs_of(c)->dupctx ? theirs_of(c)->dupctx(c->theirs) : NULL;
	if (copy->theirs)
		return copy;
	OPENSSL_clear_free(copy, sizeof(*copy));
	return NULL;
}

/* ---- the default provider's cipher ---- */

static int theirs_init(struct cipher *c, const uint8_t *key, size_t key_len, const uint8_t *iv, size_t iv_len,
		       const OSSL_PARAM params[])
{
	const struct tls_cipher *f = theirs_of(c);

	return (c->seals ? f->encrypt_init : f->decrypt_init)(c->theirs, key, key_len, iv, iv_len, params);
}

/* from here on it is the default provider's, with what was set so far */
static bool hand_over(struct cipher *c)
{
	bool good;

	if (c->theirs)
		return true;
	c->theirs = theirs_of(c)->newctx(c->p->theirs);
	if (!c->theirs)
		return false;
	good = theirs_init(c, c->have_key ? c->key : NULL, c->have_key ? tls_aead_key_len(c->alg) : 0,
			   c->have_nonce ? c->nonce : NULL, c->have_nonce ? TLS_NONCE_LEN : 0, NULL);
	key_forget(c);
	return good;
}

/* ---- parameters ---- */

static bool is_tag(const OSSL_PARAM *p)
{
	return strcmp(p->key, OSSL_CIPHER_PARAM_AEAD_TAG) == 0;
}

/* Everything that TLS 1.2 sets of these ciphers begins so; version and MAC size are told to all ciphers and
 * concern those with CBC. */
static bool is_12(const OSSL_PARAM *p)
{
	return strncmp(p->key, "tls", 3) == 0 && strcmp(p->key, OSSL_CIPHER_PARAM_TLS_VERSION) != 0 &&
	       strcmp(p->key, OSSL_CIPHER_PARAM_TLS_MAC_SIZE) != 0;
}

/* 1 or 0, as libcrypto has it; -1: not for us */
static int set_one(struct cipher *c, const OSSL_PARAM *p)
{
	size_t n;

	if (is_tag(p)) {
		if (p->data_type != OSSL_PARAM_OCTET_STRING || p->data_size != TLS_TAG_LEN || !p->data)
			return -1;
		if (c->seals)
			return 0;
		memcpy(c->tag, p->data, TLS_TAG_LEN);
		c->have_tag = true;
		return 1;
	}
	if (strcmp(p->key, OSSL_CIPHER_PARAM_IVLEN) == 0)
		return !OSSL_PARAM_get_size_t(p, &n) ? 0 : n == TLS_NONCE_LEN ? 1 : -1;
	if (strcmp(p->key, OSSL_CIPHER_PARAM_KEYLEN) == 0)
		return OSSL_PARAM_get_size_t(p, &n) && n == tls_aead_key_len(c->alg);
	return is_12(p) ? -1 : 1;
}

static int cipher_set(void *ctx, const OSSL_PARAM params[])
{
	struct cipher *c = ctx;

	for (const OSSL_PARAM *p = params; p && p->key && !c->theirs; p++) {
		int r = set_one(c, p);

		if (r == 0 || (r < 0 && !hand_over(c)))
			return 0;
	}
	return c->theirs ? theirs_of(c)->set_ctx_params(c->theirs, params) : 1;
}

static int get_one(const struct cipher *c, OSSL_PARAM *p)
{
	if (is_tag(p))
		return c->seals && c->done && p->data_size <= TLS_TAG_LEN &&
		       OSSL_PARAM_set_octet_string(p, c->tag, p->data_size);
	if (strcmp(p->key, OSSL_CIPHER_PARAM_IVLEN) == 0)
		return OSSL_PARAM_set_size_t(p, TLS_NONCE_LEN);
	if (strcmp(p->key, OSSL_CIPHER_PARAM_KEYLEN) == 0)
		return OSSL_PARAM_set_size_t(p, tls_aead_key_len(c->alg));
	if (strcmp(p->key, OSSL_CIPHER_PARAM_AEAD_TAGLEN) == 0)
		return OSSL_PARAM_set_size_t(p, TLS_TAG_LEN);
	return -1;
}

static int cipher_get(void *ctx, OSSL_PARAM params[])
{
	struct cipher *c = ctx;

	for (OSSL_PARAM *p = params; p && p->key && !c->theirs; p++) {
		int r = get_one(c, p);

		if (r == 0 || (r < 0 && !hand_over(c)))
			return 0;
	}
	return c->theirs ? theirs_of(c)->get_ctx_params(c->theirs, params) : 1;
}

/* ---- a record ---- */

static int begin(struct cipher *c, bool seals, const uint8_t *key, size_t key_len, const uint8_t *iv,
		 size_t iv_len, const OSSL_PARAM params[])
{
	c->seals = seals;
	if (!c->theirs && iv && iv_len != TLS_NONCE_LEN && !hand_over(c))
		return 0;
	if (c->theirs)
		return theirs_init(c, key, key_len, iv, iv_len, params);
	if (key) {
		if (key_len != tls_aead_key_len(c->alg))
			return 0;
		key_forget(c);
		memcpy(c->key, key, key_len);
		c->have_key = true;
		c->id = ++c->p->cipher_keys | (uint64_t)1 << 63; /* sessions have none of these */
	}
	if (iv) {
		memcpy(c->nonce, iv, TLS_NONCE_LEN);
		c->have_nonce = true;
		c->have_tag = c->done = c->good = false;
		c->aad_len = 0;
	}
	return cipher_set(c, params);
}

static int encrypt_init(void *ctx, const unsigned char *key, size_t key_len, const unsigned char *iv,
			size_t iv_len, const OSSL_PARAM params[])
{
	return begin(ctx, true, key, key_len, iv, iv_len, params);
}

static int decrypt_init(void *ctx, const unsigned char *key, size_t key_len, const unsigned char *iv,
			size_t iv_len, const OSSL_PARAM params[])
{
	return begin(ctx, false, key, key_len, iv, iv_len, params);
}

static void raw_key(void *ctx, struct tls_raw_key *out)
{
	const struct cipher *c = ctx;

	memset(out, 0, sizeof(*out));
	memcpy(out->key, c->key, sizeof(out->key));
}

/* the whole text, in place; false: no key, no nonce, or this one was used */
static bool text(struct cipher *c, uint8_t *data, size_t len)
{
	const struct tls_aead_key *key;

	if (!c->have_key || !c->have_nonce || c->done || (!c->seals && !c->have_tag))
		return false;
	if (!c->id) /* a copy of somebody's */
		c->id = ++c->p->cipher_keys | (uint64_t)1 << 63;
	c->done = true;
	c->have_nonce = false;
	key = tls_aead_key_get(c->p->aead, (enum tls_aead_alg)c->alg, c->id, raw_key, c);
	if (c->seals) {
		tls_aead_seal_apart(c->p->aead, key, c->nonce, c->aad, c->aad_len, data, len, c->tag);
		c->good = true;
	} else {
		c->good =
			tls_aead_open_apart(c->p->aead, key, c->nonce, c->aad, c->aad_len, data, len, c->tag);
	}
	return true;
}

static int update(void *ctx, unsigned char *out, size_t *done, size_t room, const unsigned char *in,
		  size_t len)
{
	struct cipher *c = ctx;

	if (c->theirs)
		return theirs_of(c)->update(c->theirs, out, done, room, in, len);
	*done = 0;
	if (len == 0)
		return 1;
	if (!out) { /* a header, as "additional data" */
		if (c->done || len > (size_t)(AAD_MAX - c->aad_len))
			return 0;
		memcpy(c->aad + c->aad_len, in, len);
		c->aad_len += (uint8_t)len;
		*done = len;
		return 1;
	}
	if (room < len || c->done)
		return 0;
	if (out != in)
		memmove(out, in, len);
	if (!text(c, out, len)) {
		OPENSSL_cleanse(out, len);
		return 0;
	}
	*done = len;
	return 1;
}

static int final(void *ctx, unsigned char *out, size_t *done, size_t room)
{
	struct cipher *c = ctx;
	uint8_t nothing = 0;

	if (c->theirs)
		return theirs_of(c)->final(c->theirs, out, done, room);
	*done = 0;
	/* without a text there is the tag of the header alone */
	return (c->done || text(c, &nothing, 0)) && c->good;
}

/* in one call, as libssl does for TLS 1.2 */
static int whole(void *ctx, unsigned char *out, size_t *done, size_t room, const unsigned char *in,
		 size_t len)
{
	struct cipher *c = ctx;

	return hand_over(c) && theirs_of(c)->cipher(c->theirs, out, done, room, in, len);
}

static const OSSL_DISPATCH functions[] = {
	{OSSL_FUNC_CIPHER_FREECTX, (void (*)(void))cipher_free},
	{OSSL_FUNC_CIPHER_DUPCTX, (void (*)(void))cipher_dup},
	{OSSL_FUNC_CIPHER_ENCRYPT_INIT, (void (*)(void))encrypt_init},
	{OSSL_FUNC_CIPHER_DECRYPT_INIT, (void (*)(void))decrypt_init},
	{OSSL_FUNC_CIPHER_UPDATE, (void (*)(void))update},
	{OSSL_FUNC_CIPHER_FINAL, (void (*)(void)) final},
	{OSSL_FUNC_CIPHER_CIPHER, (void (*)(void))whole},
	{OSSL_FUNC_CIPHER_GET_CTX_PARAMS, (void (*)(void))cipher_get},
	{OSSL_FUNC_CIPHER_SET_CTX_PARAMS, (void (*)(void))cipher_set},
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

bool tls_provider_cipher_init(struct tls_cipher *f, enum tls_aead_alg alg, const OSSL_DISPATCH *from)
{
	/* of the cipher, not of a context */
	static const int facts[] = {OSSL_FUNC_CIPHER_GET_PARAMS, OSSL_FUNC_CIPHER_GETTABLE_PARAMS,
				    OSSL_FUNC_CIPHER_GETTABLE_CTX_PARAMS,
				    OSSL_FUNC_CIPHER_SETTABLE_CTX_PARAMS};
	static void *(*const makers[])(void *) = {
		[TLS_AEAD_AES128_GCM] = aes128_new,
		[TLS_AEAD_AES256_GCM] = aes256_new,
		[TLS_AEAD_CHACHA20_POLY1305] = chacha_new,
	};
	OSSL_DISPATCH theirs[TLS_PROVIDER_DISPATCH];
	unsigned n = 0;

	_Static_assert(FUNCTIONS + 4 + 1 < TLS_CIPHER_DISPATCH, "the table is too short");
	if (!from || !tls_provider_copy(theirs, from))
		return false;
#define TAKE(id, field) f->field = (OSSL_FUNC_cipher_##field##_fn *)tls_provider_swap(theirs, id, NULL)
	TAKE(OSSL_FUNC_CIPHER_NEWCTX, newctx);
	TAKE(OSSL_FUNC_CIPHER_FREECTX, freectx);
	TAKE(OSSL_FUNC_CIPHER_DUPCTX, dupctx); /* 3.0 has none */
	TAKE(OSSL_FUNC_CIPHER_ENCRYPT_INIT, encrypt_init);
	TAKE(OSSL_FUNC_CIPHER_DECRYPT_INIT, decrypt_init);
	TAKE(OSSL_FUNC_CIPHER_UPDATE, update);
	TAKE(OSSL_FUNC_CIPHER_FINAL, final);
	TAKE(OSSL_FUNC_CIPHER_CIPHER, cipher);
	TAKE(OSSL_FUNC_CIPHER_GET_CTX_PARAMS, get_ctx_params);
	TAKE(OSSL_FUNC_CIPHER_SET_CTX_PARAMS, set_ctx_params);
#undef TAKE
	f->fns[n++] = (OSSL_DISPATCH){OSSL_FUNC_CIPHER_NEWCTX, (void (*)(void))makers[alg]};
	for (unsigned i = 0; i < FUNCTIONS; i++)
		f->fns[n++] = functions[i];
	for (unsigned i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		void (*fact)(void) = tls_provider_swap(theirs, facts[i], NULL);

		if (!fact)
			return false;
		f->fns[n++] = (OSSL_DISPATCH){facts[i], fact};
	}
	f->fns[n] = (OSSL_DISPATCH){0, NULL};
	return f->newctx && f->freectx && f->encrypt_init && f->decrypt_init && f->update && f->final &&
	       f->cipher && f->get_ctx_params && f->set_ctx_params;
}
