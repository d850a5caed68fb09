/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP in: RFC 826 as RFC 5227 amends it. A request is answered and teaches nothing; an answer counts only
 * when it was asked for; somebody else with our address is met as own_address.h says. On the neighbour core.
 */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/arp.h"
#include "dataplane/wire/eth.h"

static int request_answer(struct net *net, unsigned port, const struct wire_arp *arp,
			  const struct net_own *own, uint64_t now_ns)
{
	struct net_neigh *neigh = net->neigh;

	if (!net_own_ready(own))
		return NET_DROP_arp_tentative;
	if (!gcra_ready(&neigh->answers_full_at, &net->shared->neigh_total, now_ns))
		return NET_DROP_arp_limit;
	gcra_take(&neigh->answers_full_at, &net->shared->neigh_total, now_ns);
	net_count(net, NET_COUNTER_arp_answered);
	net_arp_send(net, port, WIRE_ARP_REPLY, arp->target_ip, arp->sender_ip, arp->sender_mac);
	return NET_ANSWERED_APART;
}

static int answer_take(struct net *net, unsigned port, const struct wire_arp *arp,
		       const struct base_addr *sender, uint64_t now_ns)
{
	switch (neigh_answer(&net->neigh->machine, port, sender, arp->sender_mac, now_ns)) {
	case NEIGH_ANSWER_MOVED:
		net_count(net, NET_COUNTER_neigh_moved);
		break;
	case NEIGH_ANSWER_TAKEN:
		break;
	default:
		return NET_DROP_arp_unsolicited;
	}
	net_count(net, NET_COUNTER_neigh_answers);
	return NET_CONSUMED;
}

int net_arp_input(struct net *net, unsigned port_index, struct rte_mbuf *m, uint64_t now_ns)
{
	const struct net_port *port = &net->shared->ports[port_index];
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct net_own *target;
	const struct net_own *claimed;
	struct base_addr sender;
	struct wire_arp arp;
	uint32_t ip;
	bool probe;
	int rc = wire_arp_parse(p, m->data_len, &arp);

	if (rc < 0)
		return rc == WIRE_ARP_SHORT ? NET_DROP_arp_short : NET_DROP_arp_bad;
	sender = base_addr_v4(arp.sender_ip);
	probe = sender.w[3] == 0;
	claimed = net_own4(port, sender.w[3]);
	/* RFC 5227 section 2.1.1 and 2.4; a station that mirrors our own frames is no conflict */
	if (claimed != NULL && !wire_mac_equal(arp.sender_mac, port->mac)) {
		net_own_conflict(net, port_index, claimed, now_ns);
		return NET_DROP_arp_conflict;
	}
	if (claimed != NULL)
		return NET_DROP_eth_source;
	if (!probe && wire_ip4_is_martian(arp.sender_ip))
		return NET_DROP_arp_bad;
	memcpy(&ip, arp.target_ip, 4);
	target = net_own4(port, ip);
	if (target == NULL) {
		/* others among themselves; an announcement (RFC 5227 section 3) may be of somebody whom we
		 * know */
		if (!probe)
			neigh_claim(&net->neigh->machine, port_index, &sender, arp.sender_mac, now_ns);
		return NET_DROP_arp_not_ours;
	}
	if (arp.op == WIRE_ARP_REPLY) {
		if (probe || !wire_mac_equal(arp.target_mac, port->mac))
			return NET_DROP_arp_unsolicited;
		return answer_take(net, port_index, &arp, &sender, now_ns);
	}
	/* two that probe one address at the same time: neither may have it (RFC 5227 section 2.1.1) */
	if (probe && net->neigh->own[port_index][target - port->own].phase == OWN_PROBING)
		net_own_conflict(net, port_index, target, now_ns);
	else if (!probe)
		neigh_claim(&net->neigh->machine, port_index, &sender, arp.sender_mac, now_ns);
	return request_answer(net, port_index, &arp, target, now_ns);
}
