/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a certificate says its holder is: the name set N of federation (SAN dNSName and hosts of SAN sip: URIs;
 * the CN only when no SAN identity is there: RFC 5922 7.1, RFC 6125 6.4.4), key usages, hashes. One record
 * per certificate, shared by all sessions that present it. Reading is pure; names are canonical as
 * config/policy/name.h asks, so that what cannot be a domain never reaches policy. */
#ifndef DATAPLANE_TLS_PEER_H
#define DATAPLANE_TLS_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "config/policy/facts.h"

enum {
	TLS_PEER_NAMES = POLICY_PEER_NAMES,
	TLS_PEER_TEXT = 2048, /* bytes of all names together; what does not fit is counted in names_cut */
	TLS_HASH_LEN = 32,
};

struct tls_peer {
	uint8_t certificate[TLS_HASH_LEN]; /* SHA-256 of the DER */
	uint8_t spki[TLS_HASH_LEN];	   /* SHA-256 of the SubjectPublicKeyInfo */
	uint8_t issuer_serial[TLS_HASH_LEN];
	int64_t not_before, not_after; /* seconds of the epoch */
	uint8_t eku;		       /* enum policy_eku_bit; of a verified one: what its issuers leave */
	bool from_cn;		       /* the name is the subject's CN */
	uint8_t names;
	uint8_t names_cut;     /* names that did not fit */
	uint8_t names_refused; /* NUL inside, not ASCII, no domain name, userinfo in the URI … */
	uint16_t text_len;
	uint16_t name_at[TLS_PEER_NAMES];
	uint8_t name_len[TLS_PEER_NAMES];
	char text[TLS_PEER_TEXT];
};

/* 0; -EINVAL: the certificate cannot be read (no key, unreadable dates or extensions). */
int tls_peer_read(X509 *certificate, struct tls_peer *out);
/* The hash by which a certificate's issuer and number are known. 0 or -EINVAL. */
int tls_peer_issuer_serial(const X509_NAME *issuer, const ASN1_INTEGER *serial, uint8_t out[TLS_HASH_LEN]);
/* enum policy_eku_bit. 0, or -EINVAL: unreadable, or there twice. */
int tls_peer_usage(X509 *certificate, uint8_t *out);
/* The host of a sip: or sips: URI without a user part; false: it is no identity of a domain. */
bool tls_peer_uri_host(const char *uri, size_t len, const char **host, size_t *host_len);
/* i < peer->names */
struct policy_name tls_peer_name(const struct tls_peer *peer, unsigned i);

#endif
