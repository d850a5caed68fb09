/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss and congestion: RFC 5681, 6298, 6582, 6675, 6928, 3042, 6937, 8985, 9438, 3522, 5682, 3168. */
#include "tests/replay/tcp/tcp_rig.h"

#include <errno.h>

enum { MSS = 1448, BIG = 1 << 20 };

static struct tcp_config bulk_config(void)
{
	struct tcp_config c = rig_config();

	c.snd_buffer = BIG;
	return c;
}

/* one exchange with a known round trip, so that timers have a sample */
static void learn_rtt(struct rig *r, uint32_t ms)
{
	rig_write(r, 1, 1);
	tcp_flush(r->st, r->now);
	rig_expect(r, TCP_ACK, 1, 1, 1);
	rig_wait(r, ms);
	rig_in(r, TCP_ACK, 1, 2, NULL, 0);
	rig_none(r);
}

static void ack(struct rig *r, uint32_t to)
{
	rig_in(r, TCP_ACK, 1, to, NULL, 0);
}

static void ack_sack(struct rig *r, uint32_t to, uint32_t start, uint32_t end)
{
	struct tcp_options o = {.n_sack = 1, .sack = {{r->isn + start, r->isn + end}}};

	rig_in_opt(r, TCP_ACK, 1, to, 0, &o);
}

/* RFC 6928: ten segments; RFC 5681 3.1: one more for each acknowledged in slow start */
static void initial_window(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;

	(void)state;
	rig_start(&r, &c);
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	rig_write(&r, 100 * MSS, MSS);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_wait(&r, 20);
	ack(&r, 1 + 2 * MSS);
	assert_int_equal(rig_skip(&r), 4);
	ack(&r, 1 + 4 * MSS);
	assert_int_equal(rig_skip(&r), 4);
	rig_end(&r);
}

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
	learn_rtt(&r, 10);
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
	assert_int_equal(rig_info(&r).cwnd, MSS);
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
	rig_write(&r, 100, 100);
	rig_wait(&r, 115000);
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
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t b = 2;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 20;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	learn_rtt(&r, 20);
	rig_write(&r, 10 * MSS, MSS);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_wait(&r, 20);
	ack_sack(&r, b, b + MSS, b + 2 * MSS);
	ack_sack(&r, b, b + MSS, b + 3 * MSS);
	rig_none(&r);
	assert_false(rig_info(&r).recovering);
	ack_sack(&r, b, b + MSS, b + 4 * MSS);
	rig_expect(&r, TCP_ACK, b, 1, MSS);
	rig_none(&r);
	assert_true(rig_info(&r).recovering);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_recoveries), 1);
	/* CUBIC: 0.7 of what was in flight (RFC 9438 4.6) */
	assert_in_range(rig_info(&r).ssthresh, 69 * MSS / 10, 7 * MSS);
	rig_wait(&r, 20);
	ack(&r, b + 10 * MSS);
	assert_false(rig_info(&r).recovering);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rexmit), 1);
	rig_end(&r);
}

/* RFC 8985 6.2: without three SACKed, the reordering window decides; a little later is lost, too */
static void rack_timer(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t b = 2;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 40;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	learn_rtt(&r, 40);
	rig_write(&r, 2 * MSS, MSS);
	tcp_flush(r.st, r.now);
	rig_skip(&r);
	rig_wait(&r, 40);
	ack_sack(&r, b, b + MSS, b + 2 * MSS);
	rig_none(&r);
	rig_wait(&r, 7); /* min RTT / 4 is 10 ms */
	rig_none(&r);
	rig_wait(&r, 6);
	rig_expect(&r, TCP_ACK, b, 1, MSS);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rack_timeouts), 1);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rto), 0);
	rig_end(&r);
}

/* the same, but the hole was only late: nothing is sent again */
static void reordering_tolerated(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t b = 2;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 40;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	learn_rtt(&r, 40);
	rig_write(&r, 2 * MSS, MSS);
	tcp_flush(r.st, r.now);
	rig_skip(&r);
	rig_wait(&r, 40);
	ack_sack(&r, b, b + MSS, b + 2 * MSS);
	rig_wait(&r, 6);
	ack(&r, b + 2 * MSS);
	rig_wait(&r, 500);
	rig_none(&r);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rexmit), 0);
	rig_end(&r);
}

/* RFC 8985 6.2: a retransmission that gets lost is found without a timeout */
static void lost_retransmission(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t b = 2;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 20;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	learn_rtt(&r, 20);
	rig_write(&r, 30 * MSS, MSS);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_wait(&r, 20);
	ack_sack(&r, b, b + MSS, b + 4 * MSS);
	rig_expect(&r, TCP_ACK, b, 1, MSS);
	rig_skip(&r);
	rig_wait(&r, 1);
	for (unsigned i = 5; i <= 10; i++)
		ack_sack(&r, b, b + MSS, b + i * MSS);
	assert_true(rig_skip(&r) >= 1); /* new data by PRR */
	rig_wait(&r, 30);
	/* what was sent after the retransmission is SACKed: the retransmission is lost */
	ack_sack(&r, b, b + MSS, b + 12 * MSS);
	rig_expect(&r, TCP_ACK, b, 1, MSS);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rto), 0);
	rig_end(&r);
}

/* RFC 6675 section 5: what was sent after the window had been lowered and is lost lowers it again. RFC 3522:
 * an answer to a retransmission of the recovery before is no answer to an original. */
static void recoveries_in_a_row(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t b = 2, ts, first;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 20;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	learn_rtt(&r, 20);
	rig_write(&r, 60 * MSS, MSS);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_wait(&r, 20);
	ack_sack(&r, b, b + MSS, b + 4 * MSS);
	rig_expect(&r, TCP_ACK, b, 1, MSS);
	for (unsigned i = 5; i <= 10; i++)
		ack_sack(&r, b, b + MSS, b + i * MSS);
	assert_true(rig_skip(&r) >= 4);
	first = rig_info(&r).ssthresh;
	/* the repair has arrived, and of the segments that followed it the first one has not */
	rig_wait(&r, 20);
	ack_sack(&r, b + 10 * MSS, b + 11 * MSS, b + 14 * MSS);
	ts = rig_expect(&r, TCP_ACK, b + 10 * MSS, 1, MSS)->opt.ts_val;
	assert_int_equal(rig_counter(&r, TCP_COUNTER_recoveries), 2);
	assert_true(rig_info(&r).recovering);
	assert_true(rig_info(&r).ssthresh < first);
	rig_skip(&r);
	/* another loss, found and repaired later than that */
	rig_wait(&r, 10);
	ack_sack(&r, b + 10 * MSS, b + 15 * MSS, b + 16 * MSS);
	rig_skip(&r);
	/* now the repair of the second hole is answered */
	r.ts_ecr = ts;
	ack(&r, b + 14 * MSS);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_spurious), 0);
	assert_true(rig_info(&r).recovering);
	rig_end(&r);
}

/* RFC 8985 7: the tail is probed after two round trips, and the SACK of the probe starts a recovery */
static void tail_loss_probe(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t b = 2;
	uint64_t t;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 20;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	learn_rtt(&r, 20);
	rig_write(&r, 4 * MSS, MSS);
	tcp_flush(r.st, r.now);
	t = r.now;
	assert_int_equal(rig_skip(&r), 4);
	rig_wait(&r, 20);
	ack(&r, b + MSS);
	t = r.now;
	rig_wait(&r, 70);
	t = rig_expect(&r, TCP_ACK, b + 3 * MSS, 1, MSS)->at_ns - t;
	assert_in_range(t / 1000000, 38, 48);
	rig_none(&r);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_tlp), 1);
	ack_sack(&r, b + MSS, b + 3 * MSS, b + 4 * MSS);
	rig_wait(&r, 15);
	rig_expect(&r, TCP_ACK, b + MSS, 1, MSS);
	rig_none(&r); /* RFC 6937: not more than was delivered */
	ack_sack(&r, b + 2 * MSS, b + 3 * MSS, b + 4 * MSS);
	rig_expect(&r, TCP_ACK, b + 2 * MSS, 1, MSS);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rto), 0);
	rig_end(&r);
}

/* RFC 8985 7.4.2: a probe that repaired a loss halves the window like any loss */
static void tlp_loss_counts(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t b = 2, before;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 20;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	learn_rtt(&r, 20);
	rig_write(&r, 4 * MSS, MSS);
	tcp_flush(r.st, r.now);
	rig_skip(&r);
	rig_wait(&r, 20);
	ack(&r, b + 3 * MSS);
	before = rig_info(&r).cwnd;
	rig_wait(&r, 200);
	rig_wait(&r, 70);
	rig_expect(&r, TCP_ACK, b + 3 * MSS, 1, MSS);
	rig_write(&r, MSS, MSS);
	tcp_flush(r.st, r.now);
	rig_skip(&r);
	ack(&r, b + 5 * MSS);
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
	ack(&r, 1);
	rig_expect(&r, TCP_ACK, 1 + 14600, 1, 1460);
	rig_none(&r);
	ack(&r, 1);
	rig_expect(&r, TCP_ACK, 1 + 11 * 1460, 1, 1460);
	rig_none(&r);
	ack(&r, 1);
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
		ack(&r, 1);
	rig_expect(&r, TCP_ACK, 1, 1, m);
	ack(&r, 1 + 4 * m); /* segment 5 is missing as well */
	rig_expect(&r, TCP_ACK, 1 + 4 * m, 1, m);
	assert_true(rig_info(&r).recovering);
	ack(&r, 1 + 10 * m);
	assert_false(rig_info(&r).recovering);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rexmit), 2);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rto), 0);
	rig_end(&r);
}

/* RFC 3522: the answer carries the original's timestamp: the timeout was needless and is undone */
static void eifel_undo(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t before, ts;

	(void)state;
	c.sack = false;
	rig_start(&r, &c);
	r.rtt_ms = 10;
	rig_accept(&r, RIG_TS);
	learn_rtt(&r, 10);
	rig_write(&r, 4 * MSS, MSS);
	tcp_flush(r.st, r.now);
	ts = rig_out(&r)->opt.ts_val;
	rig_skip(&r);
	before = rig_info(&r).cwnd;
	rig_wait(&r, 260);
	rig_expect(&r, TCP_ACK, 2, 1, MSS);
	assert_int_equal(rig_info(&r).cwnd, MSS);
	r.ts_ecr = ts;
	ack(&r, 2 + MSS);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_spurious), 1);
	assert_true(rig_info(&r).cwnd >= before);
	assert_false(rig_info(&r).recovering);
	rig_none(&r);
	rig_end(&r);
}

/* RFC 5682: without timestamps, two advancing ACKs after a timeout show that nothing was lost */
static void frto(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t m = 1460;

	(void)state;
	c.sack = false;
	rig_start(&r, &c);
	r.rtt_ms = 10;
	rig_accept(&r, 0);
	learn_rtt(&r, 10);
	rig_write(&r, 12 * m, m);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_wait(&r, 260);
	rig_expect(&r, TCP_ACK, 2, 1, m);
	ack(&r, 2 + m);				   /* the original's answer, late */
	rig_expect(&r, TCP_ACK, 2 + 10 * m, 1, m); /* new data, not the next old one */
	rig_expect(&r, TCP_ACK, 2 + 11 * m, 1, m);
	rig_none(&r);
	ack(&r, 2 + 2 * m);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_spurious), 1);
	assert_false(rig_info(&r).recovering);
	rig_none(&r);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_rexmit), 1);
	rig_end(&r);
}

/* RFC 2883 with RFC 3708's idea: every retransmission is reported as a duplicate, so nothing had been lost */
static void dsack_undo(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t b = 2;
	struct tcp_options o;

	(void)state;
	c.timestamps = false;
	rig_start(&r, &c);
	r.rtt_ms = 20;
	rig_accept(&r, RIG_SACK | RIG_WS);
	learn_rtt(&r, 20);
	rig_write(&r, 10 * 1460, 1460);
	tcp_flush(r.st, r.now);
	rig_skip(&r);
	rig_wait(&r, 20);
	ack_sack(&r, b, b + 1460, b + 4 * 1460);
	rig_expect(&r, TCP_ACK, b, 1, 1460);
	ack(&r, b + 4 * 1460);
	rig_skip(&r);
	assert_true(rig_info(&r).recovering);
	o = (struct tcp_options){.n_sack = 1, .sack = {{r.isn + b, r.isn + b + 1460}}};
	rig_in_opt(&r, TCP_ACK, 1, b + 5 * 1460, 0, &o);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_dsack_in), 1);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_spurious), 1);
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
	c.snd_buffer = BIG;
	rig_start(&r, &c);
	r.rtt_ms = 50;
	rig_accept(&r, RIG_SACK | RIG_WS);
	learn_rtt(&r, 50);
	rig_write(&r, 400 * 1460, 1460);
	tcp_flush(r.st, r.now);
	/* three rounds of slow start, one loss */
	for (unsigned k = 0; k < 3; k++) {
		rig_skip(&r);
		rig_wait(&r, 50);
		ack(&r, una = rig_info(&r).snd_nxt - r.isn);
	}
	rig_skip(&r);
	rig_wait(&r, 50);
	ack_sack(&r, una, una + 1460, una + 10 * 1460);
	rig_skip(&r);
	rig_wait(&r, 50);
	ack(&r, una = rig_info(&r).snd_nxt - r.isn);
	w = rig_info(&r).cwnd;
	for (unsigned k = 0; k < rounds; k++) {
		while (rig_write(&r, 1460, 1460) == 0)
			;
		tcp_flush(r.st, r.now);
		rig_skip(&r);
		rig_wait(&r, 50);
		ack(&r, una = rig_info(&r).snd_nxt - r.isn);
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
	learn_rtt(&r, 20);
	rig_write(&r, 20 * MSS, MSS);
	tcp_flush(r.st, r.now);
	rig_wait(&r, 20);
	ack(&r, rig_info(&r).snd_nxt - r.isn);
	rig_wait(&r, 20);
	ack(&r, rig_info(&r).snd_nxt - r.isn);
	rig_skip(&r);
	rig_write(&r, 100 * MSS, MSS);
	tcp_flush(r.st, r.now);
	n = rig_skip(&r);
	assert_true(n > 15);
	rig_wait(&r, 20);
	while (tcp_unacked(r.st, r.id)) {
		ack(&r, rig_info(&r).snd_nxt - r.isn);
		rig_wait(&r, 20);
	}
	rig_skip(&r);
	rig_wait(&r, 3000);
	rig_write(&r, 100 * MSS, MSS);
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
	rig_write(&r, 30 * MSS, MSS);
	tcp_flush(r.st, r.now);
	s = rig_expect(&r, TCP_ACK, 1, 301, MSS);
	assert_int_equal(s->tos, 2);
	assert_int_equal(rig_skip(&r), 9);
	w = rig_info(&r).cwnd;
	rig_wait(&r, 20);
	rig_in(&r, TCP_ACK | TCP_ECE, 301, 1 + 5 * MSS, NULL, 0);
	assert_true(rig_info(&r).cwnd < w);
	rig_in(&r, TCP_ACK | TCP_ECE, 301, 1 + 6 * MSS, NULL, 0);
	rig_in(&r, TCP_ACK, 301, 1 + 10 * MSS, NULL, 0);
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

/* RFC 2018 section 8: a peer may forget what it SACKed; after a timeout everything is sent again */
static void reneging(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t b = 2;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 20;
	rig_accept(&r, RIG_TS | RIG_SACK | RIG_WS);
	learn_rtt(&r, 20);
	rig_write(&r, 5 * MSS, MSS);
	tcp_flush(r.st, r.now);
	rig_skip(&r);
	rig_wait(&r, 20);
	ack_sack(&r, b, b + MSS, b + 5 * MSS);
	rig_skip(&r);
	rig_wait(&r, 10);
	ack(&r, b + MSS); /* the hole is filled, but the rest is not acknowledged: it was thrown away */
	rig_wait(&r, 1000);
	rig_expect(&r, TCP_ACK, b + MSS, 1, MSS);
	rig_skip(&r);
	ack(&r, b + 2 * MSS);
	rig_expect(&r, TCP_ACK, b + 2 * MSS, 1, MSS);
	rig_end(&r);
}

/* RFC 6298 3 (Karn): no sample from what was sent twice, when there is no timestamp to tell */
static void karn(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t before;

	(void)state;
	c.sack = c.timestamps = false;
	rig_start(&r, &c);
	r.rtt_ms = 10;
	rig_accept(&r, 0);
	learn_rtt(&r, 10);
	before = rig_info(&r).srtt_us;
	rig_write(&r, 100, 100);
	rig_wait(&r, 300);
	assert_int_equal(rig_skip(&r), 2);
	ack(&r, 102);
	assert_int_equal(rig_info(&r).srtt_us, before);
	rig_end(&r);
}

/* Karn again: the ACK that answers the first of two transmissions, minutes later, is no sample */
static void late_ack_is_no_sample(void **state)
{
	struct tcp_config c = bulk_config();
	struct rig r;
	uint32_t before, ts;

	(void)state;
	rig_start(&r, &c);
	r.rtt_ms = 10;
	rig_accept(&r, RIG_TS);
	before = rig_info(&r).srtt_us;
	rig_write(&r, 100, 100);
	tcp_flush(r.st, r.now);
	ts = rig_out(&r)->opt.ts_val;
	rig_wait(&r, 20000);
	assert_true(rig_skip(&r) >= 5);
	r.ts_ecr = ts;
	ack(&r, 101);
	assert_int_equal(rig_info(&r).srtt_us, before);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(initial_window),
		rig_test(timeout_backoff),
		rig_test(user_timeout),
		rig_test(sack_recovery),
		rig_test(rack_timer),
		rig_test(reordering_tolerated),
		rig_test(lost_retransmission),
		rig_test(recoveries_in_a_row),
		rig_test(tail_loss_probe),
		rig_test(tlp_loss_counts),
		rig_test(limited_transmit),
		rig_test(newreno_partial_ack),
		rig_test(eifel_undo),
		rig_test(frto),
		rig_test(dsack_undo),
		rig_test(growth),
		rig_test(restart_after_idle),
		rig_test(ecn),
		rig_test(reneging),
		rig_test(karn),
		rig_test(late_ack_is_no_sample),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
