/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 in, as a host: RFC 8200. The strong model as with IPv4: nothing is ever forwarded. */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/icmp.h"

/* What is wrong before any address is looked at; -1: nothing */
static int header_drop(int error)
{
	switch (error) {
	case WIRE_IP6_SHORT:
		return NET_DROP_ip6_short;
	case WIRE_IP6_VERSION:
		return NET_DROP_ip6_version;
	case WIRE_IP6_PAYLOAD_LEN:
		return NET_DROP_ip6_payload_len;
	case WIRE_IP6_HOP_LIMIT:
		return NET_DROP_ip6_hop_limit;
	default:
		return -1;
	}
}

/* What is wrong behind the header of a datagram that is for us; the sender is told where RFC 8200 section 4
 * asks. */
static int extension_drop(struct net *net, unsigned port, struct rte_mbuf *m, int error,
			  const struct wire_ip6 *ip6, uint64_t now_ns)
{
	switch (error) {
	case WIRE_IP6_OPTION:
		return NET_DROP_ip6_option;
	case WIRE_IP6_OPTION_REPORT:
		return net_icmp6_error_send(net, port, m, WIRE_ICMP6_PARAMETER, WIRE_ICMP6_CODE_OPTION,
					    ip6->pointer, ip6->always, NET_DROP_ip6_option, now_ns);
	case WIRE_IP6_SOURCE_ROUTE:
		return net_icmp6_error_send(net, port, m, WIRE_ICMP6_PARAMETER, 0, ip6->pointer, false,
					    NET_DROP_ip6_routing, now_ns);
	case WIRE_IP6_FRAGMENT:
		return NET_DROP_ip6_fragment;
	case WIRE_IP6_NO_NEXT:
		return NET_DROP_ip6_no_next;
	default:
		return NET_DROP_ip6_extension;
	}
}

/* All nodes, and the solicited-node group of each address of ours: RFC 4291 section 2.8 */
static bool group_is_joined(const struct net_port *port, const struct base_addr *group)
{
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
	uint8_t solicited[16];

	if (memcmp(group->b, all_nodes, 16) == 0)
		return port->n_own > port->n_own4;
	for (unsigned i = port->n_own4; i < port->n_own; i++) {
		wire_ip6_solicited_node(port->own[i].addr.b, solicited);
		if (memcmp(group->b, solicited, 16) == 0)
			return true;
	}
	return false;
}

/* -1: for us */
static int destination_judge(const struct net_port *port, const struct base_addr *dst, const uint8_t *eth_dst,
			     bool l2_group)
{
	const struct net_own *own;
	uint8_t mac[6];

	if (wire_ip6_is_group(dst->b)) {
		wire_ip6_group_mac(dst->b, mac);
		/* RFC 2464 section 7: the group's own ethernet address, or (RFC 6085) our unicast one */
		if ((l2_group && memcmp(mac, eth_dst, 6) != 0) || !group_is_joined(port, dst))
			return NET_DROP_ip6_group;
		return -1;
	}
	own = net_own6(port, dst);
	if (own == NULL)
		return NET_DROP_ip6_not_ours;
	return l2_group ? NET_DROP_ip6_group : -1;
}

int net_ip6_input(struct net *net, unsigned port_index, struct rte_mbuf *m, bool l2_group, uint64_t now_ns)
{
	const struct net_port *port = &net->shared->ports[port_index];
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *eth = p - m->l2_len;
	const struct net_own *own;
	struct base_addr src;
	struct base_addr dst;
	struct wire_ip6 ip6;
	bool group;
	int rc;
	int drop;

	rc = wire_ip6_parse(p, m->data_len, m->pkt_len, &ip6);
	if (unlikely(rc < 0)) {
		drop = header_drop(rc);
		if (drop >= 0)
			return drop;
	}
	src = base_addr_v6(p + 8);
	dst = base_addr_v6(p + 24);
	drop = destination_judge(port, &dst, eth, l2_group);
	if (unlikely(drop >= 0))
		return drop;
	group = wire_ip6_is_group(dst.b);
	/* NDP alone may speak from our own address: that is how another holder is found (RFC 4862
	 * section 5.4.4) */
	if (unlikely(wire_ip6_is_martian(src.b) ||
		     (ip6.upper_proto != WIRE_PROTO_ICMP6 && net_own6(port, &src) != NULL)))
		return NET_DROP_ip6_source;
	if (ip6.total_len < m->pkt_len && rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - ip6.total_len)) != 0)
		return NET_DROP_eth_chain;
	if (unlikely(rc < 0))
		return extension_drop(net, port_index, m, rc, &ip6, now_ns);
	next_hop_seen(net, port_index, &src, eth + 6, now_ns);
	/* NDP speaks to addresses that are still being probed, nobody else does: RFC 4862 section 5.4 */
	if (ip6.upper_proto == WIRE_PROTO_ICMP6)
		return net_icmp6_input(net, port_index, m, &ip6, group, now_ns);
	if (wire_ip6_is_unspecified(src.b))
		return NET_DROP_ip6_source;
	own = group ? NULL : net_own6(port, &dst);
	if (own != NULL && !net_own_ready(own))
		return NET_DROP_ip6_tentative;
	if (ip6.upper_proto == WIRE_PROTO_TCP && !group)
		return net_tcp_input(net, port_index, m, false, ip6.upper_offset);
	if (ip6.upper_proto == WIRE_PROTO_UDP)
		return net_icmp6_error_send(net, port_index, m, WIRE_ICMP6_UNREACHABLE, WIRE_ICMP6_CODE_PORT,
					    0, false, NET_DROP_udp_no_port, now_ns);
	return net_icmp6_error_send(net, port_index, m, WIRE_ICMP6_PARAMETER, WIRE_ICMP6_CODE_HEADER,
				    ip6.pointer, false, NET_DROP_ip6_protocol, now_ns);
}
