/* SPDX-License-Identifier: BSD-3-Clause */
/* Revocation lists that are fetched: where certificates say that they are, and whether what came may count.
 * Reads bytes, keeps nothing, any thread. */
#ifndef CONTROLPLANE_SECRET_CRL_LIST_H
#define CONTROLPLANE_SECRET_CRL_LIST_H

#include "controlplane/secret/pem.h"

enum {
	CRL_URL_MAX = 512,
	CRL_URLS_MAX = 32,   /* of one trust entry */
	CRL_NUMBER_MAX = 41, /* 20 octets (RFC 5280 section 5.2.3) in hex, and the NUL */
	CRL_AHEAD_S = 300,   /* what our clock may be behind the authority's */
};

struct crl_facts {
	char issuer[256];		  /* as RFC 2253 writes it */
	char number[CRL_NUMBER_MAX];	  /* in 40 hex digits, so that strcmp() orders; empty: it has none */
	int64_t this_update, next_update; /* seconds since the epoch; next_update 0: none is said */
	unsigned entries;
};

struct crl_urls {
	unsigned n;
	char url[CRL_URLS_MAX][CRL_URL_MAX];
	char said[PEM_WHY_MAX]; /* the first thing that is not used, and why; empty: everything is */
};

/* once each; what is no http URL or finds no room is said in u->said */
void crl_urls_add(struct crl_urls *u, const char *url, size_t len);
/* The distribution points (RFC 5280 section 4.2.1.13) of the certificates in `pem`; with `anchors`, of those
 * alone that one of these has issued. Full names with http alone; what is left out is said in u->said. */
void crl_urls_of(struct crl_urls *u, const char *pem, size_t len, const char *anchors, size_t anchors_len);

/* the same of one certificate that was read already */
struct x509_st;
void crl_urls_of_one(struct crl_urls *u, struct x509_st *x);

/* May these bytes (DER, or PEM with one list) count for these anchors (PEM)? Whole, a complete list of one
 * issuer, signed by an anchor that may sign lists, not from the future, and, where `had` is one of the same
 * issuer, not older than that. One past its next update is as good as its age: the caller says so. 0, with
 * *out, and the list as PEM in *pem (the caller frees it; NULL: not wanted); or -EINVAL with `why`, or
 * -ENOMEM. */
int crl_check(const void *bytes, size_t len, const char *anchors, size_t anchors_len,
	      const struct crl_facts *had, int64_t now, struct crl_facts *out, char **pem, size_t *pem_len,
	      char *why);

#endif
