/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/net/net_seeds.h"

#include <string.h>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ip6.h"
#include "dataplane/wire/ndp.h"
#include "tests/unit/net/net_rig.h"

#define US4   "198.51.100.2"
#define PEER4 "198.51.100.9"
#define US6   "2001:db8:1::2"
#define PEER6 "2001:db8:1::9"

static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
static const uint8_t solicited_mac[6] = {0x33, 0x33, 0xff, 0, 0, 2};
static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct maker {
	struct seed *seeds;
	unsigned n;
};

static uint8_t *next(struct maker *k, const char *name)
{
	k->seeds[k->n].name = name;
	return k->seeds[k->n].bytes;
}

static void end(struct maker *k, size_t len)
{
	k->seeds[k->n++].len = len;
}

static void arps(struct maker *k)
{
	uint8_t *p = next(k, "arp_request");

	end(k, rig_arp(p, everybody, WIRE_ARP_REQUEST, rig_peer, PEER4, NULL, US4));
	p = next(k, "arp_reply");
	end(k, rig_arp(p, rig_mac[0], WIRE_ARP_REPLY, rig_peer, PEER4, rig_mac[0], US4));
	p = next(k, "arp_reply_gateway");
	end(k, rig_arp(p, rig_mac[0], WIRE_ARP_REPLY, rig_peer, "198.51.100.1", rig_mac[0], US4));
	p = next(k, "arp_probe");
	end(k, rig_arp(p, everybody, WIRE_ARP_REQUEST, rig_peer, "0.0.0.0", NULL, US4));
	p = next(k, "arp_announce");
	end(k, rig_arp(p, everybody, WIRE_ARP_REQUEST, rig_peer, PEER4, NULL, PEER4));
	p = next(k, "arp_conflict");
	end(k, rig_arp(p, everybody, WIRE_ARP_REQUEST, rig_peer, US4, NULL, US4));
}

static void vlan_insert(struct maker *k, const char *name, const struct seed *from, uint16_t vlan)
{
	uint8_t *p = next(k, name);

	memcpy(p, from->bytes, 12);
	wire_put16(p + 12, WIRE_ETH_VLAN);
	wire_put16(p + 14, vlan);
	memcpy(p + 16, from->bytes + 12, from->len - 12);
	end(k, from->len + 4);
}

static void ip4s(struct maker *k)
{
	uint8_t rest[1460] = {0x12, 0x34, 0, 1};
	uint8_t *p = next(k, "echo4");

	end(k, rig_icmp4(p, PEER4, US4, WIRE_ICMP4_ECHO, 0, rest, 60));
	vlan_insert(k, "echo4_vlan0", &k->seeds[k->n - 1], 0);
	vlan_insert(k, "echo4_vlan9", &k->seeds[k->n - 2], 9);
	p = next(k, "echo4_routed");
	end(k, rig_icmp4(p, "192.0.2.8", US4, WIRE_ICMP4_ECHO, 0, rest, 1460));
	p = next(k, "echo4_reply");
	end(k, rig_icmp4(p, PEER4, US4, WIRE_ICMP4_ECHO_REPLY, 0, rest, 60));
	p = next(k, "tcp4");
	end(k, rig_tcp(p, PEER4, US4, 40000, 5061, 0));
	p = next(k, "tcp4_data");
	end(k, rig_tcp(p, "192.0.2.8", US4, 40001, 5061, 600));
	p = next(k, "udp4");
	end(k, rig_ip4(p, rig_mac[0], PEER4, US4, WIRE_PROTO_UDP, rest, 100));
	p = next(k, "sctp4");
	end(k, rig_ip4(p, rig_mac[0], PEER4, US4, 132, rest, 100));
}

static void ip6s(struct maker *k)
{
	uint8_t rest[1400] = {0x12, 0x34, 0, 1};
	uint8_t body[200] = {0};
	uint8_t *p = next(k, "echo6");

	end(k, rig_icmp6(p, rig_mac[0], PEER6, US6, 64, WIRE_ICMP6_ECHO, 0, rest, 60));
	p = next(k, "echo6_all_nodes");
	end(k, rig_icmp6(p, all_nodes_mac, PEER6, "ff02::1", 64, WIRE_ICMP6_ECHO, 0, rest, 60));
	p = next(k, "tcp6");
	end(k, rig_tcp(p, PEER6, US6, 40000, 5061, 10));
	p = next(k, "udp6");
	end(k, rig_ip6(p, rig_mac[0], PEER6, US6, WIRE_PROTO_UDP, 64, rest, 100));
	p = next(k, "sctp6");
	end(k, rig_ip6(p, rig_mac[0], PEER6, US6, 132, 64, rest, 100));
	/* hop-by-hop with router alert, destination options, then no next header */
	memcpy(body, "\x3c\x00\x05\x02\x00\x00\x01\x00\x3b\x00\x01\x04\0\0\0\0", 16);
	p = next(k, "ext6");
	end(k, rig_ip6(p, rig_mac[0], PEER6, US6, WIRE_IP6_HOP_BY_HOP, 64, body, 16));
	/* an option that must be reported */
	memcpy(body, "\x3a\x00\x9e\x04\0\0\0\0", 8);
	p = next(k, "option6");
	end(k, rig_ip6(p, rig_mac[0], PEER6, US6, WIRE_IP6_DEST_OPTIONS, 64, body, 40));
	memcpy(body, "\x06\x02\x00\x01\0\0\0\0", 8);
	p = next(k, "routing6");
	end(k, rig_ip6(p, rig_mac[0], PEER6, US6, WIRE_IP6_ROUTING, 64, body, 60));
	memcpy(body, "\x3a\x00\x00\x01\0\0\0\7", 8);
	p = next(k, "fragment6");
	end(k, rig_ip6(p, rig_mac[0], PEER6, US6, WIRE_IP6_FRAGMENT_HEADER, 64, body, 60));
}

static void nds(struct maker *k)
{
	struct base_addr us = rig_addr(US6);
	struct base_addr peer = rig_addr(PEER6);
	uint8_t rest[64] = {0};
	uint8_t *p = next(k, "ns");

	memcpy(rest + 4, us.b, 16);
	memcpy(rest + 20, "\1\1\2\0\0\0\0\xb0", 8);
	end(k, rig_icmp6(p, solicited_mac, PEER6, "ff02::1:ff00:2", 255, WIRE_NDP_NS, 0, rest, 28));
	p = next(k, "ns_probe");
	end(k, rig_icmp6(p, solicited_mac, "::", "ff02::1:ff00:2", 255, WIRE_NDP_NS, 0, rest, 20));
	memcpy(rest + 4, peer.b, 16);
	rest[0] = WIRE_NDP_SOLICITED | WIRE_NDP_OVERRIDE;
	rest[20] = 2;
	p = next(k, "na");
	end(k, rig_icmp6(p, rig_mac[0], PEER6, US6, 255, WIRE_NDP_NA, 0, rest, 28));
	memcpy(rest + 4, us.b, 16);
	rest[0] = 0;
	p = next(k, "na_conflict");
	end(k, rig_icmp6(p, all_nodes_mac, PEER6, "ff02::1", 255, WIRE_NDP_NA, 0, rest, 28));
	memset(rest, 0, sizeof(rest));
	memcpy(rest, "\x40\x00\x07\x08\0\0\0\0\0\0\0\0\1\1\2\0\0\0\0\xb0\5\1\0\0\0\0\5\x78", 28);
	p = next(k, "ra");
	end(k, rig_icmp6(p, all_nodes_mac, "fe80::1", "ff02::1", 255, WIRE_NDP_RA, 0, rest, 28));
	p = next(k, "rs");
	end(k, rig_icmp6(p, all_nodes_mac, "fe80::1", "ff02::1", 255, WIRE_NDP_RS, 0, rest, 4));
}

static void errors(struct maker *k)
{
	uint8_t rest[200] = {0};
	uint8_t quoted[200];
	uint8_t *p;

	/* our own segment, quoted */
	rig_tcp(quoted, US4, "192.0.2.8", 5061, 40001, 64);
	wire_put16(quoted + 16, 1500);
	memcpy(rest + 4, quoted + 14, 48);
	p = next(k, "unreachable4");
	end(k, rig_icmp4(p, "198.51.100.1", US4, WIRE_ICMP4_UNREACHABLE, 1, rest, 52));
	wire_put16(rest + 2, 1400);
	p = next(k, "too_big4");
	end(k, rig_icmp4(p, "198.51.100.1", US4, WIRE_ICMP4_UNREACHABLE, WIRE_ICMP4_CODE_TOO_BIG, rest, 52));
	memset(rest, 0, sizeof(rest));
	rig_tcp(quoted, US6, "2001:db8:9::8", 5061, 40001, 64);
	wire_put16(quoted + 18, 1460);
	memcpy(rest + 4, quoted + 14, 80);
	wire_put32(rest, 1300);
	p = next(k, "too_big6");
	end(k, rig_icmp6(p, rig_mac[0], "2001:db8:1::1", US6, 64, WIRE_ICMP6_TOO_BIG, 0, rest, 84));
	p = next(k, "unreachable6");
	end(k, rig_icmp6(p, rig_mac[0], "2001:db8:1::1", US6, 64, WIRE_ICMP6_UNREACHABLE, 4, rest, 84));
}

unsigned seeds_make(struct seed seeds[SEEDS_MAX])
{
	struct maker k = {.seeds = seeds};

	arps(&k);
	ip4s(&k);
	ip6s(&k);
	nds(&k);
	errors(&k);
	return k.n;
}

static void sum_put(uint8_t *p, size_t len, size_t at, uint64_t pseudo)
{
	const struct wire_sum_kernel *scalar = wire_sum_pick("scalar");
	uint16_t sum;

	if (len < at + 2)
		return;
	memset(p + at, 0, 2);
	sum = (uint16_t)~wire_sum_fold(pseudo + scalar->sum(p, len));
	memcpy(p + at, &sum, 2);
}

void seed_checksums_fix(uint8_t *frame, size_t len)
{
	struct wire_ip6 ip6;
	struct wire_eth eth;
	uint16_t total;
	uint8_t *p;
	int at = wire_eth_parse(frame, len, &eth);
	int rc;

	if (at < 0)
		return;
	p = frame + at;
	len -= (size_t)at;
	if (eth.type == WIRE_ETH_IP4 && len >= WIRE_IP4_LEN) {
		sum_put(p, WIRE_IP4_LEN, 10, 0);
		if (wire_ip4_parse(p, len, len, true, &total) < 0)
			return;
		if (p[9] == WIRE_PROTO_ICMP4)
			sum_put(p + 20, total - 20u, 2, 0);
		else if (p[9] == WIRE_PROTO_TCP)
			sum_put(p + 20, total - 20u, 16,
				wire_sum_pseudo(p + 12, p + 16, 4, p[9], total - 20u));
	} else if (eth.type == WIRE_ETH_IP6) {
		rc = wire_ip6_parse(p, len, len, &ip6);
		if (rc < 0)
			return;
		len = ip6.total_len - (size_t)rc;
		if (ip6.upper_proto == WIRE_PROTO_ICMP6 || ip6.upper_proto == WIRE_PROTO_TCP)
			sum_put(p + rc, len, ip6.upper_proto == WIRE_PROTO_TCP ? 16 : 2,
				wire_sum_pseudo(p + 8, p + 24, 16, ip6.upper_proto, (uint32_t)len));
	}
}
