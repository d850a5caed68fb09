/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to sip/: what the typed parsers are made of. A position is an offset into m->buf; all positions
 * stay below the end of the header section, where every map ends a run. Functions that can fail return 0: no
 * token ends at offset 0. */
#ifndef DATAPLANE_SIP_SIP_LEX_H
#define DATAPLANE_SIP_SIP_LEX_H

#include "dataplane/sip/sip_msg.h"
#include "dataplane/sip/sip_names.h"

enum sip_param_id {
#define X(id, name) SIP_PARAM_##id,
#include "dataplane/sip/sip_param.def"
#undef X
};

#define sip_likely(x)	__builtin_expect(!!(x), 1)
#define sip_unlikely(x) __builtin_expect(!!(x), 0)

/* first byte at or behind pos that is not in the class: a window of 57 bits or more, from the byte of the map
 * that holds pos; the scan ends every map with ones */
static inline uint32_t sip_run(const struct sip_msg *m, enum sip_class c, uint32_t pos)
{
	const uint8_t *map = (const uint8_t *)m->scan.bits[c] + (pos >> 3);
	uint64_t w;

	memcpy(&w, map, 8);
	w >>= pos & 7;
	if (sip_likely(w != 0))
		return pos + (uint32_t)__builtin_ctzll(w);
	do {
		map += 8;
		pos = (pos & ~7u) + 64;
		memcpy(&w, map, 8);
	} while (w == 0);
	return pos + (uint32_t)__builtin_ctzll(w);
}

/* the bits of a map from pos on, 57 or more */
static inline uint64_t sip_window(const struct sip_msg *m, enum sip_class c, uint32_t pos)
{
	uint64_t w;

	memcpy(&w, (const uint8_t *)m->scan.bits[c] + (pos >> 3), 8);
	return w >> (pos & 7);
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

/* Up to eight bytes as a lower-case word; longer names are told apart by their length and what follows. len
 * is not 0. */
static inline uint64_t sip_word(const struct sip_msg *m, uint32_t pos, uint32_t len)
{
	return sip_load_lower(m->buf + pos, len, m->len - pos);
}

struct sip_digits_read {
	uint64_t n;
	uint32_t next; /* 0: none, or more than max */
};

/* 1*DIGIT at pos. By value: a local whose address is given away costs its function a canary. */
struct sip_digits_read sip_number_slow(const struct sip_msg *m, uint32_t pos, uint32_t end, uint64_t max);

/* how many digits a word begins with; 8: it is full of them. Carries go up only from a byte that is no digit,
 * so the lowest mark is right. */
static inline uint32_t sip_digits(uint64_t w)
{
	uint64_t stop;

	w ^= UINT64_C(0x3030303030303030);
	stop = ((w + UINT64_C(0x7676767676767676)) | w) & UINT64_C(0x8080808080808080);
	return stop ? (uint32_t)__builtin_ctzll(stop) / 8 : 8;
}

/* The number that the first n bytes of a word are; n from 1 to 8, of 0 comes nothing useful. They are shifted
 * up so that zeros lead, and pairs, quads and halves are summed. */
static inline uint64_t sip_digits_value(uint64_t w, uint32_t n)
{
	const uint64_t pair = UINT64_C(0x000000ff000000ff);

	w ^= UINT64_C(0x3030303030303030);
	w <<= (64 - 8 * n) & 63;
	w = w * 10 + (w >> 8);
	return ((w & pair) * UINT64_C(0x000f424000000064) +
		((w >> 16) & pair) * UINT64_C(0x0000271000000001)) >>
	       32;
}

/* 1*DIGIT at pos into *out: behind the digits; 0: none, or more than max. Up to seven digits at once: they
 * end before `end` in any case. */
static inline uint32_t sip_number(const struct sip_msg *m, uint32_t pos, uint32_t end, uint64_t max,
				  uint64_t *out)
{
	uint64_t w = 0;
	uint32_t n = 8;

	if (sip_likely(m->len - pos >= 8)) {
		memcpy(&w, m->buf + pos, 8);
		n = sip_digits(w);
	}
	if (sip_unlikely(n == 8)) {
		struct sip_digits_read r = sip_number_slow(m, pos, end, max);

		*out = r.n;
		return r.next;
	}
	if (sip_unlikely(n == 0))
		return 0;
	*out = sip_digits_value(w, n);
	return sip_unlikely(*out > max) ? 0 : pos + n;
}

/* quoted-string whose opening quote is at pos: behind the closing one; 0: not closed before end, bad UTF-8 */
uint32_t sip_quoted(const struct sip_msg *m, uint32_t pos, uint32_t end);

/* one ";name[=value]" of a header field, read by sip_param() */
struct sip_param {
	struct sip_view name, value; /* value with its quotes; len 0, behind the name: none */
	uint32_t next;		     /* behind it and the white space that follows; 0: malformed */
};

struct sip_param_row {
	uint64_t word, mask;
	uint8_t len, last, id;
};

extern const struct sip_param_row sip_param_rows[1 << SIP_PARAM_HASH_BITS];

/* A parameter's name, or a transport, that we know: enum sip_param_id; one table for all of them, no branch.
 * p has len bytes, not 0, of which w holds the first eight or more than there are. */
static inline unsigned sip_param_known(const uint8_t *p, uint64_t w, uint32_t len)
{
	const struct sip_param_row *row =
		&sip_param_rows[sip_name_slot(p, len, 0x202020, SIP_PARAM_HASH_MUL, SIP_PARAM_HASH_BITS)];
	uint64_t other = (((w | SIP_LOWER8) & row->mask) ^ row->word) | (row->len ^ len) |
			 (uint8_t)(row->last ^ (p[len - 1] | 0x20));

	return other ? SIP_PARAM_NONE : row->id;
}

static inline unsigned sip_param_id(const struct sip_msg *m, struct sip_view name)
{
	const uint8_t *p = m->buf + name.off;
	uint64_t w;

	if (sip_likely(m->len - name.off >= 8))
		memcpy(&w, p, 8);
	else
		w = sip_load_short(p, name.len, m->len - name.off);
	return sip_param_known(p, w, name.len);
}

#define SIP_PARAM_BIT(id) (1u << SIP_PARAM_##id)

struct sip_param sip_param_slow(const struct sip_msg *m, uint32_t pos, uint32_t end);

/* generic-param at pos, which is behind the ';' (RFC 3261 section 25.1, with LWS where SEMI and EQUAL have
 * it) */
static inline struct sip_param sip_param(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	uint32_t e = sip_run(m, SIP_NOT_TOKEN, pos), v = e, ve = e;
	uint8_t c = m->buf[e];

	if (c == '=') {
		v = e + 1;
		ve = sip_run(m, SIP_NOT_TOKEN, v);
		c = m->buf[ve];
	}
	if (sip_unlikely(e == pos || (c != ';' && c != ',' && ve != end) || (ve == v && v != e)))
		return sip_param_slow(m, pos, end);
	return (struct sip_param){.name = {pos, e - pos}, .value = {v, ve - v}, .next = ve};
}

#endif
