/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet, ARP, IPv4 and IPv6 headers: what is taken, and by which name the rest is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/ip4.h"
#include "dataplane/wire/ip6.h"

static uint8_t b[256];

static void eth(void **state)
{
	static const uint8_t dst[6] = {2, 0, 0, 0, 0, 1};
	static const uint8_t src[6] = {2, 0, 0, 0, 0, 2};
	struct wire_eth e;

	(void)state;
	wire_eth_emit(b, dst, src, 0, WIRE_ETH_IP4);
	assert_int_equal(wire_eth_parse(b, 14, &e), 14);
	assert_int_equal(e.type, WIRE_ETH_IP4);
	assert_false(e.tagged);
	assert_int_equal(wire_eth_parse(b, 13, &e), WIRE_ETH_SHORT);
	wire_eth_emit(b, dst, src, 100, WIRE_ETH_IP6);
	assert_int_equal(wire_eth_parse(b, 18, &e), 18);
	assert_int_equal(e.vlan, 100);
	assert_int_equal(e.type, WIRE_ETH_IP6);
	assert_int_equal(wire_eth_parse(b, 17, &e), WIRE_ETH_SHORT);
	wire_put16(b + 14, 0xe000); /* priority tag: IEEE 802.1Q, VID 0 */
	assert_int_equal(wire_eth_parse(b, 18, &e), 18);
	assert_int_equal(e.vlan, 0);
	assert_true(e.tagged);
	wire_put16(b + 16, WIRE_ETH_VLAN);
	assert_int_equal(wire_eth_parse(b, 60, &e), WIRE_ETH_TAGS);
	wire_put16(b + 12, WIRE_ETH_QINQ);
	assert_int_equal(wire_eth_parse(b, 60, &e), WIRE_ETH_TAGS);
}

static void arp(void **state)
{
	struct wire_arp a = {
		.op = WIRE_ARP_REQUEST, .sender_mac = {2, 0, 0, 0, 0, 1}, .sender_ip = {192, 0, 2, 1}};
	struct wire_arp got;

	(void)state;
	memcpy(a.target_ip, "\xc0\x00\x02\x02", 4);
	wire_arp_emit(b, &a);
	assert_int_equal(wire_arp_parse(b, 28, &got), 28);
	assert_memory_equal(&got, &a, sizeof(a));
	assert_int_equal(wire_arp_parse(b, 46, &got), 28); /* padding */
	assert_int_equal(wire_arp_parse(b, 27, &got), WIRE_ARP_SHORT);
	/* RFC 826: hardware, protocol, both lengths, operation */
	for (unsigned i = 0; i < 8; i++) {
		b[i] ^= 0x40;
		assert_int_equal(wire_arp_parse(b, 28, &got), WIRE_ARP_BAD);
		b[i] ^= 0x40;
	}
	b[8] |= 1; /* a group cannot be a sender */
	assert_int_equal(wire_arp_parse(b, 28, &got), WIRE_ARP_BAD);
	memset(b + 8, 0, 6);
	assert_int_equal(wire_arp_parse(b, 28, &got), WIRE_ARP_BAD);
}

static void ip4_make(unsigned total)
{
	memset(b, 0, sizeof(b));
	wire_ip4_emit(b, 0x2e, (uint16_t)total, 7, true, 64, WIRE_PROTO_TCP, "\xc0\0\2\1", "\xc0\0\2\2");
}

static void ip4_resum(void)
{
	uint16_t sum;

	b[10] = 0;
	b[11] = 0;
	sum = (uint16_t)~wire_sum_fold(wire_sum_short(b, (b[0] & 15) * 4u));
	memcpy(b + 10, &sum, 2);
}

/* RFC 791 section 3.1, RFC 1122 section 3.2.1 */
static void ip4(void **state)
{
	uint16_t total;

	(void)state;
	ip4_make(40);
	assert_int_equal(wire_ip4_parse(b, 40, 40, false, &total), 20);
	assert_int_equal(total, 40);
	assert_int_equal(wire_ip4_parse(b, 46, 46, false, &total), 20);
	assert_int_equal(total, 40);
	assert_int_equal(wire_ip4_parse(b, 20, 1000, false, &total), 20); /* the rest in other buffers */
	assert_int_equal(wire_ip4_parse(b, 19, 19, false, &total), WIRE_IP4_SHORT);
	assert_int_equal(wire_ip4_parse(b, 39, 39, false, &total), WIRE_IP4_TOTAL_LEN);
	b[15] ^= 1;
	assert_int_equal(wire_ip4_parse(b, 40, 40, false, &total), WIRE_IP4_CHECKSUM);
	assert_int_equal(wire_ip4_parse(b, 40, 40, true, &total), 20);
	ip4_make(19);
	assert_int_equal(wire_ip4_parse(b, 40, 40, false, &total), WIRE_IP4_TOTAL_LEN);
	ip4_make(40);
	b[0] = 0x65;
	assert_int_equal(wire_ip4_parse(b, 40, 40, false, &total), WIRE_IP4_VERSION);
	b[0] = 0x44;
	assert_int_equal(wire_ip4_parse(b, 40, 40, false, &total), WIRE_IP4_HEADER_LEN);
	b[0] = 0x4f; /* 60 bytes of header in a datagram of 40 */
	assert_int_equal(wire_ip4_parse(b, 80, 80, false, &total), WIRE_IP4_HEADER_LEN);
	ip4_make(44);
	b[0] = 0x46;
	ip4_resum();
	assert_int_equal(wire_ip4_parse(b, 44, 44, false, &total), WIRE_IP4_OPTIONS);
	b[20] ^= 1;
	assert_int_equal(wire_ip4_parse(b, 44, 44, false, &total), WIRE_IP4_CHECKSUM);
	ip4_make(40);
	wire_put16(b + 6, WIRE_IP4_MF);
	ip4_resum();
	assert_int_equal(wire_ip4_parse(b, 40, 40, false, &total), WIRE_IP4_FRAGMENT);
	wire_put16(b + 6, 185);
	ip4_resum();
	assert_int_equal(wire_ip4_parse(b, 40, 40, false, &total), WIRE_IP4_FRAGMENT);
	ip4_make(40);
	b[8] = 0;
	ip4_resum();
	assert_int_equal(wire_ip4_parse(b, 40, 40, false, &total), WIRE_IP4_TTL);
	assert_true(wire_ip4_is_martian((const uint8_t *)"\x00\x01\x02\x03"));
	assert_true(wire_ip4_is_martian((const uint8_t *)"\x7f\x00\x00\x01"));
	assert_true(wire_ip4_is_martian((const uint8_t *)"\xe0\x00\x00\x01"));
	assert_true(wire_ip4_is_martian((const uint8_t *)"\xff\xff\xff\xff"));
	assert_false(wire_ip4_is_martian((const uint8_t *)"\x0a\x00\x00\x01"));
}

static void ip6_make(uint8_t next, const void *body, unsigned len)
{
	memset(b, 0, sizeof(b));
	wire_ip6_emit(b, 0xb9, (uint16_t)len, next, 64, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1",
		      "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2");
	memcpy(b + 40, body, len);
}

static int ip6_read(struct wire_ip6 *h)
{
	size_t len = 40u + wire_get16(b + 4);

	return wire_ip6_parse(b, len, len, h);
}

/* RFC 8200 section 3 */
static void ip6_header(void **state)
{
	struct wire_ip6 h;

	(void)state;
	ip6_make(WIRE_PROTO_TCP, "12345678901234567890", 20);
	assert_int_equal(ip6_read(&h), 40);
	assert_int_equal(h.traffic_class, 0xb9);
	assert_int_equal(h.total_len, 60);
	assert_int_equal(h.upper_proto, WIRE_PROTO_TCP);
	assert_int_equal(wire_ip6_parse(b, 39, 39, &h), WIRE_IP6_SHORT);
	assert_int_equal(wire_ip6_parse(b, 59, 59, &h), WIRE_IP6_PAYLOAD_LEN);
	b[0] = 0x4b;
	assert_int_equal(ip6_read(&h), WIRE_IP6_VERSION);
	b[0] = 0x6b;
	b[7] = 0;
	assert_int_equal(ip6_read(&h), WIRE_IP6_HOP_LIMIT);
}

/* RFC 8200 section 4, RFC 5095, RFC 6946, RFC 7045: walked within bounds */
static void ip6_extensions(void **state)
{
	struct wire_ip6 h;
	uint8_t body[80] = {0};

	(void)state;
	/* hop-by-hop with router alert and PadN, destination options with Pad1s, then TCP */
	memcpy(body, "\x3c\x00\x05\x02\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00\x00", 16);
	ip6_make(WIRE_IP6_HOP_BY_HOP, body, 40);
	assert_int_equal(ip6_read(&h), 56);
	assert_int_equal(h.upper_proto, WIRE_PROTO_TCP);
	assert_true(h.router_alert);
	/* the field that named TCP */
	assert_int_equal(h.pointer, 48);
	/* hop-by-hop anywhere but first */
	memcpy(body, "\x00\x00\x01\x04\0\0\0\0\x06\x00\x01\x04\0\0\0\0", 16);
	ip6_make(WIRE_IP6_DEST_OPTIONS, body, 40);
	assert_int_equal(ip6_read(&h), WIRE_IP6_EXTENSION);
	/* an extension header longer than the datagram */
	memcpy(body, "\x06\x05\x01\x04\0\0\0\0", 8);
	ip6_make(WIRE_IP6_DEST_OPTIONS, body, 40);
	assert_int_equal(ip6_read(&h), WIRE_IP6_EXTENSION);
	/* cut off before its second byte */
	ip6_make(WIRE_IP6_DEST_OPTIONS, body, 1);
	assert_int_equal(ip6_read(&h), WIRE_IP6_EXTENSION);
	ip6_make(WIRE_IP6_DEST_OPTIONS, body, 0);
	assert_int_equal(ip6_read(&h), WIRE_IP6_EXTENSION);
	/* an option longer than its header */
	memcpy(body, "\x06\x00\x01\x05\0\0\0\0", 8);
	ip6_make(WIRE_IP6_DEST_OPTIONS, body, 40);
	assert_int_equal(ip6_read(&h), WIRE_IP6_EXTENSION);
	/* an option whose length byte is behind the header */
	memcpy(body, "\x06\x00\x01\x03\0\0\0\x01", 8);
	ip6_make(WIRE_IP6_DEST_OPTIONS, body, 40);
	assert_int_equal(ip6_read(&h), WIRE_IP6_EXTENSION);
	/* more headers than anybody needs */
	for (unsigned i = 0; i < 6; i++)
		memcpy(body + 8 * i, "\x3c\x00\x01\x04\0\0\0\0", 8);
	ip6_make(WIRE_IP6_DEST_OPTIONS, body, 80);
	assert_int_equal(ip6_read(&h), WIRE_IP6_EXTENSION);
	memset(body, 0, sizeof(body));
	ip6_make(WIRE_IP6_NONE, body, 8);
	assert_int_equal(ip6_read(&h), WIRE_IP6_NO_NEXT);
}

/* RFC 8200 section 4.2: the two high bits of an unknown option */
static void ip6_option_actions(void **state)
{
	static const int expected[4] = {48, WIRE_IP6_OPTION, WIRE_IP6_OPTION_REPORT, WIRE_IP6_OPTION_REPORT};
	struct wire_ip6 h;
	uint8_t body[40] = {0};

	(void)state;
	for (unsigned action = 0; action < 4; action++) {
		memcpy(body, "\x06\x00\x1e\x04\0\0\0\0", 8);
		body[2] |= (uint8_t)(action << 6);
		ip6_make(WIRE_IP6_DEST_OPTIONS, body, 40);
		assert_int_equal(ip6_read(&h), expected[action]);
		if (action >= 2) {
			assert_int_equal(h.pointer, 42);
			assert_int_equal(h.always, action == 2);
		}
	}
}

static void ip6_routing_and_fragments(void **state)
{
	struct wire_ip6 h;
	uint8_t body[40] = {0};

	(void)state;
	memcpy(body, "\x06\x00\x00\x01\0\0\0\0", 8); /* type 0, one segment left */
	ip6_make(WIRE_IP6_ROUTING, body, 40);
	assert_int_equal(ip6_read(&h), WIRE_IP6_SOURCE_ROUTE);
	assert_int_equal(h.pointer, 42);
	body[3] = 0;
	ip6_make(WIRE_IP6_ROUTING, body, 40);
	assert_int_equal(ip6_read(&h), 48);
	memcpy(body, "\x06\x00\x00\x01\0\0\0\x09", 8); /* first of several */
	ip6_make(WIRE_IP6_FRAGMENT_HEADER, body, 40);
	assert_int_equal(ip6_read(&h), WIRE_IP6_FRAGMENT);
	memcpy(body, "\x06\x00\x05\xa8\0\0\0\x09", 8); /* last of several */
	ip6_make(WIRE_IP6_FRAGMENT_HEADER, body, 40);
	assert_int_equal(ip6_read(&h), WIRE_IP6_FRAGMENT);
	memcpy(body, "\x06\x00\x00\x00\0\0\0\x09", 8); /* RFC 6946: atomic */
	ip6_make(WIRE_IP6_FRAGMENT_HEADER, body, 40);
	assert_int_equal(ip6_read(&h), 48);
}

static void ip6_addresses(void **state)
{
	static const uint8_t target[16] = {0x20, 1, 0x0d, 0xb8, [13] = 0x12, 0x34, 0x56};
	static const uint8_t group_is[16] = {0xff, 2, [11] = 1, [12] = 0xff, 0x12, 0x34, 0x56};
	static const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
	static const uint8_t local_is[16] = {0xfe, 0x80, [8] = 0x00, 0x11, 0x22,
					     0xff, 0xfe, 0x33,	     0x44, 0x55};
	uint8_t got[16];

	(void)state;
	wire_ip6_solicited_node(target, got); /* RFC 4291 section 2.7.1 */
	assert_memory_equal(got, group_is, 16);
	wire_ip6_group_mac(got, got); /* RFC 2464 section 7 */
	assert_memory_equal(got, "\x33\x33\xff\x12\x34\x56", 6);
	wire_ip6_link_local_of(mac, got); /* RFC 4291 appendix A */
	assert_memory_equal(got, local_is, 16);
	assert_true(wire_ip6_is_link_local(got));
	assert_true(wire_ip6_is_martian((const uint8_t *)"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"));
	assert_true(wire_ip6_is_martian((const uint8_t *)"\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4"));
	assert_true(wire_ip6_is_martian(group_is));
	assert_false(wire_ip6_is_martian(target));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(eth),
		cmocka_unit_test(arp),
		cmocka_unit_test(ip4),
		cmocka_unit_test(ip6_header),
		cmocka_unit_test(ip6_extensions),
		cmocka_unit_test(ip6_option_actions),
		cmocka_unit_test(ip6_routing_and_fragments),
		cmocka_unit_test(ip6_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
