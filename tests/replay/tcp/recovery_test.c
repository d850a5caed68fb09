/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss, and how it is made good: RFC 6298, 6582, 6675, 3042, 6937, 8985. */
#include "tests/replay/tcp/bulk_rig.h"

/* RFC 6298 2.4, 5.4-5.7: not below the minimum, doubled each time; 5681 3.1: one segment after a timeout */
static void timeout_backoff(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint64_t last, gap, before = 0;

	(void)state;
	c.sack = false;
	rig_start(&r, &c);
	r.rtt_ms = 10;
	rig_accept(&r, RIG_TS);
	bulk_learn_rtt(&r, 10);
	rig_write(&r, 500, 500);
	tcp_flush(r.st, r.now);
	last = r.now;
	assert_int_equal(rig_skip(&r), 1);
	for (unsigned i = 0; i < 5; i++) {
		rig_wait(&r, 230ull << i);
		gap = rig_expect(&r, TCP_ACK, 2, 1, 500)->at_ns - last;
		last += gap;
		gap /= 1000000;
		if (i == 0)
			assert_in_range(gap, 200, 230);
		else
			assert_in_range(gap, 2 * before - 15, 2 * before + 15);
		before = gap;
		rig_none(&r);
	}
	assert_int_equal(rig_info(&r).cwnd, BULK_MSS);
	assert_true(rig_info(&r).recovering);
	rig_end(&r);
}

/* RFC 9293 3.8.3 R2: given up when the user timeout is over */
static void user_timeout(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;

	(void)state;
	rig_start(&r, &c);
	rig_accept(&r, 0);
	assert_int_equal(tcp_stuck_ms(r.st, r.id), 0);
	rig_write(&r, 100, 100);
	assert_int_equal(tcp_stuck_ms(r.st, r.id), 0);
	rig_wait(&r, 5000);
	assert_in_range(tcp_stuck_ms(r.st, r.id), 3000, 5000);
	rig_wait(&r, 110000);
	assert_int_equal(r.closed, 0);
	rig_wait(&r, 70000);
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_TIMEOUT);
	rig_end(&r);
}

/* RFC 6675 with RFC 8985 7: three SACKed segments behind a hole: it is lost, and nothing else is sent again
 */
static void sack_recovery(void **state)
{
	struct rig r;
	uint32_t b = 2;

	(void)state;
	bulk_in_flight(&r, 20, 10);
	bulk_ack_sack(&r, b, b + BULK_MSS, b + 2 * BULK_MSS);
	bulk_ack_sack(&r, b, b + BULK_MSS, b + 3 * BULK_MSS);
	rig_none(&r);
	assert_false(rig_info(&r).recovering);
	bulk_ack_sack(&r, b, b + BULK_MSS, b + 4 * BULK_MSS);
	rig_expect(&r, TCP_ACK, b, 1, BULK_MSS);
	rig_none(&r);
	assert_true(rig_info(&r).recovering);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_recoveries), 1);
	/* CUBIC: 0.7 of what was in flight (RFC 9438 4.6) */
	assert_in_range(rig_info(&r).ssthresh, 69 * BULK_MSS / 10, 7 * BULK_MSS);
	rig_wait(&r, 20);
	bulk_ack(&r, b + 10 * BULK_MSS);
	assert_false(rig_info(&r).recovering);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rexmit), 1);
	rig_end(&r);
}

/* RFC 8985 6.2: without three SACKed, the reordering window decides; a little later is lost, too */
static void rack_timer(void **state)
{
	struct rig r;
	uint32_t b = 2;

	(void)state;
	bulk_in_flight(&r, 40, 2);
	bulk_ack_sack(&r, b, b + BULK_MSS, b + 2 * BULK_MSS);
	rig_none(&r);
	rig_wait(&r, 7); /* min RTT / 4 is 10 ms */
	rig_none(&r);
	rig_wait(&r, 6);
	rig_expect(&r, TCP_ACK, b, 1, BULK_MSS);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rack_timeouts), 1);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rto), 0);
	rig_end(&r);
}

/* the same, but the hole was only late: nothing is sent again */
static void reordering_tolerated(void **state)
{
	struct rig r;
	uint32_t b = 2;

	(void)state;
	bulk_in_flight(&r, 40, 2);
	bulk_ack_sack(&r, b, b + BULK_MSS, b + 2 * BULK_MSS);
	rig_wait(&r, 6);
	bulk_ack(&r, b + 2 * BULK_MSS);
	rig_wait(&r, 500);
	rig_none(&r);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rexmit), 0);
	rig_end(&r);
}

/* RFC 8985 6.2: a retransmission that gets lost is found without a timeout */
static void lost_retransmission(void **state)
{
	struct rig r;
	uint32_t b = 2;

	(void)state;
	bulk_in_flight(&r, 20, 30);
	bulk_ack_sack(&r, b, b + BULK_MSS, b + 4 * BULK_MSS);
	rig_expect(&r, TCP_ACK, b, 1, BULK_MSS);
	rig_skip(&r);
	rig_wait(&r, 1);
	for (unsigned i = 5; i <= 10; i++)
		bulk_ack_sack(&r, b, b + BULK_MSS, b + i * BULK_MSS);
	assert_true(rig_skip(&r) >= 1); /* new data by PRR */
	rig_wait(&r, 30);
	/* what was sent after the retransmission is SACKed: the retransmission is lost */
	bulk_ack_sack(&r, b, b + BULK_MSS, b + 12 * BULK_MSS);
	rig_expect(&r, TCP_ACK, b, 1, BULK_MSS);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rto), 0);
	rig_end(&r);
}

/* RFC 6675 section 5: what was sent after the window had been lowered and is lost lowers it again. RFC 3522:
 * an answer to a retransmission of the recovery before is no answer to an original. */
static void recoveries_in_a_row(void **state)
{
	struct rig r;
	uint32_t b = 2, ts, first;

	(void)state;
	bulk_in_flight(&r, 20, 60);
	bulk_ack_sack(&r, b, b + BULK_MSS, b + 4 * BULK_MSS);
	rig_expect(&r, TCP_ACK, b, 1, BULK_MSS);
	for (unsigned i = 5; i <= 10; i++)
		bulk_ack_sack(&r, b, b + BULK_MSS, b + i * BULK_MSS);
	assert_true(rig_skip(&r) >= 4);
	first = rig_info(&r).ssthresh;
	/* the repair has arrived, and of the segments that followed it the first one has not */
	rig_wait(&r, 20);
	bulk_ack_sack(&r, b + 10 * BULK_MSS, b + 11 * BULK_MSS, b + 14 * BULK_MSS);
	ts = rig_expect(&r, TCP_ACK, b + 10 * BULK_MSS, 1, BULK_MSS)->opt.ts_val;
	assert_int_equal(rig_counter(&r, TCP_COUNTER_recoveries), 2);
	assert_true(rig_info(&r).recovering);
	assert_true(rig_info(&r).ssthresh < first);
	rig_skip(&r);
	/* another loss, found and repaired later than that */
	rig_wait(&r, 10);
	bulk_ack_sack(&r, b + 10 * BULK_MSS, b + 15 * BULK_MSS, b + 16 * BULK_MSS);
	rig_skip(&r);
	/* now the repair of the second hole is answered */
	r.ts_ecr = ts;
	bulk_ack(&r, b + 14 * BULK_MSS);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_spurious), 0);
	assert_true(rig_info(&r).recovering);
	rig_end(&r);
}

/* RFC 8985 7: the tail is probed after two round trips, and the SACK of the probe starts a recovery */
static void tail_loss_probe(void **state)
{
	struct rig r;
	uint32_t b = 2;
	uint64_t t;

	(void)state;
	bulk_in_flight(&r, 20, 4);
	bulk_ack(&r, b + BULK_MSS);
	t = r.now;
	rig_wait(&r, 70);
	t = rig_expect(&r, TCP_ACK, b + 3 * BULK_MSS, 1, BULK_MSS)->at_ns - t;
	assert_in_range(t / 1000000, 38, 48);
	rig_none(&r);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_tlp), 1);
	bulk_ack_sack(&r, b + BULK_MSS, b + 3 * BULK_MSS, b + 4 * BULK_MSS);
	rig_wait(&r, 15);
	rig_expect(&r, TCP_ACK, b + BULK_MSS, 1, BULK_MSS);
	rig_none(&r); /* RFC 6937: not more than was delivered */
	bulk_ack_sack(&r, b + 2 * BULK_MSS, b + 3 * BULK_MSS, b + 4 * BULK_MSS);
	rig_expect(&r, TCP_ACK, b + 2 * BULK_MSS, 1, BULK_MSS);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rto), 0);
	rig_end(&r);
}

/* RFC 8985 7.4.2: a probe that repaired a loss halves the window like any loss */
static void tlp_loss_counts(void **state)
{
	struct rig r;
	uint32_t b = 2, before;

	(void)state;
	bulk_in_flight(&r, 20, 4);
	bulk_ack(&r, b + 3 * BULK_MSS);
	before = rig_info(&r).cwnd;
	rig_wait(&r, 200);
	rig_wait(&r, 70);
	rig_expect(&r, TCP_ACK, b + 3 * BULK_MSS, 1, BULK_MSS);
	rig_write(&r, BULK_MSS, BULK_MSS);
	tcp_flush(r.st, r.now);
	rig_skip(&r);
	bulk_ack(&r, b + 5 * BULK_MSS);
	assert_true(rig_info(&r).cwnd < before);
	rig_end(&r);
}

/* RFC 3042: the first two duplicate ACKs each let out a new segment; RFC 5681 3.2: the third sends the lost
 * one */
static void limited_transmit(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;

	(void)state;
	c.congestion = TCP_NEWRENO;
	rig_start(&r, &c);
	rig_accept(&r, 0);
	rig_write(&r, 40 * 1460, 1460);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_wait(&r, 20);
	bulk_ack(&r, 1);
	rig_expect(&r, TCP_ACK, 1 + 14600, 1, 1460);
	rig_none(&r);
	bulk_ack(&r, 1);
	rig_expect(&r, TCP_ACK, 1 + 11 * 1460, 1, 1460);
	rig_none(&r);
	bulk_ack(&r, 1);
	rig_expect(&r, TCP_ACK, 1, 1, 1460);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_recoveries), 1);
	rig_end(&r);
}

/* RFC 6582 3.2: a partial ACK names the next hole; the full one ends the recovery */
static void newreno_partial_ack(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t m = 1460;

	(void)state;
	c.congestion = TCP_NEWRENO;
	rig_start(&r, &c);
	rig_accept(&r, 0);
	rig_write(&r, 10 * m, m);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_wait(&r, 20);
	for (unsigned i = 0; i < 3; i++)
		bulk_ack(&r, 1);
	rig_expect(&r, TCP_ACK, 1, 1, m);
	bulk_ack(&r, 1 + 4 * m); /* segment 5 is missing as well */
	rig_expect(&r, TCP_ACK, 1 + 4 * m, 1, m);
	assert_true(rig_info(&r).recovering);
	bulk_ack(&r, 1 + 10 * m);
	assert_false(rig_info(&r).recovering);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rexmit), 2);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rto), 0);
	rig_end(&r);
}

/* RFC 2018 section 8: a peer may forget what it SACKed; after a timeout everything is sent again */
static void reneging(void **state)
{
	struct rig r;
	uint32_t b = 2;

	(void)state;
	bulk_in_flight(&r, 20, 5);
	bulk_ack_sack(&r, b, b + BULK_MSS, b + 5 * BULK_MSS);
	rig_skip(&r);
	rig_wait(&r, 10);
	bulk_ack(&r,
		 b + BULK_MSS); /* the hole is filled, but the rest is not acknowledged: it was thrown away */
	rig_wait(&r, 1000);
	rig_expect(&r, TCP_ACK, b + BULK_MSS, 1, BULK_MSS);
	rig_skip(&r);
	bulk_ack(&r, b + 2 * BULK_MSS);
	rig_expect(&r, TCP_ACK, b + 2 * BULK_MSS, 1, BULK_MSS);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(timeout_backoff),     rig_test(user_timeout),	       rig_test(sack_recovery),
		rig_test(rack_timer),	       rig_test(reordering_tolerated), rig_test(lost_retransmission),
		rig_test(recoveries_in_a_row), rig_test(tail_loss_probe),      rig_test(tlp_loss_counts),
		rig_test(limited_transmit),    rig_test(newreno_partial_ack),  rig_test(reneging),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
