/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519 with AVX-512 IFMA: multiplications of 52 bits, four numbers side by side, because both curve
 * formulas consist of four multiplications at a time. Limbs of 51 bits as in x25519_number.h; the instruction
 * looks at 52 bits of each, so every sum is shortened before it is multiplied. */
#include "dataplane/tls/isa/x25519_kernels.h"

#include <immintrin.h>
#include <string.h>

#include "dataplane/tls/x25519_number.h"

enum { STACK = 4096 }; /* more than any function here takes when optimised, with all that it calls */

/* four numbers; lane k of each vector is of number k */
struct quad {
	__m256i limb[5];
};

/* which number goes into each lane, from lane 0 on */
#define LANES(a, b, c, d) ((a) | (b) << 2 | (c) << 4 | (d) << 6)

static inline __m256i all(uint64_t v)
{
	return _mm256_set1_epi64x((long long)v);
}

/* limbs below 2^61 become limbs below 2^51 + 2^15, the number stays the same modulo 2^255 - 19 */
static inline struct quad shortened(struct quad q)
{
	const __m256i low = all(TLS_NUMBER_LOW);
	__m256i carry[5];

	for (unsigned i = 0; i < 5; i++) {
		carry[i] = _mm256_srli_epi64(q.limb[i], 51);
		q.limb[i] = _mm256_and_si256(q.limb[i], low);
	}
	for (unsigned i = 1; i < 5; i++)
		q.limb[i] = _mm256_add_epi64(q.limb[i], carry[i - 1]);
	/* 19 = 16 + 2 + 1 */
	q.limb[0] = _mm256_add_epi64(
		_mm256_add_epi64(q.limb[0], carry[4]),
		_mm256_add_epi64(_mm256_slli_epi64(carry[4], 1), _mm256_slli_epi64(carry[4], 4)));
	return q;
}

/* a times b, plus c (limbs below 2^60); a and b with limbs below 2^52 */
static inline struct quad mul_add(struct quad a, struct quad b, struct quad c)
{
	__m256i low[10], high[10];
	struct quad r;

	for (unsigned k = 0; k < 10; k++)
		low[k] = high[k] = _mm256_setzero_si256();
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned j = 0; j < 5; j++) {
			low[i + j] = _mm256_madd52lo_epu64(low[i + j], a.limb[i], b.limb[j]);
			/* bit 52 of a product is bit 1 of the next limb: counted twice below */
			high[i + j + 1] = _mm256_madd52hi_epu64(high[i + j + 1], a.limb[i], b.limb[j]);
		}
	}
	for (unsigned k = 0; k < 10; k++)
		low[k] = _mm256_add_epi64(low[k], _mm256_add_epi64(high[k], high[k]));
	/* limb 5 + k is worth 19 of limb k: below 2^56 each, so 2^61 with the rest */
	for (unsigned k = 0; k < 5; k++) {
		__m256i above = low[k + 5];

		above = _mm256_add_epi64(
			above, _mm256_add_epi64(_mm256_slli_epi64(above, 1), _mm256_slli_epi64(above, 4)));
		r.limb[k] = _mm256_add_epi64(_mm256_add_epi64(low[k], c.limb[k]), above);
	}
	return shortened(r);
}

static inline struct quad zeros(void)
{
	struct quad r;

	for (unsigned i = 0; i < 5; i++)
		r.limb[i] = _mm256_setzero_si256();
	return r;
}

static inline struct quad mul(struct quad a, struct quad b)
{
	return mul_add(a, b, zeros());
}

/* p plus q, in the lanes of `minus` p minus q; both short */
static inline struct quad sum_of(struct quad p, struct quad q, __mmask8 minus)
{
	for (unsigned i = 0; i < 5; i++) {
		/* 2 (2^255 - 19), more than any short number */
		__m256i twice = all((TLS_NUMBER_LOW - (i == 0 ? 18 : 0)) * 2);

		q.limb[i] = _mm256_mask_sub_epi64(q.limb[i], minus, twice, q.limb[i]);
		p.limb[i] = _mm256_add_epi64(p.limb[i], q.limb[i]);
	}
	return shortened(p);
}

#define MOVED(q, lanes)                                                                                \
	((struct quad){                                                                                \
		{_mm256_permutex_epi64((q).limb[0], lanes), _mm256_permutex_epi64((q).limb[1], lanes), \
		 _mm256_permutex_epi64((q).limb[2], lanes), _mm256_permutex_epi64((q).limb[3], lanes), \
		 _mm256_permutex_epi64((q).limb[4], lanes)}})
/* the same where the mask says so, and what is in `old` in the other lanes */
#define MOVED_INTO(old, mask, q, lanes)                                                      \
	((struct quad){{_mm256_mask_permutex_epi64((old).limb[0], mask, (q).limb[0], lanes), \
			_mm256_mask_permutex_epi64((old).limb[1], mask, (q).limb[1], lanes), \
			_mm256_mask_permutex_epi64((old).limb[2], mask, (q).limb[2], lanes), \
			_mm256_mask_permutex_epi64((old).limb[3], mask, (q).limb[3], lanes), \
			_mm256_mask_permutex_epi64((old).limb[4], mask, (q).limb[4], lanes)}})

static inline struct quad quad_of(const struct tls_number *a, const struct tls_number *b,
				  const struct tls_number *c, const struct tls_number *d)
{
	struct quad r;

	for (unsigned i = 0; i < 5; i++)
		r.limb[i] = _mm256_set_epi64x((long long)d->limb[i], (long long)c->limb[i],
					      (long long)b->limb[i], (long long)a->limb[i]);
	return r;
}

static inline void quad_to(struct quad q, struct tls_number *a, struct tls_number *b, struct tls_number *c,
			   struct tls_number *d)
{
	uint64_t lane[4];

	for (unsigned i = 0; i < 5; i++) {
		_mm256_storeu_si256((__m256i *)lane, q.limb[i]);
		a->limb[i] = lane[0];
		b->limb[i] = lane[1];
		c->limb[i] = lane[2];
		d->limb[i] = lane[3];
	}
}

/* What the compiler spilled: the stack that the call before used, gone over. */
static __attribute__((noinline)) void stack_wipe(void)
{
	uint8_t below[STACK];

	explicit_bzero(below, sizeof(below));
}

/* ---- a public key ---- */

/* of a point as x, y, t, z */
static inline struct quad point_add(struct quad p, const struct tls_addend *a)
{
	static const struct tls_number two = {{2}};
	struct quad q, s;

	/* y - x, y + x, t, z */
	q = MOVED_INTO(zeros(), 0x3, p, LANES(0, 0, 0, 0));
	s = sum_of(MOVED(p, LANES(1, 1, 2, 3)), q, 0x1);
	q = shortened(quad_of(&a->difference, &a->sum, &a->product, &two));
	s = mul(s, q);
	/* e, h, f, g of tls_point_add() */
	s = sum_of(MOVED(s, LANES(1, 1, 3, 3)), MOVED(s, LANES(0, 0, 2, 2)), 0x5);
	/* ef, gh, eh, fg */
	return mul(MOVED(s, LANES(0, 3, 0, 2)), MOVED(s, LANES(2, 1, 1, 3)));
}

static __attribute__((noinline)) void
public_key(const struct tls_x25519 *t, const uint8_t private[TLS_X25519_LEN], uint8_t public[TLS_X25519_LEN])
{
	struct {
		int digit[2 * TLS_X25519_PLACES];
		struct tls_point p;
		struct tls_addend q;
	} s;
	struct quad sum;

	tls_digits_of(s.digit, private);
	s.p = (struct tls_point){.y = {{1}}, .z = {{1}}};
	sum = quad_of(&s.p.x, &s.p.y, &s.p.t, &s.p.z);
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++) {
		tls_addend_choose(&s.q, t->table[i], s.digit[2 * i + 1]);
		sum = point_add(sum, &s.q);
	}
	quad_to(sum, &s.p.x, &s.p.y, &s.p.t, &s.p.z);
	for (unsigned i = 0; i < 4; i++)
		tls_point_double(&s.p);
	sum = quad_of(&s.p.x, &s.p.y, &s.p.t, &s.p.z);
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++) {
		tls_addend_choose(&s.q, t->table[i], s.digit[2 * i]);
		sum = point_add(sum, &s.q);
	}
	quad_to(sum, &s.p.x, &s.p.y, &s.p.t, &s.p.z);
	tls_point_u(&s.p, public);
}

void tls_x25519_public_ifma(const struct tls_x25519 *t, const uint8_t private[TLS_X25519_LEN],
			    uint8_t public[TLS_X25519_LEN])
{
	public_key(t, private, public);
	stack_wipe();
}

/* ---- a shared secret ---- */

/* RFC 7748 5: one step of the ladder; x2, z2, x3, z3. `constant` is 1, 0, 1 and the peer's u. */
static inline struct quad step(struct quad v, struct quad constant)
{
	struct quad s, m, u, w, n;

	/* a, b, c, d: x2 + z2, x2 - z2, x3 + z3, x3 - z3 */
	s = sum_of(MOVED(v, LANES(0, 0, 2, 2)), MOVED(v, LANES(1, 1, 3, 3)), 0xa);
	/* aa, bb, cb, da */
	m = mul(s, MOVED(s, LANES(0, 1, 1, 0)));
	/* da + cb, da - cb, e = aa - bb, aa */
	u = sum_of(MOVED(m, LANES(3, 3, 0, 0)), MOVED_INTO(zeros(), 0x7, m, LANES(2, 2, 1, 1)), 0x6);
	/* times da + cb, da - cb, 121665, bb */
	w = MOVED_INTO(u, 0x8, m, LANES(1, 1, 1, 1));
	for (unsigned i = 0; i < 5; i++)
		w.limb[i] = _mm256_mask_mov_epi64(w.limb[i], 0x4, all(i ? 0 : 121665));
	/* and in the third aa is added */
	n = mul_add(u, w, MOVED_INTO(zeros(), 0x4, m, LANES(0, 0, 0, 0)));
	/* x2, e, x3 and (da - cb)^2, times 1, aa + 121665 e, 1, u */
	u = MOVED_INTO(MOVED(n, LANES(3, 3, 0, 1)), 0x2, u, LANES(2, 2, 2, 2));
	return mul(u, MOVED_INTO(constant, 0x2, n, LANES(2, 2, 2, 2)));
}

static __attribute__((noinline)) bool agree(const uint8_t private[TLS_X25519_LEN],
					    const uint8_t peer[TLS_X25519_LEN],
					    uint8_t secret[TLS_X25519_LEN])
{
	struct {
		uint8_t key[TLS_X25519_LEN];
		struct tls_number x2, z2, x3, z3;
		uint64_t words[4];
	} s;
	const struct tls_number one = {{1}}, zero = {{0}};
	struct tls_number u;
	struct quad v, constant;
	uint64_t before = 0;

	memcpy(s.key, private, sizeof(s.key));
	tls_x25519_clamp(s.key);
	memcpy(s.words, peer, sizeof(s.words));
	tls_number_get(&u, s.words); /* without its highest bit */
	constant = quad_of(&one, &zero, &one, &u);
	v = quad_of(&one, &zero, &u, &one);
	for (int i = 254; i >= 0; i--) {
		uint64_t bit = (uint64_t)s.key[i / 8] >> i % 8 & 1;
		__mmask8 swap = (__mmask8)tls_mask_of(bit ^ before);

		v = MOVED_INTO(v, swap, v, LANES(2, 3, 0, 1));
		before = bit;
		v = step(v, constant);
	}
	v = MOVED_INTO(v, (__mmask8)tls_mask_of(before), v, LANES(2, 3, 0, 1));
	quad_to(v, &s.x2, &s.z2, &s.x3, &s.z3);
	tls_number_invert(&s.z2, &s.z2);
	tls_number_mul(&s.x2, &s.x2, &s.z2);
	tls_number_put(s.words, &s.x2);
	memcpy(secret, s.words, sizeof(s.words));
	return (s.words[0] | s.words[1] | s.words[2] | s.words[3]) != 0;
}

bool tls_x25519_agree_ifma(const uint8_t private[TLS_X25519_LEN], const uint8_t peer[TLS_X25519_LEN],
			   uint8_t secret[TLS_X25519_LEN])
{
	bool good = agree(private, peer, secret);

	stack_wipe();
	return good;
}
