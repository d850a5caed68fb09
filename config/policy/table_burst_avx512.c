/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel for AVX-512 (F, BW, VL): a name is one masked load, eight hashes are made at once, a bucket is
 * one comparison. */
#include <immintrin.h>

#include "config/policy/table_burst.h"

static inline unsigned bucket_scan(const uint64_t *b, uint32_t tag)
{
	/* one aligned cache line: its 8-byte words do not tear */
	__m512i slots = _mm512_srli_epi64(_mm512_load_si512(b), 32);

	return _mm512_cmpeq_epi64_mask(slots, _mm512_set1_epi64((long long)tag));
}

static inline uint64_t name_take(struct taken *t, struct policy_name name)
{
	/* what is masked out is not read: nothing before the name is touched */
	const char *at = (const char *)((uintptr_t)name.ptr + name.len - 64);

	__m512i x = _mm512_maskz_loadu_epi8(~0ull << (64 - name.len), at);

	_mm512_store_si512(t->words, x);
	return _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('.'));
}

static inline uint64_t bits_choose(uint64_t which, uint64_t of)
{
	return _pdep_u64(which, of);
}

struct lanes {
	__m512i v0, v1, v2, v3;
};

static inline void lanes_round(struct lanes *s)
{
	s->v0 = _mm512_add_epi64(s->v0, s->v1);
	s->v2 = _mm512_add_epi64(s->v2, s->v3);
	s->v1 = _mm512_xor_si512(_mm512_rol_epi64(s->v1, 13), s->v0);
	s->v3 = _mm512_xor_si512(_mm512_rol_epi64(s->v3, 16), s->v2);
	s->v0 = _mm512_rol_epi64(s->v0, 32);
	s->v2 = _mm512_add_epi64(s->v2, s->v1);
	s->v0 = _mm512_add_epi64(s->v0, s->v3);
	s->v1 = _mm512_xor_si512(_mm512_rol_epi64(s->v1, 17), s->v2);
	s->v3 = _mm512_xor_si512(_mm512_rol_epi64(s->v3, 21), s->v0);
	s->v2 = _mm512_rol_epi64(s->v2, 32);
}

static inline __m512i lanes_fold(const struct lanes *s)
{
	return _mm512_xor_si512(_mm512_xor_si512(s->v0, s->v1), _mm512_xor_si512(s->v2, s->v3));
}

/* sums of NH in eight lanes */
struct lane_sums {
	__m512i low, high;
};

/* Adds the products of x and y where `mask` says so. AVX-512 multiplies 32 bits by 32: four of them and their
 * carries make a product of 128. */
static inline void lanes_nh(struct lane_sums *s, __mmask8 mask, __m512i x, __m512i y)
{
	const __m512i half = _mm512_set1_epi64(0xffffffff);
	__m512i xh = _mm512_srli_epi64(x, 32), yh = _mm512_srli_epi64(y, 32);
	__m512i ll = _mm512_mul_epu32(x, y), lh = _mm512_mul_epu32(x, yh), hl = _mm512_mul_epu32(xh, y),
		hh = _mm512_mul_epu32(xh, yh);
	/* cannot overflow: three numbers of 32 bits, then a product of at most (2^32 - 1)^2 and two of them
	 */
	__m512i mid =
		_mm512_add_epi64(_mm512_add_epi64(_mm512_srli_epi64(ll, 32), _mm512_and_si512(lh, half)),
				 _mm512_and_si512(hl, half));
	__m512i low = _mm512_or_si512(_mm512_and_si512(ll, half), _mm512_slli_epi64(mid, 32));
	__m512i high =
		_mm512_add_epi64(_mm512_add_epi64(hh, _mm512_srli_epi64(mid, 32)),
				 _mm512_add_epi64(_mm512_srli_epi64(lh, 32), _mm512_srli_epi64(hl, 32)));
	__mmask8 carry;

	s->low = _mm512_mask_add_epi64(s->low, mask, s->low, low);
	carry = _mm512_mask_cmplt_epu64_mask(mask, s->low, low);
	s->high = _mm512_mask_add_epi64(s->high, mask, s->high, high);
	s->high = _mm512_mask_add_epi64(s->high, carry, s->high, _mm512_set1_epi64(1));
}

/* the pair of words i and i + 1 of each lane, in both sums */
static inline void lanes_pair(struct lane_sums s[2], __mmask8 mask, const uint64_t *k, __m512i x, __m512i y)
{
	for (unsigned n = 0; n < 2; n++)
		lanes_nh(&s[n], mask, _mm512_add_epi64(x, _mm512_set1_epi64((long long)k[2 * n])),
			 _mm512_add_epi64(y, _mm512_set1_epi64((long long)k[2 * n + 1])));
}

/* Of eight vectors of eight words the words 4 to 7 (or 0 to 3) as four columns. */
static inline void lanes_columns(__m512i out[4], const __m512i x[8], bool low)
{
	const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13),
		      odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
	__m512i z[4], a, b;

	for (unsigned i = 0; i < 4; i++)
		z[i] = low ? _mm512_shuffle_i64x2(x[i], x[i + 4], 0x44)
			   : _mm512_shuffle_i64x2(x[i], x[i + 4], 0xee);
	a = _mm512_unpacklo_epi64(z[0], z[1]);
	b = _mm512_unpacklo_epi64(z[2], z[3]);
	out[0] = _mm512_permutex2var_epi64(a, even, b);
	out[2] = _mm512_permutex2var_epi64(a, odd, b);
	a = _mm512_unpackhi_epi64(z[0], z[1]);
	b = _mm512_unpackhi_epi64(z[2], z[3]);
	out[1] = _mm512_permutex2var_epi64(a, even, b);
	out[3] = _mm512_permutex2var_epi64(a, odd, b);
}

/* table_nh() and keyhash_final() in eight lanes */
static inline void probes_hash(struct probes *p, const struct burst *u, unsigned at)
{
	const uint64_t *k = u->key->nh + TABLE_WORDS - TABLE_SHORT / 8;
	const __m512i len =
		_mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)(const void *)&p->rest[at]));
	const __mmask8 three = _mm512_cmpgt_epu64_mask(len, _mm512_set1_epi64(32)),
		       four = _mm512_cmpgt_epu64_mask(len, _mm512_set1_epi64(48));
	struct lane_sums n[2] = {{_mm512_setzero_si512(), _mm512_setzero_si512()},
				 {_mm512_setzero_si512(), _mm512_setzero_si512()}};
	__m512i x[8], w[4], h1, h2;
	struct lanes s;

	for (unsigned i = 0; i < 8; i++)
		x[i] = _mm512_maskz_loadu_epi8(~0ull << (64 - p->rest[at + i]),
					       p->block[p->name[at + i]].words);
	lanes_columns(w, x, false);
	lanes_pair(n, 0xff, k + 4, w[0], w[1]);
	lanes_pair(n, 0xff, k + 6, w[2], w[3]);
	if (__builtin_expect(three, 0)) {
		lanes_columns(w, x, true);
		lanes_pair(n, three, k + 2, w[2], w[3]);
		lanes_pair(n, four, k, w[0], w[1]);
	}
	s.v0 = _mm512_xor_si512(_mm512_set1_epi64((long long)u->init.v0), n[0].low);
	s.v1 = _mm512_xor_si512(_mm512_set1_epi64((long long)u->init.v1), n[0].high);
	/* 0xee: keyhash_final() */
	s.v2 = _mm512_xor_si512(_mm512_set1_epi64((long long)(u->init.v2 ^ 0xee)),
				_mm512_xor_si512(n[1].low, _mm512_slli_epi64(len, 56)));
	s.v3 = _mm512_xor_si512(_mm512_set1_epi64((long long)u->init.v3), n[1].high);
	lanes_round(&s);
	lanes_round(&s);
	lanes_round(&s);
	h1 = lanes_fold(&s);
	s.v1 = _mm512_xor_si512(s.v1, _mm512_set1_epi64(0xdd));
	lanes_round(&s);
	lanes_round(&s);
	lanes_round(&s);
	h2 = lanes_fold(&s);
	_mm512_storeu_si512(&p->h2[at], h2);
	/* probe_hashed() */
	h1 = _mm512_or_si512(_mm512_srli_epi64(h1, 32), _mm512_set1_epi64(0x80000000));
	_mm256_storeu_si256((__m256i *)(void *)&p->tag[at], _mm512_cvtepi64_epi32(h1));
	h2 = _mm512_and_si512(h2, _mm512_set1_epi64((long long)u->mask));
	h2 = _mm512_add_epi64(_mm512_slli_epi64(h2, 6), _mm512_set1_epi64((long long)u->index));
	_mm512_storeu_si512(&p->bucket[at], h2);
}

_Static_assert(TABLE_BUCKET_BYTES == 1 << 6, "the shift above");
_Static_assert(TABLE_PAIRS_MIN == 2, "two pairs of words are always in the sums");

void table_domains_avx512(struct table_view *v, const struct policy_name *names, unsigned n,
			  struct policy_hit *hits)
{
	domains_burst(v, names, n, hits);
}
