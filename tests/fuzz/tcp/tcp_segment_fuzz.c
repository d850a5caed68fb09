/* SPDX-License-Identifier: BSD-3-Clause */
/* Any segments, API calls and times against one stack. The input is a list of small commands whose numbers
 * are taken relative to what the stack has said, so that most of it gets past the first checks and reaches
 * every state. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/tcp/header.h"
#include "dataplane/tcp/tcp.h"
#include "tests/replay/tcp/eal_rig.h"
#include "tests/replay/tcp/tso_cut.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct eal_rig eal;

enum { PEERS = 4 };

struct peer {
	uint32_t isn, seen_seq, seen_ack, ts;
	uint32_t seq; /* where the peer is */
	uint64_t id;
	bool dead;
};

struct world {
	struct tcp_stack *st;
	uint64_t now;
	struct peer peer[PEERS];
	struct base_addr local, remote;
	const uint8_t *p, *end;
	unsigned outputs;
	uint8_t appetite;
};

static uint8_t take(struct world *w)
{
	return w->p < w->end ? *w->p++ : 0;
}

static uint32_t take32(struct world *w)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | take(w);
	return v;
}

static void take_cut(void *ctx, struct rte_mbuf *segment)
{
	(void)ctx;
	rte_pktmbuf_free(segment);
}

static bool tso(void *ctx, const struct base_addr *src)
{
	const struct world *w = ctx;

	(void)src;
	return w->appetite & 0x80;
}

static void output(void *ctx, struct rte_mbuf *m, const struct base_addr *src, const struct base_addr *dst,
		   uint8_t tos, uint64_t now_ns)
{
	struct world *w = ctx;
	struct tcp_segment s;

	(void)tos, (void)now_ns, (void)src, (void)dst;
	if (tcp_header_parse(&s, rte_pktmbuf_mtod(m, uint8_t *), m->data_len, m->pkt_len) != TCP_HEADER_OK)
		abort();
	if (s.dport >= 1000 && s.dport < 1000 + PEERS) {
		struct peer *p = &w->peer[s.dport - 1000];

		if (s.flags & TCP_SYN)
			p->isn = s.seq;
		if (!(s.flags & TCP_RST))
			p->seen_seq = s.seq + s.len + !!(s.flags & (TCP_SYN | TCP_FIN));
		p->seen_ack = s.ack;
		p->ts = s.opt.ts_val;
	}
	if (m->tso_segsz && tso_cut(m, eal.rx, take_cut, w))
		abort();
	if (++w->outputs > 2000000)
		abort(); /* something talks for ever */
	rte_pktmbuf_free(m);
}

static void *on_accept(void *ctx, uint64_t id, const struct net_tuple *t)
{
	struct world *w = ctx;

	if (t->remote_port >= 1000 && t->remote_port < 1000 + PEERS)
		w->peer[t->remote_port - 1000].id = id;
	return (w->appetite & 0x70) == 0x70 ? NULL : w;
}

static void eat(struct world *w, uint64_t id)
{
	struct tcp_view v[4];
	unsigned n = tcp_peek(w->st, id, v, 4);
	uint32_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		if (v[i].len == 0)
			abort();
		sum += v[i].len;
		v[i].data[0] ^= 1;
		v[i].data[v[i].len - 1] ^= 1;
	}
	if (sum > tcp_readable(w->st, id))
		abort();
	if (w->appetite & 1)
		tcp_consume(w->st, id, sum);
	else if (w->appetite & 2)
		tcp_consume(w->st, id, sum / 2);
}

static void on_readable(void *user, uint64_t id)
{
	eat(user, id);
}

static void send_some(struct world *w, uint64_t id, unsigned len, unsigned pieces)
{
	struct rte_mbuf *head = NULL;

	while (pieces--) {
		struct rte_mbuf *m = tcp_alloc(w->st);

		if (!m)
			break;
		memset(rte_pktmbuf_mtod(m, uint8_t *), 0x5a, len);
		m->data_len = (uint16_t)len;
		m->next = head;
		head = m;
	}
	if (head && tcp_send(w->st, id, head))
		while (head) {
			struct rte_mbuf *next = head->next;

			rte_pktmbuf_free_seg(head);
			head = next;
		}
}

static void on_eof(void *user, uint64_t id)
{
	struct world *w = user;

	if (w->appetite & 4)
		tcp_close(w->st, id);
	else if (w->appetite & 8)
		send_some(w, id, 500, 3);
}

static void on_closed(void *user, uint64_t id, enum tcp_end end)
{
	struct world *w = user;

	(void)end;
	for (unsigned i = 0; i < PEERS; i++)
		if (w->peer[i].id == id)
			w->peer[i].id = 0;
}

static const struct tcp_ops ops = {
	.accept = on_accept, .readable = on_readable, .eof = on_eof, .closed = on_closed};

static void segment(struct world *w, uint8_t which)
{
	struct peer *p = &w->peer[which % PEERS];
	uint8_t shape = take(w), flags = take(w), b[2048];
	struct tcp_segment s = {.sport = (uint16_t)(1000 + which % PEERS), .dport = 5061, .flags = flags};
	struct rte_mbuf *m = rte_pktmbuf_alloc(eal.rx);
	struct net_packet pkt = {.m = m, .src = w->remote, .dst = w->local, .ecn = shape & 3};
	unsigned hl, len = 0;

	if (!m)
		abort();
	/* where it lies: exact, near, or anywhere */
	s.seq = p->seq;
	if (shape & 4)
		s.seq += (uint32_t)(int8_t)take(w) * ((shape & 8) ? 700u : 1u);
	else if ((shape & 12) == 8)
		s.seq = take32(w);
	s.ack = p->seen_seq;
	if (shape & 16)
		s.ack -= take(w) * ((shape & 32) ? 300u : 1u);
	else if ((shape & 48) == 32)
		s.ack = take32(w);
	if (shape & 64)
		len = take(w) * ((shape & 128) ? 5u : 1u);
	s.window = (uint16_t)(take(w) * 257u);
	if (flags & TCP_SYN) {
		uint8_t o = take(w);

		s.opt.has_mss = o & 1;
		s.opt.mss = (uint16_t)(o * 8);
		s.opt.has_scale = o & 2;
		s.opt.scale = o >> 4;
		s.opt.has_sack_ok = o & 4;
		s.opt.has_ts = o & 8;
		s.opt.ts_val = (uint32_t)(w->now >> 20);
		s.opt.ts_ecr = p->ts;
	} else {
		uint8_t o = take(w);

		s.opt.has_ts = o & 8;
		s.opt.ts_val = (uint32_t)(w->now >> 20) + ((o & 16) ? (uint32_t)(int8_t)take(w) : 0);
		s.opt.ts_ecr = p->ts - (o >> 6);
		s.opt.n_sack = o & 3;
		for (unsigned i = 0; i < s.opt.n_sack; i++) {
			s.opt.sack[i].start = s.ack + take(w) * 200u;
			s.opt.sack[i].end = s.opt.sack[i].start + take(w) * 200u;
		}
		if (o & 32 && s.opt.n_sack)
			s.opt.sack[0].end = take32(w);
	}
	hl = tcp_header_len(&s.opt);
	tcp_header_write(b, &s, hl);
	memset(b + hl, 0x33, len);
	if ((shape & 0xc0) == 0x80) /* and then some bytes of the header wrong */
		for (unsigned i = take(w) & 3; i; i--)
			b[12 + take(w) % (hl - 12)] = take(w);
	if (!(shape & 4) && (flags & TCP_SYN))
		p->seq = s.seq + 1;
	else if (!(shape & 12))
		p->seq += len + !!(flags & TCP_FIN);
	memcpy(rte_pktmbuf_append(m, (uint16_t)(hl + len)), b, hl + len);
	tcp_input(w->st, &pkt, 1, w->now);
}

static void call(struct world *w, uint8_t which)
{
	struct peer *p = &w->peer[which % PEERS];
	uint8_t what = take(w);
	struct net_tuple t = {w->local, w->remote, 5061, (uint16_t)(1000 + which % PEERS)};
	struct net_icmp_error e = {.tuple = t, .kind = (enum net_error)(what % 3)};

	switch (what >> 3 & 15) {
	case 0:
		send_some(w, p->id, take(w) * 8u, 1 + (what & 7));
		break;
	case 1:
		tcp_shutdown(w->st, p->id);
		break;
	case 2:
		tcp_close(w->st, p->id);
		break;
	case 3:
		tcp_abort(w->st, p->id);
		break;
	case 4:
		w->appetite = take(w);
		break;
	case 5:
		tcp_deadline(w->st, p->id, w->now + take(w) * 1000000ull);
		break;
	case 6:
		if (!p->id)
			tcp_connect(w->st, &t, &ops, w, &p->id);
		break;
	case 7:
		e.mtu = (uint16_t)take32(w);
		e.seq = (what & 128) ? p->seen_seq - take(w) : take32(w);
		tcp_icmp_error(w->st, &e, w->now);
		break;
	case 8:
		eat(w, p->id);
		break;
	default:
		tcp_flush(w->st, w->now);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	eal_rig_start(&eal, (*argv)[0], 4095, 4095, 1023);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tcp_secrets secrets = {{1, 2}, {3, 4}, {5, 6}, 7};
	static struct world w;
	struct tcp_env env = {
		.ctx = &w, .output = output, .tso = tso, .tx_pool = eal.tx, .compact_pool = eal.compact};
	uint8_t l[4] = {198, 18, 0, 1}, r[4] = {198, 18, 0, 2};
	struct tcp_config c;
	uint8_t setup;

	memset(&w, 0, sizeof(w));
	w.p = data;
	w.end = data + size;
	w.now = 1000000000000;
	w.local = base_addr_v4(l);
	w.remote = base_addr_v4(r);
	setup = take(&w);
	w.appetite = take(&w);
	tcp_config_default(&c);
	c.connections = 16;
	c.active = 4;
	c.bulk = 1;
	c.reassemblies = 2;
	c.half_open = (setup & 1) ? 4 : 16;
	c.time_wait = 2;
	c.rcv_buffer = (setup & 2) ? 4096 : 1 << 20;
	c.snd_buffer = (setup & 4) ? 4096 : 1 << 20;
	c.core_bytes = (setup & 8) ? 20000 : 1 << 24;
	c.ecn = setup & 16;
	c.nagle = setup & 32;
	c.congestion = (setup & 64) ? TCP_NEWRENO : TCP_CUBIC;
	w.st = tcp_stack_create(&c, &env, &secrets, 1, w.now);
	if (!w.st || tcp_listen(w.st, NULL, 5061, &ops, &w))
		abort();
	for (unsigned i = 0; i < PEERS; i++)
		w.peer[i].seq = 0xfffffff0 + i * 1000;
	while (w.p < w.end) {
		uint8_t op = take(&w);

		if (op < 160) {
			segment(&w, op);
		} else if (op < 224) {
			call(&w, op);
		} else {
			w.now += (uint64_t)take(&w) * (1000000ull << op % 11);
			tcp_timers(w.st, w.now, 1000);
		}
	}
	tcp_flush(w.st, w.now);
	tcp_stack_destroy(w.st);
	if (eal_rig_out(&eal))
		abort();
	return 0;
}
