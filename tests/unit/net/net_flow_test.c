/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP segments on their way up and down, and who owns them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/ip6.h"
#include "dataplane/wire/tcp_header.h"
#include "tests/unit/net/net_rig.h"

static struct rig rig;
static uint8_t in[RIG_FRAME_MAX];
static uint8_t out[RIG_FRAME_MAX];

static void start(unsigned n_cores)
{
	rig_default(&rig, n_cores);
	rig_start(&rig);
	rig_turn(&rig);
	rig_advance(&rig, RIG_SECOND / 10);
	while (rig_answer(&rig, 0) + rig_answer(&rig, 1) > 0)
		;
}

/* Whichever core a segment reaches, its owner gets it: with its addresses, without padding, bytes as they
 * were. */
static void segments_reach_their_owner(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= RIG_CORES_MAX; n++) {
		unsigned expected = 0;

		start(n);
		for (unsigned i = 0; i < 200; i++) {
			bool v4 = i & 1;
			const char *src = v4 ? "192.0.2.8" : "2001:db8:9::8";
			const char *dst = v4 ? "198.51.100.2" : "2001:db8:1::2";
			size_t l3 = v4 ? 34 : 54;
			size_t len =
				rig_tcp(in, src, dst, (uint16_t)(30000 + i), 5061, i % 4 == 0 ? 0 : i * 5);
			size_t padded = len < 60 ? 60 : len;
			struct base_addr s = rig_addr(src);
			struct base_addr d = rig_addr(dst);
			const struct rig_up *up;

			memset(in + len, 0xee, padded - len);
			rig_push_cut(&rig, i % n, 0, in, padded, i % 3 ? 2000 : 200);
			rig_turn(&rig);
			assert_int_equal(rig.n_up, ++expected);
			up = &rig.up[(expected - 1) % RIG_UP_MAX];
			assert_int_equal(up->core,
					 net_owner(rig.shared, &s, &d, (uint16_t)(30000 + i), 5061));
			assert_true(base_addr_equal(&up->src, &s));
			assert_true(base_addr_equal(&up->dst, &d));
			assert_int_equal(up->len, len - l3);
			assert_memory_equal(up->bytes, in + l3, up->len < 128 ? up->len : 128);
		}
		rig_stop(&rig);
	}
}

static void bad_segments(void **state)
{
	size_t len;

	(void)state;
	start(1);
	len = rig_tcp(in, "192.0.2.8", "198.51.100.2", 1, 2, 100);
	in[len - 1] ^= 1;
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_l4_checksum), 1);
	in[len - 1] ^= 1;
	in[34 + 12] = 0x40; /* data offset 4 */
	rig_push(&rig, 0, 0, in, len);
	in[34 + 12] = 0xf0; /* beyond a short segment */
	rig_push(&rig, 0, 0, in, rig_ip4(in, rig_mac[0], "192.0.2.8", "198.51.100.2", 6, in + 34, 40));
	assert_int_equal(rig_drop(&rig, NET_DROP_l4_short), 2);
	rig_push(&rig, 0, 0, in, rig_ip4(in, rig_mac[0], "192.0.2.8", "198.51.100.2", 6, in + 34, 12));
	assert_int_equal(rig_drop(&rig, NET_DROP_l4_short), 3);
	assert_int_equal(rig.n_up, 0);
	rig_stop(&rig);
}

/* RFC 1122 section 3.3.4.2, strong model: an address of another port is not ours here, and nothing is
 * forwarded. */
static void nothing_is_forwarded(void **state)
{
	(void)state;
	start(1);
	rig_drain(&rig);
	rig_push(&rig, 0, 0, in, rig_tcp(in, "198.51.100.9", "203.0.113.2", 1, 2, 10));
	rig_push(&rig, 0, 0, in, rig_tcp(in, "198.51.100.9", "203.0.113.77", 1, 2, 10));
	assert_int_equal(rig_drop(&rig, NET_DROP_ip4_not_ours), 2);
	rig_push(&rig, 0, 0, in, rig_tcp(in, "2001:db8:1::9", "2001:db8:2::2", 1, 2, 10));
	assert_int_equal(rig_drop(&rig, NET_DROP_ip6_not_ours), 1);
	/* ::ffff:a.b.c.d on the wire is no IPv4 address of ours */
	rig_push(&rig, 0, 0, in, rig_tcp(in, "2001:db8:1::9", "::ffff:c633:6402", 1, 2, 10));
	assert_int_equal(rig_drop(&rig, NET_DROP_ip6_not_ours) + rig_drop(&rig, NET_DROP_l4_checksum), 2);
	assert_int_equal(rig_drop(&rig, NET_DROP_ip6_not_ours), 2);
	rig_turn(&rig);
	assert_int_equal(rig_drain(&rig), 0);
	assert_int_equal(rig.n_up, 0);
	rig_stop(&rig);
}

/* Sources that cannot be: martians, our own, the subnet's broadcast (RFC 1122 section 3.2.1.3). */
static void impossible_sources(void **state)
{
	static const char *const sources[] = {"127.0.0.1",	 "0.0.0.0",	"224.0.0.1",
					      "255.255.255.255", "240.0.0.1",	"198.51.100.2",
					      "198.51.100.255",	 "198.51.100.0"};

	(void)state;
	start(1);
	for (unsigned i = 0; i < 8; i++)
		rig_push(&rig, 0, 0, in, rig_tcp(in, sources[i], "198.51.100.2", 1, 2, 10));
	assert_int_equal(rig_drop(&rig, NET_DROP_ip4_source), 8);
	rig_push(&rig, 0, 0, in, rig_tcp(in, "::1", "2001:db8:1::2", 1, 2, 10));
	rig_push(&rig, 0, 0, in, rig_tcp(in, "ff02::1", "2001:db8:1::2", 1, 2, 10));
	rig_push(&rig, 0, 0, in, rig_tcp(in, "2001:db8:1::2", "2001:db8:1::2", 1, 2, 10));
	rig_push(&rig, 0, 0, in, rig_tcp(in, "::", "2001:db8:1::2", 1, 2, 10));
	assert_int_equal(rig_drop(&rig, NET_DROP_ip6_source), 4);
	rig_stop(&rig);
}

static struct rte_mbuf *segment(size_t len, size_t cut)
{
	static uint8_t bytes[RIG_FRAME_MAX];
	struct wire_tcp tcp = {.sport = 5061, .dport = 40000, .header_len = 20, .flags = WIRE_TCP_ACK};

	wire_tcp_emit(bytes, &tcp);
	for (size_t i = 20; i < len; i++)
		bytes[i] = (uint8_t)(i * 3);
	return rig_buffer_cut(bytes, len, cut);
}

/* Headers as RFC 791, RFC 8200 and RFC 9293 want them, over chains cut anywhere; the next hop as configured.
 */
static void output(void **state)
{
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");

	(void)state;
	start(1);
	rig_drain(&rig);
	for (unsigned i = 0; i < 120; i++) {
		bool v4 = i & 1;
		struct base_addr src = rig_addr(v4 ? "198.51.100.2" : "2001:db8:1::2");
		struct base_addr dst = rig_addr(v4 ? "192.0.2.8" : "2001:db8:9::8");
		size_t l3 = v4 ? 20 : 40;
		size_t len = 20 + i * 11;
		struct rte_mbuf *m = segment(len, i % 3 == 0 ? 2000 : 20 + i);
		uint64_t pseudo;

		assert_int_equal(net_ip_output(rig.nets[0], m, &src, &dst, 6, 2, NET_PORT_ANY, rig.now_ns),
				 NET_OUTPUT_QUEUED);
		rig_turn(&rig);
		assert_int_equal(rig_pull(&rig, 0, out), 14 + l3 + len);
		assert_memory_equal(out, rig_peer, 6);
		pseudo = v4 ? wire_sum_pseudo(out + 26, out + 30, 4, 6, (uint32_t)len)
			    : wire_sum_pseudo(out + 22, out + 38, 16, 6, (uint32_t)len);
		assert_int_equal(wire_sum_fold(pseudo + k->sum(out + 14 + l3, len)), 0xffff);
		if (v4) {
			assert_int_equal(wire_sum_fold(k->sum(out + 14, 20)), 0xffff);
			assert_int_equal(out[15], 2);
			assert_int_equal(wire_get16(out + 20), WIRE_IP4_DF);
		} else {
			assert_int_equal(wire_get32(out + 14), 0x60200000);
		}
	}
	rig_stop(&rig);
}

/* What DPDK's programmer's guide wants of a chain that a device shall cut: kinds and lengths of the headers,
 * a pseudo header without length, no IP checksum. Also when it had to wait for its neighbour; and without TSO
 * it is too big. */
static void cut_by_the_device(void **state)
{
	const uint64_t tso = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
			     RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		bool v4 = i & 1, waits = i & 2, able = i < 4;
		/* the gateway is known, a neighbour on the link is not */
		struct base_addr src = rig_addr(v4 ? "198.51.100.2" : "2001:db8:1::2");
		struct base_addr dst = rig_addr(v4 ? (waits ? "198.51.100.9" : "192.0.2.8")
						   : (waits ? "2001:db8:1::9" : "2001:db8:9::8"));
		size_t l3 = v4 ? 20 : 40, len = 20 + 4000;
		uint64_t want = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM |
				(v4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
		struct rte_mbuf *m;
		uint8_t *p;
		uint64_t pseudo;

		rig_default(&rig, 1);
		rig.config.ports[0].tx_offloads = able ? tso : tso & ~RTE_ETH_TX_OFFLOAD_TCP_TSO;
		rig_start(&rig);
		rig_turn(&rig);
		rig_advance(&rig, RIG_SECOND / 10);
		while (rig_answer(&rig, 0) + rig_answer(&rig, 1) > 0)
			;
		m = segment(len, 1400);
		m->tso_segsz = 1448;
		rte_mbuf_refcnt_update(m, 1); /* to look at it afterwards */
		if (able) {
			assert_int_equal(
				net_ip_output(rig.nets[0], m, &src, &dst, 6, 2, NET_PORT_ANY, rig.now_ns),
				NET_OUTPUT_QUEUED);
			rig_turn(&rig);
			while (waits && rig_answer(&rig, 0) > 0)
				;
			p = rte_pktmbuf_mtod(m, uint8_t *);
			assert_memory_equal(p, rig_peer, 6);
			assert_int_equal(m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK, want);
			assert_int_equal(m->l2_len, 14);
			assert_int_equal(m->l3_len, l3);
			assert_int_equal(m->l4_len, 20);
			assert_int_equal(m->tso_segsz, 1448);
			assert_int_equal(m->pkt_len, 14 + l3 + len);
			pseudo = v4 ? wire_sum_pseudo(p + 26, p + 30, 4, 6, 0)
				    : wire_sum_pseudo(p + 22, p + 38, 16, 6, 0);
			assert_memory_equal(p + 14 + l3 + 16, &(uint16_t){wire_sum_fold(pseudo)}, 2);
			if (v4)
				assert_int_equal(wire_get16(p + 24), 0);
		} else {
			assert_int_equal(
				net_ip_output(rig.nets[0], m, &src, &dst, 6, 2, NET_PORT_ANY, rig.now_ns),
				NET_OUTPUT_DROPPED);
			assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_too_big), 1);
		}
		rig_drain(&rig);
		/* the rest of the chain went with the frame */
		rte_pktmbuf_free_seg(m);
		rig_stop(&rig);
	}
}

static void output_refused(void **state)
{
	struct base_addr us = rig_addr("198.51.100.2");
	struct base_addr inside = rig_addr("203.0.113.2");
	struct base_addr far = rig_addr("192.0.2.8");
	struct base_addr stranger = rig_addr("198.51.100.77");
	struct base_addr broadcast = rig_addr("198.51.100.255");

	(void)state;
	start(1);
	net_ip_output(rig.nets[0], segment(40, 2000), &stranger, &far, 6, 0, NET_PORT_ANY, rig.now_ns);
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_no_source), 1);
	/* the internal port has no next hop */
	assert_int_equal(
		net_ip_output(rig.nets[0], segment(40, 2000), &inside, &far, 6, 0, NET_PORT_ANY, rig.now_ns),
		NET_OUTPUT_DROPPED);
	net_ip_output(rig.nets[0], segment(40, 2000), &us, &broadcast, 6, 0, NET_PORT_ANY, rig.now_ns);
	net_ip_output(rig.nets[0], segment(40, 2000), &us, &us, 6, 0, NET_PORT_ANY, rig.now_ns);
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_no_route), 3);
	net_ip_output(rig.nets[0], segment(1481, 2000), &us, &far, 6, 0, NET_PORT_ANY, rig.now_ns);
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_too_big), 1);
	net_link_set(rig.shared, 0, NET_LINK_DOWN);
	net_ip_output(rig.nets[0], segment(40, 2000), &us, &far, 6, 0, NET_PORT_ANY, rig.now_ns);
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_link_down), 1);
	rig_stop(&rig);
}

/* RFC 1122 section 2.3.2.2: frames wait for an unknown neighbour, few of them and not for long. */
static void waiting_is_bounded(void **state)
{
	struct base_addr us = rig_addr("203.0.113.2");
	struct base_addr peer = rig_addr("203.0.113.50");
	unsigned data = 0;

	(void)state;
	start(1);
	rig_drain(&rig);
	for (unsigned i = 0; i < 100; i++)
		net_ip_output(rig.nets[0], segment(40, 2000), &us, &peer, 6, 0, NET_PORT_ANY, rig.now_ns);
	assert_int_equal(rig_buffers() >= 64, true);
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_neigh_queue), 36);
	rig_turn(&rig);
	assert_int_equal(rig_answer(&rig, 1), 1);
	while (rig_pull(&rig, 1, out) > 0)
		data += wire_get16(out + 12) == WIRE_ETH_IP4;
	assert_int_equal(data, 64);
	/* by bytes as well */
	peer = rig_addr("203.0.113.51");
	for (unsigned i = 0; i < 100; i++)
		net_ip_output(rig.nets[0], segment(1480, 2000), &us, &peer, 6, 0, NET_PORT_ANY, rig.now_ns);
	assert_in_range(rig_buffers(), 60, 98304 / 1480 + 2);
	/* by neighbours */
	for (unsigned i = 60; i < 200; i++) {
		char text[32];

		snprintf(text, sizeof(text), "203.0.113.%u", i);
		peer = rig_addr(text);
		net_ip_output(rig.nets[0], segment(40, 2000), &us, &peer, 6, 0, NET_PORT_ANY, rig.now_ns);
	}
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_neigh_full), 140 - 31);
	/* and by time */
	rig_advance(&rig, 5 * RIG_SECOND);
	rig_drain(&rig);
	assert_int_equal(rig_buffers(), 0);
	assert_true(rig_output_drop(&rig, NET_OUTPUT_DROP_neigh_failed) > 0);
	rig_stop(&rig);
}

/* However many neighbours do not answer, what waits for them is a small part of the pool. */
static void waiting_is_bounded_in_all(void **state)
{
	struct base_addr us = rig_addr("203.0.113.2");

	(void)state;
	start(1);
	rig_drain(&rig);
	for (unsigned i = 0; i < 20 * 60; i++) {
		struct base_addr peer = us;

		peer.b[15] = (uint8_t)(50 + i % 20);
		net_ip_output(rig.nets[0], segment(40, 2000), &us, &peer, 6, 0, NET_PORT_ANY, rig.now_ns);
	}
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_neigh_queue), 20 * 60 - 512);
	rig_advance(&rig, 5 * RIG_SECOND);
	rig_drain(&rig);
	assert_int_equal(rig_buffers(), 0);
	/* and it can all be used again */
	for (unsigned i = 0; i < 60; i++) {
		struct base_addr peer = us;

		peer.b[15] = 200;
		net_ip_output(rig.nets[0], segment(40, 2000), &us, &peer, 6, 0, NET_PORT_ANY, rig.now_ns);
	}
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_neigh_queue), 20 * 60 - 512);
	rig_stop(&rig);
}

/* A ring that is full loses by name, and the books stay right. */
static void steering_overflow(void **state)
{
	struct rte_mbuf *burst[32];
	unsigned pushed = 0;

	(void)state;
	rig_default(&rig, 2);
	rig.config.steer_slots = 64;
	rig_start(&rig);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 32; i++) {
			size_t len = rig_tcp(in, "192.0.2.8", "198.51.100.2",
					     (uint16_t)(1000 + round * 32 + i), 5061, 10);

			burst[i] = rig_buffer(in, len);
		}
		net_input(rig.nets[0], 0, burst, 32, rig.now_ns);
		net_flush(rig.nets[0], rig.now_ns);
		pushed += 32;
	}
	assert_true(rig_drop(&rig, NET_DROP_steer_full) > 100);
	rig_turn(&rig);
	assert_int_equal(rig.n_up + rig_drop(&rig, NET_DROP_steer_full), pushed);
	rig_stop(&rig);
}

/* A device that takes nothing gets time; then one frame is given up, in case that it is what the device
 * cannot take. What is behind it goes on. */
static void a_stuck_device(void **state)
{
	struct base_addr src = rig_addr("198.51.100.2");
	struct base_addr dst = rig_addr("192.0.2.8");
	unsigned left = 0;

	(void)state;
	start(1);
	rig_drain(&rig);
	for (unsigned i = 0; i < 1100; i++)
		net_ip_output(rig.nets[0], segment(40, 2000), &src, &dst, 6, 0, NET_PORT_ANY, rig.now_ns);
	rig_turn(&rig);
	rig_advance(&rig, RIG_SECOND);
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_tx_stuck), 0);
	rig_advance(&rig, 2 * RIG_SECOND);
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_tx_stuck), 1);
	for (unsigned n; (n = rig_drain(&rig)) > 0; rig_turn(&rig))
		left += n;
	assert_true(left >= 1099);
	rig_advance(&rig, 3 * RIG_SECOND);
	assert_int_equal(rig_output_drop(&rig, NET_OUTPUT_DROP_tx_stuck), 1);
	rig_drain(&rig);
	rig_stop(&rig);
}

/* IEEE 802.1Q: our tag, another one, none; taken off by the device or in the frame. */
static void vlan(void **state)
{
	struct rte_mbuf *m;
	size_t len;

	(void)state;
	rig_default(&rig, 1);
	rig.config.ports[0].vlan = 100;
	rig_start(&rig);
	rig_turn(&rig);
	len = rig_tcp(in, "192.0.2.8", "198.51.100.2", 1, 2, 10);
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_eth_vlan), 1);
	m = rig_buffer(in, len);
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 0x6000 | 100;
	net_input(rig.nets[0], 0, &m, 1, rig.now_ns);
	assert_int_equal(rig.n_up, 1);
	memmove(in + 16, in + 12, len - 12);
	wire_put16(in + 12, WIRE_ETH_VLAN);
	wire_put16(in + 14, 100);
	rig_push(&rig, 0, 0, in, len + 4);
	assert_int_equal(rig.n_up, 2);
	wire_put16(in + 14, 101);
	rig_push(&rig, 0, 0, in, len + 4);
	assert_int_equal(rig_drop(&rig, NET_DROP_eth_vlan), 2);
	/* what we send bears it */
	rig_advance(&rig, RIG_SECOND / 10);
	assert_true(rig_pull(&rig, 0, out) > 0);
	assert_int_equal(wire_get32(out + 12), 0x81000064);
	rig_stop(&rig);
}

/* A chain whose headers cannot be brought together, and one that can. */
static void chains(void **state)
{
	size_t len;

	(void)state;
	rig_default(&rig, 1);
	rig.config.ports[0].mtu = 9000;
	rig_start(&rig);
	len = rig_tcp(in, "192.0.2.8", "198.51.100.2", 1, 2, 8000);
	rig_push_cut(&rig, 0, 0, in, len, 1500);
	assert_int_equal(rig.n_up, 1);
	assert_int_equal(rig.up[0].len, 8020);
	rig_push_cut(&rig, 0, 0, in, len, 130);
	assert_int_equal(rig.n_up, 2);
	rig_push_cut(&rig, 0, 0, in, len, 100);
	assert_int_equal(rig_drop(&rig, NET_DROP_eth_chain), 1);
	rig_stop(&rig);
}

/* Where an opening connection speaks from. */
static void sources(void **state)
{
	struct base_addr far = rig_addr("192.0.2.8");
	struct base_addr near = rig_addr("203.0.113.9");
	struct base_addr far6 = rig_addr("2001:db8:9::8");
	struct base_addr expect4 = rig_addr("198.51.100.2");
	struct base_addr expect_near = rig_addr("203.0.113.2");
	struct base_addr expect6 = rig_addr("2001:db8:1::2");
	struct base_addr got;

	(void)state;
	start(1);
	assert_int_equal(net_source_for(rig.shared, NET_EXTERNAL, &far, &got), 0);
	assert_true(base_addr_equal(&got, &expect4));
	assert_int_equal(net_source_for(rig.shared, NET_EXTERNAL, &far6, &got), 0);
	assert_true(base_addr_equal(&got, &expect6));
	assert_int_equal(net_source_for(rig.shared, NET_INTERNAL, &near, &got), 0);
	assert_true(base_addr_equal(&got, &expect_near));
	assert_int_equal(net_port_of(rig.shared, &got), 1);
	assert_true(net_source_for(rig.shared, NET_INTERNAL, &far, &got) < 0);
	rig_stop(&rig);
}

/* A configuration that cannot be is refused with a word. */
static void configurations(void **state)
{
	const char *why;

	(void)state;
	rig_default(&rig, 1);
	rig.config.ports[1].addresses[0].addr = rig_addr("198.51.100.2");
	assert_null(net_shared_create(&rig.config, &why));
	assert_non_null(why);
	rig_default(&rig, 1);
	rig.config.ports[0].addresses[0].addr = rig_addr("127.0.0.1");
	assert_null(net_shared_create(&rig.config, &why));
	rig_default(&rig, 1);
	rig.config.ports[0].mac[0] = 1;
	assert_null(net_shared_create(&rig.config, &why));
	rig_default(&rig, 1);
	rig.config.ports[0].mtu = 1279;
	assert_null(net_shared_create(&rig.config, &why));
	rig_default(&rig, 1);
	rig.config.steer_slots = 100;
	assert_null(net_shared_create(&rig.config, &why));
	assert_int_equal(rig_buffers(), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_reach_their_owner),
		cmocka_unit_test(bad_segments),
		cmocka_unit_test(nothing_is_forwarded),
		cmocka_unit_test(impossible_sources),
		cmocka_unit_test(output),
		cmocka_unit_test(cut_by_the_device),
		cmocka_unit_test(output_refused),
		cmocka_unit_test(waiting_is_bounded),
		cmocka_unit_test(waiting_is_bounded_in_all),
		cmocka_unit_test(steering_overflow),
		cmocka_unit_test(a_stuck_device),
		cmocka_unit_test(vlan),
		cmocka_unit_test(chains),
		cmocka_unit_test(sources),
		cmocka_unit_test(configurations),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
