/* SPDX-License-Identifier: BSD-3-Clause */
#include "drivers/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum {
	HELD_MAX = 4096, /* frames of a queue that wait; a power of two */
	NOBODYS_LEN = 60,
	REORDER_NS = 2 * 1000 * 1000, /* how long an overtaken frame waits */
};

struct held {
	struct rte_mbuf *m;
	uint64_t due_ns;
};

/* Both lanes are in time order by themselves, since what waits in one waits equally long. */
struct lane {
	struct held slots[HELD_MAX];
	unsigned head, tail;
};

struct fault_queue {
	const struct fault_spec *spec;
	struct base_rng rng;
	struct fault_counts counts;
	const struct rte_eth_rxtx_callback *callback;
	struct lane straight, late;
};

struct fault {
	struct fault_spec spec;
	uint16_t port, n_rx, n_tx;
	struct fault_queue *rx[DRIVER_QUEUES_MAX], *tx[DRIVER_QUEUES_MAX];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool lane_put(struct lane *l, struct rte_mbuf *m, uint64_t due_ns)
{
	if (l->tail - l->head == HELD_MAX)
		return false;
	l->slots[l->tail++ % HELD_MAX] = (struct held){m, due_ns};
	return true;
}

static const struct held *lane_first(const struct lane *l)
{
	return l->head == l->tail ? NULL : &l->slots[l->head % HELD_MAX];
}

static void bit_flip(struct rte_mbuf *m, uint32_t where)
{
	uint32_t len = rte_pktmbuf_data_len(m);

	if (len)
		rte_pktmbuf_mtod(m, uint8_t *)[where / 8 % len] ^= (uint8_t)(1u << where % 8);
}

/* a private copy where others look at the same bytes */
static struct rte_mbuf *writable(struct rte_mbuf *m)
{
	struct rte_mbuf *copy;

	if (RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 && m->nb_segs == 1)
		return m;
	copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
	if (copy)
		rte_pktmbuf_free(m);
	return copy ? copy : m;
}

static void hold(struct fault_queue *q, struct rte_mbuf *m, bool late, uint64_t now)
{
	uint64_t due = now + q->spec->delay_ns + (late ? REORDER_NS : 0);

	if (lane_put(late ? &q->late : &q->straight, m, due))
		return;
	q->counts.overflowed++;
	rte_pktmbuf_free(m);
}

static void frame_in(struct fault_queue *q, struct rte_mbuf *m, uint64_t now)
{
	struct fault_fate fate = fault_decide(q->spec, &q->rng);
	struct rte_mbuf *copy;

	if (fate.drop) {
		q->counts.dropped++;
		rte_pktmbuf_free(m);
		return;
	}
	if (fate.dup && (copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX))) {
		q->counts.duplicated++;
		hold(q, copy, false, now);
	}
	if (fate.corrupt) {
		q->counts.corrupted++;
		m = writable(m);
		bit_flip(m, fate.where);
	}
	q->counts.reordered += fate.reorder;
	q->counts.delayed += q->spec->delay_ns != 0;
	hold(q, m, fate.reorder, now);
}

static uint16_t fault_rx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t max,
			 void *user)
{
	struct fault_queue *q = user;
	uint64_t now;
	uint16_t out = 0;

	if (n == 0 && q->straight.head == q->straight.tail && q->late.head == q->late.tail)
		return 0;
	now = now_ns();
	for (uint16_t i = 0; i < n; i++)
		frame_in(q, pkts[i], now);
	while (out < max) {
		const struct held *a = lane_first(&q->straight), *b = lane_first(&q->late);
		struct lane *from = a && (!b || a->due_ns <= b->due_ns) ? &q->straight : &q->late;
		const struct held *h = from == &q->straight ? a : b;

		if (!h || h->due_ns > now)
			break;
		pkts[out++] = h->m;
		from->head++;
	}
	return out;
}

/* A caller keeps what was not sent and tries it again, so a tx callback cannot make a frame vanish. It is
 * sent as one that nobody takes instead: with the ether type that IEEE 802 leaves to local experiments. */
static struct rte_mbuf *nobodys(struct rte_mbuf *m)
{
	static const uint8_t type[2] = {0x88, 0xb5};
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, m->pool, 0, NOBODYS_LEN);

	if (!copy)
		return m;
	copy->ol_flags = 0;
	memset(rte_pktmbuf_mtod(copy, void *), 0, rte_pktmbuf_data_len(copy));
	if (rte_pktmbuf_data_len(copy) >= 14) {
		memcpy(rte_pktmbuf_mtod(copy, uint8_t *), rte_pktmbuf_mtod(m, uint8_t *), 12);
		memcpy(rte_pktmbuf_mtod_offset(copy, uint8_t *, 12), type, 2);
	}
	rte_pktmbuf_free(m);
	return copy;
}

static uint16_t fault_tx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *user)
{
	struct fault_queue *q = user;
	bool swap = false;

	for (uint16_t i = 0; i < n; i++) {
		struct fault_fate fate = fault_decide(q->spec, &q->rng);

		if (fate.drop) {
			q->counts.dropped++;
			pkts[i] = nobodys(pkts[i]);
		} else if (fate.corrupt) {
			q->counts.corrupted++;
			pkts[i] = writable(pkts[i]);
			bit_flip(pkts[i], fate.where);
		}
		if (swap) {
			struct rte_mbuf *m = pkts[i];

			q->counts.reordered++;
			pkts[i] = pkts[i - 1];
			pkts[i - 1] = m;
		}
		swap = fate.reorder;
	}
	return n;
}

static struct fault_queue *queue_new(struct fault *f, unsigned salt)
{
	struct fault_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->spec = &f->spec;
	base_rng_seed(&q->rng, f->spec.seed ^ (uint64_t)(salt + 1) << 32);
	return q;
}

struct fault *fault_attach(const struct driver_port *port, const struct fault_spec *spec)
{
	struct fault *f = calloc(1, sizeof(*f));

	if (!f)
		goto fail;
	f->spec = *spec;
	f->port = port->id;
	for (; spec->rx && f->n_rx < port->rx_queues; f->n_rx++) {
		struct fault_queue *q = queue_new(f, f->n_rx);

		f->rx[f->n_rx] = q;
		if (q)
			q->callback = rte_eth_add_rx_callback(port->id, f->n_rx, fault_rx, q);
		if (!q || !q->callback)
			goto fail;
	}
	for (; spec->tx && f->n_tx < port->tx_queues; f->n_tx++) {
		struct fault_queue *q = queue_new(f, 1000u + f->n_tx);

		f->tx[f->n_tx] = q;
		if (q)
			q->callback = rte_eth_add_tx_callback(port->id, f->n_tx, fault_tx, q);
		if (!q || !q->callback)
			goto fail;
	}
	return f;
fail:
	fault_detach(f);
	errno = ENOMEM;
	return NULL;
}

static void lane_clear(struct lane *l)
{
	for (; l->head != l->tail; l->head++)
		rte_pktmbuf_free(l->slots[l->head % HELD_MAX].m);
}

void fault_detach(struct fault *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < DRIVER_QUEUES_MAX; i++) {
		struct fault_queue *rx = f->rx[i], *tx = f->tx[i];

		if (rx && rx->callback)
			rte_eth_remove_rx_callback(f->port, (uint16_t)i, rx->callback);
		if (tx && tx->callback)
			rte_eth_remove_tx_callback(f->port, (uint16_t)i, tx->callback);
		if (rx) {
			lane_clear(&rx->straight);
			lane_clear(&rx->late);
		}
		free(rx);
		free(tx);
	}
	free(f);
}

struct fault_counts fault_counts_get(const struct fault *f)
{
	struct fault_counts sum = {.dropped = 0};

	for (unsigned i = 0; i < 2 * DRIVER_QUEUES_MAX; i++) {
		const struct fault_queue *q = i < DRIVER_QUEUES_MAX ? f->rx[i] : f->tx[i - DRIVER_QUEUES_MAX];

		if (!q)
			continue;
		sum.dropped += q->counts.dropped;
		sum.duplicated += q->counts.duplicated;
		sum.reordered += q->counts.reordered;
		sum.corrupted += q->counts.corrupted;
		sum.delayed += q->counts.delayed;
		sum.overflowed += q->counts.overflowed;
	}
	return sum;
}
