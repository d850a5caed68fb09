/* SPDX-License-Identifier: BSD-3-Clause */
#include <immintrin.h>

#include "dataplane/wire/isa/sum_kernels.h"
#include "dataplane/wire/isa/sum_tail.h"

uint32_t wire_sum_avx512(const void *data, size_t len)
{
	const __m512i low = _mm512_set1_epi32(0xffff);
	const uint8_t *p = data;
	uint64_t sum = 0;

	do {
		size_t steps = len / 64 < SUM_STEPS_MAX ? len / 64 : SUM_STEPS_MAX;
		__m512i a = _mm512_setzero_si512();
		__m512i b = _mm512_setzero_si512();
		__m512i v;

		len -= steps * 64;
		for (; steps > 0; steps--, p += 64) {
			v = _mm512_loadu_si512(p);
			a = _mm512_add_epi32(a, _mm512_and_si512(v, low));
			b = _mm512_add_epi32(b, _mm512_srli_epi32(v, 16));
		}
		if (len > 0 && len < 64) {
			/* a masked load does not touch what it masks out: no read behind the end */
			v = _mm512_maskz_loadu_epi8(((__mmask64)1 << len) - 1, p);
			a = _mm512_add_epi32(a, _mm512_and_si512(v, low));
			b = _mm512_add_epi32(b, _mm512_srli_epi32(v, 16));
			len = 0;
		}
		/* lanes are below 2^31 each, so widen before they are added up */
		v = _mm512_add_epi64(_mm512_and_si512(a, _mm512_set1_epi64(0xffffffff)),
				     _mm512_srli_epi64(a, 32));
		v = _mm512_add_epi64(v, _mm512_and_si512(b, _mm512_set1_epi64(0xffffffff)));
		v = _mm512_add_epi64(v, _mm512_srli_epi64(b, 32));
		sum += (uint64_t)_mm512_reduce_add_epi64(v);
	} while (len > 0);
	return sum_end(sum);
}
