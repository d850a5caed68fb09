/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel for every machine (x86-64 has SSE2; others, and builds that watch for races, go byte by byte).
 */
#include "config/policy/table_burst.h"

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
#ifndef TABLE_SCALAR
#include <emmintrin.h>
#endif

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

static inline uint64_t name_take(struct taken *t, struct policy_name name)
{
	uint64_t dots = 0;

	memset(t->words, 0, sizeof(t->words));
	memcpy((char *)t->words + TABLE_SHORT - name.len, name.ptr, name.len);
#ifdef TABLE_SCALAR
	for (uint32_t i = 0; i < name.len; i++)
		dots |= (uint64_t)(name.ptr[i] == '.') << (TABLE_SHORT - name.len + i);
#else
	for (unsigned i = 0; i < TABLE_SHORT / 16; i++) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)t->words + i);

		dots |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8('.')))
			<< (16 * i);
	}
#endif
	return dots;
}

static inline uint64_t bits_choose(uint64_t which, uint64_t of)
{
	uint64_t chosen = 0;

	for (; of && which; of &= of - 1, which >>= 1)
		chosen |= which & 1 ? of & -of : 0;
	return chosen;
}

static inline void probes_hash(struct probes *p, const struct burst *u, unsigned at)
{
	for (unsigned i = at; i < at + 8; i++) {
		struct table_sums s =
			table_nh(u->key, p->block[p->name[i]].words, TABLE_SHORT / 8, p->rest[i]);

		probe_hashed(p, u, i, keyhash_final(table_hash_state(&u->init, &s, p->rest[i])));
	}
}

void table_domains_generic(struct table_view *v, const struct policy_name *names, unsigned n,
			   struct policy_hit *hits)
{
	domains_burst(v, names, n, hits);
}
