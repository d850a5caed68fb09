/* SPDX-License-Identifier: BSD-3-Clause */
/* What certificates, keys, lists and OCSP responses in files say, and whether they are fit to be used. Reads
 * bytes, keeps nothing, any thread. The only place of the control plane that knows libcrypto. */
#ifndef CONTROLPLANE_SECRET_PEM_H
#define CONTROLPLANE_SECRET_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PEM_WHY_MAX = 384,
	PEM_NAMES_MAX = 100,
};

struct pem_info {
	char subject[256], issuer[256]; /* as RFC 2253 writes them */
	char names[4096]; /* SAN, blank separated: dNSName, and "sip:" URIs; the CN without any */
	char usage[128];  /* extended key usage: "serverAuth clientAuth"; "any" without the extension */
	char key[48];	  /* "EC prime256v1", "RSA 2048" */
	char warning[PEM_WHY_MAX]; /* usable, yet somebody should look; empty: nothing */
	bool ec;
	unsigned chain;		       /* certificates in the file */
	int64_t not_before, not_after; /* seconds since the epoch: when the whole chain is good */
};

/* A certificate with its intermediates and its private key. 0, or -EINVAL with what is wrong in `why`
 * (PEM_WHY_MAX): cut, no such thing in it, not of one pair, expired, too weak, the key wants a password. */
int pem_pair(const char *chain, size_t chain_len, const char *key, size_t key_len, int64_t now,
	     struct pem_info *info, char *why);
/* Anchors. info->chain counts them, not_after is when the first of them ends; expired ones are a warning as
 * long as one is good. */
int pem_anchors(const char *pem, size_t len, int64_t now, struct pem_info *info, char *why);
/* Revocation lists: chain counts them, not_after is the earliest next update; one past it is a warning. */
int pem_lists(const char *pem, size_t len, int64_t now, struct pem_info *info, char *why);
/* A DER OCSP response to staple: good now, and about the first certificate of `chain`. */
int pem_ocsp(const char *der, size_t len, const char *chain, size_t chain_len, int64_t now,
	     struct pem_info *info, char *why);

#endif
