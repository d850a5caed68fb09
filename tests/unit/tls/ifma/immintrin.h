/* SPDX-License-Identifier: BSD-3-Clause */
/* The few instructions of AVX-512 that isa/x25519_ifma.c is made of, in plain C: so that its source runs
 * where the CPU, or valgrind, has none of them. Masks choose by arithmetic, not by branches, as they do in
 * the CPU. */
#ifndef TESTS_UNIT_TLS_IFMA_IMMINTRIN_H
#define TESTS_UNIT_TLS_IFMA_IMMINTRIN_H

#include <stdint.h>
#include <string.h>

typedef struct {
	uint64_t lane[4];
} __m256i;
typedef struct {
	uint64_t lane[8];
} __m512i;
typedef struct {
	int8_t byte[16];
} __m128i;
typedef uint8_t __mmask8;

#define EACH(expression)                                     \
	do {                                                 \
		__m256i r_;                                  \
		for (unsigned i = 0; i < 4; i++)             \
			r_.lane[i] = (uint64_t)(expression); \
		return r_;                                   \
	} while (0)
#define EMULATED static inline __attribute__((unused))
#define LOW_52	 ((UINT64_C(1) << 52) - 1)

EMULATED uint64_t lane_mask(__mmask8 k, unsigned i)
{
	uint64_t m = 0 - (uint64_t)(k >> i & 1);

	__asm__("" : "+r"(m));
	return m;
}

EMULATED __m256i _mm256_setzero_si256(void)
{
	return (__m256i){{0}};
}

EMULATED __m256i _mm256_set1_epi64x(long long v)
{
	EACH(v);
}

EMULATED __m256i _mm256_set_epi64x(long long d, long long c, long long b, long long a)
{
	return (__m256i){{(uint64_t)a, (uint64_t)b, (uint64_t)c, (uint64_t)d}};
}

EMULATED __m256i _mm256_srli_epi64(__m256i a, int n)
{
	EACH(a.lane[i] >> n);
}

EMULATED __m256i _mm256_slli_epi64(__m256i a, int n)
{
	EACH(a.lane[i] << n);
}

EMULATED __m256i _mm256_and_si256(__m256i a, __m256i b)
{
	EACH(a.lane[i] & b.lane[i]);
}

EMULATED __m256i _mm256_add_epi64(__m256i a, __m256i b)
{
	EACH(a.lane[i] + b.lane[i]);
}

EMULATED __m256i _mm256_madd52lo_epu64(__m256i sum, __m256i a, __m256i b)
{
	EACH(sum.lane[i] +
	     ((uint64_t)((unsigned __int128)(a.lane[i] & LOW_52) * (b.lane[i] & LOW_52)) & LOW_52));
}

EMULATED __m256i _mm256_madd52hi_epu64(__m256i sum, __m256i a, __m256i b)
{
	EACH(sum.lane[i] + (uint64_t)((unsigned __int128)(a.lane[i] & LOW_52) * (b.lane[i] & LOW_52) >> 52));
}

EMULATED __m256i _mm256_mask_mov_epi64(__m256i old, __mmask8 k, __m256i a)
{
	EACH((a.lane[i] & lane_mask(k, i)) | (old.lane[i] & ~lane_mask(k, i)));
}

EMULATED __m256i _mm256_mask_sub_epi64(__m256i old, __mmask8 k, __m256i a, __m256i b)
{
	EACH(((a.lane[i] - b.lane[i]) & lane_mask(k, i)) | (old.lane[i] & ~lane_mask(k, i)));
}

EMULATED __m256i _mm256_permutex_epi64(__m256i a, int lanes)
{
	EACH(a.lane[lanes >> 2 * i & 3]);
}

EMULATED __m256i _mm256_mask_permutex_epi64(__m256i old, __mmask8 k, __m256i a, int lanes)
{
	return _mm256_mask_mov_epi64(old, k, _mm256_permutex_epi64(a, lanes));
}

EMULATED void _mm256_storeu_si256(__m256i *to, __m256i a)
{
	memcpy(to, &a, sizeof(a));
}

/* ---- eight lanes ---- */

#define EACH_8(expression)                                   \
	do {                                                 \
		__m512i r_;                                  \
		for (unsigned i = 0; i < 8; i++)             \
			r_.lane[i] = (uint64_t)(expression); \
		return r_;                                   \
	} while (0)
/* one bit of each lane */
#define EACH_BIT(expression)                                             \
	do {                                                             \
		unsigned r_ = 0;                                         \
		for (unsigned i = 0; i < 8; i++)                         \
			r_ |= (unsigned)((uint64_t)(expression)&1) << i; \
		return (__mmask8)r_;                                     \
	} while (0)

EMULATED __m512i _mm512_setzero_si512(void)
{
	return (__m512i){{0}};
}

EMULATED __m512i _mm512_set1_epi64(long long v)
{
	EACH_8(v);
}

EMULATED __m512i _mm512_srli_epi64(__m512i a, unsigned n)
{
	EACH_8(a.lane[i] >> n);
}

EMULATED __m512i _mm512_slli_epi64(__m512i a, unsigned n)
{
	EACH_8(a.lane[i] << n);
}

EMULATED __m512i _mm512_and_epi64(__m512i a, __m512i b)
{
	EACH_8(a.lane[i] & b.lane[i]);
}

EMULATED __m512i _mm512_or_epi64(__m512i a, __m512i b)
{
	EACH_8(a.lane[i] | b.lane[i]);
}

EMULATED __m512i _mm512_add_epi64(__m512i a, __m512i b)
{
	EACH_8(a.lane[i] + b.lane[i]);
}

EMULATED __m512i _mm512_sub_epi64(__m512i a, __m512i b)
{
	EACH_8(a.lane[i] - b.lane[i]);
}

EMULATED __m512i _mm512_madd52lo_epu64(__m512i sum, __m512i a, __m512i b)
{
	EACH_8(sum.lane[i] +
	       ((uint64_t)((unsigned __int128)(a.lane[i] & LOW_52) * (b.lane[i] & LOW_52)) & LOW_52));
}

EMULATED __m512i _mm512_madd52hi_epu64(__m512i sum, __m512i a, __m512i b)
{
	EACH_8(sum.lane[i] +
	       (uint64_t)((unsigned __int128)(a.lane[i] & LOW_52) * (b.lane[i] & LOW_52) >> 52));
}

EMULATED __m512i _mm512_mask_mov_epi64(__m512i old, __mmask8 k, __m512i a)
{
	EACH_8((a.lane[i] & lane_mask(k, i)) | (old.lane[i] & ~lane_mask(k, i)));
}

EMULATED __m512i _mm512_abs_epi64(__m512i a)
{
	EACH_8((a.lane[i] ^ (0 - (a.lane[i] >> 63))) + (a.lane[i] >> 63));
}

EMULATED __mmask8 _mm512_cmpeq_epi64_mask(__m512i a, __m512i b)
{
	/* digits alone are compared */
	EACH_BIT(((a.lane[i] ^ b.lane[i]) - 1) >> 63);
}

EMULATED __mmask8 _mm512_cmplt_epi64_mask(__m512i a, __m512i b)
{
	EACH_BIT((a.lane[i] - b.lane[i]) >> 63);
}

EMULATED __m128i _mm_loadl_epi64(const __m128i *from)
{
	__m128i r = {{0}};

	memcpy(&r, from, 8);
	return r;
}

EMULATED __m512i _mm512_cvtepi8_epi64(__m128i a)
{
	EACH_8((int64_t)a.byte[i]);
}

EMULATED void _mm512_storeu_si512(void *to, __m512i a)
{
	memcpy(to, &a, sizeof(a));
}

#endif
