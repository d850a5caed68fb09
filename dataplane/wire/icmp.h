/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443): types, and what an error says about a datagram of ours.
 * Pure. */
#ifndef DATAPLANE_WIRE_ICMP_H
#define DATAPLANE_WIRE_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/wire/bytes.h"

enum {
	WIRE_ICMP_LEN = 8, /* of echo and of every error, both families */

	WIRE_ICMP4_ECHO_REPLY = 0,
	WIRE_ICMP4_UNREACHABLE = 3,
	WIRE_ICMP4_QUENCH = 4,
	WIRE_ICMP4_REDIRECT = 5,
	WIRE_ICMP4_ECHO = 8,
	WIRE_ICMP4_TIME = 11,
	WIRE_ICMP4_PARAMETER = 12,
	WIRE_ICMP4_CODE_PROTO = 2, /* of unreachable */
	WIRE_ICMP4_CODE_PORT = 3,
	WIRE_ICMP4_CODE_TOO_BIG = 4,

	WIRE_ICMP6_UNREACHABLE = 1,
	WIRE_ICMP6_TOO_BIG = 2,
	WIRE_ICMP6_TIME = 3,
	WIRE_ICMP6_PARAMETER = 4,
	WIRE_ICMP6_ECHO = 128,
	WIRE_ICMP6_ECHO_REPLY = 129,
	WIRE_ICMP6_CODE_PORT = 4,   /* of unreachable */
	WIRE_ICMP6_CODE_HEADER = 1, /* of parameter problem: unrecognised next header */
	WIRE_ICMP6_CODE_OPTION = 2,

	/* how much of the offending datagram an error of ours quotes: the error stays within 576 bytes
	 * (RFC 1812 section 4.3.2.3) or 1280 (RFC 4443 section 2.4 (c)) */
	WIRE_ICMP4_QUOTE_MAX = 576 - 20 - WIRE_ICMP_LEN,
	WIRE_ICMP6_QUOTE_MAX = 1280 - 40 - WIRE_ICMP_LEN,
};

enum {
	WIRE_ICMP_SHORT = -1,
	WIRE_ICMP_EMBEDDED = -2, /* quotes something that we cannot have sent */
	WIRE_ICMP_TYPE = -3, /* not an error, or one of the deprecated ones (RFC 6633, RFC 1122 redirect) */
};

enum wire_icmp_meaning {
	WIRE_ICMP_MEANS_UNREACHABLE,
	WIRE_ICMP_MEANS_REFUSED,
	WIRE_ICMP_MEANS_TOO_BIG,
};

/* An error, and the TCP segment that it quotes: src is then an address of ours. */
struct wire_icmp_error {
	enum wire_icmp_meaning meaning;
	uint32_t mtu;		  /* TOO_BIG: as the router said; 0: it did not say (RFC 1191 section 5) */
	uint16_t quoted_len;	  /* total length of the quoted datagram, by its own header */
	uint8_t proto;		  /* always WIRE_PROTO_TCP so far */
	const uint8_t *src, *dst; /* 4 or 16 bytes inside of the message */
	uint16_t sport, dport;
	uint32_t seq;
};

/* p is an ICMP message whose checksum was right. >0: read; src and dst point into it. */
int wire_icmp4_error_parse(const uint8_t *p, size_t len, struct wire_icmp_error *error);
int wire_icmp6_error_parse(const uint8_t *p, size_t len, struct wire_icmp_error *error);

/* RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e): no error is ever sent about an error. Unknown ICMPv6
 * types below 128 are errors. */
static inline bool wire_icmp4_is_error(uint8_t type)
{
	return type == WIRE_ICMP4_UNREACHABLE || type == WIRE_ICMP4_QUENCH || type == WIRE_ICMP4_REDIRECT ||
	       type == WIRE_ICMP4_TIME || type == WIRE_ICMP4_PARAMETER;
}

static inline bool wire_icmp6_is_error(uint8_t type)
{
	return type < 128;
}

/* Writes WIRE_ICMP_LEN bytes with a checksum of zero; rest is MTU, pointer, or identifier and sequence. */
static inline void wire_icmp_emit(uint8_t *out, uint8_t type, uint8_t code, uint32_t rest)
{
	out[0] = type;
	out[1] = code;
	wire_put16(out + 2, 0);
	wire_put32(out + 4, rest);
}

/* RFC 1191 section 7: the next lower plateau below a datagram that did not fit, for routers that do not say.
 */
uint16_t wire_icmp4_plateau(uint16_t quoted_len);

#endif
