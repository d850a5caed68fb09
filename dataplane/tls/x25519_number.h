/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of x25519.h: numbers modulo 2^255 - 19, and the table's entries. */
#ifndef DATAPLANE_TLS_X25519_NUMBER_H
#define DATAPLANE_TLS_X25519_NUMBER_H

#include <stdint.h>
#include <string.h>

#include "dataplane/tls/x25519.h"

/* ---- integers modulo 2^255 - 19, in five limbs of 51 bits ----
 * "Short" is a number whose limbs are below 2^51 + 2^13: what tls_number_mul() and tls_number_square() give.
 * They take limbs below 2^54; each sum or difference below says how long it gets. */

struct tls_number {
	uint64_t limb[5];
};

__extension__ typedef unsigned __int128 tls_wide; /* C has no other name for it */

#define TLS_NUMBER_LOW ((UINT64_C(1) << 51) - 1)

static inline void tls_number_shorten(struct tls_number *out, tls_wide t0, tls_wide t1, tls_wide t2,
				      tls_wide t3, tls_wide t4)
{
	uint64_t r0, r1;

	t1 += t0 >> 51;
	t2 += t1 >> 51;
	t3 += t2 >> 51;
	t4 += t3 >> 51;
	r0 = ((uint64_t)t0 & TLS_NUMBER_LOW) + (uint64_t)(t4 >> 51) * 19; /* 2^255 is 19 */
	r1 = ((uint64_t)t1 & TLS_NUMBER_LOW) + (r0 >> 51);
	out->limb[0] = r0 & TLS_NUMBER_LOW;
	out->limb[1] = r1;
	out->limb[2] = (uint64_t)t2 & TLS_NUMBER_LOW;
	out->limb[3] = (uint64_t)t3 & TLS_NUMBER_LOW;
	out->limb[4] = (uint64_t)t4 & TLS_NUMBER_LOW;
}

static inline void tls_number_mul(struct tls_number *out, const struct tls_number *x,
				  const struct tls_number *y)
{
	const uint64_t *a = x->limb, *b = y->limb;
	uint64_t b1 = b[1] * 19, b2 = b[2] * 19, b3 = b[3] * 19, b4 = b[4] * 19;
	tls_wide t0, t1, t2, t3, t4;

	t0 = (tls_wide)a[0] * b[0] + (tls_wide)a[1] * b4 + (tls_wide)a[2] * b3 + (tls_wide)a[3] * b2 +
	     (tls_wide)a[4] * b1;
	t1 = (tls_wide)a[0] * b[1] + (tls_wide)a[1] * b[0] + (tls_wide)a[2] * b4 + (tls_wide)a[3] * b3 +
	     (tls_wide)a[4] * b2;
	t2 = (tls_wide)a[0] * b[2] + (tls_wide)a[1] * b[1] + (tls_wide)a[2] * b[0] + (tls_wide)a[3] * b4 +
	     (tls_wide)a[4] * b3;
	t3 = (tls_wide)a[0] * b[3] + (tls_wide)a[1] * b[2] + (tls_wide)a[2] * b[1] + (tls_wide)a[3] * b[0] +
	     (tls_wide)a[4] * b4;
	t4 = (tls_wide)a[0] * b[4] + (tls_wide)a[1] * b[3] + (tls_wide)a[2] * b[2] + (tls_wide)a[3] * b[1] +
	     (tls_wide)a[4] * b[0];
	tls_number_shorten(out, t0, t1, t2, t3, t4);
}

static inline void tls_number_square(struct tls_number *out, const struct tls_number *x)
{
	const uint64_t *a = x->limb;
	uint64_t a0 = a[0] * 2, a1 = a[1] * 2, a3 = a[3] * 19, a4 = a[4] * 19;
	tls_wide t0, t1, t2, t3, t4;

	t0 = (tls_wide)a[0] * a[0] + (tls_wide)a1 * a4 + (tls_wide)(a[2] * 2) * a3;
	t1 = (tls_wide)a0 * a[1] + (tls_wide)(a[2] * 2) * a4 + (tls_wide)a[3] * a3;
	t2 = (tls_wide)a0 * a[2] + (tls_wide)a[1] * a[1] + (tls_wide)(a[3] * 2) * a4;
	t3 = (tls_wide)a0 * a[3] + (tls_wide)a1 * a[2] + (tls_wide)a[4] * a4;
	t4 = (tls_wide)a0 * a[4] + (tls_wide)a1 * a[3] + (tls_wide)a[2] * a[2];
	tls_number_shorten(out, t0, t1, t2, t3, t4);
}

static inline void tls_number_squares(struct tls_number *out, const struct tls_number *x, unsigned n)
{
	*out = *x;
	while (n--)
		tls_number_square(out, out);
}

static inline void tls_number_add(struct tls_number *out, const struct tls_number *x,
				  const struct tls_number *y)
{
	for (unsigned i = 0; i < 5; i++)
		out->limb[i] = x->limb[i] + y->limb[i];
}

/* y's limbs below 2^53 - 76: adds 4 (2^255 - 19), so the result has up to 2^53 more than x */
static inline void tls_number_sub(struct tls_number *out, const struct tls_number *x,
				  const struct tls_number *y)
{
	out->limb[0] = x->limb[0] + (TLS_NUMBER_LOW - 18) * 4 - y->limb[0];
	for (unsigned i = 1; i < 5; i++)
		out->limb[i] = x->limb[i] + TLS_NUMBER_LOW * 4 - y->limb[i];
}

/* to the power of 2^255 - 21, which is the inverse: 2^250 - 1 by doubling the run of ones, then 01011 */
static inline void tls_number_invert(struct tls_number *out, const struct tls_number *z)
{
	struct tls_number eleven, run5, run10, run20, run50, run100, t;

	tls_number_squares(&t, z, 1); /* 2 */
	tls_number_squares(&run5, &t, 2);
	tls_number_mul(&run5, &run5, z); /* 9 */
	tls_number_mul(&eleven, &run5, &t);
	tls_number_squares(&t, &eleven, 1);
	tls_number_mul(&run5, &t, &run5); /* 22 + 9: five ones */
	tls_number_squares(&t, &run5, 5);
	tls_number_mul(&run10, &t, &run5);
	tls_number_squares(&t, &run10, 10);
	tls_number_mul(&run20, &t, &run10);
	tls_number_squares(&t, &run20, 20);
	tls_number_mul(&t, &t, &run20);
	tls_number_squares(&t, &t, 10);
	tls_number_mul(&run50, &t, &run10);
	tls_number_squares(&t, &run50, 50);
	tls_number_mul(&run100, &t, &run50);
	tls_number_squares(&t, &run100, 100);
	tls_number_mul(&t, &t, &run100);
	tls_number_squares(&t, &t, 50);
	tls_number_mul(&t, &t, &run50);
	tls_number_squares(&t, &t, 5);
	tls_number_mul(out, &t, &eleven);
}

/* n numbers to their inverses, at the price of one and three multiplications each; `room` is for n. If one is
 * zero, all become zero. */
static inline void tls_numbers_invert(struct tls_number *z, struct tls_number *room, unsigned n)
{
	struct tls_number product = z[0], one;

	for (unsigned i = 1; i < n; i++) {
		room[i] = product;
		tls_number_mul(&product, &product, &z[i]);
	}
	tls_number_invert(&product, &product);
	for (unsigned i = n - 1; i > 0; i--) {
		tls_number_mul(&one, &product, &room[i]);
		tls_number_mul(&product, &product, &z[i]);
		z[i] = one;
	}
	z[0] = product;
}

static inline void tls_number_get(struct tls_number *out, const uint64_t w[4])
{
	out->limb[0] = w[0] & TLS_NUMBER_LOW;
	out->limb[1] = (w[0] >> 51 | w[1] << 13) & TLS_NUMBER_LOW;
	out->limb[2] = (w[1] >> 38 | w[2] << 26) & TLS_NUMBER_LOW;
	out->limb[3] = (w[2] >> 25 | w[3] << 39) & TLS_NUMBER_LOW;
	out->limb[4] = w[3] >> 12 & TLS_NUMBER_LOW;
}

/* of a number with limbs below 2^63: the one below 2^255 - 19 */
static inline void tls_number_put(uint64_t w[4], const struct tls_number *x)
{
	uint64_t r[5], carry = 0;

	memcpy(r, x->limb, sizeof(r));
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 5; i++) {
			r[i] += carry;
			carry = r[i] >> 51;
			r[i] &= TLS_NUMBER_LOW;
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
		r[i] &= TLS_NUMBER_LOW;
	}
	w[0] = r[0] | r[1] << 51;
	w[1] = r[1] >> 13 | r[2] << 38;
	w[2] = r[2] >> 26 | r[3] << 25;
	w[3] = r[3] >> 39 | r[4] << 12;
}

/* ---- entries of the table ---- */

/* a point to add: y + x, y - x, 2dxy */
struct tls_addend {
	struct tls_number sum, difference, product;
};

/* all ones or zero; the compiler must not know which, or it might branch on it */
static inline uint64_t tls_mask_of(uint64_t bit)
{
	uint64_t mask = 0 - bit;

	__asm__("" : "+r"(mask));
	return mask;
}

static inline uint64_t tls_is_equal(uint64_t a, uint64_t b)
{
	return ((a ^ b) - 1) >> 63;
}

/* the multiple of this digit, -8 to 8, of this place; reads all of them */
static inline void tls_addend_choose(struct tls_addend *out, const struct tls_x25519_point *place, int digit)
{
	uint64_t negative = (uint64_t)(int64_t)digit >> 63, mask;
	uint64_t size = ((uint64_t)(int64_t)digit ^ (0 - negative)) + negative;
	uint64_t w[12] = {tls_is_equal(size, 0), 0, 0, 0, tls_is_equal(size, 0)}; /* y = 1, x = 0 */
	struct tls_number sum, difference, product, zero = {{0}};

	for (unsigned j = 0; j < TLS_X25519_DIGITS; j++) {
		mask = tls_mask_of(tls_is_equal(size, j + 1));
		for (unsigned i = 0; i < 12; i++)
			w[i] |= place[j].words[i] & mask;
	}
	tls_number_get(&sum, w);
	tls_number_get(&difference, w + 4);
	tls_number_get(&product, w + 8);
	/* the opposite point has -x */
	mask = tls_mask_of(negative);
	tls_number_sub(&zero, &zero, &product);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t swap = (sum.limb[i] ^ difference.limb[i]) & mask;

		out->sum.limb[i] = sum.limb[i] ^ swap;
		out->difference.limb[i] = difference.limb[i] ^ swap;
		out->product.limb[i] = product.limb[i] ^ ((product.limb[i] ^ zero.limb[i]) & mask);
	}
}

/* the digits of a key in base 16, from -8 to 8, least first; clamped as RFC 7748 5 asks for */
static inline void tls_digits_of(int digit[2 * TLS_X25519_PLACES], const uint8_t key[TLS_X25519_LEN])
{
	int carry = 0;

	for (unsigned i = 0; i < TLS_X25519_LEN; i++) {
		uint8_t byte = key[i];

		if (i == 0)
			byte &= 248;
		if (i == TLS_X25519_LEN - 1)
			byte = (byte & 127) | 64;
		digit[2 * i] = (byte & 15) + carry;
		carry = (digit[2 * i] + 8) >> 4;
		digit[2 * i] -= carry * 16;
		digit[2 * i + 1] = (byte >> 4) + carry;
		carry = i == TLS_X25519_LEN - 1 ? 0 : (digit[2 * i + 1] + 8) >> 4;
		digit[2 * i + 1] -= carry * 16;
	}
}

/* ---- points of -x^2 + y^2 = 1 + d x^2 y^2, by x/z, y/z and t = xy/z ---- */

struct tls_point {
	struct tls_number x, y, z, t;
};

/* of the factors e, f, g, h that both formulas end in: x = ef, y = gh, t = eh, z = fg */
static inline void tls_point_of(struct tls_point *p, const struct tls_number *e, const struct tls_number *f,
				const struct tls_number *g, const struct tls_number *h)
{
	tls_number_mul(&p->x, e, f);
	tls_number_mul(&p->y, g, h);
	tls_number_mul(&p->z, f, g);
	tls_number_mul(&p->t, e, h);
}

/* The addition law is complete on this curve: no case is special, and so the time is always the same. */
static inline void tls_point_add(struct tls_point *p, const struct tls_addend *q)
{
	struct tls_number a, b, c, d, e, f, g, h;

	tls_number_sub(&a, &p->y, &p->x);
	tls_number_mul(&a, &a, &q->difference);
	tls_number_add(&b, &p->y, &p->x);
	tls_number_mul(&b, &b, &q->sum);
	tls_number_mul(&c, &p->t, &q->product);
	tls_number_add(&d, &p->z, &p->z);
	tls_number_sub(&e, &b, &a);
	tls_number_sub(&f, &d, &c); /* the longest: 2^53 + 2^52 */
	tls_number_add(&g, &d, &c);
	tls_number_add(&h, &b, &a);
	tls_point_of(p, &e, &f, &g, &h);
}

static inline void tls_point_double(struct tls_point *p)
{
	struct tls_number a, b, c, e, f, g, h;

	tls_number_square(&a, &p->x);
	tls_number_square(&b, &p->y);
	tls_number_square(&c, &p->z);
	tls_number_add(&c, &c, &c);
	tls_number_add(&h, &a, &b);
	tls_number_add(&e, &p->x, &p->y);
	tls_number_square(&e, &e);
	tls_number_sub(&e, &h, &e);
	tls_number_sub(&g, &a, &b);
	tls_number_add(&f, &c, &g); /* 2^53 + 2^52 + 2^51 */
	tls_point_of(p, &e, &f, &g, &h);
}

/* u = (1 + y) / (1 - y) on the curve of RFC 7748 4.1, as its 32 bytes */
static inline void tls_point_u(const struct tls_point *p, uint8_t out[TLS_X25519_LEN])
{
	struct tls_number up, down;
	uint64_t words[4];

	tls_number_add(&up, &p->z, &p->y);
	tls_number_sub(&down, &p->z, &p->y);
	tls_number_invert(&down, &down);
	tls_number_mul(&up, &up, &down);
	tls_number_put(words, &up);
	memcpy(out, words, sizeof(words)); /* little-endian, as this CPU is */
}

#endif
