/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors, true and forged (RFC 5927), and paths that swallow what is large. */
#include "tests/replay/tcp/tcp_rig.h"

/* RFC 5927 and 8201: only about what is in flight; never below the floor; sent again smaller, without
 * back-off */
static void icmp_too_big(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;
	struct net_icmp_error e = {.kind = NET_ERROR_TOO_BIG, .mtu = 1400};
	uint32_t cwnd;

	(void)state;
	rig_start(&r, &c);
	rig_accept(&r, RIG_SACK);
	e.tuple = (struct net_tuple){r.local, r.remote, r.port, r.pport};
	e.seq = r.isn + 1;
	assert_false(tcp_icmp_error(r.st, &e, r.now)); /* nothing in flight */
	rig_write(&r, 2920, 1460);
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_skip(&r), 2);
	e.seq = r.isn + 2921;
	assert_false(tcp_icmp_error(r.st, &e, r.now));
	e.seq = r.isn;
	assert_false(tcp_icmp_error(r.st, &e, r.now));
	cwnd = rig_info(&r).cwnd;
	e.seq = r.isn + 1;
	assert_true(tcp_icmp_error(r.st, &e, r.now));
	tcp_flush(r.st, r.now);
	assert_int_equal(rig_info(&r).mss, 1360);
	assert_int_equal(rig_info(&r).cwnd, cwnd);
	rig_expect(&r, TCP_ACK, 1, 1, 1360);
	rig_expect(&r, TCP_ACK, 1361, 1, 100);
	rig_expect(&r, TCP_ACK, 1461, 1, 1360);
	rig_expect(&r, TCP_ACK, 2821, 1, 100);
	e.mtu = 68; /* the classic attack */
	e.seq = r.isn + 1461;
	assert_true(tcp_icmp_error(r.st, &e, r.now));
	assert_int_equal(rig_info(&r).mss, 536);
	e.mtu = 9000; /* never up */
	tcp_icmp_error(r.st, &e, r.now);
	assert_int_equal(rig_info(&r).mss, 536);
	e.tuple.remote_port++;
	assert_false(tcp_icmp_error(r.st, &e, r.now));
	/* hard errors do not end what is open (RFC 5461) */
	e.tuple.remote_port--;
	e.kind = NET_ERROR_REFUSED;
	tcp_icmp_error(r.st, &e, r.now);
	assert_int_equal(r.closed, 0);
	rig_end(&r);
}

/* a router that eats large segments and says nothing */
static void pmtu_blackhole(void **state)
{
	struct tcp_config c = rig_config();
	struct rig r;
	uint32_t largest = 0;

	(void)state;
	rig_start(&r, &c);
	rig_accept(&r, RIG_SACK | RIG_TS);
	rig_write(&r, 1448, 1448);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_ACK, 1, 1, 1448);
	rig_wait(&r, 6000);
	while (r.n_out > r.taken)
		largest = rig_out(&r)->len;
	assert_true(largest <= 1200);
	assert_true(rig_counter(&r, TCP_COUNTER_blackholes) >= 1);
	rig_in(&r, TCP_ACK, 1, 1449, NULL, 0);
	assert_int_equal(r.closed, 0);
	/* after ten minutes the full size is tried again */
	rig_wait(&r, 11ull * 60 * 1000);
	rig_write(&r, 1400, 1400);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_ACK, 1449, 1, 1400);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_pmtu_raised), 1);
	rig_end(&r);
}

/* while connecting an unreachable target is a failure at once: there are others to try */
static void icmp_while_connecting(void **state)
{
	static const struct tcp_ops none = {0};
	struct rig r;
	struct net_tuple t;
	struct net_icmp_error e = {.kind = NET_ERROR_UNREACHABLE};
	uint64_t id;

	(void)state;
	rig_start(&r, NULL);
	t = (struct net_tuple){
		.local = r.local, .remote = r.remote, .local_port = 20000, .remote_port = r.pport};
	assert_int_equal(tcp_connect(r.st, &t, &none, &r, &id), 0);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_SYN, 0, 0, 0);
	e.tuple = t;
	e.seq = r.isn + 1;
	assert_false(tcp_icmp_error(r.st, &e, r.now));
	e.seq = r.isn;
	assert_true(tcp_icmp_error(r.st, &e, r.now));
	tcp_flush(r.st, r.now);
	assert_int_equal(tcp_stats_get(r.st)->connections, 0);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(icmp_too_big),
		rig_test(pmtu_blackhole),
		rig_test(icmp_while_connecting),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
