/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/wire/wire_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "drivers/eal.h"

int wire_rig_start(unsigned main_cpu, unsigned worker_cpu)
{
	char dir[] = "/tmp/bench-wire-eal.XXXXXX", why[512] = "no directory in /tmp";
	struct driver_eal_config eal = {.program = "bench_wire",
					.runtime_dir = mkdtemp(dir),
					.memory = 256,
					.cold_cpus = &main_cpu,
					.n_cold_cpus = 1,
					.worker_cpus = &worker_cpu,
					.n_workers = 1};
	int rc = eal.runtime_dir ? driver_eal_start(&eal, why, sizeof(why)) : -1;

	rmdir(dir);
	if (rc)
		fprintf(stderr, "bench_wire: %s\n", why);
	return rc ? -1 : 0;
}

static struct net_shared *shared_new(const struct wire_rig *r)
{
	static const uint8_t own[4] = {198, 18, 1, 2};
	struct net_shared_config *c = calloc(1, sizeof(*c));
	struct net_shared *shared;
	const char *why = "no memory";

	if (!c)
		return NULL;
	c->n_cores = r->n_workers;
	c->n_ports = 1;
	c->seed = 1;
	for (unsigned i = 0; i < sizeof(c->rss_key); i++)
		c->rss_key[i] = (uint8_t)(i * 37 + 11);
	c->limits = (struct net_limits){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	c->ports[0] = (struct net_port_config){.dpdk_port = r->port.id,
					       .name = "bench",
					       .mtu = 1500,
					       .tx_queues = r->port.tx_queues,
					       .n_addresses = 1,
					       .addresses = {{base_addr_v4(own), 24}}};
	memcpy(c->ports[0].mac, r->port.mac, 6);
	shared = net_shared_create(c, &why);
	if (!shared)
		fprintf(stderr, "bench_wire: %s\n", why);
	free(c);
	return shared;
}

int wire_rig_open(struct wire_rig *r, unsigned index, unsigned n_workers)
{
	static const struct echo_peer peer = {
		.mac = {2, 0, 0, 0, 0, 1}, .ip = {198, 18, 1, 1}, .box_ip = {198, 18, 1, 2}, .id = 0x5350};
	struct driver_port_config c = {.name = "bench", .index = index, .workers = n_workers};
	char why[512];

	memset(r, 0, sizeof(*r));
	r->n_workers = n_workers;
	r->pools = (struct driver_pools){.mbufs = 8191, .data_room = 2048};
	driver_devargs_parse(&c.device, "ring:", why, sizeof(why));
	if (driver_port_probe(&r->port, &c, why, sizeof(why)) ||
	    driver_port_start(&r->port, &r->pools, NULL, NULL, why, sizeof(why))) {
		fprintf(stderr, "bench_wire: %s\n", why);
		return -1;
	}
	r->shared = shared_new(r);
	if (!r->shared)
		return -1;
	for (unsigned i = 0; i < n_workers; i++) {
		struct worker *w = &r->workers[i];

		w->core = i;
		w->shared = r->shared;
		w->stop = &r->stop;
		w->app = &worker_app_none;
		w->app_state = w;
		w->idle.poll = true;
		w->counters = r->counters[i];
		w->pool = driver_pool_get(&r->pools, r->port.socket);
		w->queues[w->n_queues++] =
			(struct worker_queue){.device = r->port.id, .queue = (uint16_t)i, .port = 0};
		w->net = net_create(r->shared, i, w->pool, &worker_app_none.l4, w, NULL);
		if (!w->net)
			return -1;
	}
	r->wire = (struct echo_wire){.peer = peer,
				     .to = driver_ring_to(&r->port, 0),
				     .from = driver_ring_from(&r->port, 0),
				     .pool = r->workers[0].pool};
	memcpy(r->wire.peer.box_mac, r->port.mac, 6);
	return 0;
}

void wire_rig_close(struct wire_rig *r)
{
	for (unsigned i = 0; i < r->n_workers; i++)
		net_destroy(r->workers[i].net);
	net_shared_destroy(r->shared);
	driver_port_stop(&r->port);
	for (unsigned i = 0; i < r->pools.n; i++)
		rte_mempool_free(r->pools.pools[i].pool);
}

void wire_rig_launch(struct wire_rig *r, unsigned i)
{
	atomic_store(&r->stop, false);
	rte_eal_remote_launch(worker_run, &r->workers[i], 1);
}

void wire_rig_halt(struct wire_rig *r)
{
	atomic_store(&r->stop, true);
	rte_eal_mp_wait_lcore();
}
