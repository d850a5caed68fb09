/* SPDX-License-Identifier: BSD-3-Clause */
/* The default provider's generator, asked for many bytes at a time: its price is by the call (a handshake
 * makes five), not by the byte. What waits here is output of that generator and of nothing else; it is wiped
 * as it goes out, it is gone after a fork (the kernel clears the page, the child's first call finds none and
 * the generator below reseeds), after a reseed and when it has waited for some minutes. A generator that
 * threads share, and every call that asks for more than plain bytes, goes straight through. */
#include "dataplane/tls/provider.h"

#include <string.h>
#include <x86intrin.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "dataplane/tls/kdf.h"
#include "dataplane/tls/secret_page.h"

enum {
	STOCK = 512,
	PIECE_MAX = 64,
	STRENGTH_MAX = 256,    /* the generator's */
	REQUEST_MAX = 1 << 16, /* and the most that it gives at once */
};

/* in a page of its own */
struct stock {
	uint32_t left; /* 0 in a child, like everything here */
	uint64_t made;
	uint8_t bytes[STOCK]; /* taken from the end */
};

_Static_assert(sizeof(struct stock) <= TLS_SECRET_PAGE, "one page");

struct rand {
	const struct tls_rand *f;
	void *theirs;
	bool shared;
	struct stock *stock; /* NULL: none */
};

static void stock_drop(struct rand *r)
{
	if (r->stock)
		tls_wipe(r->stock, sizeof(*r->stock));
}

static void *rand_new(void *provider, void *parent, const OSSL_DISPATCH *parent_calls)
{
	const struct tls_provider *p = provider;
	struct rand *r = OPENSSL_zalloc(sizeof(*r));

	if (!r)
		return NULL;
	r->f = &p->rand;
	r->theirs = p->rand.newctx(p->theirs, parent, parent_calls);
	if (!r->theirs) {
		OPENSSL_free(r);
		return NULL;
	}
	r->stock = tls_secret_page_new();
	return r;
}

static void rand_free(void *ctx)
{
	struct rand *r = ctx;

	if (!r)
		return;
	r->f->freectx(r->theirs);
	tls_secret_page_free(r->stock);
	OPENSSL_free(r);
}

/* ---- bytes ---- */

static bool stock_fill(struct rand *r)
{
	struct stock *s = r->stock;

	s->left = 0;
	if (r->f->generate(r->theirs, s->bytes, STOCK, STRENGTH_MAX, 0, NULL, 0) != 1)
		return false;
	s->made = __rdtsc();
	s->left = STOCK;
	return true;
}

static int generate(void *ctx, unsigned char *out, size_t len, unsigned strength, int prediction_resistance,
		    const unsigned char *more, size_t more_len)
{
	struct rand *r = ctx;
	struct stock *s = r->stock;

	if (!s || r->shared || prediction_resistance || more_len || len > PIECE_MAX ||
	    strength > STRENGTH_MAX)
		return r->f->generate(r->theirs, out, len, strength, prediction_resistance, more, more_len);
	if ((s->left < len || tls_secret_old(s->made)) && !stock_fill(r))
		return 0;
	s->left -= (uint32_t)len;
	memcpy(out, s->bytes + s->left, len);
	tls_wipe(s->bytes + s->left, len);
	return 1;
}

/* ---- state ---- */

/* libcrypto 3.5 tells who the generator's provider is, for it to take its cipher from there: the default one
 */
static int instantiate(void *ctx, unsigned strength, int prediction_resistance, const unsigned char *text,
		       size_t text_len, const OSSL_PARAM params[])
{
	enum { PARAMS_MAX = 16 };
	struct rand *r = ctx;
	OSSL_PARAM theirs[PARAMS_MAX];
	char owner[] = "default";
	unsigned n = 0;

	for (; params && params->key; params++) {
		if (n == PARAMS_MAX - 1)
			return 0;
		theirs[n] = *params;
		if (strcmp(params->key, OSSL_PROV_PARAM_CORE_PROV_NAME) == 0)
			theirs[n] =
				OSSL_PARAM_construct_utf8_string(OSSL_PROV_PARAM_CORE_PROV_NAME, owner, 0);
		n++;
	}
	theirs[n] = OSSL_PARAM_construct_end();
	stock_drop(r);
	return r->f->instantiate(r->theirs, strength, prediction_resistance, text, text_len, theirs);
}

static int uninstantiate(void *ctx)
{
	struct rand *r = ctx;

	stock_drop(r);
	return r->f->uninstantiate(r->theirs);
}

static int reseed(void *ctx, int prediction_resistance, const unsigned char *entropy, size_t len,
		  const unsigned char *more, size_t more_len)
{
	struct rand *r = ctx;

	stock_drop(r);
	return r->f->reseed(r->theirs, prediction_resistance, entropy, len, more, more_len);
}

static int enable_locking(void *ctx)
{
	struct rand *r = ctx;

	stock_drop(r);
	r->shared = true;
	return r->f->enable_locking(r->theirs);
}

static int lock(void *ctx)
{
	const struct rand *r = ctx;

	return !r->shared || r->f->lock(r->theirs);
}

static void unlock(void *ctx)
{
	const struct rand *r = ctx;

	if (r->shared)
		r->f->unlock(r->theirs);
}

static int get(void *ctx, OSSL_PARAM params[])
{
	struct rand *r = ctx;

	/* asked before each call */
	if (params[0].key && !params[1].key && strcmp(params[0].key, OSSL_RAND_PARAM_MAX_REQUEST) == 0)
		return OSSL_PARAM_set_size_t(&params[0], REQUEST_MAX);
	return r->f->get_ctx_params(r->theirs, params);
}

static int set(void *ctx, const OSSL_PARAM params[])
{
	struct rand *r = ctx;

	stock_drop(r);
	return r->f->set_ctx_params(r->theirs, params);
}

static const OSSL_PARAM *gettable(void *ctx, void *provider)
{
	const struct tls_provider *p = provider;
	const OSSL_PARAM *list =
		p->rand.gettable_ctx_params(ctx ? ((struct rand *)ctx)->theirs : NULL, p->theirs);

	return list;
}

static const OSSL_PARAM *settable(void *ctx, void *provider)
{
	const struct tls_provider *p = provider;
	const OSSL_PARAM *list =
		p->rand.settable_ctx_params(ctx ? ((struct rand *)ctx)->theirs : NULL, p->theirs);

	return list;
}

/* for generators below this one */
static size_t get_seed(void *ctx, unsigned char **out, int entropy, size_t min, size_t max,
		       int prediction_resistance, const unsigned char *more, size_t more_len)
{
	struct rand *r = ctx;

	return r->f->get_seed(r->theirs, out, entropy, min, max, prediction_resistance, more, more_len);
}

static void clear_seed(void *ctx, unsigned char *out, size_t len)
{
	struct rand *r = ctx;

	r->f->clear_seed(r->theirs, out, len);
}

const OSSL_DISPATCH tls_provider_rand[] = {
	{OSSL_FUNC_RAND_NEWCTX, (void (*)(void))rand_new},
	{OSSL_FUNC_RAND_FREECTX, (void (*)(void))rand_free},
	{OSSL_FUNC_RAND_INSTANTIATE, (void (*)(void))instantiate},
	{OSSL_FUNC_RAND_UNINSTANTIATE, (void (*)(void))uninstantiate},
	{OSSL_FUNC_RAND_GENERATE, (void (*)(void))generate},
	{OSSL_FUNC_RAND_RESEED, (void (*)(void))reseed},
	{OSSL_FUNC_RAND_ENABLE_LOCKING, (void (*)(void))enable_locking},
	{OSSL_FUNC_RAND_LOCK, (void (*)(void))lock},
	{OSSL_FUNC_RAND_UNLOCK, (void (*)(void))unlock},
	{OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, (void (*)(void))gettable},
	{OSSL_FUNC_RAND_GET_CTX_PARAMS, (void (*)(void))get},
	{OSSL_FUNC_RAND_SETTABLE_CTX_PARAMS, (void (*)(void))settable},
	{OSSL_FUNC_RAND_SET_CTX_PARAMS, (void (*)(void))set},
	{OSSL_FUNC_RAND_GET_SEED, (void (*)(void))get_seed},
	{OSSL_FUNC_RAND_CLEAR_SEED, (void (*)(void))clear_seed},
	{0, NULL},
};

bool tls_provider_rand_init(struct tls_rand *f, const OSSL_DISPATCH *from)
{
	OSSL_DISPATCH theirs[TLS_PROVIDER_DISPATCH];

	if (!from || !tls_provider_copy(theirs, from))
		return false;
#define TAKE(id, field) f->field = (OSSL_FUNC_rand_##field##_fn *)tls_provider_swap(theirs, id, NULL)
	TAKE(OSSL_FUNC_RAND_NEWCTX, newctx);
	TAKE(OSSL_FUNC_RAND_FREECTX, freectx);
	TAKE(OSSL_FUNC_RAND_INSTANTIATE, instantiate);
	TAKE(OSSL_FUNC_RAND_UNINSTANTIATE, uninstantiate);
	TAKE(OSSL_FUNC_RAND_GENERATE, generate);
	TAKE(OSSL_FUNC_RAND_RESEED, reseed);
	TAKE(OSSL_FUNC_RAND_ENABLE_LOCKING, enable_locking);
	TAKE(OSSL_FUNC_RAND_LOCK, lock);
	TAKE(OSSL_FUNC_RAND_UNLOCK, unlock);
	TAKE(OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, gettable_ctx_params);
	TAKE(OSSL_FUNC_RAND_GET_CTX_PARAMS, get_ctx_params);
	TAKE(OSSL_FUNC_RAND_SETTABLE_CTX_PARAMS, settable_ctx_params);
	TAKE(OSSL_FUNC_RAND_SET_CTX_PARAMS, set_ctx_params);
	TAKE(OSSL_FUNC_RAND_GET_SEED, get_seed);
	TAKE(OSSL_FUNC_RAND_CLEAR_SEED, clear_seed);
#undef TAKE
	return f->newctx && f->freectx && f->instantiate && f->uninstantiate && f->generate && f->reseed &&
	       f->enable_locking && f->lock && f->unlock && f->gettable_ctx_params && f->get_ctx_params &&
	       f->settable_ctx_params && f->set_ctx_params && f->get_seed && f->clear_seed;
}
