/* SPDX-License-Identifier: BSD-3-Clause */
/* The burst look-up, once for each instruction set: a kernel defines how a name is taken in (dotted_read),
 * how states become hashes (probes_hash) and how a bucket is compared (bucket_scan), includes this, and
 * exports one symbol. Everything here is static, so that no kernel's copy serves another. */
#ifndef CONFIG_POLICY_TABLE_BURST_H
#define CONFIG_POLICY_TABLE_BURST_H

#include "config/policy/table_kernel.h"

enum { PROBES = 128 };

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

/* a name in padded memory, and where its dots are */
struct dotted {
	char text[256 + 64];
	uint64_t dots[4];
};

static inline void dotted_read(struct dotted *d, struct policy_name name);
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

static inline void domains_burst(struct table_view *v, const struct policy_name *names, unsigned n,
				 struct policy_hit *hits)
{
	const struct keyhash_key key = table_key(&v->ref);
	const struct keyhash_state init = keyhash_init(&key);
	struct probes p;
	unsigned waiting = 0, called = 0;

	memset(hits, 0, n * sizeof(*hits));
	if (!v->ref.index)
		return;
	for (unsigned i = 0; i < n; i++) {
		struct keyhash_state s = init;
		unsigned end = names[i].len, start, labels = 0;
		struct dotted d;

		if (!end || end > POLICY_NAME_MAX)
			continue;
		dotted_read(&d, names[i]);
		/* each suffix that can have an entry leaves its state; kept or not without a branch */
		do {
			if (__builtin_expect(end <= 64, 1)) {
				/* a bit that is one higher than the dot, 0 when there is none */
				start = d.dots[0] ? 64 - (unsigned)__builtin_clzll(d.dots[0]) : 0;
				d.dots[0] &= start ? ~(1ull << (start - 1)) : 0;
			} else {
				start = (unsigned)(dotted_before(&d, end) + 1);
				if (start && start <= 64)
					d.dots[0] &= ~(~0ull << (start - 1));
			}
			table_hash_label(&s, d.text + start, end - start);
			labels++;
			p.v0[waiting] = s.v0;
			p.v1[waiting] = s.v1;
			p.v2[waiting] = s.v2;
			p.v3[waiting] = s.v3;
			p.from[waiting] = (uint16_t)start;
			p.name[waiting] = (uint8_t)i;
			waiting += (start == 0) | burst_depth(&v->ref, labels);
			if (__builtin_expect(waiting == PROBES, 0)) {
				burst_call(v, &p, called, waiting, true);
				burst_settle(v, &p, waiting, hits);
				waiting = called = 0;
			}
			end = start - 1;
		} while (start);
		called = burst_call(v, &p, called, waiting, false);
	}
	burst_call(v, &p, called, waiting, true);
	burst_settle(v, &p, waiting, hits);
}

#endif
