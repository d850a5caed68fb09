/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to sip/: the look-up behind sip_header_lookup() and sip_method_lookup(), inline for the index. */
#ifndef DATAPLANE_SIP_SIP_NAMES_H
#define DATAPLANE_SIP_SIP_NAMES_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <stdbool.h>
#include <string.h>

#include "dataplane/sip/sip_header.h"
#include "dataplane/sip/sip_tables.h"

#define SIP_LOWER8 UINT64_C(0x2020202020202020)
/* four letters, or three and a fourth byte that must be what it is */
#define SIP_LOWER4 UINT32_C(0x20202020)
#define SIP_LOWER3 UINT32_C(0x00202020)

static inline uint32_t sip_load4(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, 4);
	return w;
}

struct sip_name_row {
	uint8_t text[32]; /* the name */
	uint8_t mask[16]; /* which of its first 16 bytes are name */
	uint8_t len, id;
} __attribute__((aligned(64)));

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

/* are the 16 bytes at p, in lower case where the mask is set, those of the row? */
static inline bool sip_name_is16(const uint8_t *p, const struct sip_name_row *row)
{
#ifdef __SSE2__
	__m128i v = _mm_or_si128(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8(0x20));

	v = _mm_and_si128(v, _mm_load_si128((const __m128i *)row->mask));
	return _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_load_si128((const __m128i *)row->text))) == 0xffff;
#else
	uint64_t v[2], mask[2], text[2];

	memcpy(v, p, 16);
	memcpy(mask, row->mask, 16);
	memcpy(text, row->text, 16);
	return ((((v[0] | SIP_LOWER8) & mask[0]) ^ text[0]) | (((v[1] | SIP_LOWER8) & mask[1]) ^ text[1])) ==
	       0;
#endif
}

/* are the last 16 bytes of a longer name those of the row? */
static inline bool sip_name_ends(const uint8_t *p, const struct sip_name_row *row)
{
#ifdef __SSE2__
	__m128i v = _mm_or_si128(_mm_loadu_si128((const __m128i *)(p + row->len - 16)), _mm_set1_epi8(0x20));
	__m128i text = _mm_loadu_si128((const __m128i *)(row->text + row->len - 16));

	return _mm_movemask_epi8(_mm_cmpeq_epi8(v, text)) == 0xffff;
#else
	for (uint32_t i = 16; i < row->len; i++)
		if ((p[i] | 0x20) != row->text[i])
			return false;
	return true;
#endif
}

/* Name of a header field at p in its line: two bytes before it (CR and LF) and the ':' right behind it can be
 * read, and in all 16 bytes from p on. Setting bit 5 makes letters lower case; among token characters it
 * moves only '_' and '^', which no name of ours has in their new place. */
static inline enum sip_header_id sip_header_find(const uint8_t *p, uint32_t len)
{
	const struct sip_name_row *row;
	uint32_t x;

	memcpy(&x, p + len - 3, 4);
	/* the ':' goes */
	x = (x << 8 | p[0] | 0x20202020) + (((p[len / 2] | 0x20u) + 8 * len) << 13);
	row = &sip_header_rows[sip_header_slots[x * SIP_HEADER_HASH_MUL >> (32 - SIP_HEADER_HASH_BITS)]];
	if (row->len != len || !sip_name_is16(p, row))
		return SIP_HDR_OTHER;
	if (__builtin_expect(len > 16, 0) && !sip_name_ends(p, row))
		return SIP_HDR_OTHER;
	return row->id;
}

extern const struct sip_name_row sip_method_rows[];
extern const uint8_t sip_method_slots[1 << SIP_METHOD_HASH_BITS];

/* Method at p, len not 0, of which `avail` bytes can be read: case counts. */
static inline enum sip_method sip_method_find(const uint8_t *p, uint32_t len, uint32_t avail)
{
	const struct sip_name_row *row = &sip_method_rows[sip_method_slots[sip_name_slot(
		p, len, 0, SIP_METHOD_HASH_MUL, SIP_METHOD_HASH_BITS)]];
	uint64_t v[2] = {0, 0}, mask[2], text[2];

	if (row->len != len)
		return SIP_METHOD_OTHER;
	if (__builtin_expect(avail >= 16, 1))
		memcpy(v, p, 16);
	else
		memcpy(v, p, len);
	memcpy(mask, row->mask, 16);
	memcpy(text, row->text, 16);
	return (((v[0] & mask[0]) ^ text[0]) | ((v[1] & mask[1]) ^ text[1])) == 0 ? row->id
										  : SIP_METHOD_OTHER;
}

#endif
