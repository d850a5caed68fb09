/* SPDX-License-Identifier: BSD-3-Clause */
#include <immintrin.h>

#include "dataplane/wire/isa/sum_kernels.h"
#include "dataplane/wire/isa/sum_tail.h"

static inline uint64_t lanes_sum(__m256i v)
{
	uint32_t w[8];
	uint64_t sum = 0;

	_mm256_storeu_si256((__m256i *)w, v);
	for (unsigned i = 0; i < 8; i++)
		sum += w[i];
	return sum;
}

uint32_t wire_sum_avx2(const void *data, size_t len)
{
	const __m256i low = _mm256_set1_epi32(0xffff);
	const uint8_t *p = data;
	uint64_t sum = 0;

	while (len >= 64) {
		size_t steps = len / 64 < SUM_STEPS_MAX ? len / 64 : SUM_STEPS_MAX;
		__m256i a = _mm256_setzero_si256();
		__m256i b = _mm256_setzero_si256();

		len -= steps * 64;
		for (; steps > 0; steps--, p += 64) {
			__m256i v = _mm256_loadu_si256((const __m256i *)p);
			__m256i w = _mm256_loadu_si256((const __m256i *)(p + 32));

			a = _mm256_add_epi32(a, _mm256_and_si256(v, low));
			b = _mm256_add_epi32(b, _mm256_srli_epi32(v, 16));
			a = _mm256_add_epi32(a, _mm256_and_si256(w, low));
			b = _mm256_add_epi32(b, _mm256_srli_epi32(w, 16));
		}
		sum += lanes_sum(a) + lanes_sum(b);
	}
	return sum_end(sum + sum_tail(p, len));
}
