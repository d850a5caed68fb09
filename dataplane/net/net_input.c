/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames in: ethernet, and the books. Every frame that comes in here ends in exactly one place. */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/eth.h"

static void dead_add(struct net *net, struct rte_mbuf *m)
{
	if (net->n_dead == NET_BURST) {
		rte_pktmbuf_free_bulk(net->dead, net->n_dead);
		net->n_dead = 0;
	}
	net->dead[net->n_dead++] = m;
}

void net_settle(struct net *net, struct rte_mbuf *m, int verdict)
{
	switch (verdict) {
	case NET_DELIVERED:
		net_count(net, NET_COUNTER_delivered);
		return;
	case NET_ANSWERED:
		net_count(net, NET_COUNTER_answered);
		return;
	case NET_STEERED:
		net_count(net, NET_COUNTER_steered_out);
		return;
	case NET_ANSWERED_APART:
		net_count(net, NET_COUNTER_answered);
		break;
	case NET_CONSUMED:
		net_count(net, NET_COUNTER_consumed);
		break;
	default:
		net->stats->drops[verdict & ~NET_ERROR_SENT]++;
		if (verdict & NET_ERROR_SENT)
			return;
		break;
	}
	dead_add(net, m);
}

void net_deliver(struct net *net, uint64_t now_ns)
{
	if (net->n_up > 0) {
		unsigned n = net->n_up;

		net->n_up = 0;
		net->ops->input(net->ctx, net->up, n, now_ns);
	}
	if (net->n_dead > 0) {
		rte_pktmbuf_free_bulk(net->dead, net->n_dead);
		net->n_dead = 0;
	}
}

/* A frame in several buffers: one buffer if it fits, else at least the headers in the first one. */
static bool chain_is_usable(struct rte_mbuf *m)
{
	if (m->pkt_len - m->data_len <= rte_pktmbuf_tailroom(m))
		return rte_pktmbuf_linearize(m) == 0;
	return m->data_len >= NET_HEADERS_MIN;
}

static bool vlan_is_ours(const struct net_port *port, const struct rte_mbuf *m, const struct wire_eth *eth)
{
	uint16_t vlan = eth->vlan;

	if (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
		if (eth->tagged) /* a second tag under the one that the device took off */
			return false;
		vlan = m->vlan_tci & 0xfff;
	}
	return vlan == port->vlan;
}

/* Groups that somebody here could have joined: all nodes, solicited nodes, and broadcast for ARP. */
static bool group_is_ours(const uint8_t *mac)
{
	return wire_mac_is_broadcast(mac) || (mac[0] == 0x33 && mac[1] == 0x33);
}

static int arp_dispatch(struct net *net, unsigned port, struct rte_mbuf *m, uint64_t now_ns)
{
	if (net->neigh == NULL)
		return net_steer(net, NET_NEIGH_CORE, m, NET_STEER_ARP, port);
	return net_arp_input(net, port, m, now_ns);
}

static int frame_input(struct net *net, unsigned port_index, struct rte_mbuf *m, uint64_t now_ns)
{
	const struct net_port *port = &net->shared->ports[port_index];
	const uint8_t *frame;
	struct wire_eth eth;
	bool group = false;
	int size;

	if (unlikely(m->nb_segs > 1) && !chain_is_usable(m))
		return NET_DROP_eth_chain;
	frame = rte_pktmbuf_mtod(m, const uint8_t *);
	size = wire_eth_parse(frame, m->data_len, &eth);
	if (unlikely(size < 0))
		return size == WIRE_ETH_SHORT ? NET_DROP_eth_short : NET_DROP_eth_vlan;
	if (unlikely(!vlan_is_ours(port, m, &eth)))
		return NET_DROP_eth_vlan;
	if (unlikely(!wire_mac_equal(frame, port->mac))) {
		if (!wire_mac_is_group(frame))
			return NET_DROP_eth_not_ours;
		if (!group_is_ours(frame))
			return NET_DROP_eth_group;
		group = true;
	}
	if (unlikely(wire_mac_is_group(frame + 6) || wire_mac_equal(frame + 6, port->mac) ||
		     wire_mac_is_zero(frame + 6)))
		return NET_DROP_eth_source;
	m->data_off = (uint16_t)(m->data_off + size);
	m->data_len = (uint16_t)(m->data_len - size);
	m->pkt_len -= (uint32_t)size;
	if (likely(eth.type == WIRE_ETH_IP4))
		return net_ip4_input(net, port_index, m, frame + 6, group, now_ns);
	/* in a line of the buffer that a ping needs for nothing else */
	m->l2_len = (unsigned)size & 0x7f;
	if (eth.type == WIRE_ETH_IP6)
		return net_ip6_input(net, port_index, m, group, now_ns);
	if (eth.type == WIRE_ETH_ARP)
		return arp_dispatch(net, port_index, m, now_ns);
	return NET_DROP_eth_type;
}

static void burst_input(struct net *net, unsigned port, struct rte_mbuf **frames, unsigned n, uint64_t now_ns)
{
	net_burst_prefetch(frames, n);
	for (unsigned i = 0; i < n; i++) {
		net_ahead_prefetch(frames, n, i);
		net_settle(net, frames[i], frame_input(net, port, frames[i], now_ns));
	}
	net_deliver(net, now_ns);
}

void net_input(struct net *net, unsigned port, struct rte_mbuf **frames, unsigned n, uint64_t now_ns)
{
	net->stats->counters[NET_COUNTER_frames_in] += n;
	/* relaxed: a frame that was on its way when the port was lost may still be taken */
	if (unlikely(atomic_load_explicit(&net->shared->ports[port].link, memory_order_relaxed) ==
		     NET_LINK_LOST)) {
		net->stats->drops[NET_DROP_port_lost] += n;
		rte_pktmbuf_free_bulk(frames, n);
		return;
	}
	for (; n > NET_BURST; n -= NET_BURST, frames += NET_BURST)
		burst_input(net, port, frames, NET_BURST, now_ns);
	burst_input(net, port, frames, n, now_ns);
}
