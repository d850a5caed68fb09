/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to sip/: the look-up behind sip_header_lookup() and sip_method_lookup(), inline for the index. */
#ifndef DATAPLANE_SIP_SIP_NAMES_H
#define DATAPLANE_SIP_SIP_NAMES_H

#include <string.h>

#include "dataplane/sip/sip_header.h"
#include "dataplane/sip/sip_tables.h"

#define SIP_LOWER8 UINT64_C(0x2020202020202020)

struct sip_name_row {
	uint64_t w[4];	  /* the name, eight bytes a word */
	uint64_t mask[2]; /* which bytes of the first two are name */
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

/* A name is hashed by its first, last and middle byte and its length, which is not 0; `lower` is 0x202020
 * where case does not count. */
static inline uint32_t sip_name_slot(const uint8_t *p, uint32_t len, uint32_t lower, uint32_t mul,
				     unsigned bits)
{
	uint32_t x = (uint32_t)p[0] | (uint32_t)p[len - 1] << 8 | (uint32_t)p[len / 2] << 16;

	return ((x | lower) + (len << 24)) * mul >> (32 - bits);
}

/* Setting bit 5 makes letters lower case; among token characters it moves only '_' and '^', which no name of
 * ours has in their new place. */
static inline enum sip_header_id sip_header_find(const uint8_t *p, size_t len, size_t avail)
{
	const struct sip_name_row *row = &sip_header_rows[sip_header_slots[sip_name_slot(
		p, (uint32_t)len, 0x202020, SIP_HEADER_HASH_MUL, SIP_HEADER_HASH_BITS)]];
	uint64_t w[4];

	if (__builtin_expect(avail < 32, 0)) {
		uint8_t copy[32] = {0};

		memcpy(copy, p, len < 32 ? len : 32);
		memcpy(w, copy, 32);
	} else {
		memcpy(w, p, 32);
	}
	if (row->len != len || ((((w[0] | SIP_LOWER8) & row->mask[0]) ^ row->w[0]) |
				(((w[1] | SIP_LOWER8) & row->mask[1]) ^ row->w[1])) != 0)
		return SIP_HDR_OTHER;
	if (__builtin_expect(len > 16, 0)) {
		for (size_t i = 16; i < len; i++)
			if ((p[i] | 0x20) != (uint8_t)(row->w[i / 8] >> (8 * (i % 8))))
				return SIP_HDR_OTHER;
	}
	return row->id;
}

#endif
