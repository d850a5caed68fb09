/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/table_read.h"

static inline const uint64_t *bucket_of(const struct table_view *v, uint64_t h2)
{
	return (const uint64_t *)(v->base + v->ref.index +
				  (h2 & ((1ull << v->ref.bits) - 1)) * TABLE_BUCKET_BYTES);
}

static inline const struct table_entry *entry_at(struct table_view *v, uint32_t number)
{
	uint64_t off = (uint64_t)number * HEAP_ENTRY_SIZE;

	if (__builtin_expect(off >= v->limit, 0)) {
		v->damaged++;
		return NULL;
	}
	return (const struct table_entry *)(v->base + off);
}

/* NULL at the end of the chain */
static inline const uint64_t *bucket_next(struct table_view *v, const uint64_t *b)
{
	uint64_t last = __atomic_load_n(&b[TABLE_SLOTS - 1], __ATOMIC_ACQUIRE);
	uint64_t off = (last & 0xffffffffu) * TABLE_BUCKET_BYTES;

	if (__builtin_expect(last >> 32 != TABLE_SLOT_LINK, 1))
		return NULL;
	if (off >= v->limit) {
		v->damaged++;
		return NULL;
	}
	return (const uint64_t *)(v->base + off);
}

static const struct table_entry *entry_find(struct table_view *v, struct keyhash_pair h, int slot)
{
	const uint32_t tag = table_tag(h.h1);
	const uint64_t *b = bucket_of(v, h.h2);

	for (unsigned hops = 0; b && hops < TABLE_CHAIN_MAX; hops++) {
		for (unsigned i = 0; i < TABLE_SLOTS; i++) {
			/* acquire: the entry was complete before its slot appeared */
			uint64_t word = __atomic_load_n(&b[i], __ATOMIC_ACQUIRE);
			const struct table_entry *e;

			if (word >> 32 != tag)
				continue;
			e = entry_at(v, (uint32_t)word);
			if (e && e->h2 == h.h2 && table_visible(e, v->generation) &&
			    (slot < 0 || table_entry_slot(e) == (unsigned)slot))
				return e;
		}
		b = bucket_next(v, b);
	}
	return NULL;
}

void table_domains_burst(struct table_view *v, const struct policy_name *names, unsigned n,
			 struct policy_hit *hits)
{
	v->kernel(v, names, n, hits);
}

const struct table_entry *table_domain_get(struct table_view *v, struct policy_name name, unsigned slot)
{
	if (!v->ref.index || !name.len || name.len > POLICY_NAME_MAX)
		return NULL;
	return entry_find(v, table_hash_name(&v->key, name, NULL), (int)slot);
}

void table_domains_over(struct table_view *live, struct table_view *over, const struct policy_name *names,
			unsigned n, struct policy_hit *hits)
{
	memset(hits, 0, n * sizeof(*hits));
	for (unsigned i = 0; i < n; i++) {
		struct policy_name name = names[i];
		uint32_t from = 0;

		if (!name.len || name.len > POLICY_NAME_MAX)
			continue;
		for (;;) {
			/* slots: 0 exact, 1 subtree, 2 and 3 the same as hard blocks */
			for (unsigned slot = from ? 1 : 0; slot < 4; slot += from ? 2 : 1) {
				const struct table_entry *e = table_domain_get(over, name, slot);

				if (!e)
					e = table_domain_get(live, name, slot);
				if (e)
					policy_hit_add(&hits[i], &e->domain, (uint16_t)from);
			}
			while (name.len && name.ptr[0] != '.') {
				name.ptr++;
				name.len--;
				from++;
			}
			if (name.len <= 1)
				break;
			name.ptr++;
			name.len--;
			from++;
		}
	}
}

static bool address_hash(const struct table_view *v, struct policy_address a, struct keyhash_pair *h)
{
	char text[TABLE_ADDRESS_MAX + 1];
	uint32_t len = a.user.len + 1 + a.domain.len;

	if (!v->ref.index || !a.user.len || !a.domain.len || a.user.len > TABLE_ADDRESS_MAX ||
	    a.domain.len > POLICY_NAME_MAX || len > TABLE_ADDRESS_MAX)
		return false;
	memcpy(text, a.user.ptr, a.user.len);
	text[a.user.len] = '@';
	memcpy(text + a.user.len + 1, a.domain.ptr, a.domain.len);
	*h = keyhash_bytes(&v->key.key, text, len);
	return true;
}

const struct table_entry *table_user_get(struct table_view *v, struct policy_address address)
{
	struct keyhash_pair h;

	return address_hash(v, address, &h) ? entry_find(v, h, -1) : NULL;
}

void table_users_burst(struct table_view *v, const struct policy_address *addresses, unsigned n,
		       const struct policy_user **users)
{
	struct keyhash_pair h[POLICY_BURST];
	uint32_t want = 0;

	for (unsigned i = 0; i < n; i++) {
		users[i] = NULL;
		if (i >= POLICY_BURST || !address_hash(v, addresses[i], &h[i]))
			continue;
		want |= 1u << i;
		__builtin_prefetch(bucket_of(v, h[i].h2));
	}
	while (want) {
		unsigned i = (unsigned)__builtin_ctz(want);
		const struct table_entry *e = entry_find(v, h[i], -1);

		want &= want - 1;
		users[i] = e ? &e->user : NULL;
	}
}

struct policy_name table_string_at(const uint8_t *base, uint64_t limit, uint32_t ref)
{
	uint64_t off = (uint64_t)ref * 8;
	const struct table_string *s;

	if (!ref || off + sizeof(*s) > limit)
		return (struct policy_name){"", 0};
	s = (const struct table_string *)(base + off);
	if (s->len > limit - off - sizeof(*s))
		return (struct policy_name){"", 0};
	return (struct policy_name){s->text, s->len};
}

int table_each(struct table_view *v, unsigned span_shift,
	       int (*fn)(void *arg, const struct table_entry *e, struct policy_name name), void *arg)
{
	uint64_t buckets = v->ref.index ? 1ull << v->ref.bits : 0;

	for (uint64_t i = 0; i < buckets; i++) {
		const uint64_t *b = bucket_of(v, i);

		for (unsigned hops = 0; b && hops < TABLE_CHAIN_MAX; hops++) {
			for (unsigned k = 0; k < TABLE_SLOTS; k++) {
				uint64_t slot = __atomic_load_n(&b[k], __ATOMIC_ACQUIRE);
				const struct table_entry *e;
				uint64_t tail;
				uint32_t ref = 0;
				int rc;

				if (!(slot >> 63) || !(e = entry_at(v, (uint32_t)slot)) ||
				    !table_visible(e, v->generation))
					continue;
				tail = heap_tail(span_shift, (uint64_t)(uint32_t)slot * HEAP_ENTRY_SIZE);
				if (tail + sizeof(struct table_tail) <= v->limit)
					ref = ((const struct table_tail *)(v->base + tail))->name;
				rc = fn(arg, e, table_string_at(v->base, v->limit, ref));
				if (rc)
					return rc;
			}
			b = bucket_next(v, b);
		}
	}
	return 0;
}
