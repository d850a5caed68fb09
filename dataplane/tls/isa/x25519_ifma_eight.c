/* SPDX-License-Identifier: BSD-3-Clause */
/* Public keys of X25519, eight at a time, with AVX-512 IFMA: lane k of every vector belongs to key k, so the
 * formulas stay as they are in x25519_number.h and what they cost is divided by eight, the inverse at the end
 * too. Limbs and bounds are those of x25519_ifma.c. */
#include "dataplane/tls/isa/x25519_kernels.h"

#include <immintrin.h>
#include <string.h>

#include "dataplane/tls/x25519_number.h"

enum { STACK = 32768 }; /* more than any function here takes when optimised, with all that it calls */

struct oct {
	__m512i limb[5];
};

struct points {
	struct oct x, y, z, t;
};

static inline __m512i all(uint64_t v)
{
	return _mm512_set1_epi64((long long)v);
}

static inline struct oct constant(uint64_t v)
{
	return (struct oct){{all(v), all(0), all(0), all(0), all(0)}};
}

/* limbs below 2^61 become limbs below 2^51 + 2^15, the number stays the same modulo 2^255 - 19 */
static inline struct oct shortened(struct oct q)
{
	const __m512i low = all(TLS_NUMBER_LOW);
	__m512i carry[5];

	for (unsigned i = 0; i < 5; i++) {
		carry[i] = _mm512_srli_epi64(q.limb[i], 51);
		q.limb[i] = _mm512_and_epi64(q.limb[i], low);
	}
	for (unsigned i = 1; i < 5; i++)
		q.limb[i] = _mm512_add_epi64(q.limb[i], carry[i - 1]);
	/* 19 = 16 + 2 + 1 */
	q.limb[0] = _mm512_add_epi64(
		_mm512_add_epi64(q.limb[0], carry[4]),
		_mm512_add_epi64(_mm512_slli_epi64(carry[4], 1), _mm512_slli_epi64(carry[4], 4)));
	return q;
}

/* both with limbs below 2^52 */
static inline struct oct mul(struct oct a, struct oct b)
{
	__m512i low[10], high[10];
	struct oct r;

	for (unsigned k = 0; k < 10; k++)
		low[k] = high[k] = _mm512_setzero_si512();
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned j = 0; j < 5; j++) {
			low[i + j] = _mm512_madd52lo_epu64(low[i + j], a.limb[i], b.limb[j]);
			/* bit 52 of a product is bit 1 of the next limb: counted twice below */
			high[i + j + 1] = _mm512_madd52hi_epu64(high[i + j + 1], a.limb[i], b.limb[j]);
		}
	}
	for (unsigned k = 0; k < 10; k++)
		low[k] = _mm512_add_epi64(low[k], _mm512_add_epi64(high[k], high[k]));
	/* limb 5 + k is worth 19 of limb k: below 2^56 each, so 2^61 with the rest */
	for (unsigned k = 0; k < 5; k++) {
		__m512i above = low[k + 5];

		above = _mm512_add_epi64(
			above, _mm512_add_epi64(_mm512_slli_epi64(above, 1), _mm512_slli_epi64(above, 4)));
		r.limb[k] = _mm512_add_epi64(low[k], above);
	}
	return shortened(r);
}

/* both short */
static inline struct oct sum(struct oct a, struct oct b)
{
	for (unsigned i = 0; i < 5; i++)
		a.limb[i] = _mm512_add_epi64(a.limb[i], b.limb[i]);
	return shortened(a);
}

/* 2 (2^255 - 19) - b, more than any short number; limbs below 2^52 */
static inline struct oct opposite(struct oct b)
{
	for (unsigned i = 0; i < 5; i++)
		b.limb[i] = _mm512_sub_epi64(all((TLS_NUMBER_LOW - (i == 0 ? 18 : 0)) * 2), b.limb[i]);
	return b;
}

static inline struct oct difference(struct oct a, struct oct b)
{
	return sum(a, opposite(b));
}

static inline struct oct chosen(struct oct a, __mmask8 which, struct oct b)
{
	for (unsigned i = 0; i < 5; i++)
		a.limb[i] = _mm512_mask_mov_epi64(a.limb[i], which, b.limb[i]);
	return a;
}

/* of 256 bits */
static inline struct oct unpacked(const __m512i w[4])
{
	const __m512i low = all(TLS_NUMBER_LOW);

	return (struct oct){{
		_mm512_and_epi64(w[0], low),
		_mm512_and_epi64(_mm512_or_epi64(_mm512_srli_epi64(w[0], 51), _mm512_slli_epi64(w[1], 13)),
				 low),
		_mm512_and_epi64(_mm512_or_epi64(_mm512_srli_epi64(w[1], 38), _mm512_slli_epi64(w[2], 26)),
				 low),
		_mm512_and_epi64(_mm512_or_epi64(_mm512_srli_epi64(w[2], 25), _mm512_slli_epi64(w[3], 39)),
				 low),
		_mm512_and_epi64(_mm512_srli_epi64(w[3], 12), low),
	}};
}

static inline struct points point_of(struct oct e, struct oct f, struct oct g, struct oct h)
{
	return (struct points){.x = mul(e, f), .y = mul(g, h), .z = mul(f, g), .t = mul(e, h)};
}

/* tls_point_add() of the multiples of these digits of this place; reads all of the place */
static inline struct points point_add(struct points p, const struct tls_x25519_point *place,
				      const int8_t digits[TLS_X25519_BATCH])
{
	__m512i digit = _mm512_cvtepi8_epi64(_mm_loadl_epi64((const __m128i *)digits));
	__mmask8 negative = _mm512_cmplt_epi64_mask(digit, _mm512_setzero_si512());
	__m512i size = _mm512_abs_epi64(digit), w[12];
	struct oct plus, minus, product, a, b, c, d;

	for (unsigned i = 0; i < 12; i++)
		w[i] = _mm512_setzero_si512();
	w[0] = w[4] = _mm512_mask_mov_epi64(w[0], _mm512_cmpeq_epi64_mask(size, w[0]), all(1));
	for (unsigned j = 0; j < TLS_X25519_DIGITS; j++) {
		__mmask8 this = _mm512_cmpeq_epi64_mask(size, all(j + 1));

		for (unsigned i = 0; i < 12; i++)
			w[i] = _mm512_mask_mov_epi64(w[i], this, all(place[j].words[i]));
	}
	/* the opposite point has -x */
	plus = unpacked(w);
	minus = unpacked(w + 4);
	product = unpacked(w + 8);
	a = mul(difference(p.y, p.x), chosen(minus, negative, plus));
	b = mul(sum(p.y, p.x), chosen(plus, negative, minus));
	c = mul(p.t, chosen(product, negative, opposite(product)));
	d = sum(p.z, p.z);
	return point_of(difference(b, a), difference(d, c), sum(d, c), sum(b, a));
}

static inline struct points point_double(struct points p)
{
	struct oct a = mul(p.x, p.x), b = mul(p.y, p.y), c = mul(p.z, p.z);
	struct oct h = sum(a, b), e = sum(p.x, p.y), g = difference(a, b);

	c = sum(c, c);
	e = difference(h, mul(e, e));
	return point_of(e, sum(c, g), g, h);
}

static inline void numbers_of(struct tls_number out[TLS_X25519_BATCH], struct oct q)
{
	uint64_t lane[TLS_X25519_BATCH];

	for (unsigned i = 0; i < 5; i++) {
		_mm512_storeu_si512(lane, q.limb[i]);
		for (unsigned k = 0; k < TLS_X25519_BATCH; k++)
			out[k].limb[i] = lane[k];
	}
}

static __attribute__((noinline)) void publics(const struct tls_x25519 *t,
					      const uint8_t private[TLS_X25519_BATCH][TLS_X25519_LEN],
					      uint8_t public[TLS_X25519_BATCH][TLS_X25519_LEN])
{
	struct {
		int one[2 * TLS_X25519_PLACES];
		int8_t digit[2 * TLS_X25519_PLACES][TLS_X25519_BATCH];
		struct tls_number up[TLS_X25519_BATCH], down[TLS_X25519_BATCH], before[TLS_X25519_BATCH];
		uint64_t words[4];
	} s;
	struct points p = {constant(0), constant(1), constant(1), constant(0)};

	for (unsigned k = 0; k < TLS_X25519_BATCH; k++) {
		tls_digits_of(s.one, private[k]);
		for (unsigned i = 0; i < 2 * TLS_X25519_PLACES; i++)
			s.digit[i][k] = (int8_t)s.one[i];
	}
	/* the odd ones, sixteen times that, the even ones */
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++)
		p = point_add(p, t->table[i], s.digit[2 * i + 1]);
	for (unsigned i = 0; i < 4; i++)
		p = point_double(p);
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++)
		p = point_add(p, t->table[i], s.digit[2 * i]);
	/* tls_point_u() */
	numbers_of(s.up, sum(p.z, p.y));
	numbers_of(s.down, difference(p.z, p.y));
	tls_numbers_invert(s.down, s.before, TLS_X25519_BATCH);
	for (unsigned k = 0; k < TLS_X25519_BATCH; k++) {
		tls_number_mul(&s.up[k], &s.up[k], &s.down[k]);
		tls_number_put(s.words, &s.up[k]);
		memcpy(public[k], s.words, sizeof(s.words));
	}
}

/* What the compiler spilled: the stack that the call before used, gone over. */
static __attribute__((noinline)) void stack_wipe(void)
{
	uint8_t below[STACK];

	explicit_bzero(below, sizeof(below));
}

void tls_x25519_publics_ifma(const struct tls_x25519 *t,
			     const uint8_t private[TLS_X25519_BATCH][TLS_X25519_LEN],
			     uint8_t public[TLS_X25519_BATCH][TLS_X25519_LEN])
{
	publics(t, private, public);
	stack_wipe();
}
