/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and addresses as text where each message needs one: the C library's way costs more than parsing the
 * message's Via. No end mark is written; each returns the length. */
#ifndef DATAPLANE_BASE_ADDRESS_TEXT_H
#define DATAPLANE_BASE_ADDRESS_TEXT_H

#include <stdint.h>
#include <string.h>

#include "dataplane/base/addr.h"

enum { BASE_DECIMAL_MAX = 10, BASE_IP4_TEXT_MAX = 15, BASE_IP6_TEXT_MAX = 39 };

static inline unsigned base_decimal_put(char out[BASE_DECIMAL_MAX], uint32_t number)
{
	char digit[BASE_DECIMAL_MAX];
	unsigned n = sizeof(digit), len;

	do
		digit[--n] = (char)('0' + number % 10);
	while (number /= 10);
	len = (unsigned)sizeof(digit) - n;
	for (unsigned i = 0; i < len; i++)
		out[i] = digit[n + i];
	return len;
}

static inline unsigned base_ip4_put(char out[BASE_IP4_TEXT_MAX], const uint8_t ip[4])
{
	char *p = out;

	for (unsigned i = 0; i < 4; i++) {
		unsigned b = ip[i];

		if (i)
			*p++ = '.';
		if (b >= 100)
			*p++ = (char)('0' + b / 100);
		if (b >= 10)
			*p++ = (char)('0' + b / 10 % 10);
		*p++ = (char)('0' + b % 10);
	}
	return (unsigned)(p - out);
}

/* RFC 5952 section 4: lower case, no leading zeros, :: for the first of the longest runs of two zero groups
 * or more. */
static inline unsigned base_ip6_put(char out[BASE_IP6_TEXT_MAX], const uint8_t ip[16])
{
	static const char hex[] = "0123456789abcdef";
	unsigned group[8], run = 0, best = 8, best_len = 1;
	char *p = out;

	for (unsigned i = 0; i < 8; i++) {
		group[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
		run = group[i] ? 0 : run + 1;
		if (run > best_len) {
			best_len = run;
			best = i + 1 - run;
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		unsigned g = group[i];

		if (i == best) {
			*p++ = ':';
			*p++ = ':';
			i += best_len - 1;
			continue;
		}
		if (i && i != best + best_len)
			*p++ = ':';
		if (g > 0xfff)
			*p++ = hex[g >> 12];
		if (g > 0xff)
			*p++ = hex[g >> 8 & 15];
		if (g > 0xf)
			*p++ = hex[g >> 4 & 15];
		*p++ = hex[g & 15];
	}
	return (unsigned)(p - out);
}

#endif
