/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/x25519.h"

#include <string.h>

#include "dataplane/tls/isa/x25519_kernels.h"
#include "dataplane/tls/kdf.h"
#include "dataplane/tls/x25519_number.h"

/* ---- the table ---- */

static const struct tls_number base_x = {
	{0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe, 0x216936d3cd6e5}};
static const struct tls_number base_y = {
	{0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333, 0x6666666666666}};
static const struct tls_number twice_d = {
	{0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};

static void entry_put(struct tls_x25519_point *out, const struct tls_point *p)
{
	struct tls_number inverse, x, y, n;

	tls_number_invert(&inverse, &p->z);
	tls_number_mul(&x, &p->x, &inverse);
	tls_number_mul(&y, &p->y, &inverse);
	tls_number_add(&n, &y, &x);
	tls_number_put(out->words, &n);
	tls_number_sub(&n, &y, &x);
	tls_number_put(out->words + 4, &n);
	tls_number_mul(&n, &x, &y);
	tls_number_mul(&n, &n, &twice_d);
	tls_number_put(out->words + 8, &n);
}

static void addend_get(struct tls_addend *out, const uint64_t words[12])
{
	tls_number_get(&out->sum, words);
	tls_number_get(&out->difference, words + 4);
	tls_number_get(&out->product, words + 8);
}

void tls_x25519_init(struct tls_x25519 *t)
{
	struct tls_point first = {.x = base_x, .y = base_y, .z = {{1}}}, p;
	struct tls_addend one;

	tls_number_mul(&first.t, &base_x, &base_y);
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++) {
		entry_put(&t->table[i][0], &first);
		addend_get(&one, t->table[i][0].words);
		p = first;
		for (unsigned j = 1; j < TLS_X25519_DIGITS; j++) {
			tls_point_add(&p, &one);
			entry_put(&t->table[i][j], &p);
		}
		for (unsigned k = 0; k < 8; k++)
			tls_point_double(&first);
	}
}

/* ---- the product ---- */

static void public_plain(const struct tls_x25519 *t, const uint8_t private[TLS_X25519_LEN],
			 uint8_t public[TLS_X25519_LEN])
{
	struct {
		int digit[2 * TLS_X25519_PLACES];
		struct tls_point p;
		struct tls_addend q;
	} s;

	tls_digits_of(s.digit, private);
	/* the odd ones, sixteen times that, the even ones */
	s.p = (struct tls_point){.y = {{1}}, .z = {{1}}};
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++) {
		tls_addend_choose(&s.q, t->table[i], s.digit[2 * i + 1]);
		tls_point_add(&s.p, &s.q);
	}
	for (unsigned i = 0; i < 4; i++)
		tls_point_double(&s.p);
	for (unsigned i = 0; i < TLS_X25519_PLACES; i++) {
		tls_addend_choose(&s.q, t->table[i], s.digit[2 * i]);
		tls_point_add(&s.p, &s.q);
	}
	tls_point_u(&s.p, public);
	tls_wipe(&s, sizeof(s));
}

/* ---- which code ---- */

static bool ifma_runs(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512ifma");
}

const struct tls_x25519_kernel tls_x25519_kernels[] = {
	{"ifma", tls_x25519_public_ifma, tls_x25519_agree_ifma, ifma_runs, tls_x25519_publics_ifma},
	{"plain", public_plain, NULL, NULL, NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

const struct tls_x25519_kernel *tls_x25519_pick(void)
{
	const struct tls_x25519_kernel *k = tls_x25519_kernels;

	while (k->runs && !k->runs())
		k++;
	return k;
}
