/* SPDX-License-Identifier: BSD-3-Clause */
/* Trust stores: the revocation lists that are fetched for them. */
#include "controlplane/secret/crl_cache.h"
#include "controlplane/secret/shelf_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool shelf_list_fetches(struct shelf_loading *l, const struct shelf_item *it)
{
	const char *word = schema_object_find(&l->o, "crl-fetch");

	/* who trusts the system's CAs has configured none */
	return strcmp(it->name, SHELF_SYSTEM_TRUST) && (!word || strcmp(word, "yes") == 0);
}

static bool points_there(struct shelf_loading *l, const struct shelf_item *it)
{
	return l->vault && l->vault->store && shelf_list_fetches(l, it);
}

/* What says where its lists are, besides its files: the operator, the certificates that we show, and what was
 * learned from those of peers. */
uint64_t shelf_list_named(struct shelf_loading *l, const struct shelf_item *it, uint64_t sum)
{
	char path[CRL_CACHE_PATH], key[80];

	if (points_there(l, it)) {
		crl_points_key(it->name, key);
		crl_cache_path(l->vault->store, key, path);
		sum = shelf_state_of(path, sum);
	}
	for (unsigned i = 0; i < l->o.n; i++)
		for (const char *c = schema_object_value(&l->o, &l->o.item[i]); *c; c++)
			sum = (sum ^ (uint8_t)*c) * 0x100000001b3u;
	for (unsigned i = 0; i < l->s->n; i++)
		for (const char *c = l->s->item[i].chain; l->s->item[i].sort == SHELF_CERTIFICATE && *c; c++)
			sum = (sum ^ (uint8_t)*c) * 0x100000001b3u;
	return sum;
}

uint64_t shelf_list_state(const struct shelf_loading *l, const struct shelf_item *it, uint64_t sum)
{
	char path[CRL_CACHE_PATH];

	for (unsigned i = 0; l->vault && l->vault->store && i < it->lists; i++) {
		crl_cache_path(l->vault->store, it->list[i].url, path);
		sum = shelf_state_of(path, sum);
	}
	return sum;
}

static void own_points(struct shelf_loading *l, const struct shelf_content *ca, struct crl_urls *u)
{
	for (unsigned i = 0; i < l->s->n; i++) {
		const struct shelf_item *cert = &l->s->item[i];
		struct shelf_item scratch = {0}; /* a file that cannot be read is the certificate's problem */
		char path[SCHEMA_VALUE_MAX];
		struct shelf_content chain = {0};
		mode_t mode = 0;

		if (cert->sort != SHELF_CERTIFICATE || !cert->good || !cert->paths.p)
			continue;
		/* its first file is the chain */
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(cert->paths.p, "\n"), cert->paths.p);
		if (shelf_content_read(&scratch, path, SHELF_PAIR_FILE_MAX, &chain, &mode) == 0)
			crl_urls_of(u, chain.p, chain.n, ca->p, ca->n);
		shelf_content_fini(&chain);
	}
}

struct crl_points *shelf_list_points(struct shelf_loading *l, const struct shelf_item *it)
{
	return points_there(l, it) ? crl_points_load(l->vault->store, it->name, l->now) : NULL;
}

/* behind those that are configured, so that they get no room that these want */
static int add_points(struct shelf_item *it, const struct crl_points *points)
{
	struct shelf_list *more = realloc(it->list, (it->lists + points->n + 1) * sizeof(*it->list));

	if (!more)
		return shelf_problem(it, "out of memory");
	it->list = more;
	for (unsigned i = 0; i < points->n; i++) {
		struct shelf_list *s = &it->list[it->lists];
		bool there = false;

		for (unsigned k = 0; k < it->lists && !there; k++)
			there = strcmp(it->list[k].url, points->point[i].url) == 0;
		if (there)
			continue;
		memset(s, 0, sizeof(*s));
		s->learned = true;
		memcpy(s->url, points->point[i].url, sizeof(s->url));
		memcpy(s->from, points->point[i].from, sizeof(s->from));
		it->lists++;
	}
	return 0;
}

int shelf_list_find(struct shelf_loading *l, struct shelf_item *it, const struct shelf_content *ca,
		    const struct crl_points *points)
{
	struct crl_urls *u;

	it->fetches = shelf_list_fetches(l, it);
	if (!it->fetches)
		return 0;
	u = calloc(1, sizeof(*u));
	if (!u)
		return shelf_problem(it, "out of memory");
	for (unsigned i = 0; i < l->o.n; i++) {
		const char *url = schema_object_value(&l->o, &l->o.item[i]);

		if (strcmp(l->o.noun->fields[l->o.item[i].field].name, "crl-url") == 0)
			crl_urls_add(u, url, strlen(url));
	}
	crl_urls_of(u, ca->p, ca->n, NULL, 0);
	own_points(l, ca, u);
	memcpy(it->unfetched, u->said, sizeof(it->unfetched));
	it->list = u->n ? calloc(u->n, sizeof(*it->list)) : NULL;
	it->lists = it->list ? u->n : 0;
	for (unsigned i = 0; i < it->lists; i++)
		memcpy(it->list[i].url, u->url[i], CRL_URL_MAX);
	free(u);
	return points ? add_points(it, points) : 0;
}

/* PEM of who may sign list `s`: the CAs, unless it was learned, and those whom a peer's chain has shown under
 * its URL */
static int signers(const struct shelf_list *s, const struct shelf_content *ca,
		   const struct crl_points *points, const struct crl_anchors *anchors, int64_t now,
		   char **pem, size_t *len)
{
	int r;

	*len = s->learned ? 0 : ca->n;
	*pem = malloc(*len + 1);
	if (*pem && *len)
		memcpy(*pem, ca->p, *len);
	r = *pem ? 0 : -ENOMEM;
	if (!r && points && anchors)
		r = crl_points_issuers(points, s->url, anchors, now, pem, len);
	return r < 0 ? r : 0;
}

void shelf_list_add(struct shelf_loading *l, struct shelf_item *it, const struct shelf_content *ca,
		    struct shelf_content *crl, const struct crl_points *points)
{
	struct crl_anchors *anchors = points && points->n ? crl_anchors_new(ca->p, ca->n) : NULL;

	for (unsigned i = 0; l->vault && l->vault->store && i < it->lists; i++) {
		struct shelf_list *s = &it->list[i];
		char path[CRL_CACHE_PATH], *bytes = NULL, *pem = NULL, *by = NULL, *more;
		size_t len = 0, pem_len = 0, by_len = 0;
		int r;

		crl_cache_path(l->vault->store, s->url, path);
		r = crl_cache_read(path, &bytes, &len);
		if (r) {
			if (r != -ENOENT)
				snprintf(s->problem, sizeof(s->problem), "%.250s: %s", path, strerror(-r));
			continue;
		}
		r = signers(s, ca, points, anchors, l->now, &by, &by_len);
		if (!r)
			r = crl_check(bytes, len, by, by_len, NULL, l->now, &s->facts, &pem, &pem_len,
				      s->problem);
		free(by);
		free(bytes);
		/* the dataplane reads no more than this */
		if (!r && crl->n + pem_len + 2 > SHELF_TRUST_FILE_MAX) {
			snprintf(s->problem, sizeof(s->problem),
				 "with it the lists of this trust store are more than %d MiB",
				 SHELF_TRUST_FILE_MAX >> 20);
			r = -EFBIG;
		}
		more = r ? NULL : realloc(crl->p, crl->n + pem_len + 2);
		if (more) {
			crl->p = more;
			memcpy(crl->p + crl->n, pem, pem_len);
			crl->n += pem_len;
			crl->p[crl->n++] = '\n';
			crl->cap = crl->n;
			s->good = true;
		} else if (!r) {
			snprintf(s->problem, sizeof(s->problem), "out of memory");
		}
		free(pem);
	}
	crl_anchors_free(anchors);
}
