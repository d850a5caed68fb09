/* SPDX-License-Identifier: BSD-3-Clause */
/* Sealing and opening in place, with a per-core cache of expanded keys. A session keeps only its secrets (56
 * bytes a direction); what AES and GHASH need expanded (1 kB) is made when a session wakes and lives in the
 * cache for as long as it is busy. ipsec-mb is called directly; on a CPU without AES-NI the same calls go to
 * libcrypto. One struct tls_aead per core, used by that core alone. */
#ifndef DATAPLANE_TLS_AEAD_H
#define DATAPLANE_TLS_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/tls/suite.h"

struct tls_aead;
struct tls_aead_key; /* an expanded key; valid until the next tls_aead_key_get() on the same core */
struct IMB_MGR;

enum tls_aead_engine { TLS_AEAD_BEST, TLS_AEAD_IPSEC_MB, TLS_AEAD_EVP };

/* Cold. `cached_keys` is rounded up to a power of two. NULL with errno: ENOMEM, ENOTSUP (engine not here). */
struct tls_aead *tls_aead_create(enum tls_aead_engine engine, unsigned cached_keys);
/* Cold; wipes every key. */
void tls_aead_destroy(struct tls_aead *a);
struct IMB_MGR *tls_aead_mb(struct tls_aead *a);
enum tls_aead_engine tls_aead_engine_get(const struct tls_aead *a);

/* What the caller derives when the cache misses. Wiped by the callee after expansion. */
struct tls_raw_key {
	uint8_t key[TLS_KEY_MAX];
	uint8_t iv[TLS_NONCE_LEN];
};
typedef void (*tls_key_derive_fn)(void *ctx, struct tls_raw_key *out);

/* The expanded key named `id` (unique per session, direction and key epoch; never 0); on a miss derive()
 * gives the raw one. Never fails. */
const struct tls_aead_key *tls_aead_key_get(struct tls_aead *a, enum tls_aead_alg alg, uint64_t id,
					    tls_key_derive_fn derive, void *ctx);
/* The key `id` is needed soon: calls for its memory and waits for none. In step 0 for where it may be, in
 * step 1, a little later, for the key. */
void tls_aead_key_warm(const struct tls_aead *a, uint64_t id, unsigned step);
/* Forgets and wipes: a session ended or changed its key. */
void tls_aead_key_drop(struct tls_aead *a, uint64_t id);
/* the static IV (TLS 1.3) or salt (TLS 1.2) that came with the key */
const uint8_t *tls_aead_iv(const struct tls_aead_key *key);

/* Encrypts `len` bytes in place and writes the tag behind them. */
void tls_aead_seal(struct tls_aead *a, const struct tls_aead_key *key, const uint8_t nonce[TLS_NONCE_LEN],
		   const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len);
/* Decrypts `len` bytes in place; the tag stands behind them. False: forged or damaged; the bytes are then
 * zeroed so that nobody acts on them. */
bool tls_aead_open(struct tls_aead *a, const struct tls_aead_key *key, const uint8_t nonce[TLS_NONCE_LEN],
		   const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len);

/* The same with the tag anywhere. */
void tls_aead_seal_apart(struct tls_aead *a, const struct tls_aead_key *key,
			 const uint8_t nonce[TLS_NONCE_LEN], const uint8_t *aad, size_t aad_len,
			 uint8_t *data, size_t len, uint8_t tag[TLS_TAG_LEN]);
bool tls_aead_open_apart(struct tls_aead *a, const struct tls_aead_key *key,
			 const uint8_t nonce[TLS_NONCE_LEN], const uint8_t *aad, size_t aad_len,
			 uint8_t *data, size_t len, const uint8_t tag[TLS_TAG_LEN]);

struct tls_aead_stats {
	uint64_t hits, misses, sealed, opened, forged;
};
const struct tls_aead_stats *tls_aead_stats_get(const struct tls_aead *a);

#endif
