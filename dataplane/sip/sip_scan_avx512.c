/* SPDX-License-Identifier: BSD-3-Clause */
#include <immintrin.h>

#include "dataplane/sip/sip_kernel.h"
#include "dataplane/sip/sip_tables.h"
#define SIP_OWN_LOOP
#include "dataplane/sip/generic/sip_scan_loop.h"

enum { GROUP = 8 }; /* blocks whose maps are turned and stored together */

static const uint8_t class_bytes[256] __attribute__((aligned(64))) = {SIP_CLASS_BYTES};

static const uint8_t iota[64] __attribute__((aligned(64))) = {
	0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
	44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

/* byte c of word g becomes byte g of word c */
static const uint8_t gather[64] __attribute__((aligned(64))) = {
	0,  8,	16, 24, 32, 40, 48, 56, 1,  9,	17, 25, 33, 41, 49, 57, 2,  10, 18, 26, 34, 42,
	50, 58, 3,  11, 19, 27, 35, 43, 51, 59, 4,  12, 20, 28, 36, 44, 52, 60, 5,  13, 21, 29,
	37, 45, 53, 61, 6,  14, 22, 30, 38, 46, 54, 62, 7,  15, 23, 31, 39, 47, 55, 63,
};

/* VBMI2 packs the indices of the set bits. Eight lines in a block are rare, and a wide store that crosses a
 * cache line costs more than all the rest. */
static inline void flatten(uint16_t *out, uint64_t set, uint32_t base)
{
	__m512i at = _mm512_maskz_compress_epi8(set, _mm512_load_si512(iota));
	__m512i add = _mm512_set1_epi16((short)base);
	__m128i few = _mm_cvtepu8_epi16(_mm512_castsi512_si128(at));

	_mm_storeu_si128((__m128i *)out, _mm_add_epi16(few, _mm512_castsi512_si128(add)));
	if (__builtin_expect(_mm_popcnt_u64(set) > 8, 0)) {
		_mm512_storeu_si512(out,
				    _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(at)), add));
		_mm512_storeu_si512(
			out + 32,
			_mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(at, 1)), add));
	}
}

/* Eight blocks of eight maps, a word each, go to eight words of each map: a matrix of 8 x 8 words is turned.
 */
static inline void store_group(struct sip_scan *s, const __m512i r[GROUP], uint32_t block)
{
	__m512i even[4], odd[4];

	for (unsigned i = 0; i < 4; i++) {
		even[i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
		odd[i] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
	}
#define TURN(v, c, sel, pick)                                                               \
	_mm512_storeu_si512(s->bits[c] + block,                                             \
			    _mm512_shuffle_i64x2(_mm512_shuffle_i64x2((v)[0], (v)[1], sel), \
						 _mm512_shuffle_i64x2((v)[2], (v)[3], sel), pick))
	TURN(even, 0, 0x44, 0x88);
	TURN(odd, 1, 0x44, 0x88);
	TURN(even, 2, 0x44, 0xdd);
	TURN(odd, 3, 0x44, 0xdd);
	TURN(even, 4, 0xee, 0x88);
	TURN(odd, 5, 0xee, 0x88);
	TURN(even, 6, 0xee, 0xdd);
#undef TURN
}

/* VBMI looks all of ASCII up in two registers: one instruction gives the class byte of 64 characters. GFNI
 * turns eight bytes of it at a time into one byte a class, so that all maps of a block come out of three
 * instructions and not of one compare each. The rest is what the shared loop does. */
void sip_scan_avx512(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from)
{
	const __m512i low = _mm512_load_si512(class_bytes), high = _mm512_load_si512(class_bytes + 64);
	const __m512i bit_of = _mm512_set1_epi64((long long)0x8040201008040201),
		      reverse = _mm512_broadcast_i32x4(
			      _mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
	/* all but the last two maps say "not in the class" */
	const __m512i invert = _mm512_setr_epi64(-1, -1, -1, -1, -1, -1, 0, 0),
		      turn = _mm512_load_si512(gather);
	__m512i rows[GROUP];
	uint64_t cr_carry, lf_carry, ctl_seen = 0, high_seen = 0;
	uint32_t block = from / 64, first = block, lines = 0;

	_Static_assert(SIP_NOT_WORD == 5 && SIP_CLASSES == 8, "the constants above");
	s->head_len = 0;
	s->bare_at = 0;
	if (from == 0)
		s->ctl = s->high = false;
	sip_scan_carry(buf, from, &cr_carry, &lf_carry);
	for (uint32_t pos = from; pos < len; pos += 64) {
		uint32_t left = len - pos;
		__mmask64 valid = _bzhi_u64(~UINT64_C(0), left < 64 ? left : 64);
		__m512i v = _mm512_maskz_loadu_epi8(valid, buf + pos);
		__mmask64 above = _mm512_movepi8_mask(v);
		__m512i cls = _mm512_maskz_permutex2var_epi8(_knot_mask64(above), low, v, high), row;
		uint64_t cr = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r'));
		uint64_t lf = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));
		/* what is in no class: CR, bytes above 0x7f, and control characters */
		uint64_t odd = _mm512_mask_testn_epi8_mask(valid, cls, cls) ^ cr;
		uint64_t bare, end;

		row = _mm512_gf2p8affine_epi64_epi8(bit_of, _mm512_shuffle_epi8(cls, reverse), 0);
		row = _mm512_xor_si512(_mm512_permutexvar_epi8(turn, row), invert);
		rows[block - first] = row;
		flatten(s->line + lines, lf, pos);
		lines += (uint32_t)_mm_popcnt_u64(lf);
		bare = (lf ^ (cr << 1 | cr_carry)) & valid;
		end = lf & (lf << 2 | lf_carry);
		cr_carry = cr >> 63;
		lf_carry = lf >> 62;
		block++;
		if (__builtin_expect((end | bare) != 0, 0)) {
			uint64_t stop = end | bare, at = stop & -stop;

			ctl_seen |= odd & ~above & (at - 1);
			high_seen |= above & (at - 1);
			if (bare & at)
				s->bare_at = pos + (uint32_t)__builtin_ctzll(at) + 1;
			else
				s->head_len = pos + (uint32_t)__builtin_ctzll(at) + 1;
			break;
		}
		ctl_seen |= odd & ~above;
		high_seen |= above;
		if (block - first == GROUP) {
			store_group(s, rows, first);
			first = block;
		}
	}
	if (block != first)
		store_group(s, rows, first);
	for (unsigned c = 0; c < SIP_MAPS; c++)
		s->bits[c][block] = s->bits[c][block + 1] = ~UINT64_C(0);
	s->lines = lines;
	s->ctl |= ctl_seen != 0;
	s->high |= high_seen != 0;
}
