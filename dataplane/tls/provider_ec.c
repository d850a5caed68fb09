/* SPDX-License-Identifier: BSD-3-Clause */
/* Public EC keys of certificates. Peers come back with the same certificates, and of what reading their key
 * costs most goes into setting the curve up and checking that the point is on it: so a key that was read
 * before is copied. All the rest, checks included, is the default provider's. */
#include "dataplane/tls/provider.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <openssl/params.h>

/* ---- SubjectPublicKeyInfo, RFC 5480 2 ---- */

/* one DER element of this tag at *at; its content, and *at behind it */
static const uint8_t *element(const uint8_t **at, const uint8_t *end, uint8_t tag, size_t *len)
{
	const uint8_t *p = *at;
	size_t n;

	if (end - p < 2 || p[0] != tag)
		return NULL;
	n = p[1];
	p += 2;
	if (n == 0x81) {
		if (end - p < 1 || p[0] < 0x80)
			return NULL;
		n = *p++;
	} else if (n >= 0x80) {
		return NULL; /* longer than any key here */
	}
	if ((size_t)(end - p) < n)
		return NULL;
	*at = p + n;
	*len = n;
	return p;
}

/* the curve's name and the point; false: not an EC key on a named curve */
static bool spki_read(const uint8_t *der, size_t der_len, const char **curve, const uint8_t **point,
		      size_t *point_len)
{
	static const uint8_t ec_public_key[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
	const uint8_t *at = der, *end = der + der_len, *algorithm, *oid;
	size_t len, oid_len;
	ASN1_OBJECT *o;

	at = element(&at, end, 0x30, &len);
	if (!at || at + len != end)
		return false;
	algorithm = element(&at, end, 0x30, &len);
	*point = algorithm ? element(&at, end, 0x03, point_len) : NULL;
	/* a whole number of bytes, and nothing behind them */
	if (!*point || at != end || *point_len < 2 || **point != 0)
		return false;
	++*point;
	--*point_len;
	end = algorithm + len;
	oid = element(&algorithm, end, 0x06, &oid_len);
	if (!oid || oid_len != sizeof(ec_public_key) || memcmp(oid, ec_public_key, oid_len))
		return false;
	oid = algorithm;
	if (!element(&algorithm, end, 0x06, &oid_len) || algorithm != end)
		return false;
	o = d2i_ASN1_OBJECT(NULL, &oid, end - oid);
	*curve = o && OBJ_obj2nid(o) != NID_undef ? OBJ_nid2sn(OBJ_obj2nid(o)) : NULL;
	ASN1_OBJECT_free(o);
	return *curve != NULL;
}

/* ---- keys that were read ---- */

static void entry_clear(struct tls_provider *p, struct tls_provider_key *e)
{
	if (e->key)
		p->ec_free(e->key);
	e->key = NULL;
	e->len = 0;
}

/* The key of this SubjectPublicKeyInfo, NULL: there is none in it. Stays the table's. */
static void *key_of(struct tls_provider *p, const uint8_t *der, size_t len)
{
	struct tls_provider_key *e;
	const char *curve;
	const uint8_t *point;
	size_t point_len;
	OSSL_PARAM params[3];
	void *key;

	if (len > sizeof(e->der))
		return NULL;
	/* the last bytes are a coordinate: a hash already, and a peer that picks them evicts one entry */
	e = &p->keys[(der[len - 1] | (unsigned)der[len - 2] << 8) % TLS_PROVIDER_KEYS];
	if (e->key && e->len == len && memcmp(e->der, der, len) == 0)
		return e->key;
	if (!spki_read(der, len, &curve, &point, &point_len))
		return NULL;
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)curve, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point,
						      point_len);
	params[2] = OSSL_PARAM_construct_end();
	key = p->ec_new(p->theirs);
	if (!key)
		return NULL;
	if (p->ec_import(key, OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_ALL_PARAMETERS, params) !=
	    1) {
		p->ec_free(key);
		return NULL;
	}
	entry_clear(p, e);
	e->key = key;
	e->len = (uint16_t)len;
	memcpy(e->der, der, len);
	return key;
}

/* ---- the decoder ---- */

/* what it hands to load() */
struct reference {
	struct tls_provider *p;
	void *key;
};

static void *decoder_new(void *provider)
{
	return provider;
}

static void decoder_free(void *ctx)
{
}

static int decoder_selects(void *provider, int selection)
{
	return selection == 0 || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0;
}

/* "nothing found" is a success too: others may find something */
static int decode(void *ctx, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *found, void *arg,
		  OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_arg)
{
	struct tls_provider *p = ctx;
	uint8_t der[TLS_PROVIDER_SPKI_MAX + 1];
	int type = OSSL_OBJECT_PKEY;
	struct reference r = {.p = p};
	OSSL_PARAM params[4];
	size_t len = 0, n;
	char name[] = "EC";

	while (len < sizeof(der) && p->bio_read(in, der + len, sizeof(der) - len, &n) == 1 && n)
		len += n;
	if (len < 8 || len > TLS_PROVIDER_SPKI_MAX)
		return 1;
	r.key = key_of(p, der, len);
	if (!r.key)
		return 1;
	params[0] = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, name, 0);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &r, sizeof(r));
	params[3] = OSSL_PARAM_construct_end();
	return found(params, arg);
}

const OSSL_DISPATCH tls_provider_ec_decoder[] = {
	{OSSL_FUNC_DECODER_NEWCTX, (void (*)(void))decoder_new},
	{OSSL_FUNC_DECODER_FREECTX, (void (*)(void))decoder_free},
	{OSSL_FUNC_DECODER_DOES_SELECTION, (void (*)(void))decoder_selects},
	{OSSL_FUNC_DECODER_DECODE, (void (*)(void))decode},
	{0, NULL},
};

/* ---- key type, exchange: theirs, made with their context ---- */

static void *ec_new(void *provider)
{
	struct tls_provider *p = provider;

	void *key = p->ec_new(p->theirs);

	return key;
}

static void *ec_load(const void *reference, size_t len)
{
	struct reference r;
	void *key;

	if (len != sizeof(r))
		return NULL;
	memcpy(&r, reference, sizeof(r));
	key = r.p->ec_dup(r.key, OSSL_KEYMGMT_SELECT_ALL);
	return key;
}

static void *ec_gen_init(void *provider, int selection, const OSSL_PARAM params[])
{
	struct tls_provider *p = provider;

	void *gen = p->ec_gen_init(p->theirs, selection, params);

	return gen;
}

static void *ecdh_new(void *provider)
{
	struct tls_provider *p = provider;

	void *made = p->ecdh_new(p->theirs);

	return made;
}

bool tls_provider_ec_init(struct tls_provider *p, const OSSL_DISPATCH *keymgmt, const OSSL_DISPATCH *exchange)
{
	OSSL_DISPATCH *k = p->ec_fns, *x = p->ecdh_fns;

	if (!tls_provider_copy(k, keymgmt) || !tls_provider_copy(x, exchange))
		return false;
	p->ec_new = (OSSL_FUNC_keymgmt_new_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_NEW,
								  (void (*)(void))ec_new);
	if (!tls_provider_swap(k, OSSL_FUNC_KEYMGMT_LOAD, (void (*)(void))ec_load))
		return false;
	p->ec_gen_init = (OSSL_FUNC_keymgmt_gen_init_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_GEN_INIT,
									    (void (*)(void))ec_gen_init);
	p->ec_free = (OSSL_FUNC_keymgmt_free_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_FREE, NULL);
	p->ec_import = (OSSL_FUNC_keymgmt_import_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_IMPORT, NULL);
	p->ec_dup = (OSSL_FUNC_keymgmt_dup_fn *)tls_provider_swap(k, OSSL_FUNC_KEYMGMT_DUP, NULL);
	p->ecdh_new = (OSSL_FUNC_keyexch_newctx_fn *)tls_provider_swap(x, OSSL_FUNC_KEYEXCH_NEWCTX,
								       (void (*)(void))ecdh_new);
	return p->ec_new && p->ec_gen_init && p->ec_free && p->ec_import && p->ec_dup && p->ecdh_new;
}

void tls_provider_ec_fini(struct tls_provider *p)
{
	for (unsigned i = 0; i < TLS_PROVIDER_KEYS; i++)
		entry_clear(p, &p->keys[i]);
}
