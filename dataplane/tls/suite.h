/* SPDX-License-Identifier: BSD-3-Clause */
/* The cipher suites that our own record path speaks: the AEADs of TLS 1.3 (RFC 8446 B.4), and of TLS 1.2
 * those with GCM (RFC 5288, 5289) or ChaCha20-Poly1305 (RFC 7905). Everything else stays with libssl. */
#ifndef DATAPLANE_TLS_SUITE_H
#define DATAPLANE_TLS_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_aead_alg { TLS_AEAD_NONE, TLS_AEAD_AES128_GCM, TLS_AEAD_AES256_GCM, TLS_AEAD_CHACHA20_POLY1305 };

enum tls_hash { TLS_HASH_SHA256, TLS_HASH_SHA384 };

enum {
	TLS_TAG_LEN = 16,
	TLS_NONCE_LEN = 12,
	TLS_KEY_MAX = 32,
	TLS_SECRET_MAX = 48,
};

struct tls_suite {
	uint16_t id; /* as on the wire */
	uint8_t alg; /* enum tls_aead_alg */
	uint8_t hash;
	bool v13;
	const char *name; /* IANA's */
};

/* suites are numbered from 0; NULL: no more */
const struct tls_suite *tls_suite_at(unsigned number);
/* NULL: this suite is not for our own record path */
const struct tls_suite *tls_suite_find(uint16_t id);
size_t tls_aead_key_len(enum tls_aead_alg alg);
size_t tls_hash_len(enum tls_hash hash);
/* Records that one key may protect before it must be replaced (RFC 8446 5.5; half of the bound, so that there
 * is time to do it). */
uint64_t tls_aead_record_limit(enum tls_aead_alg alg);

#endif
