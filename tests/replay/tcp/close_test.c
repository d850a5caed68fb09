/* SPDX-License-Identifier: BSD-3-Clause */
/* How connections end: RFC 9293 3.6, 3.10.4, 3.10.7.4; TIME-WAIT of RFC 1337 and RFC 6191. */
#include "tests/replay/tcp/tcp_rig.h"

#include <errno.h>

/* RFC 9293 3.6 case 1: we close first */
static void active_close(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	tcp_close(r.st, r.id);
	rig_none(&r);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 1, 0);
	assert_int_equal(rig_info(&r).state, TCP_FIN_WAIT_1);
	rig_in(&r, TCP_ACK, 1, 2, NULL, 0);
	assert_int_equal(rig_info(&r).state, TCP_FIN_WAIT_2);
	rig_none(&r);
	rig_in(&r, TCP_FIN | TCP_ACK, 1, 2, NULL, 0);
	rig_expect(&r, TCP_ACK, 2, 2, 0);
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_CLOSED);
	assert_int_equal(tcp_stats_get(r.st)->in_time_wait, 1);
	/* 2 MSL */
	rig_wait(&r, r.config.time_wait_ms - 100);
	assert_int_equal(tcp_stats_get(r.st)->in_time_wait, 1);
	rig_wait(&r, 200);
	assert_int_equal(tcp_stats_get(r.st)->in_time_wait, 0);
	assert_int_equal(tcp_stats_get(r.st)->connections, 0);
	rig_none(&r);
	rig_end(&r);
}

/* FIN and the ACK of ours in one segment: FIN-WAIT-1 to TIME-WAIT */
static void active_close_short(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	tcp_close(r.st, r.id);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 1, 0);
	rig_in(&r, TCP_FIN | TCP_ACK, 1, 2, NULL, 0);
	rig_expect(&r, TCP_ACK, 2, 2, 0);
	assert_int_equal(r.closed, 1);
	assert_int_equal(tcp_stats_get(r.st)->in_time_wait, 1);
	rig_end(&r);
}

/* RFC 9293 3.6 case 2: the peer closes first; the upper layer's FIN rides on the ACK */
static void passive_close(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.close_on_eof = true;
	rig_in(&r, TCP_FIN | TCP_ACK, 1, 1, "x", 1);
	assert_int_equal(r.n_rx, 1);
	assert_int_equal(r.eof, 1);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 3, 0);
	assert_int_equal(rig_info(&r).state, TCP_LAST_ACK);
	rig_in(&r, TCP_ACK, 3, 2, NULL, 0);
	rig_none(&r);
	assert_int_equal(r.closed, 1);
	assert_int_equal(tcp_stats_get(r.st)->connections, 0);
	rig_end(&r);
}

/* RFC 9293 3.6 case 3: both at one time, through CLOSING */
static void simultaneous_close(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	tcp_shutdown(r.st, r.id);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 1, 0);
	rig_in(&r, TCP_FIN | TCP_ACK, 1, 1, NULL, 0);
	rig_expect(&r, TCP_ACK, 2, 2, 0);
	assert_int_equal(rig_info(&r).state, TCP_CLOSING);
	assert_int_equal(r.closed, 0);
	rig_in(&r, TCP_ACK, 2, 2, NULL, 0);
	assert_int_equal(r.closed, 1);
	assert_int_equal(tcp_stats_get(r.st)->in_time_wait, 1);
	rig_end(&r);
}

/* RFC 9293 3.6, half-close: after our FIN we still read; after the peer's we still write */
static void half_close(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	tcp_shutdown(r.st, r.id);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 1, 0);
	assert_int_equal(rig_write(&r, 1, 1), -EPIPE);
	rig_in(&r, TCP_ACK, 1, 2, NULL, 0);
	rig_in(&r, TCP_ACK | TCP_PSH, 1, 2, "late", 4);
	rig_in(&r, TCP_ACK | TCP_PSH, 5, 2, "more", 4);
	assert_int_equal(r.n_rx, 8);
	rig_skip(&r);
	rig_in(&r, TCP_ACK | TCP_FIN, 9, 2, NULL, 0);
	rig_expect(&r, TCP_ACK, 2, 10, 0);
	assert_int_equal(r.closed, 1);
	rig_end(&r);

	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_FIN | TCP_ACK, 1, 1, NULL, 0);
	rig_expect(&r, TCP_ACK, 1, 2, 0);
	assert_int_equal(rig_info(&r).state, TCP_CLOSE_WAIT);
	assert_int_equal(rig_write(&r, 100, 100), 0);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_ACK, 1, 2, 100);
	tcp_shutdown(r.st, r.id);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_FIN | TCP_ACK, 101, 2, 0);
	rig_in(&r, TCP_ACK, 2, 102, NULL, 0);
	assert_int_equal(r.closed, 1);
	rig_end(&r);
}

/* the FIN rides on the last data */
static void fin_with_data(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_write(&r, 10, 10);
	tcp_shutdown(r.st, r.id);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 1, 10);
	/* data acknowledged, FIN not: it is sent again alone */
	rig_in(&r, TCP_ACK, 1, 11, NULL, 0);
	assert_int_equal(rig_info(&r).state, TCP_FIN_WAIT_1);
	rig_wait(&r, 2000);
	rig_expect(&r, TCP_FIN | TCP_ACK, 11, 1, 0);
	rig_in(&r, TCP_ACK, 1, 12, NULL, 0);
	assert_int_equal(rig_info(&r).state, TCP_FIN_WAIT_2);
	rig_end(&r);
}

/* a FIN of ours that gets lost is repeated, with back-off, and given up some time */
static void fin_lost(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	tcp_close(r.st, r.id);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 1, 0);
	rig_wait(&r, 1050);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 1, 0);
	rig_wait(&r, 2050);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 1, 0);
	rig_wait(&r, 600000);
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_TIMEOUT);
	assert_int_equal(tcp_stats_get(r.st)->connections, 0);
	rig_end(&r);
}

static void to_time_wait(struct rig *r, unsigned offer)
{
	rig_accept(r, offer);
	tcp_close(r->st, r->id);
	tcp_flush(r->st, r->now);
	rig_in(r, TCP_FIN | TCP_ACK, 1, 2, NULL, 0);
	rig_skip(r);
	assert_int_equal(tcp_stats_get(r->st)->in_time_wait, 1);
}

/* RFC 9293 3.10.7.4 eighth: the FIN again is acknowledged again and restarts the quiet time */
static void time_wait_fin_again(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	to_time_wait(&r, 0);
	rig_wait(&r, r.config.time_wait_ms - 1000);
	rig_in(&r, TCP_FIN | TCP_ACK, 1, 2, NULL, 0);
	rig_expect(&r, TCP_ACK, 2, 2, 0);
	rig_wait(&r, 10000);
	assert_int_equal(tcp_stats_get(r.st)->in_time_wait, 1);
	rig_wait(&r, r.config.time_wait_ms);
	assert_int_equal(tcp_stats_get(r.st)->in_time_wait, 0);
	rig_end(&r);
}

/* RFC 1337: an old RST does not end TIME-WAIT */
static void time_wait_rst_ignored(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	to_time_wait(&r, 0);
	rig_in(&r, TCP_RST, 2, 0, NULL, 0);
	rig_none(&r);
	assert_int_equal(tcp_stats_get(r.st)->in_time_wait, 1);
	rig_end(&r);
}

/* RFC 6191: a SYN with a later timestamp, or a higher number, opens anew; an old one does not */
static void time_wait_reuse(void **state)
{
	for (unsigned ts = 0; ts < 2; ts++) {
		struct rig r;
		uint32_t old_isn;

		rig_start(&r, NULL);
		to_time_wait(&r, ts ? RIG_TS : 0);
		old_isn = r.isn;
		if (ts)
			r.ts_val -= 10;
		rig_in(&r, TCP_SYN, ts ? 1000 : (uint32_t)-1000, 0, NULL, 0);
		assert_int_equal(tcp_stats_get(r.st)->in_time_wait, 1);
		rig_expect(&r, TCP_ACK, 2, 2, 0); /* a challenge: the old connection answers */
		if (ts)
			r.ts_val += 20;
		r.pisn += ts ? (uint32_t)-5000 : 5000;
		rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
		rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
		assert_true((int32_t)(r.isn - old_isn) > 0);
		assert_int_equal(rig_counter(&r, TCP_COUNTER_time_wait_reused), 1);
		r.accepted = 0;
		rig_in(&r, TCP_ACK, 1, 1, NULL, 0);
		assert_int_equal(r.accepted, 1);
		rig_end(&r);
	}
	(void)state;
}

/* RFC 9293 3.10.4 and RFC 2525 2.17: data for one who has closed both ways */
static void data_after_close(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	tcp_close(r.st, r.id);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_FIN | TCP_ACK, 1, 1, 0);
	rig_in(&r, TCP_ACK | TCP_PSH, 1, 2, "too late", 8);
	assert_true(rig_out(&r)->flags & TCP_RST);
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_DATA_LOST);
	rig_end(&r);
}

/* closing over unread data resets */
static void close_unread(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	r.hold = true;
	rig_in(&r, TCP_ACK | TCP_PSH, 1, 1, "unread", 6);
	rig_skip(&r);
	tcp_close(r.st, r.id);
	rig_expect(&r, TCP_RST | TCP_ACK, 1, 7, 0);
	tcp_flush(r.st, r.now);
	assert_int_equal(r.end, TCP_END_DATA_LOST);
	rig_end(&r);
}

/* a peer that never closes its half after we closed both */
static void fin_wait_2_ends(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	tcp_close(r.st, r.id);
	tcp_flush(r.st, r.now);
	rig_in(&r, TCP_ACK, 1, 2, NULL, 0);
	rig_skip(&r);
	rig_wait(&r, r.config.fin_wait_ms + 100);
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_TIMEOUT);
	assert_int_equal(tcp_stats_get(r.st)->connections, 0);
	rig_end(&r);
}

/* RFC 9293 3.10.7.4 second: RST ends every synchronized state */
static void reset_in_states(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_RST, 1, 0, NULL, 0);
	assert_int_equal(r.end, TCP_END_RESET);
	assert_int_equal(r.closed, 1);
	rig_none(&r);
	rig_end(&r);

	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_write(&r, 3000, 1000);
	rig_in(&r, TCP_FIN | TCP_ACK, 1, 1, NULL, 0);
	tcp_shutdown(r.st, r.id);
	tcp_flush(r.st, r.now);
	rig_skip(&r);
	rig_in(&r, TCP_RST, 2, 0, NULL, 0);
	assert_int_equal(r.closed, 1);
	assert_int_equal(tcp_stats_get(r.st)->connections, 0);
	assert_int_equal(tcp_stats_get(r.st)->active, 0);
	rig_end(&r);
}

/* the FIN is taken when the data before it has come, whatever the order */
static void fin_out_of_order(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, RIG_SACK);
	rig_in(&r, TCP_FIN | TCP_ACK, 101, 1, NULL, 50);
	assert_int_equal(r.eof, 0);
	assert_int_equal(rig_out(&r)->ack, 1);
	rig_skip(&r);
	rig_in(&r, TCP_ACK, 151, 1, NULL, 10); /* behind the FIN: nothing can be there */
	assert_int_equal(rig_drop(&r, TCP_DROP_data_after_fin), 1);
	rig_skip(&r);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 100);
	assert_int_equal(r.n_rx, 150);
	assert_int_equal(r.eof, 1);
	rig_expect(&r, TCP_ACK, 1, 152, 0);
	rig_end(&r);
}

/* RFC 9293 3.10.7.4 seventh: after the peer's FIN its text is ignored */
static void text_after_fin(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	rig_in(&r, TCP_FIN | TCP_ACK, 1, 1, NULL, 0);
	rig_skip(&r);
	rig_in(&r, TCP_ACK, 2, 1, "never", 5);
	assert_int_equal(r.n_rx, 0);
	assert_int_equal(rig_drop(&r, TCP_DROP_data_after_fin), 1);
	rig_end(&r);
}

static void time_wait_bounded(void **state)
{
	struct rig r;
	struct tcp_config c = rig_config();

	(void)state;
	c.time_wait = 10;
	rig_start(&r, &c);
	for (unsigned i = 0; i < 50; i++) {
		r.pport++;
		r.accepted = 0;
		rig_accept(&r, 0);
		tcp_close(r.st, r.id);
		tcp_flush(r.st, r.now);
		rig_in(&r, TCP_FIN | TCP_ACK, 1, 2, NULL, 0);
		rig_skip(&r);
		assert_true(tcp_stats_get(r.st)->in_time_wait <= 10);
	}
	assert_int_equal(rig_counter(&r, TCP_COUNTER_time_wait_evicted), 40);
	assert_int_equal(r.closed, 50);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(active_close),	      rig_test(active_close_short),  rig_test(passive_close),
		rig_test(simultaneous_close), rig_test(half_close),	     rig_test(fin_with_data),
		rig_test(fin_lost),	      rig_test(time_wait_fin_again), rig_test(time_wait_rst_ignored),
		rig_test(time_wait_reuse),    rig_test(data_after_close),    rig_test(close_unread),
		rig_test(fin_wait_2_ends),    rig_test(reset_in_states),     rig_test(fin_out_of_order),
		rig_test(text_after_fin),     rig_test(time_wait_bounded),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
