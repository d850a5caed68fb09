/* SPDX-License-Identifier: BSD-3-Clause */
/* What bench_tcp loads: one worker of ours on a ring port, with an application on each of a few TCP ports,
 * and the clients at the other end of the rings. */
#ifndef BENCH_TCP_TCP_BOX_H
#define BENCH_TCP_TCP_BOX_H

#include "bench/tcp/tcp_load.h"
#include "dataplane/worker/worker_tcp.h"
#include "drivers/port.h"

enum { TCP_BOX_CLOSE = 80, TCP_BOX_ECHO = 81, TCP_BOX_SINK = 82, TCP_BOX_SOURCE = 83, TCP_BOX_HOLD = 84 };

struct tcp_box {
	struct driver_pools pools;
	struct driver_port port;
	struct net_shared *shared;
	struct worker worker;
	uint64_t counters[WORKER_COUNTERS];
	struct worker_tcp tcp;
	struct worker_tcp_setup setup;
	struct load load;
	uint64_t busy; /* ticks of turns that did something */
	uint64_t accepted, closed, source_left;
	uint64_t sunk;
};

/* Takes a zeroed struct, with room for so many connections; ends the process when it cannot. */
void tcp_box_open(struct tcp_box *r, uint32_t connections);
/* turns until nothing happens; what the clients do in between is not counted */
void tcp_box_settle(struct tcp_box *r);

#endif
