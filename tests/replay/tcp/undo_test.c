/* SPDX-License-Identifier: BSD-3-Clause */
/* What looked like loss and was none: RFC 3522, 5682, 2883, and samples that mean nothing (RFC 6298 section
 * 3). */
#include "tests/replay/tcp/bulk_rig.h"

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
	bulk_learn_rtt(&r, 10);
	rig_write(&r, 4 * BULK_MSS, BULK_MSS);
	tcp_flush(r.st, r.now);
	ts = rig_out(&r)->opt.ts_val;
	rig_skip(&r);
	before = rig_info(&r).cwnd;
	rig_wait(&r, 260);
	rig_expect(&r, TCP_ACK, 2, 1, BULK_MSS);
	assert_int_equal(rig_info(&r).cwnd, BULK_MSS);
	r.ts_ecr = ts;
	bulk_ack(&r, 2 + BULK_MSS);
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
	bulk_learn_rtt(&r, 10);
	rig_write(&r, 12 * m, m);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 10);
	rig_wait(&r, 260);
	rig_expect(&r, TCP_ACK, 2, 1, m);
	bulk_ack(&r, 2 + m);			   /* the original's answer, late */
	rig_expect(&r, TCP_ACK, 2 + 10 * m, 1, m); /* new data, not the next old one */
	rig_expect(&r, TCP_ACK, 2 + 11 * m, 1, m);
	rig_none(&r);
	bulk_ack(&r, 2 + 2 * m);
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
	bulk_learn_rtt(&r, 20);
	rig_write(&r, 10 * 1460, 1460);
	tcp_flush(r.st, r.now);
	rig_skip(&r);
	rig_wait(&r, 20);
	bulk_ack_sack(&r, b, b + 1460, b + 4 * 1460);
	rig_expect(&r, TCP_ACK, b, 1, 1460);
	bulk_ack(&r, b + 4 * 1460);
	rig_skip(&r);
	assert_true(rig_info(&r).recovering);
	o = (struct tcp_options){.n_sack = 1, .sack = {{r.isn + b, r.isn + b + 1460}}};
	rig_in_opt(&r, TCP_ACK, 1, b + 5 * 1460, 0, &o);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_dsack_in), 1);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_spurious), 1);
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
	bulk_learn_rtt(&r, 10);
	before = rig_info(&r).srtt_us;
	rig_write(&r, 100, 100);
	rig_wait(&r, 300);
	assert_int_equal(rig_skip(&r), 2);
	bulk_ack(&r, 102);
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
	bulk_ack(&r, 101);
	assert_int_equal(rig_info(&r).srtt_us, before);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(eifel_undo),
		rig_test(frto),
		rig_test(dsack_undo),
		rig_test(karn),
		rig_test(late_ack_is_no_sample),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
