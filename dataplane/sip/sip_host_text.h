/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to sip/: is a text an IP address? Addresses stand in half of all Vias, and a loop over their bytes
 * is mispredicted at the end of every group. Here the bytes become bitmaps once, and rules become masks. What
 * these refuse, sip_ip4_parse() and sip_ip6_parse() judge. */
#ifndef DATAPLANE_SIP_SIP_HOST_TEXT_H
#define DATAPLANE_SIP_SIP_HOST_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>

enum { SIP_IP4_READ = 16, SIP_IP6_READ = 48 }; /* bytes from p on that must be readable */

/* one bit a byte: which bytes are above a limit, as unsigned numbers */
static inline uint32_t sip_bytes_above(__m128i v, uint8_t limit)
{
	__m128i most = _mm_min_epu8(v, _mm_set1_epi8((char)limit));

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(most, v)) ^ 0xffff;
}

static inline uint32_t sip_bytes_equal(__m128i v, uint8_t c)
{
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)c)));
}

/* dotted quad in p[0, n), n from 7 to 15: four octets from 0 to 255 without leading zeros */
static inline bool sip_ip4_text(const uint8_t *p, uint32_t n)
{
	const __m128i v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8('0'));
	const uint32_t all = (1u << n) - 1;
	const uint32_t dots = sip_bytes_equal(v, (uint8_t)('.' - '0')) & all;
	const uint32_t digits = ~sip_bytes_above(v, 9) & all;
	/* where an octet starts, and where one of two or three digits does */
	const uint32_t start = digits & ~(digits << 1), two = start & digits >> 1, three = two & digits >> 2;
	const uint32_t zero = sip_bytes_equal(v, 0), is2 = sip_bytes_equal(v, 2), is5 = sip_bytes_equal(v, 5);
	const uint32_t above2 = sip_bytes_above(v, 2), above5 = sip_bytes_above(v, 5);
	/* three dots, each between two digits, and nothing else */
	uint32_t d = dots & (dots - 1), bad = (dots | digits) ^ all;

	bad |= dots & ~(digits << 1 & digits >> 1);
	bad |= d == 0 || (d & (d - 1)) == 0 || (d & (d - 1) & ((d & (d - 1)) - 1)) != 0;
	bad |= (two & zero) | (three & digits >> 3);
	bad |= three & (above2 | (is2 & (above5 >> 1 | (is5 >> 1 & above5 >> 2))));
	return bad == 0;
}

/* IPv6 without an IPv4 tail, at the start of p, with ']' behind it: its length; 0: not that */
static inline uint32_t sip_ip6_text(const uint8_t *p)
{
	uint64_t hex = 0, colons = 0, twins, first;
	uint32_t n;

	for (unsigned i = 0; i < 3; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + 16 * i));
		__m128i letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
		uint32_t other =
			sip_bytes_above(_mm_sub_epi8(v, _mm_set1_epi8('0')), 9) & sip_bytes_above(letter, 5);

		hex |= (uint64_t)(other ^ 0xffff) << (16 * i);
		colons |= (uint64_t)sip_bytes_equal(v, ':') << (16 * i);
	}
	/* never more than 48 */
	n = (uint32_t)__builtin_ctzll(~(hex | colons));
	if (n < 2 || n > 39 || p[n] != ']')
		return 0;
	hex &= (UINT64_C(1) << n) - 1;
	colons &= (UINT64_C(1) << n) - 1;
	twins = colons & colons >> 1; /* "::", once */
	first = hex & ~(hex << 1);    /* the first digit of every group */
	for (unsigned i = 0; i < 7; i++)
		first &= first - 1; /* what is left: the eighth and more */
	if (twins & (twins - 1))
		return 0;
	/* a ':' at either end is half of a "::" */
	if (((colons & 1) && !(twins & 1)) || ((colons >> (n - 1) & 1) && !(twins >> (n - 2) & 1)))
		return 0;
	if (hex & hex >> 1 & hex >> 2 & hex >> 3 & hex >> 4)
		return 0;
	return (twins ? first == 0 : first != 0 && (first & (first - 1)) == 0) ? n : 0;
}
#endif

#endif
