/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519: keys are the default provider's. What is ours is a new one, whose public half comes from x25519.h
 * at a quarter of the price, and the agreement where that has one for this CPU. */
#include "dataplane/tls/provider.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "dataplane/tls/kdf.h"
#include "dataplane/tls/secret_page.h"

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
	good = tls_pair_take(g->p, private, public);
	if (good) {
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

/* ---- the default provider's agreement ---- */

static void *exchange_new(void *provider)
{
	struct tls_provider *p = provider;
	void *made = p->x25519_exchange_new(p->theirs);

	return made;
}

/* ---- ours ---- */

struct agreement {
	struct tls_provider *p;
	bool have_private, have_peer;
	uint8_t private[TLS_X25519_LEN], peer[TLS_X25519_LEN];
};

static void *agreement_new(void *provider)
{
	struct agreement *a = OPENSSL_zalloc(sizeof(*a));

	if (a)
		a->p = provider;
	return a;
}

static void agreement_free(void *ctx)
{
	OPENSSL_clear_free(ctx, sizeof(struct agreement));
}

static void *agreement_dup(void *ctx)
{
	return OPENSSL_memdup(ctx, sizeof(struct agreement));
}

/* the bytes of a key of the default provider's */
static bool bytes_of(const struct agreement *a, void *key, const char *which, uint8_t out[TLS_X25519_LEN])
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(which, out, TLS_X25519_LEN),
		OSSL_PARAM_construct_end(),
	};

	return key && a->p->x25519_get_params(key, params) == 1 && params[0].return_size == TLS_X25519_LEN;
}

static int agreement_init(void *ctx, void *key, const OSSL_PARAM params[])
{
	struct agreement *a = ctx;

	a->have_peer = false;
	a->have_private = bytes_of(a, key, OSSL_PKEY_PARAM_PRIV_KEY, a->private);
	return a->have_private;
}

static int agreement_peer(void *ctx, void *key)
{
	struct agreement *a = ctx;

	a->have_peer = bytes_of(a, key, OSSL_PKEY_PARAM_PUB_KEY, a->peer);
	return a->have_peer;
}

/* RFC 8446 7.4.2: a zero secret is the end of the handshake */
static int agreement_derive(void *ctx, unsigned char *secret, size_t *len, size_t room)
{
	struct agreement *a = ctx;

	if (!a->have_private || !a->have_peer)
		return 0;
	*len = TLS_X25519_LEN;
	return !secret || (room >= TLS_X25519_LEN && a->p->x25519_code->agree(a->private, a->peer, secret));
}

const OSSL_DISPATCH tls_provider_x25519_agreement[] = {
	{OSSL_FUNC_KEYEXCH_NEWCTX, (void (*)(void))agreement_new},
	{OSSL_FUNC_KEYEXCH_INIT, (void (*)(void))agreement_init},
	{OSSL_FUNC_KEYEXCH_SET_PEER, (void (*)(void))agreement_peer},
	{OSSL_FUNC_KEYEXCH_DERIVE, (void (*)(void))agreement_derive},
	{OSSL_FUNC_KEYEXCH_FREECTX, (void (*)(void))agreement_free},
	{OSSL_FUNC_KEYEXCH_DUPCTX, (void (*)(void))agreement_dup},
	{0, NULL},
};

void tls_provider_x25519_fini(struct tls_provider *p)
{
	tls_secret_page_free(p->pairs);
	p->pairs = NULL;
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
	p->x25519_get_params =
		(OSSL_FUNC_keymgmt_get_params_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GET_PARAMS, NULL);
	tls_x25519_init(&p->x25519);
	p->x25519_code = tls_x25519_pick();
	if (p->x25519_code->publics)
		p->pairs = tls_secret_page_new();
	if (p->x25519_code->agree && !tls_provider_copy(x, tls_provider_x25519_agreement))
		return false;
	return tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_INIT, (void (*)(void))gen_init) &&
	       tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, (void (*)(void))gen_set) &&
	       tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, (void (*)(void))gen_settable) &&
	       tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN, (void (*)(void))gen) &&
	       tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_CLEANUP, (void (*)(void))gen_cleanup) &&
	       p->x25519_new && p->x25519_free && p->x25519_import && p->x25519_get_params &&
	       p->x25519_exchange_new;
}
