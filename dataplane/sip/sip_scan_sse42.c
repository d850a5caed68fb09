/* SPDX-License-Identifier: BSD-3-Clause */
#include <immintrin.h>

#include "dataplane/sip/sip_kernel.h"
#include "dataplane/sip/sip_tables.h"
#include "dataplane/sip/generic/sip_scan_loop.h"

static const uint8_t nibbles[SIP_CLASSES][16] = {SIP_CLASS_NIBBLES};

/* A byte is in a class if the row of its high nibble is marked at its low nibble; bytes above 0x7f have no
 * row (pshufb gives 0 for them), so they are in no class. */
static inline void sip_classify(struct sip_block *out, const uint8_t *p)
{
	const __m128i row_of = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0);

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < 64; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		__m128i row =
			_mm_shuffle_epi8(row_of, _mm_and_si128(_mm_srli_epi16(v, 4), _mm_set1_epi8(15)));

		for (unsigned c = 0; c < SIP_CLASSES; c++) {
			__m128i lut = _mm_loadu_si128((const __m128i *)nibbles[c]);
			__m128i in = _mm_and_si128(_mm_shuffle_epi8(lut, v), row);
			unsigned not_in =
				(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(in, _mm_setzero_si128()));

			out->map[c] |= (uint64_t)(c > SIP_NOT_WORD ? not_in ^ 0xffff : not_in) << i;
		}
		out->cr |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('\r'))) << i;
		out->high |= (uint64_t)(unsigned)_mm_movemask_epi8(v) << i;
	}
}

void sip_scan_sse42(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from)
{
	sip_scan_loop(s, buf, len, from);
}
