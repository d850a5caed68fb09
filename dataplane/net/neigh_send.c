/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP and NDP messages of ours, written into buffers from the pool. On the neighbour core. */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/arp.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/ndp.h"

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
static const uint8_t all_routers[16] = {0xff, 0x02, [15] = 2};

static struct rte_mbuf *buffer_get(struct net *net, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(net->pool);

	if (m == NULL || rte_pktmbuf_append(m, len) == NULL) {
		rte_pktmbuf_free(m);
		net->stats->output_drops[NET_OUTPUT_DROP_no_mbuf]++;
		return NULL;
	}
	return m;
}

void net_arp_send(struct net *net, unsigned port, uint16_t op, const uint8_t sender_ip[4],
		  const uint8_t target_ip[4], const uint8_t *target_mac)
{
	struct rte_mbuf *m = buffer_get(net, WIRE_ARP_LEN);
	struct wire_arp arp = {.op = op};

	if (m == NULL)
		return;
	memcpy(arp.sender_mac, net->shared->ports[port].mac, 6);
	memcpy(arp.sender_ip, sender_ip, 4);
	memcpy(arp.target_ip, target_ip, 4);
	if (target_mac != NULL && op == WIRE_ARP_REPLY)
		memcpy(arp.target_mac, target_mac, 6);
	wire_arp_emit(rte_pktmbuf_mtod(m, uint8_t *), &arp);
	net_transmit(net, port, m, target_mac != NULL ? target_mac : broadcast, WIRE_ETH_ARP);
}

/* The message at offset WIRE_IP6_LEN, len bytes, checksum zero: completes and sends it. */
static void icmp6_send(struct net *net, unsigned port, struct rte_mbuf *m, unsigned len,
		       const uint8_t src[16], const uint8_t dst[16], const uint8_t *mac)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	uint8_t group_mac[6];
	uint16_t sum;

	m->data_len = (uint16_t)(WIRE_IP6_LEN + len);
	m->pkt_len = m->data_len;
	wire_ip6_emit(p, 0, (uint16_t)len, WIRE_PROTO_ICMP6, WIRE_NDP_HOP_LIMIT, src, dst);
	sum = (uint16_t)~wire_sum_fold(wire_sum_pseudo(src, dst, 16, WIRE_PROTO_ICMP6, len) +
				       net->shared->sum(p + WIRE_IP6_LEN, len));
	memcpy(p + WIRE_IP6_LEN + 2, &sum, 2);
	if (mac == NULL) {
		wire_ip6_group_mac(dst, group_mac);
		mac = group_mac;
	}
	net_transmit(net, port, m, mac, WIRE_ETH_IP6);
}

bool net_ns_send(struct net *net, unsigned port_index, const struct base_addr *target, const uint8_t *mac,
		 bool probe)
{
	const struct net_port *port = &net->shared->ports[port_index];
	struct rte_mbuf *m = buffer_get(net, WIRE_IP6_LEN + 64);
	struct base_addr src = {0};
	uint8_t group[16];
	unsigned len;

	if (m == NULL)
		return false;
	/* a probe speaks from the unspecified address, without our station: RFC 4861 section 4.3, RFC
	 * 4862 5.4.2 */
	if (!probe && net_source_on(port, target, &src) < 0) {
		rte_pktmbuf_free(m);
		net->stats->output_drops[NET_OUTPUT_DROP_no_source]++;
		return false;
	}
	len = wire_ndp_ns_emit(rte_pktmbuf_mtod_offset(m, uint8_t *, WIRE_IP6_LEN), target->b,
			       probe ? NULL : port->mac, probe ? net->neigh->nonce : NULL);
	wire_ip6_solicited_node(target->b, group);
	icmp6_send(net, port_index, m, len, src.b, mac != NULL ? target->b : group, mac);
	return true;
}

void net_na_send(struct net *net, unsigned port, const struct base_addr *target, const struct base_addr *dst,
		 const uint8_t *mac, uint8_t flags)
{
	struct rte_mbuf *m = buffer_get(net, WIRE_IP6_LEN + 64);
	unsigned len;

	if (m == NULL)
		return;
	len = wire_ndp_na_emit(rte_pktmbuf_mtod_offset(m, uint8_t *, WIRE_IP6_LEN), target->b, flags,
			       net->shared->ports[port].mac);
	icmp6_send(net, port, m, len, target->b, dst != NULL ? dst->b : all_nodes, mac);
}

void net_rs_send(struct net *net, unsigned port_index)
{
	const struct net_port *port = &net->shared->ports[port_index];
	struct base_addr to = base_addr_v6(all_routers);
	struct base_addr src;
	struct rte_mbuf *m;
	unsigned len;

	/* the link-local address; without one that is ready there is nobody to advertise to */
	to.b[0] = 0xfe;
	to.b[1] = 0x80;
	if (net_source_on(port, &to, &src) < 0)
		return;
	m = buffer_get(net, WIRE_IP6_LEN + 64);
	if (m == NULL)
		return;
	len = wire_ndp_rs_emit(rte_pktmbuf_mtod_offset(m, uint8_t *, WIRE_IP6_LEN), port->mac);
	icmp6_send(net, port_index, m, len, src.b, all_routers, NULL);
}

bool net_solicit(void *ctx, unsigned port, const struct base_addr *addr, const uint8_t *mac)
{
	struct net *net = ctx;
	struct base_addr src;

	net_count(net, NET_COUNTER_neigh_probes);
	if (!base_addr_is_v4(addr)) {
		return net_ns_send(net, port, addr, mac, false);
	}
	if (net_source_on(&net->shared->ports[port], addr, &src) < 0) {
		net->stats->output_drops[NET_OUTPUT_DROP_no_source]++;
		return false;
	}
	net_arp_send(net, port, WIRE_ARP_REQUEST, src.b + 12, addr->b + 12, mac);
	return true;
}
