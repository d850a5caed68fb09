/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points of x25519.h's kernels; each may be called only where its `runs` says so. */
#ifndef DATAPLANE_TLS_ISA_X25519_KERNELS_H
#define DATAPLANE_TLS_ISA_X25519_KERNELS_H

#include "dataplane/tls/x25519.h"

void tls_x25519_public_ifma(const struct tls_x25519 *t, const uint8_t private[TLS_X25519_LEN],
			    uint8_t public[TLS_X25519_LEN]);
void tls_x25519_publics_ifma(const struct tls_x25519 *t,
			     const uint8_t private[TLS_X25519_BATCH][TLS_X25519_LEN],
			     uint8_t public[TLS_X25519_BATCH][TLS_X25519_LEN]);
bool tls_x25519_agree_ifma(const uint8_t private[TLS_X25519_LEN], const uint8_t peer[TLS_X25519_LEN],
			   uint8_t secret[TLS_X25519_LEN]);

#endif
