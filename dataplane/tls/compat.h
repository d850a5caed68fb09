/* SPDX-License-Identifier: BSD-3-Clause */
/* The differences between OpenSSL 3.0 and 3.5 that concern us, in one place. */
#ifndef DATAPLANE_TLS_COMPAT_H
#define DATAPLANE_TLS_COMPAT_H

#include <openssl/opensslv.h>
#include <openssl/ssl.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "OpenSSL 3.0 or later"
#endif

/* 3.2 makes a closed BIO without close_notify an error of its own reason; 3.0 already does. Before 3.2 the
 * group list knows no tuple syntax, 3.5 would otherwise offer ML-KEM hybrids: named lists give the same
 * handshake on all. */
#define TLS_GROUPS_MODERN "X25519:P-256:P-384"
#define TLS_GROUPS_COMPAT "X25519:P-256:P-384:ffdhe2048:ffdhe3072"

/* Certificate compression (RFC 8879) is on by default from 3.2; it is one more decompressor before
 * authentication. */
static inline void tls_compat_harden(SSL_CTX *ctx)
{
#ifdef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
	SSL_CTX_set_options(ctx, SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
#else
	(void)ctx;
#endif
}

#endif
