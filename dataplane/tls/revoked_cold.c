/* SPDX-License-Identifier: BSD-3-Clause */
/* Revocation lists as a set of certificates, for sessions that are up already. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "dataplane/tls/core.h"
#include "dataplane/tls/peer.h"
#include "dataplane/tls/tls_world.h"

struct list {
	uint8_t (*entries)[TLS_HASH_LEN];
	size_t n, room;
};

static int add(struct list *l, const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 256;
		void *more = realloc(l->entries, room * TLS_HASH_LEN);

		if (!more)
			return -ENOMEM;
		l->entries = more;
		l->room = room;
	}
	/* a serial that no certificate can have is none that could come */
	if (tls_peer_issuer_serial(issuer, serial, l->entries[l->n]) == 0)
		l->n++;
	return 0;
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, TLS_HASH_LEN);
}

int64_t tls_revoked_read(struct tls_blob crls, uint8_t (**out)[TLS_HASH_LEN])
{
	struct list l = {0};
	X509_CRL *crl;
	BIO *pem;
	int err;

	*out = NULL;
	if (!crls.len)
		return 0;
	pem = BIO_new_mem_buf(crls.bytes, (int)crls.len);
	err = pem ? 0 : -ENOMEM;
	while (!err && (crl = PEM_read_bio_X509_CRL(pem, NULL, tls_no_passphrase, NULL))) {
		STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(crl);

		for (int i = 0; !err && i < sk_X509_REVOKED_num(revoked); i++)
			err = add(&l, X509_CRL_get_issuer(crl),
				  X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i)));
		X509_CRL_free(crl);
	}
	BIO_free(pem);
	ERR_clear_error();
	if (err) {
		free(l.entries);
		return err;
	}
	if (l.n)
		qsort(l.entries, l.n, TLS_HASH_LEN, order);
	*out = l.entries;
	return (int64_t)l.n;
}

bool tls_revoked_has(const uint8_t (*entries)[TLS_HASH_LEN], size_t n,
		     const uint8_t issuer_serial[TLS_HASH_LEN])
{
	return n && bsearch(issuer_serial, entries, n, TLS_HASH_LEN, order);
}
