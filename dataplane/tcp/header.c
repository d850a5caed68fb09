/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/header.h"

#include <string.h>

enum option_kind { OPT_END, OPT_NOP, OPT_MSS, OPT_SCALE, OPT_SACK_OK, OPT_SACK, OPT_TS = 8 };

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static inline void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

static enum tcp_header_result parse_options(struct tcp_options *o, const uint8_t *p, unsigned len, bool syn)
{
	unsigned i = 0;

	while (i < len) {
		unsigned kind = p[i], l;

		if (kind == OPT_END)
			break;
		if (kind == OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= len)
			return TCP_HEADER_BAD_OPTION;
		l = p[i + 1];
		if (l < 2 || i + l > len)
			return TCP_HEADER_BAD_OPTION;
		/* an option of a length that its RFC does not know is ignored like an unknown one */
		if (kind == OPT_MSS && l == 4 && syn) {
			o->has_mss = true;
			o->mss = get16(p + i + 2);
		} else if (kind == OPT_SCALE && l == 3 && syn) {
			o->has_scale = true;
			o->scale = p[i + 2] > TCP_SCALE_MAX ? TCP_SCALE_MAX : p[i + 2];
		} else if (kind == OPT_SACK_OK && l == 2 && syn) {
			o->has_sack_ok = true;
		} else if (kind == OPT_TS && l == 10) {
			o->has_ts = true;
			o->ts_val = get32(p + i + 2);
			o->ts_ecr = get32(p + i + 6);
		} else if (kind == OPT_SACK && l >= 10 && (l - 2) % 8 == 0 && !syn) {
			o->n_sack = 0;
			for (unsigned k = 2; k < l && o->n_sack < TCP_SACK_BLOCKS_MAX; k += 8) {
				o->sack[o->n_sack].start = get32(p + i + k);
				o->sack[o->n_sack].end = get32(p + i + k + 4);
				o->n_sack++;
			}
		}
		i += l;
	}
	return TCP_HEADER_OK;
}

enum tcp_header_result tcp_header_parse(struct tcp_segment *s, const uint8_t *p, uint32_t available,
					uint32_t total)
{
	static const uint8_t ts_only[4] = {OPT_NOP, OPT_NOP, OPT_TS, 10};
	unsigned hl;

	if (available < TCP_HEADER_LEN)
		return TCP_HEADER_MALFORMED;
	hl = (p[12] >> 4) * 4u;
	if (hl < TCP_HEADER_LEN || hl > available || hl > total)
		return TCP_HEADER_MALFORMED;
	s->sport = get16(p);
	s->dport = get16(p + 2);
	s->seq = get32(p + 4);
	s->ack = get32(p + 8);
	s->flags = p[13];
	s->window = get16(p + 14);
	s->header_len = (uint8_t)hl;
	s->len = total - hl;
	s->opt.has_mss = s->opt.has_scale = s->opt.has_sack_ok = false;
	s->opt.n_sack = 0;
	if (hl == TCP_HEADER_LEN + TCP_TIMESTAMP_LEN && memcmp(p + TCP_HEADER_LEN, ts_only, 4) == 0) {
		s->opt.has_ts = true;
		s->opt.ts_val = get32(p + 24);
		s->opt.ts_ecr = get32(p + 28);
		return TCP_HEADER_OK;
	}
	s->opt.has_ts = false;
	return hl == TCP_HEADER_LEN
		       ? TCP_HEADER_OK
		       : parse_options(&s->opt, p + TCP_HEADER_LEN, hl - TCP_HEADER_LEN, s->flags & TCP_SYN);
}

static unsigned fixed_options(const struct tcp_options *o)
{
	unsigned n = o->has_mss ? 4 : 0;

	if (o->has_ts)
		n += TCP_TIMESTAMP_LEN;
	else if (o->has_sack_ok)
		n += 4;
	return n + (o->has_scale ? 4 : 0);
}

static unsigned blocks_that_fit(const struct tcp_options *o, unsigned room)
{
	unsigned n = room < 12 ? 0 : (room - 4) / 8;

	return o->n_sack < n ? o->n_sack : n;
}

unsigned tcp_header_len(const struct tcp_options *o)
{
	unsigned n = fixed_options(o), blocks = blocks_that_fit(o, TCP_OPTIONS_MAX - n);

	return TCP_HEADER_LEN + n + (blocks ? 4 + 8 * blocks : 0);
}

void tcp_header_write(uint8_t *to, const struct tcp_segment *s, unsigned header_len)
{
	const struct tcp_options *o = &s->opt;
	uint8_t *p = to + TCP_HEADER_LEN;
	unsigned blocks;

	put16(to, s->sport);
	put16(to + 2, s->dport);
	put32(to + 4, s->seq);
	put32(to + 8, s->ack);
	to[12] = (uint8_t)(header_len << 2);
	to[13] = s->flags;
	put16(to + 14, s->window);
	memset(to + 16, 0, 4);
	if (o->has_mss) {
		p[0] = OPT_MSS;
		p[1] = 4;
		put16(p + 2, o->mss);
		p += 4;
	}
	if (o->has_ts) {
		p[0] = o->has_sack_ok ? OPT_SACK_OK : OPT_NOP;
		p[1] = o->has_sack_ok ? 2 : OPT_NOP;
		p[2] = OPT_TS;
		p[3] = 10;
		put32(p + 4, o->ts_val);
		put32(p + 8, o->ts_ecr);
		p += TCP_TIMESTAMP_LEN;
	} else if (o->has_sack_ok) {
		p[0] = p[1] = OPT_NOP;
		p[2] = OPT_SACK_OK;
		p[3] = 2;
		p += 4;
	}
	if (o->has_scale) {
		p[0] = OPT_NOP;
		p[1] = OPT_SCALE;
		p[2] = 3;
		p[3] = o->scale;
		p += 4;
	}
	blocks = blocks_that_fit(o, TCP_OPTIONS_MAX - (unsigned)(p - to - TCP_HEADER_LEN));
	if (blocks) {
		p[0] = p[1] = OPT_NOP;
		p[2] = OPT_SACK;
		p[3] = (uint8_t)(2 + 8 * blocks);
		p += 4;
		for (unsigned i = 0; i < blocks; i++, p += 8) {
			put32(p, o->sack[i].start);
			put32(p + 4, o->sack[i].end);
		}
	}
}
