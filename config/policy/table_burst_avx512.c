/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel for AVX-512 (F, BW, VL): a name is one masked load, eight suffixes are hashed at once, a bucket
 * is one comparison. */
#include <immintrin.h>

#include "config/policy/table_burst.h"

static inline unsigned bucket_scan(const uint64_t *b, uint32_t tag)
{
	/* one aligned cache line: its 8-byte words do not tear */
	__m512i slots = _mm512_srli_epi64(_mm512_load_si512(b), 32);

	return _mm512_cmpeq_epi64_mask(slots, _mm512_set1_epi64((long long)tag));
}

static inline void dotted_read(struct dotted *d, struct policy_name name)
{
	const __m512i dot = _mm512_set1_epi8('.');

	d->dots[0] = d->dots[1] = d->dots[2] = d->dots[3] = 0;
	for (uint32_t i = 0; i < name.len; i += 64) {
		uint32_t rest = name.len - i;
		/* what is masked out is not read: nothing behind the name is touched */
		__mmask64 m = rest >= 64 ? ~0ull : ~(~0ull << rest);
		__m512i x = _mm512_maskz_loadu_epi8(m, name.ptr + i);

		_mm512_storeu_si512(d->text + i, x);
		d->dots[i / 64] = _mm512_cmpeq_epi8_mask(x, dot);
	}
	/* the last label's words may reach behind 64, 128, 192 */
	if (__builtin_expect(name.len % 64 > 56 || name.len % 64 == 0, 0))
		_mm_storeu_si128((__m128i *)(d->text + name.len), _mm_setzero_si128());
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

/* keyhash_final() in eight lanes */
static inline void probes_hash(struct probes *p, unsigned at)
{
	struct lanes s = {_mm512_loadu_si512(&p->v0[at]), _mm512_loadu_si512(&p->v1[at]),
			  _mm512_loadu_si512(&p->v2[at]), _mm512_loadu_si512(&p->v3[at])};

	s.v2 = _mm512_xor_si512(s.v2, _mm512_set1_epi64(0xee));
	lanes_round(&s);
	lanes_round(&s);
	lanes_round(&s);
	_mm512_storeu_si512(&p->h1[at], lanes_fold(&s));
	s.v1 = _mm512_xor_si512(s.v1, _mm512_set1_epi64(0xdd));
	lanes_round(&s);
	lanes_round(&s);
	lanes_round(&s);
	_mm512_storeu_si512(&p->h2[at], lanes_fold(&s));
}

void table_domains_avx512(struct table_view *v, const struct policy_name *names, unsigned n,
			  struct policy_hit *hits)
{
	domains_burst(v, names, n, hits);
}
