/* SPDX-License-Identifier: BSD-3-Clause */
/* Revocation lists in a profile's store. libcrypto judges them (scope, dates, distribution points, who may
 * sign), but it hashes a list whole each time that it looks whether its issuer has signed it: 25 ms of a
 * worker for a million entries, and that before it knows whether the chain that is shown is anybody's; and
 * each reading of it takes 200 MB and a second. Here a list is hashed once, when it is read; its entries are
 * a sorted table of 32 bytes each, which all workers and worlds share; libcrypto gets the list without them.
 * What is left for a handshake is one signature over that hash, and one look-up. */
#ifndef DATAPLANE_TLS_CRL_H
#define DATAPLANE_TLS_CRL_H

#include <openssl/x509.h>

#include "dataplane/tls/peer.h"
#include "dataplane/tls/tls_world.h"

/* one list, read-only */
struct tls_list {
	uint8_t *der; /* for libcrypto: without entries when `bare` */
	size_t der_len;
	bool bare;
	uint8_t issuer[TLS_HASH_LEN];	  /* of its name, as libcrypto hashes names */
	uint8_t (*entries)[TLS_HASH_LEN]; /* sorted; tls_list_entry() of this issuer and each serial number */
	size_t n;
	/* of what is signed, as it is signed; NULL: in a way that has no hash of its own (EdDSA, PSS) */
	const EVP_MD *md;
	const char *key_type;
	unsigned hash_len;
	uint8_t hash[EVP_MAX_MD_SIZE];
};

struct tls_lists {
	_Atomic unsigned users;
	uint8_t digest[TLS_HASH_LEN]; /* of the text */
	unsigned n;
	struct tls_list *list;
};

/* what an entry is in the table; the same as a certificate's issuer_serial. False: longer than any serial
 * number may be. */
bool tls_list_entry(const uint8_t issuer[TLS_HASH_LEN], const uint8_t *serial, size_t len,
		    uint8_t out[TLS_HASH_LEN]);
bool tls_list_has(const struct tls_list *list, const uint8_t entry[TLS_HASH_LEN]);

/* ---- list_form_cold.c ---- */

/* Where in a list (RFC 5280 5.1) is what; all point into it. */
struct tls_list_form {
	const uint8_t *tbs, *tbs_end;	      /* what is signed, with its head */
	const uint8_t *inside;		      /* the first thing in it */
	const uint8_t *revoked, *revoked_end; /* entries with their head; equal: there are none */
	const uint8_t *entries;		      /* the first */
};

/* False: not of the form that is read here, which says nothing about whether it is a list. */
bool tls_list_form(const uint8_t *der, size_t len, struct tls_list_form *form);
/* The next entry's serial number without leading zeros, *at moved behind it. 1; 0: no entry is left; -1: one
 * with something that libcrypto has to judge: a critical extension, another issuer, a reason that takes back,
 * or not well-formed. */
int tls_list_next(const struct tls_list_form *form, const uint8_t **at, const uint8_t **serial, size_t *len);
/* The same list without its entries; malloc'd, NULL: no memory. Its signature does not fit any more. */
uint8_t *tls_list_without(const uint8_t *der, size_t len, const struct tls_list_form *form, size_t *out_len);

/* ---- crl_setup.c ---- */

/* Cold. Outlives all lists that were read with it. NULL: no memory. */
X509_CRL_METHOD *tls_crl_method_new(void);
/* Cold: the lists for a store, which hold on to `lists`' memory. 0 or -errno. One thread at a time: libcrypto
 * has one default method. */
int tls_crl_add_all(X509_STORE *store, const X509_CRL_METHOD *method, OSSL_LIB_CTX *lib,
		    const struct tls_lists *lists);

#endif
