/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/replay/tcp/tcp_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct eal_rig rig_eal;

int rig_group_setup(void **state)
{
	(void)state;
	eal_rig_start(&rig_eal, "replay", 16383, 4095, 16383);
	return 0;
}

uint8_t rig_pattern(uint32_t at)
{
	return (uint8_t)(at * 7 + (at >> 8) * 13);
}

/* ---- below ---- */

static void output(void *ctx, struct rte_mbuf *m, const struct base_addr *src, const struct base_addr *dst,
		   uint8_t tos, uint64_t now_ns)
{
	struct rig *r = ctx;
	struct tcp_segment s;
	struct rig_segment *o;

	assert_int_equal(now_ns, r->now);
	assert_true(base_addr_equal(src, &r->local));
	assert_true(rte_pktmbuf_headroom(m) >= NET_HEADROOM);
	(void)dst;
	r->total_out++;
	if (r->drop_output) {
		rte_pktmbuf_free(m);
		return;
	}
	assert_int_equal(tcp_header_parse(&s, rte_pktmbuf_mtod(m, uint8_t *), m->data_len, m->pkt_len),
			 TCP_HEADER_OK);
	if (r->n_out == RIG_OUT_MAX)
		fail_msg("too many segments");
	o = &r->out[r->n_out++];
	if ((s.flags & TCP_SYN) && s.dport == r->pport)
		r->isn = s.seq;
	*o = (struct rig_segment){.flags = s.flags,
				  .tos = tos,
				  .seq = s.seq - r->isn,
				  .ack = (s.flags & TCP_ACK) ? s.ack - r->pisn : 0,
				  .len = s.len,
				  .window = s.window,
				  .sport = s.sport,
				  .dport = s.dport,
				  .at_ns = r->now,
				  .opt = s.opt};
	assert_true(s.len <= sizeof(o->data));
	if (s.len)
		memcpy(o->data, rte_pktmbuf_mtod_offset(m, uint8_t *, s.header_len), s.len);
	if (s.opt.has_ts)
		r->ts_ecr = s.opt.ts_val;
	rte_pktmbuf_free(m);
}

static uint16_t path_mtu(void *ctx, const struct base_addr *src, const struct base_addr *dst, uint64_t now_ns)
{
	const struct rig *r = ctx;

	(void)src, (void)dst, (void)now_ns;
	return r->mtu;
}

/* ---- above ---- */

static void *on_accept(void *ctx, uint64_t id, const struct net_tuple *tuple)
{
	struct rig *r = ctx;

	assert_true(base_addr_equal(&tuple->local, &r->local));
	r->accepted++;
	if (r->refuse)
		return NULL;
	r->id = id;
	return r;
}

static void on_connected(void *user, uint64_t id)
{
	struct rig *r = user;

	assert_int_equal(id, r->id);
	r->connected++;
}

static void on_readable(void *user, uint64_t id)
{
	struct rig *r = user;
	struct tcp_view v[16];
	unsigned n;

	r->readable++;
	if (r->hold || id != r->id)
		return;
	while ((n = tcp_peek(r->st, id, v, 16))) {
		uint32_t got = 0;

		for (unsigned i = 0; i < n; i++) {
			assert_true(r->n_rx + v[i].len <= RIG_RX_MAX);
			memcpy(r->rx + r->n_rx, v[i].data, v[i].len);
			r->n_rx += v[i].len;
			got += v[i].len;
		}
		tcp_consume(r->st, id, got);
		if (r->answer)
			rig_write(r, got, 1400);
	}
}

static void on_eof(void *user, uint64_t id)
{
	struct rig *r = user;

	r->eof++;
	if (r->close_on_eof)
		tcp_close(r->st, id);
}

static void on_writable(void *user, uint64_t id)
{
	struct rig *r = user;

	(void)id;
	r->writable++;
}

static void on_deadline(void *user, uint64_t id)
{
	struct rig *r = user;

	(void)id;
	r->deadlines++;
}

static void on_closed(void *user, uint64_t id, enum tcp_end end)
{
	struct rig *r = user;

	(void)id;
	r->closed++;
	r->end = end;
}

static const struct tcp_ops ops = {.accept = on_accept,
				   .connected = on_connected,
				   .readable = on_readable,
				   .writable = on_writable,
				   .eof = on_eof,
				   .deadline = on_deadline,
				   .closed = on_closed};

/* ---- life ---- */

struct tcp_config rig_config(void)
{
	struct tcp_config c;

	tcp_config_default(&c);
	c.connections = 1024;
	c.half_open = 64;
	c.rcv_buffer = 65535;
	c.window_scale = true;
	c.keepalive_idle_ms = 0;
	return c;
}

void rig_start(struct rig *r, const struct tcp_config *config)
{
	static const struct tcp_secrets secrets = {{11, 12}, {13, 14}, {15, 16}, 0x7fffff00};
	struct tcp_env env = {.ctx = r,
			      .output = output,
			      .path_mtu = path_mtu,
			      .tx_pool = rig_eal.tx,
			      .compact_pool = rig_eal.compact};
	uint8_t l[4] = {198, 18, 0, 1}, p[4] = {198, 18, 0, 2};

	memset(r, 0, sizeof(*r));
	r->base = eal_rig_out(&rig_eal);
	r->config = config ? *config : rig_config();
	r->out = calloc(RIG_OUT_MAX, sizeof(*r->out));
	r->rx = malloc(RIG_RX_MAX);
	r->now = r->begin = 1000000000000000ull;
	r->pisn = 0xfffffff0; /* wraps soon */
	r->window = 65535;
	r->pport = 40000;
	r->port = 5061;
	r->mtu = 1500;
	r->ts_val = 0x7ffffff0;
	r->local = base_addr_v4(l);
	r->remote = base_addr_v4(p);
	r->st = tcp_stack_create(&r->config, &env, &secrets, 99, r->now);
	assert_non_null(r->st);
	assert_int_equal(tcp_listen(r->st, NULL, r->port, &ops, r), 0);
}

void rig_end(struct rig *r)
{
	tcp_stack_destroy(r->st);
	free(r->out);
	free(r->rx);
	assert_int_equal(eal_rig_out(&rig_eal), r->base);
}

/* ---- in ---- */

void rig_in_raw(struct rig *r, const void *bytes, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(rig_eal.rx);
	struct net_packet p = {.m = m, .src = r->remote, .dst = r->local, .ecn = r->ecn};

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
	tcp_input(r->st, &p, 1, r->now);
}

static void in(struct rig *r, uint8_t flags, uint32_t seq, uint32_t ack, const void *data, uint32_t len,
	       const struct tcp_options *opt)
{
	uint8_t b[2048];
	struct tcp_segment s = {.sport = r->pport,
				.dport = r->port,
				.seq = r->pisn + seq,
				.ack = (flags & TCP_ACK) ? r->isn + ack : 0,
				.window = r->window,
				.flags = flags};
	unsigned hl;

	if (opt)
		s.opt = *opt;
	if (r->ts && !s.opt.has_ts) {
		s.opt.has_ts = true;
		s.opt.ts_val = r->ts_val;
		s.opt.ts_ecr = r->ts_ecr;
	}
	hl = tcp_header_len(&s.opt);
	assert_true(hl + len <= sizeof(b));
	tcp_header_write(b, &s, hl);
	for (uint32_t i = 0; i < len; i++)
		b[hl + i] = data ? ((const uint8_t *)data)[i] : rig_pattern(seq + i);
	rig_in_raw(r, b, hl + len);
}

void rig_in(struct rig *r, uint8_t flags, uint32_t seq, uint32_t ack, const void *data, uint32_t len)
{
	in(r, flags, seq, ack, data, len, NULL);
}

void rig_in_opt(struct rig *r, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len,
		const struct tcp_options *opt)
{
	in(r, flags, seq, ack, NULL, len, opt);
}

void rig_wait_us(struct rig *r, uint64_t us)
{
	uint64_t until = r->now + us * 1000;

	while (r->now < until) {
		uint64_t idle = tcp_idle_ns(r->st, r->now), left = until - r->now;

		if (idle < 300000)
			idle = 300000;
		r->now += idle < left ? idle : left;
		tcp_timers(r->st, r->now, 1000000);
		tcp_flush(r->st, r->now);
	}
	r->ts_val += (uint32_t)(us / 1000);
}

void rig_wait(struct rig *r, uint64_t ms)
{
	rig_wait_us(r, ms * 1000);
}

/* ---- out ---- */

const struct rig_segment *rig_out(struct rig *r)
{
	if (r->taken == r->n_out)
		fail_msg("the stack sent nothing");
	if (r->taken + 1 == r->n_out) {
		/* the last one: room for what follows; it stays readable until the next comes */
		static struct rig_segment last;

		last = r->out[r->taken];
		r->taken = r->n_out = 0;
		return &last;
	}
	return &r->out[r->taken++];
}

static void name_flags(char *to, uint8_t f)
{
	static const char names[] = "FSRPAUEC";

	for (int i = 0; i < 8; i++)
		if (f & 1 << i)
			*to++ = names[i];
	*to = 0;
}

const struct rig_segment *rig_expect_at(struct rig *r, uint8_t flags, uint32_t seq, uint32_t ack,
					uint32_t len, const char *file, int line)
{
	const struct rig_segment *s;
	char a[9], b[9];

	if (r->taken == r->n_out) {
		name_flags(a, flags);
		fail_msg("%s:%d: expected %s seq %u ack %u len %u, the stack sent nothing", file, line, a,
			 seq, ack, len);
	}
	s = rig_out(r);
	if ((s->flags & ~TCP_PSH) != (flags & ~TCP_PSH) || s->seq != seq || s->ack != ack || s->len != len) {
		name_flags(a, flags);
		name_flags(b, s->flags);
		fail_msg("%s:%d: expected %s seq %u ack %u len %u, got %s seq %u ack %u len %u", file, line,
			 a, seq, ack, len, b, s->seq, s->ack, s->len);
	}
	return s;
}

void rig_none_at(struct rig *r, const char *file, int line)
{
	if (r->taken != r->n_out) {
		const struct rig_segment *s = &r->out[r->taken];
		char b[9];

		name_flags(b, s->flags);
		fail_msg("%s:%d: expected silence, got %s seq %u ack %u len %u", file, line, b, s->seq,
			 s->ack, s->len);
	}
}

unsigned rig_skip(struct rig *r)
{
	unsigned n = r->n_out - r->taken;

	r->taken = r->n_out = 0;
	return n;
}

/* ---- conversations ---- */

static struct tcp_options offers(struct rig *r, unsigned offer)
{
	struct tcp_options o = {.has_mss = true, .mss = 1460};

	r->ts = offer & RIG_TS;
	o.has_sack_ok = offer & RIG_SACK;
	o.has_scale = offer & RIG_WS;
	o.scale = 2;
	return o;
}

void rig_accept(struct rig *r, unsigned offer)
{
	struct tcp_options o = offers(r, offer);

	rig_in_opt(r, (offer & RIG_ECN) ? TCP_SYN | TCP_ECE | TCP_CWR : TCP_SYN, 0, 0, 0, &o);
	rig_expect(r, (offer & RIG_ECN) && r->config.ecn ? TCP_SYN | TCP_ACK | TCP_ECE : TCP_SYN | TCP_ACK, 0,
		   1, 0);
	rig_wait(r, r->rtt_ms);
	rig_in(r, TCP_ACK, 1, 1, NULL, 0);
	assert_int_equal(r->accepted, 1);
	rig_none(r);
}

void rig_connect(struct rig *r, unsigned offer)
{
	struct net_tuple t = {
		.local = r->local, .remote = r->remote, .local_port = 20000, .remote_port = r->pport};
	struct tcp_options o = offers(r, offer);

	r->port = 20000;
	assert_int_equal(tcp_connect(r->st, &t, &ops, r, &r->id), 0);
	tcp_flush(r->st, r->now);
	rig_expect(r, r->config.ecn ? TCP_SYN | TCP_ECE | TCP_CWR : TCP_SYN, 0, 0, 0);
	rig_wait(r, r->rtt_ms);
	rig_wait(r, r->rtt_ms);
	rig_in_opt(r, TCP_SYN | TCP_ACK, 0, 1, 0, &o);
	rig_expect(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(r->connected, 1);
}

int rig_write(struct rig *r, uint32_t n, uint32_t piece)
{
	static uint32_t at;
	int err = 0;

	while (n && !err) {
		struct rte_mbuf *m = tcp_alloc(r->st);
		uint32_t k = n < piece ? n : piece;

		assert_non_null(m);
		for (uint32_t i = 0; i < k; i++)
			rte_pktmbuf_mtod(m, uint8_t *)[i] = rig_pattern(at++);
		m->data_len = (uint16_t)k;
		m->pkt_len = k;
		err = tcp_send(r->st, r->id, m);
		if (err)
			rte_pktmbuf_free(m);
		n -= k;
	}
	return err;
}

uint64_t rig_counter(const struct rig *r, enum tcp_counter c)
{
	return tcp_stats_get(r->st)->counters[c];
}

uint64_t rig_drop(const struct rig *r, enum tcp_drop d)
{
	return tcp_stats_get(r->st)->drops[d];
}

struct tcp_info rig_info(struct rig *r)
{
	return tcp_info(r->st, r->id);
}
