/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_kernel.h"
#include "dataplane/sip/sip_tables.h"
#include "dataplane/sip/generic/sip_scan_loop.h"

static const uint8_t class_bytes[256] = {SIP_CLASS_BYTES};

/* eight bytes that are 0 or 1 become eight bits */
static inline uint64_t gather(uint64_t bytes)
{
	return (bytes * UINT64_C(0x0102040810204080)) >> 56;
}

static inline void sip_classify(struct sip_block *out, const uint8_t *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < 64; i += 8) {
		uint64_t cls = 0, cr = 0, high = 0;

		for (unsigned k = 0; k < 8; k++) {
			uint8_t ch = p[i + k];

			cls |= (uint64_t)class_bytes[ch] << (8 * k);
			cr |= (uint64_t)(ch == '\r') << k;
			high |= (uint64_t)(ch >> 7) << k;
		}
		for (unsigned c = 0; c < SIP_CLASSES; c++)
			out->map[c] |= gather(cls >> c & ones) << i;
		out->cr |= cr << i;
		out->high |= high << i;
	}
	for (unsigned c = 0; c <= SIP_NOT_WORD; c++)
		out->map[c] = ~out->map[c];
}

void sip_scan_fallback(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from)
{
	sip_scan_loop(s, buf, len, from);
}
