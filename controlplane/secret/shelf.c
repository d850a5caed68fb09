/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/secret/shelf_inside.h"
#include "controlplane/secret/crl_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void shelf_content_fini(struct shelf_content *c)
{
	if (c->p)
		explicit_bzero(c->p, c->cap);
	free(c->p);
	memset(c, 0, sizeof(*c));
}

int shelf_problem(struct shelf_item *it, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(it->problem, sizeof(it->problem), format, ap);
	va_end(ap);
	return -EINVAL;
}

/* appends the file; a file that grows or shrinks meanwhile shows in its PEM */
int shelf_content_read(struct shelf_item *it, const char *path, size_t max, struct shelf_content *c,
		       mode_t *mode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *p;
	int r = 0;

	if (fd < 0)
		return shelf_problem(it, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		r = shelf_problem(it, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		r = shelf_problem(it, "%s: is no regular file", path);
	else if (c->n + (uint64_t)st.st_size > max)
		r = shelf_problem(it, "%s: is larger than %zu bytes%s", path, max,
				  c->n ? ", together with what stands before it" : "");
	if (r)
		goto out;
	*mode |= st.st_mode;
	/* never realloc: that would leave a copy of a key behind */
	p = malloc(c->n + (size_t)st.st_size + 2);
	if (!p) {
		r = shelf_problem(it, "%s: out of memory", path);
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
uint64_t shelf_state_of(const char *path, uint64_t sum)
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

static int keep(const struct shelf_loading *l, struct shelf_item *it, const struct shelf_content *c,
		char hash[VAULT_HASH])
{
	int r = 0;

	if (l->vault)
		r = vault_put(l->vault, c->p, c->n, hash);
	else
		vault_hash(c->p, c->n, hash);
	return r ? shelf_problem(it, "the secrets directory takes nothing: %s", strerror(-r)) : 0;
}

static int read_certificate(struct shelf_loading *l, struct shelf_item *it)
{
	const char *chain_path = schema_object_find(&l->o, "chain"),
		   *key_path = schema_object_find(&l->o, "private-key");
	const char *ocsp_path = schema_object_find(&l->o, "ocsp");
	struct shelf_content chain = {0}, key = {0}, ocsp = {0};
	mode_t mode = 0, key_mode = 0;
	char why[PEM_WHY_MAX] = "";
	int r = shelf_content_read(it, chain_path, SHELF_PAIR_FILE_MAX, &chain, &mode);

	r = r ? r : shelf_content_read(it, key_path, SHELF_PAIR_FILE_MAX, &key, &key_mode);
	if (!r && pem_pair(chain.p, chain.n, key.p, key.n, l->now, &it->info, why))
		r = shelf_problem(it, "%s and %s: %s", chain_path, key_path, why);
	if (!r && (key_mode & (S_IROTH | S_IWOTH)) && !it->info.warning[0])
		snprintf(it->info.warning, sizeof(it->info.warning),
			 "everybody can read its key: chmod o-rwx %.200s", key_path);
	r = r ? r : keep(l, it, &chain, it->chain);
	r = r ? r : keep(l, it, &key, it->key);
	/* a response that cannot be stapled is left out: the certificate is as good without it */
	if (!r && ocsp_path) {
		if (shelf_content_read(it, ocsp_path, SHELF_PAIR_FILE_MAX, &ocsp, &mode) == 0) {
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
	shelf_content_fini(&chain);
	shelf_content_fini(&key);
	shelf_content_fini(&ocsp);
	return r;
}

/* every file of one field, one behind the other */
static int read_all(struct shelf_loading *l, struct shelf_item *it, const char *field,
		    struct shelf_content *c)
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
		r = shelf_content_read(it, path, SHELF_TRUST_FILE_MAX, c, &mode);
		if (!r && (strcmp(field, "ca") ? pem_lists : pem_anchors)(c->p + from, c->n - from, l->now,
									  &one, why))
			r = shelf_problem(it, "%s: %s", path, why);
		if (!r && c->p)
			c->p[c->n++] = '\n';
	}
	return r;
}

static int read_trust(struct shelf_loading *l, struct shelf_item *it)
{
	struct crl_points *points = shelf_list_points(l, it);
	struct shelf_content ca = {0}, crl = {0};
	char why[PEM_WHY_MAX] = "";
	int r = read_all(l, it, "ca", &ca);

	r = r ? r : read_all(l, it, "crl", &crl);
	if (!r && pem_anchors(ca.p, ca.n, l->now, &it->info, why))
		r = shelf_problem(it, "%s", why);
	r = r ? r : shelf_list_find(l, it, &ca, points);
	if (!r) {
		it->seen = shelf_list_state(l, it, it->named);
		shelf_list_add(l, it, &ca, &crl, points);
	}
	if (!r && crl.n && pem_lists(crl.p, crl.n, l->now, &it->more, why))
		r = shelf_problem(it, "%s", why);
	r = r ? r : keep(l, it, &ca, it->chain);
	if (!r && crl.n)
		r = keep(l, it, &crl, it->key);
	shelf_content_fini(&ca);
	shelf_content_fini(&crl);
	crl_points_free(points);
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
static void fall_back(struct shelf_loading *l, struct shelf_item *it, const struct shelf_item *was)
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
		it->fetches = was->fetches;
		memcpy(it->chain, was->chain, sizeof(it->chain));
		memcpy(it->key, was->key, sizeof(it->key));
		memcpy(it->ocsp, was->ocsp, sizeof(it->ocsp));
		it->info = was->info;
		it->more = was->more;
	}
	l->report(l->ctx, noun, it->name, it->problem, had);
}

/* An expired certificate would keep the dataplane from building anything new; nobody accepts it anyway. */
static void bury(struct shelf_loading *l, struct shelf_item *it)
{
	if (!it->good || it->sort != SHELF_CERTIFICATE || !it->info.not_after || it->info.not_after > l->now)
		return;
	it->good = false;
	if (!it->problem[0])
		shelf_problem(it, "has expired and is not shown any more: get a new one");
	l->report(l->ctx, "certificate", it->name, it->problem, false);
}

static bool take(struct shelf_loading *l, enum shelf_sort sort, const char *name)
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

			it->seen = shelf_state_of(path, it->seen);
			schema_text_puts(&it->paths, path);
			schema_text_puts(&it->paths, "\n");
		}
	if (sort == SHELF_TRUST)
		it->seen = it->named = shelf_list_named(l, it, it->seen);
	if (was && sort == SHELF_TRUST && was->named == it->named)
		it->seen = shelf_list_state(l, was, it->seen);
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
	struct shelf_loading *l = arg;

	if (schema_object_load(&l->o, schema_noun_named("certificate"), key, body, len))
		return true;
	return take(l, SHELF_CERTIFICATE, key);
}

static bool take_trust(void *arg, const char *key, const char *body, size_t len)
{
	struct shelf_loading *l = arg;

	if (schema_object_load(&l->o, schema_noun_named("trust"), key, body, len))
		return true;
	return take(l, SHELF_TRUST, key);
}

int shelf_load(const struct vault *vault, const struct schema_source *source, const struct shelf *old,
	       int64_t now, shelf_report_fn report, void *ctx, struct shelf **out)
{
	const struct schema_noun *trust = schema_noun_named("trust");
	struct shelf_loading l = {
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
