/* SPDX-License-Identifier: BSD-3-Clause */
/* What has killed other stacks: RFC 5961, 4987, 5927, 9293 3.10.7; SegmentSmack, SACK panic, floods, peers
 * that dawdle. */
#include "tests/replay/tcp/tcp_rig.h"

/* RFC 5961 3.2: RST in the window but not exact: one challenge ACK, the connection lives; exact: it ends */
static void blind_reset(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_RST, 1000, 0, NULL, 0);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	for (unsigned i = 2; i < 1000; i++)
		rig_in(&r, TCP_RST, i, 0, NULL, 0);
	rig_none(&r);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_challenge_acks), 1);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_challenge_limited), 998);
	rig_in(&r, TCP_RST, 70000, 0, NULL, 0); /* outside: silence */
	rig_in(&r, TCP_RST | TCP_ACK, 5, 1, NULL, 0);
	rig_none(&r);
	assert_int_equal(r.closed, 0);
	rig_wait(&r, 600);
	rig_in(&r, TCP_RST, 9, 0, NULL, 0);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	rig_in(&r, TCP_RST, 1, 0, NULL, 0);
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_RESET);
	rig_end(&r);
}

/* RFC 5961 4.2: a SYN on an open connection, wherever it points */
static void blind_syn(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_SYN, 1, 0, NULL, 0);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	for (unsigned i = 0; i < 100; i++)
		rig_in(&r, TCP_SYN, 1000 * i, 0, NULL, 0);
	rig_in(&r, TCP_SYN | TCP_ACK, 1, 1, NULL, 0);
	rig_none(&r);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_challenge_acks), 1);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 10);
	assert_int_equal(r.n_rx, 10);
	rig_end(&r);
}

/* RFC 5961 5.2: ACK outside of [SND.UNA - MAX.SND.WND, SND.NXT]: challenged, its data not taken */
static void blind_data(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_ACK, 1, 5000, "evil", 4);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	rig_in(&r, TCP_ACK, 1, (uint32_t)-70000, "evil", 4);
	rig_in(&r, TCP_ACK, 1, 0x80000001, "evil", 4);
	rig_none(&r);
	assert_int_equal(r.n_rx, 0);
	assert_int_equal(rig_drop(&r, TCP_DROP_ack_challenged), 3);
	rig_in(&r, TCP_ACK, 1, (uint32_t)-60000, "okay", 4); /* old, within the largest window seen */
	assert_int_equal(r.n_rx, 4);
	rig_end(&r);
}

/* RFC 7323 with RFC 5961 5: a segment whose ACK is a bad guess leaves no timestamp behind, however well its
 * sequence number was guessed; nor is it a sign of life */
static void blind_timestamp(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;
	uint32_t ts;

	(void)state;
	c.keepalive_idle_ms = 10000;
	c.keepalive_interval_ms = 5000;
	c.keepalive_probes = 2;
	rig_start(&r, &c);
	rig_accept(&r, RIG_TS);
	rig_wait(&r, 9000);
	ts = r.ts_val;
	r.ts_val += 0x20000000;
	rig_in(&r, TCP_ACK, 1, 5000, "evil", 4);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	assert_int_equal(rig_drop(&r, TCP_DROP_ack_challenged), 1);
	r.ts_val = ts + 1;
	/* the keep-alive comes when it would have come */
	rig_wait(&r, 2000);
	rig_expect(&r, TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_ACK, 1, 1, "okay", 4);
	assert_int_equal(r.n_rx, 4);
	assert_int_equal(rig_drop(&r, TCP_DROP_paws), 0);
	rig_end(&r);
}

/* RFC 5961 5.2: the range of old ACKs that are taken is the largest window seen, and that of a SYN-ACK is not
 * scaled (RFC 7323 2.2) */
static void blind_data_scaled(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	r.window = 60000;
	rig_connect(&r, RIG_WS);
	rig_skip(&r);
	r.window = 100; /* of 128 bytes */
	rig_in(&r, TCP_ACK, 1, (uint32_t)-70000, "evil", 4);
	assert_int_equal(r.n_rx, 0);
	assert_int_equal(rig_drop(&r, TCP_DROP_ack_challenged), 1);
	rig_in(&r, TCP_ACK, 1, (uint32_t)-50000, "okay", 4);
	assert_int_equal(r.n_rx, 4);
	rig_end(&r);
}

/* half-open connections want the exact number, too */
static void blind_reset_half_open(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_RST, 500, 0, NULL, 0);
	assert_int_equal(tcp_stats_get(r.st)->half_open, 1);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_RST, 1, 0, NULL, 0);
	assert_int_equal(tcp_stats_get(r.st)->half_open, 0);
	rig_end(&r);
}

/* CVE-2018-5390: tiny segments in reverse order: work and memory for each are bounded */
static void segment_smack(void **state)
{
	struct rig r;
	uint64_t before;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, RIG_SACK);
	r.drop_output = true;
	before = rig_counter(&r, TCP_COUNTER_reasm_steps);
	for (uint32_t i = 60000; i > 2; i -= 2)
		rig_in(&r, TCP_ACK, i, 1, NULL, 1);
	assert_true(rig_counter(&r, TCP_COUNTER_reasm_steps) - before <= 30000 * 64);
	assert_int_equal(rte_mempool_in_use_count(rig_eal.rx), 0);
	assert_true(eal_rig_out(&rig_eal) - r.base <= 64);
	assert_true(rig_drop(&r, TCP_DROP_reasm_full) > 29000);
	/* the connection still works */
	r.drop_output = false;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 1000);
	assert_int_equal(r.n_rx, 1000);
	rig_end(&r);
}

/* CVE-2019-11477…11479: tiny MSS, and SACK blocks that cut everything to pieces */
static void sack_panic(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;
	struct tcp_options o = {
		.has_mss = true, .mss = 8, .has_sack_ok = true, .has_scale = true, .scale = 7};
	uint64_t before, acks = 0;

	(void)state;
	c.snd_buffer = 1 << 20;
	rig_start(&r, &c);
	rig_in_opt(&r, TCP_SYN, 0, 0, 0, &o);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 0);
	assert_int_equal(rig_info(&r).mss, TCP_MSS_MIN);
	r.drop_output = true;
	while (rig_write(&r, 1400, 1400) == 0)
		;
	tcp_flush(r.st, r.now);
	/* let the window grow */
	for (unsigned i = 0; i < 6; i++) {
		rig_wait(&r, 10);
		rig_in(&r, TCP_ACK, 1, rig_info(&r).snd_nxt - r.isn, NULL, 0);
		while (rig_write(&r, 1400, 1400) == 0)
			;
		tcp_flush(r.st, r.now);
	}
	before = rig_counter(&r, TCP_COUNTER_sack_steps);
	for (uint32_t k = 0; k < 2000; k++) {
		uint32_t una = rig_info(&r).snd_una, span = rig_info(&r).snd_nxt - una;

		o = (struct tcp_options){.n_sack = 4};
		for (unsigned b = 0; b < 4; b++) {
			o.sack[b].start = una + 1 + (k * 8 + b * 2) * 3 % (span - 2);
			o.sack[b].end = b == 3 ? una + span : o.sack[b].start + 8;
		}
		rig_in_opt(&r, TCP_ACK, 1, una - r.isn, 0, &o);
		acks++;
	}
	assert_true(rig_counter(&r, TCP_COUNTER_sack_steps) - before <= acks * 2 * 1024);
	/* no entry was cut in pieces: what is acknowledged at last leaves nothing behind */
	rig_in(&r, TCP_ACK, 1, rig_info(&r).snd_nxt - r.isn, NULL, 0);
	assert_int_equal(rig_info(&r).state, TCP_ESTABLISHED);
	rig_end(&r);
}

/* SACK blocks that lie: outside of what was sent, turned round, wrapped */
static void sack_nonsense(void **state)
{
	struct rig r;
	struct base_rng g;

	(void)state;
	base_rng_seed(&g, 8);
	rig_start(&r, NULL);
	rig_accept(&r, RIG_SACK);
	rig_write(&r, 14000, 1400);
	tcp_flush(r.st, r.now);
	r.drop_output = true;
	for (unsigned i = 0; i < 20000; i++) {
		struct tcp_options o = {.n_sack = 4};

		for (unsigned b = 0; b < 4; b++) {
			o.sack[b].start = r.isn + (uint32_t)base_rng_next(&g) % 20000 - 3000;
			o.sack[b].end = base_rng_below(&g, 4) ? o.sack[b].start + base_rng_below(&g, 3000)
							      : (uint32_t)base_rng_next(&g);
		}
		rig_in_opt(&r, TCP_ACK, 1, 1, 0, &o);
	}
	rig_in(&r, TCP_ACK, 1, 14001, NULL, 0);
	assert_int_equal(tcp_unacked(r.st, r.id), 0);
	rig_end(&r);
}

/* ten thousand connections with an unfinished byte each: no receive buffer is pinned, a canary goes on */
static void one_byte_segments(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;
	enum { N = 10000 };

	(void)state;
	c.connections = 20000;
	c.half_open = 4096;
	c.prefix_connections = 20000;
	c.active = 4096;
	c.core_bytes = 8ull << 20;
	c.prefix_bytes = 8ull << 20;
	rig_start(&r, &c);
	r.hold = true;
	for (unsigned i = 0; i < N; i++) {
		r.pport = (uint16_t)(2000 + i);
		r.accepted = 0;
		rig_accept(&r, 0);
		rig_in(&r, TCP_ACK | TCP_PSH, 1, 1, "M", 1);
		rig_skip(&r);
	}
	assert_int_equal(tcp_stats_get(r.st)->connections, N);
	assert_int_equal(rte_mempool_in_use_count(rig_eal.rx), 0);
	assert_true(tcp_stats_get(r.st)->held_bytes <= c.core_bytes);
	assert_true(rte_mempool_in_use_count(rig_eal.compact) <= N);
	/* the canary */
	r.hold = false;
	r.answer = true;
	r.pport = 50000;
	r.accepted = 0;
	rig_accept(&r, 0);
	r.n_rx = 0;
	rig_in(&r, TCP_ACK | TCP_PSH, 1, 1, NULL, 600);
	rig_expect(&r, TCP_ACK, 1, 601, 600);
	/* and the dawdlers end in time */
	rig_in(&r, TCP_ACK, 601, 601, NULL, 0);
	r.drop_output = true;
	rig_wait(&r, 31000);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_stalled), N);
	assert_int_equal(tcp_stats_get(r.st)->held_bytes, 0);
	rig_end(&r);
}

/* RSTs to strangers are limited */
static void reset_storm(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	r.drop_output = true;
	r.port = 9;
	for (unsigned i = 0; i < 10000; i++)
		rig_in(&r, TCP_SYN, i, 0, NULL, 0);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_resets_out), 1000);
	assert_int_equal(rig_drop(&r, TCP_DROP_rst_limited), 9000);
	for (unsigned i = 0; i < 1000; i++) {
		r.now += 1000000;
		rig_in(&r, TCP_SYN, i, 0, NULL, 0);
	}
	assert_in_range(rig_counter(&r, TCP_COUNTER_resets_out), 1990, 2000);
	rig_end(&r);
}

/* AMNESIA:33 and Ripple20: headers that lie about themselves */
static void bad_headers(void **state)
{
	struct rig r;
	uint8_t b[60];
	static const uint8_t options[][8] = {{2, 0},	   {2, 1},     {2, 41}, {5, 255},
					     {1, 1, 1, 2}, {8, 10, 0}, {253, 1}};

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	for (unsigned len = 0; len < 20; len++) {
		memset(b, 0x50, sizeof(b));
		rig_in_raw(&r, b, len);
	}
	for (unsigned off = 0; off < 16; off++) {
		memset(b, 0, sizeof(b));
		b[12] = (uint8_t)(off << 4);
		b[13] = TCP_ACK;
		rig_in_raw(&r, b, 24);
	}
	assert_int_equal(rig_drop(&r, TCP_DROP_malformed), 20 + 14);
	rig_skip(&r);
	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		memset(b, 0, sizeof(b));
		b[12] = 7 << 4;
		b[13] = TCP_SYN;
		memcpy(b + 20, options[i], 8);
		rig_in_raw(&r, b, 28);
	}
	assert_true(rig_drop(&r, TCP_DROP_bad_option) >= 5);
	rig_skip(&r);
	for (unsigned f = 0; f < 256; f++)
		if (!(f & (TCP_ACK | TCP_RST)) && ((f & TCP_SYN) ? f & TCP_FIN : !(f & TCP_FIN)))
			rig_in(&r, (uint8_t)f, 1, 1, NULL, 0);
	rig_none(&r);
	assert_int_equal(r.closed, 0);
	assert_true(rig_drop(&r, TCP_DROP_bad_flags) >= 32);
	rig_end(&r);
}

/* the LAND attack: our own tuple as source */
static void land(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	r.remote = r.local;
	r.pport = r.port;
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_none(&r);
	assert_int_equal(rig_drop(&r, TCP_DROP_bad_source), 1);
	rig_end(&r);
}

/* buffers that somebody else holds, too, are never changed */
static void shared_buffer(void **state)
{
	struct rig r;
	struct rte_mbuf *m;
	struct net_packet p;
	struct tcp_segment s;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.hold = true;
	m = rte_pktmbuf_alloc(rig_eal.rx);
	s = (struct tcp_segment){.sport = r.pport,
				 .dport = r.port,
				 .seq = r.pisn + 1,
				 .ack = r.isn + 1,
				 .window = 1000,
				 .flags = TCP_ACK};
	tcp_header_write((uint8_t *)rte_pktmbuf_append(m, 20), &s, 20);
	memcpy(rte_pktmbuf_append(m, 6), "shared", 6);
	rte_mbuf_refcnt_update(m, 1);
	p = (struct net_packet){.m = m, .src = r.remote, .dst = r.local};
	tcp_input(r.st, &p, 1, r.now);
	p.m = m;
	rte_mbuf_refcnt_update(m, 1);
	tcp_input(r.st, &p, 1, r.now); /* the double of it */
	assert_int_equal(tcp_readable(r.st, r.id), 6);
	assert_int_equal(m->data_len, 26);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	rte_pktmbuf_free(m);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(blind_reset),
		rig_test(blind_syn),
		rig_test(blind_data),
		rig_test(blind_timestamp),
		rig_test(blind_data_scaled),
		rig_test(blind_reset_half_open),
		rig_test(segment_smack),
		rig_test(sack_panic),
		rig_test(sack_nonsense),
		rig_test(one_byte_segments),
		rig_test(reset_storm),
		rig_test(bad_headers),
		rig_test(land),
		rig_test(shared_buffer),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
