/* SPDX-License-Identifier: BSD-3-Clause */
/* Revocation lists in a profile's store. libcrypto judges them (scope, dates, distribution points, who may
 * sign), but it hashes a list whole each time that it looks whether its issuer has signed it: 25 ms of a
 * worker for a million entries, and that before it knows whether the chain that is shown is anybody's. Here a
 * list is hashed once, when it is read; what is left for a handshake is one signature over that hash. */
#ifndef DATAPLANE_TLS_CRL_H
#define DATAPLANE_TLS_CRL_H

#include <openssl/x509.h>

#include "dataplane/tls/tls_world.h"

/* Cold. Outlives all lists that were read with it. NULL: no memory. */
X509_CRL_METHOD *tls_crl_method_new(void);
/* Cold: puts the lists of a PEM text into `store`, sorted. 0, -ENOMEM, or the place (from 1) of the one that
 * cannot be read; why is in libcrypto's queue. One thread at a time: libcrypto has one default method. */
int tls_crl_read_all(X509_STORE *store, const X509_CRL_METHOD *method, OSSL_LIB_CTX *lib,
		     struct tls_blob pem);

#endif
