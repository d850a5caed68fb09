/* SPDX-License-Identifier: BSD-3-Clause */
#include <immintrin.h>

#include "dataplane/sip/sip_kernel.h"
#include "dataplane/sip/sip_tables.h"
#define SIP_OWN_FLATTEN
#include "dataplane/sip/generic/sip_scan_loop.h"

static const uint8_t class_bytes[256] __attribute__((aligned(64))) = {SIP_CLASS_BYTES};

#define ROW8(x) x, x, x, x, x, x, x, x
#define ROW64(x)                                                                       \
	{                                                                              \
		ROW8(x), ROW8(x), ROW8(x), ROW8(x), ROW8(x), ROW8(x), ROW8(x), ROW8(x) \
	}
static const uint8_t class_bits[SIP_CLASSES][64] __attribute__((aligned(64))) = {
	ROW64(1), ROW64(2), ROW64(4), ROW64(8), ROW64(16), ROW64(32), ROW64(64), ROW64(128),
};

/* VBMI looks all of ASCII up in two registers: one instruction gives the class byte of 64 characters. */
static inline void sip_classify(struct sip_block *out, const uint8_t *p)
{
	const __m512i low = _mm512_load_si512(class_bytes), high = _mm512_load_si512(class_bytes + 64);
	__m512i v = _mm512_loadu_si512(p);
	__mmask64 above = _mm512_movepi8_mask(v);
	__m512i cls = _mm512_maskz_permutex2var_epi8(~above, low, v, high);

#pragma GCC unroll 8
	for (unsigned c = 0; c < SIP_CLASSES; c++) {
		/* from memory: a register each would be more than there are, and making them anew is slower
		 */
		__m512i bit = _mm512_load_si512(class_bits[c]);

		out->map[c] =
			c > SIP_NOT_WORD ? _mm512_test_epi8_mask(cls, bit) : _mm512_testn_epi8_mask(cls, bit);
	}
	out->cr = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r'));
	out->high = above;
}

static const uint8_t iota[64] __attribute__((aligned(64))) = {
	0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
	44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

/* VBMI2 packs the indices of the set bits */
static inline void sip_flatten(uint16_t *out, uint64_t set, uint32_t base)
{
	__m512i at = _mm512_maskz_compress_epi8(set, _mm512_load_si512(iota));
	__m512i add = _mm512_set1_epi16((short)base);

	_mm512_storeu_si512(out, _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(at)), add));
	if (__builtin_expect(_mm_popcnt_u64(set) > 32, 0))
		_mm512_storeu_si512(
			out + 32,
			_mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(at, 1)), add));
}

void sip_scan_avx512(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from)
{
	sip_scan_loop(s, buf, len, from);
}
