/* SPDX-License-Identifier: BSD-3-Clause */
/* What the neighbour core does by the clock: own addresses, link changes, learned routers, the neighbour
 * machine. */
#include <errno.h>

#include <rte_malloc.h>

#include "dataplane/net/net_internal.h"

#include "dataplane/wire/arp.h"
#include "dataplane/wire/ndp.h"

static const struct neigh_ops solicit_ops = {.solicit = net_solicit};

enum { ROUTER_SOLICITS = 3 /* RFC 4861 MAX_RTR_SOLICITATIONS */ };
#define ROUTER_SOLICIT_NS UINT64_C(4000000000) /* RTR_SOLICITATION_INTERVAL */

static void own_state_set(struct net_own *own, const struct own_address *fsm)
{
	uint8_t state = fsm->phase == OWN_DUPLICATE ? NET_ADDRESS_DUPLICATE
			: own_address_usable(fsm)   ? NET_ADDRESS_READY
						    : NET_ADDRESS_TENTATIVE;

	/* relaxed: a frame judged by the old state was judged in time */
	atomic_store_explicit(&own->state, state, memory_order_relaxed);
}

static void own_act(struct net *net, unsigned port, const struct net_own *own, enum own_action action)
{
	static const uint8_t unspecified[4];
	bool v4 = base_addr_is_v4(&own->addr);

	if (action == OWN_PROBE && v4)
		net_arp_send(net, port, WIRE_ARP_REQUEST, unspecified, own->addr.b + 12, NULL);
	else if (action == OWN_PROBE)
		net_ns_send(net, port, &own->addr, NULL, true);
	else if (action == OWN_ANNOUNCE && v4)
		net_arp_send(net, port, WIRE_ARP_REQUEST, own->addr.b + 12, own->addr.b + 12, NULL);
	else if (action == OWN_ANNOUNCE)
		net_na_send(net, port, &own->addr, NULL, NULL, WIRE_NDP_OVERRIDE);
}

static void port_start(struct net *net, unsigned port_index, uint64_t now_ns)
{
	struct net_port *port = &net->shared->ports[port_index];
	struct net_neigh *neigh = net->neigh;

	for (unsigned i = 0; i < port->n_own; i++) {
		struct own_address *fsm = &neigh->own[port_index][i];

		own_address_start(fsm, i < port->n_own4, net->shared->careful, &net->rng, now_ns);
		own_state_set(&port->own[i], fsm);
	}
	if (port->has_gateway4)
		neigh_pin(&neigh->machine, port_index, &port->gateway4, now_ns);
	if (port->has_gateway6)
		neigh_pin(&neigh->machine, port_index, &port->gateway6, now_ns);
	neigh->solicits[port_index] = 0;
	neigh->solicit_at[port_index] = now_ns + NET_TICK_NS;
}

int net_neigh_start(struct net *net)
{
	struct net_neigh *neigh = rte_zmalloc("net_neigh", sizeof(*neigh), RTE_CACHE_LINE_SIZE);
	uint64_t nonce = base_rng_next(&net->rng);

	if (neigh == NULL)
		return -ENOMEM;
	memcpy(neigh->nonce, &nonce, 6);
	neigh_init(&neigh->machine, net->shared->neighbours, &solicit_ops, net, base_rng_next(&net->rng));
	/* every port starts as down, so that its first "up" starts its addresses */
	memset(neigh->link_seen, NET_LINK_DOWN, sizeof(neigh->link_seen));
	net->neigh = neigh;
	return 0;
}

void net_own_conflict(struct net *net, unsigned port_index, const struct net_own *own, uint64_t now_ns)
{
	struct net_port *port = &net->shared->ports[port_index];
	unsigned i = (unsigned)(own - port->own);
	struct own_address *fsm = &net->neigh->own[port_index][i];
	enum own_action action = own_address_conflict(fsm, now_ns);

	own_state_set(&port->own[i], fsm);
	if (action != OWN_NOTHING)
		net_count(net, NET_COUNTER_defended);
	own_act(net, port_index, own, action);
}

static unsigned own_timers(struct net *net, unsigned port_index, uint64_t now_ns)
{
	struct net_port *port = &net->shared->ports[port_index];
	unsigned ran = 0;

	for (unsigned i = 0; i < port->n_own; i++) {
		struct own_address *fsm = &net->neigh->own[port_index][i];

		if (now_ns < fsm->due)
			continue;
		own_act(net, port_index, &port->own[i], own_address_timer(fsm, &net->rng, now_ns));
		own_state_set(&port->own[i], fsm);
		ran++;
	}
	return ran;
}

void net_router_learned(struct net *net, unsigned port_index, const struct base_addr *router,
			uint16_t lifetime_s, uint32_t mtu, uint64_t now_ns)
{
	struct net_port *port = &net->shared->ports[port_index];
	uint64_t known = atomic_load_explicit(&port->router, memory_order_relaxed);

	/* RFC 4861 section 6.3.4: the first router stays until its time is over or it resigns */
	if (!port->has_gateway6 && (known == 0 || known == router->q[1])) {
		uint64_t next = lifetime_s == 0 ? 0 : router->q[1];

		net->neigh->router_until[port_index] = now_ns + lifetime_s * UINT64_C(1000000000);
		if (next != known) {
			atomic_store_explicit(&port->router, next, memory_order_relaxed);
			neigh_table_bump(net->shared->neighbours);
		}
	}
	if (mtu >= PATH_MTU_MIN6 && mtu <= port->mtu_configured)
		atomic_store_explicit(&port->mtu, (uint16_t)mtu, memory_order_relaxed);
}

static void router_timers(struct net *net, unsigned port_index, uint64_t now_ns)
{
	struct net_port *port = &net->shared->ports[port_index];
	struct net_neigh *neigh = net->neigh;
	uint64_t known;

	if (!port->accept_ra)
		return;
	known = atomic_load_explicit(&port->router, memory_order_relaxed);
	if (known != 0 && now_ns >= neigh->router_until[port_index]) {
		atomic_store_explicit(&port->router, 0, memory_order_relaxed);
		neigh_table_bump(net->shared->neighbours);
		neigh->solicits[port_index] = 0;
		known = 0;
	}
	if (known == 0 && neigh->solicits[port_index] < ROUTER_SOLICITS &&
	    now_ns >= neigh->solicit_at[port_index]) {
		neigh->solicits[port_index]++;
		neigh->solicit_at[port_index] = now_ns + ROUTER_SOLICIT_NS;
		net_rs_send(net, port_index);
	}
}

static void link_check(struct net *net, unsigned port, uint64_t now_ns)
{
	struct net_neigh *neigh = net->neigh;
	uint8_t link = atomic_load_explicit(&net->shared->ports[port].link, memory_order_relaxed);

	if (link == neigh->link_seen[port])
		return;
	neigh->link_seen[port] = link;
	if (link == NET_LINK_UP) {
		neigh_link_up(&neigh->machine, port, now_ns);
		port_start(net, port, now_ns);
	}
}

static void events_take(struct net *net)
{
	struct neigh_events *e = &net->neigh->machine.events;

	net->stats->counters[NET_COUNTER_neigh_verify] += e->verify;
	net->stats->counters[NET_COUNTER_neigh_failed] += e->failed;
	net->stats->counters[NET_COUNTER_neigh_evicted] += e->evicted;
	memset(e, 0, sizeof(*e));
}

unsigned net_neigh_timers(struct net *net, uint64_t now_ns)
{
	struct net_neigh *neigh = net->neigh;
	unsigned ran = neigh_timers(&neigh->machine, now_ns);

	if (now_ns < neigh->next_tick)
		return ran;
	neigh->next_tick = now_ns + NET_TICK_NS;
	for (unsigned port = 0; port < net->shared->n_ports; port++) {
		link_check(net, port, now_ns);
		if (neigh->link_seen[port] != NET_LINK_UP)
			continue;
		ran += own_timers(net, port, now_ns);
		router_timers(net, port, now_ns);
	}
	events_take(net);
	return ran;
}
