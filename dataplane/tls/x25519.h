/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519 (RFC 7748 5). This alone is arithmetic of ours, because of what it saves in every handshake: a
 * public key, which is the base point times a private key, takes a quarter of libcrypto's time by a table of
 * that point's multiples on edwards25519, the same curve in another form (4.1); a shared secret six tenths
 * where the CPU multiplies four numbers at a time. No branch and no address depends on a key. A key is drawn
 * for one handshake and used in it once; a wrong result would be a handshake that fails. */
#ifndef DATAPLANE_TLS_X25519_H
#define DATAPLANE_TLS_X25519_H

#include <stdbool.h>
#include <stdint.h>

enum { TLS_X25519_LEN = 32, TLS_X25519_PLACES = 32, TLS_X25519_DIGITS = 8, TLS_X25519_BATCH = 8 };

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

/* RFC 7748 5 */
static inline void tls_x25519_clamp(uint8_t private[TLS_X25519_LEN])
{
	private[0] &= 248;
	private[31] = (private[31] & 127) | 64;
}

/* ---- the code for this CPU ---- */

struct tls_x25519_kernel {
	const char *name;
	/* `private` is clamped here as RFC 7748 5 asks for; it stays as it is. */
	void (*public)(const struct tls_x25519 *t, const uint8_t private[TLS_X25519_LEN],
		       uint8_t public[TLS_X25519_LEN]);
	/* RFC 7748 5: the shared secret. False: it is zero, the peer's key is of small order (6.1). NULL:
	 * libcrypto's is faster here. */
	bool (*agree)(const uint8_t private[TLS_X25519_LEN], const uint8_t peer[TLS_X25519_LEN],
		      uint8_t secret[TLS_X25519_LEN]);
	bool (*runs)(void); /* NULL: everywhere */
	/* As `public` does it, for several keys that belong to nobody yet. NULL: not cheaper here. (If the
	 * point of one were no point with an inverse, all would become zero: one clamped key in 2^252.) */
	void (*publics)(const struct tls_x25519 *t, const uint8_t private[TLS_X25519_BATCH][TLS_X25519_LEN],
			uint8_t public[TLS_X25519_BATCH][TLS_X25519_LEN]);
};

/* the fastest first, ended by one without a name */
extern const struct tls_x25519_kernel tls_x25519_kernels[];
const struct tls_x25519_kernel *tls_x25519_pick(void);

#endif
