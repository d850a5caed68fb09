/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP header and options as bytes: RFC 9293 section 3.1, RFC 7323, RFC 2018. Pure. */
#ifndef DATAPLANE_WIRE_TCP_HEADER_H
#define DATAPLANE_WIRE_TCP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/wire/bytes.h"

enum {
	WIRE_TCP_LEN = 20,
	WIRE_TCP_OPTIONS_MAX = 40,
	WIRE_TCP_FIN = 0x01,
	WIRE_TCP_SYN = 0x02,
	WIRE_TCP_RST = 0x04,
	WIRE_TCP_PSH = 0x08,
	WIRE_TCP_ACK = 0x10,
	WIRE_TCP_URG = 0x20,
	WIRE_TCP_ECE = 0x40,
	WIRE_TCP_CWR = 0x80,
	WIRE_TCP_SACK_BLOCKS_MAX = 4,
	WIRE_TCP_SCALE_MAX = 14, /* RFC 7323 section 2.3: more is read as 14 */
};

enum {
	WIRE_TCP_SHORT = -1,
	WIRE_TCP_OFFSET = -2,	   /* data offset below 5 or beyond the segment */
	WIRE_TCP_BAD_OPTIONS = -3, /* an option's length is below 2 or runs over the header */
};

struct wire_tcp {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t window, urgent;
	uint8_t flags;
	uint8_t header_len;
};

struct wire_tcp_options {
	bool has_mss, has_scale, has_timestamps, sack_permitted;
	uint8_t scale;
	uint8_t n_sacks;
	uint16_t mss;
	uint32_t ts_value, ts_echo;
	struct {
		uint32_t start, end;
	} sacks[WIRE_TCP_SACK_BLOCKS_MAX];
};

/* >0: header length. */
static inline int wire_tcp_parse(const uint8_t *p, size_t len, struct wire_tcp *tcp)
{
	if (len < WIRE_TCP_LEN)
		return WIRE_TCP_SHORT;
	tcp->header_len = (uint8_t)((p[12] >> 4) * 4);
	if (tcp->header_len < WIRE_TCP_LEN || tcp->header_len > len)
		return WIRE_TCP_OFFSET;
	tcp->sport = wire_get16(p);
	tcp->dport = wire_get16(p + 2);
	tcp->seq = wire_get32(p + 4);
	tcp->ack = wire_get32(p + 8);
	tcp->flags = p[13];
	tcp->window = wire_get16(p + 14);
	tcp->urgent = wire_get16(p + 18);
	return tcp->header_len;
}

/* The bytes behind the fixed header. >0 when read (also when there are none); unknown options are skipped; of
 * a known option with a wrong length nothing is taken. */
int wire_tcp_options_parse(const uint8_t *p, size_t len, struct wire_tcp_options *options);

/* Writes the 20 bytes, checksum zero; header_len counts the options that the caller puts behind them. */
void wire_tcp_emit(uint8_t *out, const struct wire_tcp *tcp);

/* Writes what is set, padded with NOPs to a multiple of 4, at most WIRE_TCP_OPTIONS_MAX: as many SACK blocks
 * as fit. Returns the length. */
unsigned wire_tcp_options_emit(uint8_t *out, const struct wire_tcp_options *options);

#endif
