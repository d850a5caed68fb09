/* SPDX-License-Identifier: BSD-3-Clause */
/* The last step out: ethernet header, transmit queue, device. The only place that calls the transmit burst.
 */
#include <rte_ethdev.h>

#include "dataplane/net/net_internal.h"
#include "dataplane/wire/eth.h"

enum { TX_STUCK_S = 2 };

#define NEED_PREPARE (RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

/* Some devices want more in a frame, before they sum or cut it, than the pseudo header's sum. It does no harm
 * to prepare a frame twice, which happens to what the device did not take the first time. */
static void txq_prepare(struct net *net, unsigned port, struct net_txq *q)
{
	unsigned ready = 0;

	while (ready < q->n) {
		ready += rte_eth_tx_prepare(net->shared->ports[port].dpdk_port, (uint16_t)net->core,
					    q->frames + ready, (uint16_t)(q->n - ready));
		if (ready == q->n)
			break;
		net_output_drop(net, q->frames[ready], NET_OUTPUT_DROP_tx_refused);
		q->n--;
		memmove(q->frames + ready, q->frames + ready + 1, (q->n - ready) * sizeof(q->frames[0]));
	}
}

static void txq_send(struct net *net, unsigned port)
{
	struct net_txq *q = &net->txq[port];
	unsigned sent = 0;

	/* relaxed: link state is news, not an order; a dead device would keep these for ever */
	if (unlikely(atomic_load_explicit(&net->shared->ports[port].link, memory_order_relaxed) !=
		     NET_LINK_UP)) {
		net->stats->output_drops[NET_OUTPUT_DROP_link_down] += q->n;
		rte_pktmbuf_free_bulk(q->frames, q->n);
		q->n = 0;
		return;
	}
	if (net->shared->ports[port].tx_offloads & NEED_PREPARE)
		txq_prepare(net, port, q);
	while (sent < q->n) {
		uint16_t n = rte_eth_tx_burst(net->shared->ports[port].dpdk_port, (uint16_t)net->core,
					      q->frames + sent, (uint16_t)(q->n - sent));

		if (n == 0)
			break;
		sent += n;
	}
	net->stats->counters[NET_COUNTER_sent] += sent;
	q->n -= sent;
	if (likely(q->n == 0 || sent > 0)) {
		q->stuck_s = 0;
	} else if (q->stuck_s == 0) {
		q->stuck_s = net->now_s;
	} else if (net->now_s - q->stuck_s >= TX_STUCK_S) {
		/* A driver that refuses a frame for good refuses everything behind it. A full queue moves. */
		net_output_drop(net, q->frames[0], NET_OUTPUT_DROP_tx_stuck);
		q->n--;
		memmove(q->frames, q->frames + 1, q->n * sizeof(q->frames[0]));
		q->stuck_s = 0;
	}
	/* what the device did not take stays for the next turn, in order */
	if (sent > 0 && q->n > 0)
		memmove(q->frames, q->frames + sent, q->n * sizeof(q->frames[0]));
}

void net_transmit_queue(struct net *net, unsigned port, struct rte_mbuf *m)
{
	struct net_txq *q = &net->txq[port];

	/* relaxed: link state is news, not an order */
	if (unlikely(atomic_load_explicit(&net->shared->ports[port].link, memory_order_relaxed) !=
		     NET_LINK_UP)) {
		net_output_drop(net, m, NET_OUTPUT_DROP_link_down);
		return;
	}
	if (unlikely(q->n == NET_TXQ)) {
		txq_send(net, port);
		if (q->n == NET_TXQ) {
			net_output_drop(net, m, NET_OUTPUT_DROP_tx_full);
			return;
		}
	}
	q->frames[q->n++] = m;
}

void net_transmit(struct net *net, unsigned port_index, struct rte_mbuf *m, const uint8_t mac[6],
		  uint16_t type)
{
	const struct net_port *port = &net->shared->ports[port_index];
	unsigned size = wire_eth_size(port->vlan);
	uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)size);

	if (unlikely(frame == NULL)) {
		net_output_drop(net, m, NET_OUTPUT_DROP_headroom);
		return;
	}
	wire_eth_emit(frame, mac, port->mac, port->vlan, type);
	if (likely(net->core < port->tx_queues))
		net_transmit_queue(net, port_index, m);
	else
		net_steer_tx(net, net->core % port->tx_queues, m, port_index);
}

unsigned net_transmit_flush(struct net *net)
{
	uint64_t before = net->stats->counters[NET_COUNTER_sent];

	for (unsigned port = 0; port < net->shared->n_ports; port++)
		if (net->txq[port].n > 0)
			txq_send(net, port);
	return (unsigned)(net->stats->counters[NET_COUNTER_sent] - before);
}
