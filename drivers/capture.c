/* SPDX-License-Identifier: BSD-3-Clause */
#include "drivers/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

enum {
	SLOTS = 1024, /* of a queue and direction */
	COPIES = 4095,
	SNAP_MAX = 9216,
	FILE_BUFFER = 1 << 18,
	DRAIN_BURST = 64,
};

/* in the private area of a copy */
struct capture_note {
	uint64_t wall_ns;
	uint32_t len; /* of the frame, which the copy may cut */
};

struct capture_queue {
	struct capture *capture;
	struct rte_ring *ring;
	const struct rte_eth_rxtx_callback *callback;
	uint64_t lost;
};

struct capture {
	FILE *file;
	struct rte_mempool *copies;
	uint32_t snap;
	uint64_t written;
	uint64_t write_errors;
	uint16_t port;
	struct capture_queue rx[DRIVER_QUEUES_MAX], tx[DRIVER_QUEUES_MAX];
};

static void burst_copy(struct capture_queue *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct timespec t;

	if (n == 0)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(pkts[i], q->capture->copies, 0, q->capture->snap);
		struct capture_note *note;

		if (!copy) {
			q->lost++;
			continue;
		}
		note = rte_mbuf_to_priv(copy);
		note->wall_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
		note->len = rte_pktmbuf_pkt_len(pkts[i]);
		if (rte_ring_sp_enqueue(q->ring, copy) < 0) {
			rte_pktmbuf_free(copy);
			q->lost++;
		}
	}
}

static uint16_t capture_rx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t max,
			   void *user)
{
	burst_copy(user, pkts, n);
	return n;
}

static uint16_t capture_tx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *user)
{
	burst_copy(user, pkts, n);
	return n;
}

static bool file_begin(struct capture *c, const char *path)
{
	/* pcap with nanoseconds, version 2.4, ethernet */
	const uint32_t head[6] = {0xa1b23c4d, 2u | 4u << 16, 0, 0, c->snap, 1};

	c->file = fopen(path, "we");
	return c->file && setvbuf(c->file, NULL, _IOFBF, FILE_BUFFER) == 0 &&
	       fwrite(head, sizeof(head), 1, c->file) == 1 && fflush(c->file) == 0;
}

static bool queue_begin(struct capture *c, struct capture_queue *q, const char *kind, unsigned i, int socket)
{
	char name[RTE_RING_NAMESIZE];

	q->capture = c;
	snprintf(name, sizeof(name), "capture.%u.%s.%u", c->port, kind, i);
	q->ring = rte_ring_create(name, SLOTS, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!q->ring)
		return false;
	if (*kind == 'r')
		q->callback = rte_eth_add_first_rx_callback(c->port, (uint16_t)i, capture_rx, q);
	else
		q->callback = rte_eth_add_tx_callback(c->port, (uint16_t)i, capture_tx, q);
	return q->callback;
}

struct capture *capture_attach(const struct driver_port *port, const char *path)
{
	struct capture *c = calloc(1, sizeof(*c));
	uint32_t frame = port->mtu + 18u;
	char name[32];
	int why = ENOMEM;

	if (!c)
		return NULL;
	c->port = port->id;
	c->snap = frame < SNAP_MAX ? frame : SNAP_MAX;
	snprintf(name, sizeof(name), "capture.%u", c->port);
	c->copies = rte_pktmbuf_pool_create(name, COPIES, 64,
					    RTE_ALIGN(sizeof(struct capture_note), RTE_MBUF_PRIV_ALIGN),
					    (uint16_t)(RTE_PKTMBUF_HEADROOM + c->snap), port->socket);
	if (!c->copies)
		goto fail;
	if (!file_begin(c, path)) {
		why = errno;
		goto fail;
	}
	for (unsigned i = 0; i < port->rx_queues; i++)
		if (!queue_begin(c, &c->rx[i], "rx", i, port->socket))
			goto fail;
	for (unsigned i = 0; i < port->tx_queues; i++)
		if (!queue_begin(c, &c->tx[i], "tx", i, port->socket))
			goto fail;
	return c;
fail:
	capture_detach(c);
	errno = why;
	return NULL;
}

static void frame_write(struct capture *c, struct rte_mbuf *m)
{
	const struct capture_note *note = rte_mbuf_to_priv(m);
	const uint32_t head[4] = {(uint32_t)(note->wall_ns / 1000000000u),
				  (uint32_t)(note->wall_ns % 1000000000u), rte_pktmbuf_data_len(m),
				  note->len};

	if (fwrite(head, sizeof(head), 1, c->file) == 1 &&
	    fwrite(rte_pktmbuf_mtod(m, const void *), rte_pktmbuf_data_len(m), 1, c->file) == 1)
		c->written++;
	else
		c->write_errors++;
}

static unsigned queue_drain(struct capture *c, struct capture_queue *q)
{
	struct rte_mbuf *burst[DRAIN_BURST];
	unsigned total = 0, n;

	if (!q->ring)
		return 0;
	/* as many as were there when we came: a flood must not keep the cold thread here */
	for (unsigned room = SLOTS; room; room -= n, total += n) {
		n = rte_ring_sc_dequeue_burst(q->ring, (void **)burst,
					      room < DRAIN_BURST ? room : DRAIN_BURST, NULL);
		if (n == 0)
			break;
		for (unsigned i = 0; i < n; i++)
			frame_write(c, burst[i]);
		rte_pktmbuf_free_bulk(burst, n);
	}
	return total;
}

unsigned capture_drain(struct capture *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DRIVER_QUEUES_MAX; i++)
		n += queue_drain(c, &c->rx[i]) + queue_drain(c, &c->tx[i]);
	if (n)
		fflush(c->file);
	return n;
}

void capture_detach(struct capture *c)
{
	if (!c)
		return;
	if (c->file)
		capture_drain(c);
	for (unsigned i = 0; i < DRIVER_QUEUES_MAX; i++) {
		if (c->rx[i].callback)
			rte_eth_remove_rx_callback(c->port, (uint16_t)i, c->rx[i].callback);
		if (c->tx[i].callback)
			rte_eth_remove_tx_callback(c->port, (uint16_t)i, c->tx[i].callback);
		rte_ring_free(c->rx[i].ring);
		rte_ring_free(c->tx[i].ring);
	}
	rte_mempool_free(c->copies);
	if (c->file)
		fclose(c->file);
	free(c);
}

struct capture_counts capture_counts_get(const struct capture *c)
{
	struct capture_counts n = {.written = c->written, .lost = c->write_errors};

	for (unsigned i = 0; i < DRIVER_QUEUES_MAX; i++)
		n.lost += c->rx[i].lost + c->tx[i].lost;
	return n;
}
