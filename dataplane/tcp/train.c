/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments that leave together, for hardware to cut (TSO). The scoreboard knows nothing of it: every segment
 * keeps its own entry, and what has to be sent again is sent alone. */
#include "dataplane/tcp/tcp_output.h"

enum {
	TRAIN_BYTES = 62000, /* with all headers below what an IP datagram holds */
	TRAIN_BUFFERS = 32,  /* devices take a limited number of buffers for one frame */
};

bool tcp_train_joins(struct tcp_conn *c, const struct tcp_train *t, const struct tcp_sent *s)
{
	/* one header serves all: what only the first segment may say (CWR) goes alone */
	return t->on && s->len && s->len <= c->mss && !(c->flags & TCP_F_CWR) &&
	       (t->n == 0 || (t->full && t->n < TRAIN_BUFFERS && t->bytes + s->len <= TRAIN_BYTES));
}

void tcp_train_join(struct tcp_conn *c, struct tcp_train *t, const struct tcp_sent *s, uint32_t index)
{
	if (t->n == 0) {
		t->first = index;
		t->bytes = 0;
	}
	t->n++;
	t->bytes += s->len;
	/* only the last one may be shorter */
	t->full = s->len == c->mss;
}

/* The entry's bytes as an mbuf of their own: the buffer itself when nobody else has it, else a second view of
 * it. */
static struct rte_mbuf *wagon(struct tcp_stack *st, const struct tcp_sent *s)
{
	struct rte_mbuf *m = s->m, *view;

	if (rte_mbuf_refcnt_read(m) == 1 && RTE_MBUF_DIRECT(m)) {
		m->ol_flags = 0;
		m->tx_offload = 0;
		m->next = NULL;
		m->nb_segs = 1;
		rte_mbuf_refcnt_update(m, 1);
		view = m;
	} else {
		view = tcp_emit_alloc(st);
		if (!view)
			return NULL;
		rte_pktmbuf_attach(view, m);
	}
	view->data_off = s->off;
	view->data_len = s->len;
	view->pkt_len = s->len;
	return view;
}

static bool continues(const struct rte_mbuf *tail, const struct tcp_sent *s)
{
	return !RTE_MBUF_DIRECT(tail) && tail->buf_addr == s->m->buf_addr &&
	       (uint32_t)tail->data_off + tail->data_len == s->off;
}

/* NULL: no buffer */
static struct rte_mbuf *couple(struct tcp_stack *st, const struct tcp_active *a, const struct tcp_train *t)
{
	const struct tcp_sent *s = tcp_sent_at(a, t->first);
	struct rte_mbuf *head, *tail;

	/* headers go in front of the first payload if they may, else into a buffer of their own */
	if (rte_mbuf_refcnt_read(s->m) == 1 && RTE_MBUF_DIRECT(s->m) && s->off >= TCP_TX_ROOM)
		head = NULL;
	else if (!(head = tcp_emit_alloc(st)))
		return NULL;
	tail = head;
	for (uint32_t i = 0; i < t->n; i++) {
		struct rte_mbuf *m;

		s = tcp_sent_at(a, t->first + i);
		if (i && continues(tail, s)) {
			tail->data_len = (uint16_t)(tail->data_len + s->len);
			head->pkt_len += s->len;
			continue;
		}
		m = wagon(st, s);
		if (!m) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		if (!head) {
			head = m;
		} else {
			tail->next = m;
			head->nb_segs++;
			head->pkt_len += s->len;
		}
		tail = m;
	}
	return head;
}

bool tcp_train_leave(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, struct tcp_train *t)
{
	uint8_t tos = (c->flags & TCP_F_ECN) ? TCP_TOS_ECT0 : 0, flags = TCP_ACK;
	const struct tcp_sent *last = tcp_sent_at(a, t->first + t->n - 1);
	struct rte_mbuf *m = couple(st, a, t);

	if (!m)
		return false;
	/* the device puts these on the last segment only */
	flags |= (last->flags & TCP_SENT_PUSH) ? TCP_PSH : 0;
	flags |= (last->flags & TCP_SENT_FIN) ? TCP_FIN : 0;
	for (uint32_t i = 0; i < t->n; i++) {
		struct tcp_sent *s = tcp_sent_at(a, t->first + i);

		s->xmit_us = st->us;
		if (s->xmits < 255)
			s->xmits++;
	}
	m->tso_segsz = c->mss;
	TCP_COUNT(st, trains);
	TCP_ADD(st, segments_out, t->n - 1);
	tcp_emit(st, c, m, tcp_sent_at(a, t->first)->seq, flags, 0, tos);
	return true;
}
