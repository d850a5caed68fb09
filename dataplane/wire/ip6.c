/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/wire/ip6.h"

enum { OPTION_PAD1 = 0, OPTION_PADN = 1, OPTION_ROUTER_ALERT = 5 };

/* RFC 8200 section 4.2; 0 or an error, with ip6->pointer at the option that was wrong */
static int options_walk(const uint8_t *p, unsigned at, unsigned end, struct wire_ip6 *ip6)
{
	for (unsigned n = 0; at < end; n++) {
		uint8_t type = p[at];

		if (n == WIRE_IP6_OPTIONS_MAX)
			return WIRE_IP6_EXTENSION;
		if (type == OPTION_PAD1) {
			at++;
			continue;
		}
		if (at + 2 > end || at + 2 + p[at + 1] > end)
			return WIRE_IP6_EXTENSION;
		if (type == OPTION_ROUTER_ALERT && p[at + 1] == 2) {
			ip6->router_alert = true;
		} else if (type != OPTION_PADN && (type >> 6) != 0) {
			ip6->pointer = (uint16_t)at;
			ip6->always = (type >> 6) == 2;
			return (type >> 6) == 1 ? WIRE_IP6_OPTION : WIRE_IP6_OPTION_REPORT;
		}
		at += 2u + p[at + 1];
	}
	return 0;
}

/* One header at `at`; 0, or an error. */
static int extension_step(const uint8_t *p, unsigned at, unsigned size, uint8_t type, struct wire_ip6 *ip6)
{
	switch (type) {
	case WIRE_IP6_HOP_BY_HOP:
	case WIRE_IP6_DEST_OPTIONS:
		return options_walk(p, at + 2, at + size, ip6);
	case WIRE_IP6_ROUTING:
		ip6->pointer = (uint16_t)(at + 2);
		return p[at + 3] != 0 ? WIRE_IP6_SOURCE_ROUTE : 0;
	default: /* fragment: offset and M both zero make it atomic; the reserved bits are ignored */
		return (wire_get16(p + at + 2) & 0xfff9) != 0 ? WIRE_IP6_FRAGMENT : 0;
	}
}

static bool is_extension(uint8_t type)
{
	return type == WIRE_IP6_HOP_BY_HOP || type == WIRE_IP6_ROUTING || type == WIRE_IP6_FRAGMENT_HEADER ||
	       type == WIRE_IP6_DEST_OPTIONS;
}

static int extensions_walk(const uint8_t *p, unsigned end, struct wire_ip6 *ip6)
{
	uint8_t type = p[6];
	unsigned at = WIRE_IP6_LEN;
	unsigned n;

	for (n = 0; is_extension(type); n++) {
		unsigned size;
		int rc;

		if (n == WIRE_IP6_HEADERS_MAX || at + 8 > end)
			return WIRE_IP6_EXTENSION;
		/* hop-by-hop stands first or nowhere: RFC 8200 section 4.1 */
		if (type == WIRE_IP6_HOP_BY_HOP && n > 0)
			return WIRE_IP6_EXTENSION;
		size = type == WIRE_IP6_FRAGMENT_HEADER ? 8 : 8u + p[at + 1] * 8u;
		if (at + size > end || at + size > WIRE_IP6_LEN + WIRE_IP6_EXTENSION_MAX)
			return WIRE_IP6_EXTENSION;
		rc = extension_step(p, at, size, type, ip6);
		if (rc < 0)
			return rc;
		type = p[at];
		ip6->pointer = (uint16_t)at;
		at += size;
	}
	ip6->upper_offset = (uint16_t)at;
	ip6->upper_proto = type;
	return type == WIRE_IP6_NONE ? WIRE_IP6_NO_NEXT : (int)at;
}

int wire_ip6_parse(const uint8_t *p, size_t avail, size_t len, struct wire_ip6 *ip6)
{
	size_t total;

	if (avail < WIRE_IP6_LEN)
		return WIRE_IP6_SHORT;
	if ((p[0] >> 4) != 6)
		return WIRE_IP6_VERSION;
	total = (size_t)wire_get16(p + 4) + WIRE_IP6_LEN;
	/* no jumbograms (RFC 2675): a length of zero is then an empty payload */
	if (total > len || total > UINT16_MAX)
		return WIRE_IP6_PAYLOAD_LEN;
	if (p[7] == 0)
		return WIRE_IP6_HOP_LIMIT;
	ip6->total_len = (uint16_t)total;
	ip6->hop_limit = p[7];
	ip6->traffic_class = (uint8_t)(p[0] << 4 | p[1] >> 4);
	ip6->upper_proto = p[6];
	ip6->upper_offset = WIRE_IP6_LEN;
	ip6->pointer = 6;
	ip6->always = false;
	ip6->router_alert = false;
	if (p[6] == WIRE_PROTO_TCP || p[6] == WIRE_PROTO_ICMP6)
		return WIRE_IP6_LEN;
	return extensions_walk(p, (unsigned)(total < avail ? total : avail), ip6);
}

bool wire_ip6_is_unspecified(const uint8_t a[16])
{
	static const uint8_t zero[16];

	return memcmp(a, zero, 16) == 0;
}

bool wire_ip6_is_martian(const uint8_t a[16])
{
	static const uint8_t loopback[16] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return wire_ip6_is_group(a) || memcmp(a, loopback, 16) == 0 || memcmp(a, mapped, 12) == 0;
}

void wire_ip6_solicited_node(const uint8_t target[16], uint8_t group[16])
{
	static const uint8_t prefix[13] = {0xff, 0x02, [11] = 0x01, [12] = 0xff};

	memcpy(group, prefix, sizeof(prefix));
	memcpy(group + 13, target + 13, 3);
}

void wire_ip6_group_mac(const uint8_t group[16], uint8_t mac[6])
{
	mac[0] = 0x33;
	mac[1] = 0x33;
	memcpy(mac + 2, group + 12, 4);
}

void wire_ip6_link_local_of(const uint8_t mac[6], uint8_t addr[16])
{
	memset(addr, 0, 16);
	addr[0] = 0xfe;
	addr[1] = 0x80;
	memcpy(addr + 8, mac, 3);
	addr[8] ^= 2;
	addr[11] = 0xff;
	addr[12] = 0xfe;
	memcpy(addr + 13, mac + 3, 3);
}
