/* SPDX-License-Identifier: BSD-3-Clause */
/* Ping on one core and on several, both families: RFC 1122 section 3.2.2.6, RFC 4443 section 4.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/net/path_mtu.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ip4.h"
#include "dataplane/wire/ip6.h"
#include "tests/unit/net/net_rig.h"

static struct rig rig;
static uint8_t in[RIG_FRAME_MAX];
static uint8_t out[RIG_FRAME_MAX];

static bool sum_is_right4(const uint8_t *ip, size_t len)
{
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");

	return wire_sum_fold(k->sum(ip, 20)) == 0xffff && wire_sum_fold(k->sum(ip + 20, len - 20)) == 0xffff;
}

static bool sum_is_right6(const uint8_t *ip, size_t len)
{
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");

	return wire_sum_fold(wire_sum_pseudo(ip + 8, ip + 24, 16, 58, (uint32_t)(len - 40)) +
			     k->sum(ip + 40, len - 40)) == 0xffff;
}

static void neighbours_know(void)
{
	rig_turn(&rig);
	rig_advance(&rig, RIG_SECOND / 10);
	while (rig_answer(&rig, 0) + rig_answer(&rig, 1) > 0)
		;
}

static size_t echo_request4(size_t payload, uint16_t seq)
{
	static uint8_t rest[RIG_FRAME_MAX];

	rest[0] = 0x12;
	rest[1] = 0x34;
	wire_put16(rest + 2, seq);
	for (size_t i = 0; i < payload; i++)
		rest[4 + i] = (uint8_t)(i + seq);
	return rig_icmp4(in, "198.51.100.9", "198.51.100.2", WIRE_ICMP4_ECHO, 0, rest, 4 + payload);
}

/* The answer is the request with addresses swapped and the type changed; every size to the full MTU. */
static void echo4_sizes(void **state)
{
	(void)state;
	rig_default(&rig, 1);
	rig_start(&rig);
	neighbours_know();
	rig_push(&rig, 0, 0, in, echo_request4(56, 0)); /* makes the box ask for the peer */
	rig_turn(&rig);
	assert_int_equal(rig_answer(&rig, 0), 1);
	rig_drain(&rig);
	for (size_t payload = 0; payload <= 1500 - 28; payload += payload < 40 ? 1 : 71) {
		size_t len = echo_request4(payload, (uint16_t)payload);
		size_t got;

		rig_push(&rig, 0, 0, in, len);
		rig_turn(&rig);
		got = rig_pull(&rig, 0, out);
		assert_int_equal(got, len);
		assert_memory_equal(out, rig_peer, 6);
		assert_memory_equal(out + 6, rig_mac[0], 6);
		assert_memory_equal(out + 14 + 12, in + 14 + 16, 4);
		assert_memory_equal(out + 14 + 16, in + 14 + 12, 4);
		assert_int_equal(out[34], 0);
		assert_memory_equal(out + 38, in + 38, len - 38);
		assert_true(sum_is_right4(out + 14, got - 14));
	}
	assert_int_equal(rig_counter(&rig, NET_COUNTER_frames_in) - rig_counter(&rig, NET_COUNTER_consumed),
			 rig_counter(&rig, NET_COUNTER_answered));
	rig_stop(&rig);
}

/* Padding of a short frame is no part of the datagram (RFC 894), and chained buffers are one. */
static void echo4_padding_and_chains(void **state)
{
	size_t len;

	(void)state;
	rig_default(&rig, 1);
	rig_start(&rig);
	neighbours_know();
	rig_push(&rig, 0, 0, in, echo_request4(1, 1));
	rig_turn(&rig);
	rig_answer(&rig, 0);
	rig_drain(&rig);
	len = echo_request4(1, 2);
	memset(in + len, 0xee, 60 - len);
	rig_push(&rig, 0, 0, in, 60);
	rig_turn(&rig);
	assert_int_equal(rig_pull(&rig, 0, out), len);
	assert_true(sum_is_right4(out + 14, len - 14));
	for (size_t cut = 128; cut < 1400; cut += 63) {
		len = echo_request4(1400, (uint16_t)cut);
		rig_push_cut(&rig, 0, 0, in, len, cut);
		rig_turn(&rig);
		assert_int_equal(rig_pull(&rig, 0, out), len);
		assert_memory_equal(out + 38, in + 38, len - 38);
		assert_true(sum_is_right4(out + 14, len - 14));
	}
	rig_stop(&rig);
}

static void echo6(void **state)
{
	static uint8_t rest[1500];
	size_t len;

	(void)state;
	rig_default(&rig, 1);
	rig_start(&rig);
	neighbours_know();
	for (size_t payload = 0; payload <= 1500 - 48; payload += 121) {
		memset(rest, (int)payload, sizeof(rest));
		len = rig_icmp6(in, rig_mac[1], "2001:db8:2::9", "2001:db8:2::2", 64, WIRE_ICMP6_ECHO, 0,
				rest, 4 + payload);
		rig_push(&rig, 0, 1, in, len);
		rig_turn(&rig);
		if (payload == 0)
			assert_int_equal(rig_answer(&rig, 1), 1);
		assert_int_equal(rig_pull(&rig, 1, out), len);
		assert_int_equal(out[54], WIRE_ICMP6_ECHO_REPLY);
		assert_memory_equal(out + 14 + 8, in + 14 + 24, 16);
		assert_memory_equal(out + 14 + 24, in + 14 + 8, 16);
		assert_true(sum_is_right6(out + 14, len - 14));
	}
	rig_stop(&rig);
}

/* Whichever core a ping reaches, it is answered; neighbours are learned by core 0 for all. */
static void echo_any_core(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= RIG_CORES_MAX; n++) {
		rig_default(&rig, n);
		rig_start(&rig);
		neighbours_know();
		for (unsigned core = 0; core < n; core++) {
			size_t len = echo_request4(56, (uint16_t)core);

			rig_push(&rig, core, 0, in, len);
			rig_turn(&rig);
			if (core == 0)
				assert_int_equal(rig_answer(&rig, 0), 1);
			assert_int_equal(rig_pull(&rig, 0, out), len);
			assert_int_equal(out[34], 0);
		}
		rig_stop(&rig);
	}
}

/* A core beyond the port's queues sends through another one. */
static void echo_shared_queue(void **state)
{
	(void)state;
	rig_default(&rig, 4);
	rig.config.ports[0].tx_queues = 1;
	rig_start(&rig);
	neighbours_know();
	for (unsigned core = 0; core < 4; core++) {
		rig_push(&rig, core, 0, in, echo_request4(56, (uint16_t)core));
		rig_turn(&rig);
		if (core == 0)
			rig_answer(&rig, 0);
		assert_true(rig_pull(&rig, 0, out) > 0);
	}
	assert_int_equal(rig_counter(&rig, NET_COUNTER_tx_via), 3);
	assert_int_equal(rig_counter(&rig, NET_COUNTER_tx_via_in), 3);
	rig_stop(&rig);
}

/* Through the next hop when the source is not on link. */
static void echo_via_gateway(void **state)
{
	static const uint8_t rest[12];

	(void)state;
	rig_default(&rig, 1);
	rig_start(&rig);
	neighbours_know();
	rig_push(&rig, 0, 0, in,
		 rig_icmp4(in, "192.0.2.77", "198.51.100.2", WIRE_ICMP4_ECHO, 0, rest, sizeof(rest)));
	rig_turn(&rig);
	assert_true(rig_pull(&rig, 0, out) > 0);
	assert_memory_equal(out, rig_peer, 6);
	assert_memory_equal(out + 30, "\xc0\x00\x02\x4d", 4);
	rig_stop(&rig);
}

/* Bounded per source prefix and in total, each by its own name. */
static void echo_limits(void **state)
{
	unsigned answered = 0;

	(void)state;
	rig_default(&rig, 1);
	rig.config.limits.echo_total = 400;
	rig.config.limits.echo_prefix = 100;
	rig_start(&rig);
	neighbours_know();
	rig_push(&rig, 0, 0, in, echo_request4(8, 0));
	rig_turn(&rig);
	rig_answer(&rig, 0);
	rig_drain(&rig);
	rig_advance(&rig, RIG_SECOND);
	rig_drain(&rig);
	for (unsigned i = 0; i < 2000; i++) { /* 1000 a second for two seconds */
		rig_push(&rig, 0, 0, in, echo_request4(8, (uint16_t)i));
		rig_advance(&rig, RIG_SECOND / 1000);
		while (rig_pull(&rig, 0, out) > 0)
			answered += out[13] == 0 && out[23] == 1;
	}
	assert_in_range(answered, 200, 215);
	assert_int_equal(rig_drop(&rig, NET_DROP_echo_limit_prefix), 2000 - answered);
	for (unsigned i = 0; i < 2000; i++) {
		char src[32];
		static const uint8_t rest[12];

		snprintf(src, sizeof(src), "192.0.%u.7", i % 250);
		rig_push(&rig, 0, 0, in,
			 rig_icmp4(in, src, "198.51.100.2", WIRE_ICMP4_ECHO, 0, rest, sizeof(rest)));
		rig_advance(&rig, RIG_SECOND / 1000);
		rig_drain(&rig);
	}
	assert_in_range(rig_drop(&rig, NET_DROP_echo_limit_total), 2000 - 860, 2000 - 780);
	rig_stop(&rig);
}

/* RFC 1122 section 3.2.2: a wrong checksum, a group, another code or type: no answer, and a name. */
static void echo_refused(void **state)
{
	static const uint8_t rest[12];
	size_t len;

	(void)state;
	rig_default(&rig, 1);
	rig_start(&rig);
	neighbours_know();
	len = echo_request4(8, 1);
	in[40] ^= 1;
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_icmp_checksum), 1);
	len = rig_icmp4(in, "198.51.100.9", "198.51.100.2", 13, 0, rest, sizeof(rest));
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_icmp_type), 1);
	len = rig_icmp4(in, "198.51.100.9", "198.51.100.255", WIRE_ICMP4_ECHO, 0, rest, sizeof(rest));
	memset(in, 0xff, 6);
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_ip4_broadcast), 1);
	len = rig_icmp6(in, (const uint8_t *)"\x33\x33\0\0\0\1", "2001:db8:1::9", "ff02::1", 64,
			WIRE_ICMP6_ECHO, 0, rest, sizeof(rest));
	rig_push(&rig, 0, 0, in, len);
	assert_int_equal(rig_drop(&rig, NET_DROP_icmp_group), 1);
	rig_turn(&rig);
	assert_int_equal(rig_counter(&rig, NET_COUNTER_echo_answered), 0);
	rig_stop(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo4_sizes),
		cmocka_unit_test(echo4_padding_and_chains),
		cmocka_unit_test(echo6),
		cmocka_unit_test(echo_any_core),
		cmocka_unit_test(echo_shared_queue),
		cmocka_unit_test(echo_via_gateway),
		cmocka_unit_test(echo_limits),
		cmocka_unit_test(echo_refused),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
