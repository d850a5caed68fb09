/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_table.h"

#include <emmintrin.h>
#include <errno.h>

#include "dataplane/base/pages.h"

_Static_assert(sizeof(struct tcp_table_bucket) == 64, "a bucket is one cache line");

static inline uint16_t tag_of(uint32_t hash)
{
	return (uint16_t)(hash >> 16 | 1);
}

static inline unsigned match(const struct tcp_table_bucket *b, uint16_t tag)
{
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)b->tag);
	__m128i same = _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(same, _mm_setzero_si128())) & 0xff;
}

int tcp_table_init(struct tcp_table *t, uint32_t capacity)
{
	uint32_t n = 16;
	void *m;

	while (n < (1u << 28) && (uint64_t)n * TABLE_WAYS < 2ull * capacity)
		n *= 2;
	t->mapped = (size_t)n * sizeof(struct tcp_table_bucket);
	m = base_pages_map(&t->mapped);
	if (!m)
		return -errno;
	t->buckets = m;
	t->mask = n - 1;
	t->used = 0;
	return 0;
}

void tcp_table_fini(struct tcp_table *t)
{
	base_pages_unmap(t->buckets, t->mapped);
	t->buckets = NULL;
}

uint32_t tcp_table_next(const struct tcp_table *t, struct tcp_table_walk *w)
{
	for (;;) {
		const struct tcp_table_bucket *b = &t->buckets[w->bucket];

		if (w->bits) {
			unsigned i = (unsigned)__builtin_ctz(w->bits);

			w->bits &= (uint8_t)(w->bits - 1);
			return b->index[i];
		}
		if (!b->overflowed || ++w->steps >= TABLE_PROBES)
			return TABLE_NONE;
		w->bucket = (w->bucket + 1) & t->mask;
		w->bits = (uint8_t)match(&t->buckets[w->bucket], w->tag);
	}
}

uint32_t tcp_table_first(const struct tcp_table *t, uint32_t hash, struct tcp_table_walk *w)
{
	w->bucket = hash & t->mask;
	w->tag = tag_of(hash);
	w->steps = 0;
	w->bits = (uint8_t)match(&t->buckets[w->bucket], w->tag);
	return tcp_table_next(t, w);
}

bool tcp_table_add(struct tcp_table *t, uint32_t hash, uint32_t index)
{
	uint32_t home = hash & t->mask;

	for (unsigned step = 0; step < TABLE_PROBES; step++) {
		struct tcp_table_bucket *b = &t->buckets[(home + step) & t->mask];
		unsigned empty = match(b, 0);

		if (!empty)
			continue;
		b->tag[__builtin_ctz(empty)] = tag_of(hash);
		b->index[__builtin_ctz(empty)] = index;
		for (unsigned k = 0; k < step; k++)
			t->buckets[(home + k) & t->mask].overflowed++;
		t->used++;
		return true;
	}
	return false;
}

void tcp_table_del(struct tcp_table *t, uint32_t hash, uint32_t index)
{
	uint32_t home = hash & t->mask;

	for (unsigned step = 0; step < TABLE_PROBES; step++) {
		struct tcp_table_bucket *b = &t->buckets[(home + step) & t->mask];

		for (unsigned bits = match(b, tag_of(hash)); bits; bits &= bits - 1) {
			unsigned i = (unsigned)__builtin_ctz(bits);

			if (b->index[i] != index)
				continue;
			b->tag[i] = 0;
			for (unsigned k = 0; k < step; k++)
				t->buckets[(home + k) & t->mask].overflowed--;
			t->used--;
			return;
		}
	}
}
