/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 header: RFC 791, judged as RFC 1122 section 3.2.1 tells a host, and stricter where noted. Pure. */
#ifndef DATAPLANE_WIRE_IP4_H
#define DATAPLANE_WIRE_IP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/wire/bytes.h"
#include "dataplane/wire/checksum.h"

enum {
	WIRE_IP4_LEN = 20,
	WIRE_IP4_DF = 0x4000,
	WIRE_IP4_MF = 0x2000,
	WIRE_PROTO_ICMP4 = 1,
	WIRE_PROTO_TCP = 6,
	WIRE_PROTO_UDP = 17,
	WIRE_PROTO_ICMP6 = 58,
};

/* In the order of the checks. */
enum {
	WIRE_IP4_SHORT = -1,
	WIRE_IP4_VERSION = -2,
	WIRE_IP4_HEADER_LEN = -3,
	WIRE_IP4_TOTAL_LEN = -4,
	WIRE_IP4_CHECKSUM = -5,
	WIRE_IP4_OPTIONS = -6,	/* stricter than the RFC: no option does us any good (RFC 7126) */
	WIRE_IP4_FRAGMENT = -7, /* stricter than the RFC: whoever speaks TCP to us finds the path MTU */
	WIRE_IP4_TTL = -8,
};

/* `avail` bytes of the datagram lie at p, of `len` in the whole frame behind the ethernet header (more with
 * chained buffers, or padding). >0: header length, always 20; *total_len is then within 20…len. */
static inline int wire_ip4_parse(const uint8_t *p, size_t avail, size_t len, bool checksum_known_good,
				 uint16_t *total_len)
{
	unsigned header_len;

	if (avail < WIRE_IP4_LEN)
		return WIRE_IP4_SHORT;
	if (p[0] != 0x45) {
		if ((p[0] >> 4) != 4)
			return WIRE_IP4_VERSION;
		header_len = (p[0] & 15) * 4u;
		if (header_len < WIRE_IP4_LEN || header_len > wire_get16(p + 2) || header_len > avail)
			return WIRE_IP4_HEADER_LEN;
		if (wire_get16(p + 2) > len)
			return WIRE_IP4_TOTAL_LEN;
		if (wire_sum_fold(wire_sum_short(p, header_len)) != 0xffff)
			return WIRE_IP4_CHECKSUM;
		return WIRE_IP4_OPTIONS;
	}
	*total_len = wire_get16(p + 2);
	if (*total_len < WIRE_IP4_LEN || *total_len > len)
		return WIRE_IP4_TOTAL_LEN;
	if (!checksum_known_good && wire_sum_fold(wire_sum_short(p, WIRE_IP4_LEN)) != 0xffff)
		return WIRE_IP4_CHECKSUM;
	/* the reserved bit is ignored; offset and MF make a fragment */
	if ((wire_get16(p + 6) & 0x3fff) != 0)
		return WIRE_IP4_FRAGMENT;
	if (p[8] == 0)
		return WIRE_IP4_TTL;
	return WIRE_IP4_LEN;
}

/* Everything of a header but its checksum comes from here; src and dst are 4 bytes. With `df` the identifier
 * may be anything (RFC 6864 section 4.1). */
static inline void wire_ip4_emit(uint8_t *out, uint8_t tos, uint16_t total_len, uint16_t id, bool df,
				 uint8_t ttl, uint8_t proto, const void *src, const void *dst)
{
	uint32_t word0 = 0x45u | (uint32_t)tos << 8 | (uint32_t)__builtin_bswap16(total_len) << 16;
	uint32_t word1 = __builtin_bswap16(id) | (df ? (uint32_t)__builtin_bswap16(WIRE_IP4_DF) << 16 : 0);
	uint32_t word2 = ttl | (uint32_t)proto << 8;
	uint32_t from, to;

	/* summed before it is stored: to read back in one piece what was just stored in several waits for the
	 * store */
	memcpy(&from, src, 4);
	memcpy(&to, dst, 4);
	word2 |= (uint32_t)(uint16_t)~wire_sum_fold((uint64_t)word0 + word1 + word2 + from + to) << 16;
	memcpy(out, &word0, 4);
	memcpy(out + 4, &word1, 4);
	memcpy(out + 8, &word2, 4);
	memcpy(out + 12, &from, 4);
	memcpy(out + 16, &to, 4);
}

/* Addresses that no host may have as a source (RFC 1122 section 3.2.1.3, RFC 6890): "this network" (0/8),
 * loopback, groups, class E with the limited broadcast. */
static inline bool wire_ip4_is_martian(const uint8_t a[4])
{
	return a[0] == 0 || a[0] == 127 || a[0] >= 224;
}

#endif
