/* SPDX-License-Identifier: BSD-3-Clause */
/* Key derivation for handshakes and the record path, without provider fetch and heap (tls_digest.h): HMAC
 * (RFC 2104), HKDF-Expand-Label (RFC 8446 7.1), the traffic key update (7.2), the PRF of TLS 1.2 (RFC 5246
 * 5). Pure. Outputs are the caller's to wipe. */
#ifndef DATAPLANE_TLS_KDF_H
#define DATAPLANE_TLS_KDF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/tls/suite.h"

void tls_kdf_hmac(enum tls_hash hash, const uint8_t *key, size_t key_len, const uint8_t *in, size_t in_len,
		  uint8_t *out);
/* `label` without the "tls13 " prefix; the context is empty; out_len ≤ 48 */
void tls_kdf_expand_label(enum tls_hash hash, const uint8_t *secret, const char *label, uint8_t *out,
			  size_t out_len);
/* the same with a context of at most 48 bytes */
void tls_kdf_expand_context(enum tls_hash hash, const uint8_t *secret, const char *label,
			    const uint8_t *context, size_t context_len, uint8_t *out, size_t out_len);
/* secret ← application_traffic_secret_N+1 */
void tls_kdf_next_secret(enum tls_hash hash, uint8_t *secret);
/* RFC 5246 6.3: key_block from the 48-byte master secret; randoms are 32 bytes each; out_len ≤ 128 */
void tls_kdf_key_block(enum tls_hash hash, const uint8_t *master, const uint8_t *server_random,
		       const uint8_t *client_random, uint8_t *out, size_t out_len);
/* memset that the compiler must keep: as explicit_bzero(), without a call for the short ones */
static inline void tls_wipe(void *p, size_t len)
{
	memset(p, 0, len);
	__asm__ volatile("" : : "r"(p) : "memory");
}

#endif
