/* SPDX-License-Identifier: BSD-3-Clause */
/* The differences between OpenSSL 3.0 and 3.5 that concern us, in one place. */
#ifndef DATAPLANE_TLS_COMPAT_H
#define DATAPLANE_TLS_COMPAT_H

#include <stdint.h>

#include <openssl/err.h>
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

/* The last error that says something; empties the queue. From 3.2 on the record layer is a part of its own,
 * behind whose errors libssl puts one more, that it has failed. */
static inline unsigned long tls_compat_error(void)
{
	unsigned long e, last = 0;

	while ((e = ERR_get_error())) {
#ifdef SSL_R_RECORD_LAYER_FAILURE
		if (last && ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_RECORD_LAYER_FAILURE)
			continue;
#endif
		last = e;
	}
	return last;
}

/* From 3.3 on in 64 bits; the other form is deprecated from 3.4 on. */
static inline void tls_compat_session_time_set(SSL_SESSION *session, int64_t wall_s)
{
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
	SSL_SESSION_set_time_ex(session, (time_t)wall_s);
#else
	SSL_SESSION_set_time(session, (long)wall_s);
#endif
}

static inline int64_t tls_compat_session_time(const SSL_SESSION *session)
{
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
	return SSL_SESSION_get_time_ex(session);
#else
	return SSL_SESSION_get_time(session);
#endif
}

#endif
