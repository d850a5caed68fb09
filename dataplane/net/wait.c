/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that wait for their neighbour's answer: few neighbours, few frames and bytes each, not for long
 * (RFC 1122 section 2.3.2.2, RFC 4861 section 7.2.2). */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/eth.h"

static struct net_wait *wait_find(struct net *net, unsigned port, const struct base_addr *hop)
{
	for (unsigned i = 0; i < net->n_waits; i++)
		if (net->waits[i].port == port && base_addr_equal(&net->waits[i].hop, hop))
			return &net->waits[i];
	return NULL;
}

static void oldest_drop(struct net *net, struct net_wait *w)
{
	struct rte_mbuf *m = w->frames[0];

	w->bytes -= m->pkt_len;
	w->n--;
	net->n_waiting--;
	memmove(w->frames, w->frames + 1, w->n * sizeof(w->frames[0]));
	net_output_drop(net, m, NET_OUTPUT_DROP_neigh_queue);
}

void net_wait_add(struct net *net, unsigned port, const struct base_addr *hop, struct rte_mbuf *m,
		  uint64_t now_ns)
{
	struct net_wait *w = wait_find(net, port, hop);

	if (w == NULL) {
		if (net->n_waits == NET_WAITS || net->n_waiting == NET_WAIT_TOTAL) {
			net_output_drop(net, m, NET_OUTPUT_DROP_neigh_full);
			return;
		}
		w = &net->waits[net->n_waits++];
		w->hop = *hop;
		w->port = (uint8_t)port;
		w->n = 0;
		w->bytes = 0;
		w->deadline = now_ns + NET_WAIT_NS;
		net_neigh_ask(net, NEIGH_ASK_RESOLVE, port, hop, now_ns);
	}
	/* the newest is kept: RFC 1122 section 2.3.2.2 */
	while (w->n > 0 && (net->n_waiting == NET_WAIT_TOTAL || w->n == NET_WAIT_FRAMES ||
			    w->bytes + m->pkt_len > NET_WAIT_BYTES))
		oldest_drop(net, w);
	net->n_waiting++;
	w->frames[w->n++] = m;
	w->bytes += m->pkt_len;
}

/* True: the entry is done with. */
static bool wait_end(struct net *net, struct net_wait *w, uint64_t now_ns)
{
	enum neigh_public state = NEIGH_UNRESOLVED;
	uint8_t mac[6];
	int slot = neigh_table_find(net->shared->neighbours, w->port, &w->hop, &state, mac);

	if (slot != NEIGH_NONE && state == NEIGH_USABLE) {
		neigh_table_touch(net->shared->neighbours, slot, net->now_s);
		for (unsigned i = 0; i < w->n; i++)
			net_transmit(net, w->port, w->frames[i], mac,
				     base_addr_is_v4(&w->hop) ? WIRE_ETH_IP4 : WIRE_ETH_IP6);
		return true;
	}
	if (state != NEIGH_FAILED && now_ns < w->deadline) {
		/* a request can be lost to a full ring, and an entry evicted: ask again, it is remembered
		 * there */
		if (slot == NEIGH_NONE)
			net_neigh_ask(net, NEIGH_ASK_RESOLVE, w->port, &w->hop, now_ns);
		return false;
	}
	for (unsigned i = 0; i < w->n; i++)
		net_output_drop(net, w->frames[i], NET_OUTPUT_DROP_neigh_failed);
	return true;
}

unsigned net_wait_check(struct net *net, uint64_t now_ns)
{
	uint32_t generation = neigh_table_generation(net->shared->neighbours);
	unsigned ended = 0;

	if (generation == net->wait_generation && now_ns < net->wait_check)
		return 0;
	net->wait_generation = generation;
	net->wait_check = now_ns + NET_WAIT_CHECK_NS;
	for (unsigned i = 0; i < net->n_waits;) {
		if (!wait_end(net, &net->waits[i], now_ns)) {
			i++;
			continue;
		}
		net->n_waiting -= net->waits[i].n;
		net->waits[i] = net->waits[--net->n_waits];
		ended++;
	}
	return ended;
}
