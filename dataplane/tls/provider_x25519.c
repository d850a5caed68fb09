/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519: keys and their agreement are the default provider's; what is ours is a new key, whose public half
 * comes from x25519.h at a third of the price. */
#include "dataplane/tls/provider.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "dataplane/tls/kdf.h"

struct gen {
	struct tls_provider *p;
	int selection;
};

static void *x25519_new(void *provider)
{
	struct tls_provider *p = provider;
	void *key = p->x25519_new(p->theirs);

	return key;
}

/* the one parameter that libssl sets is the name of the group */
static int gen_set(void *ctx, const OSSL_PARAM params[])
{
	const OSSL_PARAM *name = params ? OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME) : NULL;

	return !name ||
	       (name->data_type == OSSL_PARAM_UTF8_STRING && OPENSSL_strcasecmp(name->data, "x25519") == 0);
}

static const OSSL_PARAM *gen_settable(void *ctx, void *provider)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END,
	};

	return list;
}

static void *gen_init(void *provider, int selection, const OSSL_PARAM params[])
{
	struct gen *g;

	if (!gen_set(NULL, params))
		return NULL;
	g = OPENSSL_malloc(sizeof(*g));
	if (g)
		*g = (struct gen){provider, selection};
	return g;
}

static void gen_cleanup(void *ctx)
{
	OPENSSL_free(ctx);
}

static void *gen(void *ctx, OSSL_CALLBACK *progress, void *arg)
{
	struct gen *g = ctx;
	uint8_t private[TLS_X25519_LEN], public[TLS_X25519_LEN];
	OSSL_PARAM params[3];
	void *key;
	int good;

	key = x25519_new(g->p);
	/* an empty one, for the peer's */
	if (!key || !(g->selection & OSSL_KEYMGMT_SELECT_KEYPAIR))
		return key;
	good = RAND_priv_bytes_ex(g->p->lib, private, sizeof(private), 0) > 0;
	if (good) {
		private[0] &= 248;
		private[31] = (private[31] & 127) | 64;
		tls_x25519_public(&g->p->x25519, private, public);
		params[0] =
			OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, private, sizeof(private));
		params[1] =
			OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public, sizeof(public));
		params[2] = OSSL_PARAM_construct_end();
		good = g->p->x25519_import(key, OSSL_KEYMGMT_SELECT_KEYPAIR, params) == 1;
	}
	tls_wipe(private, sizeof(private));
	if (good)
		return key;
	g->p->x25519_free(key);
	return NULL;
}

static void *exchange_new(void *provider)
{
	struct tls_provider *p = provider;
	void *made = p->x25519_exchange_new(p->theirs);

	return made;
}

bool tls_provider_x25519_init(struct tls_provider *p, const OSSL_DISPATCH *keymgmt,
			      const OSSL_DISPATCH *exchange)
{
	OSSL_DISPATCH *k = p->x25519_fns, *x = p->x25519_exchange_fns;

	if (!tls_provider_copy(k, keymgmt) || !tls_provider_copy(x, exchange))
		return false;
	p->x25519_new = (OSSL_FUNC_keymgmt_new_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_NEW,
								      (void (*)(void))x25519_new);
	p->x25519_free = (OSSL_FUNC_keymgmt_free_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_FREE, NULL);
	p->x25519_import =
		(OSSL_FUNC_keymgmt_import_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_IMPORT, NULL);
	p->x25519_exchange_new = (OSSL_FUNC_keyexch_newctx_fn *)tls_provider_swap(
		x, OSSL_FUNC_KEYEXCH_NEWCTX, (void (*)(void))exchange_new);
	tls_x25519_init(&p->x25519);
	return tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_INIT, (void (*)(void))gen_init) &&
	       tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, (void (*)(void))gen_set) &&
	       tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, (void (*)(void))gen_settable) &&
	       tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN, (void (*)(void))gen) &&
	       tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_CLEANUP, (void (*)(void))gen_cleanup) &&
	       p->x25519_new && p->x25519_free && p->x25519_import && p->x25519_exchange_new;
}
