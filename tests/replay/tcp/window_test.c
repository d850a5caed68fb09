/* SPDX-License-Identifier: BSD-3-Clause */
/* The window, the peer's and ours: closed, probed, silly, never read (RFC 9293 3.8.6). */
#include "tests/replay/tcp/tcp_rig.h"

/* RFC 9293 3.8.6.2.2: the window closes as bytes are held and opens by a segment at least */
static void window_closes_and_opens(void **state)
{
	struct rig r;
	uint32_t seq = 1;
	const struct rig_segment *s = NULL;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.hold = true;
	while (seq < 60000) {
		rig_in(&r, TCP_ACK, seq, 1, NULL, 1400);
		seq += 1400;
	}
	assert_int_equal(tcp_readable(r.st, r.id), seq - 1);
	while (r.n_out > r.taken)
		s = rig_out(&r);
	assert_non_null(s);
	assert_in_range(s->window, 1, 65535 - 60000 + 2800);
	/* the whole window, and no more: what lies behind is cut off */
	rig_in(&r, TCP_ACK, seq, 1, NULL, 1400);
	rig_in(&r, TCP_ACK, seq + 1400, 1, NULL, 1400);
	rig_in(&r, TCP_ACK, seq + 2800, 1, NULL, 1400);
	rig_in(&r, TCP_ACK, seq + 4200, 1, NULL, 1400);
	assert_int_equal(tcp_readable(r.st, r.id), 65535);
	rig_wait(&r, 30);
	while (r.n_out > r.taken)
		s = rig_out(&r);
	assert_int_equal(s->window, 0);
	/* a probe is answered with where we are, nothing is taken */
	rig_in(&r, TCP_ACK, 65536, 1, "p", 1);
	s = rig_expect(&r, TCP_ACK, 1, 65536, 0);
	assert_int_equal(s->window, 0);
	/* dribbles are not told, a segment is */
	tcp_consume(r.st, r.id, 100);
	tcp_flush(r.st, r.now);
	rig_none(&r);
	tcp_consume(r.st, r.id, 5000);
	tcp_flush(r.st, r.now);
	s = rig_expect(&r, TCP_ACK, 1, 65536, 0);
	assert_int_equal(s->window, 5100);
	rig_end(&r);
}

/* RFC 9293 3.8.6.1: a closed window is probed, with back-off, with a byte that may be taken */
static void zero_window_probe(void **state)
{
	struct rig r;
	uint64_t t;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.window = 0;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 1);
	rig_wait(&r, 30);
	rig_skip(&r);
	rig_write(&r, 300, 300);
	tcp_flush(r.st, r.now);
	rig_none(&r);
	t = r.now;
	rig_wait(&r, 210);
	t = rig_expect(&r, TCP_ACK, 1, 2, 1)->at_ns - t;
	assert_in_range(t / 1000000, 198, 210);
	rig_in(&r, TCP_ACK, 2, 1, NULL, 0); /* not taken */
	rig_wait(&r, 350);
	rig_none(&r);
	rig_wait(&r, 70);
	rig_expect(&r, TCP_ACK, 1, 2, 1);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_window_probes), 2);
	assert_in_range(tcp_stuck_ms(r.st, r.id), 600, 640);
	/* taken, and the window opens for the rest */
	r.window = 1000;
	rig_in(&r, TCP_ACK, 2, 2, NULL, 0);
	rig_expect(&r, TCP_ACK, 2, 2, 299);
	rig_in(&r, TCP_ACK, 2, 301, NULL, 0);
	assert_int_equal(tcp_unacked(r.st, r.id), 0);
	assert_int_equal(tcp_stuck_ms(r.st, r.id), 0);
	rig_end(&r);
}

/* an entry of one byte, taken by the probe: nothing remains */
static void zero_window_single_byte(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.window = 0;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 1);
	rig_wait(&r, 30);
	rig_skip(&r);
	rig_write(&r, 1, 1);
	tcp_shutdown(r.st, r.id);
	rig_wait(&r, 210);
	rig_expect(&r, TCP_ACK, 1, 2, 1);
	r.window = 1000;
	rig_in(&r, TCP_ACK, 2, 2, NULL, 0);
	rig_expect(&r, TCP_FIN | TCP_ACK, 2, 2, 0);
	assert_int_equal(tcp_stats_get(r.st)->active, 0);
	rig_end(&r);
}

/* a peer that never reads is let go */
static void never_reading(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.window = 0;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 1);
	rig_write(&r, 300, 300);
	for (unsigned i = 0; i < 200 && !r.closed; i++) {
		rig_wait(&r, 1000);
		if (!r.closed)
			rig_in(&r, TCP_ACK, 2, 1, NULL, 0); /* alive, and shut */
		rig_skip(&r);
	}
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_STALLED);
	assert_in_range((r.now - r.begin) / 1000000, r.config.persist_timeout_ms - 1000,
			r.config.persist_timeout_ms + 62000);
	rig_end(&r);
}

/* RFC 9293 3.8.6.2.1: the sender waits for a window worth sending into, and not for ever */
static void silly_window(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_write(&r, 1460, 1460);
	tcp_flush(r.st, r.now);
	r.window = 40;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 1);
	rig_skip(&r);
	rig_wait(&r, 30);
	rig_skip(&r);
	/* the first segment was sent into the old window; acknowledge it, then 40 bytes are open */
	rig_in(&r, TCP_ACK, 2, 1461, NULL, 0);
	rig_skip(&r);
	rig_write(&r, 1000, 1000);
	tcp_flush(r.st, r.now);
	rig_none(&r);
	rig_wait(&r, 300);
	rig_expect(&r, TCP_ACK, 1461, 2, 40); /* the override timeout */
	r.window = 2000;
	rig_in(&r, TCP_ACK, 2, 1501, NULL, 0);
	rig_expect(&r, TCP_ACK, 1501, 2, 960);
	rig_end(&r);
}

/* off by default; RFC 9293 3.7.4 when it is on */
static void nagle(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_write(&r, 10, 10);
	tcp_flush(r.st, r.now);
	rig_write(&r, 10, 10);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_ACK, 1, 1, 10);
	rig_expect(&r, TCP_ACK, 11, 1, 10);
	rig_end(&r);
	c.nagle = true;
	rig_start(&r, &c);
	rig_accept(&r, 0);
	rig_write(&r, 10, 10);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_ACK, 1, 1, 10);
	rig_write(&r, 10, 10);
	rig_write(&r, 20, 10);
	tcp_flush(r.st, r.now);
	rig_none(&r);
	rig_in(&r, TCP_ACK, 1, 11, NULL, 0);
	rig_expect(&r, TCP_ACK, 11, 1, 30);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(window_closes_and_opens),
		rig_test(zero_window_probe),
		rig_test(zero_window_single_byte),
		rig_test(never_reading),
		rig_test(silly_window),
		rig_test(nagle),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
