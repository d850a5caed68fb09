/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP and NDP on the wire: RFC 826, RFC 5227, RFC 4861. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <rte_mbuf.h>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ndp.h"
#include "tests/unit/net/net_rig.h"

static struct rig rig;
static uint8_t in[RIG_FRAME_MAX];
static uint8_t out[RIG_FRAME_MAX];
static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t solicited_mac[6] = {0x33, 0x33, 0xff, 0, 0, 2};
static const uint8_t other[6] = {2, 0, 0, 0, 0, 0xee};

static void start(unsigned n_cores)
{
	rig_default(&rig, n_cores);
	rig_start(&rig);
	rig_advance(&rig, RIG_SECOND / 10);
	while (rig_answer(&rig, 0) + rig_answer(&rig, 1) > 0)
		;
	for (unsigned i = 0; i < 150; i++) { /* addresses settle, next hops answer */
		rig_advance(&rig, RIG_SECOND / 10);
		rig_answer(&rig, 0);
	}
	rig_drain(&rig);
}

/* A request is answered to whoever asked, on any core, and teaches nothing. */
static void arp_request(void **state)
{
	(void)state;
	for (unsigned core = 0; core < 3; core++) {
		start(3);
		rig_push(&rig, core, 0, in,
			 rig_arp(in, everybody, WIRE_ARP_REQUEST, other, "198.51.100.9", NULL,
				 "198.51.100.2"));
		rig_turn(&rig);
		assert_int_equal(rig_pull(&rig, 0, out), 42);
		assert_memory_equal(out, other, 6);
		assert_memory_equal(out + 6, rig_mac[0], 6);
		assert_int_equal(wire_get16(out + 20), WIRE_ARP_REPLY);
		assert_memory_equal(out + 22, rig_mac[0], 6);
		assert_memory_equal(out + 28, "\xc6\x33\x64\x02", 4);
		assert_memory_equal(out + 32, other, 6);
		assert_memory_equal(out + 38, "\xc6\x33\x64\x09", 4);
		assert_int_equal(rig_counter(&rig, NET_COUNTER_arp_answered), 1);
		rig_stop(&rig);
	}
}

static void arp_refused(void **state)
{
	size_t len;

	(void)state;
	start(1);
	/* for another port's address, for nobody's */
	rig_push(&rig, 0, 0, in,
		 rig_arp(in, everybody, WIRE_ARP_REQUEST, other, "198.51.100.9", NULL, "203.0.113.2"));
	rig_push(&rig, 0, 0, in,
		 rig_arp(in, everybody, WIRE_ARP_REQUEST, other, "198.51.100.9", NULL, "198.51.100.3"));
	assert_int_equal(rig_drop(&rig, NET_DROP_arp_not_ours), 2);
	rig_push(&rig, 0, 0, in,
		 rig_arp(in, everybody, WIRE_ARP_REQUEST, other, "127.0.0.1", NULL, "198.51.100.2"));
	assert_int_equal(rig_drop(&rig, NET_DROP_arp_bad), 1);
	rig_push(&rig, 0, 0, in,
		 rig_arp(in, rig_mac[0], WIRE_ARP_REPLY, other, "198.51.100.9", rig_mac[0], "198.51.100.2"));
	rig_push(&rig, 0, 0, in,
		 rig_arp(in, rig_mac[0], WIRE_ARP_REPLY, other, "198.51.100.9", other, "198.51.100.2"));
	assert_int_equal(rig_drop(&rig, NET_DROP_arp_unsolicited), 2);
	len = rig_arp(in, everybody, WIRE_ARP_REQUEST, other, "198.51.100.9", NULL, "198.51.100.2");
	rig_push(&rig, 0, 0, in, len - 1);
	assert_int_equal(rig_drop(&rig, NET_DROP_arp_short), 1);
	rig_turn(&rig);
	assert_int_equal(rig_drain(&rig), 0);
	rig_stop(&rig);
}

static void ping(unsigned core, const uint8_t *mac)
{
	static const uint8_t rest[12];
	size_t len = rig_icmp4(in, "198.51.100.9", "198.51.100.2", WIRE_ICMP4_ECHO, 0, rest, sizeof(rest));

	memcpy(in + 6, mac, 6);
	rig_push(&rig, core, 0, in, len);
	rig_turn(&rig);
}

/* What left for 198.51.100.9: 'p' an echo to rig_peer, 'o' an echo to other, 'u' and 'b' requests by unicast
 * and broadcast; the last one seen, 0 for nothing. */
static char last_seen(void)
{
	char seen = 0;

	while (rig_pull(&rig, 0, out) > 0) {
		if (wire_get16(out + 12) == WIRE_ETH_IP4 && out[34] == 0)
			seen = memcmp(out, other, 6) == 0 ? 'o' : 'p';
		else if (wire_get16(out + 12) == WIRE_ETH_ARP && out[41] == 9)
			seen = wire_mac_is_broadcast(out) ? 'b' : 'u';
	}
	return seen;
}

/* A neighbour that takes another station is followed within a few seconds, driven by nothing but its own
 * frames; a forger who only claims it is not. */
static void neighbour_change(void **state)
{
	uint64_t began;

	(void)state;
	for (unsigned core = 0; core < 2; core++) {
		start(2);
		ping(core, rig_peer);
		rig_answer(&rig, 0);
		rig_drain(&rig);
		rig_advance(&rig, 3 * RIG_SECOND);
		ping(core, rig_peer);
		assert_int_equal(last_seen(), 'p');
		/* forged: the real one is asked and answers; every echo still goes to the real one */
		for (unsigned i = 0; i < 50; i++) {
			rig_push(&rig, core, 0, in,
				 rig_arp(in, rig_mac[0], WIRE_ARP_REPLY, other, "198.51.100.9", rig_mac[0],
					 "198.51.100.2"));
			ping(core, other);
			rig_answer(&rig, 0);
			rig_advance(&rig, RIG_SECOND / 10);
			rig_answer(&rig, 0);
			ping(core, rig_peer);
			assert_int_equal(last_seen(), 'p');
		}
		assert_int_equal(rig_counter(&rig, NET_COUNTER_neigh_moved), 0);
		assert_true(rig_counter(&rig, NET_COUNTER_neigh_verify) > 0);
		/* moved: the old station is silent from now on */
		rig_advance(&rig, 3 * RIG_SECOND);
		last_seen();
		began = rig.now_ns;
		for (;;) {
			ping(core, other);
			if (last_seen() == 'b') {
				rig_push(&rig, 0, 0, in,
					 rig_arp(in, rig_mac[0], WIRE_ARP_REPLY, other, "198.51.100.9",
						 rig_mac[0], "198.51.100.2"));
				rig_turn(&rig);
				break;
			}
			rig_advance(&rig, RIG_SECOND / 20);
			if (last_seen() == 'b') {
				rig_push(&rig, 0, 0, in,
					 rig_arp(in, rig_mac[0], WIRE_ARP_REPLY, other, "198.51.100.9",
						 rig_mac[0], "198.51.100.2"));
				rig_turn(&rig);
				break;
			}
			assert_true(rig.now_ns - began < 4 * RIG_SECOND);
		}
		ping(core, other);
		assert_int_equal(last_seen(), 'o');
		assert_int_equal(rig_counter(&rig, NET_COUNTER_neigh_moved), 1);
		rig_stop(&rig);
	}
}

static size_t ns_make(uint8_t hop_limit, bool with_mac)
{
	struct base_addr us = rig_addr("2001:db8:1::2");
	uint8_t rest[28] = {0};

	memcpy(rest + 4, us.b, 16);
	memcpy(rest + 20, "\1\1\2\0\0\0\0\xee", 8);
	return rig_icmp6(in, solicited_mac, "2001:db8:1::9", "ff02::1:ff00:2", hop_limit, WIRE_NDP_NS, 0,
			 rest, with_mac ? 28 : 20);
}

/* RFC 4861 sections 7.1.1 and 7.2.4 */
static void solicitation(void **state)
{
	size_t len;

	(void)state;
	start(2);
	rig_push(&rig, 1, 0, in, ns_make(255, true));
	rig_turn(&rig);
	assert_int_equal(rig_pull(&rig, 0, out), 14 + 40 + 32);
	assert_memory_equal(out, other, 6);
	assert_int_equal(out[21], 255);
	assert_int_equal(out[54], WIRE_NDP_NA);
	assert_int_equal(out[58], WIRE_NDP_SOLICITED | WIRE_NDP_OVERRIDE);
	assert_memory_equal(out + 62, out + 22, 16);
	assert_int_equal(out[78], 2);
	assert_memory_equal(out + 80, rig_mac[0], 6);
	/* from another link */
	rig_push(&rig, 0, 0, in, ns_make(254, true));
	/* to a group without a station */
	rig_push(&rig, 0, 0, in, ns_make(255, false));
	assert_int_equal(rig_drop(&rig, NET_DROP_nd_bad), 2);
	/* a wrong checksum */
	len = ns_make(255, true);
	in[60] ^= 1;
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_icmp_checksum), 1);
	rig_turn(&rig);
	assert_int_equal(rig_drain(&rig), 0);
	rig_stop(&rig);
}

/* RFC 4861 section 7.1.2 and 7.2.5: an advertisement counts when it was asked for. */
static void advertisement(void **state)
{
	struct base_addr peer = rig_addr("2001:db8:1::9");
	uint8_t rest[28] = {WIRE_NDP_SOLICITED | WIRE_NDP_OVERRIDE};

	(void)state;
	start(1);
	memcpy(rest + 4, peer.b, 16);
	memcpy(rest + 20, "\2\1\2\0\0\0\0\xee", 8);
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, rig_mac[0], "2001:db8:1::9", "2001:db8:1::2", 255, WIRE_NDP_NA, 0, rest, 28));
	assert_int_equal(rig_drop(&rig, NET_DROP_nd_unsolicited), 1);
	/* solicited, to a group: never */
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, (const uint8_t *)"\x33\x33\0\0\0\1", "2001:db8:1::9", "ff02::1", 255,
			   WIRE_NDP_NA, 0, rest, 28));
	assert_int_equal(rig_drop(&rig, NET_DROP_nd_bad), 1);
	rig_stop(&rig);
}

/* Redirects and router solicitations are not for us (RFC 4861 section 8.1 lets a host with static next hops
 * be deaf). */
static void redirects(void **state)
{
	uint8_t rest[36] = {0};

	(void)state;
	start(1);
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, rig_mac[0], "fe80::1", "2001:db8:1::2", 255, WIRE_NDP_REDIRECT, 0, rest, 36));
	assert_int_equal(rig_drop(&rig, NET_DROP_nd_router), 1);
	rig_push(&rig, 0, 0, in,
		 rig_icmp4(in, "198.51.100.1", "198.51.100.2", WIRE_ICMP4_REDIRECT, 1, rest, 32));
	assert_int_equal(rig_drop(&rig, NET_DROP_icmp_type), 1);
	rig_stop(&rig);
}

static void answers_are_limited(void **state)
{
	(void)state;
	rig_default(&rig, 1);
	rig.config.limits.neigh_total = 100;
	rig_start(&rig);
	rig_advance(&rig, RIG_SECOND);
	rig_drain(&rig);
	for (unsigned i = 0; i < 1000; i++)
		rig_push(&rig, 0, 0, in,
			 rig_arp(in, everybody, WIRE_ARP_REQUEST, other, "198.51.100.9", NULL,
				 "198.51.100.2"));
	assert_in_range(rig_counter(&rig, NET_COUNTER_arp_answered), 10, 12);
	assert_true(rig_drop(&rig, NET_DROP_arp_limit) >= 988);
	rig_push(&rig, 0, 0, in, ns_make(255, true));
	assert_int_equal(rig_drop(&rig, NET_DROP_nd_limit), 1);
	rig_stop(&rig);
}

/* Frames for somebody else, groups that nobody joined, ourselves as source. */
static void ethernet(void **state)
{
	size_t len;

	(void)state;
	start(1);
	len = rig_tcp(in, "198.51.100.9", "198.51.100.2", 1, 2, 3);
	memcpy(in, other, 6);
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_eth_not_ours), 1);
	memcpy(in, "\x01\x00\x5e\x00\x00\x01", 6);
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_eth_group), 1);
	memcpy(in, rig_mac[0], 6);
	memcpy(in + 6, rig_mac[0], 6);
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_eth_source), 1);
	rig_push(&rig, 0, 0, in, 13);
	assert_int_equal(rig_drop(&rig, NET_DROP_eth_short), 1);
	memcpy(in + 6, rig_peer, 6);
	wire_put16(in + 12, 0x88cc);
	rig_push(&rig, 0, 0, in, len);
	wire_put16(in + 12, 100); /* 802.3 with a length */
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_eth_type), 2);
	net_link_set(rig.shared, 0, NET_LINK_LOST);
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_port_lost), 1);
	rig_stop(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_request),	       cmocka_unit_test(arp_refused),
		cmocka_unit_test(neighbour_change),    cmocka_unit_test(solicitation),
		cmocka_unit_test(advertisement),       cmocka_unit_test(redirects),
		cmocka_unit_test(answers_are_limited), cmocka_unit_test(ethernet),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
