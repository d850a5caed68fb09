/* SPDX-License-Identifier: BSD-3-Clause */
/* A small provider of our own beside libcrypto's default one, per core and inside of the process alone: what
 * libssl asks for in every handshake and we can answer with less ado. No arithmetic is ours; what is saved is
 * the way to it.
 *   TLS13-KDF  RFC 8446 7.1, without contexts, fetches or heap (kdf.h). Takes its parameters
 *              with derive() only, as libssl does.
 *   EC         libcrypto's own keys, ECDSA and ECDH; public keys of certificates are read once and copied
 *              when they come again.
 * Behind it stands the default provider, without those key types and decoders that no certificate here has:
 * libcrypto 3.0 walks over all that there are for every public key that it reads. */
#ifndef DATAPLANE_TLS_PROVIDER_H
#define DATAPLANE_TLS_PROVIDER_H

#include <stdbool.h>

#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

#include "dataplane/tls/suite.h"

enum {
	TLS_PROVIDER_DISPATCH = 40,
	TLS_PROVIDER_KEYS = 256,     /* public keys that are kept, some 2 kB each */
	TLS_PROVIDER_SPKI_MAX = 160, /* DER of one: P-521 takes 158 */
};

struct tls_provider_key {
	void *key; /* NULL: empty */
	uint16_t len;
	uint8_t der[TLS_PROVIDER_SPKI_MAX];
};

/* RFC 8446 7.1: the last that was derived of each, for whoever runs the handshake to take and wipe */
enum { TLS_PROVIDER_CLIENT, TLS_PROVIDER_SERVER, TLS_PROVIDER_RESUMPTION, TLS_PROVIDER_SECRETS };

struct tls_provider_secret {
	bool there;
	uint8_t bytes[TLS_SECRET_MAX];
};

/* What one of our functions gets as its provider context. */
struct tls_provider {
	OSSL_LIB_CTX *lib;
	OSSL_ALGORITHM kdf[2], keymgmt[2], exchange[2], signature[2], decoder[2];
	OSSL_FUNC_BIO_read_ex_fn *bio_read;
	void *theirs; /* the default provider's own context */
	OSSL_FUNC_provider_get_capabilities_fn *capabilities;
	/* EC: the default provider's functions, with a few of ours among them */
	OSSL_DISPATCH ec_fns[TLS_PROVIDER_DISPATCH], ecdsa_fns[TLS_PROVIDER_DISPATCH],
		ecdh_fns[TLS_PROVIDER_DISPATCH];
	OSSL_FUNC_keymgmt_new_fn *ec_new;
	OSSL_FUNC_keymgmt_gen_init_fn *ec_gen_init;
	OSSL_FUNC_keymgmt_free_fn *ec_free;
	OSSL_FUNC_keymgmt_import_fn *ec_import;
	OSSL_FUNC_keymgmt_dup_fn *ec_dup;
	OSSL_FUNC_signature_newctx_fn *ecdsa_new;
	OSSL_FUNC_keyexch_newctx_fn *ecdh_new;
	struct tls_provider_key keys[TLS_PROVIDER_KEYS];
	struct tls_provider_secret secrets[TLS_PROVIDER_SECRETS];
};

struct tls_providers {
	OSSL_PROVIDER *whole, *plain, *twin, *edge;
	struct tls_provider *ours; /* goes with the library context */
};

/* Cold. Makes ours the provider that `lib` asks first, and the default one, which is loaded into `base`, the
 * one that it asks then. `base` must outlive `lib`. What reads private keys and other files asks
 * `base`, which has everything. 0 or -errno. */
int tls_provider_load(OSSL_LIB_CTX *lib, OSSL_LIB_CTX *base, struct tls_providers *out);
/* Cold; before `lib` and `base` are freed. Also of one that is all zero. */
void tls_provider_unload(struct tls_providers *loaded);

/* A copy of a function table, false when it does not fit; the function of this number in it (NULL: there is
 * none), with `ours` put into its place unless that is NULL. */
bool tls_provider_copy(OSSL_DISPATCH to[TLS_PROVIDER_DISPATCH], const OSSL_DISPATCH *from);
void (*tls_provider_swap(OSSL_DISPATCH *in, int id, void (*ours)(void)))(void);

/* ---- provider_kdf.c, provider_ec.c ---- */

extern const OSSL_DISPATCH tls_provider_kdf[];
extern const OSSL_DISPATCH tls_provider_ec_decoder[];
/* takes the default provider's functions over and puts ours among them; false: not all are there */
bool tls_provider_ec_init(struct tls_provider *p, const OSSL_DISPATCH *keymgmt,
			  const OSSL_DISPATCH *signature, const OSSL_DISPATCH *exchange);
void tls_provider_ec_fini(struct tls_provider *p);

#endif
