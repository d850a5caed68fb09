/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP segments on their way up: to the core that owns the flow, and there checked as far as IP can. */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/bytes.h"
#include "dataplane/wire/tcp_header.h"

static inline void addresses_get(const uint8_t *p, bool v4, struct base_addr *src, struct base_addr *dst)
{
	if (v4) {
		*src = base_addr_v4(p + 12);
		*dst = base_addr_v4(p + 16);
	} else {
		*src = base_addr_v6(p + 8);
		*dst = base_addr_v6(p + 24);
	}
}

int net_tcp_input(struct net *net, unsigned port, struct rte_mbuf *m, bool v4, unsigned l3_len)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct base_addr src;
	struct base_addr dst;
	unsigned owner;

	if (net->shared->n_cores == 1)
		return net_tcp_local(net, port, m, v4, l3_len);
	if (m->data_len < l3_len + 4)
		return NET_DROP_l4_short;
	if (net->shared->ports[port].hash_is_ours && (m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0) {
		net_count(net, NET_COUNTER_hash_hardware);
		owner = net->shared->reta[m->hash.rss % NET_RETA_LEN];
	} else {
		net_count(net, NET_COUNTER_hash_software);
		addresses_get(p, v4, &src, &dst);
		owner = net_owner(net->shared, &src, &dst, wire_get16(p + l3_len),
				  wire_get16(p + l3_len + 2));
	}
	if (owner == net->core)
		return net_tcp_local(net, port, m, v4, l3_len);
	m->l3_len = l3_len & 0x1ff;
	return net_steer(net, owner, m, v4 ? NET_STEER_TCP4 : NET_STEER_TCP6, port);
}

static bool checksum_is_right(const struct net *net, const struct rte_mbuf *m, const uint8_t *p, bool v4,
			      unsigned l3_len)
{
	uint64_t known = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
	uint32_t len = m->pkt_len - l3_len;
	uint64_t sum;

	if (known == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		return true;
	if (known == RTE_MBUF_F_RX_L4_CKSUM_BAD)
		return false;
	sum = v4 ? wire_sum_pseudo(p + 12, p + 16, 4, WIRE_PROTO_TCP, len)
		 : wire_sum_pseudo(p + 8, p + 24, 16, WIRE_PROTO_TCP, len);
	return wire_sum_fold(sum + net_mbuf_sum(net->shared, m, l3_len, len)) == 0xffff;
}

int net_tcp_local(struct net *net, unsigned port, struct rte_mbuf *m, bool v4, unsigned l3_len)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct net_packet *up;
	struct wire_tcp tcp;

	if (unlikely(wire_tcp_parse(p + l3_len, m->data_len - l3_len, &tcp) < 0))
		return m->nb_segs > 1 ? NET_DROP_eth_chain : NET_DROP_l4_short;
	if (unlikely(!checksum_is_right(net, m, p, v4, l3_len)))
		return NET_DROP_l4_checksum;
	/* bursts are at most NET_BURST long, and what came before has been delivered */
	up = &net->up[net->n_up++];
	up->m = m;
	addresses_get(p, v4, &up->src, &up->dst);
	up->ecn = v4 ? p[1] & 3 : p[1] >> 4 & 3;
	up->hop_limit = v4 ? p[8] : p[7];
	up->port = (uint8_t)port;
	m->data_off = (uint16_t)(m->data_off + l3_len);
	m->data_len = (uint16_t)(m->data_len - l3_len);
	m->pkt_len -= l3_len;
	return NET_DELIVERED;
}
