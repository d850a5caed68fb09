/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/reasm.h"

#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/timers.h"

/* ---- chains of buffers: linked by m->next, nb_segs and pkt_len are not kept ---- */

struct chain {
	struct rte_mbuf *head, *tail;
};

static bool is_small(const struct rte_mbuf *m)
{
	return m->data_len < m->buf_len / 2;
}

static void piece_free(struct tcp_stack *st, struct tcp_conn *c, struct rte_mbuf *m)
{
	tcp_account_refund(&st->account, c->prefix, tcp_truesize(m));
	rte_pktmbuf_free_seg(m);
}

static void chain_free(struct tcp_stack *st, struct tcp_conn *c, struct rte_mbuf *m)
{
	while (m) {
		struct rte_mbuf *next = m->next;

		piece_free(st, c, m);
		m = next;
	}
}

/* drops `n` bytes from the front; what becomes empty is freed */
static void chain_trim_front(struct tcp_stack *st, struct tcp_conn *c, struct chain *q, uint32_t n)
{
	while (n && q->head) {
		struct rte_mbuf *m = q->head;
		uint32_t take = m->data_len < n ? m->data_len : n;

		m->data_off = (uint16_t)(m->data_off + take);
		m->data_len = (uint16_t)(m->data_len - take);
		n -= take;
		if (m->data_len)
			return;
		q->head = m->next;
		piece_free(st, c, m);
	}
	if (!q->head)
		q->tail = NULL;
}

/* keeps the first `keep` bytes, which is more than none */
static void chain_trim_back(struct tcp_stack *st, struct tcp_conn *c, struct chain *q, uint32_t keep)
{
	struct rte_mbuf *m = q->head;

	while (keep > m->data_len) {
		keep -= m->data_len;
		m = m->next;
	}
	m->data_len = (uint16_t)keep;
	chain_free(st, c, m->next);
	m->next = NULL;
	q->tail = m;
}

/* Charges every piece of a fresh segment. False: no allowance; nothing charged. */
static bool chain_charge(struct tcp_stack *st, struct tcp_conn *c, struct rte_mbuf *m, struct chain *q)
{
	uint32_t sum = 0;

	q->head = m;
	for (; m; m = m->next) {
		sum += tcp_truesize(m);
		q->tail = m;
	}
	return tcp_account_charge(&st->account, c->prefix, sum);
}

static void chain_join(struct chain *q, struct chain *more)
{
	if (!more->head)
		return;
	if (q->tail)
		q->tail->next = more->head;
	else
		q->head = more->head;
	q->tail = more->tail;
}

/* Copies the small pieces of `from` behind the tail of `q`, into compact buffers where the tail has no room.
 * Pieces for which there is none, or that are worth their buffer, are linked as they are. */
static void chain_absorb(struct tcp_stack *st, struct tcp_conn *c, struct chain *q, struct chain *from)
{
	struct rte_mbuf *m = from->head;

	while (m) {
		struct rte_mbuf *next = m->next, *t = q->tail;
		struct chain one = {m, m};

		m->next = NULL;
		if (is_small(m) && rte_mbuf_refcnt_read(m) == 1) {
			if (t && rte_mbuf_refcnt_read(t) == 1 && RTE_MBUF_DIRECT(t) &&
			    (uint32_t)t->data_off + t->data_len + m->data_len <= t->buf_len) {
				memcpy(rte_pktmbuf_mtod_offset(t, uint8_t *, t->data_len),
				       rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
				t->data_len = (uint16_t)(t->data_len + m->data_len);
				TCP_COUNT(st, compacted);
				piece_free(st, c, m);
				m = next;
				continue;
			}
		}
		chain_join(q, &one);
		m = next;
	}
}

/* The one piece `m`, small and alone in its buffer, moved into compact buffers. */
static struct chain compacted(struct tcp_stack *st, struct tcp_conn *c, struct rte_mbuf *m)
{
	struct chain q = {0}, same = {m, m};
	uint32_t done = 0;

	if (!st->env.compact_pool || !is_small(m) || m->pool == st->env.compact_pool)
		return same;
	while (done < m->data_len) {
		struct rte_mbuf *n = rte_pktmbuf_alloc(st->env.compact_pool);
		uint32_t len = m->data_len - done;
		struct chain one = {n, n};

		if (!n || !tcp_account_charge(&st->account, c->prefix, tcp_truesize(n))) {
			rte_pktmbuf_free(n); /* which takes NULL, unlike free_seg */
			TCP_COUNT(st, compact_failed);
			chain_free(st, c, q.head);
			return same;
		}
		/* no headers will ever go in front of it */
		n->data_off = 0;
		if (len > n->buf_len)
			len = n->buf_len;
		memcpy(n->buf_addr, rte_pktmbuf_mtod_offset(m, uint8_t *, done), len);
		n->data_len = (uint16_t)len;
		done += len;
		chain_join(&q, &one);
	}
	TCP_COUNT(st, compacted);
	piece_free(st, c, m);
	return q;
}

/* ---- the queue in order ---- */

static void rx_append(struct tcp_stack *st, struct tcp_conn *c, struct chain *q, uint32_t len)
{
	struct chain rx = {c->rx_head, c->rx_tail};

	if (rx.head)
		chain_absorb(st, c, &rx, q);
	else
		rx = *q;
	c->rx_head = rx.head;
	c->rx_tail = rx.tail;
	c->held += len;
	c->rcv_nxt += len;
	c->flags |= TCP_F_EV_READ;
	TCP_ADD(st, bytes_in, len);
}

void tcp_rx_consume(struct tcp_stack *st, struct tcp_conn *c, uint32_t len)
{
	struct chain rx = {c->rx_head, c->rx_tail};
	uint32_t limit = st->config.rcv_buffer, open = c->rcv_adv - c->rcv_nxt;

	if (len > c->held)
		len = c->held;
	if (len == 0)
		return;
	chain_trim_front(st, c, &rx, len);
	c->rx_head = rx.head;
	c->rx_tail = rx.tail;
	c->held -= len;
	/* something was finished: what is left gets its time anew */
	if (c->flags & TCP_F_HELD) {
		c->probes = 0;
		c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.held_timeout_ms));
	}
	/* a window that was nearly shut is news for the peer (RFC 9293 3.8.6.2.2) */
	if (open < limit / 4 && c->rcv_nxt + limit - c->held - c->rcv_adv >= 2u * c->mss) {
		c->flags |= TCP_F_ACK_NOW;
		tcp_conn_ready(st, c);
	}
}

/* bytes that we would hold for this connection at most: less when the core's buffers get scarce */
static uint32_t rx_limit(const struct tcp_stack *st)
{
	uint32_t limit = st->config.rcv_buffer;

	if (st->account.bytes > st->account.bytes_max / 4 * 3)
		return limit < 4096 ? limit : 4096;
	if (st->account.bytes > st->account.bytes_max / 2)
		return limit < 32768 ? limit : 32768;
	return limit;
}

uint16_t tcp_rx_window(struct tcp_stack *st, struct tcp_conn *c)
{
	unsigned scale = (c->flags & TCP_F_WS) ? tcp_rcv_scale(c) : 0;
	uint32_t limit = rx_limit(st), room = limit > c->held ? limit - c->held : 0, least, window;

	if (room > 65535u << scale)
		room = 65535u << scale;
	least = limit / 2 < c->mss ? limit / 2 : c->mss;
	/* not by less than a segment (receiver's side of silly window avoidance), and never to the left */
	if (seq_ge(c->rcv_nxt + room, c->rcv_adv + least))
		c->rcv_adv = c->rcv_nxt + room;
	window = seq_gt(c->rcv_adv, c->rcv_nxt) ? (c->rcv_adv - c->rcv_nxt) >> scale : 0;
	return (uint16_t)(window > 65535 ? 65535 : window);
}

void tcp_rx_settle(struct tcp_stack *st, struct tcp_conn *c)
{
	if (c->state == TCP_TIME_WAIT)
		return;
	if (c->rx_head && c->rx_head == c->rx_tail && rte_mbuf_refcnt_read(c->rx_head) == 1) {
		struct chain q = compacted(st, c, c->rx_head);

		c->rx_head = q.head;
		c->rx_tail = q.tail;
	}
	if (c->held || c->reasm != BASE_POOL_NONE) {
		if (!(c->flags & TCP_F_HELD) && st->config.held_timeout_ms && c->state < TCP_LAST_ACK) {
			c->flags |= TCP_F_HELD;
			c->probes = 0;
			c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.held_timeout_ms));
		}
	} else if (c->flags & TCP_F_HELD) {
		c->flags &= ~TCP_F_HELD;
		c->probes = 0;
		c->due_idle = 0;
		if (c->flags & TCP_F_CLOSED)
			c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.fin_wait_ms));
		else if (st->config.keepalive_idle_ms)
			c->due_idle = tcp_due(st, tcp_ticks_ms(st->config.keepalive_idle_ms));
	}
}

/* ---- behind holes ---- */

static void reasm_put(struct tcp_stack *st, struct tcp_conn *c)
{
	base_pool_put(&st->reasms, c->reasm);
	c->reasm = BASE_POOL_NONE;
	st->stats->reassemblies--;
}

static void reasm_drop(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_reasm *r = tcp_reasm_of(st, c);

	if (!r)
		return;
	for (uint32_t i = 0; i < r->n; i++)
		chain_free(st, c, r->range[i].head);
	reasm_put(st, c);
}

void tcp_rx_free(struct tcp_stack *st, struct tcp_conn *c)
{
	chain_free(st, c, c->rx_head);
	c->rx_head = c->rx_tail = NULL;
	c->held = 0;
	reasm_drop(st, c);
}

static struct tcp_reasm *reasm_get(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_reasm *r = tcp_reasm_of(st, c);
	uint32_t i;

	if (r)
		return r;
	i = base_pool_get(&st->reasms);
	if (i == BASE_POOL_NONE)
		return NULL;
	r = base_pool_at(&st->reasms, i);
	r->n = 0;
	r->has_fin = false;
	r->recent[0] = r->recent[1] = r->recent[2] = c->rcv_nxt;
	c->reasm = i;
	st->stats->reassemblies++;
	return r;
}

static void range_remove(struct tcp_reasm *r, uint32_t i)
{
	r->n--;
	memmove(&r->range[i], &r->range[i + 1], (r->n - i) * sizeof(r->range[0]));
}

static const struct tcp_range *range_with(const struct tcp_reasm *r, uint32_t seq)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (seq_ge(seq, r->range[i].start) && seq_lt(seq, r->range[i].end))
			return &r->range[i];
	return NULL;
}

static void note_recent(struct tcp_reasm *r, uint32_t seq)
{
	const struct tcp_range *first = range_with(r, r->recent[0]);

	if (!first || seq_lt(seq, first->start) || seq_ge(seq, first->end)) {
		r->recent[2] = r->recent[1];
		r->recent[1] = r->recent[0];
	}
	r->recent[0] = seq;
}

unsigned tcp_rx_sack_blocks(struct tcp_stack *st, struct tcp_conn *c, struct tcp_block *blocks, unsigned max)
{
	const struct tcp_reasm *r = tcp_reasm_of(st, c);
	unsigned n = 0;

	for (unsigned k = 0; k < 3 + r->n && n < max; k++) {
		const struct tcp_range *g = k < 3 ? range_with(r, r->recent[k]) : &r->range[k - 3];
		bool known = !g;

		for (unsigned i = 0; i < n && !known; i++)
			known = blocks[i].start == g->start;
		if (!known)
			blocks[n++] = (struct tcp_block){g->start, g->end};
	}
	return n;
}

/* data that is not next: kept, if there is room and it is new */
static void reasm_add(struct tcp_stack *st, struct tcp_conn *c, struct chain *q, uint32_t start, uint32_t end)
{
	struct tcp_reasm *r = reasm_get(st, c);
	struct tcp_range *g;
	uint32_t i = 0, from = start;
	struct chain into;

	TCP_COUNT(st, out_of_order);
	if (!r) {
		TCP_DISCARD(st, reasm_full);
		chain_free(st, c, q->head);
		return;
	}
	/* what arrives out of order mostly arrives last */
	for (i = r->n; i > 0 && seq_ge(r->range[i - 1].end, start); i--)
		TCP_COUNT(st, reasm_steps);
	if (i < r->n && seq_le(r->range[i].start, start)) {
		if (seq_le(end, r->range[i].end)) {
			TCP_DISCARD(st, duplicate);
			chain_free(st, c, q->head);
			note_recent(r, start);
			tcp_emit_dsack(st, c, start, end);
			return;
		}
		chain_trim_front(st, c, q, r->range[i].end - start);
		from = r->range[i].end;
	} else {
		if (r->n == TCP_RANGES_MAX) {
			TCP_DISCARD(st, reasm_full);
			chain_free(st, c, q->head);
			return;
		}
		memmove(&r->range[i + 1], &r->range[i], (r->n - i) * sizeof(r->range[0]));
		r->n++;
		r->range[i] = (struct tcp_range){.start = start, .end = start};
	}
	g = &r->range[i];
	into = (struct chain){g->head, g->tail};
	/* what it covers entirely goes, what it touches is joined */
	while (i + 1 < r->n && seq_ge(end, r->range[i + 1].start)) {
		struct tcp_range next = r->range[i + 1];

		range_remove(r, i + 1);
		if (seq_ge(end, next.end)) {
			chain_free(st, c, next.head);
			continue;
		}
		if (next.start != from)
			chain_trim_back(st, c, q, next.start - from);
		else {
			chain_free(st, c, q->head);
			*q = (struct chain){0};
		}
		if (q->head)
			chain_absorb(st, c, &into, q);
		*q = (struct chain){next.head, next.tail};
		end = next.end;
		chain_join(&into, q);
		*q = (struct chain){0};
		break;
	}
	if (q->head) {
		if (!into.head && q->head == q->tail && rte_mbuf_refcnt_read(q->head) == 1)
			*q = compacted(st, c, q->head);
		if (into.head)
			chain_absorb(st, c, &into, q);
		else
			into = *q;
	}
	g->head = into.head;
	g->tail = into.tail;
	g->end = end;
	note_recent(r, start);
}

/* what the last in-order bytes have made in-order */
static void reasm_pull(struct tcp_stack *st, struct tcp_conn *c)
{
	struct tcp_reasm *r = tcp_reasm_of(st, c);

	while (r->n && seq_le(r->range[0].start, c->rcv_nxt)) {
		struct tcp_range g = r->range[0];
		struct chain q = {g.head, g.tail};

		range_remove(r, 0);
		if (seq_le(g.end, c->rcv_nxt)) {
			chain_free(st, c, q.head);
			continue;
		}
		chain_trim_front(st, c, &q, c->rcv_nxt - g.start);
		rx_append(st, c, &q, g.end - c->rcv_nxt);
	}
}

/* ---- a segment ---- */

static void fin_reached(struct tcp_stack *st, struct tcp_conn *c)
{
	reasm_drop(st, c);
	c->rcv_nxt++;
	c->flags |= TCP_F_EV_EOF | TCP_F_ACK_NOW;
	if (c->state == TCP_ESTABLISHED) {
		c->state = TCP_CLOSE_WAIT;
	} else if (c->state == TCP_FIN_WAIT_1) {
		/* had our FIN been acknowledged we were in FIN-WAIT-2 by now */
		c->state = TCP_CLOSING;
	} else if (c->state == TCP_FIN_WAIT_2) {
		tcp_conn_time_wait(st, c);
	}
	tcp_conn_ready(st, c);
}

static void take_fin(struct tcp_stack *st, struct tcp_conn *c, uint32_t fin_seq)
{
	struct tcp_reasm *r;

	if (fin_seq == c->rcv_nxt) {
		fin_reached(st, c);
		return;
	}
	r = reasm_get(st, c);
	if (r && !r->has_fin) {
		r->has_fin = true;
		r->fin_seq = fin_seq;
	}
	c->flags |= TCP_F_ACK_NOW;
	tcp_conn_ready(st, c);
}

static void in_order(struct tcp_stack *st, struct tcp_conn *c, struct chain *q, uint32_t len)
{
	struct tcp_reasm *r;

	rx_append(st, c, q, len);
	if (c->unacked_segs < 255)
		c->unacked_segs++;
	r = tcp_reasm_of(st, c);
	if (r) {
		/* RFC 5681 4.2: at once when a hole is filled, in part or whole */
		c->flags |= TCP_F_ACK_NOW;
		reasm_pull(st, c);
	}
	tcp_conn_ready(st, c);
}

static bool data_after_close(struct tcp_stack *st, struct tcp_conn *c, struct tcp_segment *s)
{
	TCP_DISCARD(st, data_after_close);
	rte_pktmbuf_free(s->m);
	tcp_output_reset(st, c);
	tcp_conn_end(st, c, TCP_END_DATA_LOST);
	return false;
}

/* Cuts the text to what is new and in the window; false: nothing of it is. */
static bool trim(struct tcp_stack *st, struct tcp_conn *c, struct tcp_segment *s, struct chain *q)
{
	uint32_t room;

	if (seq_lt(s->seq, c->rcv_nxt)) {
		uint32_t old = c->rcv_nxt - s->seq;

		if (old >= s->len) {
			TCP_DISCARD(st, duplicate);
			tcp_emit_dsack(st, c, s->seq, s->seq + s->len);
			return false;
		}
		chain_trim_front(st, c, q, old);
		s->seq += old;
		s->len -= old;
	}
	room = c->rcv_adv - s->seq;
	if (seq_ge(s->seq, c->rcv_adv)) {
		/* a probe of our closed window: it is told where we are (RFC 9293 3.8.6.1) */
		TCP_DISCARD(st, out_of_window);
		c->flags |= TCP_F_ACK_NOW;
		tcp_conn_ready(st, c);
		return false;
	}
	if (s->len > room) {
		chain_trim_back(st, c, q, room);
		s->len = room;
		s->flags &= (uint8_t)~TCP_FIN;
	}
	return true;
}

bool tcp_rx_input(struct tcp_stack *st, struct tcp_conn *c, struct tcp_segment *s)
{
	struct tcp_reasm *r = tcp_reasm_of(st, c);
	uint32_t fin_seq = s->seq + s->len;
	struct chain q = {NULL, NULL};

	if (r && r->has_fin && seq_gt(fin_seq, r->fin_seq)) {
		TCP_DISCARD(st, data_after_fin);
		rte_pktmbuf_free(s->m);
		return true;
	}
	if (s->len == 0) {
		rte_pktmbuf_free(s->m);
	} else {
		if ((c->flags & TCP_F_CLOSED) && seq_gt(fin_seq, c->rcv_nxt))
			return data_after_close(st, c, s);
		if (!chain_charge(st, c, s->m, &q)) {
			TCP_DISCARD(st, held_full);
			rte_pktmbuf_free(s->m);
			c->flags |= TCP_F_ACK_NOW;
			tcp_conn_ready(st, c);
			return true;
		}
		if (!trim(st, c, s, &q)) {
			chain_free(st, c, q.head);
		} else if (s->seq == c->rcv_nxt) {
			in_order(st, c, &q, s->len);
		} else {
			/* RFC 5681 4.2: a duplicate ACK at once */
			reasm_add(st, c, &q, s->seq, s->seq + s->len);
			tcp_emit_ack(st, c);
			tcp_conn_ready(st, c);
		}
	}
	if ((s->flags & TCP_FIN) && seq_ge(fin_seq, c->rcv_nxt))
		take_fin(st, c, fin_seq);
	r = tcp_reasm_of(st, c);
	if (r && r->has_fin && r->fin_seq == c->rcv_nxt && c->state <= TCP_FIN_WAIT_2)
		fin_reached(st, c);
	r = tcp_reasm_of(st, c);
	if (r && r->n == 0 && !r->has_fin)
		reasm_put(st, c);
	return true;
}
