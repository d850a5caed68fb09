/* SPDX-License-Identifier: BSD-3-Clause */
/* The burst look-up, once for each instruction set: a kernel defines how a name is taken in (name_take), how
 * the hashes of eight probes are made (probes_hash) and how a bucket is compared (bucket_scan), includes
 * this, and exports one symbol. Everything here is static, so that no kernel's copy serves another.
 *
 * Nothing here waits for memory that it could have called for earlier. All buckets are called for while later
 * names are still being hashed, then all entries, and whatever lies behind a full bucket. What nobody can
 * foretell (is there a suffix to ask for, does a slot match, does its entry count) is settled without a
 * branch: each one that is guessed wrong costs as much as a hash. */
#ifndef CONFIG_POLICY_TABLE_BURST_H
#define CONFIG_POLICY_TABLE_BURST_H

#include "config/policy/table_kernel.h"

enum {
	PROBES = 160, /* a multiple of eight; the most that one name has, and two a name beside it */
	CANDIDATES = 256,
};

/* a name of at most TABLE_SHORT bytes as it is hashed: behind zeros */
struct taken {
	uint64_t words[TABLE_SHORT / 8] __attribute__((aligned(64)));
};

/* what is asked for one suffix: of which name, its last how many bytes; then its hash */
struct probes {
	struct taken block[POLICY_BURST];
	uint64_t h2[PROBES];
	uint64_t bucket[PROBES]; /* offset */
	uint32_t tag[PROBES];
	uint16_t from[PROBES];
	uint8_t rest[PROBES], name[PROBES];
};

struct candidates {
	const struct table_entry *entry[CANDIDATES];
	uint8_t probe[CANDIDATES];
	unsigned n;
	uint64_t damaged;
};

/* a probe that goes on in the next bucket of its chain */
struct behind {
	uint64_t bucket[PROBES];
	uint8_t probe[PROBES];
	unsigned n;
};

/* the burst as its parts see it: nothing that the compiler would have to load again behind an atomic */
struct burst {
	const uint8_t *base;
	uint64_t limit, index, mask;
	struct keyhash_state init;
	const struct table_key *key;
	struct policy_hit *hits;
	uint64_t *damaged;
	uint32_t generation;
};

/* takes it in; returns where its dots are, bit 63 being its last byte */
static inline uint64_t name_take(struct taken *t, struct policy_name name);
/* of the n-th lowest bits of `of` those of which bit n of `which` is set */
static inline uint64_t bits_choose(uint64_t which, uint64_t of);
/* h2, bucket and tag of the eight from `at` on */
static inline void probes_hash(struct probes *p, const struct burst *u, unsigned at);
/* which slots carry the tag; a hint, each is loaded again */
static inline unsigned bucket_scan(const uint64_t *b, uint32_t tag);

static inline void probe_hashed(struct probes *p, const struct burst *u, unsigned at, struct keyhash_pair h)
{
	p->h2[at] = h.h2;
	p->bucket[at] = u->index + (h.h2 & u->mask) * TABLE_BUCKET_BYTES;
	p->tag[at] = table_tag(h.h1);
}

/* What may match in one bucket. There is nearly always one slot or none, so the first is taken without a
 * branch. */
static inline void burst_scan(const struct burst *u, uint64_t bucket, uint32_t tag, unsigned probe,
			      struct candidates *c, struct behind *next)
{
	const uint64_t *b = (const uint64_t *)(u->base + bucket);
	unsigned mask = bucket_scan(b, tag), n = c->n;
	uint64_t last;

	do {
		/* 8 & 7: the first slot when there is none */
		unsigned k = (unsigned)__builtin_ctz(mask | 1u << TABLE_SLOTS) & (TABLE_SLOTS - 1);
		/* acquire: the entry was complete before its slot appeared */
		uint64_t slot = __atomic_load_n(&b[k], __ATOMIC_ACQUIRE);
		uint64_t off = (slot & 0xffffffffu) * HEAP_ENTRY_SIZE;
		uint64_t same = slot >> 32 == tag, inside = off < u->limit;
		/* written as arithmetic: a compiler makes a branch of a choice */
		uint64_t all = 0 - (same & inside);

		c->damaged += same & ~inside;
		c->entry[n] = (const struct table_entry *)(u->base + (bucket ^ ((bucket ^ off) & all)));
		c->probe[n] = (uint8_t)probe;
		__builtin_prefetch(c->entry[n]);
		n += (unsigned)(same & inside);
		mask &= mask - 1;
	} while (__builtin_expect(mask != 0, 0));
	c->n = n;
	/* acquire: the bucket was complete before the link to it appeared */
	last = __atomic_load_n(&b[TABLE_SLOTS - 1], __ATOMIC_ACQUIRE);
	if (__builtin_expect(last >> 32 == TABLE_SLOT_LINK, 0)) {
		uint64_t off = (last & 0xffffffffu) * TABLE_BUCKET_BYTES;

		if (off >= u->limit) {
			c->damaged++;
			return;
		}
		/* not now: it has not been called for */
		__builtin_prefetch(u->base + off);
		next->bucket[next->n] = off;
		next->probe[next->n++] = (uint8_t)probe;
	}
}

static inline void burst_judge(const struct burst *u, const struct probes *p, struct candidates *c)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->n; i++) {
		const struct table_entry *e = c->entry[i];
		unsigned k = c->probe[i];
		/* a suffix is covered by subtrees only */
		bool covers = (p->from[k] == 0) | ((e->domain.flags & POLICY_DOMAIN_SUBTREE) != 0);

		c->entry[kept] = e;
		c->probe[kept] = (uint8_t)k;
		kept += (e->h2 == p->h2[k]) & covers & table_visible(e, u->generation);
	}
	for (unsigned i = 0; i < kept; i++) {
		unsigned k = c->probe[i];

		policy_hit_add(&u->hits[p->name[k]], &c->entry[i]->domain, p->from[k]);
	}
	c->n = 0;
}

static inline void burst_settle(const struct burst *u, const struct probes *p, unsigned n)
{
	struct candidates c;
	struct behind next;

	c.n = next.n = 0;
	c.damaged = 0;
	for (unsigned i = 0; i < n; i++) {
		if (__builtin_expect(c.n > CANDIDATES - TABLE_SLOTS, 0))
			burst_judge(u, p, &c);
		burst_scan(u, p->bucket[i], p->tag[i], i, &c, &next);
	}
	/* the chains, one bucket further each time */
	for (unsigned hops = 1; next.n && hops < TABLE_CHAIN_MAX; hops++) {
		unsigned waiting = next.n;

		next.n = 0;
		/* what comes next is written where this was read */
		for (unsigned i = 0; i < waiting; i++) {
			unsigned k = next.probe[i];

			if (__builtin_expect(c.n > CANDIDATES - TABLE_SLOTS, 0))
				burst_judge(u, p, &c);
			burst_scan(u, next.bucket[i], p->tag[k], k, &c, &next);
		}
	}
	burst_judge(u, p, &c);
	*u->damaged += c.damaged;
}

static inline bool burst_depth(const struct table_ref *ref, unsigned labels)
{
	return ref->depth[(labels / 64) & 1] >> (labels % 64) & 1;
}

/* Hashes what has come together by eights and calls for its buckets, while the names behind are still being
 * read. */
static inline unsigned burst_call(const struct burst *u, struct probes *p, unsigned called, unsigned n)
{
	while (called + 8 <= n) {
		probes_hash(p, u, called);
		for (unsigned i = 0; i < 8; i++)
			__builtin_prefetch(u->base + p->bucket[called + i]);
		called += 8;
	}
	return called;
}

static inline void probe_put(struct probes *p, unsigned at, unsigned name, unsigned len, unsigned rest)
{
	p->from[at] = (uint16_t)(len - rest);
	p->rest[at] = (uint8_t)rest;
	p->name[at] = (uint8_t)name;
}

/* the rest of them, and what they find */
static inline void burst_finish(const struct burst *u, struct probes *p, unsigned called, unsigned n)
{
	if (!n)
		return;
	/* the columns have room for a multiple of eight: what is behind the last one is hashed and not used
	 */
	for (unsigned at = n; at % 8; at++)
		probe_put(p, at, p->name[at - 1], 1, 1);
	burst_call(u, p, called, (n + 7) & ~7u);
	burst_settle(u, p, n);
}

/* A name that no kernel takes in one piece: its suffixes one by one, those only that can have an entry. */
static void burst_long(const struct burst *u, const struct table_ref *ref, struct probes *p,
		       struct policy_name name, unsigned i)
{
	uint64_t block[TABLE_WORDS] = {0};
	char *text = (char *)block + TABLE_BLOCK - name.len;
	unsigned waiting = 0, labels = 0;

	memcpy(text, name.ptr, name.len);
	for (int at = (int)name.len - 1; at >= -1; at--) {
		unsigned len = name.len - (unsigned)(at + 1);
		struct table_sums sums;

		if (at >= 0 && (text[at] != '.' || ++labels > TABLE_LABELS_MAX || !burst_depth(ref, labels)))
			continue;
		sums = table_nh(u->key, block, TABLE_WORDS, len);
		probe_put(p, waiting, i, name.len, len);
		probe_hashed(p, u, waiting, keyhash_final(table_hash_state(&u->init, &sums, len)));
		__builtin_prefetch(u->base + p->bucket[waiting]);
		waiting++;
	}
	burst_settle(u, p, waiting);
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
	const struct burst u = {
		.base = v->base,
		.limit = v->limit,
		.index = v->ref.index,
		.mask = (1ull << v->ref.bits) - 1,
		.init = keyhash_init(&v->key.key),
		.key = &v->key,
		.hits = hits,
		.damaged = &v->damaged,
		.generation = v->generation,
	};
	/* bit 63 - n: some subtree entry has n labels. A short name has fewer than 64. */
	const uint64_t depth = bits_reversed(v->ref.depth[0]);
	unsigned waiting = 0, called = 0, longer[POLICY_BURST], longs = 0;
	struct probes p;

	memset(hits, 0, n * sizeof(*hits));
	if (!v->ref.index || n > POLICY_BURST)
		return;
	for (unsigned i = 0; i < n; i++) {
		unsigned len = names[i].len;
		uint64_t dots, want;

		if (__builtin_expect(len - 1 >= TABLE_SHORT, 0)) {
			if (len && len <= POLICY_NAME_MAX)
				longer[longs++] = i;
			continue;
		}
		/* the whole, and as many suffixes as it has bytes */
		if (__builtin_expect(waiting > PROBES - 1 - TABLE_SHORT, 0)) {
			burst_finish(&u, &p, called, waiting);
			waiting = called = 0;
		}
		/* of a dot at the end there is no suffix */
		dots = name_take(&p.block[i], names[i]) << 1 >> 1;
		/* the suffixes behind these can have an entry */
		want = bits_choose(depth >> (63 - __builtin_popcountll(dots)), dots);
		probe_put(&p, waiting++, i, len, len);
		/* mostly there is one more, or two, or none: written always, counted when it is there */
		for (unsigned k = 0; k < 2; k++) {
			unsigned rest = 63 - (unsigned)__builtin_ctzll(want | 1ull << 63);

			probe_put(&p, waiting, i, len, rest);
			waiting += want != 0;
			want &= want - 1;
		}
		for (; __builtin_expect(want != 0, 0); want &= want - 1)
			probe_put(&p, waiting++, i, len, 63 - (unsigned)__builtin_ctzll(want));
		called = burst_call(&u, &p, called, waiting);
	}
	burst_finish(&u, &p, called, waiting);
	for (unsigned i = 0; i < longs; i++)
		burst_long(&u, &v->ref, &p, names[longer[i]], longer[i]);
}

#endif
