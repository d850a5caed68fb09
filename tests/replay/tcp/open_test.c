/* SPDX-License-Identifier: BSD-3-Clause */
/* How connections open: RFC 9293 3.5, 3.10.7.1-3.10.7.4; options of RFC 7323, 2018, 6691. */
#include "tests/replay/tcp/tcp_rig.h"

#include <errno.h>

/* RFC 9293 3.10.7.1: a segment without ACK gets <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
static void closed_port_without_ack(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	r.port = 9;
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	r.isn = 0;
	rig_expect(&r, TCP_RST | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_FIN | TCP_PSH, 5, 0, NULL, 10);
	rig_expect(&r, TCP_RST | TCP_ACK, 0, 16, 0);
	rig_end(&r);
}

/* RFC 9293 3.10.7.1: with ACK, <SEQ=SEG.ACK><CTL=RST>; a RST is never answered */
static void closed_port_with_ack(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	r.port = 9;
	rig_in(&r, TCP_ACK, 77, 1234, NULL, 3);
	rig_expect(&r, TCP_RST, 1234, 0, 0);
	rig_in(&r, TCP_RST | TCP_ACK, 77, 1234, NULL, 0);
	rig_none(&r);
	assert_int_equal(rig_drop(&r, TCP_DROP_rst_no_connection), 1);
	rig_end(&r);
}

/* RFC 9293 3.10.7.2: LISTEN ignores RST, answers ACK with RST, SYN with SYN-ACK */
static void listen_state(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_in(&r, TCP_RST, 0, 0, NULL, 0);
	rig_none(&r);
	rig_in(&r, TCP_ACK, 5, 99, NULL, 0);
	rig_expect(&r, TCP_RST, 99, 0, 0);
	rig_in(&r, TCP_PSH, 5, 0, NULL, 4);
	rig_none(&r);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_end(&r);
}

static void passive_open(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	assert_int_equal(rig_info(&r).state, TCP_ESTABLISHED);
	rig_in(&r, TCP_ACK | TCP_PSH, 1, 1, "hello", 5);
	assert_int_equal(r.n_rx, 5);
	assert_memory_equal(r.rx, "hello", 5);
	rig_end(&r);
}

/* RFC 9293 3.10.7.4 fifth: the ACK that opens may carry data already */
static void data_on_the_third_segment(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_ACK | TCP_FIN, 1, 1, "bye", 3);
	assert_int_equal(r.accepted, 1);
	assert_int_equal(r.n_rx, 3);
	assert_int_equal(r.eof, 1);
	rig_expect(&r, TCP_ACK, 1, 5, 0);
	rig_end(&r);
}

static void active_open(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_connect(&r, RIG_TS | RIG_SACK | RIG_WS);
	assert_int_equal(rig_info(&r).state, TCP_ESTABLISHED);
	assert_true(rig_info(&r).sack);
	assert_true(rig_info(&r).timestamps);
	rig_end(&r);
}

/* RFC 9293 3.5 figure 7: both send SYN at one time */
static void simultaneous_open(void **state)
{
	struct rig r;
	struct net_tuple t;
	static const struct tcp_ops no_ops = {0};

	(void)state;
	rig_start(&r, NULL);
	t = (struct net_tuple){
		.local = r.local, .remote = r.remote, .local_port = 20000, .remote_port = r.pport};
	r.port = 20000;
	assert_int_equal(tcp_connect(r.st, &t, &no_ops, &r, &r.id), 0);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_SYN, 0, 0, 0);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	assert_int_equal(rig_info(&r).state, TCP_SYN_RECEIVED);
	rig_in(&r, TCP_SYN | TCP_ACK, 0, 1, NULL, 0);
	assert_int_equal(rig_info(&r).state, TCP_ESTABLISHED);
	rig_expect(&r, TCP_ACK, 1, 1, 0);
	rig_end(&r);
}

/* RFC 9293 3.10.7.3 first: an unacceptable ACK in SYN-SENT is reset, unless it is a RST itself */
static void syn_sent_bad_ack(void **state)
{
	struct rig r;
	struct net_tuple t;
	static const struct tcp_ops no_ops = {0};

	(void)state;
	rig_start(&r, NULL);
	t = (struct net_tuple){
		.local = r.local, .remote = r.remote, .local_port = 20000, .remote_port = r.pport};
	r.port = 20000;
	tcp_connect(r.st, &t, &no_ops, &r, &r.id);
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_SYN, 0, 0, 0);
	rig_in(&r, TCP_SYN | TCP_ACK, 0, 2, NULL, 0);
	rig_expect(&r, TCP_RST, 2, 0, 0);
	rig_in(&r, TCP_SYN | TCP_ACK, 0, 0, NULL, 0);
	rig_expect(&r, TCP_RST, 0, 0, 0);
	rig_in(&r, TCP_RST | TCP_ACK, 0, 7, NULL, 0);
	rig_in(&r, TCP_RST, 0, 0, NULL, 0); /* RST without ACK: ignored */
	rig_in(&r, TCP_ACK, 0, 1, NULL, 4); /* neither SYN nor RST */
	rig_none(&r);
	assert_int_equal(rig_info(&r).state, TCP_SYN_SENT);
	assert_int_equal(rig_drop(&r, TCP_DROP_syn_state), 5);
	rig_end(&r);
}

/* RFC 9293 3.10.7.3 second */
static void connection_refused(void **state)
{
	struct rig r;
	struct tcp_options o = {0};

	(void)state;
	rig_start(&r, NULL);
	rig_connect(&r, 0);
	rig_end(&r);
	rig_start(&r, NULL);
	r.port = 20001;
	{
		static const struct tcp_ops none = {0};
		struct net_tuple t = {
			.local = r.local, .remote = r.remote, .local_port = 20001, .remote_port = r.pport};

		tcp_connect(r.st, &t, &none, &r, &r.id);
	}
	tcp_flush(r.st, r.now);
	rig_expect(&r, TCP_SYN, 0, 0, 0);
	rig_in_opt(&r, TCP_RST | TCP_ACK, 0, 1, 0, &o);
	rig_none(&r);
	assert_int_equal(rig_info(&r).state, TCP_CLOSED);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_resets_in), 1);
	rig_end(&r);
}

/* RFC 9293 3.10.7.4 fourth and 3.8.3: the SYN-ACK is repeated with back-off and the half-open connection ends
 * in time */
static void half_open_ends(void **state)
{
	struct rig r;
	struct tcp_config c = rig_config();
	uint64_t last;

	(void)state;
	c.synack_retries = 3;
	rig_start(&r, &c);
	last = r.now;
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t gap;

		rig_wait(&r, 1010ull << i);
		gap = rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0)->at_ns - last;
		assert_in_range(gap / 1000000, (1000u << i) - 15, (1000u << i) + 15);
		last += gap;
	}
	rig_wait(&r, 8100);
	rig_none(&r);
	assert_int_equal(tcp_stats_get(r.st)->half_open, 0);
	assert_int_equal(tcp_stats_get(r.st)->connections, 0);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_half_open_expired), 1);
	assert_int_equal(r.accepted, 0);
	rig_end(&r);
}

/* a SYN that comes again before the connection is open gets the same SYN-ACK */
static void syn_again(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	assert_int_equal(tcp_stats_get(r.st)->half_open, 1);
	rig_end(&r);
}

/* RFC 7323 4.3: the answer echoes the SYN that it answers, else the peer measures from its first one */
static void syn_again_is_echoed(void **state)
{
	struct tcp_options o = {.has_ts = true, .ts_val = 1000};
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_in_opt(&r, TCP_SYN, 0, 0, 0, &o);
	assert_int_equal(rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0)->opt.ts_ecr, 1000);
	o.ts_val = 8000;
	rig_in_opt(&r, TCP_SYN, 0, 0, 0, &o);
	assert_int_equal(rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0)->opt.ts_ecr, 8000);
	rig_end(&r);
}

/* RFC 9293 3.10.7.4 fifth, SYN-RECEIVED: an ACK of something else is reset */
static void half_open_wrong_ack(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_ACK, 1, 100, NULL, 0);
	rig_expect(&r, TCP_RST, 100, 0, 0);
	rig_in(&r, TCP_ACK, 1, 0, NULL, 0);
	rig_expect(&r, TCP_RST, 0, 0, 0);
	assert_int_equal(r.accepted, 0);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 0);
	assert_int_equal(r.accepted, 1);
	rig_end(&r);
}

/* RFC 9293 3.8.3 MUST-23: the SYN is tried for three minutes at least */
static void syn_gives_up(void **state)
{
	struct rig r;
	struct net_tuple t;
	static const struct tcp_ops none = {0};
	unsigned n;

	(void)state;
	rig_start(&r, NULL);
	t = (struct net_tuple){
		.local = r.local, .remote = r.remote, .local_port = 20000, .remote_port = r.pport};
	tcp_connect(r.st, &t, &none, &r, &r.id);
	rig_wait(&r, 180000);
	assert_int_equal(rig_info(&r).state, TCP_SYN_SENT);
	rig_wait(&r, 120000);
	assert_int_equal(rig_info(&r).state, TCP_CLOSED);
	n = rig_skip(&r);
	assert_int_equal(n, 8);
	assert_int_equal(rig_counter(&r, TCP_COUNTER_timeouts), 1);
	rig_end(&r);
}

/* options are used only when both sides said so: RFC 7323 2.2 and 3.2, RFC 2018 section 2 */
static void options_agreed(void **state)
{
	for (unsigned offer = 0; offer < 8; offer++) {
		struct rig r;
		struct tcp_options o = {.has_mss = true,
					.mss = 1460,
					.has_sack_ok = offer & RIG_SACK,
					.has_scale = offer & RIG_WS,
					.scale = 3};
		const struct rig_segment *s;

		rig_start(&r, NULL);
		r.ts = offer & RIG_TS;
		rig_in_opt(&r, TCP_SYN, 0, 0, 0, &o);
		s = rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
		assert_int_equal(s->opt.has_ts, !!(offer & RIG_TS));
		assert_int_equal(s->opt.has_sack_ok, !!(offer & RIG_SACK));
		assert_int_equal(s->opt.has_scale, !!(offer & RIG_WS));
		assert_true(s->opt.has_mss);
		assert_int_equal(s->opt.mss, 1460);
		if (r.ts)
			assert_int_equal(s->opt.ts_ecr, r.ts_val);
		rig_in(&r, TCP_ACK, 1, 1, NULL, 0);
		assert_int_equal(rig_info(&r).snd_wnd, (offer & RIG_WS) ? 65535u << 3 : 65535u);
		rig_end(&r);
	}
	(void)state;
}

/* RFC 7323 2.3: a scale above 14 is used as 14 */
static void scale_clamped(void **state)
{
	struct rig r;
	struct tcp_options o = {.has_scale = true, .scale = 200};

	(void)state;
	rig_start(&r, NULL);
	rig_in_opt(&r, TCP_SYN, 0, 0, 0, &o);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 0);
	assert_int_equal(rig_info(&r).snd_scale, 14);
	rig_end(&r);
}

/* RFC 9293 3.7.1: 536 when the peer says nothing; what it says else, less the options (RFC 6691) */
static void mss_of_the_peer(void **state)
{
	static const struct {
		uint16_t says, ts, gets;
	} t[] = {{0, 0, 536},	  {1460, 0, 1460}, {1460, 1, 1448}, {1000, 0, 1000},
		 {9000, 0, 1460}, {48, 0, 536},	   {48, 1, 524}};

	(void)state;
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct rig r;
		struct tcp_options o = {.has_mss = t[i].says != 0, .mss = t[i].says};

		rig_start(&r, NULL);
		r.ts = t[i].ts;
		rig_in_opt(&r, TCP_SYN, 0, 0, 0, &o);
		rig_skip(&r);
		rig_in(&r, TCP_ACK, 1, 1, NULL, 0);
		assert_int_equal(rig_info(&r).mss, t[i].gets);
		rig_end(&r);
	}
}

/* RFC 6528: equal at one time for one tuple, unpredictable between tuples, growing with the clock for one */
static void isn_per_tuple(void **state)
{
	struct rig r;
	uint32_t a, b, same = 0;

	(void)state;
	rig_start(&r, NULL);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_skip(&r);
	a = r.isn;
	rig_in(&r, TCP_RST, 1, 0, NULL, 0);
	r.now += 1000000000;
	tcp_timers(r.st, r.now, 1);
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_skip(&r);
	assert_in_range(r.isn - a, 200000, 300000); /* 4 us a tick */
	for (unsigned i = 0; i < 40; i++) {
		b = r.isn;
		r.pport++;
		rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
		rig_skip(&r);
		same += r.isn - b < 1u << 20;
	}
	assert_true(same < 3);
	rig_end(&r);
}

static void upper_layer_refuses(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	r.refuse = true;
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_expect(&r, TCP_SYN | TCP_ACK, 0, 1, 0);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 0);
	rig_expect(&r, TCP_RST | TCP_ACK, 1, 1, 0);
	assert_int_equal(tcp_stats_get(r.st)->connections, 0);
	assert_int_equal(r.closed, 0);
	rig_end(&r);
}

/* ids do not come back to life */
static void dead_ids(void **state)
{
	struct rig r;
	uint64_t old;

	(void)state;
	rig_start(&r, NULL);
	rig_accept(&r, 0);
	old = r.id;
	tcp_abort(r.st, old);
	rig_expect(&r, TCP_RST | TCP_ACK, 1, 1, 0);
	assert_int_equal(r.closed, 0);
	tcp_flush(r.st, r.now);
	assert_int_equal(r.closed, 1);
	assert_int_equal(r.end, TCP_END_ABORTED);
	assert_int_equal(tcp_shutdown(r.st, old), -ENOTCONN);
	assert_null(tcp_user(r.st, old));
	r.accepted = 0;
	rig_accept(&r, 0);
	assert_true(r.id != old);
	assert_null(tcp_user(r.st, old));
	assert_int_equal(tcp_info(r.st, old).state, TCP_CLOSED);
	assert_null(tcp_user(r.st, 0xffffffffffffffffu));
	rig_end(&r);
}

static bool odd_ports(void *ctx, const struct net_tuple *t)
{
	(void)ctx;
	return t->local_port & 1;
}

static void no_output(void *ctx, struct rte_mbuf *m, const struct base_addr *src, const struct base_addr *dst,
		      uint8_t tos, uint64_t now_ns)
{
	(void)ctx, (void)src, (void)dst, (void)tos, (void)now_ns;
	rte_pktmbuf_free(m);
}

/* RFC 6056: ports are spread, free, in range, and answered to this core */
static void ports_chosen(void **state)
{
	static struct tcp_ops none;
	static const struct tcp_secrets secrets = {{1, 1}, {2, 2}, {3, 3}, 4};
	struct tcp_config c = rig_config();
	struct tcp_env env = {.output = no_output, .owns = odd_ports, .tx_pool = rig_eal.tx};
	struct tcp_stack *st;
	uint8_t l[4] = {198, 18, 0, 1}, p[4] = {198, 18, 0, 2};
	struct net_tuple t = {.local = base_addr_v4(l), .remote = base_addr_v4(p), .remote_port = 5061}, got;
	bool seen[65536] = {0};
	unsigned close = 0, last = 0;
	uint64_t id;

	(void)state;
	c.prefix_connections = 1024;
	c.port_first = 20000;
	c.port_last = 20999;
	st = tcp_stack_create(&c, &env, &secrets, 5, 1000000000);
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(tcp_connect(st, &t, &none, &none, &id), 0);
		assert_true(tcp_tuple(st, id, &got));
		assert_in_range(got.local_port, 20000, 20999);
		assert_true(got.local_port & 1);
		assert_false(seen[got.local_port]);
		seen[got.local_port] = true;
		close += i < 100 && (unsigned)abs((int)got.local_port - (int)last) < 10;
		last = got.local_port;
	}
	assert_true(close < 10);
	assert_int_equal(tcp_connect(st, &t, &none, &none, &id), -EADDRNOTAVAIL);
	t.local_port = 20001;
	assert_int_equal(tcp_connect(st, &t, &none, &none, &id), -EADDRINUSE);
	tcp_stack_destroy(st);
}

static void listeners(void **state)
{
	static const struct tcp_ops none = {0};
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	assert_int_equal(tcp_listen(r.st, NULL, 5061, &none, NULL), -EADDRINUSE);
	assert_int_equal(tcp_listen(r.st, &r.local, 5061, &none, NULL), 0); /* the exact address wins */
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	rig_skip(&r);
	rig_in(&r, TCP_ACK, 1, 1, NULL, 0); /* no accept: refused */
	rig_expect(&r, TCP_RST | TCP_ACK, 1, 1, 0);
	tcp_unlisten(r.st, &r.local, 5061);
	rig_accept(&r, 0);
	tcp_unlisten(r.st, NULL, 5061);
	r.pport++;
	rig_in(&r, TCP_SYN, 0, 0, NULL, 0);
	assert_true(rig_out(&r)->flags & TCP_RST);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(closed_port_without_ack),
		rig_test(closed_port_with_ack),
		rig_test(listen_state),
		rig_test(passive_open),
		rig_test(data_on_the_third_segment),
		rig_test(active_open),
		rig_test(simultaneous_open),
		rig_test(syn_sent_bad_ack),
		rig_test(connection_refused),
		rig_test(half_open_ends),
		rig_test(syn_again),
		rig_test(syn_again_is_echoed),
		rig_test(half_open_wrong_ack),
		rig_test(syn_gives_up),
		rig_test(options_agreed),
		rig_test(scale_clamped),
		rig_test(mss_of_the_peer),
		rig_test(isn_per_tuple),
		rig_test(upper_layer_refuses),
		rig_test(dead_ids),
		rig_test(ports_chosen),
		rig_test(listeners),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, NULL);
}
