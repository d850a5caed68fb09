/* SPDX-License-Identifier: BSD-3-Clause */
#include <immintrin.h>

#include "dataplane/sip/sip_kernel.h"
#include "dataplane/sip/sip_tables.h"
#include "dataplane/sip/generic/sip_scan_loop.h"

static const uint8_t class_bytes[256] __attribute__((aligned(64))) = {SIP_CLASS_BYTES};

/* VBMI looks all of ASCII up in two registers: one instruction gives the class byte of 64 characters. */
static inline void sip_classify(struct sip_block *out, const uint8_t *p)
{
	const __m512i low = _mm512_load_si512(class_bytes), high = _mm512_load_si512(class_bytes + 64);
	__m512i v = _mm512_loadu_si512(p);
	__mmask64 above = _mm512_movepi8_mask(v);
	__m512i cls = _mm512_maskz_permutex2var_epi8(~above, low, v, high);

#pragma GCC unroll 8
	for (unsigned c = 0; c < SIP_CLASSES; c++) {
		__m512i bit = _mm512_set1_epi8((char)(1 << c));

		out->map[c] =
			c > SIP_NOT_WORD ? _mm512_test_epi8_mask(cls, bit) : _mm512_testn_epi8_mask(cls, bit);
	}
	out->cr = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r'));
	out->high = above;
}

void sip_scan_avx512(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from)
{
	sip_scan_loop(s, buf, len, from);
}
