/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams out: source picks the port, destination the next hop; IP header and TCP checksum are made here.
 */
#include <errno.h>

#include <rte_ethdev.h>

#include "dataplane/net/net_internal.h"

#include "dataplane/wire/eth.h"

/* mbuf flags that say how the buffer's memory is held, not what is in it */
#define MBUF_HELD (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)

int net_port_of(const struct net_shared *shared, const struct base_addr *src)
{
	bool v4 = base_addr_is_v4(src);

	for (unsigned i = 0; i < shared->n_ports; i++) {
		const struct net_port *port = &shared->ports[i];
		const struct net_own *own = v4 ? net_own4(port, src->w[3]) : net_own6(port, src);

		if (own != NULL && net_own_ready(own))
			return (int)i;
	}
	return -1;
}

int net_source_on(const struct net_port *port, const struct base_addr *dst, struct base_addr *src)
{
	bool v4 = base_addr_is_v4(dst);
	bool link_local = !v4 && wire_ip6_is_link_local(dst->b);
	const struct net_own *best = NULL;

	for (unsigned i = v4 ? 0 : port->n_own4; i < (v4 ? port->n_own4 : port->n_own); i++) {
		const struct net_own *own = &port->own[i];

		if (!net_own_ready(own))
			continue;
		/* RFC 6724 rule 2, as much of it as one link needs: same scope */
		if (!v4 && wire_ip6_is_link_local(own->addr.b) != link_local) {
			if (best == NULL && !link_local)
				best = own;
			continue;
		}
		if (net_prefix_match(own, dst)) {
			*src = own->addr;
			return 0;
		}
		if (best == NULL || (!v4 && !link_local && wire_ip6_is_link_local(best->addr.b)))
			best = own;
	}
	if (best == NULL)
		return -ENOENT;
	*src = best->addr;
	return 0;
}

int net_source_for(const struct net_shared *shared, enum net_side side, const struct base_addr *dst,
		   struct base_addr *src)
{
	const struct net_port *routed = NULL;
	bool v4 = base_addr_is_v4(dst);

	for (unsigned i = 0; i < shared->n_ports; i++) {
		const struct net_port *port = &shared->ports[i];

		if (port->side != side)
			continue;
		for (unsigned k = v4 ? 0 : port->n_own4; k < (v4 ? port->n_own4 : port->n_own); k++) {
			if (net_own_ready(&port->own[k]) && net_prefix_match(&port->own[k], dst)) {
				*src = port->own[k].addr;
				return 0;
			}
		}
		if (routed == NULL &&
		    (v4 ? port->has_gateway4
			: port->has_gateway6 ||
				     atomic_load_explicit(&port->router, memory_order_relaxed) != 0))
			routed = port;
	}
	return routed == NULL ? -ENOENT : net_source_on(routed, dst, src);
}

bool net_tso(const struct net_shared *shared, unsigned port)
{
	return (shared->ports[port].tx_offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0;
}

enum net_side net_port_side(const struct net_shared *shared, unsigned port)
{
	return (enum net_side)shared->ports[port].side;
}

static const struct path_mtu_entry *path_find(const struct net *net, const struct base_addr *dst,
					      uint64_t now_ns)
{
	return path_mtu_find(&net->paths, dst, now_ns);
}

uint16_t net_path_mtu(const struct net *net, const struct base_addr *src, const struct base_addr *dst,
		      uint64_t now_ns)
{
	int port = net_port_of(net->shared, src);
	const struct path_mtu_entry *path;
	uint16_t mtu;

	if (port < 0)
		return 0;
	mtu = net_mtu(&net->shared->ports[port]);
	path = path_find(net, dst, now_ns);
	return path != NULL && path->mtu < mtu ? path->mtu : mtu;
}

void net_send(struct net *net, unsigned port, struct rte_mbuf *m, const struct base_addr *dst,
	      uint64_t now_ns)
{
	const struct next_hop *found;
	struct base_addr hop;

	m->ol_flags &= MBUF_HELD | RTE_MBUF_F_TX_OFFLOAD_MASK;
	switch (next_hop_find(net, port, dst, &found, &hop)) {
	case NEXT_HOP_READY:
		if (unlikely(m->pkt_len > net_mtu(&net->shared->ports[port]) &&
			     (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0))
			net_output_drop(net, m, NET_OUTPUT_DROP_too_big);
		else
			net_transmit(net, port, m, found->mac,
				     base_addr_is_v4(dst) ? WIRE_ETH_IP4 : WIRE_ETH_IP6);
		return;
	case NEXT_HOP_WAIT:
		if (m->pkt_len > net_mtu(&net->shared->ports[port]) &&
		    (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0)
			net_output_drop(net, m, NET_OUTPUT_DROP_too_big);
		else
			net_wait_add(net, port, &hop, m, now_ns);
		return;
	case NEXT_HOP_FAILED:
		/* ask again, though not for every frame that is lost on it */
		if (now_ns - net->failed_asked > UINT64_C(1000000)) {
			net->failed_asked = now_ns;
			net_neigh_ask(net, NEIGH_ASK_RESOLVE, port, &hop, now_ns);
		}
		net_output_drop(net, m, NET_OUTPUT_DROP_neigh_failed);
		return;
	default:
		net_output_drop(net, m, NET_OUTPUT_DROP_no_route);
		return;
	}
}

/* The addresses are those that were just written into the header: read back from there, they would be waited
 * for. */
static void tcp_checksum_fill(const struct net *net, const struct net_port *port, struct rte_mbuf *m,
			      const struct base_addr *src, const struct base_addr *dst, bool v4,
			      unsigned l3_len)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	uint8_t *tcp = p + l3_len;
	uint32_t len = m->pkt_len - l3_len;
	bool tso = m->tso_segsz != 0 && (port->tx_offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0;
	uint64_t sum;
	uint16_t word;

	memset(tcp + 16, 0, 2);
	/* cutting hardware adds the length of each piece itself */
	sum = v4 ? wire_sum_pseudo(&src->w[3], &dst->w[3], 4, WIRE_PROTO_TCP, tso ? 0 : len)
		 : wire_sum_pseudo(src->b, dst->b, 16, WIRE_PROTO_TCP, tso ? 0 : len);
	if (tso || (port->tx_offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0) {
		m->l2_len = wire_eth_size(port->vlan) & 0x7f;
		m->l3_len = l3_len & 0x1ff;
		m->l4_len = (tcp[12] >> 4) * 4u;
		m->ol_flags |= (v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6) | RTE_MBUF_F_TX_TCP_CKSUM;
		if (tso)
			m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		/* each piece has a length of its own: the device sums, beginning from zero */
		if (tso && v4) {
			m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
			memset(p + 10, 0, 2);
		}
		word = wire_sum_fold(sum);
	} else {
		word = (uint16_t)~wire_sum_fold(sum + net_mbuf_sum(net->shared, m, l3_len, len));
	}
	memcpy(tcp + 16, &word, 2);
}

enum net_output net_ip_output(struct net *net, struct rte_mbuf *m, const struct base_addr *src,
			      const struct base_addr *dst, uint8_t proto, uint8_t tos, int port_index,
			      uint64_t now_ns)
{
	bool v4 = base_addr_is_v4(dst);
	unsigned l3_len = v4 ? WIRE_IP4_LEN : WIRE_IP6_LEN;
	uint32_t payload = m->pkt_len;
	const struct net_port *port;
	uint64_t dropped;
	uint8_t *p;

	net_count(net, NET_COUNTER_output);
	if (port_index == NET_PORT_ANY)
		port_index = net_port_of(net->shared, src);
	if (unlikely(port_index < 0 || v4 != base_addr_is_v4(src))) {
		net_output_drop(net, m, NET_OUTPUT_DROP_no_source);
		return NET_OUTPUT_DROPPED;
	}
	port = &net->shared->ports[port_index];
	if (unlikely(payload + l3_len > UINT16_MAX || (proto == WIRE_PROTO_TCP && m->data_len < 20))) {
		net_output_drop(net, m, NET_OUTPUT_DROP_too_big);
		return NET_OUTPUT_DROPPED;
	}
	p = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)l3_len);
	if (unlikely(p == NULL)) {
		net_output_drop(net, m, NET_OUTPUT_DROP_headroom);
		return NET_OUTPUT_DROPPED;
	}
	m->ol_flags &= MBUF_HELD;
	if (v4) {
		const struct path_mtu_entry *path =
			net->paths.n_floored != 0 ? path_find(net, dst, now_ns) : NULL;
		bool df = path == NULL || !path->floored;

		wire_ip4_emit(p, tos, (uint16_t)m->pkt_len, df ? 0 : (uint16_t)base_rng_next(&net->rng), df,
			      64, proto, &src->w[3], &dst->w[3]);
	} else {
		wire_ip6_emit(p, tos, (uint16_t)payload, proto, 64, src->b, dst->b);
	}
	if (proto == WIRE_PROTO_TCP)
		tcp_checksum_fill(net, port, m, src, dst, v4, l3_len);
	dropped = net->output_dropped;
	net_send(net, (unsigned)port_index, m, dst, now_ns);
	return net->output_dropped == dropped ? NET_OUTPUT_QUEUED : NET_OUTPUT_DROPPED;
}
