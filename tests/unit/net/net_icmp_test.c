/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors: ours, under the rules of RFC 1122 section 3.2.2 and RFC 4443 section 2.4; theirs, as far as
 * they are to be believed (RFC 5927, RFC 1191, RFC 8201). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <rte_mbuf.h>

#include "dataplane/net/path_mtu.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ip6.h"
#include "dataplane/wire/ndp.h"
#include "dataplane/wire/tcp_header.h"
#include "tests/unit/net/net_rig.h"

static struct rig rig;
static uint8_t in[RIG_FRAME_MAX];
static uint8_t out[RIG_FRAME_MAX];
static uint8_t payload[RIG_FRAME_MAX];

static void start(unsigned n_cores)
{
	rig_default(&rig, n_cores);
	rig_start(&rig);
	rig_turn(&rig);
	rig_advance(&rig, RIG_SECOND / 10);
	while (rig_answer(&rig, 0) + rig_answer(&rig, 1) > 0)
		;
	rig_drain(&rig);
}

/* RFC 1122 section 3.2.2.1; the quoted datagram as it came, the whole within 576 bytes */
static void unreachable4(void **state)
{
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");
	size_t sizes[] = {0, 8, 500, 528, 529, 1472};

	(void)state;
	start(1);
	for (unsigned i = 0; i < 12; i++) {
		bool udp = i & 1;
		size_t len = rig_ip4(in, rig_mac[0], "192.0.2.8", "198.51.100.2", udp ? 17 : 132, payload,
				     sizes[i / 2]);
		size_t quoted = len - 14 < 548 ? len - 14 : 548;

		rig_push_cut(&rig, 0, 0, in, len, i == 11 ? 300 : 2000);
		rig_advance(&rig, RIG_SECOND / 20);
		assert_int_equal(rig_pull(&rig, 0, out), 14 + 28 + quoted);
		assert_int_equal(out[34], WIRE_ICMP4_UNREACHABLE);
		assert_int_equal(out[35], udp ? WIRE_ICMP4_CODE_PORT : WIRE_ICMP4_CODE_PROTO);
		assert_memory_equal(out + 42, in + 14, quoted);
		assert_memory_equal(out + 30, in + 26, 4);
		assert_int_equal(wire_sum_fold(k->sum(out + 14, 20)), 0xffff);
		assert_int_equal(wire_sum_fold(k->sum(out + 34, 8 + quoted)), 0xffff);
	}
	assert_int_equal(rig_drop(&rig, NET_DROP_udp_no_port), 6);
	assert_int_equal(rig_drop(&rig, NET_DROP_ip4_protocol), 6);
	assert_int_equal(rig_counter(&rig, NET_COUNTER_errors_sent), 12);
	rig_stop(&rig);
}

/* RFC 4443 sections 3.1 and 3.4, RFC 8200 section 4 */
static void errors6(void **state)
{
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");
	static const struct {
		uint8_t next, type, code, pointer;
		const char *body;
		size_t len;
	} v[] = {
		{17, WIRE_ICMP6_UNREACHABLE, WIRE_ICMP6_CODE_PORT, 0, "12345678", 8},
		{132, WIRE_ICMP6_PARAMETER, WIRE_ICMP6_CODE_HEADER, 6, "12345678", 8},
		{60, WIRE_ICMP6_PARAMETER, WIRE_ICMP6_CODE_HEADER, 40, "\x84\0\1\4\0\0\0\0", 8},
		{60, WIRE_ICMP6_PARAMETER, WIRE_ICMP6_CODE_OPTION, 42, "\x06\0\x9e\4\0\0\0\0", 8},
		{43, WIRE_ICMP6_PARAMETER, 0, 42, "\x06\0\0\1\0\0\0\0", 8},
		{17, WIRE_ICMP6_UNREACHABLE, WIRE_ICMP6_CODE_PORT, 0, NULL, 1460},
	};

	(void)state;
	start(1);
	for (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		size_t len = rig_ip6(in, rig_mac[0], "2001:db8:9::8", "2001:db8:1::2", v[i].next, 64,
				     v[i].body != NULL ? (const void *)v[i].body : payload, v[i].len);
		size_t quoted = len - 14 < 1232 ? len - 14 : 1232;

		rig_push(&rig, 0, 0, in, len);
		rig_turn(&rig);
		assert_int_equal(rig_pull(&rig, 0, out), 14 + 48 + quoted);
		assert_int_equal(out[54], v[i].type);
		assert_int_equal(out[55], v[i].code);
		assert_int_equal(wire_get32(out + 58), v[i].pointer);
		assert_memory_equal(out + 62, in + 14, quoted);
		assert_int_equal(
			wire_sum_fold(wire_sum_pseudo(out + 22, out + 38, 16, 58, (uint32_t)(8 + quoted)) +
				      k->sum(out + 54, 8 + quoted)),
			0xffff);
	}
	rig_stop(&rig);
}

/* Never about an error, a group, a broadcast, or for somebody who cannot be. */
static void no_error_about(void **state)
{
	uint8_t all_nodes[6] = {0x33, 0x33, 0, 0, 0, 1};
	uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t rest[60] = {0};

	(void)state;
	start(1);
	rig_push(&rig, 0, 0, in, rig_ip4(in, everybody, "192.0.2.8", "198.51.100.255", 17, payload, 20));
	rig_push(&rig, 0, 0, in, rig_ip4(in, everybody, "192.0.2.8", "198.51.100.2", 17, payload, 20));
	rig_push(&rig, 0, 0, in, rig_ip4(in, rig_mac[0], "0.0.0.0", "198.51.100.2", 17, payload, 20));
	rig_push(&rig, 0, 0, in,
		 rig_icmp4(in, "192.0.2.8", "198.51.100.2", WIRE_ICMP4_UNREACHABLE, 3, rest, 40));
	rig_push(&rig, 0, 0, in, rig_ip6(in, all_nodes, "2001:db8:9::8", "ff02::1", 17, 64, payload, 20));
	rig_push(&rig, 0, 0, in, rig_ip6(in, rig_mac[0], "::", "2001:db8:1::2", 17, 64, payload, 20));
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, rig_mac[0], "2001:db8:9::8", "2001:db8:1::2", 64, 100, 0, rest, 40));
	rig_push(&rig, 0, 0, in,
		 rig_ip6(in, all_nodes, "2001:db8:9::8", "ff02::1", 60, 64, "\x06\0\xde\4\0\0\0\0", 8));
	/* an error behind a header that would be reported itself */
	rig_push(&rig, 0, 0, in,
		 rig_ip6(in, rig_mac[0], "2001:db8:9::8", "2001:db8:1::2", 60, 64,
			 "\x3a\0\x9e\4\0\0\0\0\1\0\0\0\0\0\0\0", 16));
	assert_int_equal(rig_drop(&rig, NET_DROP_ip6_option), 2);
	rig_turn(&rig);
	assert_int_equal(rig_drain(&rig), 0);
	/* but an option of type 10 is reported even then (RFC 8200 section 4.2) */
	rig_push(&rig, 0, 0, in,
		 rig_ip6(in, all_nodes, "2001:db8:9::8", "ff02::1", 60, 64, "\x06\0\x9e\4\0\0\0\0", 8));
	rig_turn(&rig);
	assert_int_equal(rig_drain(&rig), 1);
	rig_stop(&rig);
}

/* RFC 4443 section 2.4 (f), RFC 1812 section 4.3.2.8 */
static void error_rate(void **state)
{
	unsigned sent = 0;

	(void)state;
	start(1);
	for (unsigned i = 0; i < 2000; i++) {
		rig_push(&rig, 0, 0, in,
			 rig_ip4(in, rig_mac[0], "192.0.2.8", "198.51.100.2", 17, payload, 20));
		rig_advance(&rig, RIG_SECOND / 1000);
		sent += rig_drain(&rig);
	}
	assert_in_range(sent, 200, 230); /* 100 a second and prefix */
	assert_true(rig_counter(&rig, NET_COUNTER_errors_limited) >= 1770);
	assert_int_equal(rig_drop(&rig, NET_DROP_udp_no_port), 2000);
	rig_stop(&rig);
}

static size_t quoted4(uint8_t code, uint16_t mtu, const char *us, const char *them, uint16_t quoted_len)
{
	uint8_t rest[60] = {0};
	uint8_t segment[128];

	rig_tcp(segment, us, them, 5061, 40001, 20);
	wire_put16(segment + 16, quoted_len);
	wire_put16(rest + 2, mtu);
	memcpy(rest + 4, segment + 14, 28);
	return rig_icmp4(in, "203.0.113.200", "198.51.100.2", WIRE_ICMP4_UNREACHABLE, code, rest, 32);
}

/* To the core that owns the flow that it speaks of, whichever core it reached. */
static void errors_reach_the_owner(void **state)
{
	struct base_addr us = rig_addr("198.51.100.2");
	struct base_addr them = rig_addr("192.0.2.8");

	(void)state;
	start(4);
	rig.error_answer = true;
	for (unsigned core = 0; core < 4; core++) {
		rig_push(&rig, core, 0, in, quoted4(1, 0, "198.51.100.2", "192.0.2.8", 1500));
		rig_turn(&rig);
		assert_int_equal(rig.n_errors, core + 1);
		assert_int_equal(rig.error_core, net_owner(rig.shared, &them, &us, 40001, 5061));
		assert_int_equal(rig.error.kind, NET_ERROR_UNREACHABLE);
		assert_int_equal(rig.error.seq, 0x01020304);
		assert_true(base_addr_equal(&rig.error.tuple.local, &us));
		assert_true(base_addr_equal(&rig.error.tuple.remote, &them));
		assert_int_equal(rig.error.tuple.local_port, 5061);
		assert_int_equal(rig.error.tuple.remote_port, 40001);
	}
	rig_push(&rig, 0, 0, in, quoted4(3, 0, "198.51.100.2", "192.0.2.8", 1500));
	rig_turn(&rig);
	assert_int_equal(rig.error.kind, NET_ERROR_REFUSED);
	/* a datagram that we cannot have sent */
	rig_push(&rig, 0, 0, in, quoted4(1, 0, "198.51.100.3", "192.0.2.8", 1500));
	assert_int_equal(rig_drop(&rig, NET_DROP_icmp_embedded), 1);
	rig_stop(&rig);
}

static void too_big4(uint16_t mtu, uint16_t quoted_len)
{
	rig_push(&rig, 0, 0, in, quoted4(4, mtu, "198.51.100.2", "192.0.2.8", quoted_len));
	rig_turn(&rig);
}

static uint16_t mtu_now(const char *us, const char *them)
{
	struct base_addr src = rig_addr(us);
	struct base_addr dst = rig_addr(them);

	return net_path_mtu(rig.nets[0], &src, &dst, rig.now_ns);
}

/* RFC 1191: learned when the flow says that the segment is outstanding, only downwards, forgotten after ten
 * minutes */
static void path_mtu4(void **state)
{
	(void)state;
	start(1);
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.8"), 1500);
	rig.error_answer = false;
	too_big4(1400, 1500);
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.8"), 1500);
	assert_int_equal(rig_drop(&rig, NET_DROP_icmp_no_flow), 1);
	rig.error_answer = true;
	too_big4(1400, 1500);
	assert_int_equal(rig.error.mtu, 1400);
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.8"), 1400);
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.9"), 1500);
	too_big4(1450, 1500); /* never up */
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.8"), 1400);
	too_big4(1400, 1300); /* a datagram that would have fitted */
	assert_int_equal(rig_drop(&rig, NET_DROP_icmp_embedded), 1);
	too_big4(0, 1400); /* a router that does not say: the next plateau */
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.8"), 1006);
	too_big4(67, 1006); /* less than there can be */
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.8"), 1006);
	rig_advance(&rig, PATH_MTU_AGE_NS - RIG_SECOND);
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.8"), 1006);
	rig_advance(&rig, 2 * RIG_SECOND);
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.8"), 1500);
	rig_stop(&rig);
}

/* Below 576 routers may cut: DF is no longer set, and TCP is not driven to crumbs. */
static void path_mtu4_floor(void **state)
{
	struct base_addr us = rig_addr("198.51.100.2");
	struct base_addr them = rig_addr("192.0.2.8");
	uint8_t segment[WIRE_TCP_LEN] = {[12] = 0x50};

	(void)state;
	start(1);
	rig.error_answer = true;
	too_big4(100, 1500);
	assert_int_equal(rig.error.mtu, 576);
	assert_int_equal(mtu_now("198.51.100.2", "192.0.2.8"), 576);
	assert_int_equal(rig_counter(&rig, NET_COUNTER_pmtu_clamped), 1);
	rig_drain(&rig);
	net_ip_output(rig.nets[0], rig_buffer(segment, 20), &us, &them, 6, 0, NET_PORT_ANY, rig.now_ns);
	rig_turn(&rig);
	assert_true(rig_pull(&rig, 0, out) > 0);
	assert_int_equal(wire_get16(out + 20), 0);
	rig_stop(&rig);
}

/* RFC 8201 section 4: less than 1280 is not believed */
static void path_mtu6(void **state)
{
	uint8_t rest[100] = {0};
	uint8_t segment[128];

	(void)state;
	start(1);
	rig.error_answer = true;
	rig_tcp(segment, "2001:db8:1::2", "2001:db8:9::8", 5061, 40001, 20);
	wire_put16(segment + 18, 1460);
	memcpy(rest + 4, segment + 14, 60);
	wire_put32(rest, 1279);
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, rig_mac[0], "2001:db8:1::1", "2001:db8:1::2", 64, WIRE_ICMP6_TOO_BIG, 0, rest,
			   64));
	assert_int_equal(mtu_now("2001:db8:1::2", "2001:db8:9::8"), 1500);
	wire_put32(rest, 1280);
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, rig_mac[0], "2001:db8:1::1", "2001:db8:1::2", 64, WIRE_ICMP6_TOO_BIG, 0, rest,
			   64));
	assert_int_equal(mtu_now("2001:db8:1::2", "2001:db8:9::8"), 1280);
	wire_put32(rest, 0x10000 + 1300); /* 32 bits, and no wrap to 16 */
	rig_push(&rig, 0, 0, in,
		 rig_icmp6(in, rig_mac[0], "2001:db8:1::1", "2001:db8:1::2", 64, WIRE_ICMP6_TOO_BIG, 0, rest,
			   64));
	assert_int_equal(rig_drop(&rig, NET_DROP_icmp_embedded), 2);
	rig_stop(&rig);
}

/* The cache is bounded: many paths push out old ones, never more. */
static void path_mtu_bounded(void **state)
{
	static struct path_mtu cache;
	static const uint64_t key[2] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9};
	struct base_addr dst = rig_addr("192.0.2.8");

	(void)state;
	path_mtu_init(&cache, key);
	for (unsigned i = 0; i < 100000; i++) {
		dst.w[3] = i;
		assert_int_equal(path_mtu_lower(&cache, &dst, i & 1 ? 1400 : 300, 1500, 1000 + i),
				 i & 1 ? PATH_MTU_LEARNED : PATH_MTU_FLOORED);
		assert_non_null(path_mtu_find(&cache, &dst, 1000 + i));
	}
	assert_true(cache.n_floored <= PATH_MTU_BUCKETS * PATH_MTU_WAYS);
}

/* RFC 4861 section 6.1.2 and 6.3.4, only where it is configured. */
static void router_advertisements(void **state)
{
	struct base_addr dst = rig_addr("2001:db8:9::8");
	uint8_t all_nodes[6] = {0x33, 0x33, 0, 0, 0, 1};
	uint8_t rest[20] = {0x40, 0, 0, 30, [12] = 5, [13] = 1, [18] = 5, [19] = 0x78};
	struct base_addr src;
	size_t len;

	(void)state;
	start(1);
	len = rig_icmp6(in, all_nodes, "fe80::1", "ff02::1", 255, WIRE_NDP_RA, 0, rest, 20);
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_nd_router), 1);
	rig_stop(&rig);
	rig_default(&rig, 1);
	rig.config.ports[0].accept_ra = true;
	rig.config.ports[0].has_gateway6 = false;
	rig_start(&rig);
	rig_advance(&rig, RIG_SECOND / 10);
	rig_drain(&rig);
	assert_true(net_source_for(rig.shared, NET_EXTERNAL, &dst, &src) < 0);
	in[14 + 7] = 254; /* hop limit: from another link */
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_nd_bad), 1);
	in[14 + 7] = 255;
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(net_source_for(rig.shared, NET_EXTERNAL, &dst, &src), 0);
	assert_int_equal(mtu_now("2001:db8:1::2", "2001:db8:9::8"), 1400);
	rig_advance(&rig, 31 * RIG_SECOND);
	assert_true(net_source_for(rig.shared, NET_EXTERNAL, &dst, &src) < 0);
	rig_stop(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(unreachable4),		  cmocka_unit_test(errors6),
		cmocka_unit_test(no_error_about),	  cmocka_unit_test(error_rate),
		cmocka_unit_test(errors_reach_the_owner), cmocka_unit_test(path_mtu4),
		cmocka_unit_test(path_mtu4_floor),	  cmocka_unit_test(path_mtu6),
		cmocka_unit_test(path_mtu_bounded),	  cmocka_unit_test(router_advertisements),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
