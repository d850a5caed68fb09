/* SPDX-License-Identifier: BSD-3-Clause */
/* HMAC with the hashes of TLS 1.3's suites: libssl asks for it in Finished messages and tickets, and for no
 * other hash. (Record MACs of CBC suites and the PRF of TLS 1.2 come from the default provider.) */
#include "dataplane/tls/provider.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "dataplane/tls/kdf.h"
#include "dataplane/tls/tls_digest.h"

struct mac {
	bool have_hash, have_key;
	enum tls_hash hash;
	struct tls_hmac begun; /* key taken in, no message yet */
	struct tls_hmac now;
};

static void *mac_new(void *provider)
{
	return OPENSSL_zalloc(sizeof(struct mac));
}

static void mac_free(void *ctx)
{
	if (ctx)
		tls_wipe(ctx, sizeof(struct mac));
	OPENSSL_free(ctx);
}

static void *mac_dup(void *ctx)
{
	return OPENSSL_memdup(ctx, sizeof(struct mac));
}

static int key_set(struct mac *m, const uint8_t *key, size_t len)
{
	if (!m->have_hash)
		return 0;
	tls_hmac_init(&m->begun, m->hash, key, len);
	m->now = m->begun;
	m->have_key = true;
	return 1;
}

static int mac_set(void *ctx, const OSSL_PARAM params[])
{
	struct mac *m = ctx;
	const OSSL_PARAM *p;

	if (!params)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_MAC_PARAM_DIGEST);
	if (p) {
		if (p->data_type != OSSL_PARAM_UTF8_STRING || !tls_provider_hash(p, &m->hash))
			return 0;
		m->have_hash = true;
		m->have_key = false;
	}
	p = OSSL_PARAM_locate_const(params, OSSL_MAC_PARAM_KEY);
	return !p || (p->data_type == OSSL_PARAM_OCTET_STRING && key_set(m, p->data, p->data_size));
}

static int mac_init(void *ctx, const unsigned char *key, size_t len, const OSSL_PARAM params[])
{
	struct mac *m = ctx;

	if (!mac_set(m, params))
		return 0;
	if (key)
		return key_set(m, key, len);
	m->now = m->begun; /* again with the key that is there */
	return m->have_key;
}

static int mac_update(void *ctx, const unsigned char *in, size_t len)
{
	struct mac *m = ctx;

	if (m->have_key && len)
		tls_hmac_add(&m->now, in, len);
	return m->have_key;
}

static int mac_final(void *ctx, unsigned char *out, size_t *len, size_t room)
{
	struct mac *m = ctx;

	if (!m->have_key || room < tls_hash_len(m->hash))
		return 0;
	tls_hmac_final(&m->now, out);
	m->now = m->begun;
	*len = tls_hash_len(m->hash);
	return 1;
}

static int mac_get(void *ctx, OSSL_PARAM params[])
{
	const struct mac *m = ctx;
	OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_SIZE);

	if (p && !OSSL_PARAM_set_size_t(p, m->have_hash ? tls_hash_len(m->hash) : 0))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_BLOCK_SIZE);
	return !p || OSSL_PARAM_set_size_t(p, m->hash == TLS_HASH_SHA384 ? 128 : 64);
}

static const OSSL_PARAM *mac_gettable(void *ctx, void *provider)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_size_t(OSSL_MAC_PARAM_SIZE, NULL),
		OSSL_PARAM_size_t(OSSL_MAC_PARAM_BLOCK_SIZE, NULL),
		OSSL_PARAM_END,
	};

	return list;
}

static const OSSL_PARAM *mac_settable(void *ctx, void *provider)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	return list;
}

const OSSL_DISPATCH tls_provider_mac[] = {
	{OSSL_FUNC_MAC_NEWCTX, (void (*)(void))mac_new},
	{OSSL_FUNC_MAC_FREECTX, (void (*)(void))mac_free},
	{OSSL_FUNC_MAC_DUPCTX, (void (*)(void))mac_dup},
	{OSSL_FUNC_MAC_INIT, (void (*)(void))mac_init},
	{OSSL_FUNC_MAC_UPDATE, (void (*)(void))mac_update},
	{OSSL_FUNC_MAC_FINAL, (void (*)(void))mac_final},
	{OSSL_FUNC_MAC_GET_CTX_PARAMS, (void (*)(void))mac_get},
	{OSSL_FUNC_MAC_GETTABLE_CTX_PARAMS, (void (*)(void))mac_gettable},
	{OSSL_FUNC_MAC_SET_CTX_PARAMS, (void (*)(void))mac_set},
	{OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, (void (*)(void))mac_settable},
	{0, NULL},
};
