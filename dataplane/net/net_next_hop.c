/* SPDX-License-Identifier: BSD-3-Clause */
/* From destination to station. A small cache per core in front of the published neighbour table: a line that
 * was read at the table's present generation needs no second look. */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/eth.h"

static struct next_hop *cache_line(struct net *net, unsigned port, const struct base_addr *dst)
{
	return &net->next_hops[net_mix(net->shared, dst->q[0] ^ port, dst->q[1]) % NET_NEXT_HOPS];
}

bool net_prefix_match(const struct net_own *own, const struct base_addr *addr)
{
	unsigned skip = base_addr_is_v4(&own->addr) ? 12 : 0;
	unsigned bits = own->prefix_len;
	const uint8_t *a = own->addr.b + skip;
	const uint8_t *b = addr->b + skip;

	if (skip != 0 && !base_addr_is_v4(addr))
		return false;
	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & (0xff00 >> bits % 8) & 0xff) == 0;
}

/* Host of a subnet that no station may be: network and broadcast address (RFC 3021 lets /31 and /32 be). */
static bool is_directed_broadcast(const struct net_own *own, const struct base_addr *addr)
{
	uint32_t host_bits = own->prefix_len >= 31 ? 0 : UINT32_MAX >> own->prefix_len;
	uint32_t host = __builtin_bswap32(addr->w[3]) & host_bits;

	return host_bits != 0 && (host == host_bits || host == 0);
}

static bool router_learned(const struct net_port *port, struct base_addr *router)
{
	/* relaxed: the address is all there is; a router's prefix is always fe80::/64 here */
	uint64_t low = atomic_load_explicit(&port->router, memory_order_relaxed);

	if (low == 0)
		return false;
	memset(router, 0, sizeof(*router));
	router->b[0] = 0xfe;
	router->b[1] = 0x80;
	router->q[1] = low;
	return true;
}

/* False: no route. */
static bool hop_choose(const struct net_port *port, const struct base_addr *dst, struct base_addr *hop)
{
	bool v4 = base_addr_is_v4(dst);

	*hop = *dst;
	if (v4 ? wire_ip4_is_martian(dst->b + 12)
	       : wire_ip6_is_martian(dst->b) || wire_ip6_is_unspecified(dst->b))
		return false;
	if (!v4 && wire_ip6_is_link_local(dst->b))
		return net_own6(port, dst) == NULL;
	for (unsigned i = v4 ? 0 : port->n_own4; i < (v4 ? port->n_own4 : port->n_own); i++) {
		const struct net_own *own = &port->own[i];

		if (base_addr_equal(&own->addr, dst))
			return false;
		if (net_prefix_match(own, dst))
			return !v4 || !is_directed_broadcast(own, dst);
	}
	if (v4) {
		*hop = port->gateway4;
		return port->has_gateway4;
	}
	*hop = port->gateway6;
	return port->has_gateway6 || router_learned(port, hop);
}

enum next_hop_result next_hop_find(struct net *net, unsigned port, const struct base_addr *dst,
				   const struct next_hop **found, struct base_addr *hop)
{
	struct next_hop *line = cache_line(net, port, dst);
	uint32_t generation = neigh_table_generation(net->shared->neighbours);
	enum neigh_public state;
	uint8_t mac[6];
	int slot;

	*found = line;
	if (likely(line->generation == generation && line->port == port &&
		   base_addr_equal(&line->dst, dst))) {
		if (line->touched_s != net->now_s) {
			line->touched_s = net->now_s;
			neigh_table_touch(net->shared->neighbours, line->slot, net->now_s);
		}
		return NEXT_HOP_READY;
	}
	if (!hop_choose(&net->shared->ports[port], dst, hop))
		return NEXT_HOP_NO_ROUTE;
	slot = neigh_table_find(net->shared->neighbours, port, hop, &state, mac);
	if (slot == NEIGH_NONE)
		return NEXT_HOP_WAIT;
	neigh_table_touch(net->shared->neighbours, slot, net->now_s);
	if (state != NEIGH_USABLE)
		return state == NEIGH_FAILED ? NEXT_HOP_FAILED : NEXT_HOP_WAIT;
	line->dst = *dst;
	line->hop = *hop;
	line->port = (uint8_t)port;
	line->slot = slot;
	line->touched_s = net->now_s;
	line->verified_s = 0;
	memcpy(line->mac, mac, 6);
	/* read before the table was: a change in between makes this line old at once */
	line->generation = generation;
	return NEXT_HOP_READY;
}

void next_hop_seen(struct net *net, unsigned port, const struct base_addr *src, const uint8_t *mac,
		   uint64_t now_ns)
{
	struct next_hop *line = cache_line(net, port, src);

	if (line->generation == 0 || wire_mac_equal(line->mac, mac))
		return;
	/* once a second and line: the neighbour core has a slower bound of its own */
	if (line->port != port || !base_addr_equal(&line->dst, src) || line->verified_s == net->now_s)
		return;
	line->verified_s = net->now_s;
	net_neigh_ask(net, NEIGH_ASK_VERIFY, port, &line->hop, now_ns);
}

void net_neigh_ask(struct net *net, enum neigh_ask ask, unsigned port, const struct base_addr *addr,
		   uint64_t now_ns)
{
	struct neigh_request request = {.addr = *addr, .port = (uint8_t)port, .ask = (uint8_t)ask};

	if (net->neigh == NULL) {
		if (!neigh_request_put(net->shared->requests[net->core], &request))
			net_count(net, NET_COUNTER_neigh_requests_lost);
	} else if (ask == NEIGH_ASK_RESOLVE) {
		neigh_resolve(&net->neigh->machine, port, addr, now_ns);
	} else {
		neigh_verify(&net->neigh->machine, port, addr, now_ns);
	}
}
