/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/crl.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "dataplane/tls/core.h"

/* beside a list */
struct signed_hash {
	OSSL_LIB_CTX *lib;
	const EVP_MD *md;
	const char *key_type; /* that the signature is made with */
	unsigned len;
	uint8_t hash[EVP_MAX_MD_SIZE];
};

static int list_free(X509_CRL *crl)
{
	free(X509_CRL_get_meth_data(crl));
	X509_CRL_set_meth_data(crl, NULL);
	return 1;
}

/* RFC 5280 6.3.3 (f), (g): is this list signed with this key? */
static int list_verify(X509_CRL *crl, EVP_PKEY *key)
{
	const struct signed_hash *s = X509_CRL_get_meth_data(crl);
	const ASN1_BIT_STRING *signature;
	EVP_PKEY_CTX *c;
	int ok;

	if (!s || !key || !EVP_PKEY_is_a(key, s->key_type))
		return 0;
	X509_CRL_get0_signature(crl, &signature, NULL);
	/* whole bytes alone */
	if ((signature->flags & ASN1_STRING_FLAG_BITS_LEFT) && (signature->flags & 7))
		return 0;
	c = EVP_PKEY_CTX_new_from_pkey(s->lib, key, NULL);
	ok = c && EVP_PKEY_verify_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, s->md) == 1 &&
	     EVP_PKEY_verify(c, signature->data, (size_t)signature->length, s->hash, s->len) == 1;
	EVP_PKEY_CTX_free(c);
	return ok;
}

/* RFC 5280 5.3.3: who issued an entry's certificate is told by lists of others alone, which libcrypto does
 * not use unless it is asked to; a list that libcrypto compares with a certificate is its issuer's. */
static int list_lookup(X509_CRL *crl, X509_REVOKED **found, const ASN1_INTEGER *serial,
		       const X509_NAME *issuer)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	int from = 0, to = sk_X509_REVOKED_num(all);

	if (issuer && X509_NAME_cmp(issuer, X509_CRL_get_issuer(crl)) != 0)
		return 0;
	while (from < to) {
		int middle = from + (to - from) / 2;
		X509_REVOKED *r = sk_X509_REVOKED_value(all, middle);
		/* the order that they were sorted by */
		int order = ASN1_STRING_cmp(serial, X509_REVOKED_get0_serialNumber(r));

		if (order == 0) {
			if (found)
				*found = r;
			return 1;
		}
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return 0;
}

X509_CRL_METHOD *tls_crl_method_new(void)
{
	return X509_CRL_METHOD_new(NULL, list_free, list_lookup, list_verify);
}

/* What is signed is the first thing in it, with its head (RFC 5280 5.1). */
static bool signed_part(const unsigned char *der, long len, const unsigned char **part, size_t *part_len)
{
	const unsigned char *at = der;
	long n;
	int tag, class;

	if ((ASN1_get_object(&at, &n, &tag, &class, len) & 0x81) || tag != V_ASN1_SEQUENCE)
		return false;
	*part = at;
	if ((ASN1_get_object(&at, &n, &tag, &class, n) & 0x81) || tag != V_ASN1_SEQUENCE)
		return false;
	*part_len = (size_t)(at - *part) + (size_t)n;
	return true;
}

/* NULL: signed in a way that has no hash of its own (EdDSA, PSS), or no memory: libcrypto's way is as good */
static struct signed_hash *hash_of(const X509_CRL *crl, const unsigned char *der, long len, OSSL_LIB_CTX *lib)
{
	struct signed_hash *s;
	const unsigned char *part;
	size_t part_len;
	int md, key;

	if (!OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &md, &key) || md == NID_undef ||
	    (key != NID_rsaEncryption && key != NID_X9_62_id_ecPublicKey) ||
	    !signed_part(der, len, &part, &part_len))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->lib = lib;
	s->md = EVP_get_digestbynid(md);
	s->key_type = key == NID_rsaEncryption ? "RSA" : "EC";
	if (s->md && EVP_Digest(part, part_len, s->hash, &s->len, s->md, NULL) == 1)
		return s;
	free(s);
	return NULL;
}

static X509_CRL *read_as(const X509_CRL_METHOD *method, OSSL_LIB_CTX *lib, const unsigned char *der, long len)
{
	X509_CRL *crl = X509_CRL_new_ex(lib, NULL);

	/* a list keeps the method that is the default while it is read */
	X509_CRL_set_default_method(method);
	if (crl && !d2i_X509_CRL(&crl, &der, len))
		crl = NULL;
	X509_CRL_set_default_method(NULL);
	return crl;
}

static X509_CRL *read_one(const X509_CRL_METHOD *method, OSSL_LIB_CTX *lib, const unsigned char *der,
			  long len)
{
	X509_CRL *crl = read_as(method, lib, der, len);
	struct signed_hash *s = crl ? hash_of(crl, der, len, lib) : NULL;

	if (s) {
		X509_CRL_set_meth_data(crl, s);
		/* libcrypto sorts a list when it is first asked: half a second of a worker for a million
		 * entries */
		if (X509_CRL_get_REVOKED(crl))
			sk_X509_REVOKED_sort(X509_CRL_get_REVOKED(crl));
	} else if (crl) {
		X509_CRL_free(crl);
		crl = read_as(NULL, lib, der, len);
		if (crl && X509_CRL_get_REVOKED(crl))
			sk_X509_REVOKED_sort(X509_CRL_get_REVOKED(crl));
	}
	return crl;
}

int tls_crl_read_all(X509_STORE *store, const X509_CRL_METHOD *method, OSSL_LIB_CTX *lib,
		     struct tls_blob text)
{
	BIO *pem = BIO_new_mem_buf(text.bytes, (int)text.len);
	int n = 0;

	if (!pem)
		return -ENOMEM;
	for (;;) {
		unsigned char *der;
		X509_CRL *crl;
		long len;

		ERR_clear_error();
		if (!PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509_CRL, pem, tls_no_passphrase, NULL))
			break;
		crl = read_one(method, lib, der, len);
		OPENSSL_free(der);
		if (!crl) {
			BIO_free(pem);
			return n + 1;
		}
		X509_STORE_add_crl(store, crl);
		X509_CRL_free(crl);
		n++;
	}
	BIO_free(pem);
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return n + 1;
	ERR_clear_error();
	return 0;
}
