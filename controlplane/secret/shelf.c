/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/secret/shelf.h"
#include "controlplane/secret/crl_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PAIR_FILE_MAX = 1 << 20,
	TRUST_FILE_MAX = 64 << 20,
};

struct loading {
	const struct vault *vault;
	const struct shelf *old;
	struct shelf *s;
	int64_t now;
	shelf_report_fn report;
	void *ctx;
	struct schema_object o;
	int r;
};

/* the content of one file, wiped when it goes */
struct content {
	char *p;
	size_t n, cap;
};

static void content_fini(struct content *c)
{
	if (c->p)
		explicit_bzero(c->p, c->cap);
	free(c->p);
	memset(c, 0, sizeof(*c));
}

static int problem(struct shelf_item *it, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int problem(struct shelf_item *it, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(it->problem, sizeof(it->problem), format, ap);
	va_end(ap);
	return -EINVAL;
}

/* appends the file; a file that grows or shrinks meanwhile shows in its PEM */
static int content_read(struct shelf_item *it, const char *path, size_t max, struct content *c, mode_t *mode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *p;
	int r = 0;

	if (fd < 0)
		return problem(it, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		r = problem(it, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		r = problem(it, "%s: is no regular file", path);
	else if (c->n + (uint64_t)st.st_size > max)
		r = problem(it, "%s: is larger than %zu bytes%s", path, max,
			    c->n ? ", together with what stands before it" : "");
	if (r)
		goto out;
	*mode |= st.st_mode;
	/* never realloc: that would leave a copy of a key behind */
	p = malloc(c->n + (size_t)st.st_size + 2);
	if (!p) {
		r = problem(it, "%s: out of memory", path);
		goto out;
	}
	if (c->n)
		memcpy(p, c->p, c->n);
	if (c->p)
		explicit_bzero(c->p, c->cap);
	free(c->p);
	c->p = p;
	c->cap = c->n + (size_t)st.st_size + 2;
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = read(fd, c->p + c->n, (size_t)left);

		if (n <= 0)
			break;
		c->n += (size_t)n;
		left -= n;
	}
out:
	close(fd);
	return r;
}

/* what tells that a file is another one now */
static uint64_t state_of(const char *path, uint64_t sum)
{
	struct stat st = {0};
	uint64_t part[6] = {0};

	if (stat(path, &st) == 0) {
		part[0] = st.st_ino;
		part[1] = (uint64_t)st.st_size;
		part[2] = (uint64_t)st.st_mtim.tv_sec;
		part[3] = (uint64_t)st.st_mtim.tv_nsec;
		part[4] = (uint64_t)st.st_ctim.tv_sec;
		part[5] = (uint64_t)st.st_ctim.tv_nsec;
	}
	for (const char *c = path; *c; c++)
		sum = (sum ^ (uint8_t)*c) * 0x100000001b3u;
	for (unsigned i = 0; i < 6; i++)
		sum = (sum ^ part[i]) * 0x100000001b3u + i;
	return sum;
}

static struct shelf_item *item_add(struct shelf *s, enum shelf_sort sort, const char *name)
{
	struct shelf_item *it;

	if (s->n == s->cap) {
		unsigned cap = s->cap ? s->cap * 2 : 16;

		it = realloc(s->item, cap * sizeof(*it));
		if (!it)
			return NULL;
		s->item = it;
		s->cap = cap;
	}
	it = &s->item[s->n++];
	memset(it, 0, sizeof(*it));
	it->sort = (uint8_t)sort;
	snprintf(it->name, sizeof(it->name), "%s", name);
	return it;
}

struct shelf *shelf_new(void)
{
	struct shelf *s = calloc(1, sizeof(*s));

	if (s)
		s->count = 1;
	return s;
}

struct shelf *shelf_use(struct shelf *s)
{
	if (s)
		__atomic_add_fetch(&s->count, 1, __ATOMIC_RELAXED);
	return s;
}

void shelf_drop(struct shelf *s)
{
	/* acq_rel: who frees sees what the others did with it */
	if (!s || __atomic_sub_fetch(&s->count, 1, __ATOMIC_ACQ_REL))
		return;
	for (unsigned i = 0; i < s->n; i++) {
		schema_text_fini(&s->item[i].paths);
		free(s->item[i].list);
	}
	free(s->item);
	free(s);
}

const struct shelf_item *shelf_find(const struct shelf *s, enum shelf_sort sort, const char *name)
{
	for (unsigned i = 0; s && name && i < s->n; i++)
		if (s->item[i].sort == sort && strcmp(s->item[i].name, name) == 0)
			return &s->item[i];
	return NULL;
}

bool shelf_same(const struct shelf *a, const struct shelf *b)
{
	if (!a || !b || a->n != b->n)
		return a == b;
	for (unsigned i = 0; i < a->n; i++) {
		const struct shelf_item *x = &a->item[i],
					*y = shelf_find(b, (enum shelf_sort)x->sort, x->name);

		if (!y || x->good != y->good || strcmp(x->chain, y->chain) || strcmp(x->key, y->key) ||
		    strcmp(x->ocsp, y->ocsp))
			return false;
	}
	return true;
}

int shelf_remember(struct shelf *s, enum shelf_sort sort, const char *name, const char *chain,
		   const char *key, const char *ocsp)
{
	struct shelf_item *it = item_add(s, sort, name);

	if (!it)
		return -ENOMEM;
	snprintf(it->chain, sizeof(it->chain), "%s", chain);
	snprintf(it->key, sizeof(it->key), "%s", key);
	snprintf(it->ocsp, sizeof(it->ocsp), "%s", ocsp);
	it->good = *it->chain != '\0';
	return 0;
}

static int keep(const struct loading *l, struct shelf_item *it, const struct content *c,
		char hash[VAULT_HASH])
{
	int r = 0;

	if (l->vault)
		r = vault_put(l->vault, c->p, c->n, hash);
	else
		vault_hash(c->p, c->n, hash);
	return r ? problem(it, "the secrets directory takes nothing: %s", strerror(-r)) : 0;
}

static int read_certificate(struct loading *l, struct shelf_item *it)
{
	const char *chain_path = schema_object_find(&l->o, "chain"),
		   *key_path = schema_object_find(&l->o, "private-key");
	const char *ocsp_path = schema_object_find(&l->o, "ocsp");
	struct content chain = {0}, key = {0}, ocsp = {0};
	mode_t mode = 0, key_mode = 0;
	char why[PEM_WHY_MAX] = "";
	int r = content_read(it, chain_path, PAIR_FILE_MAX, &chain, &mode);

	r = r ? r : content_read(it, key_path, PAIR_FILE_MAX, &key, &key_mode);
	if (!r && pem_pair(chain.p, chain.n, key.p, key.n, l->now, &it->info, why))
		r = problem(it, "%s and %s: %s", chain_path, key_path, why);
	if (!r && (key_mode & (S_IROTH | S_IWOTH)) && !it->info.warning[0])
		snprintf(it->info.warning, sizeof(it->info.warning),
			 "everybody can read its key: chmod o-rwx %.200s", key_path);
	r = r ? r : keep(l, it, &chain, it->chain);
	r = r ? r : keep(l, it, &key, it->key);
	/* a response that cannot be stapled is left out: the certificate is as good without it */
	if (!r && ocsp_path) {
		if (content_read(it, ocsp_path, PAIR_FILE_MAX, &ocsp, &mode) == 0) {
			if (pem_ocsp(ocsp.p, ocsp.n, chain.p, chain.n, l->now, &it->more, why))
				snprintf(it->info.warning, sizeof(it->info.warning), "%.180s: %.180s",
					 ocsp_path, why);
			else
				r = keep(l, it, &ocsp, it->ocsp);
		} else {
			snprintf(it->info.warning, sizeof(it->info.warning), "%.380s", it->problem);
			it->problem[0] = '\0';
		}
	}
	content_fini(&chain);
	content_fini(&key);
	content_fini(&ocsp);
	return r;
}

/* every file of one field, one behind the other */
static int read_all(struct loading *l, struct shelf_item *it, const char *field, struct content *c)
{
	char why[PEM_WHY_MAX] = "";
	mode_t mode = 0;
	int r = 0;

	for (unsigned i = 0; !r && i < l->o.n; i++) {
		const char *path = schema_object_value(&l->o, &l->o.item[i]);
		size_t from = c->n;
		struct pem_info one;

		if (strcmp(l->o.noun->fields[l->o.item[i].field].name, field))
			continue;
		r = content_read(it, path, TRUST_FILE_MAX, c, &mode);
		if (!r && (strcmp(field, "ca") ? pem_lists : pem_anchors)(c->p + from, c->n - from, l->now,
									  &one, why))
			r = problem(it, "%s: %s", path, why);
		if (!r && c->p)
			c->p[c->n++] = '\n';
	}
	return r;
}

/* ---- lists that are fetched ---- */

static bool fetches(struct loading *l, const struct shelf_item *it)
{
	const char *word = schema_object_find(&l->o, "crl-fetch");

	/* who trusts the system's CAs has configured none */
	return strcmp(it->name, SHELF_SYSTEM_TRUST) && (!word || strcmp(word, "yes") == 0);
}

/* What says where its lists are, besides its files: the operator, and the certificates that we show. Those
 * of peers never do. */
static uint64_t named_of(struct loading *l, uint64_t sum)
{
	for (unsigned i = 0; i < l->o.n; i++)
		for (const char *c = schema_object_value(&l->o, &l->o.item[i]); *c; c++)
			sum = (sum ^ (uint8_t)*c) * 0x100000001b3u;
	for (unsigned i = 0; i < l->s->n; i++)
		for (const char *c = l->s->item[i].chain; l->s->item[i].sort == SHELF_CERTIFICATE && *c; c++)
			sum = (sum ^ (uint8_t)*c) * 0x100000001b3u;
	return sum;
}

static uint64_t state_of_lists(const struct loading *l, const struct shelf_item *it, uint64_t sum)
{
	char path[CRL_CACHE_PATH];

	for (unsigned i = 0; l->vault && l->vault->store && i < it->lists; i++) {
		crl_cache_path(l->vault->store, it->list[i].url, path);
		sum = state_of(path, sum);
	}
	return sum;
}

static void own_points(struct loading *l, const struct content *ca, struct crl_urls *u)
{
	for (unsigned i = 0; i < l->s->n; i++) {
		const struct shelf_item *cert = &l->s->item[i];
		struct shelf_item scratch = {0}; /* a file that cannot be read is the certificate's problem */
		char path[SCHEMA_VALUE_MAX];
		struct content chain = {0};
		mode_t mode = 0;

		if (cert->sort != SHELF_CERTIFICATE || !cert->good || !cert->paths.p)
			continue;
		/* its first file is the chain */
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(cert->paths.p, "\n"), cert->paths.p);
		if (content_read(&scratch, path, PAIR_FILE_MAX, &chain, &mode) == 0)
			crl_urls_of(u, chain.p, chain.n, ca->p, ca->n);
		content_fini(&chain);
	}
}

static int find_lists(struct loading *l, struct shelf_item *it, const struct content *ca)
{
	struct crl_urls *u;

	if (!fetches(l, it))
		return 0;
	u = calloc(1, sizeof(*u));
	if (!u)
		return problem(it, "out of memory");
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
	return 0;
}

/* behind the files' lists, those that were fetched and that these CAs have signed */
static void add_lists(struct loading *l, struct shelf_item *it, const struct content *ca, struct content *crl)
{
	for (unsigned i = 0; l->vault && l->vault->store && i < it->lists; i++) {
		struct shelf_list *s = &it->list[i];
		char path[CRL_CACHE_PATH], *bytes = NULL, *pem = NULL, *more;
		size_t len = 0, pem_len = 0;
		int r;

		crl_cache_path(l->vault->store, s->url, path);
		r = crl_cache_read(path, &bytes, &len);
		if (r) {
			if (r != -ENOENT)
				snprintf(s->problem, sizeof(s->problem), "%.250s: %s", path, strerror(-r));
			continue;
		}
		r = crl_check(bytes, len, ca->p, ca->n, NULL, l->now, &s->facts, &pem, &pem_len, s->problem);
		free(bytes);
		/* the dataplane reads no more than this */
		if (!r && crl->n + pem_len + 2 > TRUST_FILE_MAX) {
			snprintf(s->problem, sizeof(s->problem),
				 "with it the lists of this trust store are more than %d MiB",
				 TRUST_FILE_MAX >> 20);
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
}

static int read_trust(struct loading *l, struct shelf_item *it)
{
	struct content ca = {0}, crl = {0};
	char why[PEM_WHY_MAX] = "";
	int r = read_all(l, it, "ca", &ca);

	r = r ? r : read_all(l, it, "crl", &crl);
	if (!r && pem_anchors(ca.p, ca.n, l->now, &it->info, why))
		r = problem(it, "%s", why);
	r = r ? r : find_lists(l, it, &ca);
	if (!r) {
		it->seen = state_of_lists(l, it, it->named);
		add_lists(l, it, &ca, &crl);
	}
	if (!r && crl.n && pem_lists(crl.p, crl.n, l->now, &it->more, why))
		r = problem(it, "%s", why);
	r = r ? r : keep(l, it, &ca, it->chain);
	if (!r && crl.n)
		r = keep(l, it, &crl, it->key);
	content_fini(&ca);
	content_fini(&crl);
	return r;
}

static void copy_lists(struct shelf_item *it, const struct shelf_item *was)
{
	it->list = was->lists ? malloc(was->lists * sizeof(*it->list)) : NULL;
	it->lists = it->list ? was->lists : 0;
	if (it->list)
		memcpy(it->list, was->list, it->lists * sizeof(*it->list));
}

/* what was taken before, with the reason why nothing newer is */
static void fall_back(struct loading *l, struct shelf_item *it, const struct shelf_item *was)
{
	const char *noun = it->sort == SHELF_CERTIFICATE ? "certificate" : "trust";
	bool had = was && was->good;

	/* what it was is fetched on */
	if (had && !it->lists)
		copy_lists(it, was);
	it->chain[0] = it->key[0] = it->ocsp[0] = '\0';
	memset(&it->info, 0, sizeof(it->info));
	if (had) {
		it->good = true;
		memcpy(it->chain, was->chain, sizeof(it->chain));
		memcpy(it->key, was->key, sizeof(it->key));
		memcpy(it->ocsp, was->ocsp, sizeof(it->ocsp));
		it->info = was->info;
		it->more = was->more;
	}
	l->report(l->ctx, noun, it->name, it->problem, had);
}

/* An expired certificate would keep the dataplane from building anything new; nobody accepts it anyway. */
static void bury(struct loading *l, struct shelf_item *it)
{
	if (!it->good || it->sort != SHELF_CERTIFICATE || !it->info.not_after || it->info.not_after > l->now)
		return;
	it->good = false;
	if (!it->problem[0])
		problem(it, "has expired and is not shown any more: get a new one");
	l->report(l->ctx, "certificate", it->name, it->problem, false);
}

static bool take(struct loading *l, enum shelf_sort sort, const char *name)
{
	const struct shelf_item *was = shelf_find(l->old, sort, name);
	struct shelf_item *it = item_add(l->s, sort, name);
	int r;

	if (!it) {
		l->r = -ENOMEM;
		return false;
	}
	it->seen = 0xcbf29ce484222325u;
	for (unsigned i = 0; i < l->o.n; i++)
		if (l->o.noun->fields[l->o.item[i].field].type == SCHEMA_PATH) {
			const char *path = schema_object_value(&l->o, &l->o.item[i]);

			it->seen = state_of(path, it->seen);
			schema_text_puts(&it->paths, path);
			schema_text_puts(&it->paths, "\n");
		}
	if (sort == SHELF_TRUST)
		it->seen = it->named = named_of(l, it->seen);
	if (was && sort == SHELF_TRUST && was->named == it->named)
		it->seen = state_of_lists(l, was, it->seen);
	/* lists and responses grow old by themselves: they are read again then, which says so */
	if (was && was->seen == it->seen && was->good && !was->problem[0] && !was->info.warning[0] &&
	    (!*was->key || sort == SHELF_CERTIFICATE || was->more.not_after > l->now) && !*was->ocsp &&
	    (!l->vault || vault_has(l->vault, was->chain))) {
		struct schema_text paths = it->paths;

		*it = *was;
		it->paths = paths;
		copy_lists(it, was);
		bury(l, it);
		return true;
	}
	r = sort == SHELF_CERTIFICATE ? read_certificate(l, it) : read_trust(l, it);
	if (r)
		fall_back(l, it, was);
	else
		it->good = true;
	bury(l, it);
	return true;
}

static bool take_certificate(void *arg, const char *key, const char *body, size_t len)
{
	struct loading *l = arg;

	if (schema_object_load(&l->o, schema_noun_named("certificate"), key, body, len))
		return true;
	return take(l, SHELF_CERTIFICATE, key);
}

static bool take_trust(void *arg, const char *key, const char *body, size_t len)
{
	struct loading *l = arg;

	if (schema_object_load(&l->o, schema_noun_named("trust"), key, body, len))
		return true;
	return take(l, SHELF_TRUST, key);
}

int shelf_load(const struct vault *vault, const struct schema_source *source, const struct shelf *old,
	       int64_t now, shelf_report_fn report, void *ctx, struct shelf **out)
{
	const struct schema_noun *trust = schema_noun_named("trust");
	struct loading l = {
		.vault = vault, .old = old, .s = shelf_new(), .now = now, .report = report, .ctx = ctx};

	*out = NULL;
	if (!l.s)
		return -ENOMEM;
	l.r = source->each(source->ctx, schema_noun_index(schema_noun_named("certificate")), take_certificate,
			   &l);
	if (!l.r)
		l.r = source->each(source->ctx, schema_noun_index(trust), take_trust, &l);
	/* without the system's CAs whoever names no trust trusts nobody; that is shown, and no fault of a
	 * file */
	if (!l.r && access(SHELF_SYSTEM_FILE, R_OK) == 0) {
		schema_object_reset(&l.o, trust, SHELF_SYSTEM_TRUST);
		l.r = schema_object_set(&l.o, (unsigned)schema_field_named(trust, "ca"), SHELF_SYSTEM_FILE);
		if (!l.r)
			take(&l, SHELF_TRUST, SHELF_SYSTEM_TRUST);
	}
	schema_object_fini(&l.o);
	if (l.r) {
		shelf_drop(l.s);
		return l.r;
	}
	*out = l.s;
	return 0;
}
