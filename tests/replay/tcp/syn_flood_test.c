/* SPDX-License-Identifier: BSD-3-Clause */
/* Who opens and never goes on: SYN floods and cookies (RFC 4987), what one prefix may hold. */
#include "tests/replay/tcp/tcp_rig.h"

static void flood(struct rig *r, unsigned n)
{
	struct tcp_options o = {
		.has_mss = true, .mss = 1460, .has_sack_ok = true, .has_scale = true, .scale = 7};
	struct base_addr keep = r->remote;

	r->drop_output = true;
	for (unsigned i = 0; i < n; i++) {
		uint32_t a = 0x0a000000 + i * 257;
		uint8_t b[4] = {(uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a};

		r->remote = base_addr_v4(b);
		rig_in_opt(r, TCP_SYN, i, 0, 0, &o);
	}
	r->drop_output = false;
	r->remote = keep;
}

/* RFC 4987: under a flood new peers still connect, with their options, and nothing grows */
static void syn_cookies(void **state)
{
	for (unsigned offer = 0; offer < 8; offer++) {
		struct rig r;
		struct tcp_options o = {.has_mss = true,
					.mss = 1460,
					.has_sack_ok = offer & RIG_SACK,
					.has_scale = offer & RIG_WS,
					.scale = 7};
		const struct rig_segment *s;
		bool ts = offer & RIG_TS;

		rig_start(&r, NULL);
		flood(&r, 5000);
		assert_true(tcp_stats_get(r.st)->half_open <= 48);
		assert_true(tcp_stats_get(r.st)->connections <= 48);
		assert_true(rig_counter(&r, TCP_COUNTER_cookies_sent) >= 4952);
		r.ts = ts;
		rig_in_opt(&r, TCP_SYN, 0, 0, 0, &o);
		s = rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
		assert_int_equal(s->opt.has_ts, ts);
		assert_int_equal(s->opt.has_sack_ok, ts && (offer & RIG_SACK));
		assert_int_equal(s->opt.has_scale, ts && (offer & RIG_WS));
		assert_int_equal(r.accepted, 0);
		rig_wait(&r, 100);
		rig_in(&r, TCP_ACK | TCP_PSH, 1, 1, "hello", 5);
		assert_int_equal(r.accepted, 1);
		assert_int_equal(r.n_rx, 5);
		assert_int_equal(rig_counter(&r, TCP_COUNTER_cookies_good), 1);
		assert_int_equal(rig_info(&r).sack, ts && (offer & RIG_SACK));
		assert_int_equal(rig_info(&r).snd_scale, ts && (offer & RIG_WS) ? 7 : 0);
		assert_int_equal(rig_info(&r).mss, ts ? 1448 : 1460);
		r.answer = true;
		rig_in(&r, TCP_ACK | TCP_PSH, 6, 1, "again", 5);
		s = rig_expect(&r, TCP_ACK, 1, 11, 5);
		/* our timestamps do not go backwards (RFC 7323) */
		if (ts)
			assert_true((int32_t)(s->opt.ts_val - r.ts_val) != 0);
		rig_end(&r);
	}
	(void)state;
}

/* a cookie is good only under pressure, shortly after, for its own tuple and numbers */
static void cookies_are_strict(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	flood(&r, 200);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_ACK, 1, 2, NULL, 0); /* wrong number of ours */
	rig_expect(&r, TCP_RST, 2, 0, 0);
	rig_in(&r, TCP_ACK, 2, 1, NULL, 0); /* wrong number of theirs */
	rig_expect(&r, TCP_RST, 1, 0, 0);
	r.pport++;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 0); /* wrong port */
	rig_skip(&r);
	r.pport--;
	assert_int_equal(rig_counter(&r, TCP_COUNTER_cookies_bad), 3);
	assert_int_equal(r.accepted, 0);
	/* too late: two slots on */
	rig_wait(&r, 140000);
	rig_skip(&r);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 0);
	rig_expect(&r, TCP_RST, 1, 0, 0);
	assert_int_equal(r.accepted, 0);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_cookies_bad), 3); /* not even looked at */
	/* and when the pressure is gone, state is made again */
	assert_int_equal(tcp_stats_get(r.st)->half_open, 0);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	assert_int_equal(tcp_stats_get(r.st)->half_open, 1);
	rig_end(&r);
}

/* 10^5 guesses of a cookie */
static void cookies_cannot_be_guessed(void **state)
{
	struct rig r;
	struct base_rng g;

	(void)state;
	base_rng_seed(&g, 3);
	rig_start(&r, NULL);
	flood(&r, 200);
	r.drop_output = true;
	for (unsigned i = 0; i < 100000; i++)
		rig_in(&r, TCP_ACK, 1, (uint32_t)base_rng_next(&g), NULL, 0);
	assert_int_equal(r.accepted, 0);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_cookies_bad), 100000);
	/* and the RSTs that answer are few */
	assert_true(rig_counter(&r, TCP_COUNTER_resets_out) <= 1001);
	rig_end(&r);
}

/* one prefix may not fill the half-open table */
static void flood_from_one_prefix(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	r.drop_output = true;
	for (unsigned i = 0; i < 1000; i++) {
		r.pport = (uint16_t)(1000 + i);
		rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	}
	assert_int_equal(tcp_stats_get(r.st)->half_open, 16);
	rig_end(&r);
}

/* what one prefix may hold is bounded; others do not feel it */
static void prefix_limits(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;
	uint8_t other[4] = {203, 0, 113, 5};
	unsigned i;

	(void)state;
	c.prefix_connections = 10;
	c.prefix_bytes = 50000;
	rig_start(&r, &c);
	r.hold = true;
	for (i = 0; i < 10; i++) {
		r.pport++;
		r.accepted = 0;
		rig_accept(&r, 0);
		rig_in(&r, TCP_ACK, 1, 1, NULL, 1400);
		rig_in(&r, TCP_ACK, 1401, 1, NULL, 1400);
		rig_in(&r, TCP_ACK, 2801, 1, NULL, 1400);
		rig_skip(&r);
	}
	assert_true(tcp_stats_get(r.st)->held_bytes <= 50000);
	assert_true(rig_drop(&r, TCP_DROP_held_full) > 0);
	r.pport++;
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_none(&r);
	assert_int_equal(rig_drop(&r, TCP_DROP_prefix_full), 1);
	r.remote = base_addr_v4(other);
	r.accepted = 0;
	r.n_rx = 0;
	r.hold = false;
	rig_accept(&r, 0);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 1400);
	assert_int_equal(r.n_rx, 1400);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(syn_cookies),
		rig_test(cookies_are_strict),
		rig_test(cookies_cannot_be_guessed),
		rig_test(flood_from_one_prefix),
		rig_test(prefix_limits),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
