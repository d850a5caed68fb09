/* SPDX-License-Identifier: BSD-3-Clause */
/* Revocation lists, read once for all workers, worlds, and sessions that are up already. */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "dataplane/tls/core.h"
#include "dataplane/tls/crl.h"
#include "dataplane/tls/tls_digest.h"

bool tls_list_entry(const uint8_t issuer[TLS_HASH_LEN], const uint8_t *serial, size_t len,
		    uint8_t out[TLS_HASH_LEN])
{
	struct tls_digest d;

	if (len > 64)
		return false;
	tls_digest_init(&d, TLS_HASH_SHA256);
	tls_digest_add(&d, issuer, TLS_HASH_LEN);
	tls_digest_add(&d, serial, len);
	tls_digest_final(&d, out);
	return true;
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, TLS_HASH_LEN);
}

bool tls_list_has(const struct tls_list *list, const uint8_t entry[TLS_HASH_LEN])
{
	return list->n && bsearch(entry, list->entries, list->n, TLS_HASH_LEN, order);
}

static int add(struct tls_list *l, size_t *room, const uint8_t *serial, size_t len)
{
	if (l->n == *room) {
		size_t more = *room ? 2 * *room : 64;
		void *p = realloc(l->entries, more * TLS_HASH_LEN);

		if (!p)
			return -ENOMEM;
		l->entries = p;
		*room = more;
	}
	/* a serial number that no certificate can have is none that could come */
	l->n += tls_list_entry(l->issuer, serial, len, l->entries[l->n]);
	return 0;
}

/* 1: all of them are in the table; 0: libcrypto has to see them */
static int read_entries(struct tls_list *l, const struct tls_list_form *form)
{
	const uint8_t *at = form->entries, *serial;
	size_t room = 0, len;
	int next = 0;

	while ((next = tls_list_next(form, &at, &serial, &len)) > 0)
		if (add(l, &room, serial, len))
			return -ENOMEM;
	if (next < 0)
		l->n = 0;
	return next == 0;
}

static int copy_entries(struct tls_list *l, const X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED((X509_CRL *)crl);
	size_t room = 0;

	free(l->entries);
	l->entries = NULL;
	for (int i = 0; i < sk_X509_REVOKED_num(all); i++) {
		const ASN1_INTEGER *s = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(all, i));

		if (add(l, &room, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)))
			return -ENOMEM;
	}
	return 0;
}

static int hash_signed(struct tls_list *l, const X509_CRL *crl, const struct tls_list_form *form)
{
	int md, key;

	if (!OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &md, &key) || md == NID_undef ||
	    (key != NID_rsaEncryption && key != NID_X9_62_id_ecPublicKey))
		return 0;
	l->md = EVP_get_digestbynid(md);
	l->key_type = key == NID_rsaEncryption ? "RSA" : "EC";
	if (l->md && EVP_Digest(form->tbs, (size_t)(form->tbs_end - form->tbs), l->hash, &l->hash_len, l->md,
				NULL) != 1)
		l->md = NULL;
	return l->md != NULL;
}

static X509_CRL *parse(const uint8_t *der, size_t len)
{
	return d2i_X509_CRL(NULL, &der, (long)len);
}

/* 0, -ENOMEM, or 1: libcrypto cannot read it */
static int read_one(struct tls_list *l, const uint8_t *der, size_t len)
{
	struct tls_list_form form;
	X509_CRL *crl = NULL;
	unsigned hash_len;
	int err = 0;

	if (len > INT_MAX)
		return 1;
	/* without its entries it is small */
	if (tls_list_form(der, len, &form)) {
		l->der = tls_list_without(der, len, &form, &l->der_len);
		if (!l->der)
			return -ENOMEM;
		crl = parse(l->der, l->der_len);
		if (!crl || !X509_NAME_digest(X509_CRL_get_issuer(crl), EVP_sha256(), l->issuer, &hash_len))
			goto bad;
		if (hash_signed(l, crl, &form))
			err = read_entries(l, &form);
		l->bare = err > 0;
		if (err) {
			err = err < 0 ? err : 0;
			goto out;
		}
		X509_CRL_free(crl);
		free(l->der);
	}
	l->der_len = len;
	l->der = malloc(len);
	crl = l->der ? parse(der, len) : NULL;
	if (!l->der) {
		err = -ENOMEM;
		goto out;
	}
	memcpy(l->der, der, len);
	if (!crl || !X509_NAME_digest(X509_CRL_get_issuer(crl), EVP_sha256(), l->issuer, &hash_len))
		goto bad;
	err = copy_entries(l, crl);
out:
	X509_CRL_free(crl);
	if (!err && l->n)
		qsort(l->entries, l->n, TLS_HASH_LEN, order);
	return err;
bad:
	X509_CRL_free(crl);
	return 1;
}

static struct tls_list *list_new(struct tls_lists *all)
{
	struct tls_list *p = realloc(all->list, (all->n + 1) * sizeof(*p));

	if (!p)
		return NULL;
	all->list = p;
	p[all->n] = (struct tls_list){0};
	return &p[all->n++];
}

static int read_all(struct tls_lists *all, BIO *pem)
{
	for (;;) {
		struct tls_list *l;
		unsigned char *der;
		long len;
		int err;

		ERR_clear_error();
		if (!PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509_CRL, pem, tls_no_passphrase, NULL))
			break;
		l = list_new(all);
		err = l ? read_one(l, der, (size_t)len) : -ENOMEM;
		OPENSSL_free(der);
		if (err)
			return err < 0 ? err : (int)all->n;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return (int)all->n + 1;
	ERR_clear_error();
	return 0;
}

int tls_lists_read(struct tls_blob text, struct tls_lists **out)
{
	struct tls_lists *all = calloc(1, sizeof(*all));
	BIO *pem = text.len <= INT_MAX ? BIO_new_mem_buf(text.bytes, (int)text.len) : NULL;
	int err = -ENOMEM;

	*out = NULL;
	if (all && pem && EVP_Digest(text.bytes, text.len, all->digest, NULL, EVP_sha256(), NULL)) {
		atomic_init(&all->users, 1);
		err = read_all(all, pem);
	}
	BIO_free(pem);
	if (err)
		tls_lists_drop(all);
	else
		*out = all;
	return err;
}

struct tls_lists *tls_lists_use(struct tls_lists *all)
{
	if (all)
		atomic_fetch_add_explicit(&all->users, 1, memory_order_relaxed);
	return all;
}

void tls_lists_drop(struct tls_lists *all)
{
	/* acq_rel: who frees sees what the others did with it */
	if (!all || atomic_fetch_sub_explicit(&all->users, 1, memory_order_acq_rel) > 1)
		return;
	for (unsigned i = 0; i < all->n; i++) {
		free(all->list[i].der);
		free(all->list[i].entries);
	}
	free(all->list);
	free(all);
}

bool tls_lists_name(const struct tls_lists *all, const uint8_t issuer_serial[TLS_HASH_LEN])
{
	for (unsigned i = 0; all && i < all->n; i++)
		if (tls_list_has(&all->list[i], issuer_serial))
			return true;
	return false;
}
