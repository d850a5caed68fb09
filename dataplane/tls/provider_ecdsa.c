/* SPDX-License-Identifier: BSD-3-Clause */
/* ECDSA over messages that are hashed with SHA-256 or SHA-384, as TLS and certificates do: hashed here,
 * signed and verified by the default provider's function for digests. That one's own way fetches the hash by
 * its name, compares names to find its identifier and copies contexts before it signs. With any other hash,
 * that way is taken. */
#include "dataplane/tls/provider.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/params.h>

#include "dataplane/tls/kdf.h"
#include "dataplane/tls/tls_digest.h"

struct ecdsa {
	const struct tls_ecdsa *f;
	void *theirs;
	bool hashes; /* the message is hashed here */
	enum tls_hash hash;
	struct tls_digest digest;
};

static void *ecdsa_new(void *provider, const char *properties)
{
	const struct tls_provider *p = provider;
	struct ecdsa *e = OPENSSL_zalloc(sizeof(*e));

	if (!e)
		return NULL;
	e->f = &p->ecdsa;
	e->theirs = p->ecdsa.newctx(p->theirs, properties);
	if (e->theirs)
		return e;
	OPENSSL_free(e);
	return NULL;
}

static void ecdsa_free(void *ctx)
{
	struct ecdsa *e = ctx;

	if (!e)
		return;
	e->f->freectx(e->theirs);
	OPENSSL_free(e);
}

static void *ecdsa_dup(void *ctx)
{
	const struct ecdsa *e = ctx;
	struct ecdsa *copy = OPENSSL_memdup(e, sizeof(*e));

	if (!copy)
		return NULL;
	copy->theirs = e->f->dupctx(e->theirs);
	if (copy->theirs)
		return copy;
	OPENSSL_free(copy);
	return NULL;
}

/* ---- of digests ---- */

static int sign_init(void *ctx, void *key, const OSSL_PARAM params[])
{
	struct ecdsa *e = ctx;

	e->hashes = false;
	return e->f->sign_init(e->theirs, key, params);
}

static int sign(void *ctx, unsigned char *sig, size_t *len, size_t room, const unsigned char *digest,
		size_t digest_len)
{
	struct ecdsa *e = ctx;

	return e->f->sign(e->theirs, sig, len, room, digest, digest_len);
}

static int verify_init(void *ctx, void *key, const OSSL_PARAM params[])
{
	struct ecdsa *e = ctx;

	e->hashes = false;
	return e->f->verify_init(e->theirs, key, params);
}

static int verify(void *ctx, const unsigned char *sig, size_t len, const unsigned char *digest,
		  size_t digest_len)
{
	struct ecdsa *e = ctx;

	return e->f->verify(e->theirs, sig, len, digest, digest_len);
}

/* ---- of messages ---- */

/* is this a hash that is computed here? */
static bool begin(struct ecdsa *e, const char *name)
{
	OSSL_PARAM p = OSSL_PARAM_construct_utf8_string("digest", (char *)(uintptr_t)name, 0);

	e->hashes = name && tls_provider_hash(&p, &e->hash);
	if (e->hashes)
		tls_digest_init(&e->digest, e->hash);
	return e->hashes;
}

static int digest_sign_init(void *ctx, const char *hash, void *key, const OSSL_PARAM params[])
{
	struct ecdsa *e = ctx;

	return begin(e, hash) ? e->f->sign_init(e->theirs, key, params)
			      : e->f->digest_sign_init(e->theirs, hash, key, params);
}

static int digest_verify_init(void *ctx, const char *hash, void *key, const OSSL_PARAM params[])
{
	struct ecdsa *e = ctx;

	return begin(e, hash) ? e->f->verify_init(e->theirs, key, params)
			      : e->f->digest_verify_init(e->theirs, hash, key, params);
}

static int digest_sign_add(void *ctx, const unsigned char *in, size_t len)
{
	struct ecdsa *e = ctx;

	if (!e->hashes)
		return e->f->digest_sign_update(e->theirs, in, len);
	tls_digest_add(&e->digest, in, len);
	return 1;
}

static int digest_verify_add(void *ctx, const unsigned char *in, size_t len)
{
	struct ecdsa *e = ctx;

	if (!e->hashes)
		return e->f->digest_verify_update(e->theirs, in, len);
	tls_digest_add(&e->digest, in, len);
	return 1;
}

static int digest_sign_final(void *ctx, unsigned char *sig, size_t *len, size_t room)
{
	struct ecdsa *e = ctx;
	uint8_t digest[TLS_SECRET_MAX] = {0};

	if (!e->hashes)
		return e->f->digest_sign_final(e->theirs, sig, len, room);
	if (sig) {
		tls_digest_final(&e->digest, digest);
		tls_digest_init(&e->digest, e->hash);
	}
	return e->f->sign(e->theirs, sig, len, room, digest, tls_hash_len(e->hash));
}

static int digest_verify_final(void *ctx, const unsigned char *sig, size_t len)
{
	struct ecdsa *e = ctx;
	uint8_t digest[TLS_SECRET_MAX];

	if (!e->hashes)
		return e->f->digest_verify_final(e->theirs, sig, len);
	tls_digest_final(&e->digest, digest);
	tls_digest_init(&e->digest, e->hash);
	return e->f->verify(e->theirs, sig, len, digest, tls_hash_len(e->hash));
}

static int digest_sign(void *ctx, unsigned char *sig, size_t *len, size_t room, const unsigned char *in,
		       size_t in_len)
{
	return (!sig || digest_sign_add(ctx, in, in_len)) && digest_sign_final(ctx, sig, len, room);
}

static int digest_verify(void *ctx, const unsigned char *sig, size_t len, const unsigned char *in,
			 size_t in_len)
{
	return digest_verify_add(ctx, in, in_len) ? digest_verify_final(ctx, sig, len) : 0;
}

/* ---- parameters: theirs ---- */

static int get(void *ctx, OSSL_PARAM params[])
{
	struct ecdsa *e = ctx;

	return e->f->get_ctx_params(e->theirs, params);
}

static const OSSL_PARAM *gettable(void *ctx, void *provider)
{
	const struct tls_provider *p = provider;
	const OSSL_PARAM *list =
		p->ecdsa.gettable_ctx_params(ctx ? ((struct ecdsa *)ctx)->theirs : NULL, p->theirs);

	return list;
}

static int set(void *ctx, const OSSL_PARAM params[])
{
	struct ecdsa *e = ctx;

	return e->f->set_ctx_params(e->theirs, params);
}

static const OSSL_PARAM *settable(void *ctx, void *provider)
{
	const struct tls_provider *p = provider;
	const OSSL_PARAM *list =
		p->ecdsa.settable_ctx_params(ctx ? ((struct ecdsa *)ctx)->theirs : NULL, p->theirs);

	return list;
}

const OSSL_DISPATCH tls_provider_ecdsa[] = {
	{OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))ecdsa_new},
	{OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))ecdsa_free},
	{OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))ecdsa_dup},
	{OSSL_FUNC_SIGNATURE_SIGN_INIT, (void (*)(void))sign_init},
	{OSSL_FUNC_SIGNATURE_SIGN, (void (*)(void))sign},
	{OSSL_FUNC_SIGNATURE_VERIFY_INIT, (void (*)(void))verify_init},
	{OSSL_FUNC_SIGNATURE_VERIFY, (void (*)(void))verify},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))digest_sign_init},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))digest_sign_add},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))digest_sign_final},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))digest_sign},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, (void (*)(void))digest_verify_init},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, (void (*)(void))digest_verify_add},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, (void (*)(void))digest_verify_final},
	{OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, (void (*)(void))digest_verify},
	{OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, (void (*)(void))get},
	{OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, (void (*)(void))gettable},
	{OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))set},
	{OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))settable},
	{0, NULL},
};

bool tls_provider_ecdsa_init(struct tls_ecdsa *f, const OSSL_DISPATCH *from)
{
#define X(id, field)                                                        \
	{                                                                   \
		OSSL_FUNC_SIGNATURE_##id, offsetof(struct tls_ecdsa, field) \
	}
	static const struct {
		int id;
		size_t at;
	} taken[] = {
		X(NEWCTX, newctx),
		X(FREECTX, freectx),
		X(DUPCTX, dupctx),
		X(SIGN_INIT, sign_init),
		X(SIGN, sign),
		X(VERIFY_INIT, verify_init),
		X(VERIFY, verify),
		X(DIGEST_SIGN_INIT, digest_sign_init),
		X(DIGEST_SIGN_UPDATE, digest_sign_update),
		X(DIGEST_SIGN_FINAL, digest_sign_final),
		X(DIGEST_VERIFY_INIT, digest_verify_init),
		X(DIGEST_VERIFY_UPDATE, digest_verify_update),
		X(DIGEST_VERIFY_FINAL, digest_verify_final),
		X(GET_CTX_PARAMS, get_ctx_params),
		X(GETTABLE_CTX_PARAMS, gettable_ctx_params),
		X(SET_CTX_PARAMS, set_ctx_params),
		X(SETTABLE_CTX_PARAMS, settable_ctx_params),
	};
#undef X
	unsigned found = 0;

	for (; from->function_id; from++) {
		for (unsigned i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
			if (taken[i].id != from->function_id)
				continue;
			memcpy((char *)f + taken[i].at, &from->function, sizeof(from->function));
			found++;
		}
	}
	return found == sizeof(taken) / sizeof(taken[0]);
}
