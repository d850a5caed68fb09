/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker's net: made, turned, ended. */
#include "dataplane/net/net.h"

#include <errno.h>

#include <rte_malloc.h>

#include "dataplane/net/net_internal.h"

struct net *net_create(struct net_shared *shared, unsigned core, struct rte_mempool *pool,
		       const struct net_l4_ops *ops, void *ctx, struct net_stats *stats)
{
	struct net *net;
	uint64_t key[2];

	if (core >= shared->n_cores) {
		errno = EINVAL;
		return NULL;
	}
	net = rte_zmalloc("net", sizeof(*net), RTE_CACHE_LINE_SIZE);
	if (net == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	net->shared = shared;
	net->core = core;
	net->pool = pool;
	net->ops = ops;
	net->ctx = ctx;
	net->stats = stats != NULL ? stats : &net->own_stats;
	base_rng_seed(&net->rng, shared->seed ^ (core + 1) * UINT64_C(0x9e3779b97f4a7c15));
	key[0] = base_rng_next(&net->rng);
	key[1] = base_rng_next(&net->rng);
	path_mtu_init(&net->paths, key);
	if (core == NET_NEIGH_CORE && net_neigh_start(net) < 0) {
		rte_free(net);
		errno = ENOMEM;
		return NULL;
	}
	return net;
}

void net_destroy(struct net *net)
{
	if (net == NULL)
		return;
	for (unsigned i = 0; i < net->shared->n_ports; i++)
		rte_pktmbuf_free_bulk(net->txq[i].frames, net->txq[i].n);
	for (unsigned i = 0; i < net->shared->n_cores; i++)
		rte_pktmbuf_free_bulk(net->stage[i].frames, net->stage[i].n);
	for (unsigned i = 0; i < net->n_waits; i++)
		rte_pktmbuf_free_bulk(net->waits[i].frames, net->waits[i].n);
	rte_free(net->neigh);
	rte_free(net);
}

const struct net_stats *net_stats_get(const struct net *net)
{
	return net->stats;
}

unsigned net_timers(struct net *net, uint64_t now_ns)
{
	unsigned ran = 0;

	net->now_s = (uint32_t)(now_ns / 1000000000);
	if (net->neigh != NULL)
		ran = net_neigh_timers(net, now_ns);
	if (net->n_waits > 0)
		ran += net_wait_check(net, now_ns);
	return ran;
}

unsigned net_flush(struct net *net, uint64_t now_ns)
{
	unsigned sent = net_transmit_flush(net);

	if (net->shared->n_cores > 1) {
		net_steer_flush(net);
		/* a steered frame that found its ring full is freed here, not at the next burst */
		net_deliver(net, now_ns);
	}
	return sent;
}
