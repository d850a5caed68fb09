/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS13-KDF: a handshake asks for it some twenty times. */
#include "dataplane/tls/provider.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "dataplane/tls/kdf.h"
#include "dataplane/tls/tls_digest.h"

/* the hash of no messages (RFC 8446 7.1) */
static const uint8_t empty[2][TLS_SECRET_MAX] = {
	[TLS_HASH_SHA256] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
			     0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
			     0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55},
	[TLS_HASH_SHA384] = {0x38, 0xb0, 0x60, 0xa7, 0x51, 0xac, 0x96, 0x38, 0x4c, 0xd9, 0x32, 0x7e,
			     0xb1, 0xb1, 0xe3, 0x6a, 0x21, 0xfd, 0xb7, 0x11, 0x14, 0xbe, 0x07, 0x43,
			     0x4c, 0x0c, 0xc7, 0xbf, 0x63, 0xf6, 0xe1, 0xda, 0x27, 0x4e, 0xde, 0xbf,
			     0xe7, 0x6f, 0x65, 0xfb, 0xd5, 0x1a, 0xd2, 0xf1, 0x48, 0x98, 0xb9, 0x5b},
};

struct ask_bytes {
	const uint8_t *bytes;
	size_t len;
};

struct ask {
	int mode;
	enum tls_hash hash;
	struct ask_bytes key, salt, prefix, label, data;
};

static bool is(const char *a, const char *b, size_t len)
{
	return strlen(b) == len && OPENSSL_strncasecmp(a, b, len) == 0;
}

static bool ask_mode(struct ask *a, const OSSL_PARAM *p)
{
	size_t len;

	if (p->data_type == OSSL_PARAM_INTEGER)
		return OSSL_PARAM_get_int(p, &a->mode);
	if (p->data_type != OSSL_PARAM_UTF8_STRING)
		return false;
	len = strnlen(p->data, p->data_size);
	if (is(p->data, "EXPAND_ONLY", len))
		a->mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	else if (is(p->data, "EXTRACT_ONLY", len))
		a->mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
	return true;
}

static bool ask_bytes(struct ask_bytes *to, const OSSL_PARAM *p)
{
	*to = (struct ask_bytes){p->data, p->data_size};
	return p->data_type == OSSL_PARAM_OCTET_STRING;
}

/* One pass over what libssl hands over; false: not what it hands over. The first letter tells the names
 * apart, but for two: this runs twenty times a handshake. */
static bool ask_read(struct ask *a, const OSSL_PARAM *p)
{
	*a = (struct ask){.mode = -1, .hash = (enum tls_hash) - 1};
	for (; p && p->key; p++) {
		const char *key = p->key;
		bool good = true;

		switch (key[0]) {
		case 'm':
			if (strcmp(key, OSSL_KDF_PARAM_MODE) == 0)
				good = ask_mode(a, p);
			break;
		case 'd':
			if (strcmp(key, OSSL_KDF_PARAM_DIGEST) == 0)
				good = p->data_type == OSSL_PARAM_UTF8_STRING &&
				       tls_provider_hash(p, &a->hash);
			else if (strcmp(key, OSSL_KDF_PARAM_DATA) == 0)
				good = ask_bytes(&a->data, p);
			break;
		case 'k':
			if (strcmp(key, OSSL_KDF_PARAM_KEY) == 0)
				good = ask_bytes(&a->key, p);
			break;
		case 's':
			if (strcmp(key, OSSL_KDF_PARAM_SALT) == 0)
				good = ask_bytes(&a->salt, p);
			break;
		case 'l':
			if (strcmp(key, OSSL_KDF_PARAM_LABEL) == 0)
				good = ask_bytes(&a->label, p);
			break;
		case 'p': /* and "properties" of the digest: there is one */
			if (strcmp(key, OSSL_KDF_PARAM_PREFIX) == 0)
				good = ask_bytes(&a->prefix, p);
			break;
		}
		if (!good)
			return false;
	}
	return a->hash == TLS_HASH_SHA256 || a->hash == TLS_HASH_SHA384;
}

/* ---- keys of a handshake that come again ---- */

void tls_provider_step(struct tls_provider *p, bool begins)
{
	p->in_step = begins;
	if (p->schedules_used) {
		tls_wipe(p->schedules, sizeof(p->schedules));
		p->schedules_used = 0;
	}
}

/* The eight secrets of a handshake are asked some twenty times. What HMAC makes of one at its beginning, half
 * of the work, is kept until libssl returns; `one` is for who asks at another time, who wipes it. */
static const struct tls_hmac *begun(struct tls_provider *p, enum tls_hash hash, const uint8_t *secret,
				    struct tls_hmac *one)
{
	size_t len = tls_hash_len(hash);
	struct tls_provider_schedule *s;

	if (!p->in_step) {
		tls_hmac_init(one, hash, secret, len);
		return one;
	}
	for (unsigned i = 0; i < TLS_PROVIDER_SCHEDULES && i < p->schedules_used; i++) {
		s = &p->schedules[i];
		if (s->begun.inner.hash == hash && memcmp(s->secret, secret, len) == 0)
			return &s->begun;
	}
	s = &p->schedules[p->schedules_used++ % TLS_PROVIDER_SCHEDULES];
	memcpy(s->secret, secret, len);
	tls_hmac_init(&s->begun, hash, secret, len);
	return &s->begun;
}

/* HKDF-Expand-Label; the output is never longer than one digest, so one round is all (RFC 5869 2.3) */
static bool expand(struct tls_provider *p, const struct ask *a, const uint8_t *secret, size_t secret_len,
		   const uint8_t *data, size_t data_len, uint8_t *out, size_t out_len)
{
	uint8_t info[2 + 1 + 255 + 1 + TLS_SECRET_MAX + 1];
	uint8_t okm[TLS_SECRET_MAX];
	struct tls_hmac one;
	size_t label = a->prefix.len + a->label.len, at = 0;

	if (label > 255 || data_len > TLS_SECRET_MAX || secret_len != tls_hash_len(a->hash) ||
	    out_len > tls_hash_len(a->hash))
		return false;
	info[at++] = (uint8_t)(out_len >> 8);
	info[at++] = (uint8_t)out_len;
	info[at++] = (uint8_t)label;
	if (a->prefix.len)
		memcpy(info + at, a->prefix.bytes, a->prefix.len);
	at += a->prefix.len;
	if (a->label.len)
		memcpy(info + at, a->label.bytes, a->label.len);
	at += a->label.len;
	info[at++] = (uint8_t)data_len;
	if (data_len)
		memcpy(info + at, data, data_len);
	at += data_len;
	info[at++] = 1;
	tls_hmac_once(begun(p, a->hash, secret, &one), info, at, okm);
	memcpy(out, okm, out_len);
	tls_wipe(okm, sizeof(okm));
	if (!p->in_step)
		tls_wipe(&one, sizeof(one));
	return true;
}

/* one step down the left side of the schedule: Derive-Secret(salt, "derived", ""), then HKDF-Extract */
static bool extract(struct tls_provider *p, const struct ask *a, uint8_t *out, size_t out_len)
{
	static const uint8_t zeros[TLS_SECRET_MAX];
	size_t n = tls_hash_len(a->hash), len = a->key.bytes ? a->key.len : n;
	uint8_t salt[TLS_SECRET_MAX] = {0};

	if (out_len != n)
		return false;
	if (a->salt.bytes && !expand(p, a, a->salt.bytes, a->salt.len, empty[a->hash], n, salt, n))
		return false;
	tls_kdf_hmac(a->hash, salt, n, a->key.bytes ? a->key.bytes : zeros, len, out);
	tls_wipe(salt, sizeof(salt));
	return true;
}

/* What the record path needs later. libssl would tell the traffic secrets to a key log too, in hexadecimal,
 * byte by byte through sprintf(); the resumption secret it tells nobody. */
static void keep(struct tls_provider *p, const struct ask *a, const uint8_t *out, size_t out_len)
{
	static const struct {
		const char *label;
		size_t len;
	} wanted[TLS_PROVIDER_SECRETS] = {
		[TLS_PROVIDER_CLIENT] = {"c ap traffic", 12},
		[TLS_PROVIDER_SERVER] = {"s ap traffic", 12},
		[TLS_PROVIDER_RESUMPTION] = {"res master", 10},
	};

	for (unsigned i = 0; i < TLS_PROVIDER_SECRETS; i++) {
		if (a->label.len != wanted[i].len || memcmp(a->label.bytes, wanted[i].label, wanted[i].len))
			continue;
		memcpy(p->secrets[i].bytes, out, out_len);
		p->secrets[i].there = true;
	}
}

static int derive(void *ctx, unsigned char *out, size_t out_len, const OSSL_PARAM params[])
{
	struct tls_provider *p = ctx;
	struct ask a;

	if (!ask_read(&a, params))
		return 0;
	switch (a.mode) {
	case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
		return extract(p, &a, out, out_len);
	case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
		if (!a.key.bytes ||
		    !expand(p, &a, a.key.bytes, a.key.len, a.data.bytes, a.data.len, out, out_len))
			return 0;
		keep(p, &a, out, out_len);
		return 1;
	}
	return 0;
}

/* nothing is kept between calls, so all of libssl's contexts are this one */
static void *ctx_new(void *provider)
{
	return provider;
}

static void ctx_free(void *ctx)
{
}

static void ctx_reset(void *ctx)
{
}

/* false for parameters that would have to be kept */
static int ctx_set(void *ctx, const OSSL_PARAM params[])
{
	return !params || !params->key;
}

const OSSL_DISPATCH tls_provider_kdf[] = {
	{OSSL_FUNC_KDF_NEWCTX, (void (*)(void))ctx_new},
	{OSSL_FUNC_KDF_FREECTX, (void (*)(void))ctx_free},
	{OSSL_FUNC_KDF_RESET, (void (*)(void))ctx_reset},
	{OSSL_FUNC_KDF_SET_CTX_PARAMS, (void (*)(void))ctx_set},
	{OSSL_FUNC_KDF_DERIVE, (void (*)(void))derive},
	{0, NULL},
};
