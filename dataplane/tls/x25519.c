/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/x25519.h"

#include <string.h>

#include "dataplane/tls/kdf.h"

/* ---- integers modulo 2^255 - 19, in five limbs of 51 bits ----
 * "Short" is a number whose limbs are below 2^51 + 2^13: what mul() and square() give. They take limbs below
 * 2^54; each sum or difference below says how long it gets. */

struct number {
	uint64_t limb[5];
};

__extension__ typedef unsigned __int128 wide; /* C has no other name for it */

#define LOW ((UINT64_C(1) << 51) - 1)

static inline void shorten(struct number *out, wide t0, wide t1, wide t2, wide t3, wide t4)
{
	uint64_t r0, r1;

	t1 += t0 >> 51;
	t2 += t1 >> 51;
	t3 += t2 >> 51;
	t4 += t3 >> 51;
	r0 = ((uint64_t)t0 & LOW) + (uint64_t)(t4 >> 51) * 19; /* 2^255 is 19 */
	r1 = ((uint64_t)t1 & LOW) + (r0 >> 51);
	out->limb[0] = r0 & LOW;
	out->limb[1] = r1;
	out->limb[2] = (uint64_t)t2 & LOW;
	out->limb[3] = (uint64_t)t3 & LOW;
	out->limb[4] = (uint64_t)t4 & LOW;
}

static inline void mul(struct number *out, const struct number *x, const struct number *y)
{
	const uint64_t *a = x->limb, *b = y->limb;
	uint64_t b1 = b[1] * 19, b2 = b[2] * 19, b3 = b[3] * 19, b4 = b[4] * 19;
	wide t0, t1, t2, t3, t4;

	t0 = (wide)a[0] * b[0] + (wide)a[1] * b4 + (wide)a[2] * b3 + (wide)a[3] * b2 + (wide)a[4] * b1;
	t1 = (wide)a[0] * b[1] + (wide)a[1] * b[0] + (wide)a[2] * b4 + (wide)a[3] * b3 + (wide)a[4] * b2;
	t2 = (wide)a[0] * b[2] + (wide)a[1] * b[1] + (wide)a[2] * b[0] + (wide)a[3] * b4 + (wide)a[4] * b3;
	t3 = (wide)a[0] * b[3] + (wide)a[1] * b[2] + (wide)a[2] * b[1] + (wide)a[3] * b[0] + (wide)a[4] * b4;
	t4 = (wide)a[0] * b[4] + (wide)a[1] * b[3] + (wide)a[2] * b[2] + (wide)a[3] * b[1] +
	     (wide)a[4] * b[0];
	shorten(out, t0, t1, t2, t3, t4);
}

static inline void square(struct number *out, const struct number *x)
{
	const uint64_t *a = x->limb;
	uint64_t a0 = a[0] * 2, a1 = a[1] * 2, a3 = a[3] * 19, a4 = a[4] * 19;
	wide t0, t1, t2, t3, t4;

	t0 = (wide)a[0] * a[0] + (wide)a1 * a4 + (wide)(a[2] * 2) * a3;
	t1 = (wide)a0 * a[1] + (wide)(a[2] * 2) * a4 + (wide)a[3] * a3;
	t2 = (wide)a0 * a[2] + (wide)a[1] * a[1] + (wide)(a[3] * 2) * a4;
	t3 = (wide)a0 * a[3] + (wide)a1 * a[2] + (wide)a[4] * a4;
	t4 = (wide)a0 * a[4] + (wide)a1 * a[3] + (wide)a[2] * a[2];
	shorten(out, t0, t1, t2, t3, t4);
}

static void squares(struct number *out, const struct number *x, unsigned n)
{
	*out = *x;
	while (n--)
		square(out, out);
}

static inline void add(struct number *out, const struct number *x, const struct number *y)
{
	for (unsigned i = 0; i < 5; i++)
		out->limb[i] = x->limb[i] + y->limb[i];
}

/* y's limbs below 2^53 - 76: adds 4 (2^255 - 19), so the result has up to 2^53 more than x */
static inline void sub(struct number *out, const struct number *x, const struct number *y)
{
	out->limb[0] = x->limb[0] + (LOW - 18) * 4 - y->limb[0];
	for (unsigned i = 1; i < 5; i++)
		out->limb[i] = x->limb[i] + LOW * 4 - y->limb[i];
}

/* to the power of 2^255 - 21, which is the inverse: 2^250 - 1 by doubling the run of ones, then 01011 */
static void invert(struct number *out, const struct number *z)
{
	struct number eleven, run5, run10, run20, run50, run100, t;

	squares(&t, z, 1); /* 2 */
	squares(&run5, &t, 2);
	mul(&run5, &run5, z); /* 9 */
	mul(&eleven, &run5, &t);
	squares(&t, &eleven, 1);
	mul(&run5, &t, &run5); /* 22 + 9: five ones */
	squares(&t, &run5, 5);
	mul(&run10, &t, &run5);
	squares(&t, &run10, 10);
	mul(&run20, &t, &run10);
	squares(&t, &run20, 20);
	mul(&t, &t, &run20);
	squares(&t, &t, 10);
	mul(&run50, &t, &run10);
	squares(&t, &run50, 50);
	mul(&run100, &t, &run50);
	squares(&t, &run100, 100);
	mul(&t, &t, &run100);
	squares(&t, &t, 50);
	mul(&t, &t, &run50);
	squares(&t, &t, 5);
	mul(out, &t, &eleven);
}

static void words_get(struct number *out, const uint64_t w[4])
{
	out->limb[0] = w[0] & LOW;
	out->limb[1] = (w[0] >> 51 | w[1] << 13) & LOW;
	out->limb[2] = (w[1] >> 38 | w[2] << 26) & LOW;
	out->limb[3] = (w[2] >> 25 | w[3] << 39) & LOW;
	out->limb[4] = w[3] >> 12 & LOW;
}

/* of a number with limbs below 2^63: the one below 2^255 - 19 */
static void words_put(uint64_t w[4], const struct number *x)
{
	uint64_t r[5], carry = 0;

	memcpy(r, x->limb, sizeof(r));
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 5; i++) {
			r[i] += carry;
			carry = r[i] >> 51;
			r[i] &= LOW;
		}
		carry *= 19;
	}
	r[0] += carry; /* below 2^255 now; 19 more overflows if that is not below 2^255 - 19 */
	carry = (r[0] + 19) >> 51;
	for (unsigned i = 1; i < 5; i++)
		carry = (r[i] + carry) >> 51;
	carry *= 19;
	for (unsigned i = 0; i < 5; i++) {
		r[i] += carry;
		carry = r[i] >> 51;
		r[i] &= LOW;
	}
	w[0] = r[0] | r[1] << 51;
	w[1] = r[1] >> 13 | r[2] << 38;
	w[2] = r[2] >> 26 | r[3] << 25;
	w[3] = r[3] >> 39 | r[4] << 12;
}

/* ---- points of -x^2 + y^2 = 1 + d x^2 y^2, by x/z, y/z and t = xy/z ---- */

struct point {
	struct number x, y, z, t;
};

/* a point to add: y + x, y - x, 2dxy */
struct addend {
	struct number sum, difference, product;
};

/* of the factors e, f, g, h that both formulas end in: x = ef, y = gh, t = eh, z = fg */
static inline void point_of(struct point *p, const struct number *e, const struct number *f,
			    const struct number *g, const struct number *h)
{
	mul(&p->x, e, f);
	mul(&p->y, g, h);
	mul(&p->z, f, g);
	mul(&p->t, e, h);
}

/* The addition law is complete on this curve: no case is special, and so the time is always the same. */
static inline void point_add(struct point *p, const struct addend *q)
{
	struct number a, b, c, d, e, f, g, h;

	sub(&a, &p->y, &p->x);
	mul(&a, &a, &q->difference);
	add(&b, &p->y, &p->x);
	mul(&b, &b, &q->sum);
	mul(&c, &p->t, &q->product);
	add(&d, &p->z, &p->z);
	sub(&e, &b, &a);
	sub(&f, &d, &c); /* the longest: 2^53 + 2^52 */
	add(&g, &d, &c);
	add(&h, &b, &a);
	point_of(p, &e, &f, &g, &h);
}

static void point_double(struct point *p)
{
	struct number a, b, c, e, f, g, h;

	square(&a, &p->x);
	square(&b, &p->y);
	square(&c, &p->z);
	add(&c, &c, &c);
	add(&h, &a, &b);
	add(&e, &p->x, &p->y);
	square(&e, &e);
	sub(&e, &h, &e);
	sub(&g, &a, &b);
	add(&f, &c, &g); /* 2^53 + 2^52 + 2^51 */
	point_of(p, &e, &f, &g, &h);
}

/* ---- the table ---- */

static const struct number base_x = {
	{0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe, 0x216936d3cd6e5}};
static const struct number base_y = {
	{0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333, 0x6666666666666}};
static const struct number twice_d = {
	{0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};

static void entry_put(struct tls_x25519_point *out, const struct point *p)
{
	struct number inverse, x, y, n;

	invert(&inverse, &p->z);
	mul(&x, &p->x, &inverse);
	mul(&y, &p->y, &inverse);
	add(&n, &y, &x);
	words_put(out->words, &n);
	sub(&n, &y, &x);
	words_put(out->words + 4, &n);
	mul(&n, &x, &y);
	mul(&n, &n, &twice_d);
	words_put(out->words + 8, &n);
}

static void addend_get(struct addend *out, const uint64_t words[12])
{
	words_get(&out->sum, words);
	words_get(&out->difference, words + 4);
	words_get(&out->product, words + 8);
}

void tls_x25519_init(struct tls_x25519 *t)
{
	struct point first = {.x = base_x, .y = base_y, .z = {{1}}}, p;
	struct addend one;

	mul(&first.t, &base_x, &base_y);
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++) {
		entry_put(&t->table[i][0], &first);
		addend_get(&one, t->table[i][0].words);
		p = first;
		for (unsigned j = 1; j < TLS_X25519_DIGITS; j++) {
			point_add(&p, &one);
			entry_put(&t->table[i][j], &p);
		}
		for (unsigned k = 0; k < 8; k++)
			point_double(&first);
	}
}

/* ---- the product ---- */

/* all ones or zero; the compiler must not know which, or it might branch on it */
static inline uint64_t mask_of(uint64_t bit)
{
	uint64_t mask = 0 - bit;

	__asm__("" : "+r"(mask));
	return mask;
}

static inline uint64_t is_equal(uint64_t a, uint64_t b)
{
	return ((a ^ b) - 1) >> 63;
}

/* the multiple of this digit, -8 to 8, of this place; reads all of them */
static inline void choose(struct addend *out, const struct tls_x25519_point *place, int digit)
{
	uint64_t negative = (uint64_t)(int64_t)digit >> 63, mask;
	uint64_t size = ((uint64_t)(int64_t)digit ^ (0 - negative)) + negative;
	uint64_t w[12] = {is_equal(size, 0), 0, 0, 0, is_equal(size, 0)}; /* y = 1, x = 0 */
	struct number sum, difference, product, zero = {{0}};

	for (unsigned j = 0; j < TLS_X25519_DIGITS; j++) {
		mask = mask_of(is_equal(size, j + 1));
		for (unsigned i = 0; i < 12; i++)
			w[i] |= place[j].words[i] & mask;
	}
	words_get(&sum, w);
	words_get(&difference, w + 4);
	words_get(&product, w + 8);
	/* the opposite point has -x */
	mask = mask_of(negative);
	sub(&zero, &zero, &product);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t swap = (sum.limb[i] ^ difference.limb[i]) & mask;

		out->sum.limb[i] = sum.limb[i] ^ swap;
		out->difference.limb[i] = difference.limb[i] ^ swap;
		out->product.limb[i] = product.limb[i] ^ ((product.limb[i] ^ zero.limb[i]) & mask);
	}
}

void tls_x25519_public(const struct tls_x25519 *t, const uint8_t private[TLS_X25519_LEN],
		       uint8_t public[TLS_X25519_LEN])
{
	struct {
		uint8_t key[TLS_X25519_LEN];
		int digit[2 * TLS_X25519_PLACES]; /* of base 16, -8 to 8 */
		struct point p;
		struct addend q;
		struct number up, down;
		uint64_t words[4];
	} s;
	int carry = 0;

	memcpy(s.key, private, sizeof(s.key));
	s.key[0] &= 248;
	s.key[31] = (s.key[31] & 127) | 64;
	for (unsigned i = 0; i < 2 * TLS_X25519_PLACES - 1; i++) {
		s.digit[i] = (s.key[i / 2] >> 4 * (i % 2) & 15) + carry;
		carry = (s.digit[i] + 8) >> 4;
		s.digit[i] -= carry * 16;
	}
	s.digit[2 * TLS_X25519_PLACES - 1] = (s.key[31] >> 4) + carry;

	/* the odd ones, sixteen times that, the even ones */
	s.p = (struct point){.y = {{1}}, .z = {{1}}};
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++) {
		choose(&s.q, t->table[i], s.digit[2 * i + 1]);
		point_add(&s.p, &s.q);
	}
	for (unsigned i = 0; i < 4; i++)
		point_double(&s.p);
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++) {
		choose(&s.q, t->table[i], s.digit[2 * i]);
		point_add(&s.p, &s.q);
	}
	/* u = (1 + y) / (1 - y), RFC 7748 4.1 */
	add(&s.up, &s.p.z, &s.p.y);
	sub(&s.down, &s.p.z, &s.p.y);
	invert(&s.down, &s.down);
	mul(&s.up, &s.up, &s.down);
	words_put(s.words, &s.up);
	memcpy(public, s.words, sizeof(s.words)); /* little-endian, as this CPU is */
	tls_wipe(&s, sizeof(s));
}
