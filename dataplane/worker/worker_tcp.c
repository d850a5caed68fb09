/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/worker_tcp.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

enum {
	PROTO_TCP = 6,
	TX_MBUFS = 4095,
	COMPACT_MBUFS = 16383,
	CACHE = 256,
	COMPACT_ROOM = 512,
};

static void output(void *ctx, struct rte_mbuf *m, const struct base_addr *src, const struct base_addr *dst,
		   uint8_t tos, uint64_t now_ns)
{
	struct worker_tcp *t = ctx;

	net_ip_output(t->worker->net, m, src, dst, PROTO_TCP, tos, NET_PORT_ANY, now_ns);
}

static uint16_t path_mtu(void *ctx, const struct base_addr *src, const struct base_addr *dst, uint64_t now_ns)
{
	const struct worker_tcp *t = ctx;

	return net_path_mtu(t->worker->net, src, dst, now_ns);
}

static bool tso(void *ctx, const struct base_addr *src)
{
	const struct worker_tcp *t = ctx;
	int port = net_port_of(t->worker->shared, src);

	return port >= 0 && net_tso(t->worker->shared, (unsigned)port);
}

static bool owns(void *ctx, const struct net_tuple *f)
{
	const struct worker_tcp *t = ctx;

	return net_owner(t->worker->shared, &f->remote, &f->local, f->remote_port, f->local_port) ==
	       t->worker->core;
}

int worker_tcp_setup_init(struct worker_tcp_setup *setup, unsigned n_workers)
{
	*setup = (struct worker_tcp_setup){.n_workers = n_workers};
	tcp_config_default(&setup->config);
	setup->config.core_bytes = 0;
	if (getrandom(&setup->secrets, sizeof(setup->secrets), 0) != (ssize_t)sizeof(setup->secrets))
		return -EIO;
	return 0;
}

static struct rte_mempool *pool(const char *what, const struct worker *w, unsigned n, unsigned room)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "tcp-%s-%u", what, w->core);
	return rte_pktmbuf_pool_create(name, n, CACHE, 0, (uint16_t)room, SOCKET_ID_ANY);
}

int worker_tcp_open(struct worker_tcp *t, struct worker *w, const struct worker_tcp_setup *setup)
{
	struct tcp_config c = setup->config;
	struct tcp_env env = {.ctx = t, .output = output, .path_mtu = path_mtu, .tso = tso, .owns = owns};
	uint64_t seed;
	uint32_t truesize = rte_pktmbuf_data_room_size(w->pool) + (uint32_t)sizeof(struct rte_mbuf);

	*t = (struct worker_tcp){.worker = w};
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -EIO;
	t->tx = pool("tx", w, setup->tx_mbufs ? setup->tx_mbufs : TX_MBUFS,
		     rte_pktmbuf_data_room_size(w->pool));
	t->compact =
		pool("small", w, setup->compact_mbufs ? setup->compact_mbufs : COMPACT_MBUFS, COMPACT_ROOM);
	if (!t->tx || !t->compact) {
		/* where its memory has no room left DPDK says at times that there is no such piece of it */
		int rc = rte_errno && rte_errno != ENOENT ? -rte_errno : -ENOMEM;

		worker_tcp_close(t);
		return rc;
	}
	/* the reserve is for what devices and rings keep, and for what arrives */
	if (c.core_bytes == 0) {
		uint32_t size = w->pool->size;
		uint32_t reserve = w->reserve_mbufs && w->reserve_mbufs < size ? w->reserve_mbufs : size / 2;

		c.core_bytes = (uint64_t)(size - reserve) / setup->n_workers * truesize;
	}
	env.tx_pool = t->tx;
	env.compact_pool = t->compact;
	t->stack = tcp_stack_create(&c, &env, &setup->secrets, seed, base_clock_kernel());
	if (!t->stack) {
		int rc = -errno;

		worker_tcp_close(t);
		return rc;
	}
	if (w->tcp_stats)
		tcp_stats_place(t->stack, (struct tcp_stats *)w->tcp_stats);
	return 0;
}

void worker_tcp_close(struct worker_tcp *t)
{
	/* The pools stay until the process ends: devices and net's queues give their buffers back later. */
	tcp_stack_destroy(t->stack);
	t->stack = NULL;
}
