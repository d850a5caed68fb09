/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain that libcrypto has verified for any purpose: what of its certificate was not its issuers' to say.
 * The chain begins with the certificate and ends with the anchor. Worker; pure. */
#ifndef DATAPLANE_TLS_ISSUERS_H
#define DATAPLANE_TLS_ISSUERS_H

#include "dataplane/tls/peer.h"

/* Takes out of peer->eku what an issuer below the anchor is not good for itself (by practice of all who
 * verify; RFC 5280 4.2.1.12 is silent). */
void tls_issuers_usage(const STACK_OF(X509) * chain, struct tls_peer *peer);
/* Do constraints on dNSName (RFC 5280 4.2.1.10) hold for the hosts of sip: URIs as well? Those are domains
 * here (RFC 5922 7.1), and who may issue for some alone must not issue for others by another kind of name. */
bool tls_issuers_permit(const STACK_OF(X509) * chain);
/* May the key do what it does in a handshake (RFC 5280 4.2.1.3, RFC 8446 4.4.2.2)? As libcrypto judges it for
 * TLS clients and servers. */
bool tls_issuers_key_signs(X509 *certificate, bool client);

#endif
