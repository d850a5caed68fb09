/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/wire/echo_wire.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_ring.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct rte_mbuf *frame_new(struct echo_wire *w, unsigned len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	if (m) {
		m->data_len = (uint16_t)len;
		m->pkt_len = len;
	}
	return m;
}

static bool burst_send(struct echo_wire *w, unsigned n)
{
	struct rte_mbuf *burst[ECHO_WIRE_BURST];

	for (unsigned i = 0; i < n; i++) {
		burst[i] = frame_new(w, ECHO_PEER_FRAME);
		if (!burst[i])
			return false;
		echo_peer_request(&w->peer, w->seq++, rte_pktmbuf_mtod(burst[i], uint8_t *));
	}
	return rte_ring_enqueue_bulk(w->to, (void **)burst, n, NULL) == n;
}

static void frame_take(struct echo_wire *w, struct rte_mbuf *m)
{
	struct rte_mbuf *reply;
	uint16_t seq;

	switch (echo_peer_judge(&w->peer, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), &seq)) {
	case ECHO_PEER_REPLY:
		w->answered++;
		break;
	case ECHO_PEER_WRONG:
		w->wrong++;
		break;
	case ECHO_PEER_ARP_ASK:
		reply = frame_new(w, ECHO_PEER_ARP);
		if (reply) {
			echo_peer_arp_reply(&w->peer, rte_pktmbuf_mtod(reply, uint8_t *));
			rte_ring_enqueue(w->to, reply);
		}
		break;
	default:
		break;
	}
	rte_pktmbuf_free(m);
}

int echo_wire_run(struct echo_wire *w, unsigned n)
{
	while (n) {
		unsigned burst = n < ECHO_WIRE_BURST ? n : ECHO_WIRE_BURST, turns = 0;
		uint64_t until = w->answered + burst, give_up = now_ns() + 2000000000u;
		struct rte_mbuf *in[ECHO_WIRE_BURST];

		if (!burst_send(w, burst))
			return -1;
		while (w->answered < until) {
			unsigned k = rte_ring_dequeue_burst(w->from, (void **)in, ECHO_WIRE_BURST, NULL);

			for (unsigned i = 0; i < k; i++)
				frame_take(w, in[i]);
			if (w->wrong || (++turns % 4096 == 0 && now_ns() > give_up))
				return -1;
			if (k == 0)
				rte_pause();
		}
		n -= burst;
	}
	return 0;
}
