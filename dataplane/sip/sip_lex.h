/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to sip/: what the typed parsers are made of. A position is an offset into m->buf; all positions
 * stay below the end of the header section, where every map ends a run. Functions that can fail return 0: no
 * token ends at offset 0. */
#ifndef DATAPLANE_SIP_SIP_LEX_H
#define DATAPLANE_SIP_SIP_LEX_H

#include "dataplane/sip/sip_msg.h"
#include "dataplane/sip/sip_names.h"

#define sip_likely(x)	__builtin_expect(!!(x), 1)
#define sip_unlikely(x) __builtin_expect(!!(x), 0)

/* first set bit at or behind pos; the scan ends every map with ones */
static inline uint32_t sip_bits_next(const uint64_t *map, uint32_t pos)
{
	uint32_t i = pos >> 6, shift = pos & 63;
	uint64_t w = map[i] >> shift | (map[i + 1] << 1) << (63 - shift);

	if (sip_likely(w != 0))
		return pos + (uint32_t)__builtin_ctzll(w);
	for (i++; map[i] == 0; i++)
		;
	return i * 64 + (uint32_t)__builtin_ctzll(map[i]);
}

static inline uint32_t sip_run(const struct sip_msg *m, enum sip_class c, uint32_t pos)
{
	return sip_bits_next(m->scan.bits[c], pos);
}

/* inside of a value CR and LF are always parts of a fold: the index has seen to that */
static inline bool sip_is_ws(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline uint32_t sip_skip_ws(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	while (pos < end && sip_is_ws(m->buf[pos]))
		pos++;
	return pos;
}

static inline bool sip_is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

static inline bool sip_is_alpha(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26;
}

static inline int sip_hex(uint8_t c)
{
	if (sip_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "%" HEXDIG HEXDIG at pos */
static inline bool sip_is_escape(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	return end - pos >= 3 && m->buf[pos] == '%' && sip_hex(m->buf[pos + 1]) >= 0 &&
	       sip_hex(m->buf[pos + 2]) >= 0;
}

/* up to eight bytes as a lower-case word; longer names are told apart by their length and what follows */
static inline uint64_t sip_word(const struct sip_msg *m, uint32_t pos, uint32_t len)
{
	uint64_t w = sip_load_short(m->buf + pos, len, m->len - pos);

	return w | (len >= 8 ? SIP_LOWER8 : SIP_LOWER8 & ((UINT64_C(1) << (8 * len)) - 1));
}

/* 1*DIGIT at pos into *out: behind the digits; 0: none, or more than max */
static inline uint32_t sip_number(const struct sip_msg *m, uint32_t pos, uint32_t end, uint64_t max,
				  uint64_t *out)
{
	uint64_t n = 0;
	uint32_t p = pos;

	for (; p < end && sip_is_digit(m->buf[p]); p++) {
		n = n * 10 + (m->buf[p] - '0');
		if (n > max)
			return 0;
	}
	*out = n;
	return p == pos ? 0 : p;
}

/* quoted-string whose opening quote is at pos: behind the closing one; 0: not closed before end, bad UTF-8 */
uint32_t sip_quoted(const struct sip_msg *m, uint32_t pos, uint32_t end);

/* one ";name[=value]" of a header field, read by sip_param() */
struct sip_param {
	struct sip_view name, value; /* value with its quotes; len 0: none */
	bool has_value;
};

uint32_t sip_param_slow(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_param *out);

/* generic-param at pos, which is behind the ';' (RFC 3261 section 25.1, with LWS where SEMI and EQUAL have
 * it): behind it and behind the white space that follows; 0: malformed */
static inline uint32_t sip_param(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_param *out)
{
	uint32_t e = sip_run(m, SIP_NOT_TOKEN, pos), v;
	uint8_t c = m->buf[e];

	if (sip_unlikely(e == pos))
		return sip_param_slow(m, pos, end, out);
	out->name = sip_view_of(pos, e);
	if (c == '=') {
		v = e + 1;
		e = sip_run(m, SIP_NOT_TOKEN, v);
		c = m->buf[e];
		if (sip_unlikely(e == v || (c != ';' && c != ',' && e != end)))
			return sip_param_slow(m, pos, end, out);
		out->value = sip_view_of(v, e);
		out->has_value = true;
		return e;
	}
	if (sip_unlikely(c != ';' && c != ',' && e != end))
		return sip_param_slow(m, pos, end, out);
	out->value = sip_view_of(e, e);
	out->has_value = false;
	return e;
}

#endif
