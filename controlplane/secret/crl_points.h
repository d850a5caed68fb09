/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the lists are that certificates of peers name, learned for one trust store from chains that one of
 * its anchors vouches for. A point is a URL with the certificate whose key must sign what is there, and with
 * what lies between that one and the anchor: so it is judged anew, whenever it is used, by the anchors of
 * that day. Kept beside the fetched lists. Any thread. */
#ifndef CONTROLPLANE_SECRET_CRL_POINTS_H
#define CONTROLPLANE_SECRET_CRL_POINTS_H

#include "controlplane/secret/crl_list.h"

enum {
	CRL_POINTS_MAX = 256,	       /* of a trust store; the longest unused makes room */
	CRL_POINTS_PATH_MAX = 12288,   /* bytes */
	CRL_POINTS_UNUSED_S = 7776000, /* so long after it was named last one is forgotten: 90 days */
	CRL_POINTS_USED_S = 86400,     /* "used" is no more exact than this */
	CRL_POINTS_FROM = 160,
};

struct crl_point {
	char url[CRL_URL_MAX];
	char from[CRL_POINTS_FROM]; /* subject of the certificate that named it */
	uint8_t issuer[32];	    /* SHA-256 of the key that signs */
	int64_t used;		    /* seconds since the epoch */
	uint32_t path_len;
	uint8_t *path; /* DER: who signs, then who vouches for him; an anchor alone when that one signs */
};

struct crl_points {
	unsigned n;
	struct crl_point point[CRL_POINTS_MAX];
};

/* the CAs of a trust store, parsed; NULL: no memory, or none in it */
struct crl_anchors *crl_anchors_new(const char *pem, size_t len);
void crl_anchors_free(struct crl_anchors *a);

/* May a list be fetched from where a certificate says? http, no other port than 80, nobody's password. */
bool crl_points_url(const char *url);
/* Verifies a chain (DER, the peer's certificate first) and takes what its certificates name. How many points
 * are new or have another path; *save: something changed that is to be kept; -EINVAL with `why`: it is none
 * that these anchors vouch for. */
int crl_points_learn(struct crl_points *p, const uint8_t *der, size_t len, const struct crl_anchors *anchors,
		     int64_t now, bool *save, char *why);
/* Who may sign the list of this URL: appended to *pem (PEM; the caller frees it), those alone that the
 * anchors vouch for. How many, or -ENOMEM. */
int crl_points_issuers(const struct crl_points *p, const char *url, const struct crl_anchors *anchors,
		       int64_t now, char **pem, size_t *len);

/* what is kept for this trust store; one that is damaged is as good as its beginning. NULL: no memory. */
struct crl_points *crl_points_load(const char *store_dir, const char *trust, int64_t now);
int crl_points_save(const struct crl_points *p, const char *store_dir, const char *trust);
/* under what crl_cache.h keeps them: no URL looks like this */
void crl_points_key(const char *trust, char key[80]);
void crl_points_free(struct crl_points *p);

#endif
