/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames between cores: one single-producer, single-consumer ring per ordered pair, filled and emptied in
 * bursts. */
#include "dataplane/net/net_internal.h"

/* Settles what did not fit: it was counted as steered when it was staged. */
static void stage_send(struct net *net, unsigned to)
{
	struct net_stage *stage = &net->stage[to];
	struct rte_ring *ring = net->shared->steer[net->core][to];
	unsigned sent = rte_ring_sp_enqueue_burst(ring, (void **)stage->frames, stage->n, NULL);

	for (unsigned i = sent; i < stage->n; i++) {
		struct rte_mbuf *m = stage->frames[i];

		if ((m->hash.usr >> 8) == NET_STEER_TX) {
			net->stats->counters[NET_COUNTER_tx_via]--;
			net_output_drop(net, m, NET_OUTPUT_DROP_steer_full);
		} else {
			net->stats->counters[NET_COUNTER_steered_out]--;
			net_settle(net, m, NET_DROP_steer_full);
		}
	}
	stage->n = 0;
}

static void stage_add(struct net *net, unsigned to, struct rte_mbuf *m, enum net_steer_kind kind,
		      unsigned port)
{
	struct net_stage *stage = &net->stage[to];

	/* the receive hash has served; this word is ours until the frame is freed */
	m->hash.usr = (uint32_t)kind << 8 | port;
	if (stage->n == NET_STEER_BURST)
		stage_send(net, to);
	stage->frames[stage->n++] = m;
}

int net_steer(struct net *net, unsigned to, struct rte_mbuf *m, enum net_steer_kind kind, unsigned port)
{
	stage_add(net, to, m, kind, port);
	return NET_STEERED;
}

void net_steer_tx(struct net *net, unsigned to, struct rte_mbuf *m, unsigned port)
{
	net_count(net, NET_COUNTER_tx_via);
	stage_add(net, to, m, NET_STEER_TX, port);
}

void net_steer_flush(struct net *net)
{
	for (unsigned to = 0; to < net->shared->n_cores; to++)
		if (net->stage[to].n > 0)
			stage_send(net, to);
}

static int steered_one(struct net *net, struct rte_mbuf *m, uint64_t now_ns)
{
	unsigned port = m->hash.usr & 0xff;

	switch ((enum net_steer_kind)(m->hash.usr >> 8)) {
	case NET_STEER_TCP4:
		return net_tcp_local(net, port, m, true, m->l3_len);
	case NET_STEER_TCP6:
		return net_tcp_local(net, port, m, false, m->l3_len);
	case NET_STEER_ERROR4:
		return net_icmp_error_local(net, port, m, true, m->l3_len, now_ns);
	case NET_STEER_ERROR6:
		return net_icmp_error_local(net, port, m, false, m->l3_len, now_ns);
	case NET_STEER_ARP:
		return net_arp_input(net, port, m, now_ns);
	default:
		return net_nd_input(net, port, m, m->l3_len, now_ns);
	}
}

static unsigned requests_take(struct net *net, uint64_t now_ns)
{
	struct neigh_request r;
	unsigned n = 0;

	for (unsigned core = 0; core < net->shared->n_cores; core++) {
		if (core == NET_NEIGH_CORE)
			continue;
		for (unsigned i = 0; i < NEIGH_REQUESTS && neigh_request_get(net->shared->requests[core], &r);
		     i++, n++)
			net_neigh_ask(net, (enum neigh_ask)r.ask, r.port, &r.addr, now_ns);
	}
	return n;
}

unsigned net_steered(struct net *net, uint64_t now_ns)
{
	struct rte_mbuf *frames[NET_STEER_BURST];
	unsigned total = 0;

	if (net->shared->n_cores == 1)
		return 0;
	for (unsigned from = 0; from < net->shared->n_cores; from++) {
		struct rte_ring *ring = net->shared->steer[from][net->core];
		unsigned n;

		if (ring == NULL)
			continue;
		n = rte_ring_sc_dequeue_burst(ring, (void **)frames, NET_STEER_BURST, NULL);
		total += n;
		net_burst_prefetch(frames, n);
		for (unsigned i = 0; i < n; i++) {
			net_ahead_prefetch(frames, n, i);
			if ((frames[i]->hash.usr >> 8) == NET_STEER_TX) {
				net_count(net, NET_COUNTER_tx_via_in);
				net_transmit_queue(net, frames[i]->hash.usr & 0xff, frames[i]);
				continue;
			}
			net_count(net, NET_COUNTER_steered_in);
			net_settle(net, frames[i], steered_one(net, frames[i], now_ns));
		}
		if (n > 0)
			net_deliver(net, now_ns);
	}
	if (net->neigh != NULL)
		total += requests_take(net, now_ns);
	return total;
}
