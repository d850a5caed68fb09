/* SPDX-License-Identifier: BSD-3-Clause */
/* Own addresses by script, through the whole net: RFC 5227, RFC 4862 section 5.4, RFC 4429, RFC 7527. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/net/own_address.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/ndp.h"
#include "tests/unit/net/net_rig.h"

static struct rig rig;
static uint8_t in[RIG_FRAME_MAX];
static uint8_t out[RIG_FRAME_MAX];
static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t solicited_mac[6] = {0x33, 0x33, 0xff, 0, 0, 2};

struct seen {
	unsigned arp_probes, arp_announces, arp_replies, ns_probes, na_all, na_to_peer, others;
	uint64_t first_probe, last_probe, first_announce;
};

/* What left the external port since the last call. */
static void collect(struct seen *s)
{
	size_t len;

	while ((len = rig_pull(&rig, 0, out)) > 0) {
		bool arp = wire_get16(out + 12) == WIRE_ETH_ARP;

		if (arp && wire_get16(out + 20) == WIRE_ARP_REPLY) {
			s->arp_replies++;
		} else if (arp && wire_get32(out + 38) == 0xc6336402 && wire_get32(out + 28) == 0) {
			s->arp_probes++;
			s->last_probe = rig.now_ns;
			if (s->first_probe == 0)
				s->first_probe = rig.now_ns;
		} else if (arp && memcmp(out + 28, out + 38, 4) == 0) {
			s->arp_announces++;
			if (s->first_announce == 0)
				s->first_announce = rig.now_ns;
		} else if (!arp && out[54] == WIRE_NDP_NS && out[22] == 0 && out[77] == 2 &&
			   out[62] == 0x20) {
			s->ns_probes++;
		} else if (!arp && out[54] == WIRE_NDP_NA && out[62] == 0x20) {
			if (out[38] == 0xff)
				s->na_all++;
			else
				s->na_to_peer++;
		} else {
			s->others++;
		}
	}
}

static void run(struct seen *s, uint64_t ns)
{
	for (uint64_t end = rig.now_ns + ns; rig.now_ns < end;) {
		rig_advance(&rig, 10000000);
		collect(s);
	}
}

static enum net_address_state state_of(const char *text)
{
	struct base_addr want = rig_addr(text);
	enum net_address_state state;
	struct net_prefix prefix;

	for (unsigned i = 0; net_address_get(rig.shared, 0, i, &prefix, &state) == 0; i++)
		if (base_addr_equal(&prefix.addr, &want))
			return state;
	fail();
	return NET_ADDRESS_DUPLICATE;
}

static void start(bool careful)
{
	rig_default(&rig, 1);
	rig.config.careful_addresses = careful;
	rig_start(&rig);
}

/* RFC 5227 sections 2.1.1 and 2.3; RFC 4862 section 5.1 */
static void probe_then_announce(void **state)
{
	struct seen s = {0};

	(void)state;
	start(false);
	assert_int_equal(state_of("198.51.100.2"), NET_ADDRESS_READY);
	run(&s, 15 * RIG_SECOND);
	assert_int_equal(s.arp_probes, OWN_PROBES4);
	assert_in_range(s.last_probe - s.first_probe, 2 * RIG_SECOND, 4 * RIG_SECOND + 50000000);
	assert_int_equal(s.arp_announces, OWN_ANNOUNCES);
	assert_in_range(s.first_announce - s.last_probe, OWN_ANNOUNCE_WAIT_NS,
			OWN_ANNOUNCE_WAIT_NS + 50000000);
	assert_int_equal(s.ns_probes, OWN_PROBES6);
	assert_int_equal(s.na_all, OWN_ANNOUNCES);
	rig_stop(&rig);
}

/* The careful way: nothing is answered before the probes were. */
static void careful_waits(void **state)
{
	struct seen s = {0};

	(void)state;
	start(true);
	rig_advance(&rig, RIG_SECOND / 2);
	assert_int_equal(state_of("198.51.100.2"), NET_ADDRESS_TENTATIVE);
	rig_push(&rig, 0, 0, in,
		 rig_arp(in, everybody, WIRE_ARP_REQUEST, rig_peer, "198.51.100.9", NULL, "198.51.100.2"));
	run(&s, RIG_SECOND / 10);
	assert_int_equal(s.arp_replies, 0);
	assert_int_equal(rig_drop(&rig, NET_DROP_arp_tentative), 1);
	run(&s, 15 * RIG_SECOND);
	assert_int_equal(state_of("198.51.100.2"), NET_ADDRESS_READY);
	assert_int_equal(state_of("2001:db8:1::2"), NET_ADDRESS_READY);
	rig_push(&rig, 0, 0, in,
		 rig_arp(in, everybody, WIRE_ARP_REQUEST, rig_peer, "198.51.100.9", NULL, "198.51.100.2"));
	run(&s, RIG_SECOND / 10);
	assert_int_equal(s.arp_replies, 1);
	rig_stop(&rig);
}

/* RFC 5227 section 2.1.1: somebody has it already, or probes it too; later it is tried again. */
static void conflict_while_probing(void **state)
{
	struct seen s = {0};

	(void)state;
	for (unsigned probe = 0; probe < 2; probe++) {
		start(false);
		run(&s, RIG_SECOND / 10);
		rig_push(&rig, 0, 0, in,
			 probe ? rig_arp(in, everybody, WIRE_ARP_REQUEST, rig_peer, "0.0.0.0", NULL,
					 "198.51.100.2")
			       : rig_arp(in, rig_mac[0], WIRE_ARP_REPLY, rig_peer, "198.51.100.2", rig_mac[0],
					 "0.0.0.0"));
		assert_int_equal(state_of("198.51.100.2"), NET_ADDRESS_DUPLICATE);
		assert_int_equal(state_of("2001:db8:1::2"), NET_ADDRESS_READY);
		memset(&s, 0, sizeof(s));
		run(&s, 20 * RIG_SECOND);
		assert_int_equal(s.arp_probes + s.arp_announces + s.arp_replies, 0);
		run(&s, 30 * RIG_SECOND); /* one forged frame does not take it away for ever */
		assert_int_equal(state_of("198.51.100.2"), NET_ADDRESS_READY);
		rig_stop(&rig);
	}
}

/* RFC 4862 section 5.4.3 and 5.4.4 */
static void conflict_while_probing6(void **state)
{
	uint8_t rest[28] = {0};
	struct base_addr us = rig_addr("2001:db8:1::2");

	(void)state;
	memcpy(rest + 4, us.b, 16);
	start(false);
	rig_advance(&rig, RIG_SECOND / 10);
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, solicited_mac, "::", "ff02::1:ff00:2", 255, WIRE_NDP_NS, 0, rest, 20));
	assert_int_equal(state_of("2001:db8:1::2"), NET_ADDRESS_DUPLICATE);
	assert_int_equal(rig_drop(&rig, NET_DROP_nd_conflict), 1);
	rig_stop(&rig);
	start(false);
	rig_advance(&rig, RIG_SECOND / 10);
	memcpy(rest + 20, "\2\1\2\0\0\0\0\xb0", 8);
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, (const uint8_t *)"\x33\x33\0\0\0\1", "2001:db8:1::2", "ff02::1", 255,
			   WIRE_NDP_NA, 0, rest, 28));
	assert_int_equal(state_of("2001:db8:1::2"), NET_ADDRESS_DUPLICATE);
	rig_stop(&rig);
}

/* RFC 5227 section 2.4 (c): defended, at most once in ten seconds, never given up. */
static void defence(void **state)
{
	struct seen s = {0};

	(void)state;
	start(false);
	run(&s, 15 * RIG_SECOND);
	memset(&s, 0, sizeof(s));
	for (unsigned i = 0; i < 300; i++) {
		rig_push(&rig, 0, 0, in,
			 rig_arp(in, everybody, WIRE_ARP_REQUEST, rig_peer, "198.51.100.2", NULL,
				 "198.51.100.2"));
		run(&s, RIG_SECOND / 10);
	}
	assert_int_equal(s.arp_announces, 3);
	assert_int_equal(rig_drop(&rig, NET_DROP_arp_conflict), 300);
	assert_int_equal(rig_counter(&rig, NET_COUNTER_defended), 3);
	assert_int_equal(state_of("198.51.100.2"), NET_ADDRESS_READY);
	rig_stop(&rig);
}

/* RFC 5227 section 2.1.1, RFC 4861 section 7.2.4: a settled holder answers the probes of others. */
static void probes_of_others(void **state)
{
	struct seen s = {0};
	uint8_t rest[20] = {0};
	struct base_addr us = rig_addr("2001:db8:1::2");

	(void)state;
	memcpy(rest + 4, us.b, 16);
	start(false);
	run(&s, 15 * RIG_SECOND);
	memset(&s, 0, sizeof(s));
	rig_push(&rig, 0, 0, in,
		 rig_arp(in, everybody, WIRE_ARP_REQUEST, rig_peer, "0.0.0.0", NULL, "198.51.100.2"));
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, solicited_mac, "::", "ff02::1:ff00:2", 255, WIRE_NDP_NS, 0, rest, 20));
	run(&s, RIG_SECOND / 10);
	assert_int_equal(s.arp_replies, 1);
	assert_int_equal(s.na_all, 1);
	assert_int_equal(state_of("198.51.100.2"), NET_ADDRESS_READY);
	rig_stop(&rig);
}

/* A link that comes back starts its addresses again. */
static void link_flap(void **state)
{
	struct seen s = {0};

	(void)state;
	start(false);
	run(&s, 15 * RIG_SECOND);
	net_link_set(rig.shared, 0, NET_LINK_DOWN);
	run(&s, RIG_SECOND);
	memset(&s, 0, sizeof(s));
	net_link_set(rig.shared, 0, NET_LINK_UP);
	run(&s, 15 * RIG_SECOND);
	assert_int_equal(s.arp_probes, OWN_PROBES4);
	assert_int_equal(s.arp_announces, OWN_ANNOUNCES);
	rig_stop(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_then_announce),
		cmocka_unit_test(careful_waits),
		cmocka_unit_test(conflict_while_probing),
		cmocka_unit_test(conflict_while_probing6),
		cmocka_unit_test(defence),
		cmocka_unit_test(probes_of_others),
		cmocka_unit_test(link_flap),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
