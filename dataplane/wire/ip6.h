/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 header and a bounded walk over extension headers: RFC 8200. Pure. */
#ifndef DATAPLANE_WIRE_IP6_H
#define DATAPLANE_WIRE_IP6_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/wire/bytes.h"
#include "dataplane/wire/ip4.h"

enum {
	WIRE_IP6_LEN = 40,
	WIRE_IP6_HOP_BY_HOP = 0,
	WIRE_IP6_ROUTING = 43,
	WIRE_IP6_FRAGMENT_HEADER = 44,
	WIRE_IP6_AUTH = 51,
	WIRE_IP6_NONE = 59,
	WIRE_IP6_DEST_OPTIONS = 60,
	/* the bound of the walk: what an honest sender puts before TCP or ICMPv6 is one or two short headers
	 */
	WIRE_IP6_HEADERS_MAX = 4,
	WIRE_IP6_EXTENSION_MAX = 256,
	WIRE_IP6_OPTIONS_MAX = 16,
};

enum {
	WIRE_IP6_SHORT = -1,
	WIRE_IP6_VERSION = -2,
	WIRE_IP6_PAYLOAD_LEN = -3,
	WIRE_IP6_HOP_LIMIT = -4,
	WIRE_IP6_EXTENSION = -5,
	WIRE_IP6_OPTION = -6, /* its type says: discard (RFC 8200 section 4.2) */
	WIRE_IP6_OPTION_REPORT =
		-7, /* discard and say so, unless to a group (10) or always (11): see `always` */
	WIRE_IP6_SOURCE_ROUTE =
		-8, /* segments left: RFC 5095 for type 0, RFC 8200 section 4.4 for the rest */
	WIRE_IP6_FRAGMENT = -9,
	WIRE_IP6_NO_NEXT = -10,
};

struct wire_ip6 {
	uint16_t total_len;    /* with the fixed header, without padding */
	uint16_t upper_offset; /* where the upper layer begins */
	uint16_t pointer; /* the byte to complain about: a bad option or type, else what named upper_proto */
	uint8_t upper_proto;
	uint8_t hop_limit;
	uint8_t traffic_class;
	bool always; /* OPTION_REPORT: report even what was sent to a group */
	bool router_alert;
};

/* Like wire_ip4_parse: `avail` bytes at p, `len` in the frame. >0: upper_offset. An atomic fragment (RFC
 * 6946) is read as what it is, a whole datagram. */
int wire_ip6_parse(const uint8_t *p, size_t avail, size_t len, struct wire_ip6 *ip6);

/* src and dst are 16 bytes */
static inline void wire_ip6_emit(uint8_t *out, uint8_t traffic_class, uint16_t payload_len, uint8_t next,
				 uint8_t hop_limit, const void *src, const void *dst)
{
	wire_put32(out, 0x60000000u | (uint32_t)traffic_class << 20);
	wire_put16(out + 4, payload_len);
	out[6] = next;
	out[7] = hop_limit;
	memcpy(out + 8, src, 16);
	memcpy(out + 24, dst, 16);
}

static inline bool wire_ip6_is_group(const uint8_t a[16])
{
	return a[0] == 0xff;
}

static inline bool wire_ip6_is_link_local(const uint8_t a[16])
{
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

bool wire_ip6_is_unspecified(const uint8_t a[16]);
/* Addresses that no host may have as a source on a wire: groups, ::1, ::ffff:0:0/96. The unspecified one is
 * not among them: NDP uses it. */
bool wire_ip6_is_martian(const uint8_t a[16]);
/* RFC 4291 section 2.7.1 */
void wire_ip6_solicited_node(const uint8_t target[16], uint8_t group[16]);
/* RFC 2464 section 7 */
void wire_ip6_group_mac(const uint8_t group[16], uint8_t mac[6]);
/* RFC 4291 appendix A */
void wire_ip6_link_local_of(const uint8_t mac[6], uint8_t addr[16]);

#endif
