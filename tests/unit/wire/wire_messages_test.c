/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors, neighbour discovery and TCP options: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ip6.h"
#include "dataplane/wire/ndp.h"
#include "dataplane/wire/tcp_header.h"

static uint8_t b[256];

static unsigned error4_make(uint8_t type, uint8_t code, uint32_t rest)
{
	memset(b, 0, sizeof(b));
	wire_icmp_emit(b, type, code, rest);
	wire_ip4_emit(b + 8, 0, 1500, 1, true, 60, WIRE_PROTO_TCP, "\xc6\x33\x64\2", "\xc0\0\2\x08");
	memcpy(b + 28, "\x13\xc5\x9c\x41\1\2\3\4", 8);
	return 36;
}

/* RFC 792, RFC 1191 section 4, RFC 1122 section 3.2.2, RFC 6633 */
static void icmp4_errors(void **state)
{
	struct wire_icmp_error e;
	unsigned len = error4_make(WIRE_ICMP4_UNREACHABLE, WIRE_ICMP4_CODE_TOO_BIG, 1400);

	(void)state;
	assert_true(wire_icmp4_error_parse(b, len, &e) > 0);
	assert_int_equal(e.meaning, WIRE_ICMP_MEANS_TOO_BIG);
	assert_int_equal(e.mtu, 1400);
	assert_int_equal(e.quoted_len, 1500);
	assert_int_equal(e.sport, 5061);
	assert_int_equal(e.dport, 40001);
	assert_int_equal(e.seq, 0x01020304);
	assert_memory_equal(e.src, "\xc6\x33\x64\2", 4);
	for (unsigned cut = 0; cut < len; cut++)
		assert_int_equal(wire_icmp4_error_parse(b, cut, &e), WIRE_ICMP_SHORT);
	b[8] = 0x46; /* options that we never sent */
	assert_int_equal(wire_icmp4_error_parse(b, len, &e), WIRE_ICMP_EMBEDDED);
	error4_make(WIRE_ICMP4_UNREACHABLE, 1, 0);
	b[17] = WIRE_PROTO_UDP;
	assert_int_equal(wire_icmp4_error_parse(b, len, &e), WIRE_ICMP_EMBEDDED);
	error4_make(WIRE_ICMP4_UNREACHABLE, 1, 0);
	wire_put16(b + 14, 0x2000);
	assert_int_equal(wire_icmp4_error_parse(b, len, &e), WIRE_ICMP_EMBEDDED);
	error4_make(WIRE_ICMP4_UNREACHABLE, 1, 0);
	assert_true(wire_icmp4_error_parse(b, len, &e) > 0);
	assert_int_equal(e.meaning, WIRE_ICMP_MEANS_UNREACHABLE);
	error4_make(WIRE_ICMP4_UNREACHABLE, WIRE_ICMP4_CODE_PORT, 0);
	assert_true(wire_icmp4_error_parse(b, len, &e) > 0);
	assert_int_equal(e.meaning, WIRE_ICMP_MEANS_REFUSED);
	error4_make(WIRE_ICMP4_TIME, 0, 0);
	assert_true(wire_icmp4_error_parse(b, len, &e) > 0);
	error4_make(WIRE_ICMP4_QUENCH, 0, 0);
	assert_int_equal(wire_icmp4_error_parse(b, len, &e), WIRE_ICMP_TYPE);
	error4_make(WIRE_ICMP4_REDIRECT, 0, 0);
	assert_int_equal(wire_icmp4_error_parse(b, len, &e), WIRE_ICMP_TYPE);
	error4_make(WIRE_ICMP4_UNREACHABLE, 16, 0);
	assert_int_equal(wire_icmp4_error_parse(b, len, &e), WIRE_ICMP_TYPE);
}

/* RFC 1191 section 7.1 */
static void plateaus(void **state)
{
	(void)state;
	assert_int_equal(wire_icmp4_plateau(1500), 1492);
	assert_int_equal(wire_icmp4_plateau(1492), 1006);
	assert_int_equal(wire_icmp4_plateau(1006), 508);
	assert_int_equal(wire_icmp4_plateau(65535), 32000);
	assert_int_equal(wire_icmp4_plateau(100), 68);
}

/* RFC 4443 sections 3.1 to 3.4 */
static void icmp6_errors(void **state)
{
	struct wire_icmp_error e;
	unsigned len = 8 + 40 + 8;

	(void)state;
	memset(b, 0, sizeof(b));
	wire_icmp_emit(b, WIRE_ICMP6_TOO_BIG, 0, 70000);
	wire_ip6_emit(b + 8, 0, 1460, WIRE_PROTO_TCP, 60, "1234567890123456", "abcdefghijklmnop");
	memcpy(b + 48, "\x13\xc5\x9c\x41\1\2\3\4", 8);
	assert_true(wire_icmp6_error_parse(b, len, &e) > 0);
	assert_int_equal(e.mtu, 70000);
	assert_int_equal(e.quoted_len, 1500);
	assert_memory_equal(e.dst, "abcdefghijklmnop", 16);
	for (unsigned cut = 0; cut < len; cut++)
		assert_int_equal(wire_icmp6_error_parse(b, cut, &e), WIRE_ICMP_SHORT);
	b[14] = WIRE_IP6_DEST_OPTIONS;
	assert_int_equal(wire_icmp6_error_parse(b, len, &e), WIRE_ICMP_EMBEDDED);
	b[14] = WIRE_PROTO_TCP;
	b[0] = 5;
	assert_int_equal(wire_icmp6_error_parse(b, len, &e), WIRE_ICMP_TYPE);
	b[0] = WIRE_ICMP6_UNREACHABLE;
	b[1] = 4;
	assert_true(wire_icmp6_error_parse(b, len, &e) > 0);
	assert_int_equal(e.meaning, WIRE_ICMP_MEANS_REFUSED);
}

/* RFC 4861 sections 4.3, 4.4, 4.6, 6.1 and 7.1 */
static void ndp(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	static const uint8_t nonce[6] = {1, 2, 3, 4, 5, 6};
	static const uint8_t target[16] = {0xfe, 0x80, [15] = 7};
	struct wire_ndp n;
	unsigned len = wire_ndp_ns_emit(b, target, mac, NULL);

	(void)state;
	assert_int_equal(len, 32);
	assert_true(wire_ndp_parse(b, len, &n) > 0);
	assert_int_equal(n.type, WIRE_NDP_NS);
	assert_memory_equal(n.target, target, 16);
	assert_true(n.has_source_mac);
	assert_memory_equal(n.source_mac, mac, 6);
	for (unsigned cut = 0; cut < len; cut++)
		if (cut != 24)
			assert_true(wire_ndp_parse(b, cut, &n) < 0);
	b[25] = 0; /* option length zero */
	assert_int_equal(wire_ndp_parse(b, len, &n), WIRE_NDP_BAD);
	b[25] = 2; /* option beyond the message */
	assert_int_equal(wire_ndp_parse(b, len, &n), WIRE_NDP_BAD);
	b[25] = 1;
	b[24] = 99; /* unknown: skipped */
	assert_true(wire_ndp_parse(b, len, &n) > 0);
	assert_false(n.has_source_mac);
	b[24] = 1;
	b[26] |= 1; /* a group as station */
	assert_int_equal(wire_ndp_parse(b, len, &n), WIRE_NDP_BAD);
	b[26] &= 0xfe;
	b[1] = 1; /* code */
	assert_int_equal(wire_ndp_parse(b, len, &n), WIRE_NDP_BAD);
	b[1] = 0;
	b[8] = 0xff; /* a group as target */
	assert_int_equal(wire_ndp_parse(b, len, &n), WIRE_NDP_BAD);
	len = wire_ndp_ns_emit(b, target, NULL, nonce);
	assert_true(wire_ndp_parse(b, len, &n) > 0);
	assert_true(n.has_nonce && !n.has_source_mac);
	assert_memory_equal(n.nonce, nonce, 6);
	len = wire_ndp_na_emit(b, target, WIRE_NDP_SOLICITED, mac);
	assert_true(wire_ndp_parse(b, len, &n) > 0);
	assert_int_equal(n.flags, WIRE_NDP_SOLICITED);
	assert_true(n.has_target_mac);
	len = wire_ndp_rs_emit(b, mac);
	assert_true(wire_ndp_parse(b, len, &n) > 0);
	memset(b, 0, sizeof(b));
	b[0] = WIRE_NDP_RA;
	wire_put16(b + 6, 1800);
	memcpy(b + 16, "\5\1\0\0\0\0\5\xdc", 8);
	assert_true(wire_ndp_parse(b, 24, &n) > 0);
	assert_int_equal(n.lifetime, 1800);
	assert_int_equal(n.mtu, 1500);
	b[0] = WIRE_NDP_REDIRECT;
	assert_true(wire_ndp_parse(b, 24, &n) < 0);
}

/* RFC 9293 section 3.1 */
static void tcp_headers(void **state)
{
	struct wire_tcp in = {.sport = 1,
			      .dport = 65535,
			      .seq = 0xfffffffe,
			      .ack = 7,
			      .window = 0x8000,
			      .urgent = 9,
			      .flags = 0xff,
			      .header_len = 24};
	struct wire_tcp out;

	(void)state;
	memset(b, 0, sizeof(b));
	wire_tcp_emit(b, &in);
	assert_int_equal(wire_tcp_parse(b, 24, &out), 24);
	assert_memory_equal(&in, &out, offsetof(struct wire_tcp, header_len) + 1);
	assert_int_equal(wire_tcp_parse(b, 19, &out), WIRE_TCP_SHORT);
	assert_int_equal(wire_tcp_parse(b, 23, &out), WIRE_TCP_OFFSET);
	b[12] = 0x40;
	assert_int_equal(wire_tcp_parse(b, 60, &out), WIRE_TCP_OFFSET);
	b[12] = 0xf0;
	assert_int_equal(wire_tcp_parse(b, 59, &out), WIRE_TCP_OFFSET);
	assert_int_equal(wire_tcp_parse(b, 60, &out), 60);
}

/* RFC 9293 section 3.2, RFC 7323, RFC 2018 */
static void tcp_options(void **state)
{
	struct wire_tcp_options in = {.has_mss = true,
				      .mss = 1460,
				      .has_scale = true,
				      .scale = 7,
				      .sack_permitted = true,
				      .has_timestamps = true,
				      .ts_value = 0xdeadbeef,
				      .ts_echo = 1};
	struct wire_tcp_options out;
	unsigned len = wire_tcp_options_emit(b, &in);

	(void)state;
	assert_int_equal(len % 4, 0);
	assert_true(wire_tcp_options_parse(b, len, &out) > 0);
	assert_memory_equal(&in, &out, sizeof(in));
	memset(&in, 0, sizeof(in));
	in.has_timestamps = true;
	in.n_sacks = 4;
	for (unsigned i = 0; i < 4; i++) {
		in.sacks[i].start = i * 10;
		in.sacks[i].end = i * 10 + 5;
	}
	len = wire_tcp_options_emit(b, &in);
	assert_int_equal(len, 40);
	assert_true(wire_tcp_options_parse(b, len, &out) > 0);
	assert_int_equal(out.n_sacks, 3); /* as many as fit beside timestamps */
	assert_int_equal(out.sacks[2].end, 25);
	/* a shift above 14 is 14: RFC 7323 section 2.3 */
	assert_true(wire_tcp_options_parse((const uint8_t *)"\3\3\xff", 3, &out) > 0);
	assert_int_equal(out.scale, 14);
	/* lengths 0, 1, 41 and beyond the header */
	assert_true(wire_tcp_options_parse((const uint8_t *)"\2\0\5\xb4", 4, &out) < 0);
	assert_true(wire_tcp_options_parse((const uint8_t *)"\2\1\5\xb4", 4, &out) < 0);
	assert_true(wire_tcp_options_parse((const uint8_t *)"\2\x29\5\xb4", 4, &out) < 0);
	assert_true(wire_tcp_options_parse((const uint8_t *)"\1\1\1\2", 4, &out) < 0);
	/* a known option of a wrong length is not taken, an unknown one is skipped, nothing behind the end is
	 * read */
	assert_true(wire_tcp_options_parse((const uint8_t *)"\2\3\5\x63\4\1\1\1\3\3\2\0\2\4\1\1", 16, &out) >
		    0);
	assert_false(out.has_mss);
	assert_true(out.has_scale);
	assert_int_equal(out.scale, 2);
	/* a SACK option with a length that is no number of blocks */
	assert_true(wire_tcp_options_parse((const uint8_t *)"\5\x0b\0\0\0\1\0\0\0\2\0", 11, &out) > 0);
	assert_int_equal(out.n_sacks, 0);
}

/* Any bytes: parsers stay inside (sanitizers watch) and say yes or no. */
static void noise(void **state)
{
	struct wire_tcp_options options;
	struct wire_icmp_error error;
	struct wire_ndp n;
	struct wire_ip6 ip6;
	struct base_rng rng;

	(void)state;
	base_rng_seed(&rng, 3);
	for (unsigned i = 0; i < 200000; i++) {
		uint8_t bytes[128];
		size_t len = base_rng_below(&rng, sizeof(bytes) + 1);
		uint8_t *end = bytes + sizeof(bytes) - len; /* so that one byte too far is outside */

		for (size_t k = 0; k < len; k++)
			end[k] = (uint8_t)(base_rng_next(&rng) >> (base_rng_below(&rng, 2) * 5));
		if (len > 0 && (i & 1))
			end[0] = (uint8_t)(WIRE_NDP_RS + i % 5);
		(void)wire_ndp_parse(end, len, &n);
		(void)wire_tcp_options_parse(end, len > 40 ? 40 : len, &options);
		(void)wire_icmp4_error_parse(end, len, &error);
		(void)wire_icmp6_error_parse(end, len, &error);
		if (len >= 40) {
			end[0] = 0x60;
			wire_put16(end + 4, (uint16_t)(len - 40));
			if (wire_ip6_parse(end, len, len, &ip6) > 0)
				assert_true(ip6.upper_offset <= len);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(icmp4_errors), cmocka_unit_test(plateaus),    cmocka_unit_test(icmp6_errors),
		cmocka_unit_test(ndp),		cmocka_unit_test(tcp_headers), cmocka_unit_test(tcp_options),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
