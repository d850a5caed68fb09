/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/replay/tcp/tcp_sim.h"
#include "tests/replay/tcp/tso_cut.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE_MAX = 4096, SEGMENT_MAX = 2048 };

struct flying {
	uint64_t at, order;
	int to;
	uint8_t ecn;
	uint16_t len;
	uint32_t sum;
	uint8_t bytes[SEGMENT_MAX];
};

struct side {
	struct sim *sim;
	int index;
	struct tcp_stack *st;
	struct base_addr addr;
	struct sim_app app;
	struct sim_path path; /* of what this side sends */
	uint64_t id;
	bool open, eof, ended, shut;
	enum tcp_end end;
	uint32_t sent, received;
	uint64_t done_ns, link_free;
	uint32_t queued;
};

struct sim {
	const struct eal_rig *e;
	struct base_rng rng;
	uint64_t now, order;
	struct side side[2];
	struct flying *wire[WIRE_MAX]; /* a heap by time */
	unsigned in_flight;
	struct rte_mbuf *spare; /* the NIC still has it */
	struct sim_result r;
};

static struct flying *freelist[WIRE_MAX];
static unsigned n_free;

static bool chance(struct sim *s, double p)
{
	return p > 0 && (double)(base_rng_next(&s->rng) >> 11) / 9007199254740992.0 < p;
}

static uint8_t pattern(int side, uint32_t at)
{
	return (uint8_t)((at * 2654435761u >> 13) ^ at ^ (side ? 0x5a : 0));
}

static void bad(struct sim *s, const char *why)
{
	if (s->r.why[0] == 0)
		snprintf(s->r.why, sizeof(s->r.why), "%s at %.3f s", why, (double)s->now / 1e9);
}

/* ---- the wire ---- */

static bool before(const struct flying *a, const struct flying *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct sim *s, struct flying *f)
{
	unsigned i = s->in_flight++;

	while (i && before(f, s->wire[(i - 1) / 2])) {
		s->wire[i] = s->wire[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->wire[i] = f;
}

static struct flying *pop(struct sim *s)
{
	struct flying *top = s->wire[0], *last = s->wire[--s->in_flight];
	unsigned i = 0;

	for (;;) {
		unsigned k = 2 * i + 1;

		if (k >= s->in_flight)
			break;
		if (k + 1 < s->in_flight && before(s->wire[k + 1], s->wire[k]))
			k++;
		if (before(last, s->wire[k]))
			break;
		s->wire[i] = s->wire[k];
		i = k;
	}
	s->wire[i] = last;
	return top;
}

static uint32_t sum_of(const uint8_t *p, unsigned len)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i++)
		sum += (uint32_t)p[i] << (i & 1 ? 0 : 8);
	return sum;
}

static void launch(struct sim *s, struct side *from, struct rte_mbuf *m, uint8_t ecn, uint64_t extra)
{
	struct sim_path *p = &from->path;
	uint64_t at = s->now + (uint64_t)p->delay_us * 1000 + extra;
	struct flying *f;

	if (s->in_flight == WIRE_MAX)
		return;
	if (p->rate_bps) {
		uint64_t start = from->link_free > s->now ? from->link_free : s->now;
		uint64_t ns = (uint64_t)(m->pkt_len + 40) * 8 * 1000000000u / p->rate_bps;

		if (p->queue && start - s->now > p->queue * ns)
			return;
		from->link_free = start + ns;
		at += from->link_free - s->now;
	}
	if (p->jitter_us)
		at += base_rng_below(&s->rng, p->jitter_us) * 1000ull;
	f = n_free ? freelist[--n_free] : malloc(sizeof(*f));
	f->at = at;
	f->order = s->order++;
	f->to = 1 - from->index;
	f->ecn = ecn == 2 && chance(s, p->ce) ? 3 : ecn;
	f->len = (uint16_t)m->pkt_len;
	rte_memcpy(f->bytes, rte_pktmbuf_read(m, 0, m->pkt_len, f->bytes), m->pkt_len);
	f->sum = sum_of(f->bytes, f->len);
	if (chance(s, p->corrupt))
		f->bytes[base_rng_below(&s->rng, f->len)] ^= (uint8_t)(1u << base_rng_below(&s->rng, 8));
	push(s, f);
}

static void segment_out(struct sim *s, struct side *from, struct rte_mbuf *m, uint8_t tos)
{
	struct sim_path *p = &from->path;
	uint64_t extra = chance(s, p->reorder) ? (uint64_t)(p->delay_us + 500) * 1000 : 0;

	if (m->pkt_len > SEGMENT_MAX)
		bad(s, "segment too long");
	s->r.segments++;
	if (!chance(s, p->loss) && !(p->mtu && m->pkt_len + 40 > p->mtu) &&
	    !(s->now >= p->hole_from && s->now < p->hole_to)) {
		launch(s, from, m, tos & 3, extra);
		if (chance(s, p->dup))
			launch(s, from, m, tos & 3, extra + base_rng_below(&s->rng, 2000000));
	}
}

struct cutting {
	struct side *from;
	uint8_t tos;
};

static void take_cut(void *ctx, struct rte_mbuf *m)
{
	struct cutting *c = ctx;

	segment_out(c->from->sim, c->from, m, c->tos);
	rte_pktmbuf_free(m);
}

static void output(void *ctx, struct rte_mbuf *m, const struct base_addr *src, const struct base_addr *dst,
		   uint8_t tos, uint64_t now_ns)
{
	struct side *from = ctx;
	struct sim *s = from->sim;

	if (!base_addr_equal(src, &from->addr) || !base_addr_equal(dst, &s->side[1 - from->index].addr) ||
	    now_ns != s->now)
		bad(s, "wrong addresses or time");
	if (rte_pktmbuf_headroom(m) < NET_HEADROOM)
		bad(s, "no room for the lower headers");
	memset((uint8_t *)m->buf_addr + m->data_off - NET_HEADROOM, 0xee, NET_HEADROOM);
	if (m->tso_segsz) {
		struct cutting c = {from, tos};
		const char *why = from->app.tso ? tso_cut(m, s->e->rx, take_cut, &c) : "a chain uncalled for";

		if (why)
			bad(s, why);
		s->r.trains++;
	} else {
		segment_out(s, from, m, tos);
	}
	/* a NIC that is slow to give buffers back makes the stack copy */
	if (chance(s, 0.02) && !s->spare) {
		s->spare = m;
		return;
	}
	rte_pktmbuf_free(m);
	if (s->spare && chance(s, 0.05)) {
		rte_pktmbuf_free(s->spare);
		s->spare = NULL;
	}
}

static bool tso(void *ctx, const struct base_addr *src)
{
	const struct side *from = ctx;

	return from->app.tso && base_addr_equal(src, &from->addr);
}

/* ---- the applications ---- */

static void send_more(struct side *w)
{
	struct sim *s = w->sim;

	while (w->sent < w->app.to_send) {
		uint32_t want = 1 + base_rng_below(&s->rng, w->app.write_max), n;
		struct rte_mbuf *head = NULL, *tail = NULL;
		int err;

		if (want > w->app.to_send - w->sent)
			want = w->app.to_send - w->sent;
		for (n = 0; n < want;) {
			struct rte_mbuf *m = tcp_alloc(w->st);
			uint32_t k = want - n < 1900 ? want - n : 1900;

			if (!m)
				break;
			for (uint32_t i = 0; i < k; i++)
				rte_pktmbuf_mtod(m, uint8_t *)[i] = pattern(w->index, w->sent + n + i);
			m->data_len = (uint16_t)k;
			n += k;
			if (tail)
				tail->next = m;
			else
				head = m;
			tail = m;
		}
		if (!head)
			return;
		err = tcp_send(w->st, w->id, head);
		if (err) {
			while (head) {
				struct rte_mbuf *next = head->next;

				rte_pktmbuf_free_seg(head);
				head = next;
			}
			if (err != -EAGAIN)
				bad(s, "send failed");
			return;
		}
		w->sent += n;
	}
	if (!w->shut && (w->app.half_close || w->eof)) {
		w->shut = true;
		tcp_shutdown(w->st, w->id);
	}
}

static void read_some(struct side *w, uint32_t most)
{
	struct tcp_view v[8];

	while (most) {
		unsigned n = tcp_peek(w->st, w->id, v, 8);
		uint32_t took = 0;

		if (n == 0)
			break;
		for (unsigned i = 0; i < n && most; i++) {
			uint32_t k = v[i].len < most ? v[i].len : most;

			for (uint32_t j = 0; j < k; j++)
				if (v[i].data[j] != pattern(1 - w->index, w->received + j))
					bad(w->sim, "wrong byte");
			w->received += k;
			took += k;
			most -= k;
		}
		tcp_consume(w->st, w->id, took);
	}
	if (w->received == w->sim->side[1 - w->index].app.to_send && !w->done_ns)
		w->done_ns = w->sim->now;
}

static void on_readable(void *user, uint64_t id)
{
	struct side *w = user;

	(void)id;
	if (w->app.slow_reader) {
		read_some(w, 1 + base_rng_below(&w->sim->rng, 3000));
		tcp_deadline(w->st, w->id, w->sim->now + 3000000);
	} else {
		read_some(w, UINT32_MAX);
	}
}

static void on_eof(void *user, uint64_t id)
{
	struct side *w = user;

	(void)id;
	w->eof = true;
	read_some(w, UINT32_MAX);
	if (w->received != w->sim->side[1 - w->index].app.to_send)
		bad(w->sim, "FIN before the end");
	send_more(w);
}

static void on_deadline(void *user, uint64_t id)
{
	struct side *w = user;

	if (tcp_readable(w->st, id))
		on_readable(user, id);
}

static void on_writable(void *user, uint64_t id)
{
	(void)id;
	send_more(user);
}

static void on_connected(void *user, uint64_t id)
{
	struct side *w = user;

	w->open = true;
	w->id = id;
	send_more(w);
}

static void *on_accept(void *ctx, uint64_t id, const struct net_tuple *tuple)
{
	struct side *w = ctx;

	(void)tuple;
	if (w->open) {
		bad(w->sim, "accepted twice");
		return NULL;
	}
	on_connected(w, id);
	return w;
}

static void on_closed(void *user, uint64_t id, enum tcp_end end)
{
	struct side *w = user;

	(void)id;
	if (w->ended)
		bad(w->sim, "closed twice");
	w->ended = true;
	w->end = end;
}

static const struct tcp_ops ops = {.accept = on_accept,
				   .connected = on_connected,
				   .readable = on_readable,
				   .writable = on_writable,
				   .eof = on_eof,
				   .deadline = on_deadline,
				   .closed = on_closed};

/* ---- the loop ---- */

static void deliver(struct sim *s, struct flying *f)
{
	struct side *to = &s->side[f->to];
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->e->rx);
	struct net_packet p = {.m = m, .src = s->side[1 - f->to].addr, .dst = to->addr, .ecn = f->ecn};

	if (m && sum_of(f->bytes, f->len) == f->sum) {
		memcpy(rte_pktmbuf_append(m, f->len), f->bytes, f->len);
		tcp_input(to->st, &p, 1, s->now);
	} else {
		rte_pktmbuf_free(m);
	}
	freelist[n_free++] = f;
}

static void start(struct sim *s, int i, const struct tcp_config *config, bool v6)
{
	static const struct tcp_secrets secrets = {{1, 2}, {3, 4}, {5, 6}, 7};
	struct side *w = &s->side[i];
	struct tcp_env env = {
		.ctx = w, .output = output, .tso = tso, .tx_pool = s->e->tx, .compact_pool = s->e->compact};
	uint8_t a[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)(i + 1)},
		b[4] = {198, 18, 0, (uint8_t)(i + 1)};

	w->sim = s;
	w->index = i;
	w->addr = v6 ? base_addr_v6(a) : base_addr_v4(b);
	w->st = tcp_stack_create(config, &env, &secrets, base_rng_next(&s->rng), s->now);
	if (!w->st)
		bad(s, "no stack");
}

struct sim_result sim_run(const struct eal_rig *e, uint64_t seed, const struct sim_path path[2],
			  const struct sim_app app[2], const struct tcp_config config[2], bool v6,
			  uint64_t limit_ns)
{
	static struct sim s;
	struct net_tuple t;
	uint64_t begin;

	memset(&s, 0, sizeof(s));
	s.e = e;
	base_rng_seed(&s.rng, seed);
	/* any time, near the wrap of each 32-bit clock as well */
	s.now = begin = base_rng_next(&s.rng) >> 10;
	for (int i = 0; i < 2; i++) {
		start(&s, i, &config[i], v6);
		s.side[i].path = path[i];
		s.side[i].path.hole_from += s.now;
		s.side[i].path.hole_to += s.now;
		s.side[i].app = app[i];
	}
	t = (struct net_tuple){.local = s.side[0].addr, .remote = s.side[1].addr, .remote_port = 5061};
	if (tcp_listen(s.side[1].st, NULL, 5061, &ops, &s.side[1]) ||
	    tcp_connect(s.side[0].st, &t, &ops, &s.side[0], &s.side[0].id))
		bad(&s, "cannot start");
	while (!s.r.why[0] && s.now - begin < limit_ns) {
		uint64_t next = UINT64_MAX;

		for (int i = 0; i < 2; i++) {
			uint64_t idle;

			tcp_flush(s.side[i].st, s.now);
			tcp_timers(s.side[i].st, s.now, 64);
			idle = tcp_idle_ns(s.side[i].st, s.now);
			if (idle != UINT64_MAX && s.now + idle + 1 < next)
				next = s.now + idle + 1;
		}
		if (s.side[0].ended && s.side[1].ended)
			break;
		if (s.in_flight && s.wire[0]->at < next)
			next = s.wire[0]->at;
		if (next == UINT64_MAX) {
			bad(&s, "nothing will ever happen");
			break;
		}
		if (next > s.now)
			s.now = next;
		while (s.in_flight && s.wire[0]->at <= s.now && !s.r.why[0])
			deliver(&s, pop(&s));
	}
	for (int i = 0; i < 2; i++) {
		struct side *w = &s.side[i];
		const struct tcp_stats *x = tcp_stats_get(w->st);

		if (w->received != s.side[1 - i].app.to_send)
			bad(&s, "bytes are missing");
		else if (!w->ended || w->end != TCP_END_CLOSED)
			bad(&s, "not closed in order");
		s.r.rexmit += x->counters[TCP_COUNTER_rexmit];
		s.r.rto += x->counters[TCP_COUNTER_rto];
		s.r.sack_steps += x->counters[TCP_COUNTER_sack_steps];
		s.r.spurious += x->counters[TCP_COUNTER_spurious];
		s.r.done_ns[i] = w->done_ns ? w->done_ns - begin : 0;
		if (x->reassemblies || x->active || x->held_bytes)
			if (w->ended)
				bad(&s, "something is still held");
		tcp_stack_destroy(w->st);
	}
	s.r.ns = s.now - begin;
	while (s.in_flight)
		freelist[n_free++] = pop(&s);
	rte_pktmbuf_free(s.spare);
	if (eal_rig_out(e))
		bad(&s, "buffers leaked");
	s.r.ok = s.r.why[0] == 0;
	return s.r;
}
