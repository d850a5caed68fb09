/* SPDX-License-Identifier: BSD-3-Clause */
/* Text and windows: RFC 9293 3.7, 3.8.6, 3.10.7.4; RFC 2018, 2883 (receiver), 5681 4.2, 7323 (PAWS),
 * 1122 4.2.3. */
#include "tests/replay/tcp/tcp_rig.h"

static void check_pattern(struct rig *r, uint32_t n)
{
	assert_int_equal(r->n_rx, n);
	for (uint32_t i = 0; i < n; i++)
		if (r->rx[i] != rig_pattern(1 + i))
			fail_msg("byte %u is wrong", i);
}

/* RFC 5681 4.2: at least every second segment at once; RFC 9293 3.8.6.3: within the delay otherwise */
static void delayed_ack(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 1000);
	rig_none(&r);
	rig_wait(&r, 15);
	rig_none(&r);
	rig_wait(&r, 10);
	rig_expect(&r, TCP_ACK, 1, 1001, 0);
	rig_in(&r, TCP_ACK, 1001, 1, NULL, 1000);
	rig_none(&r);
	rig_in(&r, TCP_ACK, 2001, 1, NULL, 1000);
	rig_expect(&r, TCP_ACK, 1, 3001, 0);
	rig_wait(&r, 100);
	rig_none(&r);
	check_pattern(&r, 3000);
	rig_end(&r);
}

/* the acknowledgement rides on the answer */
static void piggyback(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.answer = true;
	rig_in(&r, TCP_ACK | TCP_PSH, 1, 1, NULL, 600);
	rig_expect(&r, TCP_ACK, 1, 601, 600);
	rig_none(&r);
	rig_end(&r);
}

/* RFC 5681 4.2: a hole is acknowledged at once, and when it is filled; RFC 2018: most recent block first */
static void holes_and_blocks(void **state)
{
	struct rig r;
	const struct rig_segment *s;
	uint32_t p;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, RIG_SACK);
	p = r.pisn;
	rig_in(&r, TCP_ACK, 101, 1, NULL, 100);
	s = rig_expect(&r, TCP_ACK, 1, 1, 0);
	assert_int_equal(s->opt.n_sack, 1);
	assert_int_equal(s->opt.sack[0].start, p + 101);
	assert_int_equal(s->opt.sack[0].end, p + 201);
	rig_in(&r, TCP_ACK, 301, 1, NULL, 100);
	s = rig_expect(&r, TCP_ACK, 1, 1, 0);
	assert_int_equal(s->opt.n_sack, 2);
	assert_int_equal(s->opt.sack[0].start, p + 301);
	assert_int_equal(s->opt.sack[1].start, p + 101);
	rig_in(&r, TCP_ACK, 501, 1, NULL, 100);
	s = rig_expect(&r, TCP_ACK, 1, 1, 0);
	assert_int_equal(s->opt.n_sack, 3);
	assert_int_equal(s->opt.sack[0].start, p + 501);
	assert_int_equal(s->opt.sack[1].start, p + 301);
	assert_int_equal(s->opt.sack[2].start, p + 101);
	/* an old range grows: it is the most recent now */
	rig_in(&r, TCP_ACK, 201, 1, NULL, 50);
	s = rig_expect(&r, TCP_ACK, 1, 1, 0);
	assert_int_equal(s->opt.sack[0].start, p + 101);
	assert_int_equal(s->opt.sack[0].end, p + 251);
	/* the first hole closes in part, then whole */
	rig_in(&r, TCP_ACK, 1, 1, NULL, 100);
	s = rig_expect(&r, TCP_ACK, 1, 251, 0);
	assert_int_equal(s->opt.n_sack, 2);
	rig_in(&r, TCP_ACK, 251, 1, NULL, 250);
	s = rig_expect(&r, TCP_ACK, 1, 601, 0);
	assert_int_equal(s->opt.n_sack, 0);
	check_pattern(&r, 600);
	assert_int_equal(tcp_stats_get(r.st)->reassemblies, 0);
	rig_end(&r);
}

/* every way in which two pieces can overlap ends in the same bytes */
static void overlaps(void **state)
{
	for (uint32_t seed = 0; seed < 300; seed++) {
		struct rig r;
		struct base_rng g;
		unsigned left = 200;

		base_rng_seed(&g, seed);
		rig_start(&r, NULL);
		rig_accept(&r, seed & 1 ? RIG_SACK : 0);
		while (r.n_rx < 900 && left--) {
			uint32_t a = base_rng_below(&g, 1000), n = 1 + base_rng_below(&g, 300);

			if (a + n > 1000)
				n = 1000 - a;
			rig_in(&r, TCP_ACK, 1 + a, 1, NULL, n);
			rig_skip(&r);
		}
		rig_in(&r, TCP_ACK, 1, 1, NULL, 1000);
		check_pattern(&r, 1000);
		rig_end(&r);
	}
	(void)state;
}

/* RFC 2883: what came twice is reported, below the ACK or inside of a block */
static void duplicates_reported(void **state)
{
	struct rig r;
	const struct rig_segment *s;
	uint32_t p;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, RIG_SACK);
	p = r.pisn;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 100);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 100);
	s = rig_expect(&r, TCP_ACK, 1, 101, 0);
	assert_int_equal(s->opt.n_sack, 1);
	assert_int_equal(s->opt.sack[0].start, p + 1);
	assert_int_equal(s->opt.sack[0].end, p + 101);
	rig_in(&r, TCP_ACK, 201, 1, NULL, 100);
	rig_skip(&r);
	rig_in(&r, TCP_ACK, 221, 1, NULL, 30);
	s = rig_out(&r);
	assert_int_equal(s->opt.n_sack, 2);
	assert_int_equal(s->opt.sack[0].start, p + 221);
	assert_int_equal(s->opt.sack[0].end, p + 251);
	assert_int_equal(s->opt.sack[1].start, p + 201);
	rig_end(&r);
}

/* RFC 9293 3.10.7.4 first: an unacceptable segment is answered with an ACK and dropped */
static void out_of_window(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_ACK, 70000, 1, NULL, 10);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	rig_in(&r, TCP_ACK, (uint32_t)-5, 1, NULL, 3);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	assert_int_equal(rig_drop(&r, TCP_DROP_out_of_window), 2);
	/* and what lies over both edges is cut */
	rig_in(&r, TCP_ACK, (uint32_t)-9, 1, NULL, 20);
	assert_int_equal(r.n_rx, 10);
	rig_end(&r);
}

/* an ACK-less segment is dropped (3.10.7.4 fifth); urgent data is data (3.8.5) */
static void no_ack_and_urgent(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_FIN | TCP_PSH, 1, 0, NULL, 10);
	assert_int_equal(r.n_rx, 0);
	assert_int_equal(r.eof, 0);
	assert_int_equal(rig_drop(&r, TCP_DROP_no_ack), 1);
	rig_in(&r, TCP_ACK | TCP_URG, 1, 1, NULL, 10);
	check_pattern(&r, 10);
	rig_end(&r);
}

/* RFC 7323 5.3 R1: an old timestamp; 3.2: none where there should be one. RST is exempt from both. */
static void paws(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, RIG_TS);
	r.ts_val += 100;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 10);
	r.ts_val -= 50;
	rig_skip(&r);
	rig_in(&r, TCP_ACK, 11, 1, NULL, 10);
	assert_int_equal(r.n_rx, 10);
	rig_expect(&r, TCP_ACK, 1, 11, 0);
	assert_int_equal(rig_drop(&r, TCP_DROP_paws), 1);
	r.ts = false;
	rig_in(&r, TCP_ACK, 11, 1, NULL, 10);
	assert_int_equal(r.n_rx, 10);
	assert_int_equal(rig_drop(&r, TCP_DROP_no_timestamp), 1);
	r.ts = true;
	r.ts_val += 200;
	rig_in(&r, TCP_ACK, 11, 1, NULL, 10);
	assert_int_equal(r.n_rx, 20);
	rig_skip(&r);
	/* RFC 7323 5.5: after 24 days of silence the memory is stale */
	rig_wait(&r, 25ull * 24 * 3600 * 1000);
	r.ts_val -= 0x20000000;
	rig_in(&r, TCP_ACK, 21, 1, NULL, 10);
	assert_int_equal(r.n_rx, 30);
	r.ts = false;
	rig_in(&r, TCP_RST, 31, 0, NULL, 0);
	assert_int_equal(r.end, TCP_END_RESET);
	rig_end(&r);
}

/* RFC 7323 4.3: TSecr is that of the segment that moved the left edge, not of one behind a hole */
static void timestamp_echo(void **state)
{
	struct rig r;
	uint32_t t;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, RIG_TS | RIG_SACK);
	t = r.ts_val += 10;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 100);
	r.ts_val += 10;
	rig_in(&r, TCP_ACK, 101, 1, NULL, 100);
	assert_int_equal(rig_expect(&r, TCP_ACK, 1, 201, 0)->opt.ts_ecr, t); /* of the first unacknowledged */
	r.ts_val += 10;
	rig_in(&r, TCP_ACK, 301, 1, NULL, 100);
	assert_int_equal(rig_expect(&r, TCP_ACK, 1, 201, 0)->opt.ts_ecr, t);
	t = r.ts_val += 10;
	rig_in(&r, TCP_ACK, 201, 1, NULL, 100);
	assert_int_equal(rig_expect(&r, TCP_ACK, 1, 401, 0)->opt.ts_ecr, t);
	rig_end(&r);
}

/* RFC 9293 3.8.4 */
static void keepalive(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;

	(void)state;
	c.keepalive_idle_ms = 10000;
	c.keepalive_interval_ms = 1000;
	c.keepalive_probes = 3;
	rig_start(&r, &c);
	rig_accept(&r, 0);
	rig_wait(&r, 9900);
	rig_none(&r);
	rig_wait(&r, 200);
	rig_expect(&r, TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 0); /* alive */
	rig_wait(&r, 9500);
	rig_none(&r);
	rig_wait(&r, 3500);
	assert_int_equal(rig_skip(&r), 3);
	assert_int_equal(r.closed, 0);
	rig_wait(&r, 1100);
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_TIMEOUT);
	rig_end(&r);
}

/* a peer's keep-alive is answered, at most twice a second */
static void keepalive_answered(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_ACK, 0, 1, NULL, 0);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	rig_in(&r, TCP_ACK, 0, 1, NULL, 0);
	rig_none(&r);
	rig_wait(&r, 700);
	rig_in(&r, TCP_ACK, 0, 1, NULL, 1);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	rig_end(&r);
}

/* bytes that never make a message */
static void unfinished_data_ends(void **state)
{
	struct rig r;
	uint32_t seq = 1;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.hold = true;
	for (unsigned i = 0; i < 100 && !r.closed; i++) {
		rig_in(&r, TCP_ACK, seq, 1, NULL, 1);
		seq++;
		rig_wait(&r, 1000);
		rig_skip(&r);
	}
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_STALLED);
	assert_in_range(seq, 29, 33);
	rig_end(&r);
}

/* RFC 6298 5.5: a sender that was unlucky several times in a row may be silent for a minute and more; a hole
 * waits for it, though not for ever */
static void hole_outlives_backoff(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, RIG_SACK);
	rig_in(&r, TCP_ACK, 101, 1, NULL, 100);
	rig_wait(&r, 100000);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 100);
	assert_int_equal(r.n_rx, 200);
	assert_int_equal(r.closed, 0);
	rig_in(&r, TCP_ACK, 301, 1, NULL, 100);
	rig_wait(&r, 175000);
	assert_int_equal(r.closed, 0);
	rig_wait(&r, 10000);
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_STALLED);
	rig_skip(&r);
	rig_end(&r);
}

/* backpressure: refused above the limit, told when there is room */
static void backpressure(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;
	uint32_t n = 0;

	(void)state;
	c.snd_buffer = 20000;
	rig_start(&r, &c);
	rig_accept(&r, 0);
	r.window = 0;
	while (rig_write(&r, 1000, 1000) == 0)
		n += 1000;
	assert_in_range(n, 20000, 21000);
	assert_int_equal(tcp_room(r.st, r.id), 0);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 14); /* IW of 14600 bytes */
	assert_int_equal(r.writable, 0);
	r.window = 65535;
	rig_in(&r, TCP_ACK, 1, 14001, NULL, 0);
	assert_int_equal(r.writable, 1);
	assert_true(tcp_room(r.st, r.id) > 10000);
	rig_end(&r);
}

/* a question alone: it changes nothing as long as there is room, and a "no" brings `writable` later */
static void asked(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;

	(void)state;
	c.snd_buffer = 20000;
	rig_start(&r, &c);
	rig_accept(&r, 0);
	assert_int_equal(tcp_ask(r.st, r.id), 20000);
	assert_int_equal(tcp_unacked(r.st, r.id), 0);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(tcp_ask(r.st, r.id) > 0);
		assert_int_equal(rig_write(&r, 1000, 1000), 0);
	}
	assert_int_equal(tcp_ask(r.st, r.id), 0);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 14); /* IW of 14600 bytes */
	assert_int_equal(r.writable, 0);
	rig_in(&r, TCP_ACK, 1, 14001, NULL, 0);
	assert_int_equal(r.writable, 1);
	assert_int_equal(tcp_ask(r.st, r.id), 14000);
	rig_skip(&r);
	assert_int_equal(tcp_ask(r.st, r.id + 1), 0);
	tcp_shutdown(r.st, r.id);
	assert_int_equal(tcp_ask(r.st, r.id), 0);
	rig_end(&r);
}

static void deadline_event(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	tcp_deadline(r.st, r.id, r.now + 50000000);
	rig_wait(&r, 49);
	assert_int_equal(r.deadlines, 0);
	rig_wait(&r, 2);
	assert_int_equal(r.deadlines, 1);
	tcp_deadline(r.st, r.id, r.now + 50000000);
	tcp_deadline(r.st, r.id, 0);
	rig_wait(&r, 100);
	assert_int_equal(r.deadlines, 1);
	rig_end(&r);
}

/* leftovers are made small, and their bytes stay, those that the upper layer rewrote too */
static void leftovers_compacted(void **state)
{
	struct rig r;
	struct tcp_view v[4];
	char got[64];

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.hold = true;
	rig_in(&r, TCP_ACK, 1, 1, "abcdef", 6);
	assert_int_equal(rte_mempool_in_use_count(rig_eal.rx), 0);
	assert_int_equal(rte_mempool_in_use_count(rig_eal.compact), 1);
	assert_int_equal(tcp_peek(r.st, r.id, v, 4), 1);
	v[0].data[0] = 'X';
	rig_in(&r, TCP_ACK, 7, 1, "ghi", 3);
	assert_int_equal(rte_mempool_in_use_count(rig_eal.rx), 0);
	assert_int_equal(rte_mempool_in_use_count(rig_eal.compact), 1);
	assert_int_equal(tcp_copy(r.st, r.id, 0, got, sizeof(got)), 9);
	assert_memory_equal(got, "Xbcdefghi", 9);
	assert_int_equal(tcp_copy(r.st, r.id, 7, got, 1), 1);
	assert_int_equal(got[0], 'h');
	tcp_consume(r.st, r.id, 4);
	assert_int_equal(tcp_copy(r.st, r.id, 0, got, 3), 3);
	assert_memory_equal(got, "efg", 3);
	tcp_consume(r.st, r.id, 100);
	assert_int_equal(tcp_readable(r.st, r.id), 0);
	rig_end(&r);
}

/* no compact buffer left: the small segments stay where they are, and nothing breaks */
static void compact_pool_empty(void **state)
{
	struct rte_mbuf *taken[16383];
	unsigned n = 0;
	struct rig r;

	(void)state;
	while (n < 16383 && (taken[n] = rte_pktmbuf_alloc(rig_eal.compact)))
		n++;
	rig_start(&r, NULL);
	rig_accept(&r, RIG_SACK);
	r.hold = true;
	rig_in(&r, TCP_ACK, 1, 1, "a", 1);
	rig_in(&r, TCP_ACK, 10, 1, "b", 1);
	assert_true(rig_counter(&r, TCP_COUNTER_compact_failed) >= 2);
	assert_int_equal(tcp_readable(r.st, r.id), 1);
	rig_end(&r);
	while (n)
		rte_pktmbuf_free(taken[--n]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(delayed_ack),
		rig_test(piggyback),
		rig_test(holes_and_blocks),
		rig_test(overlaps),
		rig_test(duplicates_reported),
		rig_test(out_of_window),
		rig_test(no_ack_and_urgent),
		rig_test(paws),
		rig_test(timestamp_echo),
		rig_test(keepalive),
		rig_test(keepalive_answered),
		rig_test(unfinished_data_ends),
		rig_test(hole_outlives_backoff),
		rig_test(backpressure),
		rig_test(asked),
		rig_test(deadline_event),
		rig_test(leftovers_compacted),
		rig_test(compact_pool_empty),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
