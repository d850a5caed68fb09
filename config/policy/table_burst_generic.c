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

static inline void probes_hash(struct probes *p, unsigned at)
{
	for (unsigned i = at; i < at + 8; i++) {
		struct keyhash_pair h =
			keyhash_final((struct keyhash_state){p->v0[i], p->v1[i], p->v2[i], p->v3[i]});

		p->h1[i] = h.h1;
		p->h2[i] = h.h2;
	}
}

void table_domains_generic(struct table_view *v, const struct policy_name *names, unsigned n,
			   struct policy_hit *hits)
{
	domains_burst(v, names, n, hits);
}
