/* SPDX-License-Identifier: BSD-3-Clause */
/* HMAC as a "signature": so libssl makes the binder of a ticket (RFC 8446 4.2.11.2), and the MAC of a record
 * with CBC. Keys are the default provider's. With SHA-256 and SHA-384 it is computed here; that one's own way
 * looks HMAC and the hash up by their names and makes four contexts for one binder. With any other hash that
 * way is taken. */
#include "dataplane/tls/provider.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "dataplane/tls/kdf.h"
#include "dataplane/tls/tls_digest.h"

enum { KEY_MAX = 128 };

struct hmac {
	struct tls_provider *p;
	void *theirs; /* NULL: ours */
	bool have_key;
	struct tls_hmac now;
};

static void *hmac_key_new(void *provider)
{
	struct tls_provider *p = provider;
	void *key = p->hmac_key_new(p->theirs);

	return key;
}

static void *hmac_key_gen(void *provider, int selection, const OSSL_PARAM params[])
{
	struct tls_provider *p = provider;
	void *gen = p->hmac_key_gen(p->theirs, selection, params);

	return gen;
}

static void *hmac_new(void *provider, const char *properties)
{
	struct hmac *h = OPENSSL_zalloc(sizeof(*h));

	if (h)
		h->p = provider;
	return h;
}

static void hmac_free(void *ctx)
{
	struct hmac *h = ctx;

	if (!h)
		return;
	if (h->theirs)
		h->p->hmac.freectx(h->theirs);
	tls_wipe(h, sizeof(*h));
	OPENSSL_free(h);
}

static void *hmac_dup(void *ctx)
{
	const struct hmac *h = ctx;
	struct hmac *copy = OPENSSL_memdup(h, sizeof(*h));

	if (!copy || !h->theirs)
		return copy;
	copy->theirs = h->p->hmac.dupctx(h->theirs);
	if (copy->theirs)
		return copy;
	tls_wipe(copy, sizeof(*copy));
	OPENSSL_free(copy);
	return NULL;
}

/* false: another hash, or a key that is longer than any that libssl makes for these */
static bool begin(struct hmac *h, const char *name, void *key)
{
	OSSL_PARAM hash_name = OSSL_PARAM_construct_utf8_string("digest", (char *)(uintptr_t)name, 0);
	uint8_t bytes[KEY_MAX];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, bytes, sizeof(bytes)),
		OSSL_PARAM_construct_end(),
	};
	enum tls_hash hash;

	if (!name || !key || !tls_provider_hash(&hash_name, &hash) || h->p->hmac_key_get(key, params) != 1 ||
	    params[0].return_size > sizeof(bytes))
		return false;
	tls_hmac_init(&h->now, hash, bytes, params[0].return_size);
	tls_wipe(bytes, sizeof(bytes));
	return true;
}

static int hmac_init(void *ctx, const char *hash, void *key, const OSSL_PARAM params[])
{
	struct hmac *h = ctx;

	h->have_key = !h->theirs && (!params || !params->key) && begin(h, hash, key);
	if (h->have_key)
		return 1;
	if (!h->theirs)
		h->theirs = h->p->hmac.newctx(h->p->theirs, NULL);
	return h->theirs && h->p->hmac.digest_sign_init(h->theirs, hash, key, params);
}

static int hmac_add(void *ctx, const unsigned char *in, size_t len)
{
	struct hmac *h = ctx;

	if (h->theirs)
		return h->p->hmac.digest_sign_update(h->theirs, in, len);
	if (h->have_key && len)
		tls_hmac_add(&h->now, in, len);
	return h->have_key;
}

static int hmac_final(void *ctx, unsigned char *out, size_t *len, size_t room)
{
	struct hmac *h = ctx;

	if (h->theirs)
		return h->p->hmac.digest_sign_final(h->theirs, out, len, room);
	if (!h->have_key)
		return 0;
	*len = tls_hash_len(h->now.inner.hash);
	if (!out)
		return 1;
	if (room < *len)
		return 0;
	tls_hmac_final(&h->now, out);
	h->have_key = false;
	return 1;
}

const OSSL_DISPATCH tls_provider_hmac[] = {
	{OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))hmac_new},
	{OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))hmac_free},
	{OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))hmac_dup},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))hmac_init},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))hmac_add},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))hmac_final},
	{0, NULL},
};

bool tls_provider_hmac_init(struct tls_provider *p, const OSSL_DISPATCH *keymgmt,
			    const OSSL_DISPATCH *signature)
{
	OSSL_DISPATCH *k = p->hmac_key_fns, theirs[TLS_PROVIDER_DISPATCH];
	struct tls_hmac_signature *f = &p->hmac;

	if (!keymgmt || !signature || !tls_provider_copy(k, keymgmt) || !tls_provider_copy(theirs, signature))
		return false;
	p->hmac_key_new = (OSSL_FUNC_keymgmt_new_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_NEW,
									(void (*)(void))hmac_key_new);
	p->hmac_key_gen = (OSSL_FUNC_keymgmt_gen_init_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_INIT,
									     (void (*)(void))hmac_key_gen);
	p->hmac_key_get =
		(OSSL_FUNC_keymgmt_get_params_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GET_PARAMS, NULL);
#define TAKE(id, field) f->field = (OSSL_FUNC_signature_##field##_fn *)tls_provider_swap(theirs, id, NULL)
	TAKE(OSSL_FUNC_SIGNATURE_NEWCTX, newctx);
	TAKE(OSSL_FUNC_SIGNATURE_FREECTX, freectx);
	TAKE(OSSL_FUNC_SIGNATURE_DUPCTX, dupctx);
	TAKE(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, digest_sign_init);
	TAKE(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, digest_sign_update);
	TAKE(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, digest_sign_final);
#undef TAKE
	return p->hmac_key_new && p->hmac_key_gen && p->hmac_key_get && f->newctx && f->freectx &&
	       f->dupctx && f->digest_sign_init && f->digest_sign_update && f->digest_sign_final;
}
