/* SPDX-License-Identifier: BSD-3-Clause */
#include <emmintrin.h>

#include "dataplane/wire/isa/sum_kernels.h"
#include "dataplane/wire/isa/sum_tail.h"

static inline uint64_t lanes_sum(__m128i v)
{
	uint32_t w[4];

	_mm_storeu_si128((__m128i *)w, v);
	return (uint64_t)w[0] + w[1] + w[2] + w[3];
}

uint32_t wire_sum_sse2(const void *data, size_t len)
{
	const __m128i low = _mm_set1_epi32(0xffff);
	const uint8_t *p = data;
	uint64_t sum = 0;

	while (len >= 32) {
		size_t steps = len / 32 < SUM_STEPS_MAX ? len / 32 : SUM_STEPS_MAX;
		__m128i a = _mm_setzero_si128();
		__m128i b = _mm_setzero_si128();

		len -= steps * 32;
		for (; steps > 0; steps--, p += 32) {
			__m128i v = _mm_loadu_si128((const __m128i *)p);
			__m128i w = _mm_loadu_si128((const __m128i *)(p + 16));

			a = _mm_add_epi32(a, _mm_and_si128(v, low));
			b = _mm_add_epi32(b, _mm_srli_epi32(v, 16));
			a = _mm_add_epi32(a, _mm_and_si128(w, low));
			b = _mm_add_epi32(b, _mm_srli_epi32(w, 16));
		}
		sum += lanes_sum(a) + lanes_sum(b);
	}
	return sum_end(sum + sum_tail(p, len));
}
