/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast: RFC 5681, 6928, 9438, 3168. */
#include "tests/replay/tcp/bulk_rig.h"

/* RFC 6928: ten segments; RFC 5681 3.1: one more for each acknowledged in slow start */
static void initial_window(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;

	(void)state;
	rig_start(&r, &c);
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	rig_write(&r, 100 * BULK_MSS, BULK_MSS);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_wait(&r, 20);
	bulk_ack(&r, 1 + 2 * BULK_MSS);
	assert_int_equal(rig_skip(&r), 4);
	bulk_ack(&r, 1 + 4 * BULK_MSS);
	assert_int_equal(rig_skip(&r), 4);
	rig_end(&r);
}

/* RFC 9438 and 5681 3.1: growth after the loss: NewReno one segment a round trip, CUBIC back to W_max within
 * K */
static uint32_t grow(enum tcp_congestion cc, unsigned rounds)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t una = 2, w;

	c.congestion = cc;
	c.snd_buffer = BULK_BUFFER;
	rig_start(&r, &c);
	r.rtt_ms = 50;
	rig_accept(&r, RIG_SACK | RIG_WS);
	bulk_learn_rtt(&r, 50);
	rig_write(&r, 400 * 1460, 1460);
	tcp_flush(r.st, r.now);
	/* three rounds of slow start, one loss */
	for (unsigned k = 0; k < 3; k++) {
		rig_skip(&r);
		rig_wait(&r, 50);
		bulk_ack(&r, una = rig_info(&r).snd_nxt - r.isn);
	}
	rig_skip(&r);
	rig_wait(&r, 50);
	bulk_ack_sack(&r, una, una + 1460, una + 10 * 1460);
	rig_skip(&r);
	rig_wait(&r, 50);
	bulk_ack(&r, una = rig_info(&r).snd_nxt - r.isn);
	w = rig_info(&r).cwnd;
	for (unsigned k = 0; k < rounds; k++) {
		while (rig_write(&r, 1460, 1460) == 0)
			;
		tcp_flush(r.st, r.now);
		rig_skip(&r);
		rig_wait(&r, 50);
		bulk_ack(&r, una = rig_info(&r).snd_nxt - r.isn);
		rig_skip(&r);
	}
	w = (rig_info(&r).cwnd - w) / 1460;
	rig_end(&r);
	return w;
}

static void growth(void **state)
{
	uint32_t reno = grow(TCP_NEWRENO, 10), cubic = grow(TCP_CUBIC, 10), cubic_long = grow(TCP_CUBIC, 80);

	(void)state;
	assert_in_range(reno, 8, 12);
	assert_in_range(cubic, 3, 30);
	assert_true(cubic_long > 8 * cubic);
}

/* RFC 5681 4.1: after an idle time longer than the RTO the window starts anew */
static void restart_after_idle(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	unsigned n;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 20;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	bulk_learn_rtt(&r, 20);
	rig_write(&r, 20 * BULK_MSS, BULK_MSS);
	tcp_flush(r.st, r.now);
	rig_wait(&r, 20);
	bulk_ack(&r, rig_info(&r).snd_nxt - r.isn);
	rig_wait(&r, 20);
	bulk_ack(&r, rig_info(&r).snd_nxt - r.isn);
	rig_skip(&r);
	rig_write(&r, 100 * BULK_MSS, BULK_MSS);
	tcp_flush(r.st, r.now);
	n = rig_skip(&r);
	assert_true(n > 15);
	rig_wait(&r, 20);
	while (tcp_unacked(r.st, r.id)) {
		bulk_ack(&r, rig_info(&r).snd_nxt - r.isn);
		rig_wait(&r, 20);
	}
	rig_skip(&r);
	rig_wait(&r, 3000);
	rig_write(&r, 100 * BULK_MSS, BULK_MSS);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_end(&r);
}

/* RFC 3168: negotiated, echoed until CWR, answered by one reduction per window; retransmissions are not ECT
 */
static void ecn(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	const struct rig_segment *s;
	uint32_t w;

	(void)state;
	c.ecn = true;
	rig_start(&r, &c);
	r.rtt_ms = 20;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS | RIG_ECN);
	assert_true(rig_info(&r).ecn);
	r.ecn = 3;
	rig_in(&r, TCP_ACK, 1, 1, NULL, 100);
	r.ecn = 2;
	rig_expect(&r, TCP_ACK | TCP_ECE, 1, 101, 0);
	rig_in(&r, TCP_ACK, 101, 1, NULL, 100);
	rig_wait(&r, 30);
	rig_expect(&r, TCP_ACK | TCP_ECE, 1, 201, 0);
	rig_in(&r, TCP_ACK | TCP_CWR, 201, 1, NULL, 100);
	rig_wait(&r, 30);
	rig_expect(&r, TCP_ACK, 1, 301, 0);
	rig_write(&r, 30 * BULK_MSS, BULK_MSS);
	tcp_flush(r.st, r.now);
	s = rig_expect(&r, TCP_ACK, 1, 301, BULK_MSS);
	assert_int_equal(s->tos, 2);
	assert_int_equal(rig_skip(&r), 9);
	w = rig_info(&r).cwnd;
	rig_wait(&r, 20);
	rig_in(&r, TCP_ACK | TCP_ECE, 301, 1 + 5 * BULK_MSS, NULL, 0);
	assert_true(rig_info(&r).cwnd < w);
	rig_in(&r, TCP_ACK | TCP_ECE, 301, 1 + 6 * BULK_MSS, NULL, 0);
	rig_in(&r, TCP_ACK, 301, 1 + 10 * BULK_MSS, NULL, 0);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_ecn_reduced), 1);
	s = rig_out(&r);
	assert_true(s->flags & TCP_CWR);
	rig_skip(&r);
	rig_wait(&r, 2000);
	while (r.n_out > r.taken)
		s = rig_out(&r);
	assert_int_equal(s->tos, 0);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(initial_window),
		rig_test(growth),
		rig_test(restart_after_idle),
		rig_test(ecn),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
