/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/provider.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

bool tls_provider_copy(OSSL_DISPATCH to[TLS_PROVIDER_DISPATCH], const OSSL_DISPATCH *from)
{
	unsigned n = 0;

	for (; from->function_id; from++) {
		if (n == TLS_PROVIDER_DISPATCH - 1)
			return false;
		to[n++] = *from;
	}
	to[n] = (OSSL_DISPATCH){0, NULL};
	return true;
}

void (*tls_provider_swap(OSSL_DISPATCH *in, int id, void (*ours)(void)))(void)
{
	for (; in->function_id; in++) {
		void (*theirs)(void) = in->function;

		if (in->function_id != id)
			continue;
		if (ours)
			in->function = ours;
		return theirs;
	}
	return NULL;
}

bool tls_provider_hash(const OSSL_PARAM *name, enum tls_hash *hash)
{
	static const struct {
		char text[12];
		uint8_t hash;
	} names[] = {
		{"SHA256", TLS_HASH_SHA256},   {"SHA384", TLS_HASH_SHA384},  {"SHA2-256", TLS_HASH_SHA256},
		{"SHA2-384", TLS_HASH_SHA384}, {"SHA-256", TLS_HASH_SHA256}, {"SHA-384", TLS_HASH_SHA384},
	};
	size_t len = strnlen(name->data, name->data_size);

	/* what libssl says twenty times in a handshake */
	if (len == 8 && memcmp(name->data, "SHA2-256", 8) == 0) {
		*hash = TLS_HASH_SHA256;
		return true;
	}
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].text) == len &&
		    OPENSSL_strncasecmp(names[i].text, name->data, len) == 0) {
			*hash = (enum tls_hash)names[i].hash;
			return true;
		}
	}
	return false;
}

static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
	struct tls_provider *p = ctx;

	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_CIPHER:
		return p->cipher;
	case OSSL_OP_KDF:
		return p->kdf;
	case OSSL_OP_MAC:
		return p->mac;
	case OSSL_OP_KEYMGMT:
		return p->keymgmt;
	case OSSL_OP_KEYEXCH:
		return p->exchange;
	case OSSL_OP_RAND:
		return p->generator;
	case OSSL_OP_SIGNATURE:
		return p->signature;
	case OSSL_OP_DECODER:
		return p->decoder;
	}
	return NULL;
}

static void teardown(void *ctx)
{
	tls_provider_ec_fini(ctx);
	tls_provider_x25519_fini(ctx);
	OPENSSL_free(ctx);
}

/* libssl takes a group from the provider that has its key type */
static int capabilities(void *ctx, const char *capability, OSSL_CALLBACK *tell, void *arg)
{
	struct tls_provider *p = ctx;

	return !p->capabilities || p->capabilities(p->theirs, capability, tell, arg);
}

static const OSSL_DISPATCH functions[] = {
	{OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
	{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
	{OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
	{0, NULL},
};

/* libcrypto hands no argument in; tls_provider_load() fills the rest before anything is asked for */
static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
		void **ctx)
{
	struct tls_provider *p = OPENSSL_zalloc(sizeof(*p));

	for (; p && in->function_id; in++) {
		if (in->function_id == OSSL_FUNC_BIO_READ_EX)
			p->bio_read = (OSSL_FUNC_BIO_read_ex_fn *)in->function;
	}
	*ctx = p;
	*out = functions;
	return p != NULL;
}

static const OSSL_DISPATCH *find(const OSSL_PROVIDER *from, int operation, const char *name)
{
	int no_cache;
	const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(from, operation, &no_cache);

	for (; a && a->algorithm_names; a++) {
		if (strncmp(a->algorithm_names, name, strlen(name)) == 0)
			return a->implementation;
	}
	return NULL;
}

/* ---- the default provider without what is never asked of it ---- */

/* What libcrypto 3.0 pays for the public key of a certificate is not reading it but looking for who could: a
 * walk over all decoders and key types that there are, comparing names under locks, a hundred microseconds
 * for each certificate of each handshake; and each new key walks over all names of all algorithms. So only
 * these are there to be walked over: what TLS suites and certificates of this age are made of. */
static const struct {
	int operation;
	const char *property; /* must be in the algorithm's own */
	const char *names[20];
} keep[] = {
	{OSSL_OP_KEYMGMT,
	 "",
	 {"RSA:", "RSA-PSS:", "ED25519:", "ED448:", "X25519:", "X448:", "DH:", "HMAC", "ML-KEM", "MLKEM",
	  "X25519MLKEM", "SecP"}},
	{OSSL_OP_DECODER, "input=der", {"RSA", "RSA-PSS", "ED25519", "ED448"}},
	{OSSL_OP_DIGEST,
	 "",
	 {"SHA1:", "SHA2-224:", "SHA2-256:", "SHA2-384:", "SHA2-512:", "MD5:", "MD5-SHA1"}},
	{OSSL_OP_CIPHER,
	 "",
	 {"AES-256-GCM:", "AES-128-GCM:", "AES-256-CCM:", "AES-128-CCM:", "AES-256-CBC:", "AES-128-CBC:",
	  "ChaCha20-Poly1305"}},
	{OSSL_OP_MAC, "", {"HMAC"}},
	{OSSL_OP_KDF, "", {"TLS1-PRF"}},
	{OSSL_OP_KEYEXCH, "", {"DH:", "X25519", "X448"}},
	{OSSL_OP_SIGNATURE, "", {"RSA:", "ED25519", "ED448", "HMAC"}},
	{OSSL_OP_ASYM_CIPHER, "", {"RSA:"}},
	{OSSL_OP_ENCODER, "", {NULL}},
	{OSSL_OP_RAND, "", {"CTR-DRBG", "SEED-SRC"}},
};

enum { KEPT = sizeof(keep) / sizeof(keep[0]), PLAIN_MAX = 32, PLAIN_FUNCTIONS = 16 };

/* Algorithms of the default provider, with function tables that are libcrypto's constants. A provider's query
 * function gets no argument of ours, because the context must be the default provider's own; that is why this
 * is the one exception to "no mutable globals": written once, under the lock, and the same for all cores. */
static pthread_mutex_t plain_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	bool ready;
	OSSL_FUNC_provider_query_operation_fn *query;
	OSSL_ALGORITHM kept[KEPT][PLAIN_MAX];
	OSSL_DISPATCH functions[PLAIN_FUNCTIONS];
} plain;

/* what plain_start() has to answer; set while tls_provider_load() loads */
static _Thread_local void *plain_theirs;

static const OSSL_ALGORITHM *plain_query(void *theirs, int operation, int *no_cache)
{
	const OSSL_ALGORITHM *rest;

	for (unsigned i = 0; i < KEPT; i++) {
		if (keep[i].operation == operation) {
			*no_cache = 0;
			return plain.kept[i];
		}
	}
	rest = plain.query(theirs, operation, no_cache);
	return rest;
}

static bool wanted(unsigned i, const OSSL_ALGORITHM *a)
{
	if (!strstr(a->property_definition, keep[i].property))
		return false;
	/* of decoders those alone that read a SubjectPublicKeyInfo */
	if (keep[i].operation == OSSL_OP_DECODER &&
	    !strstr(a->property_definition, "structure=SubjectPublicKeyInfo"))
		return false;
	for (unsigned k = 0; k < sizeof(keep[i].names) / sizeof(keep[i].names[0]) && keep[i].names[k]; k++) {
		const char *name = keep[i].names[k];

		if (keep[i].operation == OSSL_OP_DECODER
			    ? strcmp(a->algorithm_names, name) == 0
			    : strncmp(a->algorithm_names, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

/* with the lock */
static bool plain_fill(const OSSL_PROVIDER *from)
{
	const OSSL_DISPATCH *d = OSSL_PROVIDER_get0_dispatch(from);
	unsigned n = 0;

	if (plain.ready)
		return true;
	/* its groups, signatures and parameters are told as they are; it ends with its own library context */
	for (; d && d->function_id && n < PLAIN_FUNCTIONS - 1; d++) {
		if (d->function_id == OSSL_FUNC_PROVIDER_TEARDOWN)
			continue;
		plain.functions[n] = *d;
		if (d->function_id == OSSL_FUNC_PROVIDER_QUERY_OPERATION) {
			plain.query = (OSSL_FUNC_provider_query_operation_fn *)d->function;
			plain.functions[n].function = (void (*)(void))plain_query;
		}
		n++;
	}
	for (unsigned i = 0; i < KEPT; i++) {
		int no_cache;
		const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(from, keep[i].operation, &no_cache);

		for (n = 0; a && a->algorithm_names && n < PLAIN_MAX - 1; a++) {
			if (wanted(i, a))
				plain.kept[i][n++] = *a;
		}
	}
	plain.ready = plain.query != NULL;
	return plain.ready;
}

static bool plain_init(const OSSL_PROVIDER *from)
{
	bool good;

	pthread_mutex_lock(&plain_lock); /* layers: cold, cores are made before their workers run */
	good = plain_fill(from);
	pthread_mutex_unlock(&plain_lock);
	return good;
}

static int plain_start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
		       void **ctx)
{
	*out = plain.functions;
	*ctx = plain_theirs;
	return 1;
}

/* libcrypto 3.5 makes its random numbers with the ciphers of whichever provider has the generator, and looks
 * for that by name in the library context of the default provider's. It finds one that has nothing, and takes
 * the default provider's. */
static int twin_start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
		      void **ctx)
{
	static const OSSL_DISPATCH nothing[] = {{0, NULL}};

	*out = nothing;
	*ctx = NULL;
	return 1;
}

static const char properties[] = "provider=edge";
static const char generator[] = "CTR-DRBG-STOCK";

static bool ciphers_fill(struct tls_provider *p, const OSSL_PROVIDER *theirs)
{
	/* with their other names, or libcrypto would not know which one is meant by an identifier */
	static const struct {
		const char *names, *find;
		enum tls_aead_alg alg;
	} all[] = {
		{"AES-128-GCM:id-aes128-GCM:2.16.840.1.101.3.4.1.6", "AES-128-GCM:", TLS_AEAD_AES128_GCM},
		{"AES-256-GCM:id-aes256-GCM:2.16.840.1.101.3.4.1.46", "AES-256-GCM:", TLS_AEAD_AES256_GCM},
		{"ChaCha20-Poly1305", "ChaCha20-Poly1305", TLS_AEAD_CHACHA20_POLY1305},
	};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tls_cipher *f = &p->ciphers[all[i].alg];

		if (!tls_provider_cipher_init(f, all[i].alg, find(theirs, OSSL_OP_CIPHER, all[i].find)))
			return false;
		p->cipher[i] = (OSSL_ALGORITHM){all[i].names, properties, f->fns, NULL};
	}
	return true;
}

/* the generator alone: all that ours has for the context of the default provider */
static bool generator_fill(struct tls_provider *p, const OSSL_PROVIDER *theirs)
{
	p->theirs = OSSL_PROVIDER_get0_provider_ctx(theirs);
	p->generator[0] = (OSSL_ALGORITHM){generator, properties, tls_provider_rand, NULL};
	return tls_provider_rand_init(&p->rand, find(theirs, OSSL_OP_RAND, "CTR-DRBG"));
}

static int edge_fill(struct tls_provider *p, OSSL_LIB_CTX *lib, struct tls_aead *aead, bool own_x25519,
		     const OSSL_PROVIDER *theirs)
{
	const OSSL_DISPATCH *ec = find(theirs, OSSL_OP_KEYMGMT, "EC:");
	const OSSL_DISPATCH *ecdsa = find(theirs, OSSL_OP_SIGNATURE, "ECDSA");
	const OSSL_DISPATCH *ecdh = find(theirs, OSSL_OP_KEYEXCH, "ECDH");
	const OSSL_DISPATCH *x25519 = find(theirs, OSSL_OP_KEYMGMT, "X25519:");
	const OSSL_DISPATCH *hmac_key = find(theirs, OSSL_OP_KEYMGMT, "HMAC");
	const OSSL_DISPATCH *hmac = find(theirs, OSSL_OP_SIGNATURE, "HMAC");
	const OSSL_DISPATCH *agree = find(theirs, OSSL_OP_KEYEXCH, "X25519:");

	p->lib = lib;
	p->aead = aead;
	for (const OSSL_DISPATCH *d = plain.functions; d->function_id; d++) {
		if (d->function_id == OSSL_FUNC_PROVIDER_GET_CAPABILITIES)
			p->capabilities = (OSSL_FUNC_provider_get_capabilities_fn *)d->function;
	}
	if (!p->capabilities || !p->bio_read || !ec || !ecdsa || !ecdh || !x25519 || !agree ||
	    !tls_provider_ec_init(p, ec, ecdh) || !tls_provider_x25519_init(p, x25519, agree) ||
	    !tls_provider_ecdsa_init(&p->ecdsa, ecdsa) || !tls_provider_hmac_init(p, hmac_key, hmac) ||
	    !ciphers_fill(p, theirs) || !generator_fill(p, theirs))
		return -ENOTSUP;
	p->kdf[0] = (OSSL_ALGORITHM){"TLS13-KDF", properties, tls_provider_kdf, NULL};
	p->mac[0] = (OSSL_ALGORITHM){"HMAC", properties, tls_provider_mac, NULL};
	p->keymgmt[0] = (OSSL_ALGORITHM){"EC:id-ecPublicKey:1.2.840.10045.2.1", properties, p->ec_fns, NULL};
	p->keymgmt[1] = (OSSL_ALGORITHM){"HMAC", properties, p->hmac_key_fns, NULL};
	if (own_x25519)
		p->keymgmt[2] = (OSSL_ALGORITHM){"X25519:1.3.101.110", properties, p->x25519_fns, NULL};
	p->exchange[0] = (OSSL_ALGORITHM){"ECDH", properties, p->ecdh_fns, NULL};
	if (own_x25519)
		p->exchange[1] =
			(OSSL_ALGORITHM){"X25519:1.3.101.110", properties, p->x25519_exchange_fns, NULL};
	p->signature[0] = (OSSL_ALGORITHM){"ECDSA", properties, tls_provider_ecdsa, NULL};
	p->signature[1] = (OSSL_ALGORITHM){"HMAC", properties, tls_provider_hmac, NULL};
	p->decoder[0] = (OSSL_ALGORITHM){"EC", "provider=edge,input=der,structure=SubjectPublicKeyInfo",
					 tls_provider_ec_decoder, NULL};
	return 0;
}

void tls_provider_unload(struct tls_providers *l)
{
	OSSL_PROVIDER *all[] = {l->edge, l->plain, l->stock, l->twin, l->whole};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i])
			OSSL_PROVIDER_unload(all[i]);
	}
	*l = (struct tls_providers){0};
}

int tls_provider_load(OSSL_LIB_CTX *lib, OSSL_LIB_CTX *base, struct tls_aead *aead, bool x25519,
		      struct tls_providers *l)
{
	int err = -ENOENT;

	*l = (struct tls_providers){.whole = OSSL_PROVIDER_load(base, "default")};
	if (!l->whole || !plain_init(l->whole) || !OSSL_PROVIDER_add_builtin(base, "plain", twin_start) ||
	    !OSSL_PROVIDER_add_builtin(lib, "plain", plain_start) ||
	    !OSSL_PROVIDER_add_builtin(lib, "edge", init) || !OSSL_PROVIDER_add_builtin(base, "edge", init))
		goto fail;
	plain_theirs = OSSL_PROVIDER_get0_provider_ctx(l->whole);
	l->twin = OSSL_PROVIDER_load(base, "plain");
	l->plain = OSSL_PROVIDER_load(lib, "plain");
	plain_theirs = NULL;
	l->edge = OSSL_PROVIDER_load(lib, "edge");
	l->stock = OSSL_PROVIDER_load(base, "edge");
	if (!l->twin || !l->plain || !l->edge || !l->stock ||
	    !generator_fill(OSSL_PROVIDER_get0_provider_ctx(l->stock), l->whole) ||
	    !RAND_set_DRBG_type(lib, generator, NULL, NULL, NULL) ||
	    !RAND_set_DRBG_type(base, generator, NULL, NULL, NULL))
		goto fail;
	l->ours = OSSL_PROVIDER_get0_provider_ctx(l->edge);
	err = edge_fill(l->ours, lib, aead, x25519, l->whole);
	if (err)
		goto fail;
	/* a preference, not a demand: everything else still comes from the default provider */
	if (EVP_set_default_properties(lib, "?provider=edge"))
		return 0;
	err = -EIO;
fail:
	tls_provider_unload(l);
	return err;
}
