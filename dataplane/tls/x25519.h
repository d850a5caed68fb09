/* SPDX-License-Identifier: BSD-3-Clause */
/* Public keys of X25519 (RFC 7748 5): the base point times a private key, by a table of its multiples on
 * edwards25519, the same curve in another form (RFC 7748 4.1). This alone is arithmetic of ours, because
 * libcrypto's takes as long as the whole key agreement. The time does not depend on the key, nor do the
 * addresses that are read. A key is multiplied here once, right after it was drawn; a wrong result would be a
 * handshake that fails. */
#ifndef DATAPLANE_TLS_X25519_H
#define DATAPLANE_TLS_X25519_H

#include <stdbool.h>
#include <stdint.h>

enum { TLS_X25519_LEN = 32, TLS_X25519_PLACES = 32, TLS_X25519_DIGITS = 8 };

/* y + x, y - x and 2dxy of a point, each in 256 bits */
struct tls_x25519_point {
	uint64_t words[12];
};

/* [i][j] is (j + 1) * 256^i times the base point; the same for everybody */
struct tls_x25519 {
	struct tls_x25519_point table[TLS_X25519_PLACES][TLS_X25519_DIGITS];
};

/* Cold; some hundred microseconds. */
void tls_x25519_init(struct tls_x25519 *t);
/* `private` is clamped here as RFC 7748 5 asks for; it stays as it is. */
void tls_x25519_public(const struct tls_x25519 *t, const uint8_t private[TLS_X25519_LEN],
		       uint8_t public[TLS_X25519_LEN]);

#endif
