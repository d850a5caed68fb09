/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/small.h"

#include <errno.h>
#include <stdlib.h>

/* how the records of each table look; `id` and `name` are offsets in the record, 0: it has none */
static const struct {
	uint16_t bytes, id, name;
} shape[POLICY_SMALLS] = {
	[POLICY_SMALL_BOX] = {sizeof(struct policy_box), 0, 0},
	[POLICY_SMALL_SITES] = {sizeof(struct policy_site), offsetof(struct policy_site, id),
				offsetof(struct policy_site, name)},
	[POLICY_SMALL_OWN_DOMAINS] = {sizeof(struct policy_own_domain), 0,
				      offsetof(struct policy_own_domain, name)},
	[POLICY_SMALL_IDENTITIES] = {sizeof(struct policy_identity), offsetof(struct policy_identity, id),
				     offsetof(struct policy_identity, public_fqdn)},
	[POLICY_SMALL_PROVIDERS] = {sizeof(struct policy_provider), offsetof(struct policy_provider, id),
				    offsetof(struct policy_provider, fqdn)},
	[POLICY_SMALL_ROUTES] = {sizeof(struct policy_route_set), offsetof(struct policy_route_set, id),
				 offsetof(struct policy_route_set, pattern)},
	[POLICY_SMALL_LIMITS] = {sizeof(struct policy_limit_class), offsetof(struct policy_limit_class, id),
				 offsetof(struct policy_limit_class, name)},
	[POLICY_SMALL_TLS] = {sizeof(struct policy_tls_profile), offsetof(struct policy_tls_profile, id),
			      offsetof(struct policy_tls_profile, name)},
	[POLICY_SMALL_LISTENERS] = {sizeof(struct policy_listener), offsetof(struct policy_listener, id), 0},
	[POLICY_SMALL_CERTIFICATES] = {sizeof(struct policy_certificate),
				       offsetof(struct policy_certificate, id),
				       offsetof(struct policy_certificate, name)},
	[POLICY_SMALL_TRUSTS] = {sizeof(struct policy_trust), offsetof(struct policy_trust, id),
				 offsetof(struct policy_trust, name)},
	[POLICY_SMALL_INNER] = {sizeof(struct policy_inner), offsetof(struct policy_inner, id),
				offsetof(struct policy_inner, name)},
	[POLICY_SMALL_SECRETS] = {sizeof(struct policy_secret), offsetof(struct policy_secret, id), 0},
	[POLICY_SMALL_REVISION] = {8, 4, 0},
	[POLICY_SMALL_PINS] = {sizeof(struct policy_pin), offsetof(struct policy_pin, id),
			       offsetof(struct policy_pin, spki)},
	[POLICY_SMALL_SPARE] = {8, 4, 0},
};

static uint32_t record_size(const void *record)
{
	uint32_t size;

	memcpy(&size, record, sizeof(size));
	return size;
}

static uint32_t record_id(enum policy_small which, const void *record)
{
	uint32_t id = 0;

	if (shape[which].id)
		memcpy(&id, (const uint8_t *)record + shape[which].id, sizeof(id));
	return id;
}

static struct policy_name record_name(enum policy_small which, const void *record)
{
	struct policy_str s;

	if (!shape[which].name)
		return (struct policy_name){"", 0};
	memcpy(&s, (const uint8_t *)record + shape[which].name, sizeof(s));
	return policy_str_get(record, record_size(record), s);
}

/* routes are told apart by what their pattern means; a named set has none */
static unsigned record_kind(enum policy_small which, const void *record)
{
	return which == POLICY_SMALL_ROUTES
		       ? ((const struct policy_route_set *)record)->flags &
				 (POLICY_ROUTE_SUBTREE | POLICY_ROUTE_ANY | POLICY_ROUTE_NAMED)
		       : 0;
}

static uint32_t name_hash(unsigned kind, struct policy_name name)
{
	return (uint32_t)keyhash_sum(name.ptr, name.len) + kind * 0x9e3779b9u;
}

static int id_order(const void *a, const void *b)
{
	const struct policy_small_id *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

static int name_order(const void *a, const void *b)
{
	const struct policy_small_name *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

int64_t policy_small_build(enum policy_small which, const void *const *records, unsigned n, void **out)
{
	struct policy_small_head *head;
	struct policy_small_id *ids;
	struct policy_small_name *names;
	uint64_t bytes = sizeof(*head), at = sizeof(*head);
	uint8_t *p;

	*out = NULL;
	for (unsigned i = 0; i < n; i++) {
		uint32_t size = record_size(records[i]);

		if (size < shape[which].bytes || size > 1u << 20)
			return -EINVAL;
		bytes += (size + 7u) & ~7u;
	}
	bytes += n * (sizeof(*ids) + sizeof(*names));
	if (bytes > UINT32_MAX)
		return -EINVAL;
	p = calloc(1, bytes);
	if (!p)
		return -ENOMEM;
	head = (struct policy_small_head *)p;
	head->bytes = (uint32_t)bytes;
	head->count = n;
	head->by_id = (uint32_t)(bytes - n * (sizeof(*ids) + sizeof(*names)));
	head->by_name = (uint32_t)(bytes - n * sizeof(*names));
	ids = (struct policy_small_id *)(p + head->by_id);
	names = (struct policy_small_name *)(p + head->by_name);
	for (unsigned i = 0; i < n; i++) {
		uint32_t size = record_size(records[i]);

		memcpy(p + at, records[i], size);
		ids[i] = (struct policy_small_id){record_id(which, p + at), (uint32_t)at};
		names[i] = (struct policy_small_name){
			name_hash(record_kind(which, p + at), record_name(which, p + at)), (uint32_t)at};
		at += (size + 7u) & ~7u;
	}
	qsort(ids, n, sizeof(*ids), id_order);
	qsort(names, n, sizeof(*names), name_order);
	head->sum = keyhash_sum(p + sizeof(*head), bytes - sizeof(*head));
	*out = p;
	return (int64_t)bytes;
}

/* the head, when the shape that it describes lies inside */
static const struct policy_small_head *head_of(struct policy_small_view t)
{
	const struct policy_small_head *h = (const struct policy_small_head *)t.base;

	if (!h || t.len < sizeof(*h) || h->bytes < sizeof(*h) || h->bytes > t.len || h->by_id % 4 ||
	    h->by_name % 4 || h->by_id > h->bytes || h->by_name > h->bytes ||
	    h->count > (h->bytes - h->by_id) / sizeof(struct policy_small_id) ||
	    h->count > (h->bytes - h->by_name) / sizeof(struct policy_small_name))
		return NULL;
	return h;
}

static const void *record_at(struct policy_small_view t, const struct policy_small_head *h,
			     enum policy_small which, uint32_t off)
{
	uint32_t size;

	if (off < sizeof(*h) || off % 8 || off > h->bytes || h->bytes - off < shape[which].bytes)
		return NULL;
	size = record_size(t.base + off);
	if (size < shape[which].bytes || size > h->bytes - off)
		return NULL;
	return t.base + off;
}

unsigned policy_small_count(struct policy_small_view t)
{
	const struct policy_small_head *h = head_of(t);

	return h ? h->count : 0;
}

const void *policy_small_at(struct policy_small_view t, enum policy_small which, unsigned i)
{
	const struct policy_small_head *h = head_of(t);

	if (!h || i >= h->count)
		return NULL;
	return record_at(t, h, which, ((const struct policy_small_id *)(t.base + h->by_id))[i].off);
}

const void *policy_small_by_id(struct policy_small_view t, enum policy_small which, uint32_t id)
{
	const struct policy_small_head *h = head_of(t);
	const struct policy_small_id *ids;
	uint32_t lo = 0, hi;

	if (!h || !id)
		return NULL;
	ids = (const struct policy_small_id *)(t.base + h->by_id);
	for (hi = h->count; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ids[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == h->count || ids[lo].id != id)
		return NULL;
	return record_at(t, h, which, ids[lo].off);
}

const void *policy_small_by_name(struct policy_small_view t, enum policy_small which, unsigned kind,
				 struct policy_name name, unsigned nth)
{
	const struct policy_small_head *h = head_of(t);
	const struct policy_small_name *names;
	uint32_t lo = 0, hi, hash;

	if (!h || !h->count)
		return NULL;
	names = (const struct policy_small_name *)(t.base + h->by_name);
	hash = name_hash(kind, name);
	for (hi = h->count; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (names[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < h->count && names[lo].hash == hash; lo++) {
		const void *r = record_at(t, h, which, names[lo].off);

		if (r && record_kind(which, r) == kind && policy_name_equal(record_name(which, r), name) &&
		    nth-- == 0)
			return r;
	}
	return NULL;
}

bool policy_small_sound(struct policy_small_view t)
{
	const struct policy_small_head *h = head_of(t);

	return !t.base || (h && h->sum == keyhash_sum(t.base + sizeof(*h), h->bytes - sizeof(*h)));
}
