/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lab/flood/flood_frame.h"

#include <string.h>

enum { ETH = 14, IP4 = 20, IP6 = 40, TCP = 20, ARP = 28 };
enum {
	ICMP4 = 1,
	TCP_PROTO = 6,
	UDP = 17,
	ROUTING = 43,
	FRAGMENT = 44,
	ICMP6 = 58,
	NO_NEXT = 59,
	DEST_OPTIONS = 60
};

const char *const flood_kind_names[FLOOD_KINDS] = {
#define X(name) #name,
#include "tests/lab/flood/flood_kind.def"
#undef X
};

static uint32_t below(struct flood_gen *g, uint32_t n)
{
	return base_rng_below(&g->rng, n);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void fill(struct flood_gen *g, uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)below(g, 256);
}

static uint32_t add(const uint8_t *p, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void eth(struct flood_gen *g, uint8_t *f, uint32_t type)
{
	memcpy(f, g->to_mac, 6);
	fill(g, f + 6, 6);
	f[6] = 0x02; /* somebody's, not a group's */
	put16(f + 12, type);
}

static void sum4(uint8_t *ip, uint32_t header)
{
	put16(ip + 10, 0);
	put16(ip + 10, fold(add(ip, header, 0)));
}

/* a good IPv4 header before `len` bytes of layer 4 */
static uint8_t *ip4(struct flood_gen *g, uint8_t *f, uint32_t proto, uint32_t len)
{
	uint8_t *ip = f + ETH;

	eth(g, f, 0x0800);
	memset(ip, 0, IP4);
	ip[0] = 0x45;
	put16(ip + 2, IP4 + len);
	fill(g, ip + 4, 2);
	ip[8] = 64;
	ip[9] = (uint8_t)proto;
	memcpy(ip + 12, g->net4, 4);
	ip[15] = (uint8_t)(100 + below(g, 100));
	memcpy(ip + 16, g->to4, 4);
	sum4(ip, IP4);
	return ip + IP4;
}

static uint8_t *ip6(struct flood_gen *g, uint8_t *f, uint32_t next, uint32_t len)
{
	uint8_t *ip = f + ETH;

	eth(g, f, 0x86dd);
	memset(ip, 0, IP6);
	ip[0] = 0x60;
	put16(ip + 4, len);
	ip[6] = (uint8_t)next;
	ip[7] = 255;
	memcpy(ip + 8, g->net6, 16);
	ip[23] = (uint8_t)(100 + below(g, 100));
	memcpy(ip + 24, g->to6, 16);
	return ip + IP6;
}

/* checksum of layer 4 at `at`, with the pseudo-header of what precedes it */
static void sum_l4(uint8_t *f, uint8_t *l4, uint32_t len, uint32_t proto, uint32_t at)
{
	uint32_t sum = 0;

	put16(l4 + at, 0);
	if (f[12] == 0x86)
		sum = add(f + ETH + 8, 32, len + proto);
	else if (proto != ICMP4)
		sum = add(f + ETH + 12, 8, len + proto);
	put16(l4 + at, fold(add(l4, len, sum)));
}

static uint32_t icmp4(struct flood_gen *g, uint8_t *f, uint32_t type, uint32_t code, uint32_t len)
{
	uint8_t *p = ip4(g, f, ICMP4, len);

	fill(g, p, len);
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)code;
	sum_l4(f, p, len, ICMP4, 2);
	return ETH + IP4 + len;
}

static uint32_t icmp6(struct flood_gen *g, uint8_t *f, uint32_t type, uint32_t code, uint32_t len)
{
	uint8_t *p = ip6(g, f, ICMP6, len);

	fill(g, p, len);
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)code;
	sum_l4(f, p, len, ICMP6, 2);
	return ETH + IP6 + len;
}

static uint32_t tcp4(struct flood_gen *g, uint8_t *f, uint32_t options, uint32_t payload)
{
	uint32_t len = TCP + options + payload;
	uint8_t *p = ip4(g, f, TCP_PROTO, len);

	fill(g, p, len);
	put16(p + 2, below(g, 2) ? 5061 : 5269);
	p[12] = (uint8_t)((TCP + options) / 4 << 4);
	p[13] = 0x02;
	sum_l4(f, p, len, TCP_PROTO, 16);
	return ETH + IP4 + len;
}

static uint32_t arp(struct flood_gen *g, uint8_t *f, uint32_t op)
{
	uint8_t *p = f + ETH;

	eth(g, f, 0x0806);
	if (below(g, 2))
		memset(f, 0xff, 6);
	put16(p, 1);
	put16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = 4;
	put16(p + 6, op);
	memcpy(p + 8, f + 6, 6);
	memcpy(p + 14, g->net4, 4);
	p[17] = (uint8_t)(100 + below(g, 100));
	memset(p + 18, 0, 6);
	memcpy(p + 24, g->to4, 4);
	return ETH + ARP;
}

/* an answer (or a request) of neighbour discovery: type, target, one option */
static uint32_t nd(struct flood_gen *g, uint8_t *f, uint32_t type, const uint8_t *target,
		   uint32_t option_units)
{
	uint32_t len = 24 + 8;
	uint8_t *p = ip6(g, f, ICMP6, len);

	memset(p, 0, len);
	p[0] = (uint8_t)type;
	p[4] = type == 136 ? 0x20 : 0; /* override */
	memcpy(p + 8, target, 16);
	p[24] = type == 136 ? 2 : 1;
	p[25] = (uint8_t)option_units;
	memcpy(p + 26, f + 6, 6);
	sum_l4(f, p, len, ICMP6, 2);
	return ETH + IP6 + len;
}

/* The kernel unpacks a tag by itself, and throws away what is too short for that before anybody has seen it.
 * A packet socket that shares frames out (af_packet ports do) gets IPv4 fragments put together or never:
 * without `fragments`, what such a kernel would take for one becomes whole. */
static uint32_t seen_by_all(const struct flood_gen *g, uint8_t *f, uint32_t len)
{
	uint32_t at = 12, type = (uint32_t)f[12] << 8 | f[13];
	uint8_t *ip;

	if (type == 0x8100 || type == 0x88a8) {
		if (len < 64) {
			memset(f + len, 0, 64 - len);
			len = 64;
		}
		at = 16;
	}
	ip = f + at + 2;
	if (!g->fragments && f[at] == 0x08 && f[at + 1] == 0 && len >= at + 2 + IP4 && ip[0] >= 0x45 &&
	    ip[0] <= 0x4f) {
		ip[6] &= 0xc0;
		ip[7] = 0;
	}
	return len;
}

static uint32_t tagged(struct flood_gen *g, uint8_t *f, unsigned tags)
{
	uint32_t len = icmp4(g, f, 8, 0, 8 + below(g, 200));

	for (unsigned i = 0; i < tags; i++, len += 4) {
		memmove(f + 16, f + 12, len - 12);
		put16(f + 12, below(g, 2) ? 0x8100 : 0x88a8);
		put16(f + 14, 1 + below(g, 4094));
	}
	return len;
}

/* cut a good frame anywhere after `from`, without telling its headers */
static uint32_t cut(struct flood_gen *g, uint32_t from, uint32_t len)
{
	return from + below(g, len - from);
}

static uint32_t make_eth(struct flood_gen *g, enum flood_kind kind, uint8_t *f)
{
	uint32_t len = FLOOD_FRAME_MIN + below(g, FLOOD_FRAME_MAX - FLOOD_FRAME_MIN + 1);

	switch (kind) {
	case FLOOD_random_bytes:
		fill(g, f, len);
		if (below(g, 2))
			memcpy(f, g->to_mac, 6);
		return len;
	case FLOOD_eth_short:
		eth(g, f, below(g, 2) ? 0x0800 : 0x86dd);
		len = ETH + below(g, 20);
		fill(g, f + ETH, len - ETH);
		return len;
	case FLOOD_eth_type:
		eth(g, f, 0x0600 + below(g, 0x200 - 1));
		fill(g, f + ETH, len - ETH);
		return len;
	case FLOOD_eth_length:
		eth(g, f, below(g, 1500));
		fill(g, f + ETH, len - ETH);
		return len;
	case FLOOD_eth_not_ours:
		len = icmp4(g, f, 8, 0, 64);
		f[5] ^= (uint8_t)(1 + below(g, 255));
		return len;
	case FLOOD_eth_group:
		len = icmp4(g, f, 8, 0, 64);
		fill(g, f, 6);
		f[0] |= 1;
		return len;
	case FLOOD_eth_source:
		len = icmp4(g, f, 8, 0, 64);
		if (below(g, 2))
			memcpy(f + 6, g->to_mac, 6);
		else
			memset(f + 6, below(g, 2) ? 0xff : 0, 6);
		return len;
	case FLOOD_eth_tagged:
		return tagged(g, f, 1);
	default:
		return tagged(g, f, 2);
	}
}

static uint32_t make_arp(struct flood_gen *g, enum flood_kind kind, uint8_t *f)
{
	uint32_t len = arp(g, f, 1 + below(g, 2));

	switch (kind) {
	case FLOOD_arp_short:
		return cut(g, ETH, len);
	case FLOOD_arp_bad:
		/* one of: hardware, protocol, their lengths, operation */
		f[ETH + below(g, 8)] ^= (uint8_t)(1 + below(g, 255));
		return len;
	case FLOOD_arp_poison:
		len = arp(g, f, 2);
		/* "the partner is me" */
		f[ETH + 17] = 10;
		return len;
	case FLOOD_arp_conflict:
		memcpy(f + ETH + 14, g->to4, 4);
		return len;
	default:
		return arp(g, f, 1);
	}
}

static uint32_t make_ip4(struct flood_gen *g, enum flood_kind kind, uint8_t *f)
{
	static const uint8_t MARTIANS[][4] = {
		{127, 0, 0, 1}, {224, 0, 0, 1}, {255, 255, 255, 255}, {0, 0, 0, 0}, {240, 1, 2, 3}};
	uint32_t len = icmp4(g, f, 8, 0, 8 + below(g, 600));
	uint8_t *ip = f + ETH;

	switch (kind) {
	case FLOOD_ip4_short:
		return ETH + below(g, IP4);
	case FLOOD_ip4_version:
		ip[0] = (uint8_t)(below(g, 4) << 4 | 5);
		break;
	case FLOOD_ip4_header_len:
		ip[0] = (uint8_t)(0x40 | (below(g, 2) ? below(g, 5) : 15));
		if (ip[0] == 0x4f)
			len = ETH + IP4 + 8;
		break;
	case FLOOD_ip4_total_len:
		put16(ip + 2, below(g, 2) ? below(g, IP4) : len - ETH + 1 + below(g, 60000));
		break;
	case FLOOD_ip4_checksum:
		ip[10] ^= (uint8_t)(1 + below(g, 254));
		return len;
	case FLOOD_ip4_options: {
		uint32_t n = 4 * (1 + below(g, 10));

		memmove(ip + IP4 + n, ip + IP4, len - ETH - IP4);
		fill(g, ip + IP4, n);
		ip[0] = (uint8_t)(0x45 + n / 4);
		len += n;
		put16(ip + 2, len - ETH);
		sum4(ip, IP4 + n);
		return len;
	}
	case FLOOD_ip4_fragment:
		put16(ip + 6, below(g, 2) ? 0x2000 : 1 + below(g, 0x1fff));
		break;
	case FLOOD_ip4_source:
		memcpy(ip + 12, below(g, 4) ? MARTIANS[below(g, 5)] : g->to4, 4);
		break;
	case FLOOD_ip4_not_ours:
		fill(g, ip + 16, 4);
		ip[16] = 198;
		ip[17] = 19;
		break;
	case FLOOD_ip4_group:
		ip[16] = (uint8_t)(224 + below(g, 16));
		break;
	case FLOOD_ip4_ttl:
		ip[8] = 0;
		break;
	default:
		ip[9] = (uint8_t)(60 + below(g, 190));
		break;
	}
	sum4(ip, IP4);
	return len;
}

static uint32_t make_ip6(struct flood_gen *g, enum flood_kind kind, uint8_t *f)
{
	uint32_t len = icmp6(g, f, 128, 0, 8 + below(g, 600)), n = 0;
	uint8_t *ip = f + ETH, *p;

	switch (kind) {
	case FLOOD_ip6_short:
		return ETH + below(g, IP6);
	case FLOOD_ip6_version:
		ip[0] = (uint8_t)(below(g, 6) << 4);
		return len;
	case FLOOD_ip6_payload_len:
		put16(ip + 4, len - ETH - IP6 + 1 + below(g, 60000));
		return len;
	case FLOOD_ip6_source:
		if (below(g, 2))
			ip[8] = 0xff;
		else
			memset(ip + 8, 0, 16);
		return len;
	case FLOOD_ip6_not_ours:
		fill(g, ip + 32, 8);
		return len;
	case FLOOD_ip6_hop_limit:
		ip[7] = 0;
		return len;
	case FLOOD_ip6_fragment:
		p = ip6(g, f, FRAGMENT, 8 + 64);
		fill(g, p, 8 + 64);
		p[0] = ICMP6;
		return ETH + IP6 + 8 + 64;
	case FLOOD_ip6_routing:
		p = ip6(g, f, ROUTING, 24 + 64);
		fill(g, p, 24 + 64);
		p[0] = ICMP6;
		p[1] = 2;
		p[2] = (uint8_t)below(g, 3);
		p[3] = 1;
		return ETH + IP6 + 24 + 64;
	case FLOOD_ip6_no_next:
		ip6(g, f, NO_NEXT, 8);
		return ETH + IP6 + 8;
	default:
		/* a long chain of headers, whose lengths, options and order are arbitrary */
		p = ip6(g, f, below(g, 2) ? 0 : DEST_OPTIONS, 0);
		for (uint32_t units; n < 600; n += 8 * (units + 1)) {
			units = below(g, 8);
			fill(g, p + n, 8 * (units + 1));
			p[n] = (uint8_t)(below(g, 8) ? DEST_OPTIONS : below(g, 256));
			p[n + 1] = (uint8_t)(below(g, 6) ? units : below(g, 256));
		}
		put16(ip + 4, n);
		return below(g, 3) ? ETH + IP6 + n : ETH + IP6 + below(g, n);
	}
}

static uint32_t bend(struct flood_gen *g, uint8_t *f, uint32_t from, uint32_t len)
{
	for (uint32_t i = 1 + below(g, 4); i; i--)
		f[from + below(g, len - from)] ^= (uint8_t)(1u << below(g, 8));
	return len;
}

static uint32_t make_icmp(struct flood_gen *g, enum flood_kind kind, uint8_t *f)
{
	static const uint8_t ROUTERS[] = {133, 134, 137};
	uint8_t target[16];
	uint32_t len;

	switch (kind) {
	case FLOOD_icmp4_short:
		ip4(g, f, ICMP4, len = below(g, 8));
		fill(g, f + ETH + IP4, len);
		return ETH + IP4 + len;
	case FLOOD_icmp4_checksum:
		len = icmp4(g, f, 8, 0, 64);
		f[ETH + IP4 + 3] ^= (uint8_t)(1 + below(g, 254));
		return len;
	case FLOOD_icmp4_type:
		return icmp4(g, f, 13 + below(g, 240), below(g, 256), 8 + below(g, 100));
	case FLOOD_icmp4_error:
		return icmp4(g, f, below(g, 2) ? 3 : 5 + below(g, 2) * 6, below(g, 16), 8 + below(g, 60));
	case FLOOD_icmp4_ping_bent:
		return bend(g, f, 6, icmp4(g, f, 8, 0, 64));
	case FLOOD_icmp6_checksum:
		len = icmp6(g, f, 128, 0, 64);
		f[ETH + IP6 + 3] ^= (uint8_t)(1 + below(g, 254));
		return len;
	case FLOOD_icmp6_type:
		return icmp6(g, f, 140 + below(g, 110), below(g, 256), 8 + below(g, 100));
	case FLOOD_icmp6_error:
		return icmp6(g, f, 1 + below(g, 4), below(g, 8), 8 + below(g, 60));
	case FLOOD_icmp6_ping_bent:
		return bend(g, f, 6, icmp6(g, f, 128, 0, 64));
	case FLOOD_nd_option:
		return nd(g, f, 135 + below(g, 2), g->to6, below(g, 2) ? 0 : 2 + below(g, 254));
	case FLOOD_nd_hop_limit:
		len = nd(g, f, 135 + below(g, 2), g->to6, 1);
		f[ETH + 7] = (uint8_t)below(g, 255);
		return len;
	case FLOOD_nd_router:
		return icmp6(g, f, ROUTERS[below(g, 3)], 0, 16 + 8 * below(g, 6));
	case FLOOD_nd_poison:
		memcpy(target, g->net6, 16);
		target[15] = 0x10;
		return nd(g, f, 136, target, 1);
	default:
		return nd(g, f, 136, g->to6, 1);
	}
}

static uint32_t make_l4(struct flood_gen *g, enum flood_kind kind, uint8_t *f)
{
	uint8_t *p = f + ETH + IP4;
	uint32_t len;

	switch (kind) {
	case FLOOD_tcp_short:
		ip4(g, f, TCP_PROTO, len = below(g, TCP));
		fill(g, p, len);
		return ETH + IP4 + len;
	case FLOOD_tcp_offset:
		len = tcp4(g, f, 0, 8);
		p[12] = (uint8_t)((below(g, 2) ? below(g, 5) : 8 + below(g, 8)) << 4);
		sum_l4(f, p, len - ETH - IP4, TCP_PROTO, 16);
		return len;
	case FLOOD_tcp_option: {
		static const uint8_t LENGTHS[] = {0, 1, 2, 3, 5, 11, 41, 255};

		len = tcp4(g, f, 40, below(g, 64));
		p[TCP] = (uint8_t)(2 + below(g, 30));
		p[TCP + 1] = LENGTHS[below(g, sizeof(LENGTHS))];
		p[13] = (uint8_t)below(g, 64);
		sum_l4(f, p, len - ETH - IP4, TCP_PROTO, 16);
		return len;
	}
	case FLOOD_tcp_checksum:
		len = tcp4(g, f, 0, below(g, 600));
		p[17] ^= (uint8_t)(1 + below(g, 254));
		return len;
	case FLOOD_tcp_flags:
		len = tcp4(g, f, 4 * below(g, 11), below(g, 64));
		p[13] = (uint8_t)below(g, 256);
		sum_l4(f, p, len - ETH - IP4, TCP_PROTO, 16);
		return len;
	case FLOOD_tcp6_flags:
		p = ip6(g, f, TCP_PROTO, TCP);
		fill(g, p, TCP);
		put16(p + 2, 5061);
		p[12] = 0x50;
		sum_l4(f, p, TCP, TCP_PROTO, 16);
		return ETH + IP6 + TCP;
	default:
		len = 8 + below(g, 600);
		p = below(g, 2) ? ip4(g, f, UDP, len) : ip6(g, f, UDP, len);
		fill(g, p, len);
		put16(p + 4, below(g, 2) ? len : below(g, 65536));
		return (uint32_t)(p - f) + len;
	}
}

uint32_t flood_frame_make(struct flood_gen *g, enum flood_kind kind, uint8_t out[FLOOD_FRAME_MAX])
{
	uint32_t len;

	if (kind < FLOOD_arp_short)
		len = make_eth(g, kind, out);
	else if (kind < FLOOD_ip4_short)
		len = make_arp(g, kind, out);
	else if (kind < FLOOD_ip6_short)
		len = make_ip4(g, kind, out);
	else if (kind < FLOOD_icmp4_short)
		len = make_ip6(g, kind, out);
	else if (kind < FLOOD_tcp_short)
		len = make_icmp(g, kind, out);
	else
		len = make_l4(g, kind, out);
	return seen_by_all(g, out, len);
}
