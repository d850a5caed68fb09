/* SPDX-License-Identifier: BSD-3-Clause */
/* What all workers share, made before they start: ports and addresses, the ownership table, the neighbour
 * table, and the rings between cores. */
#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

#include "dataplane/net/net_internal.h"

#include "dataplane/wire/eth.h"

enum {
	STEER_SLOTS = 512,
	ECHO_TOTAL = 1000000,
	ECHO_PREFIX = 200000,
	ERROR_TOTAL = 1000,
	ERROR_PREFIX = 100,
	NEIGH_TOTAL = 10000,
	MTU_DEFAULT = 1500,
};

static const char *prefix_judge(const struct net_prefix *p)
{
	if (base_addr_is_v4(&p->addr))
		return p->len > 32 || wire_ip4_is_martian(p->addr.b + 12) ? "an IPv4 address is not a host's"
									  : NULL;
	return p->len > 128 || wire_ip6_is_martian(p->addr.b) || wire_ip6_is_unspecified(p->addr.b)
		       ? "an IPv6 address is not a host's"
		       : NULL;
}

static const char *port_judge(const struct net_port_config *c)
{
	const char *why = NULL;

	if (c->n_addresses > NET_ADDRESSES_MAX)
		return "too many addresses on a port";
	if (wire_mac_is_group(c->mac) || wire_mac_is_zero(c->mac))
		return "a port's MAC address is a group or zero";
	if (c->tx_queues == 0)
		return "a port has no transmit queue";
	if (c->vlan > 4094)
		return "a VLAN is over 4094";
	if (c->mtu != 0 && c->mtu < PATH_MTU_MIN4)
		return "an MTU is below 576";
	for (unsigned i = 0; i < c->n_addresses && why == NULL; i++) {
		why = prefix_judge(&c->addresses[i]);
		if (!base_addr_is_v4(&c->addresses[i].addr) && c->mtu != 0 && c->mtu < PATH_MTU_MIN6)
			why = "an MTU is below the 1280 that IPv6 needs";
	}
	return why;
}

static bool addresses_are_unique(const struct net_shared_config *c)
{
	for (unsigned p = 0; p < c->n_ports; p++)
		for (unsigned i = 0; i < c->ports[p].n_addresses; i++)
			for (unsigned q = p; q < c->n_ports; q++)
				for (unsigned k = q == p ? i + 1 : 0; k < c->ports[q].n_addresses; k++)
					if (base_addr_equal(&c->ports[p].addresses[i].addr,
							    &c->ports[q].addresses[k].addr))
						return false;
	return true;
}

static const char *config_judge(const struct net_shared_config *c)
{
	const char *why = NULL;

	if (c->n_cores == 0 || c->n_cores > NET_CORES_MAX)
		return "the number of workers is out of range";
	if (c->n_ports > NET_PORTS_MAX)
		return "too many ports";
	for (unsigned i = 0; i < c->n_ports && why == NULL; i++)
		why = port_judge(&c->ports[i]);
	if (why == NULL && !addresses_are_unique(c))
		why = "an address is configured twice";
	return why;
}

static void own_add(struct net_port *port, const struct base_addr *addr, uint8_t len, bool careful)
{
	struct net_own *own = &port->own[port->n_own++];

	own->addr = *addr;
	own->prefix_len = len;
	atomic_init(&own->state, careful ? NET_ADDRESS_TENTATIVE : NET_ADDRESS_READY);
}

static void port_fill(struct net_port *port, const struct net_port_config *c, bool careful)
{
	bool link_local = false;
	struct base_addr addr;

	port->dpdk_port = c->dpdk_port;
	port->vlan = c->vlan;
	port->tx_queues = c->tx_queues;
	port->tx_offloads = c->tx_offloads;
	port->side = (uint8_t)c->side;
	memcpy(port->mac, c->mac, 6);
	port->hash_is_ours = c->hash_is_ours;
	port->accept_ra = c->accept_ra;
	port->has_gateway4 = c->has_gateway4;
	port->has_gateway6 = c->has_gateway6;
	port->gateway4 = c->gateway4;
	port->gateway6 = c->gateway6;
	port->mtu_configured = c->mtu != 0 ? c->mtu : MTU_DEFAULT;
	atomic_init(&port->mtu, port->mtu_configured);
	atomic_init(&port->link, NET_LINK_UP);
	atomic_init(&port->router, 0);
	for (unsigned i = 0; i < c->n_addresses; i++)
		if (base_addr_is_v4(&c->addresses[i].addr))
			own_add(port, &c->addresses[i].addr, c->addresses[i].len, careful);
	port->n_own4 = port->n_own;
	for (unsigned i = 0; i < c->n_addresses; i++) {
		if (base_addr_is_v4(&c->addresses[i].addr))
			continue;
		own_add(port, &c->addresses[i].addr, c->addresses[i].len, careful);
		link_local |= wire_ip6_is_link_local(c->addresses[i].addr.b);
	}
	if (port->n_own > port->n_own4 && !link_local) {
		wire_ip6_link_local_of(port->mac, addr.b);
		own_add(port, &addr, 64, careful);
	}
}

static struct gcra_rate rate_of(uint32_t configured, uint32_t standard)
{
	return gcra_rate_of(configured == 0 ? standard : configured);
}

/* A worker's share of a total. One source's frames usually reach one worker, so a share is never below what
 * one prefix may have. */
static struct gcra_rate share_of(uint32_t total, uint32_t standard_total, uint32_t prefix,
				 uint32_t standard_prefix, unsigned n_cores)
{
	uint32_t least = prefix == 0 ? standard_prefix : prefix;
	uint32_t share;

	total = total == 0 ? standard_total : total;
	if (total == UINT32_MAX)
		return gcra_rate_of(total);
	share = total / n_cores;
	if (least > total)
		least = total;
	return gcra_rate_of(share < least ? least : share);
}

static void limits_fill(struct net_shared *s, const struct net_limits *l)
{
	s->echo_prefix = rate_of(l->echo_prefix, ECHO_PREFIX);
	s->error_prefix = rate_of(l->error_prefix, ERROR_PREFIX);
	s->neigh_total = rate_of(l->neigh_total, NEIGH_TOTAL);
	s->echo_total = share_of(l->echo_total, ECHO_TOTAL, l->echo_prefix, ECHO_PREFIX, s->n_cores);
	s->error_total = share_of(l->error_total, ERROR_TOTAL, l->error_prefix, ERROR_PREFIX, s->n_cores);
}

static struct rte_ring *ring_new(unsigned slots)
{
	ssize_t size = rte_ring_get_memsize(slots);
	struct rte_ring *ring = size < 0 ? NULL : rte_zmalloc("net_steer", (size_t)size, RTE_CACHE_LINE_SIZE);

	if (ring != NULL && rte_ring_init(ring, "steer", slots, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
		rte_free(ring);
		return NULL;
	}
	return ring;
}

static int rings_make(struct net_shared *s, unsigned slots)
{
	for (unsigned from = 0; from < s->n_cores; from++) {
		if (from != NET_NEIGH_CORE) {
			s->requests[from] = rte_zmalloc("net_requests", sizeof(*s->requests[from]), 64);
			if (s->requests[from] == NULL)
				return -ENOMEM;
		}
		for (unsigned to = 0; to < s->n_cores; to++) {
			if (to == from)
				continue;
			s->steer[from][to] = ring_new(slots);
			if (s->steer[from][to] == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

struct net_shared *net_shared_create(const struct net_shared_config *config, const char **why)
{
	/* the override is for tests and for doubts about a CPU: see wire/README.md */
	const struct wire_sum_kernel *kernel = wire_sum_pick(getenv("SALLYPORT_CHECKSUM"));
	struct net_shared *s;
	struct base_rng rng;
	uint64_t key[2];

	*why = config_judge(config);
	if (*why == NULL && kernel == NULL)
		*why = "SALLYPORT_CHECKSUM names no kernel that runs here";
	if (*why == NULL && config->steer_slots != 0 && !rte_is_power_of_2(config->steer_slots))
		*why = "the steering ring's size is no power of two";
	if (*why != NULL) {
		errno = EINVAL;
		return NULL;
	}
	*why = "no memory";
	s = rte_zmalloc("net_shared", sizeof(*s), RTE_CACHE_LINE_SIZE);
	if (s == NULL)
		goto no_memory;
	s->neighbours = rte_zmalloc("net_neighbours", sizeof(*s->neighbours), RTE_CACHE_LINE_SIZE);
	if (s->neighbours == NULL)
		goto no_memory;
	s->n_cores = config->n_cores;
	s->n_ports = config->n_ports;
	s->careful = config->careful_addresses;
	s->sum = kernel->sum;
	s->seed = config->seed;
	base_rng_seed(&rng, config->seed);
	s->key[0] = base_rng_next(&rng);
	s->key[1] = base_rng_next(&rng);
	key[0] = base_rng_next(&rng);
	key[1] = base_rng_next(&rng);
	neigh_table_init(s->neighbours, key);
	limits_fill(s, &config->limits);
	net_owner_init(s, config->rss_key);
	for (unsigned i = 0; i < s->n_ports; i++)
		port_fill(&s->ports[i], &config->ports[i], s->careful);
	if (rings_make(s, config->steer_slots != 0 ? config->steer_slots : STEER_SLOTS) < 0)
		goto no_memory;
	*why = NULL;
	return s;

no_memory:
	net_shared_destroy(s);
	errno = ENOMEM;
	return NULL;
}

static void ring_free(struct rte_ring *ring)
{
	struct rte_mbuf *m;

	if (ring == NULL)
		return;
	while (rte_ring_sc_dequeue(ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_free(ring);
}

void net_shared_destroy(struct net_shared *shared)
{
	if (shared == NULL)
		return;
	for (unsigned from = 0; from < shared->n_cores; from++) {
		rte_free(shared->requests[from]);
		for (unsigned to = 0; to < shared->n_cores; to++)
			ring_free(shared->steer[from][to]);
	}
	rte_free(shared->neighbours);
	rte_free(shared);
}

void net_link_set(struct net_shared *shared, unsigned port, enum net_link link)
{
	/* relaxed: workers act on it when they see it */
	atomic_store_explicit(&shared->ports[port].link, (uint8_t)link, memory_order_relaxed);
}

enum net_link net_link_get(const struct net_shared *shared, unsigned port)
{
	return (enum net_link)atomic_load_explicit(&shared->ports[port].link, memory_order_relaxed);
}

int net_address_get(const struct net_shared *shared, unsigned port, unsigned i, struct net_prefix *prefix,
		    enum net_address_state *state)
{
	const struct net_own *own;

	if (port >= shared->n_ports || i >= shared->ports[port].n_own)
		return -ENOENT;
	own = &shared->ports[port].own[i];
	prefix->addr = own->addr;
	prefix->len = own->prefix_len;
	*state = (enum net_address_state)atomic_load_explicit(&own->state, memory_order_relaxed);
	return 0;
}
