/* SPDX-License-Identifier: BSD-3-Clause */
/* A port: from devargs to queues that run. All of it happens on the cold thread before workers start. */
#ifndef DRIVERS_PORT_H
#define DRIVERS_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/devargs.h"

struct rte_mempool;
struct rte_ring;

enum { DRIVER_POOLS_MAX = 8, DRIVER_QUEUES_MAX = 64 };

/* One pool of packet buffers per NUMA node that has a port. */
struct driver_pools {
	unsigned mbufs;	    /* of each */
	unsigned data_room; /* bytes of a buffer behind its headroom */
	struct {
		int socket;
		struct rte_mempool *pool;
	} pools[DRIVER_POOLS_MAX];
	unsigned n;
};

struct driver_port_config {
	char name[32];
	unsigned index; /* of the port in this process: makes device names unique */
	struct driver_devargs device;
	unsigned workers;
	unsigned queues; /* 0: one a worker, as far as the device can */
	unsigned mtu;	 /* of IP; 0: the device's own */
	uint8_t mac[6];
	bool has_mac;
};

struct driver_port {
	struct driver_port_config config;
	uint16_t id; /* DPDK's */
	int socket;
	uint16_t rx_queues, tx_queues;
	uint16_t mtu;
	uint8_t mac[6];
	uint64_t tx_offloads;
	bool hash_is_ours; /* the device hashes with our key and tells the hash */
	int ifindex;	   /* of the kernel interface; 0: none */
	int membership;	   /* packet socket that holds the multicast memberships; -1: none */
	bool probed, started;
};

/* Attaches the device and learns what it can do; `config` is copied. Returns 0, or -errno and a line in
 * `why`. */
int driver_port_probe(struct driver_port *p, const struct driver_port_config *config, char *why,
		      size_t why_size);
/* Queues, RSS and start. `key` has 40 bytes, `table` 128 entries (hash → core); both may be NULL where
 * nothing is hashed. Same returns. */
int driver_port_start(struct driver_port *p, struct driver_pools *pools, const uint8_t *key,
		      const uint8_t *table, char *why, size_t why_size);
void driver_port_stop(struct driver_port *p);

/* The pool of a NUMA node, made at first use; NULL: no memory. */
struct rte_mempool *driver_pool_get(struct driver_pools *pools, int socket);

/* Ring ports, from the wire's side: what goes into `to` arrives on queue q, what the queue sends comes out of
 * `from`. NULL: the port is no ring. */
struct rte_ring *driver_ring_to(const struct driver_port *p, unsigned q);
struct rte_ring *driver_ring_from(const struct driver_port *p, unsigned q);
/* Makes the rings and the ethdev over them: used by driver_port_probe(). 0 or -errno. */
int driver_ring_open(struct driver_port *p, unsigned queues);

#endif
