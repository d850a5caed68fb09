/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/table_read.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#if defined(__SANITIZE_THREAD__)
#define TABLE_SCALAR 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TABLE_SCALAR 1
#endif
#endif
#if !defined(__SSE2__) && !defined(TABLE_SCALAR)
#define TABLE_SCALAR 1
#endif

enum { PROBES = 128 };

struct probe {
	const uint64_t *bucket;
	uint64_t h2;
	uint32_t tag;
	uint16_t from;
	uint16_t name;
};

struct candidate {
	const struct table_entry *entry;
	uint16_t probe;
};

/* which slots carry the tag; a hint, each is loaded again */
static inline unsigned bucket_scan(const uint64_t *b, uint32_t tag)
{
#ifdef TABLE_SCALAR
	unsigned mask = 0;

	for (unsigned i = 0; i < TABLE_SLOTS; i++)
		if ((uint32_t)(__atomic_load_n(&b[i], __ATOMIC_RELAXED) >> 32) == tag)
			mask |= 1u << i;
	return mask;
#else
	/* aligned loads of 16 bytes do not tear the 8-byte words in them */
	const __m128i *v = (const __m128i *)b;
	__m128i t = _mm_set1_epi32((int)tag);
	__m128 lo = _mm_shuffle_ps(_mm_castsi128_ps(_mm_load_si128(v)),
				   _mm_castsi128_ps(_mm_load_si128(v + 1)), 0xdd);
	__m128 hi = _mm_shuffle_ps(_mm_castsi128_ps(_mm_load_si128(v + 2)),
				   _mm_castsi128_ps(_mm_load_si128(v + 3)), 0xdd);
	__m128i m = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_castps_si128(lo), t),
				    _mm_cmpeq_epi32(_mm_castps_si128(hi), t));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(m, _mm_setzero_si128()));
#endif
}

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

/* collects what may match behind one probe; returns the new count of candidates */
static inline unsigned probe_scan(struct table_view *v, const struct probe *p, uint16_t self,
				  struct candidate *c, unsigned n, unsigned max)
{
	const uint64_t *b = p->bucket;

	for (unsigned hops = 0; b && hops < TABLE_CHAIN_MAX; hops++) {
		unsigned mask = bucket_scan(b, p->tag);

		while (mask) {
			/* acquire: the entry was complete before its slot appeared */
			uint64_t slot = __atomic_load_n(&b[__builtin_ctz(mask)], __ATOMIC_ACQUIRE);
			const struct table_entry *e;

			mask &= mask - 1;
			if (slot >> 32 != p->tag || n == max)
				continue;
			e = entry_at(v, (uint32_t)slot);
			if (!e)
				continue;
			__builtin_prefetch(e);
			c[n].entry = e;
			c[n++].probe = self;
		}
		b = bucket_next(v, b);
	}
	return n;
}

static void probes_settle(struct table_view *v, const struct probe *probes, unsigned n,
			  struct policy_hit *hits)
{
	/* A probe meets a handful of entries: four slots of one name, two versions of each. There is always
	 * room for a whole chain. */
	enum { MAX = 4 * PROBES };
	struct candidate c[MAX];
	unsigned found = 0, done = 0;

	while (done < n) {
		for (found = 0; done < n && found + TABLE_SLOTS * TABLE_CHAIN_MAX <= MAX; done++)
			found = probe_scan(v, &probes[done], (uint16_t)done, c, found, MAX);
		for (unsigned i = 0; i < found; i++) {
			const struct probe *p = &probes[c[i].probe];
			const struct table_entry *e = c[i].entry;

			if (e->h2 != p->h2 || !table_visible(e, v->generation))
				continue;
			if (p->from && !(e->domain.flags & POLICY_DOMAIN_SUBTREE))
				continue;
			policy_hit_add(&hits[p->name], &e->domain, p->from);
		}
	}
}

/* a name in padded memory, and where its dots are */
struct dotted {
	char text[256 + 16];
	uint64_t dots[4];
};

static inline void dotted_read(struct dotted *d, struct policy_name name)
{
	uint32_t len = name.len;

#ifdef TABLE_SCALAR
	memset(d->dots, 0, sizeof(d->dots));
	memcpy(d->text, name.ptr, len);
	memset(d->text + len, 0, 16);
	for (uint32_t i = 0; i < len; i++)
		d->dots[i / 64] |= (uint64_t)(name.ptr[i] == '.') << (i % 64);
#else
	const __m128i dot = _mm_set1_epi8('.');
	uint32_t i = 0;

	d->dots[0] = d->dots[1] = d->dots[2] = d->dots[3] = 0;
	for (; i + 16 <= len; i += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(name.ptr + i));

		_mm_storeu_si128((__m128i *)(d->text + i), x);
		d->dots[i / 64] |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, dot)) << (i % 64);
	}
	/* what is left, without reading behind the name */
	_mm_storeu_si128((__m128i *)(d->text + i), _mm_setzero_si128());
	if (i < len) {
		uint32_t rest = len - i;
		__m128i x;

		if (len >= 16) {
			/* the bytes before were copied already: the same again */
			x = _mm_loadu_si128((const __m128i *)(name.ptr + len - 16));
			_mm_storeu_si128((__m128i *)(d->text + len - 16), x);
			x = _mm_loadu_si128((const __m128i *)(d->text + i));
		} else {
			uint64_t w[2] = {0, 0};

			if (rest >= 8) {
				uint64_t tail;

				memcpy(&w[0], name.ptr, 8);
				memcpy(&tail, name.ptr + rest - 8, 8);
				w[1] = rest > 8 ? tail >> (8 * (16 - rest)) : 0;
			} else if (rest >= 4) {
				uint32_t a, b;

				memcpy(&a, name.ptr, 4);
				memcpy(&b, name.ptr + rest - 4, 4);
				w[0] = a | (uint64_t)b << (8 * (rest - 4));
			} else {
				for (uint32_t j = 0; j < rest; j++)
					w[0] |= (uint64_t)(uint8_t)name.ptr[j] << (8 * j);
			}
			x = _mm_loadu_si128((const __m128i *)w);
			_mm_storeu_si128((__m128i *)d->text, x);
		}
		d->dots[i / 64] |=
			(uint64_t)((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, dot)) & ((1u << rest) - 1))
			<< (i % 64);
	}
#endif
}

/* the last dot before `end`, or -1 */
static inline int dotted_before(const struct dotted *d, unsigned end)
{
	int w = (int)(end / 64);
	uint64_t m = end % 64 ? d->dots[w] & ~(~0ull << (end % 64)) : 0;

	for (;;) {
		if (m)
			return w * 64 + 63 - __builtin_clzll(m);
		if (--w < 0)
			return -1;
		m = d->dots[w];
	}
}

static inline bool depth_has(const struct table_ref *ref, unsigned labels)
{
	return labels <= TABLE_LABELS_MAX && (ref->depth[labels / 64] >> (labels % 64) & 1);
}

/* Hashes one name and hands each suffix that can have an entry to `probes`; settles them when they are full.
 */
static inline unsigned name_probes(struct table_view *v, struct keyhash_state s, struct policy_name name,
				   unsigned self, struct probe *probes, unsigned n, struct policy_hit *hits)
{
	struct dotted d;
	unsigned end = name.len, labels = 0;

	if (!name.len || name.len > POLICY_NAME_MAX)
		return n;
	dotted_read(&d, name);
	for (;;) {
		int dot = dotted_before(&d, end);
		unsigned start = (unsigned)(dot + 1);
		struct keyhash_pair h;

		table_hash_label(&s, d.text + start, end - start);
		labels++;
		if (start == 0 || depth_has(&v->ref, labels)) {
			h = keyhash_final(s);
			probes[n].bucket = bucket_of(v, h.h2);
			probes[n].h2 = h.h2;
			probes[n].tag = table_tag(h.h1);
			probes[n].from = (uint16_t)start;
			probes[n].name = (uint16_t)self;
			__builtin_prefetch(probes[n].bucket);
			if (++n == PROBES) {
				probes_settle(v, probes, n, hits);
				n = 0;
			}
		}
		if (start == 0)
			return n;
		end = start - 1;
	}
}

void table_domains_burst(struct table_view *v, const struct policy_name *names, unsigned n,
			 struct policy_hit *hits)
{
	const struct keyhash_key key = table_key(&v->ref);
	const struct keyhash_state s = keyhash_init(&key);
	struct probe probes[PROBES];
	unsigned waiting = 0;

	memset(hits, 0, n * sizeof(*hits));
	if (!v->ref.index)
		return;
	for (unsigned i = 0; i < n; i++)
		waiting = name_probes(v, s, names[i], i, probes, waiting, hits);
	probes_settle(v, probes, waiting, hits);
}

static const struct table_entry *entry_find(struct table_view *v, struct keyhash_pair h, int slot)
{
	struct probe p = {.bucket = bucket_of(v, h.h2), .h2 = h.h2, .tag = table_tag(h.h1)};
	struct candidate c[TABLE_SLOTS * TABLE_CHAIN_MAX];
	unsigned n = probe_scan(v, &p, 0, c, 0, TABLE_SLOTS * TABLE_CHAIN_MAX);

	for (unsigned i = 0; i < n; i++) {
		const struct table_entry *e = c[i].entry;

		if (e->h2 == h.h2 && table_visible(e, v->generation) &&
		    (slot < 0 || table_entry_slot(e) == (unsigned)slot))
			return e;
	}
	return NULL;
}

const struct table_entry *table_domain_get(struct table_view *v, struct policy_name name, unsigned slot)
{
	const struct keyhash_key key = table_key(&v->ref);

	if (!v->ref.index || !name.len || name.len > POLICY_NAME_MAX)
		return NULL;
	return entry_find(v, table_hash_name(&key, name, NULL), (int)slot);
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
	const struct keyhash_key key = table_key(&v->ref);
	char text[TABLE_ADDRESS_MAX + 1];
	uint32_t len = a.user.len + 1 + a.domain.len;

	if (!v->ref.index || !a.user.len || !a.domain.len || a.user.len > TABLE_ADDRESS_MAX ||
	    a.domain.len > POLICY_NAME_MAX || len > TABLE_ADDRESS_MAX)
		return false;
	memcpy(text, a.user.ptr, a.user.len);
	text[a.user.len] = '@';
	memcpy(text + a.user.len + 1, a.domain.ptr, a.domain.len);
	*h = keyhash_bytes(&key, text, len);
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
