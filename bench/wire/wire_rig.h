/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring ports, net and workers as the dataplane has them, without its process around. */
#ifndef BENCH_WIRE_WIRE_RIG_H
#define BENCH_WIRE_WIRE_RIG_H

#include "bench/wire/echo_wire.h"
#include "dataplane/worker/worker.h"
#include "drivers/port.h"

enum { WIRE_RIG_WORKERS_MAX = 2 };

struct wire_rig {
	struct driver_pools pools;
	struct driver_port port;
	struct net_shared *shared;
	struct worker workers[WIRE_RIG_WORKERS_MAX];
	unsigned n_workers;
	atomic_bool stop;
	uint64_t counters[WIRE_RIG_WORKERS_MAX][WORKER_COUNTERS];
	struct echo_wire wire; /* on queue 0 */
};

/* Once a process: lcore 0 on cpu `main_cpu`, lcore 1 on `worker_cpu`. 0, or -1 with a line on stderr. */
int wire_rig_start(unsigned main_cpu, unsigned worker_cpu);
/* A port with a queue for each worker, at 198.18.1.2. 0, or -1 with a line on stderr. */
int wire_rig_open(struct wire_rig *r, unsigned index, unsigned n_workers);
void wire_rig_close(struct wire_rig *r);
/* Runs worker i on lcore 1 until wire_rig_halt(). */
void wire_rig_launch(struct wire_rig *r, unsigned i);
void wire_rig_halt(struct wire_rig *r);

#endif
