/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/wire/tcp_header.h"

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8,
};

static void option_take(const uint8_t *p, unsigned size, struct wire_tcp_options *o)
{
	switch (p[0]) {
	case OPTION_MSS:
		if (size == 4) {
			o->has_mss = true;
			o->mss = wire_get16(p + 2);
		}
		break;
	case OPTION_SCALE:
		if (size == 3) {
			o->has_scale = true;
			o->scale = p[2] > WIRE_TCP_SCALE_MAX ? WIRE_TCP_SCALE_MAX : p[2];
		}
		break;
	case OPTION_SACK_PERMITTED:
		if (size == 2)
			o->sack_permitted = true;
		break;
	case OPTION_TIMESTAMPS:
		if (size == 10) {
			o->has_timestamps = true;
			o->ts_value = wire_get32(p + 2);
			o->ts_echo = wire_get32(p + 6);
		}
		break;
	case OPTION_SACK:
		/* 40 bytes of options hold 4 blocks at most; the first SACK option counts */
		if (size < 10 || (size - 2) % 8 != 0 || o->n_sacks > 0)
			break;
		for (unsigned at = 2; at < size && o->n_sacks < WIRE_TCP_SACK_BLOCKS_MAX; at += 8) {
			o->sacks[o->n_sacks].start = wire_get32(p + at);
			o->sacks[o->n_sacks].end = wire_get32(p + at + 4);
			o->n_sacks++;
		}
		break;
	default:
		break;
	}
}

int wire_tcp_options_parse(const uint8_t *p, size_t len, struct wire_tcp_options *options)
{
	memset(options, 0, sizeof(*options));
	/* NOP NOP timestamps alone: the usual shape once a connection is up (RFC 7323 appendix A) */
	if (len == 12 && wire_get32(p) == 0x0101080a) {
		options->has_timestamps = true;
		options->ts_value = wire_get32(p + 4);
		options->ts_echo = wire_get32(p + 8);
		return 1;
	}
	while (len > 0 && p[0] != OPTION_END) {
		unsigned size;

		if (p[0] == OPTION_NOP) {
			p++;
			len--;
			continue;
		}
		if (len < 2 || p[1] < 2 || p[1] > len)
			return WIRE_TCP_BAD_OPTIONS;
		size = p[1];
		option_take(p, size, options);
		p += size;
		len -= size;
	}
	return 1;
}

void wire_tcp_emit(uint8_t *out, const struct wire_tcp *tcp)
{
	wire_put16(out, tcp->sport);
	wire_put16(out + 2, tcp->dport);
	wire_put32(out + 4, tcp->seq);
	wire_put32(out + 8, tcp->ack);
	out[12] = (uint8_t)(tcp->header_len / 4 << 4);
	out[13] = tcp->flags;
	wire_put16(out + 14, tcp->window);
	wire_put16(out + 16, 0);
	wire_put16(out + 18, tcp->urgent);
}

static unsigned sacks_emit(uint8_t *out, unsigned room, const struct wire_tcp_options *options)
{
	unsigned n = options->n_sacks;
	unsigned at = 4;

	if (room < 12)
		return 0;
	if (n > (room - 4) / 8)
		n = (room - 4) / 8;
	out[0] = OPTION_NOP;
	out[1] = OPTION_NOP;
	out[2] = OPTION_SACK;
	out[3] = (uint8_t)(2 + 8 * n);
	for (unsigned i = 0; i < n; i++, at += 8) {
		wire_put32(out + at, options->sacks[i].start);
		wire_put32(out + at + 4, options->sacks[i].end);
	}
	return at;
}

unsigned wire_tcp_options_emit(uint8_t *out, const struct wire_tcp_options *options)
{
	unsigned at = 0;

	if (options->has_mss) {
		out[at] = OPTION_MSS;
		out[at + 1] = 4;
		wire_put16(out + at + 2, options->mss);
		at += 4;
	}
	if (options->has_scale) {
		wire_put32(out + at, 0x01030300u | options->scale);
		at += 4;
	}
	if (options->sack_permitted) {
		wire_put32(out + at, 0x01010402);
		at += 4;
	}
	if (options->has_timestamps) {
		wire_put32(out + at, 0x0101080a);
		wire_put32(out + at + 4, options->ts_value);
		wire_put32(out + at + 8, options->ts_echo);
		at += 12;
	}
	if (options->n_sacks > 0)
		at += sacks_emit(out + at, WIRE_TCP_OPTIONS_MAX - at, options);
	return at;
}
