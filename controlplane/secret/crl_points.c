/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/secret/crl_points.h"
#include "controlplane/secret/crl_cache.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHAIN_MAX = 10 };

static const char magic[16] = "crl points 1\n";

/* before each point in the file; url, from and path follow */
struct kept {
	int64_t used;
	uint32_t path_len;
	uint16_t url_len, from_len;
	uint8_t issuer[32];
};

_Static_assert(sizeof(struct kept) == 48, "layout of the file");

struct crl_anchors {
	X509_STORE *store;
};

/* ---- verification ---- */

static int no_password(char *buf, int size, int writing, void *ctx)
{
	return -1;
}

struct crl_anchors *crl_anchors_new(const char *pem, size_t len)
{
	struct crl_anchors *a = calloc(1, sizeof(*a));
	BIO *bio = len <= INT32_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	unsigned n = 0;
	X509 *x;

	if (a)
		a->store = X509_STORE_new();
	while (a && a->store && bio && (x = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		n += X509_STORE_add_cert(a->store, x) == 1;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (n)
		return a;
	crl_anchors_free(a);
	return NULL;
}

void crl_anchors_free(struct crl_anchors *a)
{
	if (a)
		X509_STORE_free(a->store);
	free(a);
}

static STACK_OF(X509) * read_chain(const uint8_t *der, size_t len)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	const uint8_t *p = der;

	while (all && p < der + len && sk_X509_num(all) < CHAIN_MAX) {
		X509 *x = d2i_X509(NULL, &p, (long)(der + len - p));

		if (!x || !sk_X509_push(all, x)) {
			X509_free(x);
			break;
		}
	}
	ERR_clear_error();
	if (all && p == der + len && sk_X509_num(all))
		return all;
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

/* the chain up to an anchor, that one with it; NULL: nobody vouches for it */
static STACK_OF(X509) *
	vouched(STACK_OF(X509) * all, const struct crl_anchors *anchors, int64_t now, const char **why)
{
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = NULL;

	*why = "out of memory";
	if (c && X509_STORE_CTX_init(c, anchors->store, sk_X509_value(all, 0), all)) {
		X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(c), CHAIN_MAX);
		X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(c), (time_t)now);
		if (X509_verify_cert(c) == 1)
			chain = X509_STORE_CTX_get1_chain(c);
		else
			*why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(c));
	}
	X509_STORE_CTX_free(c);
	ERR_clear_error();
	return chain;
}

/* ---- learning ---- */

bool crl_points_url(const char *url)
{
	const char *host = url + 7, *end, *port;

	if (strncasecmp(url, "http://", 7))
		return false;
	end = host + strcspn(host, "/?#");
	if (end == host || memchr(host, '@', (size_t)(end - host)))
		return false;
	port = host[0] == '[' ? memchr(host, ']', (size_t)(end - host)) : host;
	if (!port)
		return false;
	port = memchr(port, ':', (size_t)(end - port));
	return !port || (port > host && end - port == 3 && memcmp(port, ":80", 3) == 0);
}

static void point_fini(struct crl_point *p)
{
	free(p->path);
	memset(p, 0, sizeof(*p));
}

static struct crl_point *place(struct crl_points *ps)
{
	struct crl_point *p = &ps->point[0];

	if (ps->n < CRL_POINTS_MAX)
		return &ps->point[ps->n++];
	for (unsigned i = 1; i < ps->n; i++)
		if (ps->point[i].used < p->used)
			p = &ps->point[i];
	point_fini(p);
	return p;
}

/* the certificates of a chain from `from` on, without the anchor unless it stands alone */
static uint8_t *path_of(const STACK_OF(X509) * chain, int from, uint32_t *len)
{
	int to = sk_X509_num(chain) - 1, n = 0;
	uint8_t *out, *at;

	to = from < to ? to : from + 1;
	for (int i = from; i < to; i++)
		n += i2d_X509(sk_X509_value(chain, i), NULL);
	out = n > 0 && n <= CRL_POINTS_PATH_MAX ? malloc((size_t)n) : NULL;
	at = out;
	for (int i = from; out && i < to; i++)
		i2d_X509(sk_X509_value(chain, i), &at);
	*len = out ? (uint32_t)n : 0;
	return out;
}

static void subject_of(X509 *x, char out[CRL_POINTS_FROM])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio) {
		X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253);
		n = BIO_read(bio, out, CRL_POINTS_FROM - 1);
	}
	out[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

/* what certificate `i` names; true: it is new, or its path is another one */
static bool learn_one(struct crl_points *ps, const STACK_OF(X509) * chain, int i, const char *url,
		      int64_t now, bool *save)
{
	struct crl_point *p = NULL;
	uint8_t issuer[32], *path;
	uint32_t len;
	bool news;

	if (!X509_pubkey_digest(sk_X509_value(chain, i + 1), EVP_sha256(), issuer, NULL))
		return false;
	path = path_of(chain, i + 1, &len);
	if (!path)
		return false;
	for (unsigned k = 0; k < ps->n && !p; k++)
		if (strcmp(ps->point[k].url, url) == 0 && memcmp(ps->point[k].issuer, issuer, 32) == 0)
			p = &ps->point[k];
	news = !p || p->path_len != len || memcmp(p->path, path, len);
	if (!p) {
		p = place(ps);
		snprintf(p->url, sizeof(p->url), "%s", url);
		memcpy(p->issuer, issuer, sizeof(issuer));
	}
	if (news) {
		free(p->path);
		p->path = path;
		p->path_len = len;
		subject_of(sk_X509_value(chain, i), p->from);
	} else {
		free(path);
	}
	/* a clock that was put back does not make it younger for ever */
	if (news || now - p->used >= CRL_POINTS_USED_S || p->used > now) {
		p->used = now;
		*save = true;
	}
	return news;
}

int crl_points_learn(struct crl_points *ps, const uint8_t *der, size_t len, const struct crl_anchors *anchors,
		     int64_t now, bool *save, char *why)
{
	STACK_OF(X509) *all = read_chain(der, len), *chain;
	struct crl_urls *u = malloc(sizeof(*u));
	const char *said = "";
	int news = 0;

	*save = false;
	chain = all && u ? vouched(all, anchors, now, &said) : NULL;
	sk_X509_pop_free(all, X509_free);
	if (!chain) {
		snprintf(why, PEM_WHY_MAX, "%s", all ? said : "they are no certificates");
		free(u);
		return u ? -EINVAL : -ENOMEM;
	}
	for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
		memset(u, 0, sizeof(*u));
		crl_urls_of_one(u, sk_X509_value(chain, i));
		for (unsigned k = 0; k < u->n; k++)
			if (crl_points_url(u->url[k]))
				news += learn_one(ps, chain, i, u->url[k], now, save);
	}
	sk_X509_pop_free(chain, X509_free);
	free(u);
	ERR_clear_error();
	return news;
}

int crl_points_issuers(const struct crl_points *ps, const char *url, const struct crl_anchors *anchors,
		       int64_t now, char **pem, size_t *len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *more;
	const char *why;
	int n = 0;
	long bytes;

	for (unsigned i = 0; bio && i < ps->n; i++) {
		const struct crl_point *p = &ps->point[i];
		STACK_OF(X509) * all, *chain;

		if (strcmp(p->url, url))
			continue;
		all = read_chain(p->path, p->path_len);
		chain = all ? vouched(all, anchors, now, &why) : NULL;
		n += chain && PEM_write_bio_X509(bio, sk_X509_value(all, 0)) == 1;
		sk_X509_pop_free(all, X509_free);
		sk_X509_pop_free(chain, X509_free);
	}
	bytes = bio ? BIO_get_mem_data(bio, &text) : -1;
	more = bytes >= 0 ? realloc(*pem, *len + (size_t)bytes + 1) : NULL;
	if (more) {
		*pem = more;
		if (bytes)
			memcpy(more + *len, text, (size_t)bytes);
		*len += (size_t)bytes;
	}
	BIO_free(bio);
	ERR_clear_error();
	return more ? n : -ENOMEM;
}

/* ---- kept ---- */

void crl_points_key(const char *trust, char key[80])
{
	snprintf(key, 80, "trust:%.63s", trust);
}

/* one point from the file; how many bytes it took, 0: it is damaged */
static size_t take_kept(struct crl_point *p, const char *at, size_t left)
{
	const char *text = at + sizeof(struct kept);
	struct kept k;
	size_t n;

	if (left < sizeof(k))
		return 0;
	memcpy(&k, at, sizeof(k));
	n = (size_t)k.url_len + k.from_len + k.path_len;
	if (k.url_len >= sizeof(p->url) || k.from_len >= sizeof(p->from) || !k.path_len ||
	    k.path_len > CRL_POINTS_PATH_MAX || n > left - sizeof(k))
		return 0;
	memset(p, 0, sizeof(*p));
	memcpy(p->url, text, k.url_len);
	memcpy(p->from, text + k.url_len, k.from_len);
	memcpy(p->issuer, k.issuer, sizeof(p->issuer));
	p->used = k.used;
	p->path_len = k.path_len;
	p->path = malloc(k.path_len);
	if (!p->path || !crl_points_url(p->url)) {
		point_fini(p);
		return 0;
	}
	memcpy(p->path, text + k.url_len + k.from_len, k.path_len);
	return sizeof(k) + n;
}

struct crl_points *crl_points_load(const char *store_dir, const char *trust, int64_t now)
{
	struct crl_points *ps = calloc(1, sizeof(*ps));
	char path[CRL_CACHE_PATH], key[80], *bytes;
	size_t len, at = sizeof(magic), took;

	crl_points_key(trust, key);
	crl_cache_path(store_dir, key, path);
	if (!ps || crl_cache_read(path, &bytes, &len))
		return ps;
	if (len < at || memcmp(bytes, magic, sizeof(magic)))
		at = len;
	while (ps->n < CRL_POINTS_MAX && at < len &&
	       (took = take_kept(&ps->point[ps->n], bytes + at, len - at))) {
		at += took;
		if (now - ps->point[ps->n].used > CRL_POINTS_UNUSED_S)
			point_fini(&ps->point[ps->n]);
		else
			ps->n++;
	}
	free(bytes);
	return ps;
}

int crl_points_save(const struct crl_points *ps, const char *store_dir, const char *trust)
{
	size_t len = sizeof(magic);
	char key[80], *bytes, *at;
	int r;

	for (unsigned i = 0; i < ps->n; i++)
		len += sizeof(struct kept) + strlen(ps->point[i].url) + strlen(ps->point[i].from) +
		       ps->point[i].path_len;
	bytes = at = malloc(len);
	if (!bytes)
		return -ENOMEM;
	memcpy(at, magic, sizeof(magic));
	at += sizeof(magic);
	for (unsigned i = 0; i < ps->n; i++) {
		const struct crl_point *p = &ps->point[i];
		struct kept k = {.used = p->used,
				 .path_len = p->path_len,
				 .url_len = (uint16_t)strlen(p->url),
				 .from_len = (uint16_t)strlen(p->from)};

		memcpy(k.issuer, p->issuer, sizeof(k.issuer));
		memcpy(at, &k, sizeof(k));
		at += sizeof(k);
		memcpy(at, p->url, k.url_len);
		at += k.url_len;
		memcpy(at, p->from, k.from_len);
		at += k.from_len;
		memcpy(at, p->path, p->path_len);
		at += p->path_len;
	}
	crl_points_key(trust, key);
	r = crl_cache_put(store_dir, key, bytes, len);
	free(bytes);
	return r;
}

void crl_points_free(struct crl_points *ps)
{
	for (unsigned i = 0; ps && i < ps->n; i++)
		point_fini(&ps->point[i]);
	free(ps);
}
