/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to sip/: the look-up behind sip_header_lookup() and sip_method_lookup(), inline for the index. */
#ifndef DATAPLANE_SIP_SIP_NAMES_H
#define DATAPLANE_SIP_SIP_NAMES_H

#include <string.h>

#include "dataplane/sip/sip_header.h"
#include "dataplane/sip/sip_tables.h"

#define SIP_LOWER8 UINT64_C(0x2020202020202020)

struct sip_name_row {
	uint64_t w[4]; /* first 8 bytes, last 8 of longer names, bytes 8-15 of > 16, bytes 16-23 of > 24 */
	uint8_t len, id;
};

extern const struct sip_name_row sip_header_rows[];
extern const uint8_t sip_header_slots[1 << SIP_HEADER_HASH_BITS];

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "names are compared as little-endian words");

extern const uint64_t sip_masks[9];

/* up to 8 bytes as one word, never reading past `avail`; len is not 0 */
static inline uint64_t sip_load_short(const uint8_t *p, size_t len, size_t avail)
{
	uint64_t w = 0;

	if (__builtin_expect(avail >= 8, 1)) {
		memcpy(&w, p, 8);
		return w & sip_masks[len < 8 ? len : 8];
	}
	for (size_t i = 0; i < len && i < 8; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

/* the same in lower case: bit 5 is set */
static inline uint64_t sip_load_lower(const uint8_t *p, size_t len, size_t avail)
{
	uint64_t w = 0;

	if (__builtin_expect(avail >= 8, 1)) {
		memcpy(&w, p, 8);
		return (w | SIP_LOWER8) & sip_masks[len < 8 ? len : 8];
	}
	for (size_t i = 0; i < len && i < 8; i++)
		w |= (uint64_t)(p[i] | 0x20) << (8 * i);
	return w;
}

static inline uint32_t sip_name_slot(uint64_t a, uint8_t last, size_t len, uint64_t mul, unsigned bits)
{
	return (uint32_t)(((a ^ (uint64_t)last << 53) + len * UINT64_C(0x9e3779b97f4a7c15)) * mul >>
			  (64 - bits));
}

/* Setting bit 5 makes letters lower case; among token characters it moves only '_' and '^', which no name of
 * ours has in their new place. */
static inline enum sip_header_id sip_header_find(const uint8_t *p, size_t len, size_t avail)
{
	const struct sip_name_row *row;
	uint64_t a = sip_load_lower(p, len, avail), b;

	row = &sip_header_rows[sip_header_slots[sip_name_slot(a, p[len - 1] | 0x20, len, SIP_HEADER_HASH_MUL,
							      SIP_HEADER_HASH_BITS)]];
	if (row->w[0] != a || row->len != len)
		return SIP_HDR_OTHER;
	if (len > 8) {
		memcpy(&b, p + len - 8, 8);
		if ((b | SIP_LOWER8) != row->w[1])
			return SIP_HDR_OTHER;
		if (len > 16) {
			memcpy(&b, p + 8, 8);
			if ((b | SIP_LOWER8) != row->w[2])
				return SIP_HDR_OTHER;
		}
		if (len > 24) {
			memcpy(&b, p + 16, 8);
			if ((b | SIP_LOWER8) != row->w[3])
				return SIP_HDR_OTHER;
		}
	}
	return row->id;
}

#endif
