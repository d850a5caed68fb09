/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256, SHA-384 and HMAC (RFC 2104) with them, by libcrypto's own compression functions, which know the
 * SHA extensions of the CPU, and without its contexts, method tables and heap. Pure. What is left in a struct
 * here is secret when what went in was: final wipes it. */
#ifndef DATAPLANE_TLS_TLS_DIGEST_H
#define DATAPLANE_TLS_TLS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/sha.h>

#include "dataplane/tls/suite.h"

struct tls_digest {
	enum tls_hash hash;
	union {
		SHA256_CTX sha256;
		SHA512_CTX sha512;
	};
};

struct tls_hmac {
	struct tls_digest inner, outer;
};

void tls_digest_init(struct tls_digest *d, enum tls_hash hash);
void tls_digest_add(struct tls_digest *d, const void *bytes, size_t len);
/* tls_hash_len() bytes */
void tls_digest_final(struct tls_digest *d, uint8_t *out);

/* keys longer than a block are hashed first */
void tls_hmac_init(struct tls_hmac *h, enum tls_hash hash, const uint8_t *key, size_t key_len);
void tls_hmac_add(struct tls_hmac *h, const void *bytes, size_t len);
/* tls_hash_len() bytes */
void tls_hmac_final(struct tls_hmac *h, uint8_t *out);
/* The MAC of one whole text, tls_hash_len() bytes: by the fewest steps when it is short, as in HKDF. `begun`
 * has its key and no text, and stays as it is. */
void tls_hmac_once(const struct tls_hmac *begun, const void *bytes, size_t len, uint8_t *out);

#endif
