/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/crl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

/* beside a list of libcrypto's */
struct behind {
	OSSL_LIB_CTX *lib;
	const struct tls_list *list;
	X509_REVOKED *named; /* stands for the entry that was found; NULL: libcrypto has the entries */
};

static int list_free(X509_CRL *crl)
{
	struct behind *b = X509_CRL_get_meth_data(crl);

	if (b)
		X509_REVOKED_free(b->named);
	free(b);
	X509_CRL_set_meth_data(crl, NULL);
	return 1;
}

/* RFC 5280 6.3.3 (f), (g): is this list signed with this key? */
static int list_verify(X509_CRL *crl, EVP_PKEY *key)
{
	const struct behind *b = X509_CRL_get_meth_data(crl);
	const ASN1_BIT_STRING *signature;
	EVP_PKEY_CTX *c;
	int ok;

	if (!b || !key || !EVP_PKEY_is_a(key, b->list->key_type))
		return 0;
	X509_CRL_get0_signature(crl, &signature, NULL);
	/* whole bytes alone */
	if ((signature->flags & ASN1_STRING_FLAG_BITS_LEFT) && (signature->flags & 7))
		return 0;
	c = EVP_PKEY_CTX_new_from_pkey(b->lib, key, NULL);
	ok = c && EVP_PKEY_verify_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, b->list->md) == 1 &&
	     EVP_PKEY_verify(c, signature->data, (size_t)signature->length, b->list->hash,
			     b->list->hash_len) == 1;
	EVP_PKEY_CTX_free(c);
	return ok;
}

/* RFC 5280 5.3.3: who issued an entry's certificate is told by lists of others alone, which libcrypto does
 * not use unless it is asked to; a list that libcrypto compares with a certificate is its issuer's. */
static int list_lookup(X509_CRL *crl, X509_REVOKED **found, const ASN1_INTEGER *serial,
		       const X509_NAME *issuer)
{
	const struct behind *b = X509_CRL_get_meth_data(crl);
	uint8_t entry[TLS_HASH_LEN];

	if (!b || (issuer && X509_NAME_cmp(issuer, X509_CRL_get_issuer(crl)) != 0))
		return 0;
	if (!tls_list_entry(b->list->issuer, ASN1_STRING_get0_data(serial),
			    (size_t)ASN1_STRING_length(serial), entry) ||
	    !tls_list_has(b->list, entry))
		return 0;
	if (found)
		*found = b->named;
	return 1;
}

X509_CRL_METHOD *tls_crl_method_new(void)
{
	return X509_CRL_METHOD_new(NULL, list_free, list_lookup, list_verify);
}

static X509_CRL *read_as(const X509_CRL_METHOD *method, OSSL_LIB_CTX *lib, const struct tls_list *list)
{
	X509_CRL *crl = X509_CRL_new_ex(lib, NULL);
	const unsigned char *der = list->der;

	/* a list keeps the method that is the default while it is read */
	X509_CRL_set_default_method(method);
	if (crl && !d2i_X509_CRL(&crl, &der, (long)list->der_len))
		crl = NULL;
	X509_CRL_set_default_method(NULL);
	return crl;
}

/* What has to be judged by libcrypto goes its way, and is put in order by it now: it does so when it is first
 * asked, which takes a worker half a second for a million entries. */
static X509_CRL *read_whole(OSSL_LIB_CTX *lib, const struct tls_list *list)
{
	X509_CRL *crl = read_as(NULL, lib, list);

	if (crl && X509_CRL_get_REVOKED(crl))
		sk_X509_REVOKED_sort(X509_CRL_get_REVOKED(crl));
	return crl;
}

static X509_CRL *read_bare(const X509_CRL_METHOD *method, OSSL_LIB_CTX *lib, const struct tls_list *list)
{
	X509_CRL *crl = read_as(method, lib, list);
	struct behind *b = crl ? calloc(1, sizeof(*b)) : NULL;

	if (!b) {
		X509_CRL_free(crl);
		return NULL;
	}
	*b = (struct behind){.lib = lib, .list = list, .named = X509_REVOKED_new()};
	X509_CRL_set_meth_data(crl, b);
	if (b->named)
		return crl;
	X509_CRL_free(crl);
	return NULL;
}

int tls_crl_add_all(X509_STORE *store, const X509_CRL_METHOD *method, OSSL_LIB_CTX *lib,
		    const struct tls_lists *lists)
{
	for (unsigned i = 0; i < lists->n; i++) {
		const struct tls_list *l = &lists->list[i];
		X509_CRL *crl = l->bare ? read_bare(method, lib, l) : read_whole(lib, l);
		int ok = crl && X509_STORE_add_crl(store, crl);

		X509_CRL_free(crl);
		if (!ok)
			return -ENOMEM;
	}
	return 0;
}
