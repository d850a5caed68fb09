/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/draft_internal.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t draft_hash(unsigned kind, struct policy_name a, struct policy_name b)
{
	uint64_t h = 0xcbf29ce484222325u ^ kind;

	for (uint32_t i = 0; i < a.len; i++)
		h = (h ^ (uint8_t)a.ptr[i]) * 0x100000001b3u;
	for (uint32_t i = 0; i < b.len; i++)
		h = (h ^ (uint8_t)b.ptr[i]) * 0x100000001b3u;
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15u;
	return h ^ (h >> 29);
}

struct draft_item *draft_find(const struct policy_draft *d, unsigned kind, struct policy_name a,
			      struct policy_name b)
{
	uint64_t hash = draft_hash(kind, a, b);

	for (struct draft_item *i = d->bucket[hash & (d->buckets - 1)]; i; i = i->chain)
		if (i->hash == hash && i->kind == kind && i->len == a.len + b.len &&
		    (a.len == 0 || memcmp(i->key, a.ptr, a.len) == 0) &&
		    (b.len == 0 || memcmp(i->key + a.len, b.ptr, b.len) == 0))
			return i;
	return NULL;
}

void *draft_get(const struct policy_draft *d, unsigned kind, struct policy_name name)
{
	struct draft_item *item = draft_find(d, kind, name, draft_none);

	return item ? item->record : NULL;
}

static int draft_grow(struct policy_draft *d)
{
	size_t n = d->buckets * 2;
	struct draft_item **bucket;

	if (d->items < d->buckets)
		return 0;
	bucket = calloc(n, sizeof(*bucket));
	if (!bucket)
		return -ENOMEM;
	for (struct draft_item *i = d->first; i; i = i->next) {
		i->chain = bucket[i->hash & (n - 1)];
		bucket[i->hash & (n - 1)] = i;
	}
	free(d->bucket);
	d->bucket = bucket;
	d->buckets = n;
	return 0;
}

/* `record` is copied when `copy`, else taken as it is and owned by a list */
static int draft_put(struct policy_draft *d, unsigned kind, struct policy_name a, struct policy_name b,
		     void *record, size_t copy)
{
	struct draft_item *item;
	size_t len = a.len + b.len, at = (sizeof(*item) + len + 7) & ~(size_t)7;

	if (draft_find(d, kind, a, b))
		return -EEXIST;
	if (len > UINT16_MAX)
		return -EINVAL;
	if (draft_grow(d))
		return -ENOMEM;
	item = malloc(at + copy);
	if (!item)
		return -ENOMEM;
	item->hash = draft_hash(kind, a, b);
	item->kind = (uint8_t)kind;
	item->len = (uint16_t)len;
	item->next = NULL;
	if (a.len)
		memcpy(item->key, a.ptr, a.len);
	if (b.len)
		memcpy(item->key + a.len, b.ptr, b.len);
	item->record = record;
	if (copy)
		item->record = memcpy((char *)item + at, record, copy);
	item->chain = d->bucket[item->hash & (d->buckets - 1)];
	d->bucket[item->hash & (d->buckets - 1)] = item;
	*d->last = item;
	d->last = &item->next;
	d->items++;
	return 0;
}

/* Takes a packed record into a list, with its id written in when it has one at `id_at`. Returns the id. */
static int draft_keep(struct policy_draft *d, enum draft_list_kind kind, const void *packed, int size,
		      size_t id_at)
{
	struct draft_list *l = &d->list[kind];
	uint32_t id = l->n + 1;
	void *record;

	if (size < 0)
		return size;
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 16;
		void **grown = realloc(l->record, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->record = grown;
		l->cap = cap;
	}
	record = malloc((size_t)size);
	if (!record)
		return -ENOMEM;
	memcpy(record, packed, (size_t)size);
	if (id_at)
		memcpy((char *)record + id_at, &id, sizeof(id));
	l->record[l->n++] = record;
	return (int)id;
}

void *draft_at(const struct policy_draft *d, enum draft_list_kind kind, uint32_t id)
{
	const struct draft_list *l = &d->list[kind];

	return id == 0 || id > l->n ? NULL : l->record[id - 1];
}

struct policy_name draft_at_sign(struct policy_name user, char *buf, size_t cap)
{
	if (user.len == 0 || user.len + 1 > cap)
		return draft_none;
	memcpy(buf, user.ptr, user.len);
	buf[user.len] = '@';
	return (struct policy_name){buf, user.len + 1};
}

struct policy_draft *policy_draft_new(void)
{
	struct policy_draft *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->buckets = 64;
	d->bucket = calloc(d->buckets, sizeof(struct draft_item *));
	if (!d->bucket) {
		free(d);
		return NULL;
	}
	d->last = &d->first;
	d->box.size = sizeof(d->box);
	d->box.discovered_services = POLICY_SERVICE_ALL;
	d->view = (struct policy_view){.ops = &draft_ops, .box = &d->box, .generation = 1};
	return d;
}

void policy_draft_free(struct policy_draft *d)
{
	struct draft_item *next;

	if (!d)
		return;
	for (struct draft_item *i = d->first; i; i = next) {
		next = i->next;
		free(i);
	}
	for (unsigned k = 0; k < LISTS; k++) {
		for (uint32_t i = 0; i < d->list[k].n; i++)
			free(d->list[k].record[i]);
		free(d->list[k].record);
	}
	free(d->bucket);
	free(d);
}

const struct policy_view *policy_draft_view(const struct policy_draft *d)
{
	return &d->view;
}

struct policy_box *policy_draft_box(struct policy_draft *d)
{
	return &d->box;
}

int policy_draft_domain(struct policy_draft *d, struct policy_name name, const struct policy_domain *entry)
{
	struct policy_domain copy = *entry;

	if (policy_name_check(name) != POLICY_NAME_OK)
		return -EINVAL;
	return draft_put(d, DRAFT_DOMAIN + policy_domain_slot(entry), name, draft_none, &copy, sizeof(copy));
}

int policy_draft_domain_remove(struct policy_draft *d, struct policy_name name, unsigned slot)
{
	struct draft_item *item = slot < 4 ? draft_find(d, DRAFT_DOMAIN + slot, name, draft_none) : NULL;
	struct draft_item **at, **place;

	if (!item)
		return -ENOENT;
	for (at = &d->first; *at != item; at = &(*at)->next)
		;
	*at = item->next;
	if (d->last == &item->next)
		d->last = at;
	for (place = &d->bucket[item->hash & (d->buckets - 1)]; *place != item; place = &(*place)->chain)
		;
	*place = item->chain;
	d->items--;
	free(item);
	return 0;
}

int policy_draft_user(struct policy_draft *d, struct policy_address address, const struct policy_user *user)
{
	char buf[1024];
	struct policy_user copy = *user;
	struct policy_name key = draft_at_sign(address.user, buf, sizeof(buf));

	if (key.len < 2 || policy_name_check(address.domain) != POLICY_NAME_OK)
		return -EINVAL;
	return draft_put(d, DRAFT_USER, key, address.domain, &copy, sizeof(copy));
}

int policy_draft_partner(struct policy_draft *d, const struct policy_partner *fixed,
			 const struct policy_partner_parts *parts)
{
	_Alignas(8) uint8_t buf[POLICY_RECORD_MAX];

	return draft_keep(d, LIST_PARTNER, buf, policy_pack_partner(fixed, parts, buf, sizeof(buf)),
			  offsetof(struct policy_partner, id));
}

int policy_draft_site(struct policy_draft *d, const struct policy_site *fixed, struct policy_name name)
{
	_Alignas(8) uint8_t buf[1024];

	return draft_keep(d, LIST_SITE, buf, policy_pack_site(fixed, name, buf, sizeof(buf)),
			  offsetof(struct policy_site, id));
}

int policy_draft_identity(struct policy_draft *d, const struct policy_identity *fixed,
			  struct policy_name name, struct policy_name public_fqdn)
{
	_Alignas(8) uint8_t buf[1024];

	return draft_keep(d, LIST_IDENTITY, buf,
			  policy_pack_identity(fixed, name, public_fqdn, buf, sizeof(buf)),
			  offsetof(struct policy_identity, id));
}

int policy_draft_own_domain(struct policy_draft *d, const struct policy_own_domain *fixed,
			    struct policy_name name)
{
	_Alignas(8) uint8_t buf[1024];
	int error;

	if (policy_name_check(name) != POLICY_NAME_OK)
		return -EINVAL;
	if (draft_get(d, DRAFT_OWN, name))
		return -EEXIST;
	error = draft_keep(d, LIST_OWN_DOMAIN, buf, policy_pack_own_domain(fixed, name, buf, sizeof(buf)), 0);
	if (error < 0)
		return error;
	return draft_put(d, DRAFT_OWN, name, draft_none, d->list[LIST_OWN_DOMAIN].record[error - 1], 0);
}

int policy_draft_provider(struct policy_draft *d, const struct policy_provider *fixed,
			  struct policy_name name, struct policy_name fqdn)
{
	_Alignas(8) uint8_t buf[1024];
	int id, error;

	if (policy_name_check(fqdn) != POLICY_NAME_OK)
		return -EINVAL;
	id = draft_keep(d, LIST_PROVIDER, buf, policy_pack_provider(fixed, name, fqdn, buf, sizeof(buf)),
			offsetof(struct policy_provider, id));
	if (id < 0)
		return id;
	error = draft_put(d, DRAFT_PROVIDER, fqdn, draft_none, d->list[LIST_PROVIDER].record[id - 1], 0);
	if (error && error != -EEXIST)
		return error;
	if ((fixed->flags & POLICY_PROVIDER_ENABLED) && fixed->kind == POLICY_PROVIDER_PUBLIC)
		d->box.flags |= POLICY_BOX_PUBLIC_PROVIDER;
	if ((fixed->flags & POLICY_PROVIDER_ENABLED) && fixed->kind == POLICY_PROVIDER_HOSTING)
		d->box.flags |= POLICY_BOX_HOSTING_PROVIDER;
	return id;
}

int policy_draft_route_set(struct policy_draft *d, const struct policy_route_set *fixed,
			   struct policy_name pattern, struct policy_name name,
			   const struct policy_hop_part *hops, unsigned hops_n)
{
	_Alignas(8) uint8_t buf[POLICY_RECORD_MAX];
	bool any = (fixed->flags & POLICY_ROUTE_ANY) != 0, named = (fixed->flags & POLICY_ROUTE_NAMED) != 0;
	unsigned kind = any				      ? DRAFT_ROUTE_ANY
			: fixed->flags & POLICY_ROUTE_SUBTREE ? DRAFT_ROUTE_SUBTREE
							      : DRAFT_ROUTE_EXACT;
	int id, error;

	if (!any && !named && policy_name_check(pattern) != POLICY_NAME_OK)
		return -EINVAL;
	if (any)
		pattern = draft_none;
	if (!named && draft_get(d, kind, pattern))
		return -EEXIST;
	id = draft_keep(d, LIST_ROUTE_SET, buf,
			policy_pack_route_set(fixed, pattern, name, hops, hops_n, buf, sizeof(buf)),
			offsetof(struct policy_route_set, id));
	if (id < 0 || named)
		return id;
	error = draft_put(d, kind, pattern, draft_none, d->list[LIST_ROUTE_SET].record[id - 1], 0);
	return error ? error : id;
}

int policy_draft_limit_class(struct policy_draft *d, const struct policy_limit_class *fixed,
			     struct policy_name name)
{
	_Alignas(8) uint8_t buf[1024];

	return draft_keep(d, LIST_LIMIT_CLASS, buf, policy_pack_limit_class(fixed, name, buf, sizeof(buf)),
			  offsetof(struct policy_limit_class, id));
}

int policy_draft_tls_profile(struct policy_draft *d, const struct policy_tls_profile *fixed,
			     const struct policy_tls_parts *parts)
{
	_Alignas(8) uint8_t buf[POLICY_RECORD_MAX];

	return draft_keep(d, LIST_TLS_PROFILE, buf, policy_pack_tls_profile(fixed, parts, buf, sizeof(buf)),
			  offsetof(struct policy_tls_profile, id));
}

int policy_draft_small(struct policy_draft *d, enum policy_small which, const void *packed)
{
	uint32_t size;
	size_t name;
	int list = draft_list_of(which, &name);

	if (list < LIST_LISTENER)
		return -EINVAL;
	memcpy(&size, packed, sizeof(size));
	if (size < 8 || size > POLICY_RECORD_MAX)
		return -EINVAL;
	/* all of them have their id behind their size */
	return draft_keep(d, (enum draft_list_kind)list, packed, (int)size, sizeof(uint32_t));
}

int policy_draft_dns(struct policy_draft *d, struct policy_name name, const struct policy_dns *dns)
{
	struct draft_item *item;
	struct policy_dns copy = *dns;

	if (dns->kind == 0 || dns->kind >= POLICY_DNS_KINDS)
		return -EINVAL;
	item = draft_find(d, DRAFT_DNS + (unsigned)dns->kind, name, draft_none);
	if (item) {
		memcpy(item->record, &copy, sizeof(copy));
		return 0;
	}
	return draft_put(d, DRAFT_DNS + (unsigned)dns->kind, name, draft_none, &copy, sizeof(copy));
}

int policy_draft_each_domain(const struct policy_draft *d, policy_domain_fn fn, void *ctx)
{
	int stop = 0;

	for (struct draft_item *i = d->first; i && !stop; i = i->next)
		if (i->kind < DRAFT_DOMAIN + 4)
			stop = fn(ctx, (struct policy_name){i->key, i->len}, i->record);
	return stop;
}

int policy_draft_each_user(const struct policy_draft *d, policy_user_fn fn, void *ctx)
{
	int stop = 0;

	for (struct draft_item *i = d->first; i && !stop; i = i->next) {
		const char *at = i->kind == DRAFT_USER ? memrchr(i->key, '@', i->len) : NULL;

		if (at)
			stop = fn(ctx,
				  (struct policy_address){{i->key, (uint32_t)(at - i->key)},
							  {at + 1, i->len - (uint32_t)(at + 1 - i->key)}},
				  i->record);
	}
	return stop;
}

int policy_draft_each_dns(const struct policy_draft *d, policy_dns_fn fn, void *ctx)
{
	int stop = 0;

	for (struct draft_item *i = d->first; i && !stop; i = i->next)
		if (i->kind > DRAFT_DNS)
			stop = fn(ctx, (struct policy_name){i->key, i->len}, i->record);
	return stop;
}

const struct policy_own_domain *policy_draft_own_domain_at(const struct policy_draft *d, unsigned i)
{
	return draft_at(d, LIST_OWN_DOMAIN, i + 1);
}
