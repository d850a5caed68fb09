/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519 with key pairs made by the exchange function: libcrypto has it in assembly, but makes public keys
 * with a portable table that takes two to three times as long. Everything else is the default provider's. */
#include "dataplane/tls/provider.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "dataplane/tls/kdf.h"

enum { KEY = 32 };

struct gen {
	struct tls_provider *p;
	void *theirs;
	int selection;
};

static bool import_public(const struct tls_provider *p, void *key, uint8_t pub[KEY])
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, pub, KEY),
		OSSL_PARAM_construct_end(),
	};

	return p->key_import(key, OSSL_KEYMGMT_SELECT_PUBLIC_KEY, params) == 1;
}

static bool multiply_base(const struct tls_provider *p, void *key, uint8_t pub[KEY])
{
	void *exchange = p->exchange_new(p->theirs);
	size_t len = KEY;
	bool good = exchange && p->exchange_init(exchange, key, NULL) == 1 &&
		    p->exchange_peer(exchange, p->base_point) == 1 &&
		    p->exchange_derive(exchange, pub, &len, KEY) == 1 && len == KEY;

	if (exchange)
		p->exchange_free(exchange);
	return good;
}

static void *key_make(const struct tls_provider *p)
{
	uint8_t priv[KEY], pub[KEY] = {9};
	OSSL_PARAM params[3] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, priv, KEY),
		/* a placeholder: without one, libcrypto would compute it */
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, pub, KEY),
		OSSL_PARAM_construct_end(),
	};
	void *key = p->key_new(p->theirs);
	bool good = key && RAND_priv_bytes_ex(p->lib, priv, KEY, 0) > 0;

	if (good) {
		/* RFC 7748 5 */
		priv[0] &= 248;
		priv[KEY - 1] = (priv[KEY - 1] & 127) | 64;
		good = p->key_import(key, OSSL_KEYMGMT_SELECT_KEYPAIR, params) == 1 &&
		       multiply_base(p, key, pub) && import_public(p, key, pub);
	}
	tls_wipe(priv, sizeof(priv));
	if (!good && key) {
		p->key_free(key);
		key = NULL;
	}
	return key;
}

static void *gen_init(void *provider, int selection, const OSSL_PARAM params[])
{
	struct tls_provider *p = provider;
	struct gen *g = OPENSSL_malloc(sizeof(*g));

	if (!g)
		return NULL;
	g->p = p;
	g->selection = selection;
	g->theirs = p->gen_init(p->theirs, selection, params);
	if (!g->theirs) {
		OPENSSL_free(g);
		return NULL;
	}
	return g;
}

static int gen_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct gen *g = ctx;

	return g->p->gen_set_params(g->theirs, params);
}

static void *gen_key(void *ctx, OSSL_CALLBACK *progress, void *arg)
{
	struct gen *g = ctx;
	void *key;

	if ((g->selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
		key = g->p->gen(g->theirs, progress, arg);
	else
		key = key_make(g->p);
	return key;
}

static void gen_cleanup(void *ctx)
{
	struct gen *g = ctx;

	g->p->gen_cleanup(g->theirs);
	OPENSSL_free(g);
}

static void *key_new(void *provider)
{
	struct tls_provider *p = provider;

	void *key = p->key_new(p->theirs);

	return key;
}

static void *exchange_new(void *provider)
{
	struct tls_provider *p = provider;

	void *made = p->exchange_new(p->theirs);

	return made;
}

#define TAKE(field, table, id, ours)                                                          \
	(p->field = (OSSL_FUNC_##id##_fn *)tls_provider_swap(p->table, OSSL_FUNC_NUMBER_##id, \
							     (void (*)(void))(ours)))
enum {
	OSSL_FUNC_NUMBER_keymgmt_new = OSSL_FUNC_KEYMGMT_NEW,
	OSSL_FUNC_NUMBER_keymgmt_free = OSSL_FUNC_KEYMGMT_FREE,
	OSSL_FUNC_NUMBER_keymgmt_import = OSSL_FUNC_KEYMGMT_IMPORT,
	OSSL_FUNC_NUMBER_keymgmt_gen_init = OSSL_FUNC_KEYMGMT_GEN_INIT,
	OSSL_FUNC_NUMBER_keymgmt_gen_set_params = OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS,
	OSSL_FUNC_NUMBER_keymgmt_gen = OSSL_FUNC_KEYMGMT_GEN,
	OSSL_FUNC_NUMBER_keymgmt_gen_cleanup = OSSL_FUNC_KEYMGMT_GEN_CLEANUP,
	OSSL_FUNC_NUMBER_keyexch_newctx = OSSL_FUNC_KEYEXCH_NEWCTX,
	OSSL_FUNC_NUMBER_keyexch_freectx = OSSL_FUNC_KEYEXCH_FREECTX,
	OSSL_FUNC_NUMBER_keyexch_init = OSSL_FUNC_KEYEXCH_INIT,
	OSSL_FUNC_NUMBER_keyexch_set_peer = OSSL_FUNC_KEYEXCH_SET_PEER,
	OSSL_FUNC_NUMBER_keyexch_derive = OSSL_FUNC_KEYEXCH_DERIVE,
};

bool tls_provider_x25519_init(struct tls_provider *p, const OSSL_DISPATCH *keymgmt,
			      const OSSL_DISPATCH *exchange)
{
	uint8_t nine[KEY] = {9};

	if (!tls_provider_copy(p->keymgmt_fns, keymgmt) || !tls_provider_copy(p->exchange_fns, exchange))
		return false;
	/* a template would be handed to a context that is not theirs */
	if (tls_provider_swap(p->keymgmt_fns, OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE, NULL))
		return false;
	if (!TAKE(key_new, keymgmt_fns, keymgmt_new, key_new) ||
	    !TAKE(key_free, keymgmt_fns, keymgmt_free, NULL) ||
	    !TAKE(key_import, keymgmt_fns, keymgmt_import, NULL) ||
	    !TAKE(gen_init, keymgmt_fns, keymgmt_gen_init, gen_init) ||
	    !TAKE(gen_set_params, keymgmt_fns, keymgmt_gen_set_params, gen_set_params) ||
	    !TAKE(gen, keymgmt_fns, keymgmt_gen, gen_key) ||
	    !TAKE(gen_cleanup, keymgmt_fns, keymgmt_gen_cleanup, gen_cleanup) ||
	    !TAKE(exchange_new, exchange_fns, keyexch_newctx, exchange_new) ||
	    !TAKE(exchange_free, exchange_fns, keyexch_freectx, NULL) ||
	    !TAKE(exchange_init, exchange_fns, keyexch_init, NULL) ||
	    !TAKE(exchange_peer, exchange_fns, keyexch_set_peer, NULL) ||
	    !TAKE(exchange_derive, exchange_fns, keyexch_derive, NULL))
		return false;
	p->base_point = p->key_new(p->theirs);
	if (p->base_point && import_public(p, p->base_point, nine))
		return true;
	tls_provider_x25519_fini(p);
	return false;
}

void tls_provider_x25519_fini(struct tls_provider *p)
{
	if (p->base_point)
		p->key_free(p->base_point);
	p->base_point = NULL;
}
