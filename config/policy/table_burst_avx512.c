/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel for AVX-512 (F, BW, VL): a name is one masked load, eight hashes are finished at once, a bucket
 * is one comparison. */
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

static inline struct table_sums suffix_sums(const struct taken *t, const struct table_key *key, unsigned len)
{
	const uint64_t *k = key->nh + TABLE_WORDS - 8;
	__m512i x = _mm512_maskz_mov_epi8(~0ull << (64 - len), _mm512_load_si512(t->words));
	struct table_sums s = {{0, 0}, {0, 0}};
	uint64_t a[8] __attribute__((aligned(64))), b[8] __attribute__((aligned(64)));

	_mm512_store_si512(a, _mm512_add_epi64(x, _mm512_loadu_si512(k)));
	_mm512_store_si512(b, _mm512_add_epi64(x, _mm512_loadu_si512(k + 2)));
	for (unsigned i = 4; i < 8; i += 2) {
		table_nh_pair(s.a, a[i], a[i + 1]);
		table_nh_pair(s.b, b[i], b[i + 1]);
	}
	for (int i = 2; __builtin_expect(i >= 0 && (int)len > 48 - 8 * i, 0); i -= 2) {
		table_nh_pair(s.a, a[i], a[i + 1]);
		table_nh_pair(s.b, b[i], b[i + 1]);
	}
	return s;
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
