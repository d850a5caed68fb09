/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 in, as a host: RFC 1122 section 3.2.1. What is not for an address of the arrival port ends here (the
 * strong model of section 3.3.4.2): nothing is ever forwarded. */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/icmp.h"

static int header_drop(int error)
{
	switch (error) {
	case WIRE_IP4_SHORT:
		return NET_DROP_ip4_short;
	case WIRE_IP4_VERSION:
		return NET_DROP_ip4_version;
	case WIRE_IP4_HEADER_LEN:
		return NET_DROP_ip4_header_len;
	case WIRE_IP4_TOTAL_LEN:
		return NET_DROP_ip4_total_len;
	case WIRE_IP4_CHECKSUM:
		return NET_DROP_ip4_checksum;
	case WIRE_IP4_OPTIONS:
		return NET_DROP_ip4_options;
	case WIRE_IP4_FRAGMENT:
		return NET_DROP_ip4_fragment;
	default:
		return NET_DROP_ip4_ttl;
	}
}

/* The broadcast addresses of a subnet of ours, old (all zeros) and new: RFC 1122 section 3.3.6 */
static bool is_subnet_broadcast(const struct net_port *port, const struct base_addr *addr)
{
	for (unsigned i = 0; i < port->n_own4; i++) {
		uint32_t host = port->own[i].prefix_len >= 31 ? 0 : UINT32_MAX >> port->own[i].prefix_len;
		uint32_t bits = __builtin_bswap32(addr->w[3]) & host;

		if (host != 0 && (bits == host || bits == 0) && net_prefix_match(&port->own[i], addr))
			return true;
	}
	return false;
}

static int wrong_destination(const struct net_port *port, const uint8_t *dst)
{
	struct base_addr addr = base_addr_v4(dst);

	if (dst[0] >= 224 || is_subnet_broadcast(port, &addr))
		return NET_DROP_ip4_broadcast;
	return NET_DROP_ip4_not_ours;
}

int net_ip4_input(struct net *net, unsigned port_index, struct rte_mbuf *m, const uint8_t *eth_source,
		  bool l2_group, uint64_t now_ns)
{
	const struct net_port *port = &net->shared->ports[port_index];
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint64_t known = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	const struct net_own *own;
	struct base_addr src;
	uint16_t total;
	uint32_t dst;
	int rc;

	rc = wire_ip4_parse(p, m->data_len, m->pkt_len, known == RTE_MBUF_F_RX_IP_CKSUM_GOOD, &total);
	if (unlikely(rc < 0))
		return header_drop(rc);
	if (unlikely(known == RTE_MBUF_F_RX_IP_CKSUM_BAD))
		return NET_DROP_ip4_checksum;
	memcpy(&dst, p + 16, 4);
	own = net_own4(port, dst);
	if (unlikely(own == NULL || !net_own_ready(own)))
		return own == NULL ? wrong_destination(port, p + 16) : NET_DROP_ip4_not_ours;
	/* RFC 1122 section 3.3.6: unicast that came as link broadcast is not for us */
	if (unlikely(l2_group))
		return NET_DROP_ip4_broadcast;
	src = base_addr_v4(p + 12);
	if (unlikely(wire_ip4_is_martian(p + 12) || net_own4(port, src.w[3]) != NULL ||
		     is_subnet_broadcast(port, &src)))
		return NET_DROP_ip4_source;
	if (total < m->pkt_len && rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - total)) != 0)
		return NET_DROP_eth_chain;
	next_hop_seen(net, port_index, &src, eth_source, now_ns);
	switch (p[9]) {
	case WIRE_PROTO_TCP:
		return net_tcp_input(net, port_index, m, true, WIRE_IP4_LEN);
	case WIRE_PROTO_ICMP4:
		return net_icmp4_input(net, port_index, m, now_ns);
	case WIRE_PROTO_UDP:
		return net_icmp4_error_send(net, port_index, m, WIRE_ICMP4_UNREACHABLE, WIRE_ICMP4_CODE_PORT,
					    NET_DROP_udp_no_port, now_ns);
	default:
		return net_icmp4_error_send(net, port_index, m, WIRE_ICMP4_UNREACHABLE, WIRE_ICMP4_CODE_PROTO,
					    NET_DROP_ip4_protocol, now_ns);
	}
}
