/* SPDX-License-Identifier: BSD-3-Clause */
/* A small provider of our own beside libcrypto's default one, per core and inside of the process alone: what
 * libssl asks for in every handshake and we can answer with less ado. No arithmetic is ours but that of
 * X25519's public keys (x25519.h); what is saved is the way to it. TLS13-KDF  RFC 8446 7.1, without contexts,
 * fetches or heap (kdf.h). Takes its parameters with derive() only, as libssl does. HMAC       the same for
 * Finished messages and tickets, and as the signature that a ticket's binder is to libssl. EC libcrypto's own
 * keys and ECDH; public keys of certificates are read once and copied when they come again. ECDSA libcrypto's
 * own, of digests that are made here. X25519     libcrypto's keys, made here; the agreement where this CPU
 * has a faster one (x25519.h). CTR-DRBG-STOCK   libcrypto's generator, asked less often. AES-GCM,
 * ChaCha20-Poly1305   for records of TLS 1.3, by what our own record path uses (aead.h). Behind it stands the
 * default provider, without those key types and decoders that no certificate here has: libcrypto 3.0 walks
 * over all that there are for every public key that it reads. */
#ifndef DATAPLANE_TLS_PROVIDER_H
#define DATAPLANE_TLS_PROVIDER_H

#include <stdbool.h>

#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

#include "dataplane/tls/suite.h"
#include "dataplane/tls/tls_digest.h"
#include "dataplane/tls/x25519.h"

enum {
	TLS_PROVIDER_DISPATCH = 40,
	TLS_PROVIDER_KEYS = 256,     /* public keys that are kept, some 2 kB each */
	TLS_PROVIDER_SPKI_MAX = 160, /* DER of one: P-521 takes 158 */
};

struct tls_aead;

struct tls_provider_key {
	void *key; /* NULL: empty */
	uint16_t len;
	uint8_t der[TLS_PROVIDER_SPKI_MAX];
};

/* the default provider's functions for ECDSA */
struct tls_ecdsa {
	OSSL_FUNC_signature_newctx_fn *newctx;
	OSSL_FUNC_signature_freectx_fn *freectx;
	OSSL_FUNC_signature_dupctx_fn *dupctx;
	OSSL_FUNC_signature_sign_init_fn *sign_init;
	OSSL_FUNC_signature_sign_fn *sign;
	OSSL_FUNC_signature_verify_init_fn *verify_init;
	OSSL_FUNC_signature_verify_fn *verify;
	OSSL_FUNC_signature_digest_sign_init_fn *digest_sign_init;
	OSSL_FUNC_signature_digest_sign_update_fn *digest_sign_update;
	OSSL_FUNC_signature_digest_sign_final_fn *digest_sign_final;
	OSSL_FUNC_signature_digest_verify_init_fn *digest_verify_init;
	OSSL_FUNC_signature_digest_verify_update_fn *digest_verify_update;
	OSSL_FUNC_signature_digest_verify_final_fn *digest_verify_final;
	OSSL_FUNC_signature_get_ctx_params_fn *get_ctx_params;
	OSSL_FUNC_signature_gettable_ctx_params_fn *gettable_ctx_params;
	OSSL_FUNC_signature_set_ctx_params_fn *set_ctx_params;
	OSSL_FUNC_signature_settable_ctx_params_fn *settable_ctx_params;
};

/* and for HMAC as a signature */
struct tls_hmac_signature {
	OSSL_FUNC_signature_newctx_fn *newctx;
	OSSL_FUNC_signature_freectx_fn *freectx;
	OSSL_FUNC_signature_dupctx_fn *dupctx;
	OSSL_FUNC_signature_digest_sign_init_fn *digest_sign_init;
	OSSL_FUNC_signature_digest_sign_update_fn *digest_sign_update;
	OSSL_FUNC_signature_digest_sign_final_fn *digest_sign_final;
};

/* those of an AEAD cipher, and our table for it */
enum { TLS_CIPHER_DISPATCH = 16, TLS_PROVIDER_CIPHERS = TLS_AEAD_CHACHA20_POLY1305 + 1 };

struct tls_cipher {
	OSSL_DISPATCH fns[TLS_CIPHER_DISPATCH];
	OSSL_FUNC_cipher_newctx_fn *newctx;
	OSSL_FUNC_cipher_freectx_fn *freectx;
	OSSL_FUNC_cipher_dupctx_fn *dupctx;
	OSSL_FUNC_cipher_encrypt_init_fn *encrypt_init;
	OSSL_FUNC_cipher_decrypt_init_fn *decrypt_init;
	OSSL_FUNC_cipher_update_fn *update;
	OSSL_FUNC_cipher_final_fn *final;
	OSSL_FUNC_cipher_cipher_fn *cipher;
	OSSL_FUNC_cipher_get_ctx_params_fn *get_ctx_params;
	OSSL_FUNC_cipher_set_ctx_params_fn *set_ctx_params;
};

/* those of its random generator */
struct tls_rand {
	OSSL_FUNC_rand_newctx_fn *newctx;
	OSSL_FUNC_rand_freectx_fn *freectx;
	OSSL_FUNC_rand_instantiate_fn *instantiate;
	OSSL_FUNC_rand_uninstantiate_fn *uninstantiate;
	OSSL_FUNC_rand_generate_fn *generate;
	OSSL_FUNC_rand_reseed_fn *reseed;
	OSSL_FUNC_rand_enable_locking_fn *enable_locking;
	OSSL_FUNC_rand_lock_fn *lock;
	OSSL_FUNC_rand_unlock_fn *unlock;
	OSSL_FUNC_rand_gettable_ctx_params_fn *gettable_ctx_params;
	OSSL_FUNC_rand_get_ctx_params_fn *get_ctx_params;
	OSSL_FUNC_rand_settable_ctx_params_fn *settable_ctx_params;
	OSSL_FUNC_rand_set_ctx_params_fn *set_ctx_params;
	OSSL_FUNC_rand_get_seed_fn *get_seed;
	OSSL_FUNC_rand_clear_seed_fn *clear_seed;
};

/* RFC 8446 7.1: the last that was derived of each, for whoever runs the handshake to take and wipe */
enum { TLS_PROVIDER_CLIENT, TLS_PROVIDER_SERVER, TLS_PROVIDER_RESUMPTION, TLS_PROVIDER_SECRETS };

struct tls_provider_secret {
	bool there;
	uint8_t bytes[TLS_SECRET_MAX];
};

/* what HMAC begins with under one secret (provider_kdf.c) */
enum { TLS_PROVIDER_SCHEDULES = 6 };

struct tls_provider_schedule {
	uint8_t secret[TLS_SECRET_MAX];
	struct tls_hmac begun;
};

/* pairs of X25519 that wait, taken from the end */
struct tls_pairs {
	uint32_t left; /* 0 in a child, like everything here */
	uint64_t made;
	uint8_t private[TLS_X25519_BATCH][TLS_X25519_LEN], public[TLS_X25519_BATCH][TLS_X25519_LEN];
};

/* What one of our functions gets as its provider context. */
struct tls_provider {
	OSSL_LIB_CTX *lib;
	OSSL_ALGORITHM cipher[4], kdf[2], mac[2], keymgmt[4], exchange[3], generator[2], signature[3],
		decoder[2];
	OSSL_FUNC_BIO_read_ex_fn *bio_read;
	void *theirs; /* the default provider's own context */
	OSSL_FUNC_provider_get_capabilities_fn *capabilities;
	/* EC: the default provider's functions, with a few of ours among them */
	OSSL_DISPATCH ec_fns[TLS_PROVIDER_DISPATCH], ecdh_fns[TLS_PROVIDER_DISPATCH];
	OSSL_FUNC_keymgmt_new_fn *ec_new;
	OSSL_FUNC_keymgmt_gen_init_fn *ec_gen_init;
	OSSL_FUNC_keymgmt_free_fn *ec_free;
	OSSL_FUNC_keymgmt_import_fn *ec_import;
	OSSL_FUNC_keymgmt_dup_fn *ec_dup;
	struct tls_ecdsa ecdsa;
	OSSL_DISPATCH hmac_key_fns[TLS_PROVIDER_DISPATCH];
	OSSL_FUNC_keymgmt_new_fn *hmac_key_new;
	OSSL_FUNC_keymgmt_gen_init_fn *hmac_key_gen;
	OSSL_FUNC_keymgmt_get_params_fn *hmac_key_get;
	struct tls_hmac_signature hmac;
	struct tls_rand rand;
	OSSL_FUNC_keyexch_newctx_fn *ecdh_new;
	/* the same of X25519 */
	OSSL_DISPATCH x25519_fns[TLS_PROVIDER_DISPATCH], x25519_exchange_fns[TLS_PROVIDER_DISPATCH];
	OSSL_FUNC_keymgmt_new_fn *x25519_new;
	OSSL_FUNC_keymgmt_free_fn *x25519_free;
	OSSL_FUNC_keymgmt_import_fn *x25519_import;
	OSSL_FUNC_keymgmt_get_params_fn *x25519_get_params;
	OSSL_FUNC_keyexch_newctx_fn *x25519_exchange_new;
	const struct tls_x25519_kernel *x25519_code;
	struct tls_x25519 x25519;
	struct tls_pairs *pairs; /* NULL: each is made alone */
	struct tls_aead *aead;	 /* the core's */
	uint64_t cipher_keys;	 /* keys of libssl that were numbered */
	struct tls_cipher ciphers[TLS_PROVIDER_CIPHERS];
	struct tls_provider_key keys[TLS_PROVIDER_KEYS];
	struct tls_provider_secret secrets[TLS_PROVIDER_SECRETS];
	bool in_step;
	uint32_t schedules_used; /* so many were made in this step */
	struct tls_provider_schedule schedules[TLS_PROVIDER_SCHEDULES];
};

struct tls_providers {
	OSSL_PROVIDER *whole, *plain, *twin, *edge, *stock;
	struct tls_provider *ours; /* goes with the library context */
};

/* Cold. Makes ours the provider that `lib` asks first (and `base` for random bytes), and the default one,
 * which is loaded into `base`, the one that it asks then. `base` must outlive `lib`. What reads private keys
 * and other files asks `base`, which has everything. `aead` seals and opens libssl's records, and outlives
 * both; `x25519`: its keys and secrets by our arithmetic. 0 or -errno. */
int tls_provider_load(OSSL_LIB_CTX *lib, OSSL_LIB_CTX *base, struct tls_aead *aead, bool x25519,
		      struct tls_providers *out);
/* Cold; before `lib` and `base` are freed. Also of one that is all zero. */
void tls_provider_unload(struct tls_providers *loaded);

/* A handshake's step begins or has ended: in between, secrets that are asked for again may be kept. */
void tls_provider_step(struct tls_provider *p, bool begins);

/* A copy of a function table, false when it does not fit; the function of this number in it (NULL: there is
 * none), with `ours` put into its place unless that is NULL. */
bool tls_provider_copy(OSSL_DISPATCH to[TLS_PROVIDER_DISPATCH], const OSSL_DISPATCH *from);
void (*tls_provider_swap(OSSL_DISPATCH *in, int id, void (*ours)(void)))(void);

/* the hash that this parameter names; false: none of TLS 1.3's */
bool tls_provider_hash(const OSSL_PARAM *name, enum tls_hash *hash);

/* ---- provider_kdf.c, provider_mac.c, provider_ec.c, provider_x25519.c,
 * provider_ecdsa.c, provider_hmac.c, provider_cipher.c, provider_rand.c ---- */

extern const OSSL_DISPATCH tls_provider_kdf[];
extern const OSSL_DISPATCH tls_provider_mac[];
extern const OSSL_DISPATCH tls_provider_ecdsa[];
extern const OSSL_DISPATCH tls_provider_hmac[];
extern const OSSL_DISPATCH tls_provider_rand[];
extern const OSSL_DISPATCH tls_provider_x25519_agreement[];
extern const OSSL_DISPATCH tls_provider_ec_decoder[];
/* takes the default provider's functions over and puts ours among them; false: not all are there */
bool tls_provider_ec_init(struct tls_provider *p, const OSSL_DISPATCH *keymgmt,
			  const OSSL_DISPATCH *exchange);
bool tls_provider_x25519_init(struct tls_provider *p, const OSSL_DISPATCH *keymgmt,
			      const OSSL_DISPATCH *exchange);
bool tls_provider_cipher_init(struct tls_cipher *f, enum tls_aead_alg alg, const OSSL_DISPATCH *from);
bool tls_provider_rand_init(struct tls_rand *f, const OSSL_DISPATCH *from);
bool tls_provider_ecdsa_init(struct tls_ecdsa *f, const OSSL_DISPATCH *from);
bool tls_provider_hmac_init(struct tls_provider *p, const OSSL_DISPATCH *keymgmt,
			    const OSSL_DISPATCH *signature);
void tls_provider_ec_fini(struct tls_provider *p);
void tls_provider_x25519_fini(struct tls_provider *p);

/* provider_pairs.c: a fresh pair of X25519; false: no random bytes */
bool tls_pair_take(struct tls_provider *p, uint8_t private[TLS_X25519_LEN], uint8_t public[TLS_X25519_LEN]);

#endif
