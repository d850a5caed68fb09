/* SPDX-License-Identifier: BSD-3-Clause */
/* The partners and the pool on our own TCP and TLS: the other ends of a box's ring ports, on one worker of
 * its own that is never timed. */
#ifndef BENCH_EDGE_EDGE_GENERATOR_H
#define BENCH_EDGE_EDGE_GENERATOR_H

#include "bench/edge/edge_script.h"
#include "dataplane/tls/tls_tcp.h"
#include "dataplane/worker/worker_tcp.h"
#include "drivers/port.h"

enum { GENERATOR_EXTERNAL, GENERATOR_INTERNAL, GENERATOR_PORTS, GENERATOR_POOL_CONNS = 64 };

struct generator;

struct generator_conn {
	struct generator *generator;
	uint64_t id;
	bool partner, up, used;
	struct script_partner script;
	struct script_stream in; /* of the pool's */
};

struct generator {
	struct driver_port ports[GENERATOR_PORTS];
	struct net_shared *shared;
	struct worker worker;
	uint64_t counters[WORKER_COUNTERS];
	struct worker_tcp_setup setup;
	struct worker_tcp tcp;
	struct tls_tcp tls;
	struct tls_arena arena;
	struct tls_tcp_listener listener;
	const char *dir;
	unsigned n, up, lost;
	uint64_t begun, done, pooled; /* exchanges; requests that reached the pool */
	const char *wrong;
	char last[512]; /* what was wrong */
	struct generator_conn *partners;
	struct generator_conn pool[GENERATOR_POOL_CONNS];
};

/* `pools` are the box's; `n` partners with certificates in `dir`. 0 or -1, said on stderr. */
int generator_open(struct generator *g, struct driver_pools *pools, const char *dir, unsigned n);
/* The certificates of partners [first, first + count) at hand, at most GENERATOR_WORLD of them. */
enum { GENERATOR_WORLD = 120 };
int generator_world(struct generator *g, unsigned first, unsigned count);
/* partner i connects to the box, with the certificate that is at hand since generator_world(first) */
int generator_connect(struct generator *g, unsigned i, unsigned first);
/* partner i begins an exchange */
void generator_begin(struct generator *g, unsigned i, enum script_kind kind);
void generator_turn(struct generator *g);

#endif
