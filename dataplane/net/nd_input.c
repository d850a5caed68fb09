/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery in: RFC 4861 sections 6.1 and 7, RFC 4862 section 5.4. Checksum and hop limit have been
 * judged. As with ARP, a solicitation teaches nothing and an advertisement counts only when it was asked for.
 * On the neighbour core. */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/eth.h"
#include "dataplane/wire/ndp.h"

/* One message on its way through here. */
struct nd {
	const uint8_t *eth_source;
	struct base_addr src, dst, target;
	struct wire_ndp m;
	bool probe; /* from the unspecified address */
};

static int ns_input(struct net *net, unsigned port, const struct nd *nd, uint64_t now_ns)
{
	struct net_neigh *neigh = net->neigh;
	const struct net_own *own = net_own6(&net->shared->ports[port], &nd->target);
	const uint8_t *station = nd->m.has_source_mac ? nd->m.source_mac : nd->eth_source;

	/* RFC 4861 section 7.1.1 */
	if (nd->probe && (!wire_ip6_is_group(nd->dst.b) || nd->m.has_source_mac))
		return NET_DROP_nd_bad;
	if (!nd->probe && wire_ip6_is_group(nd->dst.b) && !nd->m.has_source_mac)
		return NET_DROP_nd_bad;
	if (own == NULL)
		return NET_DROP_nd_not_ours;
	if (net_own6(&net->shared->ports[port], &nd->src) != NULL) {
		net_own_conflict(net, port, net_own6(&net->shared->ports[port], &nd->src), now_ns);
		return NET_DROP_nd_conflict;
	}
	if (nd->probe && nd->m.has_nonce && memcmp(nd->m.nonce, neigh->nonce, 6) == 0)
		return NET_DROP_eth_source; /* our own, looped back: RFC 7527 section 4.2 */
	if (nd->probe && neigh->own[port][own - net->shared->ports[port].own].phase == OWN_PROBING) {
		net_own_conflict(net, port, own, now_ns);
		return NET_DROP_nd_conflict;
	}
	if (!net_own_ready(own))
		return NET_DROP_nd_tentative;
	if (!gcra_ready(&neigh->answers_full_at, &net->shared->neigh_total, now_ns))
		return NET_DROP_nd_limit;
	gcra_take(&neigh->answers_full_at, &net->shared->neigh_total, now_ns);
	net_count(net, NET_COUNTER_nd_answered);
	if (nd->probe) {
		/* RFC 4861 section 7.2.4: to all nodes, not solicited */
		net_na_send(net, port, &nd->target, NULL, NULL, WIRE_NDP_OVERRIDE);
	} else {
		neigh_claim(&neigh->machine, port, &nd->src, station, now_ns);
		net_na_send(net, port, &nd->target, &nd->src, station,
			    WIRE_NDP_SOLICITED | WIRE_NDP_OVERRIDE);
	}
	return NET_ANSWERED_APART;
}

static int na_input(struct net *net, unsigned port, const struct nd *nd, uint64_t now_ns)
{
	const struct net_own *own = net_own6(&net->shared->ports[port], &nd->target);
	const uint8_t *station = nd->m.has_target_mac ? nd->m.target_mac : NULL;
	bool solicited = (nd->m.flags & WIRE_NDP_SOLICITED) != 0;

	/* RFC 4861 section 7.1.2 */
	if (solicited && wire_ip6_is_group(nd->dst.b))
		return NET_DROP_nd_bad;
	if (own != NULL) {
		net_own_conflict(net, port, own, now_ns);
		return NET_DROP_nd_conflict;
	}
	if (!solicited) {
		if (station != NULL)
			neigh_claim(&net->neigh->machine, port, &nd->target, station, now_ns);
		return NET_DROP_nd_unsolicited;
	}
	switch (neigh_answer(&net->neigh->machine, port, &nd->target, station, now_ns)) {
	case NEIGH_ANSWER_MOVED:
		net_count(net, NET_COUNTER_neigh_moved);
		break;
	case NEIGH_ANSWER_TAKEN:
		break;
	default:
		return NET_DROP_nd_unsolicited;
	}
	net_count(net, NET_COUNTER_neigh_answers);
	return NET_CONSUMED;
}

static int ra_input(struct net *net, unsigned port_index, const struct nd *nd, uint64_t now_ns)
{
	const struct net_port *port = &net->shared->ports[port_index];

	if (!port->accept_ra)
		return NET_DROP_nd_router;
	/* RFC 4861 section 6.1.2; only plain fe80::/64 routers are taken */
	if (!wire_ip6_is_link_local(nd->src.b) || nd->src.w[0] != rte_cpu_to_be_32(0xfe800000) ||
	    nd->src.w[1] != 0)
		return NET_DROP_nd_bad;
	net_router_learned(net, port_index, &nd->src, nd->m.lifetime, nd->m.mtu, now_ns);
	return NET_CONSUMED;
}

int net_nd_input(struct net *net, unsigned port, struct rte_mbuf *m, unsigned l3_len, uint64_t now_ns)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct nd nd;

	if (p[l3_len] == WIRE_NDP_RS || p[l3_len] == WIRE_NDP_REDIRECT)
		return NET_DROP_nd_router;
	if (m->nb_segs > 1 || wire_ndp_parse(p + l3_len, m->data_len - l3_len, &nd.m) < 0)
		return NET_DROP_nd_bad;
	nd.eth_source = p - m->l2_len + 6;
	nd.src = base_addr_v6(p + 8);
	nd.dst = base_addr_v6(p + 24);
	nd.target = base_addr_v6(nd.m.target);
	nd.probe = wire_ip6_is_unspecified(nd.src.b);
	if (nd.probe && nd.m.type != WIRE_NDP_NS)
		return NET_DROP_nd_bad;
	if (nd.m.type == WIRE_NDP_NS)
		return ns_input(net, port, &nd, now_ns);
	if (nd.m.type == WIRE_NDP_NA)
		return na_input(net, port, &nd, now_ns);
	return ra_input(net, port, &nd, now_ns);
}
