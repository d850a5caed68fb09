/* SPDX-License-Identifier: BSD-3-Clause */
#include <immintrin.h>

#include "dataplane/sip/sip_kernel.h"
#include "dataplane/sip/sip_tables.h"
#include "dataplane/sip/generic/sip_scan_loop.h"

static const uint8_t nibbles[SIP_CLASSES][16] = {SIP_CLASS_NIBBLES};

static inline uint32_t mask32(__m256i v)
{
	return (uint32_t)_mm256_movemask_epi8(v);
}

/* as the SSE4.2 kernel, 32 bytes at a time */
static inline void sip_classify(struct sip_block *out, const uint8_t *p)
{
	const __m256i row_of = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0));
	const __m256i low4 = _mm256_set1_epi8(15), zero = _mm256_setzero_si256(), cr = _mm256_set1_epi8('\r');
	__m256i v0 = _mm256_loadu_si256((const __m256i *)p);
	__m256i v1 = _mm256_loadu_si256((const __m256i *)(p + 32));
	__m256i row0 = _mm256_shuffle_epi8(row_of, _mm256_and_si256(_mm256_srli_epi16(v0, 4), low4));
	__m256i row1 = _mm256_shuffle_epi8(row_of, _mm256_and_si256(_mm256_srli_epi16(v1, 4), low4));

#pragma GCC unroll 8
	for (unsigned c = 0; c < SIP_CLASSES; c++) {
		__m256i lut = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)nibbles[c]));
		__m256i in0 = _mm256_and_si256(_mm256_shuffle_epi8(lut, v0), row0);
		__m256i in1 = _mm256_and_si256(_mm256_shuffle_epi8(lut, v1), row1);
		uint64_t not_in = (uint64_t)mask32(_mm256_cmpeq_epi8(in1, zero)) << 32 |
				  mask32(_mm256_cmpeq_epi8(in0, zero));

		out->map[c] = c > SIP_NOT_WORD ? ~not_in : not_in;
	}
	out->cr = (uint64_t)mask32(_mm256_cmpeq_epi8(v1, cr)) << 32 | mask32(_mm256_cmpeq_epi8(v0, cr));
	out->high = (uint64_t)mask32(v1) << 32 | mask32(v0);
}

void sip_scan_avx2(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from)
{
	sip_scan_loop(s, buf, len, from);
}
