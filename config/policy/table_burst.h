/* SPDX-License-Identifier: BSD-3-Clause */
/* The burst look-up, once for each instruction set: a kernel defines how a name is taken in (dotted_read),
 * how states become hashes (probes_hash) and how a bucket is compared (bucket_scan), includes this, and
 * exports one symbol. Everything here is static, so that no kernel's copy serves another. */
#ifndef CONFIG_POLICY_TABLE_BURST_H
#define CONFIG_POLICY_TABLE_BURST_H

#include "config/policy/table_kernel.h"

enum { PROBES = 160 }; /* a multiple of eight; the most that one name has, and two a name beside it */

/* What is asked for one suffix. First the states of the hash, in columns, then what became of them. */
struct probes {
	uint64_t v0[PROBES], v1[PROBES], v2[PROBES], v3[PROBES];
	uint64_t h1[PROBES], h2[PROBES];
	uint16_t from[PROBES];
	uint8_t name[PROBES];
};

struct candidates {
	const struct table_entry *entry[4 * PROBES];
	uint8_t probe[4 * PROBES];
};

/* a name of at most TABLE_SHORT bytes as it is hashed: behind zeros */
struct taken {
	uint64_t words[TABLE_SHORT / 8] __attribute__((aligned(64)));
};

/* takes it in; returns where its dots are, bit 63 being its last byte */
static inline uint64_t name_take(struct taken *t, struct policy_name name);
/* the sums of its last `len` bytes */
static inline struct table_sums suffix_sums(const struct taken *t, const struct table_key *key, unsigned len);
/* of the n-th lowest bits of `of` those of which bit n of `which` is set */
static inline uint64_t bits_choose(uint64_t which, uint64_t of);
/* h1 and h2 of the eight from `at` on, from the columns */
static inline void probes_hash(struct probes *p, unsigned at);
/* which slots carry the tag; a hint, each is loaded again */
static inline unsigned bucket_scan(const uint64_t *b, uint32_t tag);

static inline const uint64_t *burst_bucket(const struct table_view *v, uint64_t h2)
{
	return (const uint64_t *)(v->base + v->ref.index +
				  (h2 & ((1ull << v->ref.bits) - 1)) * TABLE_BUCKET_BYTES);
}

/* What may match in one bucket. There is nearly always one slot or none, and which of both nobody can
 * foretell: so the first is taken without a branch. */
static inline unsigned burst_scan(struct table_view *v, const uint64_t *b, const struct probes *p, unsigned i,
				  struct candidates *c, unsigned n)
{
	const uint32_t tag = table_tag(p->h1[i]);
	unsigned mask = bucket_scan(b, tag);

	do {
		/* 8 & 7: the first slot when there is none */
		unsigned k = (unsigned)__builtin_ctz(mask | 1u << TABLE_SLOTS) & (TABLE_SLOTS - 1);
		/* acquire: the entry was complete before its slot appeared */
		uint64_t slot = __atomic_load_n(&b[k], __ATOMIC_ACQUIRE);
		uint64_t off = (slot & 0xffffffffu) * HEAP_ENTRY_SIZE;
		bool same = (mask != 0) & (slot >> 32 == tag), inside = off < v->limit;

		v->damaged += same & !inside;
		c->entry[n] = (const struct table_entry *)(v->base + (inside ? off : 0));
		c->probe[n] = (uint8_t)i;
		__builtin_prefetch(c->entry[n]);
		n += same & inside;
		mask &= mask - 1;
	} while (__builtin_expect(mask != 0, 0));
	return n;
}

static inline void burst_settle(struct table_view *v, const struct probes *p, unsigned n,
				struct policy_hit *hits)
{
	/* A probe meets a handful of entries: four slots of one name, two versions of each. There is always
	 * room for a whole chain. */
	const unsigned room = 4 * PROBES - TABLE_SLOTS * TABLE_CHAIN_MAX - 1;
	struct candidates c;
	unsigned done = 0;

	while (done < n) {
		unsigned found = 0;

		for (; done < n && found < room; done++) {
			const uint64_t *b = burst_bucket(v, p->h2[done]);

			for (unsigned hops = 0; hops < TABLE_CHAIN_MAX; hops++) {
				uint64_t last, off;

				found = burst_scan(v, b, p, done, &c, found);
				/* acquire: the bucket was complete before the link to it appeared */
				last = __atomic_load_n(&b[TABLE_SLOTS - 1], __ATOMIC_ACQUIRE);
				off = (last & 0xffffffffu) * TABLE_BUCKET_BYTES;
				if (__builtin_expect(last >> 32 != TABLE_SLOT_LINK, 1))
					break;
				if (off >= v->limit) {
					v->damaged++;
					break;
				}
				b = (const uint64_t *)(v->base + off);
			}
		}
		for (unsigned i = 0; i < found; i++) {
			const struct table_entry *e = c.entry[i];
			unsigned k = c.probe[i];

			if (e->h2 != p->h2[k] || !table_visible(e, v->generation))
				continue;
			if (p->from[k] && !(e->domain.flags & POLICY_DOMAIN_SUBTREE))
				continue;
			policy_hit_add(&hits[p->name[k]], &e->domain, p->from[k]);
		}
	}
}

static inline bool burst_depth(const struct table_ref *ref, unsigned labels)
{
	return ref->depth[(labels / 64) & 1] >> (labels % 64) & 1;
}

/* Hashes what has come together by eights and calls for its buckets, while the names behind are still being
 * read. With `all` the rest, too: the columns have room for a multiple of eight, and what is behind the last
 * one is not used. */
static inline unsigned burst_call(struct table_view *v, struct probes *p, unsigned called, unsigned n,
				  bool all)
{
	while (called + 8 <= n || (all && called < n)) {
		probes_hash(p, called);
		for (unsigned i = 0; i < 8; i++)
			__builtin_prefetch(burst_bucket(v, p->h2[called + i]));
		called += 8;
	}
	return called;
}

static inline void probe_put(struct probes *p, unsigned at, const struct keyhash_state *init,
			     const struct table_sums *sums, unsigned name, unsigned from, unsigned len)
{
	struct keyhash_state s = table_hash_state(init, sums, len);

	p->v0[at] = s.v0;
	p->v1[at] = s.v1;
	p->v2[at] = s.v2;
	p->v3[at] = s.v3;
	p->from[at] = (uint16_t)from;
	p->name[at] = (uint8_t)name;
}

/* A name that no kernel takes in one piece: its suffixes one by one, those only that can have an entry. */
static void burst_long(struct table_view *v, struct probes *p, const struct keyhash_state *init,
		       struct policy_name name, unsigned i, struct policy_hit *hits)
{
	uint64_t block[TABLE_WORDS] = {0};
	char *text = (char *)block + TABLE_BLOCK - name.len;
	unsigned waiting = 0, labels = 0;

	memcpy(text, name.ptr, name.len);
	for (int at = (int)name.len - 1; at >= -1; at--) {
		unsigned len = name.len - (unsigned)(at + 1);
		struct table_sums sums;

		if (at >= 0 &&
		    (text[at] != '.' || ++labels > TABLE_LABELS_MAX || !burst_depth(&v->ref, labels)))
			continue;
		sums = table_nh(&v->key, block, TABLE_WORDS, len);
		probe_put(p, waiting++, init, &sums, i, (unsigned)(at + 1), len);
	}
	burst_call(v, p, 0, waiting, true);
	burst_settle(v, p, waiting, hits);
}

static inline uint64_t bits_reversed(uint64_t x)
{
	x = (x & 0x5555555555555555u) << 1 | (x >> 1 & 0x5555555555555555u);
	x = (x & 0x3333333333333333u) << 2 | (x >> 2 & 0x3333333333333333u);
	x = (x & 0x0f0f0f0f0f0f0f0fu) << 4 | (x >> 4 & 0x0f0f0f0f0f0f0f0fu);
	return __builtin_bswap64(x);
}

static inline void domains_burst(struct table_view *v, const struct policy_name *names, unsigned n,
				 struct policy_hit *hits)
{
	const struct keyhash_state init = keyhash_init(&v->key.key);
	/* bit 63 - n: some subtree entry has n labels. A short name has fewer than 64. */
	const uint64_t depth = bits_reversed(v->ref.depth[0]);
	unsigned waiting = 0, called = 0, longer[POLICY_BURST], longs = 0;
	struct probes p;

	memset(hits, 0, n * sizeof(*hits));
	if (!v->ref.index)
		return;
	for (unsigned i = 0; i < n; i++) {
		unsigned len = names[i].len;
		struct table_sums sums;
		uint64_t dots, want;
		struct taken t;

		if (__builtin_expect(len - 1 >= TABLE_SHORT, 0)) {
			if (len && len <= POLICY_NAME_MAX && longs < POLICY_BURST)
				longer[longs++] = i;
			continue;
		}
		/* the whole, and as many suffixes as it has bytes */
		if (__builtin_expect(waiting > PROBES - 1 - TABLE_SHORT, 0)) {
			burst_call(v, &p, called, waiting, true);
			burst_settle(v, &p, waiting, hits);
			waiting = called = 0;
		}
		dots = name_take(&t, names[i]);
		/* the suffixes behind these can have an entry; of a dot at the end there is none */
		want = bits_choose(depth >> (63 - __builtin_popcountll(dots << 1 >> 1)), dots << 1 >> 1);
		sums = suffix_sums(&t, &v->key, len);
		probe_put(&p, waiting++, &init, &sums, i, 0, len);
		while (want) {
			unsigned rest = 63 - (unsigned)__builtin_ctzll(want);

			sums = suffix_sums(&t, &v->key, rest);
			probe_put(&p, waiting++, &init, &sums, i, len - rest, rest);
			want &= want - 1;
		}
		called = burst_call(v, &p, called, waiting, false);
	}
	burst_call(v, &p, called, waiting, true);
	burst_settle(v, &p, waiting, hits);
	for (unsigned i = 0; i < longs; i++)
		burst_long(v, &p, &init, names[longer[i]], longer[i], hits);
}

#endif
